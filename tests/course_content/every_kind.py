"""The pack with one of each kind of exercise and step, as it stands or broken in one place."""

import shutil
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "packs" / "every-kind"

# The right answer to each exercise of its first lesson, as a browser posts it.
RIGHT: dict[str, dict[str, str | list[str]]] = {
    "sure-before": {"answer": "2"},
    "first": {"answer": "dsl"},
    "kind-things": {"answer": ["calm", "time"]},
    "steps": {"place-listen": "1", "place-tell": "2", "place-write": "3"},
    "proof": {"verdict": "false", "reason": "worry"},
    "whose": {"card-listen": "you", "card-refer": "dsl", "card-parents": "dsl"},
    "who-helps": {"card-danger": "emergency", "card-worry": "dsl", "card-talk": "childline"},
    "what-went-wrong": {"answer": ["two"]},
}

# The right answer to each kind of question in its quiz.
QUIZ: dict[str, dict[str, str | list[str]]] = {
    "sorting": {"card-tell": "do", "card-look": "never", "card-copy": "never"},
    "matching": {"card-one": "first", "card-two": "second", "card-three": "third"},
    "spotting": {"answer": ["blame"]},
    "reasoned": {"verdict": "true", "reason": "whole"},
}


def copy(folder: Path) -> Path:
    shutil.copytree(FOLDER, folder)
    return folder


def broken(folder: Path, file: str, old: str, new: str) -> Path:
    """A copy with the first `old` in `file` replaced by `new`."""
    copy(folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {file}"
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder

"""GIFT: questions as plain text (docs.moodle.org, "GIFT format")."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from course_content.exchange.items import Answer, Item, Left, Pair, per_cent

_SPECIAL = re.compile(r"([~=#{}:\\])")
# A special character that is none, because of the backslash before it, while a question is taken apart.
_ESCAPED = {char: chr(0xE000 + i) for i, char in enumerate("~=#{}:\\")}
_QUESTION = re.compile(
    r"(?:::(?P<name>.*?)::)?\s*(?:\[\w+\])?(?P<text>[^{]*)\{(?P<answers>.*)\}\s*", re.DOTALL
)
_PART = re.compile(r"([=~])((?:[^=~])*)")
_WEIGHT = re.compile(r"^%(-?\d+(?:\.\d+)?)%")


def write(items: Iterable[Item], *, category: str) -> str:
    """The items as GIFT, under a category. Tags go into a comment, as GIFT has no place for them."""
    return "\n\n".join([f"$CATEGORY: $course$/{category}", *(_question(item) for item in items)]) + "\n"


def _question(item: Item) -> str:
    lines = [f"// tags: {', '.join(item.tags)}"] if item.tags else []
    lines.append(f"::{_plain(item.id)}::[markdown]{_plain(item.text)}{{")
    for pair in item.pairs:
        lines.append(f"={_plain(pair.text)} -> {_plain(pair.partner)}")
    for answer in item.answers:
        feedback = f"#{_plain(answer.feedback)}" if answer.feedback else ""
        lines.append(f"{_sign(item, answer)}{_plain(answer.text)}{feedback}")
    lines.append(f"####{_plain(item.explanation)}")
    return "\n".join([*lines, "}"])


def _sign(item: Item, answer: Answer) -> str:
    if not item.several and answer.fraction >= 100:
        return "="
    return f"~%{per_cent(answer.fraction)}%" if answer.fraction else "~"


def _plain(text: str) -> str:
    # A blank line would end the question.
    return _SPECIAL.sub(r"\\\1", text).replace("\n", "\\n")


def read(text: str) -> tuple[list[Item], list[Left]]:
    """The questions of a text that we have a kind for, and those that we have none for."""
    items: list[Item] = []
    left: list[Left] = []
    for line, tags, block in _blocks(text):
        found = _QUESTION.fullmatch(_hidden(block))
        if found is None:
            why = "it is no GIFT question with its answers in braces at the end"
            left.append(Left(line, _shown(block)[:60], why))
            continue
        name = _shown(found["name"] or "").strip()
        item = Item(name, _shown(found["text"]).strip(), "", tags=tags, line=line)
        taken = _with_answers(item, found["answers"])
        if isinstance(taken, str):
            left.append(Left(line, name or item.text[:60], taken))
        else:
            items.append(taken)
    return items, left


def _blocks(text: str) -> Iterator[tuple[int, tuple[str, ...], str]]:
    """Each question with the line it begins on, and the tags of the comment before it."""
    start, tags, lines = 0, (), []  # type: tuple[int, tuple[str, ...], list[str]]
    for number, line in enumerate([*text.replace("\r\n", "\n").split("\n"), ""], 1):
        if line.startswith("//"):
            if line.startswith("// tags:"):
                tags = tuple(tag.strip() for tag in line[8:].split(",") if tag.strip())
        elif line.startswith("$CATEGORY:"):
            continue
        elif line.strip():
            start = start or number
            lines.append(line)
        elif lines:
            yield start, tags, "\n".join(lines)
            start, tags, lines = 0, (), []


def _with_answers(item: Item, answers: str) -> Item | str:
    """The item with its answers; or why there are none that we could take."""
    answers, _, explanation = answers.partition("####")
    item = replace(item, explanation=_shown(explanation).strip())
    verdict, *feedback = answers.strip().split("#")
    if verdict.strip().upper() in {"T", "TRUE", "F", "FALSE"}:
        is_true = verdict.strip().upper() in {"T", "TRUE"}
        said = [_shown(part).strip() for part in feedback]
        # The first feedback is for the wrong answer, the second for the right one.
        wrong, right = (*said, "", "")[:2]
        pair = (("True", is_true), ("False", not is_true))
        return replace(
            item, answers=tuple(Answer(t, 100 if r else 0, right if r else wrong) for t, r in pair)
        )
    if answers.strip().startswith("#"):
        return "numerical questions have no like here"
    parts = _PART.findall(answers)
    if not parts:
        return "essays have no like here"
    if all(sign == "=" and "->" in text for sign, text in parts):
        halves = (text.split("->", 1) for _, text in parts)
        return replace(item, pairs=tuple(Pair(_shown(a).strip(), _shown(b).strip()) for a, b in halves))
    if all(sign == "=" for sign, _ in parts):
        return "short answers have no like here"
    made = tuple(_answer(sign, text) for sign, text in parts)
    several = not any(sign == "=" for sign, _ in parts)
    return replace(item, answers=made, several=several)


def _answer(sign: str, text: str) -> Answer:
    text = text.strip()
    weight = _WEIGHT.match(text)
    answer, _, feedback = (text[weight.end() :] if weight else text).partition("#")
    fraction = float(weight[1]) if weight else 100 if sign == "=" else 0
    return Answer(_shown(answer).strip(), fraction, _shown(feedback).strip())


def _hidden(text: str) -> str:
    """The text with escaped characters out of the way."""
    return re.sub(r"\\([~=#{}:\\])", lambda m: _ESCAPED[m[1]], text).replace("\\n", "\n")


def _shown(text: str) -> str:
    for char, hidden in _ESCAPED.items():
        text = text.replace(hidden, char)
    return text

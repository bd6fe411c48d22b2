from pathlib import Path

import pytest

from course_content.packs import check_pack
from tests.course_content import every_kind
from tests.course_content.small_pack import line_of

TRY, BACK, QUIZ = "lessons/01-try.md", "lessons/02-look-back.md", "quiz.yaml"


def test_a_pack_with_every_kind_has_no_problem() -> None:
    assert [str(p) for p in check_pack(every_kind.FOLDER).problems] == []


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "field", "message"),
    [
        (TRY, "goes_to: you,", "goes_to: them,", "goes_to: them", "exercises[6].cards[1].goes_to", "'them'"),
        (TRY, "{id: refer,", "{id: listen,", "Decide who", "exercises[6].cards[2].id", "used twice"),
        (
            TRY,
            "goes_to: childline",
            "goes_to: dsl",
            "A child who wants",
            "exercises[7].cards[3].goes_to",
            "is the partner of another card already",
        ),
        (TRY, "reason: worry", "reason: hunch", "reason: hunch", "exercises[5].reason", "'hunch' is not one"),
        (TRY, "{id: later,", '{id: "true",', "Proof can", "exercises[5].reasons[3].id", "use another id"),
        (TRY, "answer: [two]", "answer: [six]", "answer: [six]", "exercises[8].answer", "one of the lines"),
        (
            TRY,
            "answer: [two]",
            "answer: [one, two, three, four]",
            "answer: [one, two",
            "exercises[8].answer",
            "at least one line that did not go wrong",
        ),
        (TRY, "id: first\n", "id: steps\n", "id: steps", "exercises[4].id", "'steps' is used twice"),
        (
            TRY,
            "    prompt: Whom do you tell?",
            "    critical: true\n    prompt: Whom do you tell?",
            "critical: true",
            "exercises[2].critical",
            "only a quiz has 'critical'",
        ),
        (TRY, "::: exercise proof", "::: exercise prof", "exercise prof", "body", "no exercise 'prof'"),
        (TRY, "::: exercise proof", "::: exercise steps", "", "body", "'steps' is placed twice"),
        (
            TRY,
            "levels: [Not at all sure, A little sure, Fairly sure, Very sure]",
            "levels: [No, Yes]",
            "levels:",
            "exercises[1].levels",
            "needs at least 3",
        ),
        (TRY, "kind: confidence", "kind: hope", "kind: hope", "exercises[1].kind", "must be one of"),
        (BACK, "before: sure-before", "before: hope", "before: hope", "exercises[1].before", "no other"),
        (BACK, "Fairly sure, ", "", "before:", "exercises[1].before", "in the same way"),
        (QUIZ, "    topic: sorting\n", "", "- id: sorting-a", "questions[1]", "needs a 'topic'"),
    ],
)
def test_what_is_wrong_is_reported_with_its_line(
    tmp_path: Path, file: str, old: str, new: str, line: str, field: str, message: str
) -> None:
    folder = every_kind.broken(tmp_path / "pack", file, old, new)
    report = check_pack(folder)
    found = [p for p in report.problems if p.file == file and message in p.message]
    assert [p.field for p in found] == [field], [str(p) for p in report.problems]
    if line:
        after = "id: steps" if old == "id: first\n" else ""
        assert found[0].line == line_of(folder, file, line, after)
    assert report.module is None

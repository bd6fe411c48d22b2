from pathlib import Path
from typing import NamedTuple

import pytest

from course_content.pack_problems import PackError, PackProblem
from course_content.packs import check_pack, content_hash, read_pack
from course_content.schema import Module
from tests.course_content.small_pack import FILES, broken_pack, line_of, write_pack


def test_a_good_pack_becomes_a_module(small: Module) -> None:
    assert small.slug == "small"
    assert [s.slug for s in small.steps] == ["first", "door", "quiz"]
    assert small.lessons[0].body.startswith("Tell your **DSL**.")
    assert small.scenarios[0].nodes["knock"].id == "knock"
    assert small.quiz is not None
    assert len(small.quiz.questions) == 6
    assert small.pass_mark == 80
    assert small.is_draft


def test_a_good_pack_has_no_problems(tmp_path: Path) -> None:
    assert check_pack(write_pack(tmp_path)).problems == ()


def test_a_problem_prints_as_file_line_field_message() -> None:
    problem = PackProblem("lessons/02.md", 3, "minutes", "must be a whole number")
    assert str(problem) == "lessons/02.md:3: minutes: must be a whole number"


class Broken(NamedTuple):
    file: str
    old: str
    new: str
    # The line to mend is the first of the file that holds this (below `after`, if given).
    line: str
    field: str
    message: str
    severity: str = "error"
    # The file that is reported, if it is not the one that was broken.
    reported: str | None = None
    after: str = ""


LESSON, SCENARIO, QUIZ = "lessons/01-first.md", "scenarios/01-door.yaml", "quiz.yaml"
MODULE, GUIDANCE, CLAIMS = "module.yaml", "guidance.yaml", "claims.yaml"

BROKEN = {
    # shapes, in an author's words
    "not a whole number": Broken(
        LESSON, "minutes: 1", "minutes: one", "minutes: one", "minutes", "must be a whole number"
    ),
    "missing field": Broken(LESSON, "title: The first lesson\n", "", "---", "title", "is missing"),
    "misspelt field": Broken(SCENARIO, "intro:", "introo:", "introo:", "introo", "is not a field here"),
    "missing field in a list": Broken(
        QUIZ,
        "    prompt: Which are right?\n",
        "",
        "- id: which",
        "questions[2].prompt",
        "is missing",
    ),
    "unknown verdict": Broken(
        SCENARIO,
        "verdict: poor",
        "verdict: meh",
        "verdict: meh",
        "nodes.knock.choices[2].verdict",
        "must be one of",
    ),
    "unknown kind of question": Broken(
        QUIZ,
        "kind: multiple",
        "kind: essay",
        "kind: essay",
        "questions[2].kind",
        "must be one of",
    ),
    "no kind of question": Broken(
        QUIZ, "    kind: multiple\n", "", "- id: which", "questions[2]", "needs a 'kind'"
    ),
    "number for text": Broken(
        MODULE, 'version: "1.0"', "version: 1.0", "version: 1.0", "version", "must be text"
    ),
    "bad version": Broken(MODULE, '"1.0"', '"one"', 'version: "one"', "version", "must be numbers with dots"),
    "bad status": Broken(
        MODULE, "status: draft", "status: fine", "status: fine", "status", "must be 'draft' or"
    ),
    "bad slug": Broken(MODULE, "slug: small", "slug: Small One", "slug: Small", "slug", "small letters"),
    "empty text": Broken(MODULE, "A small module", '""', "title:", "title", "must not be empty"),
    "not a date": Broken(
        GUIDANCE,
        "2027-03-01",
        "next spring",
        "next spring",
        "guidance[1].review_by",
        "must be a date such as",
    ),
    "not true or false": Broken(
        CLAIMS,
        "verified: true",
        "verified: perhaps",
        "verified: perhaps",
        "claims[1].verified",
        "must be true or false",
    ),
    "text where a list belongs": Broken(
        CLAIMS, "[overview]", "overview", "sources:", "claims[1].sources", "must be a list"
    ),
    "no questions": Broken(
        MODULE,
        "outcomes:\n  - Know who to tell",
        "outcomes: []",
        "outcomes:",
        "outcomes",
        "needs at least 1",
    ),
    "ending without an outcome": Broken(
        SCENARIO,
        "      outcome: good\n",
        "",
        "ending:",
        "nodes.inside.ending.outcome",
        "is missing",
    ),
    # the file itself
    "broken YAML": Broken(QUIZ, "draw: 2", "draw: [2", "critical_at_least", "", "is not good YAML"),
    "impossible date": Broken(GUIDANCE, "2027-03-01", "2027-13-41", "guidance:", "", "is not good YAML"),
    "python object": Broken(
        CLAIMS,
        "text: Tell the DSL.",
        "text: !!python/name:os.system ''",
        "!!python",
        "",
        "is not good YAML",
    ),
    "repeated key": Broken(
        SCENARIO,
        "title: At the door",
        "title: At the door\ntitle: At the gate",
        "At the gate",
        "title",
        "is given twice",
    ),
    "repeated node": Broken(
        SCENARIO,
        "  inside:",
        "  again:\n    text: Hm\n  inside:",
        "  again:",
        "nodes.again",
        "is given twice",
        after="verdict: harmful",
    ),
    "alias": Broken(
        CLAIMS,
        "text: Tell the DSL.",
        "text: &t Tell\n    note: *t",
        "note: *t",
        "",
        "aliases",
    ),
    "too deep": Broken(CLAIMS, "text: Tell the DSL.", "text: " + "[" * 30 + "]" * 30, "[[[", "", "deep"),
    "no front matter": Broken(LESSON, "---\nslug", "slug", "slug", "", "must begin with front matter"),
    # the register
    "unknown source": Broken(
        CLAIMS,
        "[overview]",
        "[overview, hearsay]",
        "hearsay",
        "claims[1].sources[2]",
        "there is no guidance 'hearsay'",
    ),
    "claim used twice": Broken(
        CLAIMS,
        "claims:\n",
        "claims:\n  - {id: tell, text: T, sources: [overview], nation: uk, verified: true}\n",
        "  - id: tell",
        "claims[2].id",
        "'tell' is used twice",
    ),
    "unknown claim in a lesson": Broken(
        LESSON, "[tell]", "[tell, guess]", "guess", "claims[2]", "there is no claim 'guess'"
    ),
    "unknown claim in a scenario": Broken(
        SCENARIO, "[tell]", "[guess]", "guess", "claims[1]", "there is no claim 'guess'"
    ),
    "unknown claim in a question": Broken(
        QUIZ,
        "claims: [tell]",
        "claims: [guess]",
        "guess",
        "questions[1].claims[1]",
        "there is no claim 'guess'",
    ),
    "unknown claim of a helpline": Broken(
        MODULE,
        "claims: [tell]",
        "claims: [guess]",
        "guess",
        "helplines[1].claims[1]",
        "there is no claim 'guess'",
    ),
    "no claims": Broken(LESSON, "claims: [tell]\n", "", "---", "claims", "names no claim", "warning"),
    "unused claim": Broken(
        CLAIMS,
        "claims:\n",
        "claims:\n  - {id: spare, text: T, sources: [overview], nation: uk, verified: true}\n",
        "spare",
        "claims[1]",
        "nothing in the pack rests on 'spare'",
        "warning",
    ),
    "reviewed on unverified claims": Broken(
        CLAIMS,
        "verified: true",
        "verified: false\n    note: see below",
        "status:",
        "status",
        "cannot be reviewed while claims are unverified: tell",
        reported=MODULE,
    ),
    "review before check": Broken(
        GUIDANCE,
        "review_by: 2027-03-01",
        "review_by: 2026-03-01",
        "review_by",
        "guidance[1].review_by",
        "must be later",
    ),
    "guidance off the list of hosts": Broken(
        GUIDANCE,
        "https://www.gov.uk/overview",
        "https://gov.uk.example.com/",
        "example.com",
        "guidance[1].url",
        "must be an https link",
    ),
    # steps
    "step file not there": Broken(
        MODULE,
        "lessons/01-first.md",
        "lessons/02-second.md",
        "02-second",
        "steps[1]",
        "there is no file 'lessons/02-second.md'",
    ),
    "step outside the pack": Broken(
        MODULE, "lessons/01-first.md", "../../secrets.md", "secrets", "steps[1]", "there is no file"
    ),
    "step file not used": Broken(
        MODULE,
        "  - scenarios/01-door.yaml\n",
        "",
        "slug",
        "",
        "is not among the steps",
        reported=SCENARIO,
    ),
    "step listed twice": Broken(
        MODULE,
        "  - quiz.yaml",
        "  - lessons/01-first.md\n  - quiz.yaml",
        "- lessons/01-first.md",
        "steps[3]",
        "is listed twice",
        after="scenarios/01-door",
    ),
    "two steps of one slug": Broken(
        SCENARIO,
        "slug: door",
        "slug: first",
        "slug: first",
        "slug",
        "'first' is used by another step too",
    ),
    "minutes do not add up": Broken(
        MODULE,
        "minutes: 4",
        "minutes: 20",
        "minutes: 20",
        "minutes",
        "says 20, but the steps add up to 4",
    ),
    # scenarios
    "unknown start": Broken(
        SCENARIO, "start: knock", "start: bell", "start: bell", "start", "there is no node 'bell'"
    ),
    "choice to nowhere": Broken(
        SCENARIO,
        "goes_to: again",
        "goes_to: away",
        "goes_to: away",
        "nodes.knock.choices[2].goes_to",
        "there is no node 'away'",
    ),
    "dead end": Broken(
        SCENARIO,
        "  inside:\n",
        "  stuck:\n    text: Now what?\n  inside:\n",
        "stuck:",
        "nodes.stuck",
        "is a dead end",
    ),
    "unreachable": Broken(
        SCENARIO,
        "  inside:\n",
        "  loft:\n    ending: {outcome: poor, title: Up, debrief: Down.}\n  inside:\n",
        "loft:",
        "nodes.loft",
        "cannot be reached",
    ),
    "loop with no way out": Broken(
        SCENARIO,
        "        reason: Better late.\n        goes_to: inside",
        "        reason: Better late.\n        goes_to: again",
        "  again:",
        "nodes.again",
        "loop with no way out",
    ),
    "one choice": Broken(
        SCENARIO,
        "      - id: wait\n        text: Wait some more\n        verdict: harmful\n"
        "        reason: They are still there.\n        goes_to: again\n",
        "",
        "choices:",
        "nodes.again.choices",
        "at least two choices",
        after="They knock again",
    ),
    "repeated choice": Broken(
        SCENARIO,
        "id: ignore",
        "id: open",
        "- id: open",
        "nodes.knock.choices[2].id",
        "'open' is used twice",
        after="reason: Good.",
    ),
    "ending with choices": Broken(
        SCENARIO,
        "  inside:\n",
        "  inside:\n    choices:\n      - {id: x, text: X, verdict: best, reason: R, goes_to: inside}\n",
        "choices:",
        "nodes.inside.choices",
        "an ending offers no choices",
        after="  inside:",
    ),
    "node without text": Broken(
        SCENARIO, "    text: They knock again.\n", "", "  again:", "nodes.again", "needs 'text'"
    ),
    "recommended path not on offer": Broken(
        SCENARIO,
        "recommended: [open]",
        "recommended: [sing]",
        "recommended:",
        "recommended[1]",
        "'sing' is not a choice at 'knock'",
    ),
    "recommended path goes on too long": Broken(
        SCENARIO,
        "recommended: [open]",
        "recommended: [open, open]",
        "recommended:",
        "recommended[2]",
        "'open' is not a choice at 'inside'",
    ),
    "recommended path stops short": Broken(
        SCENARIO,
        "recommended: [open]",
        "recommended: [ignore]",
        "recommended:",
        "recommended",
        "stops before an ending",
    ),
    "recommended path takes a poor choice": Broken(
        SCENARIO,
        "recommended: [open]",
        "recommended: [ignore, open-now]",
        "recommended:",
        "recommended[1]",
        "is marked 'poor'",
    ),
    "recommended path ends badly": Broken(
        SCENARIO,
        "outcome: good",
        "outcome: mixed",
        "recommended:",
        "recommended",
        "whose outcome is 'mixed'",
    ),
    # the quiz
    "bank too small": Broken(
        QUIZ, "draw: 2", "draw: 3", "draw: 3", "draw", "the bank must hold at least 3 times"
    ),
    "too few critical": Broken(
        QUIZ,
        "critical_at_least: 1",
        "critical_at_least: 2",
        "critical_at_least",
        "critical_at_least",
        "asks for 2; the bank has 1",
    ),
    "question used twice": Broken(
        QUIZ,
        "- id: which",
        "- id: who",
        "- id: who",
        "questions[2].id",
        "'who' is used twice",
        after="answer: [dsl]",
    ),
    "option used twice": Broken(
        QUIZ,
        "{id: nobody",
        "{id: dsl",
        "text: Nobody",
        "questions[1].options[2].id",
        "'dsl' is used twice",
    ),
    "answer is no option": Broken(
        QUIZ,
        "answer: [dsl]",
        "answer: [head]",
        "answer: [head]",
        "questions[1].answer",
        "'head' is not one of the options",
    ),
    "single with two answers": Broken(
        QUIZ,
        "answer: [dsl]",
        "answer: [dsl, friend]",
        "answer: [dsl, friend]",
        "questions[1].answer",
        "exactly one answer",
    ),
    "multiple with no wrong option": Broken(
        QUIZ,
        "answer: [calm, kind]",
        "answer: [calm, kind, cross]",
        "cross]",
        "questions[2].answer",
        "at least one wrong option",
    ),
    "answer named twice": Broken(
        QUIZ,
        "answer: [calm, kind]",
        "answer: [calm, calm]",
        "[calm, calm]",
        "questions[2].answer",
        "names an option twice",
    ),
    "ordering that leaves one out": Broken(
        QUIZ,
        "answer: [one, two, three]",
        "answer: [one, two]",
        "[one, two]",
        "questions[3].answer",
        "must list every option once",
    ),
    # text
    "image": Broken(
        LESSON,
        "Tell your",
        "![x](https://www.gov.uk/x.png) Tell your",
        "![x]",
        "body",
        "images are not allowed",
    ),
    "image in HTML": Broken(
        SCENARIO, "Somebody knocks.", "<IMG src=x>", "<IMG", "intro", "images are not allowed"
    ),
    "data URI": Broken(
        QUIZ,
        "Calm and kind.",
        '"[x](data:image/png;base64,AA)"',
        "data:",
        "questions[2].explanation",
        "images are not allowed",
    ),
    "HTML": Broken(LESSON, "Tell your", "<b>Tell</b> your", "<b>", "body", "HTML is not allowed"),
    "upload": Broken(
        LESSON, "Tell your", '<input type="file"> Tell', "<input", "body", "HTML is not allowed"
    ),
    "link off the list": Broken(
        LESSON,
        "https://www.gov.uk/overview",
        "https://example.com/x",
        "example.com",
        "body",
        "links to 'https://example.com/x'",
    ),
    "link that only looks official": Broken(
        LESSON,
        "https://www.gov.uk/overview",
        "https://gov.uk@example.com/x",
        "example.com",
        "body",
        "not https or not on the list",
    ),
    "link by http": Broken(
        LESSON,
        "https://www.gov.uk/overview",
        "http://www.gov.uk/x",
        "http:",
        "body",
        "not https or not on the list",
    ),
    "link by reference": Broken(
        LESSON,
        "See [the overview](https://www.gov.uk/overview).",
        "See [it].\n\n[it]: //example.com/x",
        "[it]:",
        "body",
        "links to '//example.com/x'",
    ),
    "bare link": Broken(
        SCENARIO,
        "reason: Good.",
        "reason: See https://example.com.",
        "example.com",
        "nodes.knock.choices[1].reason",
        "links to 'https://example.com'",
    ),
    "script link": Broken(
        LESSON,
        "https://www.gov.uk/overview",
        "javascript:alert(1)",
        "javascript",
        "body",
        "links to",
    ),
    "blaming word": Broken(
        SCENARIO,
        "reason: Good.",
        "reason: |\n          Fine.\n          They were asking for it.",
        "asking for it",
        "nodes.knock.choices[1].reason",
        "words not to use",
    ),
    "hard to read": Broken(
        LESSON,
        "Tell your **DSL**.",
        "Notwithstanding institutional considerations, practitioners encountering unanticipated"
        " disclosures necessarily prioritise immediate communication with designated safeguarding"
        " professionals irrespective of organisational inconvenience. " * 6,
        "---",
        "",
        "aim for 12 to 13",
        "warning",
    ),
}


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_wrong_is_reported_with_its_line(case: Broken, tmp_path: Path) -> None:
    folder = broken_pack(tmp_path, case.file, case.old, case.new)
    if case.reported == MODULE and case.field == "status":
        _mark_as_reviewed(folder)
    file = case.reported or case.file
    report = check_pack(folder)
    found = [p for p in report.problems if case.message in p.message and p.file == file]
    assert found, [str(p) for p in report.problems]
    line = line_of(folder, file, case.line, case.after)
    assert (found[0].line, found[0].field, found[0].severity) == (line, case.field, case.severity)
    assert (report.module is None) == (case.severity == "error")


def _mark_as_reviewed(folder: Path) -> None:
    text = FILES[MODULE].replace("status: draft", "status: reviewed by A Reviewer on 2026-11-22")
    (folder / MODULE).write_text(text)


def test_every_problem_is_collected_not_just_the_first(tmp_path: Path) -> None:
    files = {
        MODULE: FILES[MODULE].replace("minutes: 4", "minutes: 5"),
        LESSON: FILES[LESSON].replace("minutes: 1", "minutes: 0"),
        QUIZ: FILES[QUIZ].replace("answer: [dsl]", "answer: [x]").replace("draw: 2", "draw: 9"),
    }
    report = check_pack(write_pack(tmp_path, **files))
    assert [(p.file, p.field) for p in report.problems] == [
        (LESSON, "minutes"),
        (QUIZ, "draw"),
        (QUIZ, "questions[1].answer"),
    ]


def test_read_pack_raises_with_all_the_problems(tmp_path: Path) -> None:
    folder = broken_pack(tmp_path, SCENARIO, "start: knock", "start: bell")
    with pytest.raises(PackError) as raised:
        read_pack(folder)
    assert [str(p) for p in raised.value.problems] == [
        "scenarios/01-door.yaml:6: start: there is no node 'bell'"
    ]


def test_a_missing_folder_is_a_problem(tmp_path: Path) -> None:
    report = check_pack(tmp_path / "nowhere")
    assert "there is no folder" in report.problems[0].message


@pytest.mark.parametrize("file", [MODULE, GUIDANCE, CLAIMS])
def test_a_missing_file_is_a_problem(file: str, tmp_path: Path) -> None:
    report = check_pack(write_pack(tmp_path, **{file: None}))
    assert (file, "is missing from the pack") in [(p.file, p.message) for p in report.problems]
    assert report.module is None


@pytest.mark.parametrize("name", ["picture.png", "lessons/clip.mp4", "lessons/far/deep/x.md", "a.html"])
def test_a_file_that_has_no_place_in_a_pack_is_refused(name: str, tmp_path: Path) -> None:
    report = check_pack(write_pack(tmp_path, **{name: "x"}))
    assert [(p.file, p.line) for p in report.problems] == [(name, 1)]
    assert "is not a file of a pack" in report.problems[0].message


def test_a_readme_is_welcome_and_is_not_content(tmp_path: Path) -> None:
    plain = read_pack(write_pack(tmp_path / "a"))
    noted = read_pack(write_pack(tmp_path / "b", **{"README.md": "For <b>authors</b>."}))
    assert noted.content_hash == plain.content_hash


def test_a_file_too_large_is_refused_unread(tmp_path: Path) -> None:
    report = check_pack(write_pack(tmp_path, **{LESSON: FILES[LESSON] + "a " * 200_000}))
    assert (LESSON, "is larger than 256 kB") in [(p.file, p.message) for p in report.problems]


def test_a_link_to_a_file_elsewhere_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "secret.md"
    outside.write_text(FILES[LESSON])
    folder = write_pack(tmp_path / "pack", **{LESSON: None})
    (folder / "lessons").mkdir()
    (folder / LESSON).symlink_to(outside)
    report = check_pack(folder)
    assert any(p.file == LESSON and "ordinary file" in p.message for p in report.problems)


def test_a_file_that_is_not_text_is_refused_with_its_line(tmp_path: Path) -> None:
    folder = write_pack(tmp_path)
    (folder / LESSON).write_bytes(FILES[LESSON].encode() + b"caf\xe9\n")
    report = check_pack(folder)
    found = [p for p in report.problems if "UTF-8" in p.message]
    assert [(p.file, p.line) for p in found] == [(LESSON, FILES[LESSON].count("\n") + 1)]


def test_a_pack_of_too_many_files_is_refused(tmp_path: Path) -> None:
    folder = write_pack(tmp_path, **{f"lessons/x{n}.md": "x" for n in range(450)})
    assert "more than 400 files" in check_pack(folder).problems[0].message


def test_an_alias_bomb_is_refused_at_once(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 15)
    )
    report = check_pack(write_pack(tmp_path, **{CLAIMS: bomb}))
    found = [p for p in report.problems if "aliases" in p.message]
    assert [(p.file, p.line) for p in found] == [(CLAIMS, 2)]


def test_the_hash_follows_the_content_and_nothing_else(tmp_path: Path) -> None:
    one = read_pack(write_pack(tmp_path / "one"))
    same = read_pack(write_pack(tmp_path / "another-name"))
    changed = read_pack(broken_pack(tmp_path / "changed", LESSON, "Tell your", "Always tell your"))
    assert one.content_hash == same.content_hash
    assert one.content_hash != changed.content_hash
    assert len(one.content_hash) == 64


def test_the_hash_keeps_files_apart_and_forgives_windows_line_ends() -> None:
    assert content_hash([("a", b"xy"), ("b", b"")]) != content_hash([("a", b"x"), ("b", b"y")])
    assert content_hash([("a", b"x\r\ny")]) == content_hash([("a", b"x\ny")])
    assert content_hash([("a", b"x"), ("b", b"y")]) == content_hash([("b", b"y"), ("a", b"x")])


def test_a_module_cannot_be_changed(small: Module) -> None:
    with pytest.raises(ValueError, match="frozen"):
        small.title = "Another"

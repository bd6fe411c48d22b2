"""One text for many readers: what each of them gets, and what an author is told of a slip."""

from pathlib import Path

import pytest

from course_content.packs import PackReport, check_pack, read_pack
from course_content.schema import Module
from course_content.sources import Source, read_markdown, read_yaml
from course_content.variants import (
    AUDIENCES,
    NATIONS,
    BadSelector,
    Readers,
    Variant,
    asks_of,
    fits,
    resolve,
)
from tests.course_content.small_pack import write_pack

ENGLAND = Variant("england", "school")
SCOTLAND = Variant("scotland", "police")


def read(text: str, variant: Variant = ENGLAND, **terms: str) -> object:
    """What a YAML text comes to for these readers; nothing may be wrong with it."""
    resolved = resolve(source(text), Readers(variant, terms))
    assert resolved.faults == ()
    return resolved.source.data


def source(text: str) -> Source:
    found, faults = read_yaml("x.yaml", text)
    assert faults == []
    return found


def faults_of(text: str, **readers: object) -> list[tuple[int, str]]:
    """What an author is told of a YAML text: line and words."""
    resolved = resolve(source(text), Readers(ENGLAND, **readers))  # type: ignore[arg-type]
    return [(fault.line, fault.message) for fault in resolved.faults]


# --- selectors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selector", "fit"),
    [
        ("england", True),
        ("scotland", False),
        ("scotland, england", True),
        ("not scotland", True),
        ("not england", False),
        ("england & school", True),
        ("england & police", False),
        ("england & not school, wales", False),
        ("uk", True),
        ("not uk", False),
        ("education & not scotland", True),
        ("partner", False),
        ("en", True),
        ("cy", False),
    ],
)
def test_a_selector_means_some_readers(selector: str, fit: bool) -> None:
    assert fits(selector, ENGLAND) is fit


@pytest.mark.parametrize("selector", ["englnad", "", "not", "england &", "not not england", "england school"])
def test_a_selector_that_names_nobody_is_refused(selector: str) -> None:
    with pytest.raises(BadSelector):
        fits(selector, ENGLAND)


def test_every_nation_and_audience_can_be_named_and_excluded() -> None:
    for nation in NATIONS:
        for audience in AUDIENCES:
            variant = Variant(nation, audience)
            assert fits(f"{nation} & {audience}", variant)
            assert not fits(f"not {nation}", variant)
            assert not fits(f"not {audience}", variant)


# --- what readers get -----------------------------------------------------------------------------


def test_an_item_may_be_for_some_alone() -> None:
    text = "options:\n  - {id: a, for: scotland}\n  - {id: b, for: not scotland}\n  - {id: c}\n"
    assert read(text) == {"options": [{"id": "b"}, {"id": "c"}]}
    assert read(text, SCOTLAND) == {"options": [{"id": "a"}, {"id": "c"}]}


def test_a_plain_item_may_be_for_some_alone() -> None:
    text = "claims:\n  - one\n  - {for: scotland, use: two}\n"
    assert read(text) == {"claims": ["one"]}
    assert read(text, SCOTLAND) == {"claims": ["one", "two"]}


def test_a_node_may_be_for_some_alone() -> None:
    text = "nodes:\n  a:\n    for: scotland\n    text: x\n  b:\n    text: y\n"
    assert read(text) == {"nodes": {"b": {"text": "y"}}}


def test_a_value_may_differ_and_the_first_that_fits_is_taken() -> None:
    text = "verdict: {scotland: poor, england & school: fair, england: good, otherwise: bad}"
    assert read(text) == {"verdict": "fair"}
    assert read(text, SCOTLAND) == {"verdict": "poor"}
    assert read(text, Variant("wales", "school")) == {"verdict": "bad"}


def test_a_field_may_be_left_out_for_the_others() -> None:
    text = "a: 1\nb: {scotland: 2, otherwise: null}\n"
    assert read(text) == {"a": 1}
    assert read(text, SCOTLAND) == {"a": 1, "b": 2}


def test_a_value_that_differs_may_hold_others_that_do() -> None:
    text = "a:\n  wales: {cy: x, otherwise: y}\n  otherwise:\n    - {for: school, use: s}\n    - t\n"
    assert read(text, Variant("wales", "school")) == {"a": "y"}
    assert read(text, Variant("wales", "school", "cy")) == {"a": "x"}
    assert read(text) == {"a": ["s", "t"]}
    assert read(text, SCOTLAND) == {"a": ["t"]}


def test_terms_are_put_in_and_take_a_capital() -> None:
    text = 'a: "Your $dsl, your ${dsl}s. ${Dsl}! $$5"'
    assert read(text, dsl="lead") == {"a": "Your lead, your leads. Lead! $5"}


def test_numbers_and_dates_stay_what_they_are() -> None:
    assert read("a: 3\nb: true\nc: 2.5\n") == {"a": 3, "b": True, "c": 2.5}


def test_paragraphs_for_others_leave_their_lines_empty() -> None:
    text = "---\nslug: a\n---\none\n::: only scotland\ntwo\n::: never\nthree\n:::\n::: /only\nfour\n"
    found, _ = read_markdown("x.md", text)
    dropped = resolve(found, Readers(ENGLAND))
    assert dropped.faults == ()
    resolved = dropped.source
    assert resolved.body == "one\n\n\n\n\n\n\nfour"
    assert resolved.data["body"] == resolved.body
    assert resolve(found, Readers(SCOTLAND)).source.body == "one\n\ntwo\n::: never\nthree\n:::\n\nfour"


def test_a_text_that_is_checked_says_so_only_where_it_is_not() -> None:
    text = "a: Do not delete it [?deleting]."
    found = source(text)
    for verified, said in ((False, "Do not delete it (being checked)."), (True, "Do not delete it.")):
        resolved = resolve(found, Readers(ENGLAND, verified={"deleting": verified}))
        assert (resolved.source.data, resolved.faults) == ({"a": said}, ())


# --- what an author is told -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb:\n  - {for: englnad, x: 1}\n", 3, "'englnad'"),
        ("a:\n  scotlnad: 1\n  otherwise: 2\n", 2, "'scotlnad'"),
        ("a: |\n  one\n  two $nothing\n", 3, "no term 'nothing'"),
        ("a: costs $ 5\n", 1, "written $$"),
        ("a: |\n  one\n  ::: only wales\n  two\n", 3, "not closed"),
        ("a: |\n  ::: /only\n", 2, "closes nothing"),
        ("a: |\n  ::: only england\n  ::: only wales\n  ::: /only\n", 3, "inside another"),
        ("a: one [?nothing]\n", 1, "no claim 'nothing'"),
    ],
)
def test_a_slip_is_told_with_its_line(text: str, line: int, message: str) -> None:
    (found,) = faults_of(text, verified={})
    assert found[0] == line
    assert message in found[1]


def test_what_a_file_asks_is_all_that_can_make_it_differ() -> None:
    text = (
        "a: $dsl\nb: {scotland: 1, otherwise: 2}\nc:\n  - {for: police, x: 1}\n"
        "d: |\n  ::: only wales\n  x\n  ::: /only\ne: x [?one]\n"
    )
    asks = asks_of(source(text))
    assert asks.selectors == {"scotland", "police", "wales"}
    assert (asks.terms, asks.claims) == ({"dsl"}, {"one"})


# --- a pack for several readers -------------------------------------------------------------------

FORM = """\
slug: form
title: A form for $pupils
summary: Just enough.
minutes: {scotland: 3, otherwise: 4}
nations: [england, scotland]
audiences: [school, police]
guidance_edition: {scotland: "National (Scotland)", otherwise: "UKCIS (England)"}
outcomes:
  - Know whom to tell
  - {for: scotland, use: Know whom to report to}
sections:
  - slug: begin
    title: To begin
    steps:
      - lessons/01-first.md
      - {for: not scotland, use: scenarios/01-door.yaml}
  - slug: "end"
    title: To end
    outcomes: [Know it]
    steps: [quizzes/form.yaml]
"""
COMMON = """\
version: "1.0"
status: draft
pass_mark: 70
content_note: Nothing upsetting.
wellbeing: Stop whenever you like.
"""
TERMS = "terms:\n  pupils: {police: children, otherwise: pupils}\n"
QUIZ = """\
slug: quiz
title: Questions
minutes: 2
intro: Two questions.
draw: 2
banks: [small]
"""


def variants_pack(folder: Path, **changed: str) -> Path:
    """A pack of one form for two nations and two audiences, with what is common and a bank beside it."""
    write_pack(folder)
    bank = (folder / "quiz.yaml").read_text(encoding="utf-8")
    files = {
        "forms/form.yaml": FORM,
        "common.yaml": COMMON,
        "terms.yaml": TERMS,
        "quizzes/form.yaml": QUIZ,
        "questions/small.yaml": bank[bank.index("questions:") :],
        **changed,
    }
    for name in ("module.yaml", "quiz.yaml"):
        (folder / name).unlink()
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def errors(report: PackReport) -> list[tuple[str, str, str, str]]:
    return [(p.file, p.field, p.message, p.variant) for p in report.errors]


def test_a_form_is_made_for_each_of_its_readers(tmp_path: Path) -> None:
    report = check_pack(variants_pack(tmp_path))
    assert report.problems == ()
    assert [(m.nation, m.audience) for m in report.modules] == [
        ("england", "school"),
        ("england", "police"),
        ("scotland", "school"),
        ("scotland", "police"),
    ]
    assert {m.content_hash for m in report.modules} == {report.modules[0].content_hash}


def form(folder: Path, variant: Variant) -> Module:
    return read_pack(folder, "form", variant)


def test_each_reads_what_is_theirs(tmp_path: Path) -> None:
    folder = variants_pack(tmp_path)
    ours, theirs = form(folder, ENGLAND), form(folder, SCOTLAND)
    assert (ours.title, theirs.title) == ("A form for pupils", "A form for children")
    assert (ours.minutes, theirs.minutes, ours.pass_mark) == (4, 3, 70)
    assert [s.slug for s in ours.steps] == ["first", "door", "quiz"]
    assert [s.slug for s in theirs.steps] == ["first", "quiz"]
    assert theirs.outcomes == ("Know whom to tell", "Know whom to report to")
    assert theirs.guidance_edition == "National (Scotland)"


def test_sections_hold_the_slugs_of_their_steps(tmp_path: Path) -> None:
    module = form(variants_pack(tmp_path), ENGLAND)
    assert [(s.slug, s.steps) for s in module.sections] == [("begin", ("first", "door")), ("end", ("quiz",))]


def test_a_quiz_draws_from_its_banks(tmp_path: Path) -> None:
    module = form(variants_pack(tmp_path), ENGLAND)
    assert module.quiz is not None
    assert len(module.quiz.questions) == 6


def test_a_bank_that_is_not_there_is_told(tmp_path: Path) -> None:
    report = check_pack(variants_pack(tmp_path, **{"quizzes/form.yaml": QUIZ.replace("small", "large")}))
    assert ("quizzes/form.yaml", "banks", "there is no bank 'questions/large.yaml'", "") in errors(report)


def test_a_claim_that_holds_elsewhere_may_not_be_told_here(tmp_path: Path) -> None:
    """A Scottish reader never reads English law as theirs."""
    folder = variants_pack(tmp_path)
    claims = folder / "claims.yaml"
    claims.write_text(claims.read_text().replace("nation: uk", "nation: england-and-wales"))
    found = errors(check_pack(folder))
    assert found
    assert {variant for _, _, _, variant in found} == {"scotland, school"}
    assert {message for _, _, message, _ in found} == {"'tell' holds in england-and-wales, not in scotland"}


def test_a_claim_must_rest_on_what_holds_here(tmp_path: Path) -> None:
    folder = variants_pack(tmp_path)
    guidance = folder / "guidance.yaml"
    guidance.write_text(guidance.read_text().replace("nation: uk", "nation: england"))
    found = errors(check_pack(folder))
    message = "'overview' holds in england, not in scotland"
    assert found == [("claims.yaml", "claims[1].sources[1]", message, "scotland, school")]


def test_practice_that_holds_anywhere_may_rest_on_any_guidance(tmp_path: Path) -> None:
    folder = variants_pack(tmp_path)
    for name, nation in (("guidance.yaml", "england"), ("claims.yaml", "anywhere")):
        file = folder / name
        file.write_text(file.read_text().replace("nation: uk", f"nation: {nation}"))
    assert check_pack(folder).problems == ()


def test_a_power_is_told_only_to_those_who_hold_it(tmp_path: Path) -> None:
    folder = variants_pack(tmp_path)
    claims = folder / "claims.yaml"
    claims.write_text(claims.read_text().replace("verified:", "audiences: [school]\n    verified:"))
    found = errors(check_pack(folder))
    assert {message for _, _, message, _ in found} == {"'tell' may be told to school, not to police"}


def test_a_claim_may_be_verified_in_one_nation_and_not_in_another(tmp_path: Path) -> None:
    folder = variants_pack(tmp_path)
    claims = folder / "claims.yaml"
    text = claims.read_text().replace("verified: true", "verified: {england: true, otherwise: false}")
    claims.write_text(text)
    assert form(folder, ENGLAND).unverified_claims == ()
    assert [c.id for c in form(folder, SCOTLAND).unverified_claims] == ["tell"]


def test_a_slip_in_what_is_common_is_told_of_that_file(tmp_path: Path) -> None:
    report = check_pack(variants_pack(tmp_path, **{"common.yaml": COMMON.replace("70", "lots")}))
    assert [(p.file, p.line, p.field) for p in report.errors if p.field == "pass_mark"] == [
        ("common.yaml", 3, "pass_mark")
    ]


def test_minutes_are_the_steps_of_each_variant(tmp_path: Path) -> None:
    folder = variants_pack(tmp_path, **{"forms/form.yaml": FORM.replace("{scotland: 3, otherwise: 4}", "4")})
    (found,) = errors(check_pack(folder))
    assert found == (
        "forms/form.yaml",
        "minutes",
        "says 4, but the steps add up to 3",
        "scotland, school",
    )


def test_a_break_is_nobodys_training(tmp_path: Path) -> None:
    rest = "---\nslug: break\ntitle: Break\nminutes: 15\nrest: true\n---\nTake a break.\n"
    form_file = FORM.replace("      - lessons/01", "      - lessons/00-break.md\n      - lessons/01")
    changed = {"lessons/00-break.md": rest, "forms/form.yaml": form_file}
    report = check_pack(variants_pack(tmp_path, **changed))
    assert report.problems == ()
    assert report.modules[0].minutes == 4


def test_a_recall_takes_questions_from_its_banks(tmp_path: Path) -> None:
    head = "slug: again\ntitle: Again\nminutes: 1\nclaims: [tell]\nrecall: {draw: 2, banks: [small]}\n"
    lesson = f"---\n{head}---\nAgain.\n"
    form_file = FORM.replace("      - lessons/01", "      - lessons/00-again.md\n      - lessons/01")
    form_file = form_file.replace("scotland: 3, otherwise: 4", "scotland: 4, otherwise: 5")
    folder = variants_pack(tmp_path, **{"lessons/00-again.md": lesson, "forms/form.yaml": form_file})
    module = form(folder, ENGLAND)
    assert len(module.lessons[0].recalled) == 6


def test_a_step_that_no_form_takes_is_told(tmp_path: Path) -> None:
    folder = variants_pack(tmp_path)
    (folder / "lessons" / "09-left.md").write_text("---\nslug: left\ntitle: L\nminutes: 1\n---\nLeft.\n")
    assert ("lessons/09-left.md", "", "is not among the steps of a form", "") in errors(check_pack(folder))

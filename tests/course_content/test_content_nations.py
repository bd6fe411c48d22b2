"""No reader takes another nation's law for their own, and powers are told only to those who hold them."""

import re
import shutil
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from course_content.pack_problems import PackError
from course_content.packs import read_pack
from course_content.parts import Nation, holds_in
from course_content.questions import AnyExercise, ReasonedQuestion
from course_content.schema import Module
from course_content.variants import NATIONS, UK, Variant
from tests.course_content import responding
from tests.course_content.responding import Said

# What belongs to some nations only: how it is written, and whose it is.
WHOSE: Mapping[str, tuple[str, frozenset[str]]] = {
    "the Protection of Children Act": (r"Protection of Children Act", frozenset({"england", "wales"})),
    "the Criminal Justice Act": (r"Criminal Justice Act", frozenset({"england", "wales"})),
    "the Sexual Offences Act": (r"Sexual Offences Act|\b66A", frozenset({"england", "wales"})),
    "the English duty to report": (r"Crime and Policing", frozenset({"england"})),
    "the Act of 2026 on schools": (r"Children's Wellbeing and Schools Act", frozenset({"england"})),
    "KCSIE": (r"KCSIE|Keeping children safe in education", frozenset({"england"})),
    "Working together": (r"Working together (to safeguard|20\d\d)", frozenset({"england"})),
    "UKCIS": (r"UKCC?IS", frozenset({"england"})),
    "the DfE and Ofsted": (r"Department for Education|\bDfE\b|Ofsted", frozenset({"england"})),
    "MASH": (r"\bMASH\b|multi-agency safeguarding hub", frozenset({"england"})),
    "LADO": (r"\bLADO\b", frozenset({"england"})),
    "DSL": (r"\bDSLs?\b|[Dd]esignated safeguarding lead \(", frozenset({"england"})),
    "DSP": (r"\bDSPs?\b", frozenset({"wales"})),
    "the Education Acts": (r"Education Act", frozenset({"england"})),
    "children's social care": (r"children's social care", frozenset({"england"})),
    "the front door": (r"\bfront door of", frozenset({"england", "wales"})),
    "a section 47": (r"section 47|\bs\.? ?47\b", frozenset({"england", "wales"})),
    "the College of Policing": (r"College of Policing", frozenset({"england", "wales"})),
    "outcome 21": (r"outcomes? (21|22)", frozenset({"england", "wales", "northern-ireland"})),
    "outcome 22": (r"outcome 22", frozenset({"england", "wales"})),
    "Gillick": (r"Gillick", frozenset({"england", "wales"})),
    "Keeping learners safe": (r"Keeping learners safe|Wales Safeguarding Procedures", frozenset({"wales"})),
    "Police Scotland": (r"Police Scotland", frozenset({"scotland"})),
    "Scotland's law": (r"\(Scotland\) Act", frozenset({"scotland"})),
    "the Children's Reporter": (r"Children's Reporter", frozenset({"scotland"})),
    "the Scottish discussion": (r"inter-agency referral discussion|\bIRD\b", frozenset({"scotland"})),
    "the PSNI": (r"\bPSNI\b", frozenset({"northern-ireland"})),
    "the Gateway team": (r"\bGateway\b", frozenset({"northern-ireland"})),
    "the law of Northern Ireland": (r"\(Northern Ireland\) (Act|Order)", frozenset({"northern-ireland"})),
    "999": (r"\b(999|101)\b", UK),
    "Report Remove": (r"Report Remove", UK),
    "Childline": (r"Childline", UK),
    "CEOP": (r"\bCEOP\b", UK),
}

# Where another nation's is named all the same: by place, and what the same paragraph must say of it.
NAMED: Mapping[tuple[str, str], str] = {
    # The duty to report is said to be England's, in the nations that will read of it in the news.
    ("the English duty to report", "what-changed/body"): r"for England only",
    (
        "the English duty to report",
        "initial-review/body",
    ): r"for England and does not apply here|is not yours",
    ("the English duty to report", "duties-and-proportion/body"): r"for England\. It does not apply in Wales",
    ("the English duty to report", "who-does-what/body"): r"for England only",
    ("the English duty to report", "law-and-record/body"): r"for England only",
    # Questions about that: a statement that is false, a news item that is not about here, a pile "not for here".
    ("the English duty to report", "changes-duty-not-here/prompt"): r"You read online",
    ("the English duty to report", "duties-and-proportion/wales-duty/prompt"): r"will bind staff in Wales",
    ("the English duty to report", "law-wales-news/prompt"): r"You read that",
    ("the English duty to report", "law-scotland-sort/duty"): r"^Not for Scotland:",
    ("the English duty to report", "law-ni-sort/duty-26"): r"^It is not for here:",
    ("Scotland's law", "law-ni-sort/scots"): r"^It is not for here:",
    # The offences of that Act, unlike its duty, are Wales's too.
    ("the English duty to report", "ai-and-blackmail/body"): r"new offences on software",
    ("the English duty to report", "changes-new-offences-e/prompt"): r"kind of software",
    # Outcome 21 is said not to be used in Scotland, nor to be carried abroad.
    ("outcome 21", "police-and-records/body"): r"There is no outcome 21",
    ("outcome 21", "law-and-record/body"): r"It does not exist in Scotland|do not use it with a family",
    ("outcome 21", "police-and-records/scotland-borrowed/prompt"): r"In Scotland, the police can close",
    ("outcome 21", "police-and-records/scotland-borrowed/explanation"): r"It is not used in Scotland",
    ("outcome 21", "law-scotland-no-21/prompt"): r"What does that mean for you in Scotland",
    ("outcome 21", "law-and-record/scotland-who/explanation"): r"does not exist in Scotland",
    ("outcome 21", "agencies-scot-outcome-21/prompt"): r"can close this as outcome 21",
    ("outcome 21", "agencies-scot-outcome-21/none"): r"Scotland has no outcome 21",
    ("outcome 21", "agencies-scot-outcome-21/age"): r"Scotland has no outcome 21",
    ("outcome 21", "agencies-scot-outcome-21/sheriff"): r"Scotland has no outcome 21",
    # A word that health staff hear everywhere; it is said where it comes from.
    (
        "Gillick",
        "sharing-information/body",
    ): r"a word from England and Wales\. Learn the rule for where you are",
}
# Statements that must be false, so that their prompt may say it.
FALSE = ("scotland-borrowed", "wales-duty", "agencies-scot-outcome-21")


def paragraphs(said: Said) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", said.text):
        yield " ".join(paragraph.split())


def foreign(nation: Nation) -> Iterator[tuple[str, str, str]]:
    """Every naming of what is not this nation's: what, where and the paragraph. Wrong answers may name it."""
    theirs = [(name, re.compile(pattern)) for name, (pattern, whose) in WHOSE.items() if nation not in whose]
    for said in responding.everything_said(nation):
        if said.voice == "wrong":
            continue
        for paragraph in paragraphs(said):
            for name, pattern in theirs:
                if pattern.search(paragraph):
                    yield name, said.place, paragraph


@cache
def named(nation: Nation) -> tuple[tuple[str, str, str], ...]:
    return tuple(foreign(nation))


@pytest.mark.parametrize("nation", NATIONS)
def test_nobody_reads_another_nations_law_as_theirs(nation: Nation) -> None:
    found = [
        (name, place, paragraph)
        for name, place, paragraph in named(nation)
        if not ((name, place) in NAMED and re.search(NAMED[name, place], paragraph))
    ]
    assert found == []


def test_no_exception_is_left_over() -> None:
    assert set(NAMED) == {(name, place) for nation in NATIONS for name, place, _ in named(nation)}


# Nobody reads these at all, so far; they stand in the table for the day on which somebody writes them.
UNWRITTEN = {"the Sexual Offences Act", "the DfE and Ofsted", "a section 47"}


def test_each_word_of_the_table_is_read_in_its_own_nation() -> None:
    """Otherwise the table would look for something that nobody writes."""
    unread = set()
    for name, (pattern, whose) in WHOSE.items():
        theirs = (
            said for nation in NATIONS if nation in whose for said in responding.everything_said(nation)
        )
        if not any(re.search(pattern, said.text) for said in theirs):
            unread.add(name)
    assert unread == UNWRITTEN


def exercises_of(module: Module) -> Iterator[AnyExercise]:
    for lesson in module.lessons:
        yield from (*lesson.exercises, *lesson.recalled)
    if module.quiz:
        yield from module.quiz.questions


def test_a_statement_that_names_what_is_not_theirs_is_false() -> None:
    found = {
        exercise.id: exercise.is_true
        for module in responding.modules()
        for exercise in exercises_of(module)
        if isinstance(exercise, ReasonedQuestion) and exercise.id in FALSE
    }
    assert found == dict.fromkeys(FALSE, False)


@pytest.mark.parametrize(
    ("nation", "names"),
    [
        ("england", ["DSL", "the English duty to report", "KCSIE", "LADO", "outcome 21"]),
        ("wales", ["DSP", "Keeping learners safe", "outcome 21", "the Protection of Children Act"]),
        ("scotland", ["Police Scotland", "Scotland's law", "the Children's Reporter"]),
        ("northern-ireland", ["the PSNI", "the Gateway team", "the law of Northern Ireland"]),
    ],
)
def test_everybody_reads_their_own(nation: Nation, names: list[str]) -> None:
    text = "\n".join(said.text for said in responding.everything_said(nation))
    assert all(re.search(WHOSE[name][0], text) for name in names)


def test_in_scotland_a_report_is_what_is_normally_recommended() -> None:
    for module in responding.modules():
        told = {claim.id for claim in module.claims}
        if module.slug in ("half-day", "dsl-deep-dive", "police-social-care-health"):
            assert ("scotland-normally-report" in told) == (module.nation == "scotland")
        assert ("scotland-no-outcome-21" not in told) or module.nation == "scotland"


# --- claims ---------------------------------------------------------------------------------------


def test_what_a_variant_is_told_holds_there_and_rests_on_what_holds_there() -> None:
    for module in responding.modules():
        guidance = {entry.id: entry for entry in module.guidance}
        for claim in module.claims:
            assert holds_in(claim.nation, module.nation), (claim.id, module.nation)
            assert not claim.audiences or module.audience in claim.audiences
            for source in claim.sources:
                entry = guidance[source]
                # Practice that we stand by everywhere may come from anywhere.
                assert claim.nation == "anywhere" or holds_in(entry.nation, module.nation)
                assert entry.edition
                assert entry.checked_on <= entry.review_by


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("nation: anywhere", "nation: england", "'never-view' holds in england, not in scotland"),
        ("[scotland-national-guidance, scotland-image-law]", "[none-such]", "none-such"),
    ],
)
def test_a_claim_that_its_guidance_does_not_carry_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    folder = tmp_path / "responding"
    shutil.copytree(responding.PACK, folder)
    claims = folder / "claims" / "core.yaml"
    before, claim, rest = re.split(
        r"(?=  - id: (?:never-view|seen-by-accident)\n)", claims.read_text("utf-8")
    )
    assert old in claim
    claims.write_text(before + claim.replace(old, new) + rest, encoding="utf-8")
    with pytest.raises(PackError) as refused:
        read_pack(folder, "all-staff-awareness", Variant("scotland", "school"))
    assert any(message in problem.message for problem in refused.value.problems)


# --- powers ---------------------------------------------------------------------------------------

HELD = {"search-powers-school": {"school"}, "search-powers-college": {"college"}}
# A power that readers are said to have.
POWER = re.compile(
    r"\b(have|has|holds?) (special )?powers? (in law )?to search|\bmay search|\bpowers? in law\b",
    re.IGNORECASE,
)
# Where it is named to others: said not to be theirs, or to be somebody else's.
NOT_THEIRS: Mapping[str, str] = {
    "viewing-and-devices/body": r"no special powers|differ in|says who may search|Your own country's law",
    "images-and-you/body": r"A school, or a college, may have powers",
    "images-no-powers-partner/prompt": r"some schools have powers",
    "images-search-powers-elsewhere/prompt": r"an article about England",
    "agencies-search-powers/prompt": r"Some school staff have powers",
}


def test_powers_to_search_are_claimed_only_where_the_law_gives_them() -> None:
    for module in responding.modules():
        told = {claim.id for claim in module.claims}
        for claim, audiences in HELD.items():
            held = module.nation == "england" and module.audience in audiences
            assert held or claim not in told, (module.slug, module.nation, module.audience)


def test_powers_to_search_are_described_only_to_those_who_hold_them() -> None:
    used: set[str] = set()
    wrong: set[tuple[str, str]] = set()
    for module in responding.modules():
        if module.nation == "england" and module.audience in ("school", "college"):
            continue
        for step in module.steps:
            for said in responding.said_in(step):
                if said.voice == "wrong":
                    continue
                for paragraph in paragraphs(said):
                    if POWER.search(paragraph):
                        used.add(said.place)
                        if not re.search(NOT_THEIRS.get(said.place, r"(?!)"), paragraph):
                            wrong.add((said.place, paragraph))
    assert wrong == set()
    assert used == set(NOT_THEIRS)


def test_those_who_hold_them_are_told_of_them_and_their_limit() -> None:
    for module in responding.variants_of("half-day"):
        if module.nation == "england" and module.audience in ("school", "college"):
            body = next(lesson.body for lesson in module.lessons if lesson.slug == "viewing-and-devices")
            assert POWER.search(" ".join(body.split()))
            assert "no leave to look" in " ".join(body.split())

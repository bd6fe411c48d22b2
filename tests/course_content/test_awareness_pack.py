"""The real module held to what it promises: whole paths, fair questions, no harm in a word."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from course_content.markdown import render
from course_content.packs import check_pack, read_pack
from course_content.scenarios import position
from course_content.schema import Choice, Module, Node, Part, Scenario
from course_content.variants import Variant
from tests.course_content.conftest import PACKS

PACK = PACKS / "responding"
TEXT = "\n".join(
    p.read_text(encoding="utf-8") for p in sorted(PACK.rglob("*")) if p.suffix in (".md", ".yaml")
)


def test_it_has_no_problem_of_any_kind() -> None:
    assert [str(p) for p in check_pack(PACK).problems] == []


def test_it_is_what_was_promised(awareness: Module) -> None:
    assert (awareness.minutes, awareness.nation, awareness.audience) == (20, "england", "school")
    assert (len(awareness.lessons), len(awareness.scenarios)) == (4, 3)
    assert awareness.pass_mark == 80
    quiz = awareness.quiz
    assert quiz is not None
    assert quiz.draw == 10
    kinds = Counter(q.kind for q in quiz.questions)
    assert kinds["single"] >= 20
    assert kinds["multiple"] >= 10
    assert kinds["ordering"] >= 6
    assert sum(q.critical for q in quiz.questions) >= 14


def test_it_says_that_it_is_a_draft_while_claims_are_unverified(awareness: Module) -> None:
    assert awareness.unverified_claims
    assert awareness.is_draft
    assert "being checked" in awareness.lessons[0].body


def test_every_never_item_is_asked_about_as_critical(awareness: Module) -> None:
    quiz = awareness.quiz
    assert quiz is not None
    asked = {c for q in quiz.questions if q.critical for c in q.claims}
    assert asked >= {
        "never-view",
        "do-not-delete",
        "no-details",
        "keep-it-private",
        "no-blame",
        "no-secrecy",
        "seen-by-accident",
        "adult-involved",
        "ai-images-count",
    }


def test_every_option_teaches_and_every_question_explains(awareness: Module) -> None:
    quiz = awareness.quiz
    assert quiz is not None
    for question in quiz.questions:
        assert question.explanation
        assert question.claims
        if question.kind != "ordering":
            assert all(o.feedback for o in question.options), question.id


def test_its_lessons_are_tried_out_and_it_ends_in_one_change(awareness: Module) -> None:
    exercises = {e.id: e.kind for lesson in awareness.lessons for e in lesson.exercises}
    assert exercises == {
        "sure-before": "confidence",
        "not-real": "reasoned",
        "tap-the-error": "spotting",
        "whose-task": "sorting",
        "sure-after": "confidence",
    }
    assert [step.kind for step in awareness.steps][-2:] == ["commitment", "quiz"]


def test_every_card_and_every_line_that_went_wrong_is_explained(awareness: Module) -> None:
    for lesson in awareness.lessons:
        for exercise in lesson.exercises:
            if exercise.kind == "sorting":
                assert all(card.feedback for card in exercise.cards)
            if exercise.kind == "spotting":
                assert all(line.feedback for line in exercise.lines if line.id in exercise.answer)


def test_the_length_of_an_option_gives_nothing_away(awareness: Module) -> None:
    quiz = awareness.quiz
    assert quiz is not None
    singles = [q for q in quiz.questions if q.kind == "single"]
    longest = sum(max(q.options, key=lambda o: len(o.text)).id == q.answer[0] for q in singles)
    # Four options: by chance, the right one is the longest in a quarter of them.
    assert 0.15 * len(singles) <= longest <= 0.35 * len(singles)


# --- scenarios, path by path ---


def scenarios() -> list[Scenario]:
    return list(read_pack(PACK, "all-staff-awareness", Variant("england", "school")).scenarios)


every_scenario = pytest.mark.parametrize("scenario", scenarios(), ids=lambda s: s.slug)


def paths(scenario: Scenario, so_far: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every path from the start to an ending that passes no node twice."""
    here = position(scenario, so_far)
    if here.ended:
        yield so_far
        return
    seen = {step.node.id for step in here.taken} | {here.node.id}
    for choice in here.node.choices:
        if choice.goes_to not in seen:
            yield from paths(scenario, (*so_far, choice.id))


@every_scenario
def test_from_wherever_a_walk_has_got_to_it_can_still_end(scenario: Scenario) -> None:
    frontier: list[tuple[str, ...]] = [()]
    ends: dict[str, bool] = {}
    walked = list(paths(scenario))
    assert walked
    on_a_way_out = {s.node.id for path in walked for s in position(scenario, path).taken}
    while frontier:
        here = position(scenario, frontier.pop())
        if here.node.id in ends:
            continue
        ends[here.node.id] = here.ended or here.node.id in on_a_way_out
        frontier += [(*here.choices, c.id) for c in here.node.choices]
    assert set(ends) == set(scenario.nodes)
    assert all(ends.values())


@every_scenario
def test_every_ending_has_an_outcome_and_a_debrief_and_all_three_are_there(
    scenario: Scenario,
) -> None:
    endings = [n.ending for n in scenario.nodes.values() if n.ending]
    assert {e.outcome for e in endings} == {"good", "mixed", "poor"}
    assert all(len(e.debrief) > 100 for e in endings)
    reached = {position(scenario, path).outcome for path in paths(scenario)}
    assert reached == {"good", "mixed", "poor"}


@every_scenario
def test_there_are_real_decisions_and_the_recommended_path_is_best_throughout(
    scenario: Scenario,
) -> None:
    walked = position(scenario, scenario.recommended)
    assert len(walked.taken) >= 3
    assert {step.verdict for step in walked.taken} == {"best"}
    assert walked.outcome == "good"
    assert len({position(scenario, path).outcome for path in paths(scenario)}) == 3


@every_scenario
def test_after_one_wrong_turn_there_is_always_a_way_back(scenario: Scenario) -> None:
    for node in scenario.nodes.values():
        for choice in node.choices:
            after = scenario.nodes[choice.goes_to]
            if choice.verdict != "poor" or after.ending:
                continue
            verdicts = {c.verdict for c in after.choices}
            assert verdicts & {"best", "acceptable"}, f"{node.id}/{choice.id}"


@every_scenario
def test_only_harm_or_neglect_leads_to_a_poor_ending_and_never_a_good_choice(
    scenario: Scenario,
) -> None:
    for node in scenario.nodes.values():
        for choice in node.choices:
            ending = scenario.nodes[choice.goes_to].ending
            if ending and ending.outcome == "poor":
                assert choice.verdict in ("poor", "harmful")
            if ending and ending.outcome == "good":
                assert choice.verdict in ("best", "acceptable")


# What staff must never do, as it might be worded; in good advice it may only stand denied.
NEVER = re.compile(
    r"\b(look(ed)? at|look quickly|have a look|show me|let me see|ask to see|open it|view it"
    r"|photo of|screenshot|copy|print|save it|send it|e-?mail it|forward|upload|download"
    r"|delete|wipe|get rid of|promise|secret|what is in the|why did you|name you have heard)\b",
    re.IGNORECASE,
)
DENIED = re.compile(r"\b(not|n't|never|no|without|won't|can't|cannot|unopened|stop)\b|n't\b", re.IGNORECASE)


def good_choices(scenario: Scenario) -> Iterator[tuple[Node, Choice]]:
    for node in scenario.nodes.values():
        for choice in node.choices:
            if choice.verdict in ("best", "acceptable"):
                yield node, choice


@every_scenario
def test_no_good_choice_goes_against_a_never_item(scenario: Scenario) -> None:
    for node, choice in good_choices(scenario):
        for sentence in re.split(r"(?<=[.!?])\s", choice.text):
            if NEVER.search(sentence):
                assert DENIED.search(sentence), f"{node.id}/{choice.id}: {sentence}"


def test_no_right_answer_goes_against_a_never_item(awareness: Module) -> None:
    quiz = awareness.quiz
    assert quiz is not None
    for question in quiz.questions:
        if question.id == "never-list" or question.kind == "ordering":
            continue
        for option in question.options:
            if option.id not in question.answer:
                continue
            for sentence in re.split(r"(?<=[.!?])\s", option.text):
                if NEVER.search(sentence):
                    assert DENIED.search(sentence), f"{question.id}/{option.id}: {sentence}"


# --- what the content must not hold ---


def test_no_numbered_paragraph_of_the_guidance_is_named() -> None:
    assert not re.search(r"\bparagraphs? \d", TEXT, re.IGNORECASE)


def test_it_never_teaches_that_nothing_will_show() -> None:
    assert not re.search(r"will (not|never) show|won't show", TEXT, re.IGNORECASE)


def test_no_app_or_platform_is_named() -> None:
    names = r"snapchat|whatsapp|instagram|tiktok|airdrop|telegram|discord|facebook|omegle|kik"
    assert not re.search(rf"\b({names})\b", TEXT, re.IGNORECASE)


def test_the_helplines_are_the_known_ones(awareness: Module) -> None:
    phones = {h.name.split(" ")[0]: h.phone for h in awareness.helplines if h.phone}
    assert phones["Childline"] == "0800 1111"
    assert phones["NSPCC"] == "0808 800 5000"
    assert phones["POSH,"] == "0344 381 4772"
    numbers = set(re.findall(r"\b0\d{3} \d{3,4}(?: \d{4})?\b", TEXT))
    assert numbers == {"0800 1111", "0808 800 5000", "0344 381 4772"}


def test_the_reporting_duty_is_only_spoken_of_as_still_to_come(awareness: Module) -> None:
    claim = awareness.claim("reporting-duty")
    assert claim is not None
    assert not claim.verified
    spoken = awareness.lessons[3].body
    assert "no date for its start" in spoken.replace("\n", " ")


def test_every_text_renders_without_leftover_markup(awareness: Module) -> None:
    for text in _markdown_of(awareness):
        html = render(text)
        assert ":::" not in html
        assert "**" not in html


def _markdown_of(module: Module) -> Iterator[str]:
    yield module.wellbeing
    yield module.content_note
    for lesson in module.lessons:
        yield from (text for text, _ in lesson.pieces)
        yield from (e.explanation for e in lesson.exercises if e.kind != "confidence")
    for scenario in module.scenarios:
        yield scenario.intro
        yield from (n.text for n in scenario.nodes.values())
        yield from (c.reason for n in scenario.nodes.values() for c in n.choices)
        yield from (n.ending.debrief for n in scenario.nodes.values() if n.ending)
    if module.quiz:
        yield module.quiz.intro
        yield from (q.explanation for q in module.quiz.questions)


def test_lessons_can_be_read_in_the_minutes_they_claim(awareness: Module) -> None:
    # Staff read prose such as this at some 200 words a minute, and should have time to think.
    for lesson in awareness.lessons:
        assert len(lesson.body.split()) <= 200 * lesson.minutes, lesson.slug


def test_parts_are_frozen(awareness: Module) -> None:
    assert all(isinstance(s, Part) and s.model_config["frozen"] for s in awareness.steps)

"""Every scenario and every assessment of the real pack, in every variant: each state, each edge, each end."""

from collections.abc import Iterator, Set
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_content.assessments import (
    ANSWERS,
    Assessment,
    Decision,
    Standing,
    answer,
    give_reasons,
    our_decision,
    standing,
)
from course_content.exploration import Exploration, explore
from course_content.parts import Nation
from course_content.scenarios import State, position
from course_content.schema import Scenario, Verdict
from course_content.variants import NATIONS
from tests.course_content import responding

# The three of the short module for all staff; the rest are the twelve of the syllabus.
SHORT = ("can-you-keep-a-secret", "it-is-not-even-real", "a-parent-at-the-desk")
ALL = responding.slugs("scenarios")
TWELVE = tuple(slug for slug in ALL if slug not in SHORT)
# In some nation each of them may be dealt with in school, and so it can be referred too far or not far enough.
FURTHER = ("over-referral", "under-referral")

each_scenario = pytest.mark.parametrize("slug", ALL)
each_of_the_twelve = pytest.mark.parametrize("slug", TWELVE)
each_assessment = pytest.mark.parametrize("slug", responding.slugs("assessments"))


def told(slug: str) -> list[Scenario]:
    """A scenario in each of its distinct variants."""
    found = [scenario for scenario in responding.distinct(Scenario) if scenario.slug == slug]
    assert found, slug
    return found


def ways(slug: str) -> Iterator[tuple[Scenario, Exploration]]:
    """A scenario in each of its distinct variants, with every way through it."""
    for scenario in told(slug):
        yield scenario, _explored(_Bones(scenario))


class _Bones:
    """A scenario that is the same as another one with the same moments, choices, conditions and ends."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.bones = (scenario.start, tuple(_bones(scenario)))

    def __hash__(self) -> int:
        return hash(self.bones)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Bones) and self.bones == other.bones


def _bones(scenario: Scenario) -> Iterator[str]:
    for name, node in scenario.nodes.items():
        choices = [choice.model_dump(exclude={"text", "reason"}) for choice in node.choices]
        asides = [aside.when.model_dump() for aside in node.asides]
        routes = [route.model_dump() for route in node.routes]
        yield repr((name, choices, asides, routes, node.reveals, node.ending is not None))


@cache
def _explored(bones: _Bones) -> Exploration:
    return explore(bones.scenario)


def test_there_are_the_three_and_the_twelve() -> None:
    assert set(SHORT) < set(ALL)
    assert len(TWELVE) == len(set(TWELVE)) == 12
    assert {scenario.slug for scenario in responding.distinct(Scenario)} == set(ALL)


# --- every state and every edge -------------------------------------------------------------------


@each_scenario
def test_every_state_can_still_end(slug: str) -> None:
    for scenario, explored in ways(slug):
        assert (explored.stuck, explored.endless, explored.no_way_on) == ((), (), ())
        ended = {s for s in explored.ways if scenario.nodes[s.node].ending}
        assert {s for s, onwards in explored.ways.items() if not onwards} == ended
        assert explored.nodes == set(scenario.nodes)


@each_scenario
def test_every_edge_leads_on_to_a_state_that_was_explored(slug: str) -> None:
    for scenario, explored in ways(slug):
        assert explored.choices == {(n.id, c.id) for n in scenario.nodes.values() for c in n.choices}
        assert all(
            onward in explored.ways for onwards in explored.ways.values() for onward in onwards.values()
        )


@each_scenario
def test_every_ending_is_scored_and_debriefed_and_all_three_outcomes_are_reached(slug: str) -> None:
    for scenario, explored in ways(slug):
        endings = [scenario.nodes[s.node].ending for s, onwards in explored.ways.items() if not onwards]
        assert {ending.outcome for ending in endings if ending} == {"good", "mixed", "poor"}
        assert all(ending and ending.title and len(ending.debrief) > 100 for ending in endings)


@each_scenario
def test_every_fact_comes_to_light_on_some_walk(slug: str) -> None:
    for scenario, explored in ways(slug):
        on_a_walk = {fact for name in explored.nodes for fact in scenario.nodes[name].reveals}
        for name, choice_id in explored.choices:
            choice = next(c for c in scenario.nodes[name].choices if c.id == choice_id)
            on_a_walk |= set(choice.reveals)
        assert on_a_walk == {fact.id for fact in scenario.facts}


@each_scenario
def test_every_finding_is_carried_on_some_walk(slug: str) -> None:
    for scenario, explored in ways(slug):
        endings = (node.ending for node in scenario.nodes.values())
        carried = {ending.finding for ending in endings if ending}
        for node in scenario.nodes.values():
            carried |= {c.finding for c in node.choices if (node.id, c.id) in explored.choices}
        assert carried - {None} == {finding.id for finding in scenario.findings}


# --- how it is marked -----------------------------------------------------------------------------


@each_scenario
def test_the_recommended_path_is_good_throughout_and_ends_well(slug: str) -> None:
    for scenario in told(slug):
        walked = position(scenario, scenario.recommended)
        assert walked.choices == scenario.recommended
        assert {step.verdict for step in walked.taken} <= {"best", "acceptable"}
        assert [step.verdict for step in walked.taken].count("best") > len(walked.taken) / 2
        assert (walked.outcome, walked.findings) == ("good", ())


def ends_of(scenario: Scenario, explored: Exploration, verdicts: Set[Verdict]) -> set[str]:
    """The outcomes of every walk on which no choice has another verdict than these."""
    (start,) = [s for s in explored.ways if s.node == position(scenario).node.id][:1]
    queue, seen, ends = [start], {start}, set[str]()
    while queue:
        here = queue.pop()
        if ending := scenario.nodes[here.node].ending:
            ends.add(ending.outcome)
        bad = {c.id for c in scenario.nodes[here.node].choices if c.verdict in verdicts}
        new = {onward for choice, onward in explored.ways[here].items() if choice in bad} - seen
        seen |= new
        queue += new
    return ends


@each_scenario
def test_doing_only_harm_never_ends_well(slug: str) -> None:
    for scenario, explored in ways(slug):
        verdicts = {c.verdict for node in scenario.nodes.values() for c in node.choices}
        assert "harmful" in verdicts
        assert ends_of(scenario, explored, {"harmful"}) <= {"poor", "mixed"}
        assert "good" not in ends_of(scenario, explored, {"harmful", "poor"})
        # The other way round, nobody who does only what is right comes to a bad end.
        well = ends_of(scenario, explored, {"best", "acceptable"})
        assert "good" in well
        assert "poor" not in well


@pytest.mark.parametrize("slug", SHORT)
def test_only_harm_or_neglect_leads_straight_to_a_poor_ending_and_never_a_good_choice(slug: str) -> None:
    for scenario in told(slug):
        for node in scenario.nodes.values():
            for choice in node.choices:
                ending = scenario.nodes[choice.goes_to].ending
                if ending and ending.outcome == "poor":
                    assert choice.verdict in ("poor", "harmful")
                if ending and ending.outcome == "good":
                    assert choice.verdict in ("best", "acceptable")


@each_scenario
def test_after_one_wrong_turn_there_is_always_a_way_back(slug: str) -> None:
    for scenario, explored in ways(slug):
        for state, onwards in explored.ways.items():
            for choice_id, onward in onwards.items():
                choice = next(c for c in scenario.nodes[state.node].choices if c.id == choice_id)
                if choice.verdict != "poor" or scenario.nodes[onward.node].ending:
                    continue
                offered = [c for c in scenario.nodes[onward.node].choices if c.id in explored.ways[onward]]
                assert {c.verdict for c in offered} & {"best", "acceptable"}, f"{state}/{choice_id}"


@each_scenario
def test_what_is_wrong_is_explained_and_may_be_skipped(slug: str) -> None:
    for scenario in told(slug):
        assert scenario.skippable
        assert scenario.content_note
        assert scenario.claims
        for node in scenario.nodes.values():
            assert all(len(choice.reason) > 15 for choice in node.choices)


# --- the twelve -----------------------------------------------------------------------------------


@each_of_the_twelve
def test_it_has_eight_decisions_or_more_and_its_facts_come_in_three_stages(slug: str) -> None:
    for scenario in told(slug):
        assert len(scenario.recommended) >= 8
        assert sum(bool(node.choices) for node in scenario.nodes.values()) >= 8
        assert len(scenario.stages) == 3
        assert {fact.stage for fact in scenario.facts} == {1, 2, 3}


@each_of_the_twelve
def test_the_first_facts_are_there_first_and_the_last_only_later(slug: str) -> None:
    for scenario in told(slug):
        stage = {fact.id: fact.stage for fact in scenario.facts}
        path = scenario.recommended
        known = [{stage[f] for f in position(scenario, path[:n]).revealed} for n in range(len(path) + 1)]
        assert known[1] <= {1, 2}
        assert 3 in known[-1]
        came = [min((n for n, stages in enumerate(known) if s in stages), default=0) for s in (1, 2, 3)]
        assert came == sorted(came)


@each_of_the_twelve
def test_referring_too_far_and_not_far_enough_are_told_apart(slug: str) -> None:
    for scenario in told(slug):
        kinds = {finding.kind for finding in scenario.findings}
        assert kinds >= set(FURTHER)
        assert "viewing" in kinds


@each_of_the_twelve
def test_leaving_out_a_referral_is_never_best_where_it_is_a_finding(slug: str) -> None:
    """No choice that we praise carries a finding, over- or under-referral or any other."""
    for scenario in told(slug):
        for node in scenario.nodes.values():
            for choice in node.choices:
                if choice.finding is not None:
                    assert choice.verdict in ("poor", "harmful"), f"{node.id}/{choice.id}"


def test_in_scotland_nobody_is_praised_for_keeping_a_case_in_school() -> None:
    """To report is normally recommended there, so the choice that elsewhere may stand is a finding."""
    in_scotland = [s for s, nations in responding.in_nations(Scenario) if nations == {"scotland"}]
    kept = [
        (scenario.slug, choice.verdict)
        for scenario in in_scotland
        for node in scenario.nodes.values()
        for choice in node.choices
        if choice.id.startswith("in-school")
    ]
    assert kept
    assert {verdict for _, verdict in kept} <= {"poor", "harmful"}
    for scenario in in_scotland:
        assert not any(choice.startswith("in-school") for choice in scenario.recommended)


def test_what_may_stay_in_school_in_england_is_reported_in_scotland() -> None:
    recommended = {
        nation: next(
            s for s, n in responding.in_nations(Scenario) if s.slug == "it-was-funny" and nation in n
        )
        for nation in ("england", "scotland")
    }
    assert "in-school" in recommended["england"].recommended
    assert "report-it" in recommended["scotland"].recommended


def test_a_state_is_told_apart_by_node_flags_and_score() -> None:
    """That what was explored is more than the nodes: flags and score bands count."""
    explored = [explored for slug in TWELVE for _, explored in ways(slug)]
    assert any(len({s.flags for s in e.ways}) > 4 for e in explored)
    assert any(len({s.score for s in e.ways}) > 4 for e in explored)
    assert all(isinstance(s, State) for e in explored for s in e.ways)
    assert min(e.edges for e in explored) > 50


# --- assessments ----------------------------------------------------------------------------------


def put(slug: str) -> list[Assessment]:
    """An assessment in each of its variants that ask something different."""
    found = {
        (
            tuple((t.id, t.answer, t.finding_out is None, t.local) for t in one.triggers),
            tuple((r.id, r.holds) for r in one.reasons),
        ): one
        for one in responding.distinct(Assessment)
        if one.slug == slug
    }
    assert found, slug
    return list(found.values())


def every_end(here: Standing) -> Iterator[Standing]:
    """Where every way of answering leads: a decision, or the question for reasons."""
    if here.asked is None:
        yield here
        return
    for words in ANSWERS:
        yield from every_end(answer(here, words))


@each_assessment
def test_no_path_keeps_a_case_in_school_unless_every_trigger_is_a_no(slug: str) -> None:
    for assessment in put(slug):
        ends = 0
        for end in every_end(standing(assessment)):
            ends += 1
            last = [end.answers[trigger.id][-1] for trigger in assessment.triggers]
            expected = "refer" if "yes" in last else "find-out" if "not-known" in last else None
            assert end.decision == expected
            assert (end.refer_to != ()) == (end.decision is Decision.REFER)
            assert end.reasons_asked == (expected is None)
        assert ends >= 3 ** len(assessment.triggers)


@each_assessment
@given(data=st.data())
def test_no_reason_that_does_not_hold_keeps_a_case_in_school(slug: str, data: st.DataObject) -> None:
    assessment = data.draw(st.sampled_from(put(slug)))
    here = standing(assessment, [f"{trigger.id}:no" for trigger in assessment.triggers])
    assert here.decision is None
    ids = [reason.id for reason in assessment.reasons]
    chosen = data.draw(st.lists(st.sampled_from(ids), min_size=1, unique=True))
    hold = all(reason.holds for reason in assessment.reasons if reason.id in chosen)
    assert give_reasons(here, chosen).decision == (Decision.IN_SCHOOL if hold else None)


@each_assessment
def test_the_five_triggers_are_asked_and_each_says_to_whom_it_goes(slug: str) -> None:
    for assessment in put(slug):
        ids = {trigger.id for trigger in assessment.triggers}
        assert ids >= {"adult", "coercion", "violent", "under-13", "danger"}
        assert all(trigger.refer_to and trigger.explanation for trigger in assessment.triggers)
        assert any(reason.holds for reason in assessment.reasons)
        assert any(not reason.holds for reason in assessment.reasons)
        assert all(reason.feedback for reason in assessment.reasons)


def decided(slug: str) -> dict[Nation, set[Decision]]:
    """What a case comes to in each nation."""
    found: dict[Nation, set[Decision]] = {nation: set() for nation in NATIONS}
    for assessment, nations in responding.in_nations(Assessment):
        if assessment.slug == slug:
            for nation in nations:
                found[nation].add(our_decision(assessment))
    return found


def test_the_case_that_elsewhere_may_be_handled_in_school_is_reported_in_scotland() -> None:
    assert decided("a-joke-among-friends") == {
        "england": {Decision.IN_SCHOOL},
        "wales": {Decision.IN_SCHOOL},
        "scotland": {Decision.REFER},
        # Both must first learn what their own law asks.
        "northern-ireland": {Decision.FIND_OUT},
        "elsewhere": {Decision.FIND_OUT},
    }


def test_a_case_with_a_trigger_is_referred_in_every_nation() -> None:
    assert set(map(frozenset, decided("safe-with-me").values())) == {frozenset({Decision.REFER})}

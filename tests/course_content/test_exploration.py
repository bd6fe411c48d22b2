"""Every way through every scenario, and what is said of one that has no good way."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_content.exploration import MOST_STATES, Exploration, TooManyStates, explore
from course_content.packs import check_pack, read_pack
from course_content.scenario_rules import scenario_findings
from course_content.scenarios import NotOnOffer, position, take
from course_content.schema import Scenario
from tests.course_content import every_kind
from tests.course_content.conftest import PACKS
from tests.course_content.small_pack import line_of

THREADS = "scenarios/01-threads.yaml"
EVERY_PACK = [*sorted(p for p in PACKS.iterdir() if p.is_dir()), every_kind.FOLDER]
EVERY_SCENARIO = [
    pytest.param(scenario, id=f"{folder.name}/{scenario.slug}")
    for folder in EVERY_PACK
    for scenario in read_pack(folder).scenarios
]


@pytest.fixture
def threads() -> Scenario:
    return read_pack(every_kind.FOLDER).scenarios[0]


def story(**nodes: Any) -> Scenario:
    """A story with these nodes, begun at `start`; what an author must write besides is filled in."""
    for node in nodes.values():
        for choice in node.get("choices", []):
            for field, value in {"text": "T", "verdict": "best", "reason": "R"}.items():
                choice.setdefault(field, value)
        if "choices" in node:
            node.setdefault("text", "T")
    head = {"slug": "s", "title": "T", "minutes": 1, "intro": "I", "start": "start", "recommended": ["a"]}
    return Scenario.model_validate({**head, "nodes": nodes})


END = {"ending": {"outcome": "good", "title": "T", "debrief": "D"}}


def said(scenario: Scenario) -> list[str]:
    return [finding.message for finding in scenario_findings(scenario)]


# --- every scenario of every pack -----------------------------------------------------------------


@pytest.mark.parametrize("scenario", EVERY_SCENARIO)
def test_every_state_can_end_and_every_ending_is_scored_and_debriefed(scenario: Scenario) -> None:
    explored = explore(scenario)
    assert explored.nodes == set(scenario.nodes)
    assert explored.choices == {(n.id, c.id) for n in scenario.nodes.values() for c in n.choices}
    assert (explored.stuck, explored.endless, explored.no_way_on) == ((), (), ())
    endings = {s.node: scenario.nodes[s.node].ending for s in explored.ways if not explored.ways[s]}
    assert all(ending and ending.outcome and ending.debrief for ending in endings.values())
    assert {ending.outcome for ending in endings.values() if ending} == {"good", "mixed", "poor"}
    assert [f for f in scenario_findings(scenario) if f.severity == "error"] == []


@pytest.mark.parametrize("scenario", EVERY_SCENARIO)
@given(data=st.data())
def test_a_walk_at_random_stays_within_what_was_explored(data: st.DataObject, scenario: Scenario) -> None:
    here = position(scenario)
    for _ in range(40):
        if here.ended:
            break
        assert here.offered
        here = take(scenario, here.choices, data.draw(st.sampled_from([c.id for c in here.offered])))
        assert position(scenario, here.choices) == here
    assert here.node.id in explore(scenario).nodes
    assert len({f.id for f in here.findings}) == len(here.findings)
    for other in {c.id for c in here.node.choices} - {c.id for c in here.offered}:
        with pytest.raises(NotOnOffer):
            take(scenario, here.choices, other)


# --- what is found --------------------------------------------------------------------------------


def test_the_states_are_told_apart_by_what_the_story_asks(threads: Scenario) -> None:
    explored = explore(threads)
    hub = [s for s in explored.ways if s.node == "hub"]
    assert {s.flags for s in hub} >= {frozenset(), frozenset({"asked-age"}), frozenset({"asked-threat"})}
    assert len({s.score for s in hub}) > 5
    unasked = threads.model_copy(
        update={
            "nodes": {**threads.nodes, "sum-up": threads.nodes["good-end"], "poor-end": threads.nodes["hub"]}
        }
    )
    assert {s.score for s in explore(unasked).ways} == {0}


def test_nothing_on_offer_is_found_with_the_flags_that_bring_it_about() -> None:
    shut = story(
        start={
            "choices": [
                {"id": "a", "goes_to": "start", "sets": ["been"], "if": {"lacks": ["been"]}},
                {"id": "b", "goes_to": "end", "if": {"lacks": ["been"]}},
            ]
        },
        end=END,
    )
    assert "offers nothing when 'been' is set" in said(shut)


def test_a_loop_that_only_some_flags_shut_is_found() -> None:
    caught = story(
        start={
            "choices": [
                {"id": "a", "goes_to": "end", "if": {"lacks": ["caught"]}},
                {"id": "b", "goes_to": "other", "sets": ["caught"]},
            ]
        },
        other={"choices": [{"id": "a", "goes_to": "start"}, {"id": "b", "goes_to": "other"}]},
        end=END,
    )
    assert any("no ending can be reached when 'caught' is set" in one for one in said(caught))


def test_a_loop_with_an_exit_is_no_fault() -> None:
    round_and_out = story(
        start={"choices": [{"id": "a", "goes_to": "end"}, {"id": "b", "goes_to": "start"}]}, end=END
    )
    assert said(round_and_out) == []


def test_a_score_that_cannot_be_reached_shuts_a_choice_and_a_node() -> None:
    high = story(
        start={
            "choices": [
                {"id": "a", "goes_to": "end"},
                {"id": "b", "goes_to": "loft", "if": {"score_at_least": 3}},
                {"id": "c", "goes_to": "end", "score": 1},
            ]
        },
        loft=END,
        end=END,
    )
    assert set(said(high)) == {"'b' is never on offer", "cannot be reached from the start"}


def test_going_round_for_points_comes_to_an_end() -> None:
    farm = story(
        start={
            "choices": [
                {"id": "a", "goes_to": "start", "score": 5},
                {"id": "b", "goes_to": "end", "if": {"score_at_least": 20}},
                {"id": "c", "goes_to": "start", "score": -5, "verdict": "poor"},
            ]
        },
        end=END,
    )
    explored = explore(farm)
    assert {s.score for s in explored.ways} == set(range(-20, 21, 5))
    assert explored.stuck == explored.endless == ()


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        ([{"goes_to": "end", "if": {"has": ["told"]}}], "has no route that holds"),
        ([{"goes_to": "fork"}], "leads round to itself without a choice"),
        ([{"goes_to": "end"}, {"goes_to": "end"}], "the routes below it are never taken"),
        ([{"goes_to": "end", "if": {"score_at_least": 9}}, {"goes_to": "end"}], "is never taken"),
        ([{"goes_to": "away"}], "there is no node 'away'"),
    ],
)
def test_a_junction_must_lead_on(routes: list[dict[str, Any]], message: str) -> None:
    forked = story(
        start={
            "choices": [
                {"id": "a", "goes_to": "fork"},
                {"id": "b", "goes_to": "end", "sets": ["told"]},
            ]
        },
        fork={"routes": routes},
        end=END,
    )
    assert any(message in one for one in said(forked))


def test_a_story_too_large_to_look_through_is_refused_at_once() -> None:
    flags = [f"flag-{n}" for n in range(16)]
    choices: list[dict[str, Any]] = [
        {"id": flag, "goes_to": "start", "sets": [flag], "if": {"lacks": [flag]}} for flag in flags
    ]
    vast = story(start={"choices": [{"id": "a", "goes_to": "end"}, *choices]}, end=END)
    with pytest.raises(TooManyStates):
        explore(vast)
    assert said(vast) == [
        f"can be in more than {MOST_STATES} states; use fewer flags, clear those that are done with,"
        " or ask for the score in fewer places"
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "message"),
    [
        ("threat]}\n        t", "thret]}\n        t", "-thret", "nodes.hub.asides[1].if.has[1]", "no choice sets"),
        ("reveals: [threat]", "reveals: [thraet]", "thraet", "nodes.hub.choices[2].reveals[1]", "no fact 'thraet'"),
        ("    reveals: [told]\n", "", "{id: told", "facts[4]", "nothing reveals 'told'"),
        ("stage: 3", "stage: 4", "stage: 4", "facts[4].stage", "there are 3 stages"),
        ("finding: too-far", "finding: far", "finding: far", "nodes.hub.choices[3].finding", "no finding 'far'"),
        ("        finding: too-far\n", "", "{id: too-far", "findings[2]", "carries 'too-far'"),
        ("kind: delay", "kind: slow", "kind: slow", "findings[3].kind", "must be one of"),
        ("score: 3", "score: 9", "score: 9", "nodes.hub.choices[2].score", "less than or equal to 5"),
        ("score_at_most: -6", "score: -6", "score: -6", "nodes.sum-up.routes[2].if.score", "is not a field"),
        ("if: {score_at_most: -6}", "if: {}", "if: {}", "nodes.sum-up.routes[2].if", "asks nothing"),
        ("  sum-up:\n", "  sum-up:\n    text: Hm.\n", "routes:", "nodes.sum-up.routes", "passed at once"),
        ("sets: [referred]", "sets: [referred, spare]", "spare", "nodes.decide.choices[1].sets[2]", "nothing asks"),
        ("ask-threat, go-on, ", "go-on, ", "recommended", "recommended[3]", "'refer' is not a choice"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_reported_with_its_line(
    tmp_path: Path, old: str, new: str, line: str, field: str, message: str
) -> None:
    folder = every_kind.broken(tmp_path / "pack", THREADS, old, new)
    found = [p for p in check_pack(folder).problems if p.file == THREADS and message in p.message]
    assert [(p.field, p.line) for p in found] == [(field, line_of(folder, THREADS, line))]


def test_conditions_are_lists_and_numbers_and_nothing_is_evaluated(tmp_path: Path) -> None:
    folder = every_kind.broken(tmp_path / "pack", THREADS, "if: {score_at_most: -6}", 'if: "score <= -6"')
    assert [p.message for p in check_pack(folder).problems] == ["must be a group of named fields"]


@given(seed=st.integers(min_value=0, max_value=10_000))
def test_exploring_agrees_with_walking_whatever_the_story(seed: int) -> None:
    """Of a story made at random: it is refused, or every walk in it can end."""
    rng = random.Random(seed)
    names, flags = ["start", "one", "two", "three"], ["x", "y"]

    def choice(name: str) -> dict[str, Any]:
        made: dict[str, Any] = {"id": name, "goes_to": rng.choice([*names, "end"])}
        if rng.random() < 0.5:
            made["sets"] = [rng.choice(flags)]
        if rng.random() < 0.3:
            made["clears"] = [rng.choice(flags)]
        if rng.random() < 0.5:
            made["if"] = {rng.choice(["has", "lacks"]): [rng.choice(flags)]}
        return made

    made = story(**{n: {"choices": [choice("a"), choice("b"), choice("c")]} for n in names}, end=END)
    explored = explore(made)
    ok = not (explored.stuck or explored.endless)
    assert ok == all(_can_end(explored, state) for state in explored.ways)


def _can_end(explored: Exploration, state: Any) -> bool:
    queue, seen = [state], {state}
    while queue:
        here = queue.pop()
        if explored.scenario.nodes[here.node].ending:
            return True
        new = set(explored.ways[here].values()) - seen
        seen |= new
        queue += new
    return False

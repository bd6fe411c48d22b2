import pytest

from course_content.packs import read_pack
from course_content.scenarios import LONGEST_WALK, NotOnOffer, position, take
from course_content.schema import Module, Scenario
from tests.course_content import every_kind


@pytest.fixture
def door(small: Module) -> Scenario:
    return small.scenarios[0]


def test_a_walk_begins_at_the_start(door: Scenario) -> None:
    here = position(door)
    assert here.node.id == "knock"
    assert (here.taken, here.ended, here.outcome, here.last) == ((), False, None, None)


def test_a_walk_keeps_what_was_chosen_and_why_it_was_good_or_not(door: Scenario) -> None:
    here = position(door, ["ignore", "open-now"])
    assert [(t.node.id, t.choice.id, t.verdict, t.reason) for t in here.taken] == [
        ("knock", "ignore", "poor", "They will knock again."),
        ("again", "open-now", "acceptable", "Better late."),
    ]
    assert here.ended
    assert here.outcome == "good"
    assert here.ending is not None
    assert here.ending.title == "Inside"


def test_a_choice_that_is_gone_stops_the_replay_where_it_still_made_sense(door: Scenario) -> None:
    here = position(door, ["ignore", "knock-back", "open-now"])
    assert here.node.id == "again"
    assert here.choices == ("ignore",)


def test_choices_after_an_ending_are_dropped(door: Scenario) -> None:
    assert position(door, ["open", "open", "ignore"]).choices == ("open",)


def test_a_recorded_path_is_not_replayed_for_ever(door: Scenario) -> None:
    here = position(door, ["ignore"] + ["wait"] * 10_000)
    assert len(here.taken) == LONGEST_WALK


def test_taking_a_step(door: Scenario) -> None:
    here = take(door, [], "ignore")
    assert here.node.id == "again"
    assert take(door, here.choices, "open-now").ended


@pytest.mark.parametrize(
    ("choices", "choice"), [([], "open-now"), ([], ""), (["open"], "open"), (["ignore"], "open")]
)
def test_a_step_not_on_offer_is_refused(door: Scenario, choices: list[str], choice: str) -> None:
    with pytest.raises(NotOnOffer):
        take(door, choices, choice)


def test_a_walk_that_goes_round_too_often_is_refused(door: Scenario) -> None:
    with pytest.raises(NotOnOffer):
        take(door, ["ignore"] + ["wait"] * (LONGEST_WALK - 1), "wait")


# --- what a story remembers -----------------------------------------------------------------------


@pytest.fixture
def threads() -> Scenario:
    return read_pack(every_kind.FOLDER).scenarios[0]


def offered(scenario: Scenario, *choices: str) -> set[str]:
    return {choice.id for choice in position(scenario, choices).offered}


def test_what_is_on_offer_depends_on_earlier_choices(threads: Scenario) -> None:
    assert offered(threads) == {"ask-age", "ask-threat", "panic", "wait", "go-on"}
    assert offered(threads, "ask-age") == {"ask-threat", "panic", "wait", "go-on"}
    assert offered(threads, "ask-age", "ask-threat") == {"wait", "go-on"}
    assert offered(threads, "go-on") == {"in-school", "ask-more"}
    assert offered(threads, "go-on", "ask-more", "ask-threat", "go-on") == {"refer", "in-school", "ask-more"}


def test_a_moment_is_told_as_one_came_to_it(threads: Scenario) -> None:
    assert position(threads).story == "The pupil sits in your office."
    assert position(threads, ["ask-threat"]).story.endswith("She looks at the door.")


def test_the_fact_sheet_grows_stage_by_stage(threads: Scenario) -> None:
    def sheet(*choices: str) -> list[tuple[int, str, list[tuple[str, bool]]]]:
        stages = position(threads, choices).fact_sheet
        return [(s.number, s.title, [(k.fact.id, k.new) for k in s.facts]) for s in stages]

    first = (1, "At first", [("worry", False)])
    assert sheet() == [first]
    assert sheet("ask-threat") == [first, (2, "What you found out", [("threat", True)])]
    assert sheet("ask-threat", "ask-age") == [
        first,
        (2, "What you found out", [("age", True), ("threat", False)]),
    ]
    assert sheet(*threads.recommended)[-1] == (3, "After your decision", [("told", True)])


@pytest.mark.parametrize(
    ("choices", "score", "outcome", "findings"),
    [
        (["ask-age", "ask-threat", "go-on", "refer"], 8, "good", []),
        (["ask-threat", "go-on", "refer"], 6, "mixed", []),
        (["go-on", "in-school"], 1, "mixed", ["under-referral"]),
        (["panic", "in-school"], -2, "mixed", ["under-referral", "over-referral"]),
        (["wait", "wait", "go-on", "in-school"], -9, "poor", ["under-referral", "delay"]),
        (["wait"] * 9 + ["go-on", "in-school"], -19, "poor", ["under-referral", "delay"]),
    ],
)
def test_flags_and_score_decide_the_ending_and_each_finding_comes_once(
    threads: Scenario, choices: list[str], score: int, outcome: str, findings: list[str]
) -> None:
    here = position(threads, choices)
    assert (here.state.score, here.outcome) == (score, outcome)
    assert [finding.kind for finding in here.findings] == findings


def test_a_choice_that_is_no_longer_on_offer_stops_the_replay(threads: Scenario) -> None:
    assert position(threads, ["ask-age", "ask-age", "go-on"]).choices == ("ask-age",)
    with pytest.raises(NotOnOffer):
        take(threads, ["go-on"], "refer")

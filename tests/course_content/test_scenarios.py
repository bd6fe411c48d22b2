import pytest

from course_content.scenarios import LONGEST_WALK, NotOnOffer, position, take
from course_content.schema import Module, Scenario


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

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from course_content.journey import Status, choices_as_shown, grounds, journey
from course_content.schema import Lesson, Module

DONE = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass
class Step:
    """What is on record of a step."""

    done_at: datetime | None = DONE
    skipped: bool = False


def statuses(module: Module, progress: dict[str, Step], *, passed: bool = False) -> list[Status]:
    return [stop.status for stop in journey(module, progress, passed=passed).stops]


def test_the_first_step_is_next_and_the_quiz_is_locked(small: Module) -> None:
    way = journey(small, {}, passed=False)
    assert [stop.status for stop in way.stops] == [Status.NEXT, Status.LATER, Status.LOCKED]
    assert way.next is way.stops[0]
    assert (way.begun, way.behind, way.minutes_left, way.quiz_open) == (False, 0, 4, False)


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        ({"first": Step()}, [Status.DONE, Status.NEXT, Status.LOCKED]),
        ({"first": Step(done_at=None)}, [Status.NEXT, Status.LATER, Status.LOCKED]),
        ({"door": Step()}, [Status.NEXT, Status.DONE, Status.LOCKED]),
        ({"first": Step(), "door": Step()}, [Status.DONE, Status.DONE, Status.NEXT]),
        ({"first": Step(), "door": Step(skipped=True)}, [Status.DONE, Status.SKIPPED, Status.NEXT]),
    ],
)
def test_progress_moves_what_is_next(
    small: Module, progress: dict[str, Step], expected: list[Status]
) -> None:
    assert statuses(small, progress) == expected


def test_a_skipped_step_opens_the_quiz_like_a_done_one(small: Module) -> None:
    way = journey(small, {"first": Step(), "door": Step(skipped=True)}, passed=False)
    assert way.quiz_open
    assert way.minutes_left == 2


def test_nothing_is_left_after_a_pass(small: Module) -> None:
    way = journey(small, {"first": Step(), "door": Step()}, passed=True)
    assert way.next is None
    assert way.minutes_left == 0


def test_a_step_added_after_a_pass_is_next_and_leaves_the_quiz_done(small: Module) -> None:
    assert statuses(small, {"first": Step()}, passed=True) == [Status.DONE, Status.NEXT, Status.DONE]


def test_after_a_step_comes_the_first_open_one_behind_it(small: Module) -> None:
    before = journey(small, {"first": Step()}, passed=False)
    assert before.after("first") is before.stops[1]
    jumped = journey(small, {"door": Step()}, passed=False)
    assert jumped.after("door") is jumped.stops[0]  # the quiz is locked: what was left out comes next
    ready = journey(small, {"first": Step(), "door": Step()}, passed=False)
    assert ready.after("first") is ready.stops[2]
    passed = journey(small, {"first": Step(), "door": Step()}, passed=True)
    assert passed.after("door") is None


def test_each_claim_comes_with_its_sources(small: Module) -> None:
    lesson = small.steps[0]
    assert isinstance(lesson, Lesson)
    ground = grounds(small, lesson)[0]
    assert (ground.claim.id, [source.id for source in ground.sources]) == ("tell", ["overview"])


def test_the_order_of_choices_is_ones_own_and_stays(awareness: Module) -> None:
    node = next(node for node in awareness.scenarios[0].nodes.values() if len(node.choices) > 2)
    assert choices_as_shown(node, seed="1:door") == choices_as_shown(node, seed="1:door")
    firsts = {choices_as_shown(node, seed=f"{n}:door")[0].id for n in range(50)}
    assert firsts == {choice.id for choice in node.choices}

"""Two hundred results on their way home while workers are killed and the broker is lost. Real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.processes import (
    Tool,
    enrol,
    nothing_is_lost_by_a_kill,
    own_database,
    people,
    slow_gradebook,
    standing,
    until,
)
from tests.platforms.fake import FakePlatform, Fault

pytestmark = pytest.mark.slow


@pytest.fixture
def gradebook() -> Iterator[FakePlatform]:
    with slow_gradebook() as platform:
        yield platform


@pytest.fixture
def tool(tmp_path: Path) -> Iterator[Tool]:
    with own_database(tmp_path) as database_url:
        tool = Tool(tmp_path, database_url)
        yield tool
        tool.stop()


def test_a_killed_worker_loses_nothing(tool: Tool, gradebook: FakePlatform) -> None:
    nothing_is_lost_by_a_kill(tool, gradebook)


def test_a_worker_killed_again_and_again_loses_nothing(tool: Tool, gradebook: FakePlatform) -> None:
    """Each time the platform has taken a score and the answer is lost."""
    enrol(tool, gradebook, 30)
    tool.inside("submit", "50", *people(*range(30)))
    tool.beat()
    for wanted in (5, 15, 25):
        worker = tool.worker("solo")
        until(lambda: len(standing(gradebook)) >= wanted)  # noqa: B023
        gradebook.fail("/lineitems/1/scores", Fault(reset=True, after=True))
        tool.kill(worker)
    tool.worker("solo")

    until(lambda: standing(gradebook) == {f"user-{number}": 50 for number in range(30)})


def test_results_submitted_without_a_broker_are_found_by_the_sweep(
    tool: Tool, gradebook: FakePlatform
) -> None:
    enrol(tool, gradebook, 20)
    tool.inside("submit_without_broker", "85", *people(*range(20)))
    assert tool.states() == {"waiting": 20}

    tool.worker("solo")
    tool.beat()

    until(lambda: standing(gradebook) == {f"user-{number}": 85 for number in range(20)})
    assert tool.complaints() == []


def test_results_submitted_while_nothing_runs_are_sent_when_something_does(
    tool: Tool, gradebook: FakePlatform
) -> None:
    """The rings wait in the broker: no beat is needed."""
    enrol(tool, gradebook, 20)
    tool.inside("submit", "85", *people(*range(20)))
    tool.worker("solo")

    until(lambda: standing(gradebook) == {f"user-{number}": 85 for number in range(20)})
    assert tool.complaints() == []

"""A course's list of members, asked for by a lead and read by a real worker. Real processes."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.processes import Tool, enrol, own_database, until
from tests.platforms.fake import FakePlatform, Fault
from tests.platforms.people import Crowd

pytestmark = pytest.mark.slow

MEMBERSHIPS = "/memberships/course-1"
READ = {"is_read": True, "is_leased": False, "members": 1203}


@pytest.fixture
def vle() -> Iterator[FakePlatform]:
    """A VLE with 1,203 people in the course."""
    with FakePlatform() as platform:
        platform.people = Crowd(1203)
        yield platform


@pytest.fixture
def tool(tmp_path: Path, vle: FakePlatform) -> Iterator[Tool]:
    with own_database(tmp_path) as database_url:
        tool = Tool(tmp_path, database_url)
        enrol(tool, vle, 0)
        yield tool
        tool.stop()


def standing(tool: Tool) -> dict[str, object]:
    found: dict[str, object] = json.loads(tool.inside("roster"))
    return found


def test_it_works(tool: Tool, vle: FakePlatform) -> None:
    """The ring waits in the broker: no beat is needed."""
    tool.inside("ask_for_roster", vle.url + MEMBERSHIPS)
    tool.worker("solo")

    until(lambda: standing(tool) == READ)
    assert tool.complaints() == []


def test_a_worker_killed_in_the_middle_loses_nothing(tool: Tool, vle: FakePlatform) -> None:
    answered, let_go = threading.Event(), threading.Event()

    def hold_the_next(fault: Fault | None) -> None:
        if vle.count("GET", MEMBERSHIPS) == 1 and not answered.is_set():
            vle.fail(MEMBERSHIPS, Fault(held=let_go))
            answered.set()

    vle.after_answer = hold_the_next
    worker = tool.worker("prefork")
    tool.inside("ask_for_roster", vle.url + MEMBERSHIPS)
    until(lambda: vle.count("GET", MEMBERSHIPS) == 2)
    tool.kill(worker)
    let_go.set()
    assert standing(tool) == {"is_read": False, "is_leased": True, "members": 0}

    tool.worker("solo")
    tool.inside("let_roster_lease_run_out")

    until(lambda: standing(tool) == READ)
    assert tool.complaints() == []

"""The same way home through a real RabbitMQ with quorum queues: cut off, gone mute, or set up otherwise."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from kombu import Connection, Queue

from tests.journeys.processes import (
    Tool,
    Wire,
    enrol,
    nothing_is_lost_by_a_kill,
    own_database,
    people,
    slow_gradebook,
    standing,
    until,
)
from tests.platforms.fake import FakePlatform

pytestmark = [pytest.mark.slow, pytest.mark.rabbitmq]


@pytest.fixture
def broker() -> Connection:
    return Connection(os.environ["TEST_BROKER_URL"])


@pytest.fixture
def queue(broker: Connection) -> Iterator[str]:
    """The name of a queue that is nobody else's."""
    name = f"journey-{uuid.uuid4().hex[:12]}"
    yield name
    with broker.channel() as channel:
        channel.queue_delete(name)
        channel.exchange_delete(name)
    broker.release()


@pytest.fixture
def wire() -> Iterator[Wire]:
    """What lies between the tool and its broker."""
    address = urlsplit(os.environ["TEST_BROKER_URL"])
    wire = Wire((address.hostname or "127.0.0.1", address.port or 5672))
    yield wire
    wire.flows.set()
    wire.cut()


@pytest.fixture
def gradebook() -> Iterator[FakePlatform]:
    with slow_gradebook() as platform:
        yield platform


@pytest.fixture
def tool(tmp_path: Path, wire: Wire, queue: str) -> Iterator[Tool]:
    address = urlsplit(os.environ["TEST_BROKER_URL"])
    who = address.netloc.rpartition("@")[0]
    through = urlunsplit(address._replace(netloc=f"{who}@127.0.0.1:{wire.port}"))
    with own_database(tmp_path) as database_url:
        tool = Tool(tmp_path, database_url, through, queue)
        yield tool
        tool.stop()


def test_a_worker_starts_on_a_quorum_queue(tool: Tool, broker: Connection, queue: str) -> None:
    tool.worker("solo")
    until(lambda: "ready." in tool.log.read_text())

    assert tool.complaints() == []
    with broker.channel() as channel:
        # Declared otherwise it would be refused: this is what it is.
        Queue(queue, queue_arguments={"x-queue-type": "quorum"}, channel=channel).queue_declare()


def test_a_killed_worker_loses_nothing(tool: Tool, gradebook: FakePlatform) -> None:
    nothing_is_lost_by_a_kill(tool, gradebook)


def test_a_broker_that_is_gone_fails_no_submit_and_loses_nothing(
    tool: Tool, gradebook: FakePlatform, wire: Wire
) -> None:
    enrol(tool, gradebook, 30)
    tool.worker("solo")
    tool.beat()
    tool.inside("submit", "50", *people(*range(10)))
    until(lambda: len(standing(gradebook)) == 10)

    wire.cut()
    tool.inside("submit", "85", *people(*range(5, 20)))
    wire.mend()
    tool.inside("submit", "85", *people(*range(20, 30)))

    expected = {f"user-{number}": 50 if number < 5 else 85 for number in range(30)}
    until(lambda: standing(gradebook) == expected)


def test_a_broker_that_takes_and_never_confirms_fails_no_submit(
    tool: Tool, gradebook: FakePlatform, wire: Wire
) -> None:
    """As RabbitMQ does under a memory alarm: without limits a submit would hang for ever."""
    enrol(tool, gradebook, 6)
    tool.worker("solo")
    tool.beat()
    tool.inside("submit", "50", *people(0, 1, 2))
    until(lambda: len(standing(gradebook)) == 3)

    with tool.about_to_submit("85", *people(2, 3)):
        wire.flows.clear()
    tool.inside("submit", "85", *people(4, 5))
    wire.flows.set()

    expected = {"user-0": 50, "user-1": 50, **dict.fromkeys(("user-2", "user-3", "user-4", "user-5"), 85)}
    until(lambda: standing(gradebook) == expected)


def test_a_queue_that_was_declared_otherwise_fails_no_submit(
    tool: Tool, gradebook: FakePlatform, broker: Connection, queue: str
) -> None:
    """Left by an older release as a classic queue: RabbitMQ refuses our declaration."""
    with broker.channel() as channel:
        Queue(queue, channel=channel).queue_declare()
    enrol(tool, gradebook, 3)

    tool.inside("submit", "85", *people(0, 1, 2))

    assert tool.states() == {"waiting": 3}
    tool.run("manage.py", "send_scores")
    assert standing(gradebook) == {"user-0": 85, "user-1": 85, "user-2": 85}

"""Counting how a connection does: exact in quiet times, cheap in a flood, and never in anybody's way."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from lti_tool import tallies, tasks, troubles
from lti_tool.gradebook import Reason
from lti_tool.models import ConnectionTally, Registration
from lti_tool.rejections import EXPLANATIONS
from tests.factories import at_once, make_registration
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform, PlatformKey
from tests.platforms.terms import CLAIM

pytestmark = pytest.mark.django_db
Kind = ConnectionTally.Kind
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def rows() -> list[tuple[Any, ...]]:
    return list(
        ConnectionTally.objects.order_by("day", "kind", "reason").values_list("kind", "reason", "count")
    )


def a_minute_later() -> None:
    """This process has not written for a minute."""
    for count in tallies._counts.values():
        count.minute_began -= tallies.MINUTE


def test_each_reason_has_one_row_a_day() -> None:
    registration = make_registration()
    for reason in ("unreachable", "unreachable", "ungradable"):
        tallies.failed(registration.pk, Kind.SCORE, reason, NOON)
    tallies.failed(registration.pk, Kind.ROSTER, "unreachable", NOON)
    tallies.failed(registration.pk, Kind.SCORE, "unreachable", NOON + timedelta(days=1))

    assert rows() == [
        ("roster", "unreachable", 1),
        ("score", "ungradable", 1),
        ("score", "unreachable", 2),
        ("score", "unreachable", 1),
    ]
    assert ConnectionTally.objects.first().last_at == NOON  # type: ignore[union-attr]


def test_a_day_is_the_schools() -> None:
    """In summer a British day begins at eleven in the evening, UTC."""
    registration = make_registration()
    tallies.failed(registration.pk, Kind.SCORE, "unreachable", datetime(2026, 7, 1, 23, 30, tzinfo=UTC))

    assert str(ConnectionTally.objects.get().day) == "2026-07-02"


def test_what_works_is_written_once_a_minute_and_nothing_is_lost() -> None:
    registration = make_registration()
    tallies.worked(registration.pk, Kind.SCORE, NOON)
    for second in range(1, 500):
        tallies.worked(registration.pk, Kind.SCORE, NOON + timedelta(seconds=second / 10))
    assert rows() == [("score", "", 1)]

    a_minute_later()
    tallies.worked(registration.pk, Kind.SCORE, NOON + timedelta(minutes=1))

    assert rows() == [("score", "", 501)]
    assert ConnectionTally.objects.get().last_at == NOON + timedelta(minutes=1)


def test_what_waited_over_midnight_counts_for_its_day() -> None:
    registration = make_registration()
    midnight = datetime(2026, 11, 21, tzinfo=UTC)
    for seconds in (-20, -10, 10):
        tallies.worked(registration.pk, Kind.SCORE, midnight + timedelta(seconds=seconds))
    a_minute_later()
    tallies.worked(registration.pk, Kind.SCORE, midnight + timedelta(seconds=50))

    assert list(ConnectionTally.objects.order_by("day").values_list("count", flat=True)) == [2, 2]


def test_after_a_failure_what_works_is_written_at_once() -> None:
    """Else the page would show a failure as the last that happened."""
    registration = make_registration()
    for _ in range(3):
        tallies.worked(registration.pk, Kind.SCORE, NOON)
    tallies.failed(registration.pk, Kind.SCORE, "platform_fault", NOON + timedelta(seconds=1))
    tallies.worked(registration.pk, Kind.SCORE, NOON + timedelta(seconds=2))

    worked = ConnectionTally.objects.get(reason="")
    assert (worked.count, worked.last_at) == (4, NOON + timedelta(seconds=2))


def test_a_flood_of_failures_costs_a_few_writes_and_is_counted(
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    registration = make_registration()
    tallies.failed(registration.pk, Kind.LAUNCH, "token_malformed", NOON)
    # A savepoint and an update each.
    with django_assert_max_num_queries(3 * tallies.FAILED_WRITES):
        for _ in range(1000):
            tallies.failed(registration.pk, Kind.LAUNCH, "token_malformed", NOON)
    a_minute_later()
    tallies.failed(registration.pk, Kind.LAUNCH, "token_malformed", NOON)

    assert rows() == [("launch", "token_malformed", 1002)]


@pytest.mark.django_db(transaction=True)
def test_many_processes_count_together() -> None:
    registration = make_registration()

    def fail() -> None:
        for _ in range(5):
            tallies.failed(registration.pk, Kind.SCORE, "unreachable", NOON)

    assert at_once(*[fail] * 6) == [None] * 6
    assert rows() == [("score", "unreachable", 30)]


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_it_is_part_of_it() -> None:
    registration = make_registration()
    with transaction.atomic():
        tallies.failed(registration.pk, Kind.SCORE, "unreachable", NOON)
        tallies.failed(registration.pk, Kind.SCORE, "unreachable", NOON)

    assert rows() == [("score", "unreachable", 2)]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_fails_is_nobody_elses_trouble(caplog: pytest.LogCaptureFixture) -> None:
    """The table is locked away, inside the caller's transaction: theirs goes on."""
    registration = make_registration()
    table = ConnectionTally._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO gone")
    try:
        with transaction.atomic():
            tallies.failed(registration.pk, Kind.SCORE, "unreachable", NOON)
            Registration.objects.update(name="Still written")
        tallies.worked(registration.pk, Kind.SCORE, NOON)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE gone RENAME TO {table}")

    assert Registration.objects.get().name == "Still written"
    assert [
        record.message.split(" why=")[0] for record in caplog.records if record.name == tallies.__name__
    ] == [f"tally.lost registration={registration.pk} kind=score"] * 2


@pytest.mark.django_db(transaction=True)
def test_a_registration_that_is_gone_is_not_counted() -> None:
    """Its foreign key would fail only when the caller's transaction ends."""
    gone = make_registration()
    pk = gone.pk
    gone.delete()
    with transaction.atomic():
        tallies.failed(pk, Kind.SCORE, "unreachable", NOON)

    assert rows() == []


def test_old_tallies_are_swept() -> None:
    registration = make_registration()
    now = datetime.now(UTC)
    for days in (0, 399, 402):
        tallies.failed(registration.pk, Kind.SCORE, "unreachable", now - timedelta(days=days))

    tasks.sweep_tallies()

    assert len(rows()) == 2


# --- launches -----------------------------------------------------------------------------------------------


def test_a_launch_that_works_is_not_counted_here(platform: FakePlatform) -> None:
    assert Visitor(platform).launch().status_code == 302

    assert rows() == []


def test_a_refused_launch_is_counted_with_its_reason(platform: FakePlatform) -> None:
    visitor = Visitor(platform)
    visitor.launch(key=PlatformKey(1))
    visitor.launch(lambda claims: claims.pop(f"{CLAIM}roles"))
    visitor.launch(lambda claims: claims.pop(f"{CLAIM}roles"))

    assert rows() == [("launch", "claim_missing", 2), ("launch", "kid_unknown", 1)]
    assert ConnectionTally.objects.first().registration.issuer == platform.issuer  # type: ignore[union-attr]


def test_a_launch_from_nowhere_known_is_counted_nowhere(platform: FakePlatform) -> None:
    assert Visitor(platform).login(iss="https://nobody.example").status_code == 404

    assert rows() == []


# --- words --------------------------------------------------------------------------------------------------


def test_every_refusal_of_a_launch_has_words_for_an_operator() -> None:
    assert troubles._LAUNCHES.keys() == EXPLANATIONS.keys()


def test_every_reason_of_a_grade_that_did_not_get_through_has_words() -> None:
    among_ourselves = {Reason.COLUMN_BUSY, Reason.OVERTAKEN}
    assert {reason.value for reason in set(Reason) - among_ourselves} <= troubles.SERVICES.keys()


def test_a_reason_that_nobody_foresaw_has_words_too() -> None:
    assert troubles.of(Kind.SCORE, "new").cure == troubles.TEST

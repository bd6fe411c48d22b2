"""Scores on their way home: every turn that the way can take, with a strict gradebook at its end."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from grading import outbox
from grading.models import Activity, Certificate, Enrolment, OutgoingScore
from lti_tool.gradebook import LINE_ITEM_READONLY, SCORE
from lti_tool.models import ConnectionTally, Deployment, Family, LineItem, Registration, ResourceLink
from tests import factories
from tests.platforms.fake import FakePlatform, Fault

pytestmark = pytest.mark.django_db

State = OutgoingScore.State


def work() -> int:
    """What a worker does when the bell rings, once through. How many scores it took."""
    leased = outbox.claim(now=timezone.now())
    for score in leased:
        outbox.deliver(score)
    return len(leased)


def forward(time: timedelta) -> None:
    """Let time pass for every score."""
    for score in OutgoingScore.objects.all():
        score.due_at -= time
        if score.leased_until:
            score.leased_until -= time
        score.save()


DAY = timedelta(days=1)
LEASE_OVER = outbox.LEASE + timedelta(seconds=1)


def states(enrolment: Enrolment) -> list[tuple[int, str]]:
    """Every score of somebody, oldest first: its figure and where it is."""
    return list(enrolment.scores.order_by("pk").values_list("percentage", "state"))


def figures(gradebook: FakePlatform, enrolment: Enrolment) -> list[int]:
    """Every figure that the gradebook took for somebody, oldest first."""
    taken = gradebook.columns["1"].scores.get(enrolment.lti_user.sub, [])
    return [score["scoreGiven"] for score in taken]


def score_of(enrolment: Enrolment) -> OutgoingScore:
    return enrolment.scores.latest("pk")


@pytest.fixture
def latest_counts(enrolment: Enrolment) -> None:
    Activity.objects.update(keeps=Activity.Keeps.LATEST)


# --- a score goes home --------------------------------------------------------------------------------------


def test_it_works(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    attempt = factories.take(enrolment, 90)
    assert states(enrolment) == [(90, "waiting")]

    assert work() == 1

    score = score_of(enrolment)
    assert (score.state, score.tries, score.reason, score.leased_until) == ("delivered", 1, "", None)
    assert score.settled_at is not None
    assert score.submitted_at == attempt.submitted_at
    assert figures(gradebook, enrolment) == [90]


def test_a_pass_as_the_gradebook_gets_it(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    before = timezone.now()
    factories.take(enrolment, 90, now=before - timedelta(hours=3))
    work()

    sent = gradebook.score_of(enrolment.lti_user.sub)
    assert sent is not None
    stamp = datetime.fromisoformat(sent.pop("timestamp"))
    assert before - timedelta(milliseconds=1) <= stamp <= timezone.now()
    code = Certificate.objects.get().code
    assert sent == {
        "userId": enrolment.lti_user.sub,
        "scoreGiven": 90,
        "scoreMaximum": 100,
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
        "comment": f"Passed with 90 %. Certificate {code}:\nhttps://tool.example/verify/{code}/",
    }


def test_a_fail_as_the_gradebook_gets_it(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    factories.take(enrolment, 95, missed_critical=True)
    work()

    sent = gradebook.score_of(enrolment.lti_user.sub)
    assert sent is not None
    assert (sent["scoreGiven"], sent["gradingProgress"]) == (79, "FullyGraded")
    assert sent["comment"] == "95 %, not passed yet: a question that must be right was missed."


def test_a_retake_that_improves_repeats_the_certificate(
    gradebook: FakePlatform, enrolment: Enrolment
) -> None:
    """Moodle erases the comment that is not sent again."""
    factories.take(enrolment, 85)
    work()
    factories.take(enrolment, 95)
    work()

    sent = gradebook.score_of(enrolment.lti_user.sub)
    assert sent is not None
    code = Certificate.objects.get().code
    assert sent["comment"] == f"Passed with 95 %. Certificate {code}:\nhttps://tool.example/verify/{code}/"


def test_one_score_for_each_change_of_the_result(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    for percentage in (60, 60, 50, 85, 85, 70, 95, 95):
        factories.take(enrolment, percentage)
        work()
        work()

    assert figures(gradebook, enrolment) == [60, 85, 95]
    assert gradebook.count("POST", "/lineitems/1/scores") == 3


def test_nothing_due_sends_nothing(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    assert work() == 0
    assert outbox.drain() == 0
    assert gradebook.received == []


def test_everybody_gets_their_own(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    people = [enrolment, *[factories.make_enrolment(enrolment.activity) for _ in range(4)]]
    for number, person in enumerate(people):
        factories.take(person, 80 + number)

    assert outbox.drain() == 5

    assert [figures(gradebook, person) for person in people] == [[80], [81], [82], [83], [84]]


def test_a_batch_is_bounded_and_the_longest_due_comes_first(enrolment: Enrolment) -> None:
    people = [factories.make_enrolment(enrolment.activity) for _ in range(outbox.BATCH + 5)]
    now = timezone.now()
    for number, person in enumerate(people):
        factories.take(person, 90)
        person.scores.update(due_at=now - timedelta(seconds=number))

    leased = outbox.claim(now=now)

    assert [score.enrolment for score in leased] == people[:4:-1]
    assert [score.state for score in leased] == ["sending"] * outbox.BATCH
    assert len(outbox.claim(now=now)) == 5


def test_the_command_sends_what_is_due(gradebook: FakePlatform, enrolment: Enrolment, capsys: Any) -> None:
    factories.take(enrolment, 90)

    call_command("send_scores")

    assert figures(gradebook, enrolment) == [90]
    assert capsys.readouterr().out == "1 tries made. 0 wait for a later try, 0 are parked.\n"


def test_the_command_tries_parked_ones_again(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    factories.take(enrolment, 90)
    enrolment.scores.update(state=State.PARKED, reason="Nobody knows.")

    call_command("send_scores")
    assert figures(gradebook, enrolment) == []
    call_command("send_scores", parked=True)
    assert figures(gradebook, enrolment) == [90]


def test_a_drain_stops_in_time(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    factories.take(enrolment, 90)
    assert outbox.drain(until=0.0) == 0
    assert states(enrolment) == [(90, "waiting")]


def test_a_drain_stays_for_what_is_due_in_a_moment(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    factories.take(enrolment, 90)
    enrolment.scores.update(due_at=timezone.now() + timedelta(seconds=0.15))

    assert outbox.drain() == 1
    assert figures(gradebook, enrolment) == [90]


# --- never older after newer --------------------------------------------------------------------------------


def test_a_newer_score_replaces_one_that_waits(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    factories.take(enrolment, 60)
    factories.take(enrolment, 85)
    work()

    assert states(enrolment) == [(60, "superseded"), (85, "delivered")]
    assert figures(gradebook, enrolment) == [85]


def test_a_newer_score_waits_for_one_in_flight(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    factories.take(enrolment, 60)
    (older,) = outbox.claim(now=timezone.now())
    factories.take(enrolment, 85)

    assert work() == 0
    assert states(enrolment) == [(60, "sending"), (85, "waiting")]
    outbox.deliver(older)
    assert work() == 1
    assert states(enrolment) == [(60, "delivered"), (85, "delivered")]
    assert figures(gradebook, enrolment) == [60, 85]


def test_another_persons_score_waits_for_nobody(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    factories.take(enrolment, 60)
    outbox.claim(now=timezone.now())
    other = factories.make_enrolment(enrolment.activity)
    factories.take(other, 85)

    assert work() == 1
    assert figures(gradebook, other) == [85]


def test_the_newest_of_three_is_the_one_that_waits(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    factories.take(enrolment, 60)
    (older,) = outbox.claim(now=timezone.now())
    factories.take(enrolment, 85)
    factories.take(enrolment, 95)
    outbox.deliver(older)
    work()

    assert states(enrolment) == [(60, "delivered"), (85, "superseded"), (95, "delivered")]
    assert figures(gradebook, enrolment) == [60, 95]


def test_a_newer_score_replaces_one_whose_worker_died(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    factories.take(enrolment, 60)
    outbox.claim(now=timezone.now())
    factories.take(enrolment, 85)
    forward(LEASE_OVER)
    work()

    assert states(enrolment) == [(60, "superseded"), (85, "delivered")]
    assert figures(gradebook, enrolment) == [85]


def test_a_newer_score_replaces_one_that_is_put_off(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    gradebook.fail("/lineitems/1/scores", Fault(503))
    factories.take(enrolment, 60)
    work()
    factories.take(enrolment, 85)
    work()

    assert states(enrolment) == [(60, "superseded"), (85, "delivered")]


def test_a_newer_score_replaces_one_that_is_parked(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    gradebook.fail("/lineitems/1/scores", Fault(400))
    factories.take(enrolment, 60)
    work()
    assert states(enrolment) == [(60, "parked")]
    factories.take(enrolment, 85)
    work()

    assert states(enrolment) == [(60, "superseded"), (85, "delivered")]


@pytest.mark.parametrize("fault", [Fault(503), Fault(400), Fault(403), Fault(429), Fault(reset=True)])
def test_a_score_refused_in_flight_gives_way_to_a_newer(
    gradebook: FakePlatform, enrolment: Enrolment, fault: Fault
) -> None:
    gradebook.fail("/lineitems/1/scores", fault)
    factories.take(enrolment, 60)
    (older,) = outbox.claim(now=timezone.now())
    factories.take(enrolment, 85)
    outbox.deliver(older)
    assert states(enrolment) == [(60, "superseded"), (85, "waiting")]
    work()

    assert outbox.send_again(OutgoingScore.objects.all(), now=timezone.now()) == 0
    assert figures(gradebook, enrolment) == [85]


def test_a_score_given_up_in_flight_gives_way_to_a_newer(
    gradebook: FakePlatform, enrolment: Enrolment
) -> None:
    gradebook.fail("/lineitems/1/scores", Fault(503))
    factories.take(enrolment, 60)
    enrolment.scores.update(tries=outbox.MOST_TRIES - 1)
    (older,) = outbox.claim(now=timezone.now())
    factories.take(enrolment, 85)
    outbox.deliver(older)

    assert states(enrolment) == [(60, "superseded"), (85, "waiting")]


def test_a_score_without_a_column_in_flight_gives_way_to_a_newer(
    gradebook: FakePlatform, enrolment: Enrolment
) -> None:
    """Left as ungraded, it could be sent again after the newer one, and undo it."""
    url = LineItem.objects.get().url
    LineItem.objects.update(url="")
    factories.take(enrolment, 60)
    (older,) = outbox.claim(now=timezone.now())
    factories.take(enrolment, 85)
    outbox.deliver(older)
    LineItem.objects.update(url=url)
    work()
    outbox.send_again(OutgoingScore.objects.all(), now=timezone.now())
    work()

    assert states(enrolment) == [(60, "superseded"), (85, "delivered")]
    assert figures(gradebook, enrolment) == [85]


@pytest.mark.parametrize("state", ["waiting", "sending"])
def test_one_score_waits_and_one_is_in_flight(enrolment: Enrolment, state: str) -> None:
    factories.take(enrolment, 60)
    enrolment.scores.update(state=state)
    score = score_of(enrolment)
    score.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        score.save(force_insert=True)


class Gate(threading.Event):
    """Holds a platform's answer back, and lets others know that it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.reached.set()
        return super().wait(timeout)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_slept_through_its_lease_undoes_nothing(
    gradebook: FakePlatform, enrolment: Enrolment
) -> None:
    """Its score is already on the wire when another worker sends a newer one: the timestamps say which is which."""
    gate = Gate()
    gradebook.fail("/lineitems/1/scores", Fault(409, after=True, held=gate))
    factories.take(enrolment, 60)

    def newer() -> None:
        assert gate.reached.wait(10)
        forward(LEASE_OVER)
        factories.take(enrolment, 85)
        work()
        gate.set()

    assert factories.at_once(work, newer) == [1, None]

    assert figures(gradebook, enrolment) == [85]
    assert states(enrolment) == [(60, "superseded"), (85, "delivered")]


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_slept_over_the_column_undoes_nothing(
    gradebook: FakePlatform, enrolment: Enrolment, unknown_column: LineItem
) -> None:
    """As before, but it slept while it looked for the column: what it sends then must not look new."""
    gate = Gate()
    found = json.dumps([{"id": gradebook.columns["1"].id, "resourceLinkId": "link-1"}]).encode()
    gradebook.fail("/lineitems", Fault(200, found, held=gate))
    factories.take(enrolment, 60)

    def newer() -> None:
        assert gate.reached.wait(10)
        forward(LEASE_OVER)
        LineItem.objects.update(url=gradebook.columns["1"].id)  # a launch told
        factories.take(enrolment, 85)
        work()
        gate.set()

    assert factories.at_once(work, newer) == [1, None]

    assert figures(gradebook, enrolment) == [85]
    assert states(enrolment) == [(60, "superseded"), (85, "delivered")]


# --- leases -------------------------------------------------------------------------------------------------


def test_a_leased_score_is_nobody_elses(enrolment: Enrolment) -> None:
    factories.take(enrolment, 90)
    now = timezone.now()

    assert [score.leased_until for score in outbox.claim(now=now)] == [now + outbox.LEASE]
    assert outbox.claim(now=now) == []
    assert outbox.claim(now=now + outbox.LEASE) == []


def test_a_score_whose_worker_died_is_sent_by_the_next(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    factories.take(enrolment, 90)
    outbox.claim(now=timezone.now())
    forward(LEASE_OVER)

    assert work() == 1
    assert figures(gradebook, enrolment) == [90]
    assert (score_of(enrolment).state, score_of(enrolment).tries) == ("delivered", 2)


def test_a_worker_that_lost_its_lease_settles_nothing(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    """Its own send went wrong, long after another worker took the score over."""
    gradebook.fail("/lineitems/1/scores", Fault(400))
    factories.take(enrolment, 90)
    (lost,) = outbox.claim(now=timezone.now())
    forward(LEASE_OVER)
    (held,) = outbox.claim(now=timezone.now())
    outbox.deliver(lost)
    assert states(enrolment) == [(90, "sending")]

    outbox.deliver(held)
    assert states(enrolment) == [(90, "delivered")]


def test_a_lease_that_runs_low_in_a_slow_batch_is_renewed(
    gradebook: FakePlatform, enrolment: Enrolment
) -> None:
    almost_over = outbox.LEASE - timedelta(seconds=5)
    claimed_at = timezone.now() - almost_over
    factories.take(enrolment, 90, now=claimed_at)
    (score,) = outbox.claim(now=claimed_at)
    seen = []
    gradebook.after_score = lambda sent: seen.append(sent["scoreGiven"])
    outbox.deliver(score)

    assert seen == [90]
    assert states(enrolment) == [(90, "delivered")]
    assert score.leased_until is not None
    assert score.leased_until > timezone.now() + outbox.LEASE / 2


def test_a_lease_that_was_lost_in_a_slow_batch_sends_nothing(
    gradebook: FakePlatform, enrolment: Enrolment
) -> None:
    factories.take(enrolment, 90, now=timezone.now() - LEASE_OVER)
    (late,) = outbox.claim(now=timezone.now() - LEASE_OVER)
    (held,) = outbox.claim(now=timezone.now())
    outbox.deliver(late)
    assert gradebook.received == []

    outbox.deliver(held)
    assert figures(gradebook, enrolment) == [90]


@pytest.mark.django_db(transaction=True)
def test_a_lease_that_is_lost_between_two_requests_sends_no_more(
    gradebook: FakePlatform, enrolment: Enrolment
) -> None:
    """Looking for the column took so long that another worker has the score by now."""
    LineItem.objects.update(url="", container_url=gradebook.lineitems_url)
    factories.take(enrolment, 90)
    (late,) = outbox.claim(now=timezone.now())
    gate = Gate()
    gradebook.fail("/lineitems", Fault(200, b"[]", held=gate))
    leases: list[datetime] = []

    def overtake() -> None:
        assert gate.reached.wait(10)
        forward(LEASE_OVER)
        late.leased_until -= LEASE_OVER
        leases.append(outbox.claim(now=timezone.now())[0].leased_until)
        gate.set()

    outcome = factories.at_once(lambda: outbox.deliver(late), overtake)
    assert outcome == [True, None], outcome

    assert gradebook.count("POST", "/lineitems") == 0
    assert enrolment.scores.get().leased_until == leases[0]


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_send_each_score_once(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    people = [factories.make_enrolment(enrolment.activity) for _ in range(40)]
    for person in people:
        factories.take(person, 90)

    assert sum(factories.at_once(*[outbox.drain] * 4)) == 40

    assert [figures(gradebook, person) for person in people] == [[90]] * 40
    assert gradebook.count("POST", "/lineitems/1/scores") == 40


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("latest_counts")
def test_submits_and_workers_at_once_end_with_the_newest(
    gradebook: FakePlatform, enrolment: Enrolment
) -> None:
    people = [enrolment, *[factories.make_enrolment(enrolment.activity) for _ in range(2)]]

    def retake(person: Enrolment) -> None:
        for percentage in range(10, 100, 6):
            factories.take(person, percentage)

    done = factories.at_once(*[partial(retake, person) for person in people], outbox.drain, outbox.drain)
    assert [outcome for outcome in done if isinstance(outcome, Exception)] == []
    while work():
        pass
    forward(DAY)
    while work():
        pass

    for person in people:
        taken = figures(gradebook, person)
        assert taken == sorted(taken)
        assert taken[-1] == 94
        assert {state for _, state in states(person)} <= {"delivered", "superseded"}


# --- put off ------------------------------------------------------------------------------------------------


PUT_OFF = {
    "down": (Fault(503), "platform_fault"),
    "busy": (Fault(429), "slow_down"),
    "hung up": (Fault(reset=True), "unreachable"),
    "web page": (Fault(200, b"<html>Maintenance</html>"), "unreadable"),
    "column gone": (Fault(404), "column_gone"),
    "grade locked": (Fault(500), "platform_fault"),
    "redirect": (Fault(302, headers={"Location": "http://evil.example/"}), "platform_fault"),
}


@pytest.mark.parametrize("why", PUT_OFF)
def test_what_may_pass_is_tried_again(gradebook: FakePlatform, enrolment: Enrolment, why: str) -> None:
    fault, reason = PUT_OFF[why]
    gradebook.fail("/lineitems/1/scores", fault)
    factories.take(enrolment, 90)
    work()

    score = score_of(enrolment)
    assert (score.state, score.reason, score.leased_until, score.settled_at) == (
        "waiting",
        reason,
        None,
        None,
    )
    assert score.due_at > timezone.now()
    assert work() == 0
    forward(DAY)
    assert work() == 1
    assert figures(gradebook, enrolment)[-1] == 90
    assert (score_of(enrolment).state, score_of(enrolment).reason) == ("delivered", "")


def test_a_moodle_that_stores_nothing_and_says_200_is_tried_again(
    gradebook: FakePlatform, enrolment: Enrolment
) -> None:
    Registration.objects.update(family=Family.MOODLE)
    gradebook.fail("/lineitems/1/scores", Fault(200, b"[]"))
    factories.take(enrolment, 90)
    work()

    assert states(enrolment) == [(90, "waiting")]


def test_a_lost_answer_leads_to_the_same_score_again(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    gradebook.fail("/lineitems/1/scores", Fault(reset=True, after=True))
    factories.take(enrolment, 90)
    work()
    assert states(enrolment) == [(90, "waiting")]
    forward(DAY)
    work()

    assert figures(gradebook, enrolment) == [90, 90]
    assert states(enrolment) == [(90, "delivered")]


@pytest.mark.parametrize("tries", range(1, 25))
def test_back_off_doubles_up_to_six_hours_with_jitter(tries: int) -> None:
    longest = min(15 * 2 ** (tries - 1), 6 * 3600)
    waits = [outbox.back_off(tries, None) for _ in range(300)]

    assert longest / 2 <= min(waits)
    assert max(waits) <= longest
    # Jitter: a term's scores do not return together.
    assert max(waits) - min(waits) > longest / 4


@pytest.mark.parametrize("asked", [0.0, 1.0, 30.0, 3600.0, 86400.0])
@pytest.mark.parametrize("tries", [1, 2, 5, 18])
def test_back_off_is_never_less_than_the_platform_asked(tries: int, asked: float) -> None:
    waits = [outbox.back_off(tries, asked) for _ in range(100)]

    assert min(waits) >= asked
    assert max(waits) <= max(asked * 1.2, 6 * 3600)


@pytest.mark.parametrize("asked", [None, 0.0, 1.0, 2.0, 30.0])
def test_nothing_is_given_up_within_a_day(asked: float | None) -> None:
    """A lead is told "We have tried for more than a day": also of a VLE that always says "in a second"."""
    for _ in range(50):
        waits = [outbox.back_off(tries, asked) for tries in range(1, outbox.MOST_TRIES)]
        assert sum(waits) > DAY.total_seconds()


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("120", 120, 145),
        (" 120 ", 120, 145),
        ("0", 0, 40),
        ("99999999999", 0, 40),
        ("-5", 0, 40),
        ("soon", 0, 40),
        ("²", 0, 40),
        ("1e400", 0, 40),
        ("Mon, 99 Zzz 2026 25:61:61 GMT", 0, 40),
        ("", 0, 40),
    ],
)
def test_retry_after_is_honoured_where_it_can_be_read(
    gradebook: FakePlatform, enrolment: Enrolment, header: str, least: float, most: float
) -> None:
    gradebook.fail("/lineitems/1/scores", Fault(429, headers={"Retry-After": header}))
    factories.take(enrolment, 90)
    before = timezone.now()
    work()

    score = score_of(enrolment)
    assert (score.state, score.reason) == ("waiting", "slow_down")
    assert before + timedelta(seconds=least) <= score.due_at <= timezone.now() + timedelta(seconds=most)


def test_retry_after_as_a_date(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
    gradebook.fail(
        "/lineitems/1/scores", Fault(503, headers={"Retry-After": format_datetime(at, usegmt=True)})
    )
    factories.take(enrolment, 90)
    work()

    assert at <= score_of(enrolment).due_at <= at + timedelta(hours=0.4, seconds=10)


# --- parked -------------------------------------------------------------------------------------------------


PARKED = {
    "teacher": (Fault(400, b"Incorrect score received: Amina Yusuf is a teacher"), "ungradable"),
    "not a student": (Fault(422, b"Amina Yusuf is no student"), "ungradable"),
    "not allowed": (Fault(403, b"Amina Yusuf"), "not_allowed"),
    "who knows": (Fault(400, b"Amina Yusuf"), "rejected"),
}


@pytest.mark.parametrize("why", PARKED)
def test_what_somebody_must_act_on_is_parked_with_its_reason(
    gradebook: FakePlatform, enrolment: Enrolment, why: str
) -> None:
    fault, reason = PARKED[why]
    gradebook.fail("/lineitems/1/scores", fault)
    factories.take(enrolment, 90)
    work()

    score = score_of(enrolment)
    assert (score.state, score.reason, score.leased_until) == ("parked", reason, None)
    assert score.settled_at is not None
    forward(7 * DAY)
    assert work() == 0


def test_what_never_works_is_parked_after_more_than_a_day(
    gradebook: FakePlatform, enrolment: Enrolment
) -> None:
    factories.take(enrolment, 90)
    for _ in range(outbox.MOST_TRIES):
        assert states(enrolment) == [(90, "waiting")]
        gradebook.fail("/lineitems/1/scores", Fault(503))
        assert work() == 1
        forward(DAY)

    score = score_of(enrolment)
    assert (score.state, score.tries) == ("parked", outbox.MOST_TRIES)
    assert score.reason == "platform_fault"


def test_send_again(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    gradebook.ungradable = {enrolment.lti_user.sub}
    factories.take(enrolment, 90)
    enrolment.scores.update(tries=7)
    work()
    assert states(enrolment) == [(90, "parked")]

    assert outbox.send_again(enrolment.scores.all(), now=timezone.now()) == 1
    score = score_of(enrolment)
    assert (score.state, score.reason, score.tries, score.settled_at) == ("waiting", "", 0, None)
    work()
    assert states(enrolment) == [(90, "parked")]

    gradebook.ungradable = set()
    outbox.send_again(enrolment.scores.all(), now=timezone.now())
    work()
    assert states(enrolment) == [(90, "delivered")]
    assert figures(gradebook, enrolment) == [90]


@pytest.mark.parametrize("state", ["waiting", "sending", "delivered", "superseded"])
def test_send_again_touches_only_what_is_stuck(enrolment: Enrolment, state: str) -> None:
    factories.take(enrolment, 90)
    enrolment.scores.update(state=state)

    assert outbox.send_again(enrolment.scores.all(), now=timezone.now()) == 0
    assert states(enrolment) == [(90, state)]


# --- answers that nobody expected ---------------------------------------------------------------------------


UNEXPECTED = {
    "nested too deep": Fault(200, b"[" * 200_000),
    "a number too long": Fault(200, b'[{"id": ' + b"9" * 9000 + b"}]"),
    "an address too long": Fault(200, b'[{"resourceLinkId": "link-2", "id": "%s"}]'),
    "a NUL in the address": Fault(200, b'[{"resourceLinkId": "link-2", "id": "%s\\u0000"}]'),
    "half a character": Fault(200, b'[{"resourceLinkId": "link-2", "id": "%s\\ud800"}]'),
    "no address": Fault(200, b'[{"resourceLinkId": "link-2", "id": "http://["}]'),
    "not UTF-8": Fault(200, b"\xff\xfe\x00"),
}


@pytest.mark.parametrize("kind", UNEXPECTED)
def test_a_strange_answer_holds_up_nobody_else(
    gradebook: FakePlatform, enrolment: Enrolment, kind: str
) -> None:
    """One VLE's nonsense is put off like any other failure, and the next school's score goes home."""
    strange = factories.make_link(enrolment.resource_link.context, resource_link_id="link-2")
    factories.make_line_item(strange, container_url=f"{gradebook.url}/lineitems")
    stuck = factories.make_enrolment(link=strange)
    fault = UNEXPECTED[kind]
    address = f"{gradebook.url}/lineitems/".encode() + (
        b"9" * 2000 if kind == "an address too long" else b"2"
    )
    answer = Fault(200, fault.body.replace(b"%s", address))
    gradebook.fail("/lineitems", answer)
    factories.take(stuck, 70)
    factories.take(enrolment, 90)
    stuck.scores.update(due_at=timezone.now() - timedelta(minutes=1))

    outbox.drain()

    assert figures(gradebook, enrolment) == [90]
    assert states(stuck)[0][1] in {"waiting", "parked"}
    assert score_of(stuck).reason != ""
    assert LineItem.objects.get(resource_link=strange).leased_until is None


def test_an_address_that_cannot_be_asked_holds_up_nobody_else(
    gradebook: FakePlatform, enrolment: Enrolment
) -> None:
    impossible = factories.make_registration("https://vle.example:99999")
    course = factories.make_course(factories.make_deployment(impossible))
    strange = factories.make_link(course, column=f"{impossible.issuer}/lineitem/1")
    stuck = factories.make_enrolment(link=strange)
    factories.take(stuck, 70)
    factories.take(enrolment, 90)
    stuck.scores.update(due_at=timezone.now() - timedelta(minutes=1))

    outbox.drain()

    assert figures(gradebook, enrolment) == [90]
    assert states(stuck) == [(70, "waiting")]


def test_a_fault_of_our_own_holds_up_nobody_else(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    """A registration that a hand in the database has broken."""
    broken = factories.make_registration(family="webct")
    stuck = factories.make_enrolment(
        link=factories.make_link(
            factories.make_course(factories.make_deployment(broken)), column=broken.issuer
        )
    )
    Registration.objects.filter(pk=broken.pk).update(family=Family.GENERIC)
    stuck.refresh_from_db()
    factories.take(stuck, 70)
    Registration.objects.filter(pk=broken.pk).update(family="webct")
    factories.take(enrolment, 90)
    stuck.scores.update(due_at=timezone.now() - timedelta(minutes=1))

    outbox.drain()

    assert figures(gradebook, enrolment) == [90]
    score = score_of(stuck)
    assert (score.state, score.reason) == ("waiting", "our_fault")


# --- the column ---------------------------------------------------------------------------------------------


def test_a_link_without_a_gradebook_is_ungraded_until_it_has_one(
    gradebook: FakePlatform, enrolment: Enrolment, link: ResourceLink
) -> None:
    url = link.line_item.url
    LineItem.objects.all().delete()
    factories.take(enrolment, 90)
    work()
    assert states(enrolment) == [(90, "ungraded")]
    assert gradebook.received == []

    factories.make_line_item(link, url=url)
    assert work() == 0
    outbox.send_again(enrolment.scores.all(), now=timezone.now())
    work()
    assert states(enrolment) == [(90, "delivered")]
    assert figures(gradebook, enrolment) == [90]


@pytest.fixture
def unknown_column(gradebook: FakePlatform, link: ResourceLink) -> LineItem:
    """The VLE told of its columns, not of the link's."""
    LineItem.objects.update(url="", container_url=f"{gradebook.url}/lineitems?type_id=1")
    return LineItem.objects.get()


def test_an_unknown_column_is_found(
    gradebook: FakePlatform, enrolment: Enrolment, unknown_column: LineItem
) -> None:
    factories.take(enrolment, 90)
    work()

    assert figures(gradebook, enrolment) == [90]
    unknown_column.refresh_from_db()
    assert (unknown_column.url, unknown_column.leased_until) == (gradebook.columns["1"].id, None)
    assert len(gradebook.columns) == 1


def test_a_missing_column_is_made_once(
    gradebook: FakePlatform, enrolment: Enrolment, unknown_column: LineItem
) -> None:
    gradebook.columns.clear()
    people = [enrolment, *[factories.make_enrolment(enrolment.activity) for _ in range(3)]]
    for person in people:
        factories.take(person, 90)
    work()

    assert [figures(gradebook, person) for person in people] == [[90]] * 4
    (column,) = gradebook.columns.values()
    assert (column.label, column.resource_link_id, column.resource_id, column.maximum) == (
        "Responding to nudes and semi-nudes",
        "link-1",
        str(enrolment.activity_id),
        100,
    )


@pytest.mark.django_db(transaction=True)
def test_a_missing_column_is_made_once_by_workers_at_once(
    gradebook: FakePlatform, enrolment: Enrolment, unknown_column: LineItem
) -> None:
    gradebook.columns.clear()
    people = [factories.make_enrolment(enrolment.activity) for _ in range(outbox.BATCH * 3)]
    for person in people:
        factories.take(person, 90)
    factories.at_once(*[work] * 3)
    forward(DAY)
    while work():
        pass

    assert len(gradebook.columns) == 1
    assert [figures(gradebook, person) for person in people] == [[90]] * len(people)


def test_a_worker_that_died_over_the_column_parks_nobody(
    gradebook: FakePlatform, enrolment: Enrolment, unknown_column: LineItem
) -> None:
    """Its lease on the column outlasts many short waits."""
    factories.take(enrolment, 90)
    LineItem.objects.update(leased_until=timezone.now() + timedelta(seconds=60))
    waited = timedelta()
    while waited < timedelta(seconds=60):
        assert work() == 1
        score = score_of(enrolment)
        assert (score.state, score.reason) == ("waiting", "column_busy")
        wait = score.due_at - timezone.now()
        waited += wait
        forward(wait)
    LineItem.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    forward(DAY)
    work()

    assert figures(gradebook, enrolment) == [90]


def test_a_column_that_is_gone_is_looked_up_again(
    gradebook: FakePlatform, enrolment: Enrolment, link: ResourceLink
) -> None:
    LineItem.objects.update(url=f"{gradebook.url}/lineitems/77", container_url=f"{gradebook.url}/lineitems")
    factories.take(enrolment, 90)
    work()
    assert states(enrolment) == [(90, "waiting")]
    assert LineItem.objects.get().url == ""
    forward(DAY)
    work()

    assert figures(gradebook, enrolment) == [90]


def test_a_column_at_a_foreign_address_gets_no_token(
    gradebook: FakePlatform, enrolment: Enrolment, unknown_column: LineItem
) -> None:
    gradebook.columns["1"].id = "https://evil.example/lineitems/1"
    factories.take(enrolment, 90)
    work()

    score = score_of(enrolment)
    assert (score.state, score.reason) == ("parked", "foreign_address")
    assert LineItem.objects.get().url == ""


def test_a_vle_that_lets_us_make_no_column(
    gradebook: FakePlatform, enrolment: Enrolment, unknown_column: LineItem
) -> None:
    gradebook.columns.clear()
    LineItem.objects.update(scopes=[LINE_ITEM_READONLY, SCORE])
    factories.take(enrolment, 90)
    work()

    assert states(enrolment) == [(90, "parked")]
    assert gradebook.columns == {}


@pytest.mark.django_db(transaction=True)
def test_a_column_that_a_launch_told_meanwhile_is_kept(
    gradebook: FakePlatform, enrolment: Enrolment, unknown_column: LineItem
) -> None:
    """A worker looks for the column in vain while somebody launches, and the launch names it."""
    gate = Gate()
    gradebook.fail("/lineitems", Fault(503, held=gate))
    factories.take(enrolment, 90)

    def launch() -> None:
        assert gate.reached.wait(10)
        LineItem.objects.update(url=gradebook.columns["1"].id)
        gate.set()

    assert factories.at_once(work, launch) == [1, None]

    assert LineItem.objects.get().url == gradebook.columns["1"].id
    forward(DAY)
    work()
    assert figures(gradebook, enrolment) == [90]


# --- tokens -------------------------------------------------------------------------------------------------


def test_one_token_serves_many_scores(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    for _ in range(30):
        factories.take(factories.make_enrolment(enrolment.activity), 90)

    assert outbox.drain() == 30
    assert gradebook.count("POST", "/token") == 1


def test_a_revoked_token_is_replaced_at_once(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    factories.take(enrolment, 60)
    work()
    gradebook.tokens.clear()
    factories.take(enrolment, 85)
    work()

    assert figures(gradebook, enrolment) == [60, 85]
    assert gradebook.count("POST", "/token") == 2
    assert score_of(enrolment).tries == 1


def test_a_platform_that_refuses_every_token_is_asked_twice_only(
    gradebook: FakePlatform, enrolment: Enrolment
) -> None:
    gradebook.fail("/lineitems/1/scores", Fault(401), Fault(401))
    factories.take(enrolment, 90)
    work()

    assert states(enrolment) == [(90, "waiting")]
    assert gradebook.count("POST", "/lineitems/1/scores") == 2


def test_a_short_lived_token_is_not_kept(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    gradebook.token_lifetime = 30
    for _ in range(2):
        factories.take(factories.make_enrolment(enrolment.activity), 90)

    assert outbox.drain() == 2
    assert gradebook.count("POST", "/token") == 2


TOKEN_FAULTS = {
    "our key": (Fault(400, b'{"error": "invalid_client"}'), "key_refused"),
    "down": (Fault(503), "token_refused"),
    "web page": (Fault(200, b"<html>"), "token_refused"),
    "no token": (Fault(200, b'{"access_token": null}'), "token_refused"),
    "a list": (Fault(200, b"[]"), "token_refused"),
    "hung up": (Fault(reset=True), "unreachable"),
    "nested too deep": (Fault(200, b"[" * 200_000), None),
    "a token no header can carry": (
        Fault(200, b'{"access_token": "a\\nb", "expires_in": 3600}'),
        None,
    ),
    "an odd life": (Fault(200, b'{"access_token": "x", "expires_in": "soon"}'), None),
}


@pytest.mark.parametrize("why", TOKEN_FAULTS)
def test_without_a_token_the_score_is_tried_again(
    gradebook: FakePlatform, enrolment: Enrolment, why: str
) -> None:
    fault, reason = TOKEN_FAULTS[why]
    gradebook.fail("/token", fault)
    factories.take(enrolment, 90)
    work()

    if score_of(enrolment).state == "waiting":
        assert reason in {None, score_of(enrolment).reason}
        assert score_of(enrolment).reason != ""
        cache.clear()
        forward(DAY)
        assert work() == 1
    assert figures(gradebook, enrolment) == [90]


# --- two scores in one second, and 409 ----------------------------------------------------------------------


def test_moodle_gets_a_second_between_two_scores(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    Registration.objects.update(family=Family.MOODLE)
    enrolment = Enrolment.objects.get()
    factories.take(enrolment, 60)
    work()
    factories.take(enrolment, 85)

    first, second = enrolment.scores.order_by("pk")
    assert second.due_at == first.settled_at + timedelta(seconds=1.5)
    assert work() == 0
    forward(timedelta(seconds=1.5))
    assert work() == 1


def test_another_vle_gets_two_scores_at_once(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    factories.take(enrolment, 60)
    work()
    now = timezone.now()
    factories.take(enrolment, 85, now=now)

    assert score_of(enrolment).due_at == now


def test_a_409_over_the_same_score_means_it_has_arrived(
    gradebook: FakePlatform, enrolment: Enrolment
) -> None:
    """The platform took it, we never heard, and its clock is ahead of ours."""
    gradebook.fail("/lineitems/1/scores", Fault(reset=True, after=True))
    factories.take(enrolment, 90)
    work()
    gradebook.columns["1"].scores[enrolment.lti_user.sub][-1]["timestamp"] = "2099-01-01T00:00:00.000Z"
    forward(DAY)
    work()

    assert states(enrolment) == [(90, "delivered")]
    assert figures(gradebook, enrolment) == [90]


def test_a_409_over_the_same_score_in_a_column_of_another_maximum(
    gradebook: FakePlatform, enrolment: Enrolment
) -> None:
    gradebook.columns["1"].maximum = 20
    gradebook.fail("/lineitems/1/scores", Fault(409, after=True))
    factories.take(enrolment, 85)
    work()

    assert states(enrolment) == [(85, "delivered")]


def test_a_409_over_another_score_is_tried_again_with_a_new_time(
    gradebook: FakePlatform, enrolment: Enrolment
) -> None:
    gradebook.fail("/lineitems/1/scores", Fault(409))
    factories.take(enrolment, 90)
    work()

    score = score_of(enrolment)
    assert score.state == "waiting"
    assert score.reason == "newer_grade"
    # Soon: it may only have been the same second.
    assert score.due_at < timezone.now() + timedelta(seconds=5)
    forward(timedelta(seconds=5))
    work()
    assert figures(gradebook, enrolment) == [90]


@pytest.mark.parametrize(
    "results",
    [b"", b"[", b"{}", b"null", b"[null]", b'[{"userId": "%s"}]', b'[{"userId": "%s", "resultScore": "90"}]',
     b'[{"userId": "%s", "resultScore": 90, "resultMaximum": 0}]', b"[" * 200_000,
     b'[{"userId": "%s", "resultScore": NaN}]', b'[{"userId": "other", "resultScore": 85}]'],
)  # fmt: skip
def test_a_409_with_results_that_cannot_be_read_is_tried_again(
    gradebook: FakePlatform, enrolment: Enrolment, results: bytes
) -> None:
    gradebook.fail("/lineitems/1/scores", Fault(409))
    answer = results.replace(b"%s", enrolment.lti_user.sub.encode())
    gradebook.fail("/lineitems/1/results", Fault(200, answer))
    factories.take(enrolment, 85)
    work()

    assert states(enrolment) == [(85, "waiting")]
    forward(DAY)
    work()
    assert figures(gradebook, enrolment) == [85]


def test_a_clock_a_minute_behind_the_vles_parks_nobody(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    """Every score is refused as too old until our clock has passed theirs."""
    factories.take(enrolment, 60)
    work()
    theirs = gradebook.columns["1"].scores[enrolment.lti_user.sub][-1]
    theirs["timestamp"] = "2099-01-01T00:00:00.000Z"
    factories.take(enrolment, 85)
    waited = timedelta()
    while waited < timedelta(seconds=60):
        assert work() == 1
        assert states(enrolment)[-1] == (85, "waiting")
        wait = score_of(enrolment).due_at - timezone.now()
        waited += wait
        forward(wait)
    theirs["timestamp"] = "2000-01-01T00:00:00.000Z"
    forward(DAY)
    work()

    assert figures(gradebook, enrolment) == [60, 85]


# --- the bell -----------------------------------------------------------------------------------------------


@contextmanager
def commits(captured: Any) -> Iterator[list[Any]]:
    with captured(execute=False) as callbacks:
        yield callbacks


def test_a_change_rings_once_after_the_commit(
    enrolment: Enrolment, django_capture_on_commit_callbacks: Any
) -> None:
    with commits(django_capture_on_commit_callbacks) as rung:
        factories.take(enrolment, 60)
        factories.take(enrolment, 60)
        factories.take(enrolment, 50)

    assert rung == [outbox.ring]


def test_send_again_rings_where_something_was_stuck(
    enrolment: Enrolment, django_capture_on_commit_callbacks: Any
) -> None:
    with commits(django_capture_on_commit_callbacks) as rung:
        factories.take(enrolment, 60)
        outbox.send_again(enrolment.scores.all(), now=timezone.now())
        enrolment.scores.update(state=State.PARKED)
        outbox.send_again(enrolment.scores.all(), now=timezone.now())

    assert rung == [outbox.ring, outbox.ring]


# --- how the connection is doing ----------------------------------------------------------------------------


def tallied() -> dict[str, int]:
    """How many scores were counted today, by reason; "" for those that arrived."""
    return dict(ConnectionTally.objects.filter(kind="score").values_list("reason", "count"))


def test_what_became_of_scores_is_counted(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    gradebook.fail("/lineitems/1/scores", Fault(503), Fault(503))
    factories.take(enrolment, 90)
    for _ in range(3):
        work()
        forward(DAY)

    assert tallied() == {"platform_fault": 2, "": 1}


def test_what_happens_among_our_own_workers_is_not_counted(
    gradebook: FakePlatform, enrolment: Enrolment, unknown_column: LineItem
) -> None:
    factories.take(enrolment, 90)
    LineItem.objects.update(leased_until=timezone.now() + DAY)
    work()

    assert score_of(enrolment).reason == "column_busy"
    assert tallied() == {}


def test_a_switched_off_connection_is_counted(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    factories.take(enrolment, 90)
    Registration.objects.update(is_active=False)
    work()

    assert tallied() == {"switched_off": 1}


# --- nobody's trouble is everybody's ------------------------------------------------------------------------


def test_a_vle_that_does_not_answer_holds_up_nobody_else(
    gradebook: FakePlatform, enrolment: Enrolment
) -> None:
    silent = factories.make_registration("http://127.0.0.1:9", client_id="silent")
    course = factories.make_course(factories.make_deployment(silent))
    link = factories.make_link(course, column="http://127.0.0.1:9/lineitems/1")
    activity = factories.make_activity(link)
    for _ in range(5):
        factories.take(factories.make_enrolment(activity), 90)
    factories.take(enrolment, 85)

    outbox.drain()

    assert figures(gradebook, enrolment) == [85]
    unanswered = OutgoingScore.objects.filter(enrolment__activity=activity)
    assert set(unanswered.values_list("state", flat=True)) == {"waiting"}
    # Two were tried; the others were left alone and have lost no try.
    assert sorted(unanswered.values_list("tries", flat=True)) == [0, 0, 0, 1, 1]


def test_a_score_that_workers_die_of_is_parked(gradebook: FakePlatform, enrolment: Enrolment) -> None:
    factories.take(enrolment, 90)
    for _ in range(outbox.MOST_TRIES):
        assert len(outbox.claim(now=timezone.now())) == 1
        forward(LEASE_OVER)

    assert outbox.claim(now=timezone.now()) == []
    assert (score_of(enrolment).state, score_of(enrolment).reason) == ("parked", "our_fault")


@pytest.mark.parametrize("what", ["registration", "deployment"])
def test_nothing_is_sent_to_a_connection_that_is_switched_off(
    gradebook: FakePlatform, enrolment: Enrolment, what: str
) -> None:
    factories.take(enrolment, 90)
    if what == "registration":
        Registration.objects.update(is_active=False)
    else:
        Deployment.objects.update(status=Deployment.Status.REFUSED)

    outbox.drain()

    assert figures(gradebook, enrolment) == []
    assert (score_of(enrolment).state, score_of(enrolment).reason) == ("parked", "switched_off")

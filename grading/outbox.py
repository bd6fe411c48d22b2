"""The outbox: scores on their way to gradebooks.

A score is a row, written in the transaction that changed the result. Workers lease rows, send, and settle them;
one that dies loses its lease, and the row is sent again. Losing the broker, the worker or the machine loses
nothing (design §1). For one enrolment nothing older is ever sent after something newer.
"""

import logging
import time
from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from grading import certificates
from grading.models import Enrolment, OutgoingScore, Result
from lti_tool import ags, platform_quirks, queues, tallies
from lti_tool.gradebook import Reason, ScoreRefused
from lti_tool.line_items import Column
from lti_tool.models import ConnectionTally, Deployment, LineItem, Registration

logger = logging.getLogger(__name__)
State = OutgoingScore.State

TASK = "grading.deliver_scores"
BATCH = 25
# Looked at before each request, and renewed when half of it is over: so half of it outlasts the slowest request
# (`lti_tool.http.SLOWEST_CALL_SECONDS`).
LEASE = timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 15.0, 6 * 3600.0
# About a day and a half of trying, and never less than a day.
MOST_TRIES = 19
# A wake-up stays for scores that are due this soon: Moodle's second between two scores, a column being made.
LINGER_SECONDS = 5.0
# After so many scores in a row without an answer, the VLE's other scores are left alone for so long.
SILENT_AFTER = 2
SILENCE = timedelta(seconds=60)
# What happens among our own workers is no sign of how a connection is doing.
AMONG_OURSELVES = {Reason.COLUMN_BUSY, Reason.OVERTAKEN}


def queue(result: Result, *, now: datetime) -> OutgoingScore:
    """Put a changed result on its way. Must run inside the transaction that changed it."""
    enrolment = result.enrolment
    unsettled = Q(state__in=[State.WAITING, *OutgoingScore.HELD_UP])
    OutgoingScore.objects.filter(unsettled, enrolment=enrolment).update(
        state=State.SUPERSEDED, settled_at=now
    )
    score = OutgoingScore.objects.create(
        enrolment=enrolment,
        percentage=gradebook_percentage(result),
        comment=comment(result),
        submitted_at=result.changed_at,
        due_at=_not_before(result, now),
        queued_at=now,
    )
    transaction.on_commit(ring)
    return score


def gradebook_percentage(result: Result) -> int:
    """The figure for the gradebook. Enough points with a critical question missed is no pass, and a VLE that
    compares only numbers must not take it for one: it reads as one point below the pass mark.
    """
    if result.passed:
        return result.percentage
    return min(result.percentage, result.enrolment.activity.pass_mark - 1)


def comment(result: Result) -> str:
    """What stands beside the grade. Plain text; the certificate's address goes with every score."""
    pass_mark = result.enrolment.activity.pass_mark
    if not result.passed:
        if result.percentage >= pass_mark:
            return f"{result.percentage} %, not passed yet: a question that must be right was missed."
        return f"{result.percentage} %, not passed yet: the pass mark is {pass_mark} %."
    certificate = result.certificate
    assert certificate is not None
    return (
        f"Passed with {result.percentage} %. Certificate {certificate.code}:\n"
        f"{certificates.verify_url(certificate.code)}"
    )


def _not_before(result: Result, now: datetime) -> datetime:
    """Some VLEs refuse a second score for a person within the same second."""
    registration = result.enrolment.lti_user.registration
    gap = timedelta(seconds=platform_quirks.of(registration).seconds_between_scores)
    last = (
        OutgoingScore.objects.filter(enrolment=result.enrolment, state=State.DELIVERED)
        .order_by("-settled_at")
        .values_list("settled_at", flat=True)
        .first()
    )
    return max(now, last + gap) if last else now


def ring() -> None:
    queues.ring(TASK)


def drain(*, until: float | None = None) -> int:
    """Deliver everything that is due, until `until` (monotonic seconds). Returns how many were sent."""
    sent = 0
    # How often in a row each VLE did not answer: one that is silent must not hold up the scores of all others.
    unanswered: Counter[int] = Counter()
    while until is None or time.monotonic() < until:
        leased = claim(now=timezone.now())
        for score in leased:
            registration = score.enrolment.lti_user.registration_id
            if unanswered[registration] >= SILENT_AFTER:
                _put_back(score, state=State.WAITING, due_at=timezone.now() + SILENCE, tries=score.tries - 1)
            elif deliver(score):
                unanswered[registration] = 0
            else:
                unanswered[registration] += 1
        sent += len(leased)
        if not leased:
            wait = _seconds_to_next()
            if wait is None or wait > LINGER_SECONDS:
                break
            time.sleep(max(wait, 0.05))
    return sent


def _seconds_to_next() -> float | None:
    waiting = OutgoingScore.objects.filter(_FREE, state=State.WAITING).order_by("due_at")
    due = waiting.values_list("due_at", flat=True).first()
    return (due - timezone.now()).total_seconds() if due else None


_same = OutgoingScore.objects.filter(enrolment=OuterRef("enrolment"))
# Nothing older of the same enrolment is in flight.
_FREE = ~Exists(_same.filter(state=State.SENDING))


@transaction.atomic
def claim(*, now: datetime, most: int = BATCH) -> list[OutgoingScore]:
    """Lease what is due: no other worker takes it until the lease runs out."""
    lost = Q(state=State.SENDING, leased_until__lt=now)
    # A worker died over an older score, and a newer one waits: the newer is the one to send.
    OutgoingScore.objects.filter(lost, Exists(_same.filter(state=State.WAITING))).update(
        state=State.SUPERSEDED, settled_at=now, leased_until=None
    )
    # A score that workers die of again and again would for ever be the first to be taken.
    OutgoingScore.objects.filter(lost, tries__gte=MOST_TRIES).update(
        state=State.PARKED, reason=Reason.OUR_FAULT, settled_at=now, leased_until=None
    )
    due = Q(state=State.WAITING, due_at__lte=now) & _FREE
    picked = list(
        OutgoingScore.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(due | lost)
        .order_by("due_at")
        .values_list("pk", flat=True)[:most]
    )
    if not picked:
        return []
    OutgoingScore.objects.filter(pk__in=picked).update(
        state=State.SENDING, leased_until=now + LEASE, tries=F("tries") + 1
    )
    return list(_with_route(OutgoingScore.objects.filter(pk__in=picked).order_by("due_at")))


def _with_route(scores: QuerySet[OutgoingScore]) -> QuerySet[OutgoingScore]:
    return scores.select_related(
        "enrolment__activity",
        "enrolment__lti_user__registration",
        "enrolment__resource_link__line_item",
        "enrolment__resource_link__deployment",
        "enrolment__result__certificate",
    )


def deliver(score: OutgoingScore) -> bool:
    """Send one leased score and settle its row. Whatever goes wrong with it, the next one has its turn.

    Returns whether its VLE can be reached, as far as this showed.
    """
    registration = score.enrolment.lti_user.registration
    try:
        _send(score, registration)
    except ags.NoGradebook:
        _put_back(score, state=State.UNGRADED, settled_at=timezone.now())
    except ScoreRefused as refused:
        logger.warning(
            "score.refused registration=%s score=%s tries=%s reason=%s",
            registration.pk,
            score.pk,
            score.tries,
            refused.reason,
        )
        _put_off_or_park(score, refused)
        return refused.reason is not Reason.UNREACHABLE
    except Exception:
        # An answer that nobody foresaw, or a row that makes no sense: left alone it would be taken first, and
        # fail, at every sweep, and nothing behind it would ever be sent.
        logger.exception(
            "score.failed registration=%s score=%s tries=%s", registration.pk, score.pk, score.tries
        )
        _put_off_or_park(score, ScoreRefused(Reason.OUR_FAULT))
    else:
        logger.info("score.delivered registration=%s score=%s", registration.pk, score.pk)
        _ours(score).update(state=State.DELIVERED, reason="", settled_at=timezone.now(), leased_until=None)
        tallies.worked(registration.pk, ConnectionTally.Kind.SCORE, timezone.now())
    return True


def _send(score: OutgoingScore, registration: Registration) -> None:
    enrolment = score.enrolment
    if not registration.is_active or enrolment.resource_link.deployment.status != Deployment.Status.ACCEPTED:
        raise ScoreRefused(Reason.SWITCHED_OFF, permanent=True)
    line_item: LineItem | None = getattr(enrolment.resource_link, "line_item", None)
    certificate = enrolment.result.certificate if enrolment.result.passed else None
    ags.send(
        line_item,
        registration,
        ags.Score(
            user_id=enrolment.lti_user.sub,
            percentage=score.percentage,
            comment=score.comment,
            submitted_at=score.submitted_at,
            verify_url=certificates.verify_url(certificate.code) if certificate else "",
        ),
        Column(
            enrolment.activity.title, resource_id=str(enrolment.activity_id), due_at=enrolment.activity.due_at
        ),
        before_asking=partial(_hold, score),
    )


def _hold(score: OutgoingScore) -> None:
    """See to it that the lease outlasts the next request. Raises ScoreRefused when another has taken it over."""
    assert score.leased_until is not None
    held_until = queues.hold(_ours(score), score.leased_until, LEASE)
    if held_until is None:
        raise ScoreRefused(Reason.OVERTAKEN)
    score.leased_until = held_until


def _ours(score: OutgoingScore) -> QuerySet[OutgoingScore]:
    """The row, as long as nobody has taken it over."""
    return OutgoingScore.objects.filter(pk=score.pk, state=State.SENDING, leased_until=score.leased_until)


def _put_off_or_park(score: OutgoingScore, refused: ScoreRefused) -> None:
    now = timezone.now()
    if refused.reason not in AMONG_OURSELVES:
        registration = score.enrolment.lti_user.registration_id
        tallies.failed(registration, ConnectionTally.Kind.SCORE, refused.reason, now)
    if refused.permanent or score.tries >= MOST_TRIES:
        _put_back(score, state=State.PARKED, reason=refused.reason, settled_at=now)
    else:
        wait = timedelta(seconds=back_off(score.tries, refused.retry_after))
        _put_back(score, state=State.WAITING, reason=refused.reason, due_at=now + wait)


@transaction.atomic
def _put_back(score: OutgoingScore, **found: Any) -> None:
    """Give up the lease of a score that did not arrive.

    Where a newer score exists it says it better, whatever became of this one: left behind in any other state, this
    one could be sent again some day and undo the newer. It may be queued at this very moment; the enrolment's lock,
    which its submit holds, decides who is first.
    """
    Enrolment.objects.select_for_update().get(pk=score.enrolment_id)
    if OutgoingScore.objects.filter(enrolment=score.enrolment_id, pk__gt=score.pk).exists():
        found = {"state": State.SUPERSEDED, "settled_at": timezone.now()}
    _ours(score).update(leased_until=None, **found)


def back_off(tries: int, retry_after: float | None) -> float:
    """Seconds to wait after so many tries of a score."""
    return queues.back_off(tries, retry_after, first=FIRST_WAIT_SECONDS, longest=LONGEST_WAIT_SECONDS)


@transaction.atomic
def send_again(scores: QuerySet[OutgoingScore], *, now: datetime) -> int:
    """Put parked scores (or those that had no gradebook) back on their way. Returns how many."""
    again = scores.filter(state__in=OutgoingScore.HELD_UP).update(
        state=State.WAITING, due_at=now, tries=0, reason="", settled_at=None
    )
    if again:
        transaction.on_commit(ring)
    return again

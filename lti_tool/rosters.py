"""Rosters: each course's list of members, read from its VLE in the background. What it changes: `memberships`.

The row is the queue. A roster is due after a lead's launch, when a lead asks, and every night; workers lease it,
read it and settle it, and one that dies loses its lease.
"""

import logging
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from lti_tool import http, nrps, queues, tallies
from lti_tool.memberships import Reading
from lti_tool.models import ConnectionTally, Deployment, Launch, Roster
from lti_tool.nrps import RosterRefused

logger = logging.getLogger(__name__)

TASK = "lti_tool.sync_rosters"
# A lead's launches ask for the roster no more often than this, and so does a lead who presses the button.
FRESH = timedelta(minutes=5)
# A course that nobody has opened for so long is read no more, until a lead does.
ALIVE = timedelta(days=400)
NIGHT = timedelta(hours=4)
# Renewed before a request when half of it is over, and each half outlasts the slowest and the pause before it.
LEASE = timedelta(seconds=2 * (http.SLOWEST_CALL_SECONDS + nrps.LONGEST_PAUSE_SECONDS + 10))
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 60.0, 6 * 3600.0
# About four hours of trying; then it is the next night's.
MOST_TRIES = 9
# How long a VLE that gave no answer for one course is left alone for all the others.
SILENCE_SECONDS = 300.0
# And one that wore us out with one, whoever asks: it would hold up every other VLE's rosters.
CALM_SECONDS = 3600.0


def ask(rosters: QuerySet[Roster], *, now: datetime) -> bool:
    """Have a course's roster read now. False: it was read or asked for a moment ago, there is none, or its VLE is
    left alone for a while.
    """
    roster = rosters.select_related("context__deployment").first()
    if roster is None or (roster.synced_at and roster.synced_at > now - FRESH):
        return False
    if cache.get(_calm(roster.context.deployment.registration_id)):
        return False
    if not cache.add(f"roster-asked:{roster.pk}", True, FRESH.total_seconds()):
        return False
    # While a worker holds it the lease keeps others out, and settling it answers this too.
    Roster.objects.filter(pk=roster.pk).update(due_at=now, tries=0)
    transaction.on_commit(ring)
    return True


def _calm(registration: int) -> str:
    return f"rosters-calm:{registration}"


def ring() -> None:
    queues.ring(TASK)


def plan_night(*, now: datetime) -> int:
    """Make the roster of every course that is alive due at some time within the night. Returns how many."""
    idle = list(_alive(now).filter(due_at=None).order_by("pk").values_list("pk", flat=True))
    minutes = int(NIGHT / timedelta(minutes=1))
    for minute in range(min(minutes, len(idle))):
        Roster.objects.filter(pk__in=idle[minute::minutes], due_at=None).update(
            due_at=now + timedelta(minutes=minute), tries=0
        )
    return len(idle)


def make_due(*, now: datetime) -> None:
    """Make the roster of every course that is alive due now."""
    Roster.objects.filter(pk__in=_alive(now)).update(due_at=now, tries=0)


def _alive(now: datetime) -> QuerySet[Roster]:
    launched = Launch.objects.filter(resource_link__context=OuterRef("context"), launched_at__gte=now - ALIVE)
    return _switched_on().filter(Exists(launched))


def _switched_on() -> QuerySet[Roster]:
    return Roster.objects.filter(
        context__deployment__status=Deployment.Status.ACCEPTED,
        context__deployment__registration__is_active=True,
    )


def drain(*, until: float | None = None) -> int:
    """Read every roster that is due, beginning none after `until` (monotonic seconds). Returns how many."""
    count = 0
    while until is None or time.monotonic() < until:
        roster = claim(now=timezone.now())
        if roster is None:
            break
        sync(roster)
        count += 1
    return count


def claim(*, now: datetime) -> Roster | None:
    """Lease the roster that is due for longest. None: nothing is, or as many are being read as may be."""
    if Roster.objects.filter(leased_until__gte=now).count() >= settings.ROSTERS_AT_ONCE:
        return None
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    due = _switched_on().filter(free, due_at__lte=now).order_by("due_at", "pk")
    while roster := due.select_related("context__deployment__registration").first():
        # On the row alone: of two workers PostgreSQL looks at this again for the second, at joined tables not.
        row = Roster.objects.filter(free, pk=roster.pk, due_at__lte=now)
        if roster.tries >= MOST_TRIES:
            # Its workers died of it again and again; for ever it would be the first to be taken.
            row.update(due_at=None, leased_until=None, problem="our_fault")
        elif row.update(leased_until=now + LEASE, tries=F("tries") + 1):
            roster.leased_until, roster.tries = now + LEASE, roster.tries + 1
            return roster
    return None


class _LeaseLost(Exception):
    """Another worker has the roster now."""


def sync(roster: Roster) -> None:
    """Read one leased roster and settle its row. Whatever goes wrong with it, the next one has its turn."""
    registration = roster.context.deployment.registration
    reading = Reading(roster.context, timezone.now())
    try:
        reading.read(nrps.pages(registration, roster.url, before_asking=lambda: _keep_lease(roster)))
    except _LeaseLost:
        return
    except RosterRefused as refused:
        logger.warning(
            "roster.refused registration=%s course=%s tries=%s reason=%s",
            registration.pk,
            roster.context_id,
            roster.tries,
            refused.reason,
        )
        _put_off(roster, refused)
    except Exception:
        # What nobody foresaw must not be met first, and fail, at every sweep.
        logger.exception(
            "roster.failed registration=%s course=%s tries=%s",
            registration.pk,
            roster.context_id,
            roster.tries,
        )
        _put_off(roster, RosterRefused("our_fault"))
    else:
        logger.info(
            "roster.synced registration=%s course=%s members=%s added=%s changed=%s left=%s unreadable=%s",
            registration.pk,
            roster.context_id,
            reading.members,
            reading.added,
            reading.changed,
            reading.left,
            reading.unreadable,
        )
        tallies.worked(registration.pk, ConnectionTally.Kind.ROSTER, timezone.now())
        _ours(roster).update(
            due_at=None,
            leased_until=None,
            tries=0,
            synced_at=reading.began_at,
            members=reading.members,
            problem="",
        )


def _ours(roster: Roster) -> QuerySet[Roster]:
    """The row, as long as nobody has taken it over."""
    return Roster.objects.filter(pk=roster.pk, leased_until=roster.leased_until)


def _keep_lease(roster: Roster) -> None:
    """See to it that the lease outlasts the next request. Raises _LeaseLost."""
    assert roster.leased_until is not None
    held_until = queues.hold(_ours(roster), roster.leased_until, LEASE)
    if held_until is None:
        raise _LeaseLost
    roster.leased_until = held_until


def _put_off(roster: Roster, refused: RosterRefused) -> None:
    now = timezone.now()
    registration = roster.context.deployment.registration_id
    tallies.failed(registration, ConnectionTally.Kind.ROSTER, refused.reason, now)
    wait = queues.back_off(
        roster.tries, refused.retry_after, first=FIRST_WAIT_SECONDS, longest=LONGEST_WAIT_SECONDS
    )
    is_last = refused.wears_us_out or roster.tries >= MOST_TRIES
    again = None if is_last else now + timedelta(seconds=wait)
    _ours(roster).update(due_at=again, leased_until=None, problem=refused.reason)
    if refused.is_of_all_courses:
        seconds = CALM_SECONDS if refused.wears_us_out else refused.retry_after or SILENCE_SECONDS
        calm = now + timedelta(seconds=seconds)
        Roster.objects.filter(
            context__deployment__registration=registration, leased_until=None, due_at__lt=calm
        ).update(due_at=calm)
    if refused.wears_us_out:
        cache.set(_calm(registration), True, CALM_SECONDS)

"""How a VLE's connection does, for whoever looks after it: what works, what failed and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery, TextChoices
from django.utils import timezone

from lti_tool import cures, keys, platform_keys, troubles
from lti_tool.models import (
    ConnectionTally,
    Context,
    Deployment,
    Family,
    Launch,
    Registration,
    Roster,
    ToolKey,
)
from lti_tool.troubles import Trouble

Kind = ConnectionTally.Kind
WEEK, MONTH = 7, 30  # days, with today
MOST_ROSTERS = 10
WITH_GUIDE = {Family.MOODLE, Family.CANVAS, Family.BRIGHTSPACE, Family.BLACKBOARD}


class State(TextChoices):
    WORKS = "works", "Works"
    ATTENTION = "attention", "Needs attention"
    UNUSED = "unused", "Not used yet"
    OFF = "off", "Switched off"


@dataclass(frozen=True, slots=True)
class Summary:
    """`why` is a sentence for each thing to look at. `last` is when each kind of thing last worked."""

    state: State
    why: list[str]
    last: dict[Kind, datetime | None]


@dataclass(frozen=True, slots=True)
class Counts:
    """How often something happened today, and in the last 7 and 30 days."""

    today: int = 0
    week: int = 0
    month: int = 0


@dataclass(frozen=True, slots=True)
class Traffic:
    """How one kind of thing does: launches, grades, rosters."""

    kind: Kind
    last_at: datetime | None
    worked: Counts
    failed: Counts


@dataclass(frozen=True, slots=True)
class Failure:
    """One reason for which one kind of thing failed in the last 30 days. `cure` is this make of VLE's."""

    kind: Kind
    reason: str
    trouble: Trouble
    cure: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class UnreadRoster:
    """A course whose list of members could not be read. `cure` is this make of VLE's."""

    course: Context
    what: str
    cure: str


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A tool key as VLEs see it. `signs`: it is the one that signs now. `until`: when it stops, as far as known."""

    key: ToolKey
    signs: bool
    until: datetime | None


@dataclass(frozen=True, slots=True)
class VleKeys:
    """What we hold of the VLE's key set. `count`: keys that can verify a launch."""

    count: int
    fresh_until: datetime


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything on the connection's page."""

    registration: Registration
    summary: Summary
    traffic: list[Traffic]
    failures: list[Failure]
    waiting: list[Deployment]
    decided: list[Deployment]
    rosters: list[UnreadRoster]
    tool_keys: list[PublishedKey]
    vle_keys: VleKeys | None

    @property
    def guide(self) -> str:
        """The guide for this make of VLE, in the project's folder."""
        family = self.registration.family
        return f"deploy/guides/{family if family in WITH_GUIDE else 'others'}.md"


def connection(registration: Registration, now: datetime) -> Connection:
    """What the page shows. Asks nobody outside: that is the self-test's."""
    today = timezone.localdate(now)
    tallies = list(_tallies([registration.pk], today, MONTH))
    summary = summaries([registration], now)[registration.pk]
    deployments = registration.deployments.select_related("school").order_by("first_seen_at", "pk")
    return Connection(
        registration=registration,
        summary=summary,
        traffic=[_traffic(kind, registration, summary, tallies, today) for kind in Kind],
        failures=_failures(tallies, registration),
        waiting=[it for it in deployments if it.status == Deployment.Status.PENDING],
        decided=[it for it in deployments if it.status != Deployment.Status.PENDING],
        rosters=_unread_rosters(registration),
        tool_keys=published_keys(now),
        vle_keys=_vle_keys(registration),
    )


def summaries(registrations: Iterable[Registration], now: datetime) -> dict[int, Summary]:
    """How each connection does, by its id: two queries, however many they are."""
    pks = [registration.pk for registration in registrations]
    tallies: dict[int, list[ConnectionTally]] = {pk: [] for pk in pks}
    for tally in _tallies(pks, timezone.localdate(now), WEEK):
        tallies[tally.registration_id].append(tally)
    return {row["pk"]: _summary(row, tallies[row["pk"]]) for row in _last_seen(pks)}


def _tallies(registrations: list[int], today: date, days: int) -> QuerySet[ConnectionTally]:
    since = today - timedelta(days=days - 1)
    return ConnectionTally.objects.filter(registration__in=registrations, day__gte=since)


def _last_seen(registrations: list[int]) -> Iterable[dict[str, Any]]:
    # Launches are many: the index is read from its end, once for each registration.
    newest = Launch.objects.filter(registration=OuterRef("pk")).order_by("-launched_at")
    rosters = (
        Roster.objects.filter(context__deployment__registration=OuterRef("pk"))
        .values("context__deployment__registration")
        .annotate(last=Max("synced_at"))
    )
    scores = (
        ConnectionTally.objects.filter(registration=OuterRef("pk"), kind=Kind.SCORE, reason="")
        .values("registration")
        .annotate(last=Max("last_at"))
    )
    return (
        Registration.objects.filter(pk__in=registrations)
        .annotate(
            last_launch=Subquery(newest.values("launched_at")[:1]),
            last_score=Subquery(scores.values("last")),
            last_roster=Subquery(rosters.values("last")),
            waiting=Count("deployments", filter=Q(deployments__status=Deployment.Status.PENDING)),
        )
        .values("pk", "is_active", "last_launch", "last_score", "last_roster", "waiting")
    )


def _summary(row: dict[str, Any], tallies: list[ConnectionTally]) -> Summary:
    last = {
        Kind.LAUNCH: row["last_launch"],
        Kind.SCORE: row["last_score"],
        Kind.ROSTER: row["last_roster"],
    }
    why = []
    if row["waiting"]:
        why.append("A deployment waits to be accepted.")
    for kind in Kind:
        broken = _unmended(kind, tallies, last[kind])
        if broken:
            why.append(f"{kind.label}: {broken.what}")
    if not row["is_active"]:
        state = State.OFF
    elif why:
        state = State.ATTENTION
    else:
        state = State.WORKS if row["last_launch"] else State.UNUSED
    return Summary(state, why, last)


def _unmended(kind: Kind, tallies: list[ConnectionTally], worked_at: datetime | None) -> Trouble | None:
    """The newest trouble that somebody must see to, if nothing of the kind has worked since."""
    found = [
        (tally.last_at, trouble)
        for tally in tallies
        if tally.kind == kind and tally.reason and not (trouble := troubles.of(kind, tally.reason)).passes
    ]
    if not found:
        return None
    at, trouble = max(found, key=lambda one: one[0])
    return trouble if worked_at is None or worked_at < at else None


def _traffic(
    kind: Kind, registration: Registration, summary: Summary, tallies: list[ConnectionTally], today: date
) -> Traffic:
    of_kind = [tally for tally in tallies if tally.kind == kind]
    failed = _counts([tally for tally in of_kind if tally.reason], today)
    if kind == Kind.LAUNCH:
        worked = _launches(registration, today)  # each has its row
    else:
        worked = _counts([tally for tally in of_kind if not tally.reason], today)
    return Traffic(kind, summary.last[kind], worked, failed)


def _counts(tallies: list[ConnectionTally], today: date) -> Counts:
    def within(days: int) -> int:
        return sum(tally.count for tally in tallies if tally.day > today - timedelta(days=days))

    return Counts(within(1), within(WEEK), within(MONTH))


def _launches(registration: Registration, today: date) -> Counts:
    def since(days: int) -> datetime:
        return timezone.make_aware(datetime.combine(today - timedelta(days=days - 1), time.min))

    counted = Launch.objects.filter(registration=registration, launched_at__gte=since(MONTH)).aggregate(
        today=Count("pk", filter=Q(launched_at__gte=since(1))),
        week=Count("pk", filter=Q(launched_at__gte=since(WEEK))),
        month=Count("pk"),
    )
    return Counts(**counted)


def _failures(tallies: list[ConnectionTally], registration: Registration) -> list[Failure]:
    """What failed, newest first."""
    grouped: dict[tuple[str, str], list[ConnectionTally]] = {}
    for tally in tallies:
        if tally.reason:
            grouped.setdefault((tally.kind, tally.reason), []).append(tally)
    failures = [
        Failure(
            Kind(kind),
            reason,
            troubles.of(kind, reason),
            cures.of_trouble(kind, reason, registration.family),
            sum(tally.count for tally in of_reason),
            max(tally.last_at for tally in of_reason),
        )
        for (kind, reason), of_reason in grouped.items()
    ]
    return sorted(failures, key=lambda failure: failure.last_at, reverse=True)


def _unread_rosters(registration: Registration) -> list[UnreadRoster]:
    rosters = Roster.objects.filter(context__deployment__registration=registration).exclude(problem="")
    return [
        UnreadRoster(
            roster.context,
            troubles.of(Kind.ROSTER, roster.problem).what,
            cures.of_trouble(Kind.ROSTER, roster.problem, registration.family),
        )
        for roster in rosters.select_related("context").order_by("-pk")[:MOST_ROSTERS]
    ]


def published_keys(now: datetime) -> list[PublishedKey]:
    """Our keys as VLEs see them, the one that takes over last first."""
    signing = keys.key_that_signs(now)
    in_order = keys.in_order()
    return [
        PublishedKey(key, key.pk == signing.pk, keys.superseded_at(key, in_order)) for key in in_order[::-1]
    ]


def _vle_keys(registration: Registration) -> VleKeys | None:
    held = platform_keys.shared(registration)
    if held is None:
        return None
    return VleKeys(
        len(held.keys), datetime.fromtimestamp(held.fresh_until, tz=timezone.get_current_timezone())
    )

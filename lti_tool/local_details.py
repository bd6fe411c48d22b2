"""A school's own people, numbers, policy and stricter rules: whose they are, how they read, who wrote them when.

Whose: a course's school (its own, else its deployment's), so that a lead enters them once and nobody reads
another school's. Where no school is known they are the course's alone: one VLE may serve an authority's hundred
schools. What a school leaves empty its trust may fill in, but never the people to tell: those are each school's
own. Rules of both hold. Where a course was given to a school later, what its leads had entered goes on being shown
there until somebody writes the school's.

Loosening is not possible: there is nothing here that takes a duty away.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from lti_tool.models import (
    Context,
    LocalDetails,
    LocalDetailsChange,
    LtiUser,
    School,
    Trust,
)

MOST_DEPUTIES = 3
# Half a year: people move at the end of a term, and numbers with them.
STALE_AFTER = timedelta(days=180)
# The audit serves to trace a wrong number, not to remember who once was a DSL.
FORMER_READ_FOR = timedelta(days=730)

_PHONE = re.compile(r"(\+?[0-9(][0-9 ()-]{1,28}[0-9])?(?: ?ext\.? ?([0-9]{1,6}))?", re.IGNORECASE)


class NoPhoneNumber(ValueError):
    """Not what anybody could dial."""


def phone(typed: str) -> str:
    """A phone number as it is shown, from what somebody typed; "ext 12" may follow, or stand alone.

    Raises NoPhoneNumber.
    """
    shown = " ".join(typed.replace("–", "-").split())
    found = _PHONE.fullmatch(shown)
    if found is None or not any(found.groups()):
        raise NoPhoneNumber(typed)
    if found[1] and not 3 <= _digits(found[1]) <= 15:
        raise NoPhoneNumber(typed)
    return shown


def _digits(text: str) -> int:
    return len(re.sub(r"\D", "", text))


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody to call, or a desk: a name, a number, or both."""

    name: str = ""
    phone: str = ""

    def __bool__(self) -> bool:
        return bool(self.name or self.phone)

    @property
    def tel(self) -> str:
        """What a phone dials, without the extension; empty where there is only that."""
        main = re.split("ext", self.phone, maxsplit=1, flags=re.IGNORECASE)[0]
        # In "+44 (0)20" the nought is for callers at home.
        return re.sub(r"[^0-9+]", "", main.replace("(0)", "") if main.startswith("+") else main)


NOBODY = Contact()


@dataclass(frozen=True, slots=True)
class Details:
    """What a school says of itself. `rules` are ids of `course_content.local_rules`."""

    dsl: Contact = NOBODY
    dsl_where: str = ""
    deputies: tuple[Contact, ...] = ()
    policy_url: str = ""
    front_door: Contact = NOBODY
    lado: Contact = NOBODY
    out_of_hours: Contact = NOBODY
    rules: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, Any]:
        """As a row keeps it."""
        return {
            "dsl_name": self.dsl.name,
            "dsl_phone": self.dsl.phone,
            "dsl_where": self.dsl_where,
            "deputies": [asdict(deputy) for deputy in self.deputies],
            "policy_url": self.policy_url,
            "front_door_name": self.front_door.name,
            "front_door_phone": self.front_door.phone,
            "lado_name": self.lado.name,
            "lado_phone": self.lado.phone,
            "out_of_hours_name": self.out_of_hours.name,
            "out_of_hours_phone": self.out_of_hours.phone,
            "rules": list(self.rules),
        }

    def with_trust(self, trust: "Details") -> "Details":
        """What is empty here filled in by the trust, and its rules besides. Whom to tell is the school's alone."""
        return Details(
            dsl=self.dsl,
            dsl_where=self.dsl_where,
            deputies=self.deputies,
            policy_url=self.policy_url or trust.policy_url,
            front_door=self.front_door or trust.front_door,
            lado=self.lado or trust.lado,
            out_of_hours=self.out_of_hours or trust.out_of_hours,
            rules=tuple(dict.fromkeys((*self.rules, *trust.rules))),
        )


NOTHING = Details()


def of_row(row: LocalDetails | None) -> Details:
    """What a row says; of no row, nothing."""
    if row is None:
        return NOTHING
    return Details(
        dsl=Contact(row.dsl_name, row.dsl_phone),
        dsl_where=row.dsl_where,
        deputies=tuple(Contact(one["name"], one["phone"]) for one in row.deputies),
        policy_url=row.policy_url,
        front_door=Contact(row.front_door_name, row.front_door_phone),
        lado=Contact(row.lado_name, row.lado_phone),
        out_of_hours=Contact(row.out_of_hours_name, row.out_of_hours_phone),
        rules=tuple(row.rules),
    )


class State(StrEnum):
    """Whether the details may be relied on."""

    CURRENT = "current"
    # Nobody has said for STALE_AFTER that they are right.
    STALE = "stale"
    # There is nobody to tell.
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Local:
    """The details as a course's people read them.

    `own` is the school's part, `trust` what its trust gives. `version` is that of the row to be written.
    """

    school: str
    own: Details
    trust: Details
    trust_name: str
    confirmed_on: date | None
    confirmed_by: int | None
    version: int
    as_of: date

    @property
    def details(self) -> Details:
        return self.own.with_trust(self.trust)

    @property
    def state(self) -> State:
        if not self.own.dsl.name:
            return State.MISSING
        if self.confirmed_on is None or self.confirmed_on + STALE_AFTER <= self.as_of:
            return State.STALE
        return State.CURRENT

    @property
    def is_missing(self) -> bool:
        return self.state is State.MISSING

    @property
    def is_stale(self) -> bool:
        return self.state is State.STALE


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose details a course's are: exactly one of the two."""

    school: School | None
    course: Context | None

    @property
    def columns(self) -> dict[str, Any]:
        return {"school": self.school} if self.school else {"context": self.course}


def courses() -> QuerySet[Context]:
    """Courses with all that says whose details are theirs."""
    return Context.objects.select_related(
        "local_details",
        "school__local_details",
        "school__trust__local_details",
        "deployment__school__local_details",
        "deployment__school__trust__local_details",
    )


def owner_of(course: Context) -> Owner:
    """The course's school (design decision 4), else the course itself."""
    school = course.school or course.deployment.school
    return Owner(school, None) if school else Owner(None, course)


def of_course(course_pk: int, *, now: datetime) -> Local:
    """What the people of a course read. One query."""
    return of_known(courses().get(pk=course_pk), now=now)


def of_known(course: Context, *, now: datetime) -> Local:
    """The same, of one of `courses`."""
    owner = owner_of(course)
    row = to_write = _row(owner.school or course)
    # One that nobody has written only remembers whom we have asked to.
    if not (row and row.version):
        row = _row(course)
    trust = owner.school.trust if owner.school else None
    return Local(
        school=owner.school.name if owner.school else "",
        own=of_row(row),
        trust=of_row(_row(trust)),
        trust_name=trust.name if trust else "",
        confirmed_on=row.confirmed_on if row else None,
        confirmed_by=row.confirmed_by_id if row else None,
        version=to_write.version if to_write else 0,
        as_of=timezone.localdate(now),
    )


def _row(of: School | Context | Trust | None) -> LocalDetails | None:
    found: LocalDetails | None = getattr(of, "local_details", None)
    return found


class ChangedMeanwhile(Exception):
    """Somebody wrote the details since the page was made."""


@transaction.atomic
def save(course_pk: int, details: Details, *, by: LtiUser, seen: int, now: datetime) -> None:
    """Keep what a lead of the course says of their school. Who writes all of it has confirmed all of it.

    That `by` leads the course was decided by whoever loaded it. Raises ChangedMeanwhile.
    """
    course = courses().get(pk=course_pk)
    row, _ = LocalDetails.objects.get_or_create(**owner_of(course).columns)
    before = of_known(course, now=now).own
    _write(row, details, before=before, by=by, course=course, seen=seen, now=now)


def confirm(course_pk: int, *, by: LtiUser, seen: int, now: datetime) -> None:
    """A lead says that all of it is still right. Raises ChangedMeanwhile, also where there is nobody to tell."""
    local = of_course(course_pk, now=now)
    if local.is_missing:
        raise ChangedMeanwhile
    save(course_pk, local.own, by=by, seen=seen, now=now)


@transaction.atomic
def save_of_trust(trust: Trust, details: Details, *, now: datetime) -> LocalDetails:
    """Keep what an operator says for all schools of a trust."""
    row, _ = LocalDetails.objects.select_for_update().get_or_create(trust=trust)
    _write(row, details, before=of_row(row), by=None, course=None, seen=row.version, now=now)
    return row


def _write(
    row: LocalDetails,
    details: Details,
    *,
    before: Details,
    by: LtiUser | None,
    course: Context | None,
    seen: int,
    now: datetime,
) -> None:
    columns = details.columns
    changed = _changed(before.columns, columns)
    written = LocalDetails.objects.filter(pk=row.pk, version=seen).update(
        **columns, confirmed_on=timezone.localdate(now), confirmed_by=by, version=seen + 1
    )
    if not written:
        raise ChangedMeanwhile
    kinds = LocalDetailsChange.Kind
    LocalDetailsChange.objects.create(
        details=row,
        kind=kinds.CHANGED if changed else kinds.CONFIRMED,
        by=by,
        context=course,
        at=now,
        fields=changed,
        reads=columns,
    )


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [column for column, value in after.items() if before[column] != value]


def sweep(now: datetime) -> None:
    """Forget how the details read long ago. Who wrote them when, and which of them, stays."""
    old = LocalDetailsChange.objects.filter(at__lt=now - FORMER_READ_FOR)
    old.exclude(reads={}).update(reads={})


def changes_of(course_pk: int) -> QuerySet[LocalDetailsChange]:
    """The audit of a course's details, newest first."""
    owner = owner_of(courses().get(pk=course_pk))
    return (
        LocalDetailsChange.objects.filter(
            **{f"details__{key}": value for key, value in owner.columns.items()}
        )
        .select_related("by__person")
        .order_by("-at", "-pk")
    )

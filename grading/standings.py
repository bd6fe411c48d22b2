"""Where everybody stands in one activity at one link: what a lead's page shows. Built once, then rendered."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from django.core.paginator import Page, Paginator
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Prefetch, Q
from django.utils.translation import gettext_lazy as _

from grading import problems
from grading.deliveries import Delivery
from grading.models import Activity, Attempt, Enrolment, OutgoingScore, StepProgress
from lti_tool.models import Membership, ResourceLink
from lti_tool.models.people import display_name

State = OutgoingScore.State

# Lines on a page.
PAGE = 100


class Standing(StrEnum):
    """How far one person is, each with the words a lead reads."""

    PASSED = "passed"
    NOT_PASSED = "not-passed"
    UNDER_WAY = "under-way"
    NOT_STARTED = "not-started"

    @property
    def words(self) -> str:
        return str(_WORDS[self])

    @classmethod
    def of(cls, *, begun: bool, marked: bool, certified: bool) -> "Standing":
        """Of somebody who takes the training. A pass once earned stays one: the certificate tells."""
        if certified:
            return cls.PASSED
        if marked:
            return cls.NOT_PASSED
        return cls.UNDER_WAY if begun else cls.NOT_STARTED


_WORDS = {
    Standing.PASSED: _("Passed"),
    Standing.NOT_PASSED: _("Not passed yet"),
    Standing.UNDER_WAY: _("Under way"),
    Standing.NOT_STARTED: _("Not started"),
}

ORDER = {standing: number for number, standing in enumerate(Standing)}
# What is wanted in place of a standing: people who are in the course no more.
LEFT = "left"


@dataclass(frozen=True, slots=True)
class Row:
    """One person's line."""

    name: str
    standing: Standing
    percentage: int | None
    changed_at: datetime | None
    delivery: Delivery | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a lead wants to see of the list: people of one standing, or who have left; part of a name; a page."""

    show: str = ""
    name: str = ""
    page: str = "1"

    @property
    def is_narrowed(self) -> bool:
        return bool(self.show or self.name)


EVERYBODY = Wanted()


@dataclass(frozen=True, slots=True)
class Overview:
    """Everybody's standing in one activity: how many of each, and the lines of one page.

    `left` are people who are in the course no more: counted apart, and the first of them shown apart.
    """

    activity: Activity
    rows: tuple[Row, ...]
    page: Page[Any]
    counts: list[tuple[Standing, int]]
    # Grades that somebody must do something about.
    undelivered: int
    left: tuple[Row, ...]
    left_count: int
    as_of: datetime


_WHO = ("lti_user", "lti_user__name", "lti_user__person__certificate_name")


class _Person(NamedTuple):
    """One person as far as counting, sorting and finding them needs."""

    lti_user: int
    name: str
    standing: Standing
    has_left: bool


def overview(
    link: ResourceLink, activity: Activity, *, as_of: datetime, wanted: Wanted = EVERYBODY
) -> Overview:
    """Everybody in the course who takes the training here: its learners, as far as the roster and launches tell,
    and anybody who has begun. Four queries, however many they are.
    """
    enrolled = _enrolled(link, activity)
    people = sorted(
        _people(link, enrolled, everybody=activity.resource_link_id == link.pk),
        key=lambda person: (ORDER[person.standing], person.name.casefold()),
    )
    here = [person for person in people if not person.has_left]
    gone = [person for person in people if person.has_left and _matches(person, wanted)]
    found = gone if wanted.show == LEFT else [person for person in here if _matches(person, wanted)]
    page = Paginator(found, PAGE).get_page(wanted.page)
    left = [] if wanted.show == LEFT else gone[:PAGE]
    enrolments = _enrolments(link, activity, [person.lti_user for person in (*page, *left)])
    by_standing = Counter(person.standing for person in here)
    return Overview(
        activity=activity,
        rows=tuple(_row(person, enrolments.get(person.lti_user)) for person in page),
        page=page,
        counts=[(standing, by_standing[standing]) for standing in Standing],
        undelivered=sum(begun.is_parked for begun in enrolled.values()),
        left=tuple(_row(person, enrolments.get(person.lti_user)) for person in left),
        left_count=sum(person.has_left for person in people),
        as_of=as_of,
    )


class _Begun(NamedTuple):
    """Somebody who takes the activity here: what they are called, and how far they are."""

    name: str
    result: int | None
    certificate: int | None
    has_begun: bool
    is_parked: bool

    @property
    def standing(self) -> Standing:
        return Standing.of(
            begun=self.has_begun,
            marked=self.result is not None,
            certified=self.certificate is not None,
        )


def _enrolled(link: ResourceLink, activity: Activity) -> dict[int, _Begun]:
    """Everybody who takes the activity here, by the user's id."""
    own = {"enrolment": OuterRef("pk")}
    has_begun = Q(Exists(Attempt.objects.filter(**own))) | Q(Exists(StepProgress.objects.filter(**own)))
    rows = (
        Enrolment.objects.filter(activity=activity, resource_link=link, lti_user__is_active=True)
        .annotate(
            has_begun=ExpressionWrapper(has_begun, BooleanField()),
            is_parked=Exists(OutgoingScore.objects.filter(**own, state=State.PARKED)),
        )
        .values_list(*_WHO, "result", "result__certificate", "has_begun", "is_parked")
    )
    return {pk: _Begun(display_name(pk, asked or name), *done) for pk, name, asked, *done in rows}


def _people(link: ResourceLink, enrolled: dict[int, _Begun], *, everybody: bool) -> Iterator[_Person]:
    """`everybody`: the course's learners too, who have not begun. An activity that the link has given up is owed by
    nobody.
    """
    members = Membership.objects.filter(context=link.context_id, lti_user__is_active=True)
    unseen = dict(enrolled)
    for pk, name, asked, is_learner, left_at in members.values_list(*_WHO, "is_learner", "left_at"):
        begun = unseen.pop(pk, None)
        if begun:
            yield _Person(pk, begun.name, begun.standing, left_at is not None)
        elif is_learner and everybody:
            shown = display_name(pk, asked or name)
            yield _Person(pk, shown, Standing.NOT_STARTED, left_at is not None)
    # Whoever has begun counts without a membership, too: the link may have moved here from another course.
    for pk, begun in unseen.items():
        yield _Person(pk, begun.name, begun.standing, False)


def _matches(person: _Person, wanted: Wanted) -> bool:
    is_shown = wanted.show in {"", LEFT, person.standing}
    return is_shown and wanted.name.casefold() in person.name.casefold()


def _enrolments(link: ResourceLink, activity: Activity, users: list[int]) -> dict[int, Enrolment]:
    newest = OutgoingScore.objects.exclude(state=State.SUPERSEDED)
    shown = Enrolment.objects.filter(activity=activity, resource_link=link, lti_user__in=users)
    return {
        enrolment.lti_user_id: enrolment
        for enrolment in shown.select_related(
            "lti_user__person", "lti_user__registration", "result"
        ).prefetch_related(Prefetch("scores", newest.order_by("pk"), to_attr="live_scores"))
    }


def _row(person: _Person, enrolment: Enrolment | None) -> Row:
    result = getattr(enrolment, "result", None)
    delivery: Delivery | None = None
    if enrolment is not None and enrolment.live_scores:  # type: ignore[attr-defined]
        score = enrolment.live_scores[-1]  # type: ignore[attr-defined]
        delivery = Delivery(score, problems.for_lead(score, enrolment.lti_user))
    return Row(
        name=person.name,
        standing=person.standing,
        percentage=result.percentage if result else None,
        changed_at=result.changed_at if result else None,
        delivery=delivery,
    )

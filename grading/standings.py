"""Where everybody stands in one activity at one link: what a lead's page shows. Built once, then rendered."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Max, Prefetch
from django.utils.translation import gettext_lazy as _

from grading.models import Activity, Enrolment, OutgoingScore
from lti_tool.models import Membership, ResourceLink

State = OutgoingScore.State


class Standing(StrEnum):
    """How far one person is, each with the words a lead reads."""

    PASSED = "passed"
    NOT_PASSED = "not-passed"
    UNDER_WAY = "under-way"
    NOT_STARTED = "not-started"

    @property
    def words(self) -> str:
        return str(_WORDS[self])


_WORDS = {
    Standing.PASSED: _("Passed"),
    Standing.NOT_PASSED: _("Not passed yet"),
    Standing.UNDER_WAY: _("Under way"),
    Standing.NOT_STARTED: _("Not started"),
}

_DELIVERY = {
    State.WAITING: _("On its way to the gradebook"),
    State.SENDING: _("On its way to the gradebook"),
    State.DELIVERED: _("In the gradebook"),
    State.PARKED: _("Not delivered"),
    State.UNGRADED: _("This link has no gradebook column"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One person's line."""

    name: str
    standing: Standing
    percentage: int | None
    changed_at: datetime | None
    delivery: str
    delivery_state: str
    delivered_at: datetime | None
    problem: str
    score_pk: int | None
    certificate_code: str


@dataclass(frozen=True, slots=True)
class Overview:
    """Everybody's line in one activity, with the counts above them."""

    activity: Activity
    rows: tuple[Row, ...]
    as_of: datetime

    def count(self, standing: Standing) -> int:
        return Counter(row.standing for row in self.rows)[standing]

    @property
    def counts(self) -> list[tuple[Standing, int]]:
        return [(standing, self.count(standing)) for standing in Standing]

    @property
    def undelivered(self) -> int:
        """Grades that somebody must do something about."""
        return sum(row.delivery_state == State.PARKED for row in self.rows)


def overview(link: ResourceLink, activity: Activity, *, as_of: datetime) -> Overview:
    """Everybody in the course who takes the training here, as far as launches tell.

    People whom the VLE calls learners and who have launched this or another link of the course, and anybody who
    has begun. Three queries, however many they are.
    """
    newest = OutgoingScore.objects.exclude(state=State.SUPERSEDED)
    enrolments = {
        enrolment.lti_user_id: enrolment
        for enrolment in Enrolment.objects.filter(activity=activity, resource_link=link)
        .select_related("lti_user__person", "result__certificate")
        .annotate(attempts_made=Max("attempts__number"), steps_begun=Max("progress__begun_at"))
        .prefetch_related(Prefetch("scores", newest.order_by("pk"), to_attr="live_scores"))
    }
    learners = Membership.objects.filter(
        context=link.context, is_learner=True, lti_user__is_active=True
    ).select_related("lti_user__person")
    # Whoever has begun counts without a membership, too: the link may have moved here from another course.
    people = {member.lti_user_id: member.lti_user for member in learners} | {
        pk: enrolment.lti_user for pk, enrolment in enrolments.items() if enrolment.lti_user.is_active
    }
    rows = [_row(user.display_name, enrolments.get(pk)) for pk, user in people.items()]
    order = list(Standing)
    rows.sort(key=lambda row: (order.index(row.standing), row.name.casefold()))
    return Overview(activity, tuple(rows), as_of)


def _row(name: str, enrolment: Enrolment | None) -> Row:
    result = getattr(enrolment, "result", None)
    score: OutgoingScore | None = None
    if enrolment is not None:
        score = enrolment.live_scores[-1] if enrolment.live_scores else None  # type: ignore[attr-defined]
    return Row(
        name=name,
        standing=_standing(enrolment),
        percentage=result.percentage if result else None,
        changed_at=result.changed_at if result else None,
        delivery=str(_DELIVERY[State(score.state)]) if score else "",
        delivery_state=score.state if score else "",
        delivered_at=score.settled_at if score and score.state == State.DELIVERED else None,
        problem=score.problem if score and score.state != State.DELIVERED else "",
        score_pk=score.pk if score else None,
        certificate_code=result.certificate.code if result and result.certificate else "",
    )


def _standing(enrolment: Enrolment | None) -> Standing:
    if enrolment is None:
        return Standing.NOT_STARTED
    result = getattr(enrolment, "result", None)
    if result is not None:
        return Standing.PASSED if result.certificate_id else Standing.NOT_PASSED
    begun = enrolment.attempts_made or enrolment.steps_begun  # type: ignore[attr-defined]
    return Standing.UNDER_WAY if begun else Standing.NOT_STARTED


def delivery_words(score: OutgoingScore) -> str:
    """Where a score is, in words."""
    return str(_DELIVERY[State(score.state)])

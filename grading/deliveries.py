"""Where somebody's grade is on its way to the gradebook, and what stands in its way."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from grading import problems
from grading.models import Enrolment, OutgoingScore
from grading.problems import Problem
from lti_tool.models import LtiUser

State = OutgoingScore.State

_WORDS = {
    State.WAITING: _("On its way to the gradebook"),
    State.SENDING: _("On its way to the gradebook"),
    State.DELIVERED: _("In the gradebook"),
    State.PARKED: _("Not delivered"),
    State.UNGRADED: _("This link has no gradebook column"),
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where a grade is, the problem in the words of whoever reads it."""

    score: OutgoingScore
    problem: Problem | None

    @property
    def state(self) -> str:
        return self.score.state

    @property
    def words(self) -> str:
        return str(_WORDS[State(self.score.state)])

    @property
    def delivered_at(self) -> datetime | None:
        return self.score.settled_at if self.score.state == State.DELIVERED else None

    @property
    def settled(self) -> bool:
        """Whether it will not change by itself any more."""
        return self.score.state == State.DELIVERED or self.score.may_be_sent_again


def newest_score(enrolment: Enrolment) -> OutgoingScore | None:
    """The score that counts of those that were sent or are on their way."""
    return enrolment.scores.exclude(state=State.SUPERSEDED).order_by("-pk").first()


def delivery_of(
    enrolment: Enrolment,
    problem: Callable[[OutgoingScore, LtiUser], Problem | None] = problems.for_learner,
) -> Delivery | None:
    """Where the grade is; None before there is one. `problem` words it for whoever reads it."""
    score = newest_score(enrolment)
    return Delivery(score, problem(score, enrolment.lti_user)) if score else None

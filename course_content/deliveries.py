"""Whether somebody's grade has reached the gradebook, for the person whose grade it is."""

from dataclasses import dataclass
from datetime import datetime

from grading import problems, standings
from grading.models import Enrolment, OutgoingScore

State = OutgoingScore.State


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where a grade is. Settled: it will not change by itself any more."""

    state: str
    words: str
    delivered_at: datetime | None
    problem: problems.Problem | None

    @property
    def settled(self) -> bool:
        return self.state in {State.DELIVERED, State.PARKED, State.UNGRADED}


def newest_score(enrolment: Enrolment) -> OutgoingScore | None:
    """The score that counts of those that were sent or are on their way."""
    return enrolment.scores.exclude(state=State.SUPERSEDED).order_by("-pk").first()


def delivery_of(enrolment: Enrolment) -> Delivery | None:
    """Where the grade is; None before there is one."""
    score = newest_score(enrolment)
    if score is None:
        return None
    return Delivery(
        state=score.state,
        words=standings.delivery_words(score),
        delivered_at=score.settled_at if score.state == State.DELIVERED else None,
        problem=problems.for_learner(score, enrolment.lti_user),
    )

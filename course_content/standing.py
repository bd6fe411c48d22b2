"""One person's standing in their module, read from the record for a page. Built once, then rendered."""

from dataclasses import dataclass

from course_content import commitments
from course_content.journey import Journey, journey
from course_content.reviews import Answered, answered
from course_content.schema import Module
from grading import attempts, enrolments
from grading.deliveries import Delivery, delivery_of
from grading.models import Attempt, Certificate, Enrolment, Result
from lti_tool.models import Membership


def journey_of(enrolment: Enrolment, module: Module) -> Journey:
    """How far somebody is in their module."""
    return _journey(enrolment, module, result_of(enrolment))


def _journey(enrolment: Enrolment, module: Module, result: Result | None) -> Journey:
    progress = enrolments.progress_by_step(enrolment)
    return journey(module, progress, passed=bool(result and result.certificate))


def result_of(enrolment: Enrolment) -> Result | None:
    """What an enrolment's attempts add up to so far."""
    return Result.objects.select_related("certificate", "attempt").filter(enrolment=enrolment).first()


@dataclass(frozen=True, slots=True)
class Standing:
    """What a module's page and its quiz's first page show of one person."""

    journey: Journey
    result: Result | None
    delivery: Delivery | None
    open_attempt: Attempt | None
    attempts_left: int | None
    leads: bool
    commitment: str

    @property
    def certificate(self) -> Certificate | None:
        return self.result.certificate if self.result else None

    @property
    def may_start(self) -> bool:
        """Whether there is an attempt to go on with, or another one to begin."""
        return self.open_attempt is not None or self.attempts_left is None or self.attempts_left > 0


def standing_of(enrolment: Enrolment, module: Module) -> Standing:
    result = result_of(enrolment)
    return Standing(
        journey=_journey(enrolment, module, result),
        result=result,
        delivery=delivery_of(enrolment) if result else None,
        open_attempt=enrolment.attempts.filter(submitted_at=None).first(),
        attempts_left=attempts.attempts_left(enrolment),
        leads=Membership.objects.leading()
        .filter(context=enrolment.resource_link.context_id, lti_user=enrolment.lti_user_id)
        .exists(),
        commitment=commitments.kept(enrolment, module),
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """A submitted attempt: how it went, question by question, and what it means for the result."""

    questions: tuple[Answered, ...]
    result: Result | None
    delivery: Delivery | None
    attempts_left: int | None

    @property
    def missed_critical(self) -> tuple[Answered, ...]:
        return tuple(one for one in self.questions if one.missed_critical)

    @property
    def right(self) -> int:
        return sum(1 for one in self.questions if one.mark and one.mark.right)

    @property
    def may_try_again(self) -> bool:
        return self.attempts_left is None or self.attempts_left > 0


def outcome_of(attempt: Attempt) -> Outcome:
    enrolment = attempt.enrolment
    return Outcome(
        questions=answered(attempt.paper, attempts.saved_answers(attempt), attempt.mark),
        result=result_of(enrolment),
        delivery=delivery_of(enrolment),
        attempts_left=attempts.attempts_left(enrolment),
    )

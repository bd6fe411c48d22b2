"""Where a step's page is."""

from django.urls import reverse

from course_content.journey import Stop
from course_content.schema import Quiz, Step
from grading.models import Attempt, Enrolment


def step_url(enrolment: Enrolment, step: Step) -> str:
    if isinstance(step, Quiz):
        return reverse("learn:quiz", args=[enrolment.pk])
    return reverse(f"learn:{step.kind}", args=[enrolment.pk, step.slug])


def onwards_url(enrolment: Enrolment, following: Stop | None) -> str:
    """The step to go on with, else the module's page."""
    if following is None:
        return reverse("learn:module", args=[enrolment.pk])
    return step_url(enrolment, following.step)


def question_url(attempt: Attempt, number: int) -> str:
    """A question of a paper; after the last one, the check of all answers."""
    if number > len(attempt.paper.questions):
        return reverse("learn:check", args=[attempt.pk])
    return reverse("learn:question", args=[attempt.pk, number])

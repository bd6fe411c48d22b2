"""Attempts at a quiz: start, save, submit. Each is one transaction; doing it twice does it once."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from grading import certificates, outbox
from grading.models import Activity, Answer, Attempt, Enrolment, Result
from grading.papers import Mark, ModuleSummary, Paper
from lti_tool.models import Person

Answers = Mapping[str, list[str]]


class NoAttemptsLeft(Exception):
    """The activity's limit of attempts is reached."""


class NameMissing(Exception):
    """No certificate can be issued before the person has said what name it shall carry."""


@transaction.atomic
def start(
    enrolment: Enrolment, *, draw: Callable[[], Paper], module: ModuleSummary, now: datetime
) -> Attempt:
    """The open attempt, or a new one whose paper is drawn and frozen now.

    Two tabs that start at once get the same attempt. Raises NoAttemptsLeft.
    """
    Enrolment.objects.select_for_update().get(pk=enrolment.pk)
    latest = enrolment.attempts.order_by("-number").first()
    if latest and latest.is_open:
        return latest
    made = latest.number if latest else 0
    allowed = enrolment.activity.attempts_allowed
    if allowed is not None and made >= allowed:
        raise NoAttemptsLeft
    return Attempt.objects.create(
        enrolment=enrolment,
        number=made + 1,
        paper_data=draw().to_json(),
        module_data=asdict(module),
        started_at=now,
    )


@transaction.atomic
def save(attempt: Attempt, question_id: str, value: list[str], *, now: datetime) -> bool:
    """Keep an answer; the latest counts. False when the attempt was submitted meanwhile: nothing changes."""
    if not Attempt.objects.select_for_update().filter(pk=attempt.pk, submitted_at=None).exists():
        return False
    Answer.objects.update_or_create(
        attempt=attempt, question_id=question_id, defaults={"value": value, "saved_at": now}
    )
    return True


def saved_answers(attempt: Attempt) -> dict[str, list[str]]:
    """The answers kept so far, by question id."""
    return dict(attempt.answers.values_list("question_id", "value"))


# How far back somebody's mistakes are looked for.
MOST_ATTEMPTS_RECALLED = 20


def missed_questions(person: Person) -> list[str]:
    """Ids of the questions that somebody did not get fully right when they were last asked, the latest first."""
    submitted = Attempt.objects.filter(enrolment__lti_user__person=person, submitted_at__isnull=False)
    right: dict[str, bool] = {}
    for attempt in submitted.order_by("-submitted_at")[:MOST_ATTEMPTS_RECALLED]:
        for one in attempt.mark.questions if attempt.mark else ():
            right.setdefault(one.question_id, one.right)
    return [question_id for question_id, was_right in right.items() if not was_right]


def open_questions(enrolment: Enrolment) -> frozenset[str]:
    """Ids of the questions of the paper that somebody has before them."""
    attempt = enrolment.attempts.filter(submitted_at=None).first()
    return frozenset(question.id for question in attempt.paper.questions) if attempt else frozenset()


@transaction.atomic
def submit(attempt: Attempt, *, mark: Callable[[Paper, Answers], Mark], now: datetime) -> Attempt:
    """Submit an attempt: mark it, and in the same transaction write the result, the certificate with its line
    of evidence, and the score that is to go home.

    `mark` is the marking of whoever drew the paper. Submitting twice changes nothing: the attempt comes back
    as it was marked. Raises NameMissing when it would pass and no name for the certificate is known.
    """
    # The enrolment is locked first, always: two attempts of one person never settle at once.
    enrolment = (
        Enrolment.objects.select_for_update(of=("self",))
        .select_related(
            "activity",
            "lti_user__person",
            "lti_user__registration",
            "resource_link__context__school",
            "resource_link__deployment__school",
        )
        .get(pk=attempt.enrolment_id)
    )
    attempt = Attempt.objects.select_for_update().get(pk=attempt.pk)
    if not attempt.is_open:
        return attempt
    marked = mark(attempt.paper, saved_answers(attempt))
    attempt.mark_data = [asdict(question) for question in marked.questions]
    attempt.percentage = marked.percentage
    attempt.pass_mark = enrolment.activity.pass_mark
    attempt.passed = marked.passes(attempt.pass_mark)
    attempt.submitted_at = now
    attempt.save(update_fields=["mark_data", "percentage", "pass_mark", "passed", "submitted_at"])
    attempt.enrolment = enrolment
    _settle(attempt, now)
    return attempt


def _settle(attempt: Attempt, now: datetime) -> None:
    """Bring the result up to date; a change of it goes home, a first pass earns a certificate."""
    enrolment = attempt.enrolment
    result = Result.objects.filter(enrolment=enrolment).select_related("certificate").first()
    if result is None:
        result = Result(enrolment=enrolment)
    elif not _replaces(attempt, result, enrolment.activity):
        return
    before = (result.percentage, result.passed) if result.pk else None
    result.attempt = attempt
    result.percentage = int(attempt.percentage or 0)
    result.passed = bool(attempt.passed)
    result.changed_at = now
    if result.passed and result.certificate is None:
        if not enrolment.lti_user.certificate_name:
            raise NameMissing
        result.certificate = certificates.issue(attempt, now=now)
    result.save()
    if before != (result.percentage, result.passed):
        outbox.queue(result, now=now)


def _replaces(attempt: Attempt, result: Result, activity: Activity) -> bool:
    """Whether this attempt becomes the result, by the activity's rule."""
    if activity.keeps == Activity.Keeps.LATEST:
        return True
    # A pass beats any fail, also one with more points but a critical question missed.
    return (attempt.passed, attempt.percentage) > (result.passed, result.percentage)


def attempts_left(enrolment: Enrolment) -> int | None:
    """How many more may be started; None when there is no limit. An open one is not counted as left."""
    allowed = enrolment.activity.attempts_allowed
    return None if allowed is None else max(0, allowed - enrolment.attempts.count())

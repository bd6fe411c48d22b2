"""From a launch to an enrolment, and how far somebody is."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from django.db import transaction

from grading.models import Activity, Enrolment, StepProgress
from lti_tool.models import Launch, LtiUser, Person


def enrol(launch: Launch, activity: Activity) -> Enrolment:
    """The enrolment of the person who launched: begun at the first launch, the same at every later one."""
    enrolment, _ = Enrolment.objects.get_or_create(
        activity=activity,
        resource_link=launch.link,
        lti_user=launch.lti_user,
        defaults={"started_at": launch.launched_at},
    )
    return enrolment


def way_back(enrolment: Enrolment) -> str:
    """Where the VLE wants people to go who leave, as the latest launch of the link said; empty if it did not."""
    launches = Launch.objects.filter(
        resource_link=enrolment.resource_link_id, lti_user=enrolment.lti_user_id
    ).order_by("-launched_at")
    address = launches.values_list("return_url", flat=True).first() or ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return address if parts.scheme in {"http", "https"} and parts.netloc else ""


def progress_by_step(enrolment: Enrolment) -> dict[str, StepProgress]:
    """How far somebody is, by the step's slug."""
    return {progress.step: progress for progress in enrolment.progress.all()}


def _progress(enrolment: Enrolment, step: str, now: datetime) -> StepProgress:
    """The step's row, locked until the transaction ends."""
    StepProgress.objects.get_or_create(enrolment=enrolment, step=step, defaults={"begun_at": now})
    return StepProgress.objects.select_for_update().get(enrolment=enrolment, step=step)


@transaction.atomic
def begin_step(enrolment: Enrolment, step: str, *, now: datetime) -> StepProgress:
    """Somebody opened a step."""
    return _progress(enrolment, step, now)


@transaction.atomic
def finish_step(enrolment: Enrolment, step: str, *, now: datetime, skipped: bool = False) -> StepProgress:
    """Somebody finished a step, or skipped one that offers it. Done stays done; what was skipped can yet be."""
    progress = _progress(enrolment, step, now)
    if progress.done_at is None or (progress.skipped and not skipped):
        progress.done_at, progress.skipped = now, skipped
        progress.save(update_fields=["done_at", "skipped"])
    return progress


@transaction.atomic
def keep_choices(
    enrolment: Enrolment, step: str, *, seen: int, choices: Sequence[str], done: bool, now: datetime
) -> StepProgress:
    """Keep the choices taken in a scenario, or what was said in an assessment, so far.

    `seen` is how many had been taken when the page was made: a page that is behind (a second tab, the back
    button, a form sent twice) changes nothing, and the caller shows where the walk really is.
    """
    progress = _progress(enrolment, step, now)
    if len(progress.choices) == seen:
        progress.choices = list(choices)
        if done and (progress.done_at is None or progress.skipped):
            progress.done_at, progress.skipped = now, False
        progress.save(update_fields=["choices", "done_at", "skipped"])
    return progress


# More than anybody gives in earnest; a record is not filled without end.
MOST_ANSWERS = 500


@transaction.atomic
def keep_answer(
    enrolment: Enrolment, step: str, *, exercise: str, answer: Sequence[str], now: datetime, words: str = ""
) -> StepProgress:
    """Keep an answer to an exercise of a step, and the words it was given in where they are to last.

    The latest counts, and those before it stay on record; the same answer sent again adds nothing.
    """
    progress = _progress(enrolment, step, now)
    before = [k for k in progress.choices if isinstance(k, dict) and k.get("exercise") == exercise]
    if not before or before[-1]["answer"] != list(answer):
        kept: dict[str, object] = {"exercise": exercise, "answer": list(answer), "at": now.isoformat()}
        if words:
            kept["words"] = words
        progress.choices = [*progress.choices, kept][-MOST_ANSWERS:]
        progress.save(update_fields=["choices"])
    return progress


@transaction.atomic
def walk_again(enrolment: Enrolment, step: str, *, now: datetime) -> StepProgress:
    """Begin a scenario again. The walk so far stays on record, and a step once done stays done."""
    progress = _progress(enrolment, step, now)
    if progress.choices:
        progress.earlier_walks = [*progress.earlier_walks, progress.choices]
        progress.choices = []
        progress.save(update_fields=["earlier_walks", "choices"])
    return progress


def keep_certificate_name(lti_user: LtiUser, *, name: str) -> None:
    """Keep what the person asked to be called on certificates from now on; issued ones stay as they are."""
    Person.objects.filter(pk=lti_user.person_id).update(certificate_name=name)

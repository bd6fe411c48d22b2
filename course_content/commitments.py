"""The one change somebody said they would make, kept with their enrolment in the words they chose."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from course_content.schema import Commitment, Module
from grading import enrolments
from grading.models import Enrolment


@transaction.atomic
def keep(enrolment: Enrolment, commitment: Commitment, *, change: str, by_when: str, now: datetime) -> None:
    """Keep a change and by when; both are ids that the commitment's page offers.

    The sentence is kept beside them: it is the person's own, whatever the pack says later.
    """
    texts = {words.id: words.text for words in commitment.changes}
    times = {words.id: words.text for words in commitment.by_when}
    sentence = _("I will %(change)s, %(by_when)s.") % {"change": texts[change], "by_when": times[by_when]}
    enrolments.keep_answer(
        enrolment,
        commitment.slug,
        exercise=commitment.slug,
        answer=[change, by_when],
        words=sentence,
        now=now,
    )
    enrolments.finish_step(enrolment, commitment.slug, now=now)


def kept(enrolment: Enrolment, module: Module) -> str:
    """The sentence that counts: the latest; empty while there is none."""
    slugs = {step.slug for step in module.steps if isinstance(step, Commitment)}
    progress = enrolments.progress_by_step(enrolment)
    said = [one for slug in slugs if slug in progress for one in progress[slug].choices]
    sentences = [one["words"] for one in said if isinstance(one, dict) and "words" in one]
    return sentences[-1] if sentences else ""

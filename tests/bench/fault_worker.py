"""A process of `bench_faults`: it submits results, brings scores home, and lets time pass, as it is told."""

import json
import statistics
import sys
import time
from collections import Counter
from typing import Any

import django

django.setup()

from django.core.cache import cache
from django.utils import timezone

from grading import outbox
from grading.models import Activity, Enrolment, OutgoingScore
from lti_tool import keys
from lti_tool.models import Deployment, Registration
from tests import factories

State = OutgoingScore.State
# The platform's address. Other benches may have left theirs in the database.
url = sys.argv[1]
of_ours = {"enrolment__lti_user__registration__issuer": url}
# How long each score has waited for its next try, in the outbox's own seconds.
waited: Counter[int] = Counter()


def prepare(kind: str, people: str) -> dict[str, Any]:
    """So many people in an activity whose latest attempt counts. Where its column is, the VLE has not said."""
    deployment = Deployment.objects.get(registration__issuer=url)
    course = factories.make_course(deployment, context_id=f"course-{kind}")
    link = factories.make_link(course, resource_link_id=f"link-{kind}")
    factories.make_line_item(link, container_url=f"{url}/lineitems")
    activity = factories.make_activity(link, keeps=Activity.Keeps.LATEST)
    for number in range(int(people)):
        factories.make_enrolment(activity, factories.make_member(course, sub=f"{kind}-{number}"))
    waited.clear()
    return {}


def submit(kind: str, percentage: str, *people: str) -> dict[str, Any]:
    """These people take the quiz, with that result."""
    for number in people:
        whose = {"lti_user__sub": f"{kind}-{number}", "lti_user__registration__issuer": url}
        factories.take(Enrolment.objects.get(**whose), int(percentage))
    return {}


def drain() -> dict[str, Any]:
    """What a worker does when the bell rings."""
    return {"sent": outbox.drain(until=time.monotonic() + 0.2)}


def pass_time() -> dict[str, Any]:
    """The next try of every score that waits is due. How many are still on their way."""
    now = timezone.now()
    waiting = OutgoingScore.objects.filter(state=State.WAITING, **of_ours)
    for score in waiting.filter(due_at__gt=now):
        waited[score.pk] += round((score.due_at - now).total_seconds())
    OutgoingScore.objects.filter(pk__in=waiting.values("pk")).update(due_at=now)
    sending = OutgoingScore.objects.filter(state=State.SENDING, **of_ours)
    return {"left": waiting.count() + sending.count()}


def summary(kind: str) -> dict[str, Any]:
    """What became of the scores of an activity, in how many tries, and after how much waiting."""
    link = {"enrolment__resource_link__resource_link_id": f"link-{kind}"}
    scores = OutgoingScore.objects.filter(**link, **of_ours)
    tries = list(scores.filter(state=State.DELIVERED).values_list("tries", flat=True)) or [0]
    return {
        "states": Counter(scores.values_list("state", flat=True)),
        "problems": Counter(scores.exclude(reason="").values_list("reason", flat=True)),
        "tries": statistics.mean(tries),
        "most": max(tries),
        "waited": max(waited.values(), default=0),
    }


def look_again() -> dict[str, Any]:
    """So much time passes that a platform's key set may be looked at again."""
    for registration in Registration.objects.all():
        cache.delete_many([f"jwks-window:{registration.pk}", f"jwks-down:{registration.pk}"])
    return {}


def rotate() -> dict[str, Any]:
    """A new key of ours is published, and signs."""
    keys.make_key()
    keys.forget_loaded_key()
    return {}


acts = {act.__name__: act for act in (prepare, submit, drain, pass_time, summary, look_again, rotate)}
for line in sys.stdin:
    name, *arguments = json.loads(line)
    print(json.dumps(acts[name](*arguments)), flush=True)

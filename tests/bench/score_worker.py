"""The process that `bench_score` measures: it makes scores when told, drains them, and says what that cost."""

import json
import sys
import time
from collections.abc import Callable

import django

django.setup()

import requests
from django.utils import timezone

from grading import outbox
from grading.models import Activity, Attempt, Enrolment, OutgoingScore, Result
from lti_tool import keys
from lti_tool.http import session
from lti_tool.models import Context, LineItem, LtiUser, Person, Registration, ResourceLink
from lti_tool.registration import Platform, register

url = sys.argv[1]
registration: Registration = register(
    Platform(
        issuer=url,
        client_id="tool-at-fake",
        auth_url=f"{url}/auth",
        token_url=f"{url}/token",
        jwks_url=f"{url}/jwks",
        deployment_id="deployment-1",
    )
)
deployment = registration.deployments.get()
context = Context.objects.get_or_create(deployment=deployment, context_id="course-1")[0]
link = ResourceLink.objects.get_or_create(deployment=deployment, context=context, resource_link_id="link-1")[
    0
]
LineItem.objects.get_or_create(resource_link=link, defaults={"url": f"{url}/lineitems/1?type_id=1"})
activity = Activity.objects.get_or_create(
    resource_link=link, defaults={"deployment": deployment, "module": "bench", "title": "Bench"}
)[0]
made = 0


def make(count: int) -> None:
    """Scores of people who have just failed: the comment of a pass costs no more."""
    global made
    now = timezone.now()
    for _ in range(count):
        made += 1
        user = LtiUser.objects.create(
            registration=registration, sub=f"{time.time_ns()}-{made}", person=Person.objects.create()
        )
        enrolment = Enrolment.objects.create(
            activity=activity, resource_link=link, lti_user=user, started_at=now
        )
        attempt = Attempt.objects.create(
            enrolment=enrolment,
            number=1,
            paper_data={},
            module_data={},
            started_at=now,
            submitted_at=now,
            percentage=50,
            passed=False,
        )
        Result.objects.create(
            enrolment=enrolment, attempt=attempt, percentage=50, passed=False, changed_at=now
        )
        OutgoingScore.objects.create(
            enrolment=enrolment,
            percentage=50,
            comment="50 %, not passed yet: the pass mark is 80 %.",
            submitted_at=now,
            due_at=now,
            queued_at=now,
        )


def cost_of(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def drain(count: int) -> float:
    make(count)
    return cost_of(outbox.drain)


def lone(count: int) -> float:
    total = 0.0
    for _ in range(count):
        make(1)
        total += cost_of(outbox.drain)
    return total


def floor(count: int) -> float:
    row = OutgoingScore.objects.order_by("pk").first()
    plain = requests.Session()

    def work() -> None:
        for number in range(count):
            plain.post(f"{url}/jwks", data=b'{"scoreGiven":50}', timeout=10)
            OutgoingScore.objects.filter(pk=row.pk if row else 0).update(tries=number % 100)

    return cost_of(work)


session().get(f"{url}/jwks")
for line in sys.stdin:
    what, count = line.split()
    if what == "keys":
        print(json.dumps({"keys": keys.public_keys()["keys"]}), flush=True)
    else:
        done = {"drain": drain, "lone": lone, "floor": floor}[what](int(count))
        left = OutgoingScore.objects.exclude(state=OutgoingScore.State.DELIVERED).count()
        assert left == 0, f"{left} scores were not delivered"
        print(json.dumps({"cpu": done}), flush=True)

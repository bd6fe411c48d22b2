"""What Celery calls. A task is a ring at the door: it carries nothing, the rows say what to do."""

import time

from celery import shared_task
from django.utils import timezone

from lti_tool import keys, local_details, local_reminders, rosters, tallies

# Beat rings every minute, so a drain that is still busy then begins nothing new.
DRAIN_SECONDS = 55
# Once a day; whoever is not reached is the next day's.
CHASE_SECONDS = 300


@shared_task(name="lti_tool.look_after_keys")
def look_after_keys() -> None:
    keys.look_after(timezone.now())


@shared_task(name="lti_tool.sweep_tallies")
def sweep_tallies() -> None:
    tallies.sweep(timezone.now())


# Acknowledged at once: a large roster takes longer than brokers wait for that, and what must be done is a row.
@shared_task(name=rosters.TASK, acks_late=False)
def sync_rosters() -> None:
    rosters.drain(until=time.monotonic() + DRAIN_SECONDS)


@shared_task(name="lti_tool.plan_rosters")
def plan_rosters() -> None:
    rosters.plan_night(now=timezone.now())


@shared_task(name=local_reminders.TASK)
def chase_local_details() -> None:
    local_details.sweep(timezone.now())
    local_reminders.chase(now=timezone.now(), until=time.monotonic() + CHASE_SECONDS)

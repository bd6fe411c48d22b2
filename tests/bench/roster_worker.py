"""The process that `bench_roster` measures: it reads rosters when told, and says what that cost."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import connection
from django.utils import timezone

from lti_tool import keys, rosters
from lti_tool.models import Context, Deployment, LtiUser, Membership, Person, Registration, Roster
from tests.bench.roster_server import member

BATCH = 1000
url = sys.argv[1]


def new_course() -> Context:
    """A course of a registration of its own, that knows nobody yet."""
    number = Registration.objects.count()
    registration = Registration.objects.create(
        issuer=url,
        client_id=f"bench-{number}",
        auth_url=f"{url}/auth",
        token_url=f"{url}/token",
        jwks_url=f"{url}/jwks",
    )
    deployment = Deployment.objects.create(
        registration=registration, deployment_id="1", status=Deployment.Status.ACCEPTED
    )
    return Context.objects.create(deployment=deployment, context_id="1")


def read(course: Context, what: str) -> None:
    """Read the roster as a worker does."""
    defaults = {"url": f"{url}/{what}", "due_at": timezone.now()}
    Roster.objects.update_or_create(context=course, defaults=defaults)
    assert rosters.drain() == 1
    roster = Roster.objects.get(context=course)
    assert roster.synced_at is not None, roster.problem
    assert roster.due_at is None, roster.problem


def people(count: int) -> list[dict[str, Any]]:
    return [member(number, is_changed=False) for number in range(count)]


def insert_bare(course: Context, count: int, rows: list[dict[str, Any]], persons: list[int]) -> None:
    """The floor: the same rows into the same tables, and nothing else."""
    for start in range(0, count, BATCH):
        part = rows[start : start + BATCH]
        if len(persons) < count:
            persons.extend(person.pk for person in Person.objects.bulk_create([Person() for _ in part]))
        users = LtiUser.objects.bulk_create(
            [
                LtiUser(
                    registration_id=course.deployment.registration_id,
                    sub=row["user_id"],
                    person_id=person,
                    name=row["name"],
                    email=row["email"],
                    sourcedid=row["lis_person_sourcedid"],
                )
                for row, person in zip(part, persons[start : start + BATCH], strict=True)
            ],
            update_conflicts=True,
            unique_fields=["registration", "sub"],
            update_fields=["name", "email", "sourcedid"],
        )
        Membership.objects.bulk_create(
            [Membership(context=course, lti_user=user, is_learner=True) for user in users],
            update_conflicts=True,
            unique_fields=["context", "lti_user"],
            update_fields=["is_learner", "is_lead", "left_at"],
        )


def cost_of(work: Callable[[], object]) -> dict[str, float]:
    """Seconds, statements, and by how many megabytes the process grew at its largest."""
    statements = 0

    def counted(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(sql, parameters, many, context)

    Path("/proc/self/clear_refs").write_text("5")  # forget the largest size so far
    before, begun = _kilobytes("VmRSS"), time.perf_counter()
    with connection.execute_wrapper(counted):
        work()
    seconds = time.perf_counter() - begun
    return {
        "seconds": seconds,
        "statements": statements,
        "megabytes": max(_kilobytes("VmHWM") - before, 0) / 1024,
    }


def _kilobytes(name: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])


def run(count: int) -> dict[str, dict[str, float]]:
    """One course's first reading, one with nothing new, and one with 1 % new; the floors before and after."""
    course, bare = new_course(), new_course()
    costs = {
        "first": cost_of(lambda: read(course, f"{count}/same")),
        "unchanged": cost_of(lambda: read(course, f"{count}/same")),
        "changed": cost_of(lambda: read(course, f"{count}/changed")),
    }
    assert Membership.objects.filter(context=course, left_at=None).count() == count
    rows, persons = people(count), []
    costs["floor, first"] = cost_of(lambda: insert_bare(bare, count, rows, persons))
    costs["floor, again"] = cost_of(lambda: insert_bare(bare, count, rows, persons))
    return costs


keys.ensure_key()
for line in sys.stdin:
    print(json.dumps(run(int(line))), flush=True)

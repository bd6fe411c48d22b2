"""Rows for tests, made plainly: each function makes one thing, and what it stands on unless it is given."""

import itertools
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from django.db import connections
from django.utils import timezone

from grading import attempts
from grading.models import Activity, Attempt, Enrolment
from grading.papers import Mark, ModuleSummary, Paper, PaperQuestion, QuestionMark
from lti_tool.models import (
    Context,
    DeepLinkingRequest,
    Deployment,
    Launch,
    LineItem,
    LtiUser,
    Membership,
    Person,
    Registration,
    ResourceLink,
    School,
)

_numbers = itertools.count(1)

MODULE = ModuleSummary(
    slug="all-staff-awareness",
    version="1.0",
    content_hash="sha256:0123456789abcdef",
    title="Responding to nudes and semi-nudes",
    minutes=35,
    outcomes=("Say what to do first.", "Say what never to do."),
    guidance_edition="DSIT 2024",
    nation="england",
    audience="school",
    language="en",
    review_status="reviewed 2026",
)
PAPER = Paper(
    module="all-staff-awareness",
    version="1.0",
    questions=(
        PaperQuestion("first", {"text": "What do you do first?", "options": ["Tell the DSL", "Look at it"]}),
        PaperQuestion("never", {"text": "What do you never do?", "options": ["Copy it", "Write it down"]}),
    ),
)


def make_school(name: str = "Hillside School") -> School:
    return School.objects.create(name=name)


def make_registration(url: str = "https://vle.example", **changes: Any) -> Registration:
    return Registration.objects.create(
        **{
            "issuer": url,
            "client_id": f"client-{next(_numbers)}",
            "auth_url": f"{url}/auth",
            "token_url": f"{url}/token",
            "jwks_url": f"{url}/jwks",
            **changes,
        }
    )


def make_deployment(registration: Registration | None = None, **changes: Any) -> Deployment:
    return Deployment.objects.create(
        **{
            "registration": registration or make_registration(),
            "deployment_id": f"deployment-{next(_numbers)}",
            "status": Deployment.Status.ACCEPTED,
            **changes,
        }
    )


def make_course(deployment: Deployment | None = None, **changes: Any) -> Context:
    return Context.objects.create(
        **{
            "deployment": deployment or make_deployment(),
            "context_id": f"course-{next(_numbers)}",
            "title": "Safeguarding",
            **changes,
        }
    )


def make_link(course: Context | None = None, *, column: str = "", **changes: Any) -> ResourceLink:
    """A link, with its gradebook column where one is given."""
    course = course or make_course()
    link = ResourceLink.objects.create(
        **{
            "context": course,
            "deployment": course.deployment,
            "resource_link_id": f"link-{next(_numbers)}",
            "title": "All-staff awareness",
            **changes,
        }
    )
    if column:
        make_line_item(link, url=column)
    return link


def make_line_item(link: ResourceLink, **changes: Any) -> LineItem:
    scope = "https://purl.imsglobal.org/spec/lti-ags/scope/"
    scopes = [f"{scope}{name}" for name in ("lineitem", "lineitem.readonly", "result.readonly", "score")]
    return LineItem.objects.create(**{"resource_link": link, "scopes": scopes, **changes})


def make_user(registration: Registration, name: str = "Amina Yusuf", **changes: Any) -> LtiUser:
    return LtiUser.objects.create(
        **{
            "registration": registration,
            "sub": f"user-{next(_numbers)}",
            "person": Person.objects.create(),
            "name": name,
            **changes,
        }
    )


def make_member(course: Context, name: str = "Amina Yusuf", *, lead: bool = False, **changes: Any) -> LtiUser:
    """Somebody in a course: a learner, or somebody who leads it."""
    user = make_user(course.deployment.registration, name, **changes)
    Membership.objects.create(context=course, lti_user=user, is_learner=not lead, is_lead=lead)
    return user


def make_launch(
    user: LtiUser, link: ResourceLink | None, *, deployment: Deployment | None = None, **changes: Any
) -> Launch:
    """A verified launch: of a link, or of none (choosing content, personal data) in a deployment."""
    deployment = deployment or (link.deployment if link else make_deployment(user.registration))
    return Launch.objects.create(
        **{
            "registration": user.registration,
            "deployment": deployment,
            "nonce": uuid.uuid4().hex,
            "lti_user": user,
            "resource_link": link,
            "target": "/lti/launch/",
            "launched_at": timezone.now(),
            **changes,
        }
    )


def make_deep_linking_request(
    course: Context | None = None, *, user: LtiUser | None = None, **changes: Any
) -> DeepLinkingRequest:
    """Somebody who leads the course chooses content for it."""
    course = course or make_course()
    launch = make_launch(
        user or make_member(course, lead=True),
        None,
        deployment=course.deployment,
        message=Launch.Message.DEEP_LINKING,
    )
    return DeepLinkingRequest.objects.create(
        **{
            "launch": launch,
            "context": course,
            "return_url": "https://vle.example/return?course=2",
            "accept_types": ["ltiResourceLink"],
            "accept_targets": ["iframe", "window"],
            "accept_multiple": True,
            **changes,
        }
    )


def make_activity(link: ResourceLink, **changes: Any) -> Activity:
    return Activity.objects.create(
        **{
            "deployment": link.deployment,
            "resource_link": link,
            "module": MODULE.slug,
            "title": MODULE.title,
            **changes,
        }
    )


def make_enrolment(
    activity: Activity | None = None, user: LtiUser | None = None, *, link: ResourceLink | None = None
) -> Enrolment:
    activity = activity or make_activity(link or make_link())
    place = link or activity.resource_link
    assert place is not None
    return Enrolment.objects.create(
        activity=activity,
        resource_link=place,
        lti_user=user or make_member(place.context),
        started_at=timezone.now(),
    )


def marks(percentage: int, *, missed_critical: bool = False) -> Callable[..., Mark]:
    """A marking that finds this many per cent, whatever was answered."""
    questions = [QuestionMark("first", percentage / 100)]
    if missed_critical:
        questions = [QuestionMark(f"q{number}", float(number < percentage)) for number in range(99)]
        questions.append(QuestionMark("never", 0.0, critical=True))
    return lambda paper, answers: Mark(tuple(questions))


def start(enrolment: Enrolment, *, now: datetime | None = None) -> Attempt:
    return attempts.start(enrolment, draw=lambda: PAPER, module=MODULE, now=now or timezone.now())


def take(
    enrolment: Enrolment, percentage: int, *, missed_critical: bool = False, now: datetime | None = None
) -> Attempt:
    """One whole go at the quiz."""
    now = now or timezone.now()
    return attempts.submit(
        start(enrolment, now=now), mark=marks(percentage, missed_critical=missed_critical), now=now
    )


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do all of these at the same moment, a thread and a database connection each. What each returned or raised."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            barrier.wait(timeout=10)
            return act()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))

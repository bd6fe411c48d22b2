"""A school's own details where they matter to a learner: in lessons, endings, assessments, and in a real incident.

They are read when a page is shown, for whoever's course it is and for nobody else (`grading.access`).
"""

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import Resolver404, resolve
from django.utils import timezone

from course_content.assessments import Assessment
from grading.access import attempt_of, enrolment_of, led_place
from grading.models import Enrolment
from lti_tool import local_details
from lti_tool.local_details import Local


def of(enrolment: Enrolment) -> Local:
    """What the people of this enrolment's course read."""
    return local_details.of_course(enrolment.resource_link.context_id, now=timezone.now())


def tightened(assessment: Assessment, local: Local) -> Assessment:
    """The assessment as it is asked in this school: without the triggers of rules that it has not chosen.

    What every school asks is asked always, so no choice of rules opens a way that was shut.
    """
    asked = tuple(t for t in assessment.triggers if t.local is None or t.local in local.details.rules)
    return assessment.model_copy(update={"triggers": asked})


def at(request: HttpRequest, path: str) -> Local | None:
    """The details of the course whose page this is, for somebody signed in who may see that page; else None."""
    try:
        course = _course(request, resolve(path.partition("?")[0]).kwargs)
    except (Resolver404, Http404):
        return None
    return local_details.of_course(course, now=timezone.now()) if course else None


def _course(request: HttpRequest, named: Mapping[str, Any]) -> int | None:
    """The course that an address names, by its id. Raises Http404 for whoever may not see the page."""
    if "enrolment_pk" in named:
        return enrolment_of(request, named["enrolment_pk"]).resource_link.context_id
    if "attempt_pk" in named:
        return attempt_of(request, named["attempt_pk"]).enrolment.resource_link.context_id
    if "link_pk" in named:
        return led_place(request, named["link_pk"])[0].context_id
    return None

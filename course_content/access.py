"""Pages' subjects as addresses name them: `grading.access` fetches and authorises, the rest is looked up.

But `place_of` may make a link's activity, as a launch of the link does.
"""

from typing import TypeVar

from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from course_content import arrivals, catalogue, placement
from course_content.picker import Place
from course_content.refusals import PageRefused
from course_content.schema import Assessment, Commitment, Module, Part, Quiz, Scenario
from grading.access import enrolment_of, launch_of
from grading.models import Enrolment
from lti_tool import deep_linking
from lti_tool.models import DeepLinkingRequest, Launch

_Kind = TypeVar("_Kind", bound=Part)


def taught_to(request: HttpRequest, enrolment_pk: int) -> tuple[Enrolment, Module]:
    """An enrolment of somebody signed in here, and the module as it is taught now. Raises PageRefused."""
    enrolment = enrolment_of(request, enrolment_pk)
    try:
        return enrolment, catalogue.taught_by(enrolment.activity)
    except catalogue.ModuleNotFound:
        raise PageRefused(
            reason="module_not_loaded",
            status=503,
            title=_("This training cannot be shown at the moment"),
            what=_("Its content is not on this server. What you have done so far is kept."),
            next_step=_("Please try again later. If it stays so, tell the author of your course."),
        ) from None


def step_of(
    request: HttpRequest, enrolment_pk: int, slug: str, kind: type[_Kind]
) -> tuple[Enrolment, Module, _Kind]:
    """A step of that kind, as it is taught now."""
    enrolment, module = taught_to(request, enrolment_pk)
    step = module.step(slug)
    if not isinstance(step, kind):
        raise Http404
    return enrolment, module, step


def walked_of(
    request: HttpRequest, enrolment_pk: int, slug: str
) -> tuple[Enrolment, Module, Scenario | Assessment | Commitment]:
    """A step that can be begun, skipped and done again."""
    enrolment, module = taught_to(request, enrolment_pk)
    step = module.step(slug)
    if not isinstance(step, Scenario | Assessment | Commitment):
        raise Http404
    return enrolment, module, step


def quiz_of(request: HttpRequest, enrolment_pk: int) -> tuple[Enrolment, Module, Quiz]:
    enrolment, module = taught_to(request, enrolment_pk)
    if module.quiz is None:
        raise Http404
    return enrolment, module, module.quiz


def place_of(request: HttpRequest, launch_pk: int) -> Place | None:
    """What somebody signed in here may choose modules for, by a launch of theirs; None where it is chosen already.
    The link then has its activity, made here if need be.

    Who may answer a deep linking request was decided when it came; a link is set up by whoever leads its course.
    Raises PageRefused where a request came too long ago.
    """
    launch = launch_of(request, launch_pk)
    if launch.message == Launch.Message.DEEP_LINKING:
        asked = DeepLinkingRequest.objects.select_related("context").get(launch=launch)
        asked.launch = launch
        if timezone.now() - launch.launched_at > deep_linking.ANSWERABLE:
            raise PageRefused(
                reason="choice_too_old",
                status=410,
                title=_("This page is too old to choose on"),
                what=_("It was opened some hours ago. Nothing more can be added to your course from it."),
                next_step=_("Open it again from your course, and choose there."),
            )
        return Place(launch, asked)
    if launch.message != Launch.Message.RESOURCE_LINK or not arrivals.leads(launch):
        raise Http404
    try:
        placement.activity_of(launch)
    except placement.NotSetUp as missing:
        return Place(launch, None, missing.bad)
    return None

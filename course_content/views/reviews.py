"""Where a VLE's "review this submission" leads."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from course_content import submissions
from course_content.refusals import explaining
from grading.access import launch_of
from lti_tool.doors import Door, door
from lti_tool.models import Launch


@door(Door.SIGNED_IN)
@require_GET
@explaining
def review(request: HttpRequest, launch_pk: int) -> HttpResponse:
    """A lead sees the result of the person whom the launch is about; anybody else only their own."""
    launch = launch_of(request, launch_pk)
    if launch.message != Launch.Message.SUBMISSION_REVIEW:
        raise Http404
    if submissions.is_own(launch):
        return redirect(*submissions.own_page(launch))
    return render(request, "course_content/review.html", {"review": submissions.review(launch)})

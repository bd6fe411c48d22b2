"""What a teacher does on the course's page: add from a tool, duplicate, copy, remove."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from deploy.demo_vle import authoring
from deploy.demo_vle.deep_linking import start_choosing
from deploy.demo_vle.models import Message, Tool
from deploy.demo_vle.pages.common import for_teachers, for_teachers_framed, of_course, tool_page
from deploy.demo_vle.standing import Standing


@require_safe
@for_teachers
def choose(request: HttpRequest, standing: Standing, tool_id: int) -> HttpResponse:
    tool = _tool(tool_id)
    course_url = reverse("course", args=[standing.course.pk])
    return tool_page(
        request,
        heading=f"Add training from {tool.name}",
        launch_url=reverse("choose-launch", args=[standing.course.pk, tool.pk]),
        close_url=course_url,
        tool_origin=tool.origin,
        back=(course_url, standing.course.title),
        **of_course(standing),
    )


@require_safe
@for_teachers_framed
def choose_launch(request: HttpRequest, standing: Standing, tool_id: int) -> HttpResponse:
    return start_choosing(request, standing, _tool(tool_id))


@require_POST
@for_teachers
def add_plain_link(request: HttpRequest, standing: Standing, tool_id: int) -> HttpResponse:
    """A link as a teacher makes it without the tool's help: nothing says what it is to show."""
    tool = get_object_or_404(Tool, pk=tool_id, is_active=True)
    authoring.add_activity(standing.course, tool, title=tool.name)
    return redirect("course", standing.course.pk)


@require_POST
@for_teachers
def duplicate(request: HttpRequest, standing: Standing, activity_id: int) -> HttpResponse:
    authoring.duplicate(get_object_or_404(standing.course.activities, pk=activity_id))
    return redirect("course", standing.course.pk)


@require_POST
@for_teachers
def remove(request: HttpRequest, standing: Standing, activity_id: int) -> HttpResponse:
    get_object_or_404(standing.course.activities, pk=activity_id).delete()
    return redirect("course", standing.course.pk)


@require_POST
@for_teachers
def copy_course(request: HttpRequest, standing: Standing) -> HttpResponse:
    return redirect("course", authoring.copy_course(standing.course).pk)


def _tool(tool_id: int) -> Tool:
    """One that a teacher can choose from."""
    return get_object_or_404(Tool, pk=tool_id, is_active=True, messages__has_key=Message.DEEP_LINKING.value)

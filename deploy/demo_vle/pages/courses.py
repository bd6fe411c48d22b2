"""A course as its people see it: what is in it, and opening an activity."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from deploy.demo_vle.gradebook import columns_for
from deploy.demo_vle.models import Activity, Course, Message, Tool
from deploy.demo_vle.oidc import start_launch
from deploy.demo_vle.pages.common import for_members, for_members_framed, of_course, tool_page
from deploy.demo_vle.school import MEMBERS
from deploy.demo_vle.session import sign_in as remember
from deploy.demo_vle.session import sign_out as forget
from deploy.demo_vle.session import signed_in_member
from deploy.demo_vle.standing import Standing, standing_of, standings_in


def home(request: HttpRequest) -> HttpResponse:
    return course(request, Course.objects.earliest("pk").pk)


@never_cache
@require_safe
def course(request: HttpRequest, course_id: int) -> HttpResponse:
    shown = get_object_or_404(Course, pk=course_id)
    member = signed_in_member(request)
    standing = standing_of(member, shown) if member else None
    context = {
        "course": shown,
        "standing": standing,
        "people": standings_in(shown),
        "activities": _with_own_grades(standing, shown),
        "tools": Tool.objects.filter(is_active=True) if standing and standing.teaches else [],
        "other_courses": Course.objects.exclude(pk=shown.pk),
    }
    return render(request, "demo_vle/course.html", context)


@require_safe
@for_members
def activity(request: HttpRequest, standing: Standing, activity_id: int) -> HttpResponse:
    shown = get_object_or_404(standing.course.activities, pk=activity_id)
    course_url = reverse("course", args=[standing.course.pk])
    return tool_page(
        request,
        heading=shown.title,
        launch_url=reverse("launch", args=[standing.course.pk, shown.pk]),
        close_url=course_url,
        tool_origin=shown.tool.origin,
        frame_name="activity-frame",
        in_window=shown.opens_in_window,
        back=(course_url, standing.course.title),
        **of_course(standing),
    )


@require_safe
@for_members_framed
def launch(request: HttpRequest, standing: Standing, activity_id: int) -> HttpResponse:
    """Loaded by the activity's frame, or by its link in a window of its own."""
    opened = get_object_or_404(standing.course.activities.select_related("tool"), pk=activity_id)
    return start_launch(
        request,
        standing.member,
        opened.tool,
        Message.RESOURCE_LINK,
        opened.target_link_uri,
        course=standing.course,
        activity=opened,
    )


@require_safe
def return_from_activity(request: HttpRequest, course_id: int, activity_id: int) -> HttpResponse:
    """LTI 1.3 core, 5.4.4: the tool may send a message for the person along."""
    context = {name: request.GET.get(name, "")[:500] for name in ("lti_msg", "lti_errormsg")}
    context["course"] = get_object_or_404(Course, pk=course_id)
    return render(request, "demo_vle/returned.html", context)


@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    member = MEMBERS.get(request.POST.get("member", ""))
    if member is None:
        raise Http404("nobody of that name")
    here = next((c for c in Course.objects.all() if str(c.pk) == request.POST.get("course")), None)
    response = redirect("course", here.pk) if here else redirect("home")
    remember(response, member)
    return response


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    response = redirect("home")
    forget(response)
    return response


def _with_own_grades(standing: Standing | None, shown: Course) -> list[Activity]:
    """The course's activities; for who learns there each with `grades`, their rows of its columns."""
    activities = list(shown.activities.select_related("tool"))
    columns = columns_for(standing) if standing and standing.may_open and not standing.teaches else []
    for each in activities:
        each.grades = [column.rows[0] for column in columns if column.line_item.activity_id == each.pk]
    return activities

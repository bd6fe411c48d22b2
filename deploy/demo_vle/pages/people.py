"""Who is in a course, which the administrator changes; and everybody's own page."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from deploy.demo_vle.models import Course, Membership, Message, Tool
from deploy.demo_vle.oidc import start_launch
from deploy.demo_vle.pages.common import for_admin_of_course, of_course, tool_page
from deploy.demo_vle.school import MEMBERS, Role
from deploy.demo_vle.session import signed_in_member
from deploy.demo_vle.standing import Standing, standing_of, standings_in

REMOVED = ""


@require_safe
@for_admin_of_course
def people(request: HttpRequest, standing: Standing) -> HttpResponse:
    context = {
        "people": [each for each in standings_in(standing.course) if not each.member.is_admin],
        "roles": Role,
        "statuses": Membership.Status,
    }
    return render(request, "demo_vle/people.html", of_course(standing, **context))


@require_POST
@for_admin_of_course
def set_membership(request: HttpRequest, standing: Standing, member_id: str) -> HttpResponse:
    """Make somebody teacher or student, suspend them, take them out, or bring them back."""
    member = MEMBERS.get(member_id)
    role, status = request.POST.get("role"), request.POST.get("status")
    if member is None or member.is_admin or role not in Role:
        raise Http404("no such person or role")
    memberships = standing.course.memberships
    if status == REMOVED:
        memberships.filter(member_id=member_id).delete()
    elif status in Membership.Status:
        memberships.update_or_create(member_id=member_id, defaults={"role": role, "status": status})
    else:
        raise Http404("no such status")
    return redirect("people", standing.course.pk)


@never_cache
@require_safe
def me(request: HttpRequest) -> HttpResponse:
    member = signed_in_member(request)
    if member is None:
        return redirect("home")
    context = {
        "standings": [standing_of(member, course) for course in Course.objects.all()],
        "tools": [tool for tool in Tool.objects.filter(is_active=True) if tool.takes(Message.DATA_PRIVACY)],
    }
    return render(request, "demo_vle/me.html", context)


@never_cache
@require_safe
def my_data(request: HttpRequest, tool_id: int) -> HttpResponse:
    tool = _privacy_tool(tool_id)
    if signed_in_member(request) is None:
        return redirect("home")
    return tool_page(
        request,
        heading=f"My data in {tool.name}",
        launch_url=reverse("my-data-launch", args=[tool.pk]),
        close_url=reverse("me"),
        tool_origin=tool.origin,
        back=(reverse("me"), "About me"),
    )


@never_cache
@require_safe
def my_data_launch(request: HttpRequest, tool_id: int) -> HttpResponse:
    tool = _privacy_tool(tool_id)
    member = signed_in_member(request)
    if member is None:
        return render(request, "demo_vle/signed_out.html", status=403)
    return start_launch(request, member, tool, Message.DATA_PRIVACY, tool.target_of(Message.DATA_PRIVACY))


def _privacy_tool(tool_id: int) -> Tool:
    return get_object_or_404(Tool, pk=tool_id, is_active=True, messages__has_key=Message.DATA_PRIVACY.value)

"""Manage tools: the administrator connects a tool by its link, looks at it and activates it."""

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from deploy.demo_vle.fields import is_http_url
from deploy.demo_vle.middleware import policy
from deploy.demo_vle.models import Tool, origin_of
from deploy.demo_vle.pages.common import for_admin, tool_page
from deploy.demo_vle.registration import registration_address


@require_safe
@for_admin
def tools(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
@for_admin
def connect(request: HttpRequest) -> HttpResponse:
    """The frame in which the tool registers itself; a post, so that its link stays out of histories."""
    link = request.POST.get("link", "").strip()
    if not is_http_url(link):
        problem = "That is no address. Paste the whole link, beginning with https:// or http://."
        return _page(request, link=link, problem=problem, status=400)
    response = tool_page(
        request,
        heading="Connect a tool",
        launch_url=registration_address(link),
        window_url="",  # the token that the frame begins with is good once
        close_url=reverse("tools"),
        tool_origin=origin_of(link),
        back=(reverse("tools"), "Manage tools"),
    )
    response["Content-Security-Policy"] = policy({origin_of(link)})
    return response


@require_POST
@for_admin
def activate(request: HttpRequest, tool_id: int) -> HttpResponse:
    tool = get_object_or_404(Tool, pk=tool_id)
    tool.is_active = True
    tool.save()
    return redirect("tools")


@require_POST
@for_admin
def remove(request: HttpRequest, tool_id: int) -> HttpResponse:
    """One that no course uses; the others' activities would lead nowhere."""
    get_object_or_404(Tool, pk=tool_id, activities=None).delete()
    return redirect("tools")


def _page(request: HttpRequest, *, status: int = 200, **context: str) -> HttpResponse:
    known = Tool.objects.annotate(used=Count("activities")).order_by("pk")
    return render(request, "demo_vle/tools.html", {"tools": known, **context}, status=status)

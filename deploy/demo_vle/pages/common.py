"""What pages share: who may see them, and what is in the frame around them."""

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache

from deploy.demo_vle.models import Course
from deploy.demo_vle.school import SCHOOL_NAME
from deploy.demo_vle.session import signed_in_member
from deploy.demo_vle.standing import Standing, standing_of

View = Callable[..., HttpResponse]


def common_context(request: HttpRequest) -> dict[str, Any]:
    """For every template; a page of a course says itself which course."""
    return {"school": SCHOOL_NAME, "member": signed_in_member(request), "course": Course.objects.first()}


def for_whom(may_see: Callable[[Standing], bool], *, framed: bool = False) -> Callable[[View], View]:
    """A page of a course, for whoever may see it: the view gets their Standing.

    Nobody in particular is asked who they are; inside a frame, told that they are signed out.
    """

    def decorate(view: View) -> View:
        @never_cache
        @functools.wraps(view)
        def guarded(request: HttpRequest, course_id: int, **kwargs: Any) -> HttpResponse:
            course = get_object_or_404(Course, pk=course_id)
            member = signed_in_member(request)
            if member is None and framed:
                return render(request, "demo_vle/signed_out.html", status=403)
            if member is None:
                return redirect("course", course_id)
            standing = standing_of(member, course)
            if not may_see(standing):
                return render(request, "demo_vle/not_yours.html", {"course": course}, status=403)
            return view(request, standing, **kwargs)

        return guarded

    return decorate


for_members = for_whom(lambda standing: standing.may_open)
for_members_framed = for_whom(lambda standing: standing.may_open, framed=True)
for_teachers = for_whom(lambda standing: standing.teaches)
for_teachers_framed = for_whom(lambda standing: standing.teaches, framed=True)
for_admin_of_course = for_whom(lambda standing: standing.member.is_admin)


def for_admin(view: View) -> View:
    """A page of the whole VLE, for its administrator."""

    @never_cache
    @functools.wraps(view)
    def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        member = signed_in_member(request)
        if member is None:
            return redirect("home")
        if not member.is_admin:
            return render(request, "demo_vle/not_yours.html", status=403)
        return view(request, **kwargs)

    return guarded


def of_course(standing: Standing, **more: Any) -> dict[str, Any]:
    return {"course": standing.course, "standing": standing, **more}


def tool_page(
    request: HttpRequest,
    *,
    heading: str,
    launch_url: str,
    close_url: str,
    tool_origin: str,
    back: tuple[str, str],
    **more: Any,
) -> HttpResponse:
    """A page with the tool in a frame, which starts at `launch_url` and may close itself.

    `back` is the page above it, its address and name; `in_window` prefers a window to the frame.
    """
    context = {
        "heading": heading,
        "launch_url": launch_url,
        "window_url": f"{launch_url}?target=window",
        "close_url": close_url,
        "tool_origin": tool_origin,
        "back": back,
        "frame_name": "tool-frame",
        **more,
    }
    return render(request, "demo_vle/tool_page.html", context)

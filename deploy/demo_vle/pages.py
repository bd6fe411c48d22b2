"""The pages a person sees: the course, its activity, the gradebook."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from deploy.demo_vle.gradebook import columns_for
from deploy.demo_vle.models import ScoreLog
from deploy.demo_vle.oidc import start_launch
from deploy.demo_vle.school import ACTIVITY, COURSE, MEMBERS, SCHOOL_NAME, Member
from deploy.demo_vle.session import sign_in as remember
from deploy.demo_vle.session import sign_out as forget
from deploy.demo_vle.session import signed_in_member

ASSETS = Path(__file__).parent / "assets"
ASSET_TYPES = {
    "vle.css": "text/css",
    "storage.js": "text/javascript",
    "auto_submit.js": "text/javascript",
    "badge.svg": "image/svg+xml",
}
LOG_LINES_SHOWN = 25


def common_context(request: HttpRequest) -> dict[str, Any]:
    return {
        "school": SCHOOL_NAME,
        "course": COURSE,
        "activity": ACTIVITY,
        "member": signed_in_member(request),
    }


def for_members(view: Callable[[HttpRequest, Member], HttpResponse]) -> Callable[..., HttpResponse]:
    """The view, for somebody; anybody else is asked who they are."""

    @never_cache
    @require_safe
    @functools.wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        member = signed_in_member(request)
        return view(request, member) if member else redirect("course")

    return guarded


@never_cache
@require_safe
def course(request: HttpRequest) -> HttpResponse:
    member = signed_in_member(request)
    context = {
        "members": MEMBERS.values(),
        "own_rows": [column.rows[0] for column in columns_for(member)]
        if member and not member.is_lead
        else [],
    }
    return render(request, "demo_vle/course.html", context)


@for_members
def activity(request: HttpRequest, member: Member) -> HttpResponse:
    context = {"tool_origin": settings.TOOL_ORIGIN}
    return render(request, "demo_vle/activity.html", context)


@never_cache
@require_safe
def launch(request: HttpRequest) -> HttpResponse:
    """Loaded by the activity's frame, or by its link in a window of its own."""
    member = signed_in_member(request)
    if member is None:
        return render(request, "demo_vle/signed_out.html", status=403)
    target = "window" if request.GET.get("target") == "window" else "iframe"
    return start_launch(request, member, target)


@require_safe
def return_from_activity(request: HttpRequest) -> HttpResponse:
    """LTI 1.3 core, 5.4.4: the tool may send a message for the person along."""
    context = {name: request.GET.get(name, "")[:500] for name in ("lti_msg", "lti_errormsg")}
    return render(request, "demo_vle/returned.html", context)


@for_members
def grades(request: HttpRequest, member: Member) -> HttpResponse:
    context = {
        "columns": columns_for(member),
        # A member of staff must not read other people's scores in the log.
        "log": ScoreLog.objects.all()[:LOG_LINES_SHOWN] if member.is_lead else None,
    }
    return render(request, "demo_vle/grades.html", context)


@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    member = MEMBERS.get(request.POST.get("member", ""))
    if member is None:
        raise Http404("nobody of that name")
    response = redirect("course")
    remember(response, member)
    return response


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    response = redirect("course")
    forget(response)
    return response


@require_safe
def asset(request: HttpRequest, name: str) -> HttpResponse:
    if name not in ASSET_TYPES:
        raise Http404(name)
    content_type = f"{ASSET_TYPES[name]}; charset=utf-8"
    headers = {"Cache-Control": "no-cache"}
    return HttpResponse((ASSETS / name).read_bytes(), content_type=content_type, headers=headers)


@require_safe
def jwks(request: HttpRequest) -> HttpResponse:
    """RFC 7517, 5: the public half of the key that signs launches."""
    keys = {"keys": [settings.SIGNING_KEY.as_public_jwk()]}
    return JsonResponse(keys, headers={"Cache-Control": "public, max-age=300"})

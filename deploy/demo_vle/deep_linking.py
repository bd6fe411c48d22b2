"""Adding a tool's activities to a course (LTI-DL 2.0): the way there and the way back.

The tool posts its answer from the frame, or from a tab of its own where the browser kept its
cookies back in the frame. Both are posts from another site, so ours holds its Lax cookie back;
as at `auth` (oidc.py), the answer is then posted again from a page of our own.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from deploy.demo_vle import urls_of
from deploy.demo_vle.claims import DEEP_LINKING, LTI
from deploy.demo_vle.content_items import create_activity, read_items
from deploy.demo_vle.fields import FieldError, text_of
from deploy.demo_vle.models import Activity, Course, DeepLinking, Message, Tool, UsedOnce
from deploy.demo_vle.oidc import REPOSTED, repost, start_launch
from deploy.demo_vle.school import Member
from deploy.demo_vle.session import signed_in_member
from deploy.demo_vle.standing import Standing, standing_of
from deploy.demo_vle.tool_keys import BadTokenError, KeySetUnavailableError, verified_claims

TIME_TO_CHOOSE = timedelta(hours=3)


class RefusedResponseError(Exception):
    """The tool's answer is not taken; the message says why."""


@dataclass(frozen=True)
class Outcome:
    added: list[Activity]
    message: str
    error_message: str


def start_choosing(request: HttpRequest, teacher: Standing, tool: Tool) -> HttpResponse:
    course = teacher.course
    choosing = DeepLinking.objects.create(
        id=secrets.token_urlsafe(24),
        tool=tool,
        course=course,
        member_id=teacher.member.id,
        expires_at=timezone.now() + TIME_TO_CHOOSE,
    )
    message = Message.DEEP_LINKING
    target = tool.target_of(message)
    return start_launch(request, teacher.member, tool, message, target, course=course, data=choosing.pk)


@csrf_exempt  # the tool's signature, and the `data` that only this teacher's launch was given
@never_cache
@require_POST
def deep_linking_return(request: HttpRequest, course_id: int, tool_id: int) -> HttpResponse:
    course = get_object_or_404(Course, pk=course_id)
    tool = get_object_or_404(Tool, pk=tool_id, is_active=True)
    member = signed_in_member(request)
    if member is None and REPOSTED not in request.POST:
        return repost(request, urls_of.deep_linking_return(course, tool), request.POST)
    if member is None:
        return render(request, "demo_vle/signed_out.html", status=403)
    try:
        outcome = receive(request.POST.get("JWT", ""), tool, course, member)
    except RefusedResponseError as refused:
        context = {"course": course, "tool": tool, "reason": str(refused)}
        return render(request, "demo_vle/choice_refused.html", context, status=400)
    return render(request, "demo_vle/chosen.html", {"course": course, "tool": tool, "outcome": outcome})


def receive(token: str, tool: Tool, course: Course, member: Member) -> Outcome:
    """Check the answer and make what was chosen: all of it, or on any fault nothing.

    Raises RefusedResponseError.
    """
    try:
        claims, expires_at = verified_claims(token, tool=tool, audience=settings.PUBLIC_URL, once="nonce")
        _check_message(claims, tool)
        choices = read_items(claims, DEEP_LINKING + "content_items")
        message = text_of(claims, DEEP_LINKING + "msg", most=2000)
        error_message = text_of(claims, DEEP_LINKING + "errormsg", most=2000)
        data = text_of(claims, DEEP_LINKING + "data", most=64, required=True)
    except BadTokenError as error:
        raise RefusedResponseError(f"The answer's token was not accepted: {error}.") from error
    except KeySetUnavailableError as error:
        raise RefusedResponseError(f"The tool's keys could not be read: {error}. Try again later.") from error
    except FieldError as error:
        raise RefusedResponseError(error.message) from error

    with transaction.atomic():
        if not UsedOnce.spend(f"nonce {tool.client_id}", claims["nonce"], expires_at):
            raise RefusedResponseError("The answer's nonce was used before.")
        open_for_them = standing_of(member, course).teaches and DeepLinking.answer(
            data, tool=tool, course=course, member_id=member.id
        )
        if not open_for_them:
            raise RefusedResponseError(
                "Its data belongs to no open choice of yours: it was answered already, has expired, or "
                "was begun by somebody else."
            )
        added = [create_activity(course, tool, choice) for choice in choices]
    return Outcome(added, message, error_message)


def _check_message(claims: dict[str, Any], tool: Tool) -> None:
    """LTI-DL 2.0, 4.5: what an answer must say about itself."""
    expected = {
        "message_type": "LtiDeepLinkingResponse",
        "version": "1.3.0",
        "deployment_id": tool.deployment_id,
    }
    for name, value in expected.items():
        if claims.get(LTI + name) != value:
            raise FieldError(f"{name} must be {value}.")

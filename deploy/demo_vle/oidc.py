"""The platform's half of the LTI 1.3 login (1EdTech Security Framework 1.0, 5.1.1).

A launch begins in `start_launch`, travels to the tool's login URL, comes back to `auth` and ends
as a form post of the id_token to the tool's redirect URI.

`auth` must know who is asking, and inside the frame the browser may have held our cookie back: a
redirect or script of the tool's page makes the request cross-site, and SameSite=Lax is not sent
with that. Moodle's answer (auth.php) is taken over: without a cookie, `auth` answers a page that
posts the very same request to itself. That post starts on our own page, in a frame whose top page
is ours too, so it is same-site and carries the cookie. No SameSite=None is needed, which plain
http would not allow everywhere, and no third-party cookie either.
"""

import json
import secrets
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from deploy.demo_vle import urls_of
from deploy.demo_vle.claims import id_token_claims
from deploy.demo_vle.models import LaunchHint, Message, Tool, forget_expired
from deploy.demo_vle.school import Member
from deploy.demo_vle.session import signed_in_member

HINT_LIFE = timedelta(minutes=5)
REPOSTED = "vle_reposted"
SPENT_HINT = (
    "This launch was already used, has expired or was not started here. "
    "Open the activity again from its course."
)


class RefusedError(Exception):
    """The tool is told: an OAuth error code and a sentence."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


def start_launch(
    request: HttpRequest, member: Member, tool: Tool, message: Message, target_link_uri: str, **about: Any
) -> HttpResponse:
    """Third-party initiated login (OIDC core, 4; LTI 1.3 core, 4.1), sent as a form post.

    `about` says what the message is of: fields of LaunchHint. Into a window instead of the frame
    goes what is asked for with `?target=window`.
    """
    now = timezone.now()
    forget_expired(now)
    document_target = "window" if request.GET.get("target") == "window" else "iframe"
    hint = LaunchHint.objects.create(
        id=secrets.token_urlsafe(24),
        tool=tool,
        member_id=member.id,
        message=message,
        target_link_uri=target_link_uri,
        document_target=document_target,
        expires_at=now + HINT_LIFE,
        **about,
    )
    fields = {
        "iss": settings.PUBLIC_URL,
        "target_link_uri": target_link_uri,
        "login_hint": member.id,
        # JSON text, as Moodle sends: the tool must hand back any text untouched.
        "lti_message_hint": json.dumps({"cmid": hint.activity_id or 0, "launchid": hint.pk}),
        "client_id": tool.client_id,
        "lti_deployment_id": tool.deployment_id,
    }
    if document_target == "iframe":
        # LTI postMessage Storage: our own page around the frame listens (assets/storage.js).
        fields["lti_storage_target"] = "_parent"
    return auto_submit(request, tool.login_url, fields)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def auth(request: HttpRequest) -> HttpResponse:
    """The authentication request of step 2, answered with step 3."""
    params = request.POST if request.method == "POST" else request.GET
    redirect_uri = params.get("redirect_uri", "")
    receivers = [tool for tool in Tool.objects.filter(is_active=True) if redirect_uri in tool.redirect_uris]
    # To an address that was not registered nothing is ever sent, not even an error.
    if not receivers:
        return render(request, "demo_vle/refused.html", {"uri": redirect_uri}, status=400)

    member = signed_in_member(request)
    if member is None and REPOSTED not in params:
        return repost(request, urls_of.auth(), params)
    try:
        answer = {"id_token": _id_token(params, member, receivers)}
    except RefusedError as refused:
        answer = {"error": refused.code, "error_description": refused.description}
    if "state" in params:
        answer["state"] = params["state"]
    return auto_submit(request, redirect_uri, answer)


def auto_submit(request: HttpRequest, action: str, fields: dict[str, str]) -> HttpResponse:
    """OAuth 2.0 Form Post Response Mode: a form that sends itself, with a button without script."""
    context = {"action": action, "fields": fields}
    return render(request, "demo_vle/auto_submit.html", context)


def repost(request: HttpRequest, action: str, params: QueryDict) -> HttpResponse:
    """Send the very same to ourselves: a request that starts on our own page carries our cookie."""
    return auto_submit(request, action, {**params.dict(), REPOSTED: "1"})


def _id_token(params: QueryDict, member: Member | None, receivers: list[Tool]) -> str:
    """Check the request (Security Framework 5.1.1.2), spend its hint, sign the answer."""
    tool = _check_parameters(params, receivers)
    if member is None:
        raise RefusedError("login_required", "Nobody is signed in to the VLE in this browser.")
    if params.get("login_hint") != member.id:
        raise RefusedError("access_denied", "The launch belongs to somebody other than the signed-in person.")
    launch_id = _launch_id(params.get("lti_message_hint", ""))
    hint = LaunchHint.use(launch_id, member_id=member.id, tool=tool)
    if hint is None:
        raise RefusedError("invalid_request", SPENT_HINT)
    claims = id_token_claims(hint, member, nonce=params.get("nonce", ""), now=int(time.time()))
    return settings.SIGNING_KEY.sign(claims)


def _check_parameters(params: QueryDict, receivers: list[Tool]) -> Tool:
    """Which of the tools that receive at the redirect URI is asking."""
    for name, values in params.lists():
        if len(values) > 1:
            raise RefusedError("invalid_request", f"{name} was sent more than once.")
    tool = next((tool for tool in receivers if tool.client_id == params.get("client_id")), None)
    if tool is None:
        raise RefusedError("unauthorized_client", "No tool is registered under this client_id.")
    if params.get("response_type") != "id_token":
        raise RefusedError("unsupported_response_type", "response_type must be id_token.")
    if params.get("scope") != "openid":
        raise RefusedError("invalid_scope", "scope must be openid.")
    for name, value in (("response_mode", "form_post"), ("prompt", "none")):
        if params.get(name) != value:
            raise RefusedError("invalid_request", f"{name} must be {value}.")
    for name in ("nonce", "state", "login_hint", "lti_message_hint"):
        if not params.get(name):
            raise RefusedError("invalid_request", f"{name} is missing.")
    return tool


def _launch_id(lti_message_hint: str) -> str:
    try:
        launch_id = json.loads(lti_message_hint)["launchid"]
    except (ValueError, KeyError, TypeError, RecursionError):
        launch_id = None
    # Ours are ASCII; JSON can also spell text that no database takes, such as a lone surrogate.
    if not isinstance(launch_id, str) or not launch_id.isascii():
        raise RefusedError("invalid_request", "lti_message_hint was changed.")
    return launch_id

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

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from deploy.demo_vle import urls_of
from deploy.demo_vle.claims import id_token_claims
from deploy.demo_vle.models import LaunchHint, forget_expired
from deploy.demo_vle.school import ACTIVITY, Member
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


def start_launch(request: HttpRequest, member: Member, document_target: str) -> HttpResponse:
    """Third-party initiated login (OIDC core, 4; LTI 1.3 core, 4.1), sent as a form post."""
    now = timezone.now()
    forget_expired(now)
    hint = LaunchHint.objects.create(
        id=secrets.token_urlsafe(24),
        member_id=member.id,
        document_target=document_target,
        expires_at=now + HINT_LIFE,
    )
    fields = {
        "iss": settings.PUBLIC_URL,
        "target_link_uri": settings.TOOL_TARGET_LINK_URL,
        "login_hint": member.id,
        # JSON text, as Moodle sends: the tool must hand back any text untouched.
        "lti_message_hint": json.dumps({"cmid": int(ACTIVITY.id), "launchid": hint.pk}),
        "client_id": settings.CLIENT_ID,
        "lti_deployment_id": settings.DEPLOYMENT_ID,
    }
    if document_target == "iframe":
        # LTI postMessage Storage: our own page around the frame listens (assets/storage.js).
        fields["lti_storage_target"] = "_parent"
    return auto_submit(request, settings.TOOL_LOGIN_URL, fields)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def auth(request: HttpRequest) -> HttpResponse:
    """The authentication request of step 2, answered with step 3."""
    params = request.POST if request.method == "POST" else request.GET
    redirect_uri = params.get("redirect_uri", "")
    # To an address that was not registered nothing is ever sent, not even an error.
    if redirect_uri not in settings.TOOL_REDIRECT_URIS:
        return render(request, "demo_vle/refused.html", {"uri": redirect_uri}, status=400)

    member = signed_in_member(request)
    if member is None and REPOSTED not in params:
        return auto_submit(request, urls_of.auth(), {**params.dict(), REPOSTED: "1"})
    try:
        answer = {"id_token": _id_token(params, member)}
    except RefusedError as refused:
        answer = {"error": refused.code, "error_description": refused.description}
    if "state" in params:
        answer["state"] = params["state"]
    return auto_submit(request, redirect_uri, answer)


def auto_submit(request: HttpRequest, action: str, fields: dict[str, str]) -> HttpResponse:
    """OAuth 2.0 Form Post Response Mode: a form that sends itself, with a button without script."""
    context = {"action": action, "fields": fields}
    return render(request, "demo_vle/auto_submit.html", context)


def _id_token(params: QueryDict, member: Member | None) -> str:
    """Check the request (Security Framework 5.1.1.2), spend its hint, sign the answer."""
    _check_parameters(params)
    if member is None:
        raise RefusedError("login_required", "Nobody is signed in to the VLE in this browser.")
    if params.get("login_hint") != member.id:
        raise RefusedError("access_denied", "The launch belongs to somebody other than the signed-in person.")
    hint = LaunchHint.use(_launch_id(params.get("lti_message_hint", "")), member.id)
    if hint is None:
        raise RefusedError("invalid_request", SPENT_HINT)
    claims = id_token_claims(
        member=member,
        nonce=params.get("nonce", ""),
        document_target=hint.document_target,
        now=int(time.time()),
    )
    return settings.SIGNING_KEY.sign(claims)


def _check_parameters(params: QueryDict) -> None:
    for name, values in params.lists():
        if len(values) > 1:
            raise RefusedError("invalid_request", f"{name} was sent more than once.")
    if params.get("client_id") != settings.CLIENT_ID:
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


def _launch_id(lti_message_hint: str) -> str:
    try:
        launch_id = json.loads(lti_message_hint)["launchid"]
    except (ValueError, KeyError, TypeError, RecursionError):
        launch_id = None
    # Ours are ASCII; JSON can also spell text that no database takes, such as a lone surrogate.
    if not isinstance(launch_id, str) or not launch_id.isascii():
        raise RefusedError("invalid_request", "lti_message_hint was changed.")
    return launch_id

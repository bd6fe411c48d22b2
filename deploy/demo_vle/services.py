"""The token endpoint: 1EdTech Security Framework 1.0, 4.1, with a signed assertion (RFC 7523)."""

import secrets
from datetime import timedelta
from typing import Any

import jwt
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from deploy.demo_vle import urls_of
from deploy.demo_vle.models import AccessToken, Tool, UsedOnce, fingerprint, forget_expired
from deploy.demo_vle.tool_keys import BadTokenError, KeySetUnavailableError, verified_claims

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_LIFE = timedelta(hours=1)


class OAuthError(Exception):
    """RFC 6749, 5.2."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.answer = {"error": code, "error_description": description}
        self.status = status


@csrf_exempt
@require_POST
def token(request: HttpRequest) -> JsonResponse:
    try:
        answer, status = _issue(request), 200
    except OAuthError as error:
        answer, status = error.answer, error.status
    # RFC 6749, 5.1: a token must not be cached anywhere.
    return JsonResponse(answer, status=status, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


def _issue(request: HttpRequest) -> dict[str, Any]:
    form = request.POST
    if form.get("grant_type") != "client_credentials":
        raise OAuthError("unsupported_grant_type", "grant_type must be client_credentials.")
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise OAuthError("invalid_request", f"client_assertion_type must be {ASSERTION_TYPE}.")
    tool = _check_assertion(form.get("client_assertion", ""))

    # As Moodle: what may not be granted is left out, and nothing left is an error.
    asked = form.get("scope", "").split()
    granted = [scope for scope in dict.fromkeys(asked) if scope in tool.scopes]
    if not granted:
        raise OAuthError("invalid_scope", "None of the scopes asked for may be granted.")

    now = timezone.now()
    forget_expired(now)
    access_token = secrets.token_urlsafe(32)
    AccessToken.objects.create(
        token_hash=fingerprint(access_token),
        tool=tool,
        scope=" ".join(granted),
        expires_at=now + TOKEN_LIFE,
    )
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": int(TOKEN_LIFE.total_seconds()),
        "scope": " ".join(granted),
    }


def _check_assertion(assertion: str) -> Tool:
    """RFC 7523, 3: signed by the tool, about the tool, for this endpoint, once. Who it is."""
    tool = _tool_that_claims(assertion)
    try:
        claims, expires_at = verified_claims(assertion, tool=tool, audience=urls_of.token(), once="jti")
    except BadTokenError as error:
        raise _invalid_client(f"The assertion was not accepted: {error}.") from error
    except KeySetUnavailableError as error:
        # Not the tool's fault for certain, and worth another try: so no 4xx.
        raise OAuthError("temporarily_unavailable", f"No key set: {error}.", 503) from error
    if claims.get("sub") != tool.client_id:
        raise _invalid_client("sub must be the client_id.")
    if not UsedOnce.spend(f"jti {tool.client_id}", claims["jti"], expires_at):
        raise _invalid_client("This jti was used before.")
    return tool


def _tool_that_claims(assertion: str) -> Tool:
    """Whose keys to try; nothing is believed yet."""
    try:
        issuer = jwt.decode(assertion, options={"verify_signature": False}).get("iss")
    except jwt.PyJWTError as error:
        raise _invalid_client(f"The assertion was not accepted: {error}.") from error
    active = {tool.client_id: tool for tool in Tool.objects.filter(is_active=True)}
    tool = active.get(issuer) if isinstance(issuer, str) else None
    if tool is None:
        raise _invalid_client("No active tool is registered under the assertion's iss.")
    return tool


def _invalid_client(description: str) -> OAuthError:
    return OAuthError("invalid_client", description, 401)

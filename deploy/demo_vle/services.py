"""The token endpoint: 1EdTech Security Framework 1.0, 4.1, with a signed assertion (RFC 7523)."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from django.conf import settings
from django.db import IntegrityError
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from deploy.demo_vle import urls_of
from deploy.demo_vle.models import AccessToken, UsedAssertion, fingerprint, forget_expired
from deploy.demo_vle.scopes import GRANTED_SCOPES
from deploy.demo_vle.tool_keys import KeySetUnavailableError, tool_key

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_LIFE = timedelta(hours=1)
LONGEST_ASSERTION_LIFE = timedelta(hours=1)
CLOCK_LEEWAY = timedelta(seconds=10)


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
    _check_assertion(form.get("client_assertion", ""))

    # As Moodle: what may not be granted is left out, and nothing left is an error.
    asked = form.get("scope", "").split()
    granted = [scope for scope in dict.fromkeys(asked) if scope in GRANTED_SCOPES]
    if not granted:
        raise OAuthError("invalid_scope", "None of the scopes asked for may be granted.")

    now = timezone.now()
    forget_expired(now)
    access_token = secrets.token_urlsafe(32)
    AccessToken.objects.create(
        token_hash=fingerprint(access_token),
        scope=" ".join(granted),
        expires_at=now + TOKEN_LIFE,
    )
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": int(TOKEN_LIFE.total_seconds()),
        "scope": " ".join(granted),
    }


def _check_assertion(assertion: str) -> None:
    """RFC 7523, 3: signed by the tool, about the tool, for this endpoint, once."""
    claims = _verified_claims(assertion)
    if claims["sub"] != settings.CLIENT_ID:
        raise _invalid_client("sub must be the client_id.")
    if not isinstance(claims["jti"], str):
        raise _invalid_client("jti must be text.")
    if not all(isinstance(claims[name], int | float) for name in ("exp", "iat")):
        raise _invalid_client("exp and iat must be numbers.")
    if claims["exp"] - claims["iat"] > LONGEST_ASSERTION_LIFE.total_seconds():
        raise _invalid_client("The assertion lives longer than an hour.")
    expires_at = datetime.fromtimestamp(claims["exp"], UTC) + CLOCK_LEEWAY
    try:
        UsedAssertion.objects.create(jti_hash=fingerprint(claims["jti"]), expires_at=expires_at)
    except IntegrityError:
        raise _invalid_client("This jti was used before.") from None


def _verified_claims(assertion: str) -> dict[str, Any]:
    try:
        kid = jwt.get_unverified_header(assertion).get("kid")
        if not isinstance(kid, str):
            raise _invalid_client("The assertion names no kid.")
        key = tool_key(kid)
        if key is None:
            raise _invalid_client("The tool's key set has no key of this kid.")
        return jwt.decode(
            assertion,
            key,
            algorithms=["RS256"],
            audience=urls_of.token(),
            issuer=settings.CLIENT_ID,
            leeway=CLOCK_LEEWAY,
            options={"require": ["iss", "sub", "aud", "iat", "exp", "jti"]},
        )
    except jwt.PyJWTError as error:
        raise _invalid_client(f"The assertion was not accepted: {error}.") from error
    except KeySetUnavailableError as error:
        # Not the tool's fault for certain, and worth another try: so no 4xx.
        raise OAuthError("temporarily_unavailable", f"No key set: {error}.", 503) from error


def _invalid_client(description: str) -> OAuthError:
    return OAuthError("invalid_client", description, 401)

"""The token endpoint: a bearer token for a signed assertion (1EdTech Security Framework 1.0 §4.1)."""

import secrets
import time
from typing import TYPE_CHECKING

import jwt

from tests.platforms.server import Answer, Received, json_answer
from tests.platforms.signing import read_signed

if TYPE_CHECKING:
    from tests.platforms.fake import FakePlatform

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CLAIMS = ("iss", "sub", "aud", "iat", "exp", "jti")


def answer(platform: "FakePlatform", request: Received) -> Answer:
    document = _answer(platform, request)
    return document._replace(
        headers={**document.headers, "Content-Type": platform.profile.signing_in.token_type}
    )


def _answer(platform: "FakePlatform", request: Received) -> Answer:
    form = request.form
    if request.method != "POST" or form.get("grant_type") != "client_credentials":
        return json_answer(400, {"error": "unsupported_grant_type"})
    if form.get("client_assertion_type") != ASSERTION:
        return json_answer(400, {"error": "invalid_request"})
    audience = platform.profile.signing_in.token_audience
    try:
        assertion = read_signed(
            form["client_assertion"],
            platform.tool_keys(),
            required=CLAIMS,
            audience=audience and audience.format(url=platform.url),
        )
    except (KeyError, jwt.InvalidTokenError):
        return json_answer(400, {"error": "invalid_client"})
    if assertion["iss"] != platform.client_id or assertion["sub"] != platform.client_id:
        return json_answer(400, {"error": "invalid_client"})
    scopes = set(form.get("scope", "").split()) & platform.permitted_scopes
    if not scopes:
        return json_answer(400, {"error": "invalid_scope"})
    token = secrets.token_urlsafe(16)
    platform.tokens[token] = (scopes, time.time() + platform.token_lifetime)
    return json_answer(
        200,
        {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": platform.token_lifetime,
            "scope": " ".join(sorted(scopes)),
        },
    )


def scopes_of(platform: "FakePlatform", request: Received) -> set[str] | None:
    """What the request's token allows; None for a token that is no good (any more)."""
    scopes, expires = platform.tokens.get(request.bearer, (set(), 0.0))
    return scopes if expires >= time.time() else None

"""The tools' public keys, fetched from their key sets and kept for a short while, and what they signed."""

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import URLError
from urllib.request import (
    HTTPRedirectHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

import jwt
from django.conf import settings

from deploy.demo_vle.models import Tool

TIMEOUT_SECONDS = 5
MAX_BYTES = 64 * 1024
KEEP_SECONDS = 300
LONGEST_TOKEN_LIFE = timedelta(hours=1)
CLOCK_LEEWAY = timedelta(seconds=10)


class KeySetUnavailableError(Exception):
    """The tool's key set could not be read; trying again later may help."""


class BadTokenError(Exception):
    """The token is not what it must be; the message says why."""


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None  # the key set is where it was registered, or it is not


@dataclass
class _KeySet:
    keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    fetched_at: float = float("-inf")


# No proxy: the tool is on this machine or this network.
_opener: OpenerDirector = build_opener(ProxyHandler({}), _NoRedirect)
_lock = threading.Lock()
_key_sets: dict[str, _KeySet] = {}


def verified_claims(token: str, *, tool: Tool, audience: str, once: str) -> tuple[dict[str, Any], datetime]:
    """The claims of what the tool signed for us, and when they no longer count.

    `once` names the claim that may be used only once; to remember it is the caller's part.
    Raises BadTokenError or KeySetUnavailableError.
    """
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        key = _key_of(tool, kid) if isinstance(kid, str) else None
        if key is None:
            raise BadTokenError("the tool's key set has no key of this kid")
        claims = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            audience=audience,
            issuer=tool.client_id,
            leeway=CLOCK_LEEWAY,
            options={"require": ["iss", "aud", "iat", "exp", once]},
        )
    except (jwt.PyJWTError, OverflowError) as error:
        raise BadTokenError(str(error)) from error
    if not isinstance(claims[once], str) or not claims[once]:
        raise BadTokenError(f"{once} must be text")
    if not all(isinstance(claims[name], int | float) for name in ("exp", "iat")):
        raise BadTokenError("exp and iat must be numbers")
    if claims["exp"] - claims["iat"] > LONGEST_TOKEN_LIFE.total_seconds():
        raise BadTokenError("it lives longer than an hour")
    return claims, datetime.fromtimestamp(claims["exp"], UTC) + CLOCK_LEEWAY


def _key_of(tool: Tool, kid: str) -> jwt.PyJWK | None:
    """The key of this id; an id not seen before is looked up afresh, as after a rotation."""
    with _lock:
        known = _key_sets.setdefault(tool.jwks_url, _KeySet())
        stale = time.monotonic() - known.fetched_at > KEEP_SECONDS
        if stale or kid not in known.keys:
            known.keys = _fetch(settings.KEY_SETS_ELSEWHERE.get(tool.jwks_url, tool.jwks_url))
            known.fetched_at = time.monotonic()
        return known.keys.get(kid)


def _fetch(url: str) -> dict[str, jwt.PyJWK]:
    request = Request(url, headers={"Accept": "application/json"})
    try:
        with _opener.open(request, timeout=TIMEOUT_SECONDS) as response:
            body = response.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise ValueError("too large")
        found = json.loads(body)["keys"]
        return {jwk["kid"]: jwt.PyJWK(jwk, "RS256") for jwk in found if jwk.get("kty") == "RSA"}
    except (URLError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise KeySetUnavailableError(f"{url}: {error}") from error
    except jwt.PyJWTError as error:
        raise KeySetUnavailableError(f"{url} holds a bad key") from error

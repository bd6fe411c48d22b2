"""The tool's public keys, fetched from its key set and kept for a short while."""

import json
import threading
import time
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

TIMEOUT_SECONDS = 5
MAX_BYTES = 64 * 1024
KEEP_SECONDS = 300


class KeySetUnavailableError(Exception):
    """The tool's key set could not be read; trying again later may help."""


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None  # the key set is where it was registered, or it is not


# No proxy: the tool is on this machine or this network.
_opener: OpenerDirector = build_opener(ProxyHandler({}), _NoRedirect)
_lock = threading.Lock()
_keys: dict[str, jwt.PyJWK] = {}
_fetched_at = float("-inf")


def tool_key(kid: str) -> jwt.PyJWK | None:
    """The key of this id; an id not seen before is looked up afresh, as after a rotation."""
    global _keys, _fetched_at
    with _lock:
        stale = time.monotonic() - _fetched_at > KEEP_SECONDS
        if stale or kid not in _keys:
            _keys = _fetch()
            _fetched_at = time.monotonic()
        return _keys.get(kid)


def _fetch() -> dict[str, jwt.PyJWK]:
    request = Request(settings.TOOL_JWKS_URL, headers={"Accept": "application/json"})
    try:
        with _opener.open(request, timeout=TIMEOUT_SECONDS) as response:
            body = response.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise ValueError("too large")
        found = json.loads(body)["keys"]
        return {jwk["kid"]: jwt.PyJWK(jwk, "RS256") for jwk in found if jwk.get("kty") == "RSA"}
    except (URLError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise KeySetUnavailableError(f"{settings.TOOL_JWKS_URL}: {error}") from error
    except jwt.PyJWTError as error:
        raise KeySetUnavailableError(f"{settings.TOOL_JWKS_URL} holds a bad key") from error

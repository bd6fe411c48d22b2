"""The platforms' signing keys: fetched rarely, kept in the process and in the shared cache.

PyLTI1p3 fetches the key set at every launch, or caches it and never again looks for a new key: then no launch
works after a rotation. Here Cache-Control is honoured within bounds, and an unknown `kid` is worth one fetch in a
while, however many arrive.
"""

import logging
import re
import threading
import time
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from lti_tool.http import PlatformUnreachable, Unreachable, session
from lti_tool.models import Registration
from lti_tool.rejections import LaunchRejected

logger = logging.getLogger(__name__)

# Brightspace rotates hourly and says no-store; obeyed to the letter that would be a fetch a launch.
SHORTEST_SECONDS, LONGEST_SECONDS, DEFAULT_SECONDS = 300, 24 * 3600, 3600
# While a platform cannot be reached its last keys serve on this long.
STALE_SECONDS = 3600
REFETCH_EVERY_SECONDS = 10
# For another thread's fetch; most platforms answer in well under a second.
WAIT_SECONDS = 2
# A fetch that fails within so long is tried again at once, this often in all: a launch cannot come back by itself.
FETCH_TRIES, FAILED_AT_ONCE_SECONDS = 3, 1.0
MAX_KEYS = 50


@dataclass(frozen=True, slots=True)
class KeySet:
    """A platform's keys that can verify a launch, by kid. `fresh_until` in seconds since 1970."""

    url: str
    keys: dict[str, PyJWK]
    fresh_until: float

    def find(self, kid: str, *, longer: float = 0) -> PyJWK | None:
        """The key of that name while the set is fresh, and `longer` seconds after."""
        return self.keys.get(kid) if time.time() < self.fresh_until + longer else None


_known: dict[int, KeySet] = {}
# One for each platform: a slow one holds up no other's launches.
_fetching: dict[int, threading.Lock] = {}


def find(registration: Registration, kid: str) -> PyJWK:
    """The platform's public key named `kid`.

    Raises LaunchRejected: `kid_unknown`, or `keys_unavailable` when the key set cannot be had.
    """
    keys = _known.get(registration.pk)
    if keys and keys.url == registration.jwks_url and (key := keys.find(kid)):
        return key
    keys = shared(registration)
    if keys and (key := keys.find(kid)):
        return key
    last = keys.find(kid, longer=STALE_SECONDS) if keys else None
    fetching = _fetching.setdefault(registration.pk, threading.Lock())
    # A slow platform keeps one thread, not all of them.
    if not fetching.acquire(timeout=0 if last else WAIT_SECONDS):
        if last:
            return last
        raise LaunchRejected("keys_unavailable", registration=registration.pk)
    try:
        keys = shared(registration)
        if keys and (key := keys.find(kid)):
            return key
        # Asked a moment ago and down: nobody else waits for a time-out of their own.
        is_down = bool(cache.get(f"jwks-down:{registration.pk}"))
        if not is_down and (_is_due(keys) or _may_look_again(registration)):
            try:
                keys, is_down = _fetch_stubbornly(registration), False
            except KeysUnavailable as error:
                logger.warning("platform_keys.unavailable registration=%s why=%s", registration.pk, error)
                cache.set(f"jwks-down:{registration.pk}", 1, REFETCH_EVERY_SECONDS)
                is_down = True
        if keys is None or time.time() >= keys.fresh_until + STALE_SECONDS:
            raise LaunchRejected("keys_unavailable", registration=registration.pk)
        if kid not in keys.keys:
            raise LaunchRejected(
                "keys_unavailable" if is_down else "kid_unknown", registration=registration.pk
            )
        return keys.keys[kid]
    finally:
        fetching.release()


def _is_due(keys: KeySet | None) -> bool:
    """Whether the set must be fetched whatever the kid: there is none, or it is too old."""
    return keys is None or time.time() >= keys.fresh_until


def _may_look_again(registration: Registration) -> bool:
    """Whether a fresh set that lacks the kid is worth another look: the platform may have a new key.

    One window for all processes and all unknown kids: fifty of them cause one fetch.
    """
    return bool(cache.add(f"jwks-window:{registration.pk}", 1, REFETCH_EVERY_SECONDS))


def forget() -> None:
    """Drop what this process knows (for tests)."""
    _known.clear()


class KeysUnavailable(Exception):
    """The key set cannot be had. The message is for the log.

    `unreadable`: the address answers, but with no key set. `unreachable`: why it could not be asked, if so.
    """

    def __init__(
        self, message: str, *, unreadable: bool = False, unreachable: Unreachable | None = None
    ) -> None:
        super().__init__(message)
        self.unreadable = unreadable
        self.unreachable = unreachable


def _cache_key(registration: Registration) -> str:
    return f"jwks:{registration.pk}"


def shared(registration: Registration) -> KeySet | None:
    """What the processes share of the platform's key set; None before the first launch."""
    kept = cache.get(_cache_key(registration))
    if not kept or kept["url"] != registration.jwks_url:
        return None
    keys = KeySet(kept["url"], _readable(kept["keys"]), kept["fresh_until"])
    _known[registration.pk] = keys
    return keys


def _fetch_stubbornly(registration: Registration) -> KeySet:
    """The key set, also where the first answers are a reset or a busy server's. Raises KeysUnavailable."""
    begun = time.monotonic()
    for _ in range(FETCH_TRIES - 1):
        try:
            return fetch(registration)
        except KeysUnavailable:
            if time.monotonic() - begun > FAILED_AT_ONCE_SECONDS:
                raise
    return fetch(registration)


def fetch(registration: Registration) -> KeySet:
    """Ask the platform for its key set now. Raises KeysUnavailable."""
    try:
        response = session().get(registration.jwks_url, headers={"Accept": "application/json"})
    except PlatformUnreachable as error:
        raise KeysUnavailable(str(error), unreachable=error.why) from None
    if response.status_code != 200:
        raise KeysUnavailable(f"status {response.status_code}")
    try:
        document = response.json()
    except (ValueError, RecursionError):
        raise KeysUnavailable("not JSON", unreadable=True) from None
    published = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(published, list) or len(published) > MAX_KEYS:
        raise KeysUnavailable("not a key set", unreadable=True)
    fresh_until = time.time() + _lifetime(response.headers.get("Cache-Control", ""))
    keys = KeySet(registration.jwks_url, _readable(published), fresh_until)
    _known[registration.pk] = keys
    cache.set(
        _cache_key(registration),
        {"url": keys.url, "keys": published, "fresh_until": fresh_until},
        LONGEST_SECONDS + STALE_SECONDS,
    )
    return keys


def _lifetime(cache_control: str) -> int:
    if "no-store" in cache_control or "no-cache" in cache_control:
        return SHORTEST_SECONDS
    said = re.search(r"max-age=(\d{1,9})", cache_control)
    seconds = int(said[1]) if said else DEFAULT_SECONDS
    return min(max(seconds, SHORTEST_SECONDS), LONGEST_SECONDS)


def _readable(published: list[Any]) -> dict[str, PyJWK]:
    """The RSA keys for RS256 among those published, by kid; others are of no use to LTI (security §5.1.1)."""
    keys = {}
    for jwk in published:
        if not isinstance(jwk, dict) or jwk.get("kty") != "RSA" or jwk.get("use", "sig") != "sig":
            continue
        kid = jwk.get("kid")
        if not isinstance(kid, str) or jwk.get("alg", "RS256") != "RS256":
            continue
        try:
            key = PyJWK(jwk, algorithm="RS256")
        except (PyJWTError, ValueError, TypeError):
            continue
        if key.key.key_size >= 2048:
            keys[kid] = key
    return keys

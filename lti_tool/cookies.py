"""The cookies of framed pages: partitioned, small, few.

Two kinds. `sr-login-<name>` holds a browser's secret between a login and its launch. `sr-user-<registration>`
says who is signed in for that registration: a cookie each, so that frames opened at once never overwrite each
other's, and nothing in it but a number (design §1).
"""

import re
from collections.abc import Iterable

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from lti_tool.login_state import MAX_AGE_SECONDS, BrowserSecret

LOGIN_PREFIX = "sr-login-"
USER_PREFIX = "sr-user-"
# A hundred logins begun in one browser must not grow its Cookie header until servers refuse it.
MOST_LOGINS = 8
MOST_USERS = 8
SIGNED_IN_SECONDS = 12 * 3600
_SALT = "lti.user"
# Sister domains can plant cookies under our prefixes, with names that no response may carry.
_LOGIN_COOKIE = re.compile(rf"{LOGIN_PREFIX}[0-9a-f]{{1,40}}")
_USER_COOKIE = re.compile(rf"{USER_PREFIX}[0-9]{{1,18}}")


def set_framed_cookie(response: HttpResponse, name: str, value: str, max_age: int) -> None:
    """A cookie that reaches us inside the VLE's frame: SameSite=None; Secure; Partitioned."""
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        secure=settings.COOKIES_SECURE,
        httponly=True,
        samesite="None" if settings.COOKIES_SECURE else "Lax",
    )
    partition(response, name)


def partition(response: HttpResponseBase, name: str) -> None:
    """Put a cookie into the VLE's own jar, where browsers that block third-party cookies still keep it."""
    if settings.COOKIES_SECURE:
        response.cookies[name]["partitioned"] = True


def drop(response: HttpResponse, names: Iterable[str]) -> None:
    """Have the browser forget cookies. A partitioned one is only matched by a partitioned deletion."""
    for name in names:
        set_framed_cookie(response, name, "", 0)


def keep_login(
    request: HttpRequest, response: HttpResponse, secret: BrowserSecret, *, in_place_of: str = ""
) -> None:
    """Keep a login's secret, in place of its probe's, and drop the oldest of those that were never finished."""
    set_framed_cookie(response, LOGIN_PREFIX + secret.name, secret.value, MAX_AGE_SECONDS)
    begun = sorted(name for name in request.COOKIES if _LOGIN_COOKIE.fullmatch(name))
    probes = [name for name in begun if name == LOGIN_PREFIX + in_place_of]
    others = [name for name in begun if name not in probes]
    drop(response, probes + others[: max(0, len(others) + 1 - MOST_LOGINS)])


def login_secret(request: HttpRequest, name: str) -> str:
    """The secret that this browser kept for the login called `name`, or nothing."""
    return request.COOKIES.get(LOGIN_PREFIX + name, "")


def sign_in(request: HttpRequest, response: HttpResponse, *, registration: int, lti_user: int) -> None:
    """Remember who is signed in for a registration; of too many registrations the oldest is dropped."""
    name = f"{USER_PREFIX}{registration}"
    value = signing.TimestampSigner(salt=_SALT).sign(f"{registration}.{lti_user}")
    set_framed_cookie(response, name, value, SIGNED_IN_SECONDS)
    others = sorted(
        (other for other in request.COOKIES if _USER_COOKIE.fullmatch(other) and other != name),
        key=lambda other: _signed_at(request.COOKIES[other]),
    )
    drop(response, others[: max(0, len(others) + 1 - MOST_USERS)])


def signed_in(request: HttpRequest) -> dict[int, int]:
    """Who is signed in: the LtiUser's id for each registration's id. Forged or old cookies say nothing."""
    users = {}
    for name, value in request.COOKIES.items():
        if not _USER_COOKIE.fullmatch(name):
            continue
        try:
            plain = signing.TimestampSigner(salt=_SALT).unsign(value, max_age=SIGNED_IN_SECONDS)
        except signing.BadSignature:
            continue
        registration, lti_user = plain.split(".")
        # The cookie's name is outside the signature: a value moved to another name must not count there.
        if name == f"{USER_PREFIX}{registration}":
            users[int(registration)] = int(lti_user)
    return users


def has_any(request: HttpRequest) -> bool:
    """Whether this browser has sent any framed cookie of ours: then it keeps them here."""
    return any(name.startswith((LOGIN_PREFIX, USER_PREFIX)) for name in request.COOKIES)


def _signed_at(value: str) -> str:
    # "<registration>.<user>:<base62 time>:<signature>": of equal length for the next decades, so text sorts.
    return value.split(":")[1] if value.count(":") == 2 else ""

"""In which language the interface speaks: what the reader chose, else what the VLE said at the launch, else what
the browser asks for, else English.

The first two are kept in one cookie, as `chosen.cy` or `told.cy`: a launch must not undo what somebody chose, and
each launch of somebody who chose nothing tells again.
"""

from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from lti_tool import cookies

COOKIE = "sr-language"
CHOSEN, TOLD = "chosen", "told"
CHOSEN_SECONDS = 365 * 24 * 3600


class Kept(NamedTuple):
    """What the cookie says: how we came to know the language, and which; both empty where it says nothing."""

    how: str
    language: str


def spoken(request: HttpRequest) -> str:
    """The language for this request."""
    return _kept(request).language or translation.get_language_from_request(request)


def understood(locale: str) -> str:
    """Our language for a VLE's locale ("cy", "cy-GB", "en_GB"); empty where we do not speak it."""
    try:
        return translation.get_supported_language_variant(locale.replace("_", "-").lower())
    except LookupError:
        return ""


def tell(request: HttpRequest, response: HttpResponse, locale: str) -> None:
    """Keep the language of a launch for the pages that follow, unless the reader has chosen one."""
    kept, language = _kept(request), understood(locale)
    if kept.how == CHOSEN:
        return
    if language:
        cookies.set_framed_cookie(response, COOKIE, f"{TOLD}.{language}", cookies.SIGNED_IN_SECONDS)
    elif kept.how:
        # What an earlier launch said, perhaps of another VLE, does not hold for this one.
        cookies.drop(response, [COOKIE])


def choose(response: HttpResponse, language: str) -> None:
    """Keep what the reader chose; a language that we do not speak is no choice."""
    if language in dict(settings.LANGUAGES):
        cookies.set_framed_cookie(response, COOKIE, f"{CHOSEN}.{language}", CHOSEN_SECONDS)


def _kept(request: HttpRequest) -> Kept:
    how, _, language = request.COOKIES.get(COOKIE, "").partition(".")
    if how in {CHOSEN, TOLD} and language in dict(settings.LANGUAGES):
        return Kept(how, language)
    return Kept("", "")

"""What every request passes: its language, who is signed in, who may frame and who may keep the answer, and
whether the view has a door.
"""

from collections.abc import Callable, Iterable

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from lti_tool import cookies, languages, registrations
from lti_tool.doors import Door, door_of

GetResponse = Callable[[HttpRequest], HttpResponse]


class PagePolicy(CSPMiddleware):
    """The Content-Security-Policy of pages. A redirect shows nothing that could need one, and launches are
    redirects.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if 300 <= response.status_code < 400:
            return response
        return super().process_response(request, response)


class Utf8Forms:
    """Forms are UTF-8. Left to itself Django decodes in any Python codec that the sender names, and fails."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.encoding = "utf-8"
        return self.get_response(request)


class Language:
    """Speaks the reader's language. Operators' pages are written in English alone."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with translation.override(languages.spoken(request)):
            response = self.get_response(request)
            if response.headers.get("Content-Type", "").startswith("text/html"):
                response.headers.setdefault("Content-Language", translation.get_language() or "")
                patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: object, kwargs: object
    ) -> None:
        if door_of(view) is Door.OPERATOR:
            translation.activate(settings.LANGUAGE_CODE)


class FramedCookies:
    """Django 5.2 cannot set `Partitioned`; its CSRF cookie needs it to reach us inside a VLE's frame."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if settings.CSRF_COOKIE_NAME in response.cookies:
            cookies.partition(response, settings.CSRF_COOKIE_NAME)
        return response


class SignedIn:
    """`request.signed_in`: the LtiUser's id by registration id; the frame is opened to those VLEs; and pages of the
    signed-in, which may name a school's people and what somebody answered, are kept by no cache.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.signed_in = cookies.signed_in(request)  # type: ignore[attr-defined]
        response = self.get_response(request)
        match = request.resolver_match
        who = door_of(match.func) if match else None
        if who is Door.SIGNED_IN:
            add_never_cache_headers(response)
        # Never pages where a click may let a whole deployment or VLE in.
        if who not in {Door.OPERATOR, Door.INVITED} and not hasattr(response, "_csp_replace"):
            let_frame(response, request.signed_in)  # type: ignore[attr-defined]
        return response


def let_frame(response: HttpResponseBase, registration_ids: object) -> None:
    """Let these registrations' VLEs show the response in a frame; without any, nobody may."""
    known = [registrations.by_id(pk) for pk in registration_ids]  # type: ignore[attr-defined]
    hosts = sorted({host for row in known if row for host in registrations.frame_hosts(row)})
    if hosts:
        response._csp_replace = {"frame-ancestors": hosts}  # type: ignore[attr-defined]


def let_anybody_frame(response: HttpResponseBase) -> None:
    """For pages that say something went wrong before we know whose frame it is: they hold no rights."""
    response._csp_replace = {"frame-ancestors": ["https:", "http:"]}  # type: ignore[attr-defined]


def let_post_to(response: HttpResponseBase, origins: Iterable[str]) -> None:
    """Let the response's forms be sent to these origins too: a choice goes back to its VLE."""
    response._csp_update = {"form-action": sorted(origins)}  # type: ignore[attr-defined]


class DeclaredDoor:
    """Shut by default: a view that does not say who may enter lets nobody in."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: object, kwargs: object
    ) -> HttpResponse | None:
        who = door_of(view)
        if who is None:
            raise RuntimeError(f"{view.__module__}.{view.__name__} does not declare who may enter")
        if who is Door.SIGNED_IN and not request.signed_in:  # type: ignore[attr-defined]
            response = render(request, "lti_tool/signed_out.html", status=403)
            let_anybody_frame(response)
            return response
        return None

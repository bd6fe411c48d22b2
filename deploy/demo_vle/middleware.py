"""Two rules for every answer: what a page may load, and at which address it lives."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

Handler = Callable[[HttpRequest], HttpResponse]

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        # The activity's frame starts on our own launch page and goes on to the tool.
        f"frame-src 'self' {settings.TOOL_ORIGIN}",
        f"form-action 'self' {settings.TOOL_ORIGIN}",
        "frame-ancestors 'self'",
        "base-uri 'none'",
    )
)


def content_security_policy(get_response: Handler) -> Handler:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["Content-Security-Policy"] = POLICY
        return response

    return middleware


def own_address(get_response: Handler) -> Handler:
    """Send a visitor of 127.0.0.1 to localhost (or whatever the public address is).

    The cookie belongs to one host name, and the tool sends launches back to the public one.
    """
    own_host = urlsplit(settings.PUBLIC_URL).netloc

    def middleware(request: HttpRequest) -> HttpResponse:
        is_page = request.path == "/" or request.path.startswith("/courses/")
        if is_page and request.method in ("GET", "HEAD") and request.get_host() != own_host:
            return HttpResponseRedirect(settings.PUBLIC_URL + request.get_full_path())
        return get_response(request)

    return middleware

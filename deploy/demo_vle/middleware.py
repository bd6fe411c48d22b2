"""Two rules for every answer: what a page may load, and at which address it lives."""

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from deploy.demo_vle.models import Tool

Handler = Callable[[HttpRequest], HttpResponse]
PAGES = ("/courses/", "/tools/", "/me/")


def policy(origins: Iterable[str]) -> str:
    """What our pages may do, with these tools."""
    tools = " ".join(sorted(origins))
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "script-src 'self'",
            f"img-src 'self' {tools}",
            # A tool's frame starts on our own launch page and goes on to the tool.
            f"frame-src 'self' {tools}",
            f"form-action 'self' {tools}",
            "frame-ancestors 'self'",
            "base-uri 'none'",
        )
    )


def content_security_policy(get_response: Handler) -> Handler:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if "Content-Security-Policy" not in response:
            known = {origin for tool in Tool.objects.all() for origin in tool.origins}
            response["Content-Security-Policy"] = policy(known)
        return response

    return middleware


def own_address(get_response: Handler) -> Handler:
    """Send a visitor of 127.0.0.1 to localhost (or whatever the public address is).

    The cookie belongs to one host name, and the tool sends launches back to the public one.
    """
    own_host = urlsplit(settings.PUBLIC_URL).netloc

    def middleware(request: HttpRequest) -> HttpResponse:
        is_page = request.path == "/" or request.path.startswith(PAGES)
        if is_page and request.method in ("GET", "HEAD") and request.get_host() != own_host:
            return HttpResponseRedirect(settings.PUBLIC_URL + request.get_full_path())
        return get_response(request)

    return middleware

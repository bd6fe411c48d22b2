"""The pages that belong to no part of the product: the front, and what is shown when something fails."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

from lti_tool.doors import Door, door
from lti_tool.middleware import let_anybody_frame


@door(Door.PUBLIC)
@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """Somebody came here without a course: what this is, and where to begin."""
    return render(request, "front.html")


@door(Door.PUBLIC)
@require_safe
def help_now(request: HttpRequest) -> HttpResponse:
    """Dealing with a real incident now? Works without a launch, an account, or finishing anything."""
    back = request.GET.get("back", "")
    safe = back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    response = render(request, "help_now.html", {"back": back if safe else ""})
    let_anybody_frame(response)
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _failed(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _failed(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _failed(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return _failed(request, 500)


def _failed(request: HttpRequest, status: int) -> HttpResponse:
    response = render(request, "failed.html", {"status": status}, status=status)
    let_anybody_frame(response)
    return response

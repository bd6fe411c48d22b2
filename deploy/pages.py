"""The pages that belong to no part of the product: the front, and what is shown when something fails."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from lti_tool.doors import Door, door
from lti_tool.middleware import let_anybody_frame


@door(Door.PUBLIC)
@require_GET
def front(request: HttpRequest) -> HttpResponse:
    """Somebody came here without a course: what this is, and where to begin."""
    return render(request, "front.html")


@door(Door.PUBLIC)
@require_GET
def help_now(request: HttpRequest) -> HttpResponse:
    """Dealing with a real incident now? Works without a launch, an account, or finishing anything."""
    response = render(request, "help_now.html")
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

"""What every LTI service call has in common: its token, its media types, its error answers."""

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from deploy.demo_vle.fields import FieldError
from deploy.demo_vle.models import AccessToken, Course, Tool, fingerprint

View = Callable[..., HttpResponse]


class ServiceError(Exception):
    """Answered as JSON that a person can read."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


def by_method(**views: View) -> View:
    """One address of a course, a function for each verb; errors become answers here."""

    @csrf_exempt  # a bearer token, which no browser adds by itself, says who is calling
    @functools.wraps(next(iter(views.values())))
    def dispatch(request: HttpRequest, course_id: int, **kwargs: Any) -> HttpResponse:
        try:
            if request.method not in views:
                raise ServiceError(405, "Method not allowed.", {"Allow": ", ".join(views)})
            course = Course.objects.filter(pk=course_id).first()
            if course is None:
                raise ServiceError(404, "There is no such course.")
            return views[request.method](request, course, **kwargs)
        except (ServiceError, FieldError) as error:
            answer = {"status": error.status, "error": error.message}
            return JsonResponse(answer, status=error.status, headers=error.headers)

    return dispatch


def require_scope(request: HttpRequest, *any_of: str) -> Tool:
    """The tool that calls. RFC 6750, 3.1: no or a dead token is 401, one for something else 403."""
    kind, _, presented = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not presented.strip():
        raise ServiceError(401, "A bearer token is needed.", {"WWW-Authenticate": "Bearer"})
    token = (
        AccessToken.objects.select_related("tool")
        .filter(token_hash=fingerprint(presented.strip()), expires_at__gt=timezone.now())
        .first()
    )
    if token is None:
        raise ServiceError(
            401,
            "The token is unknown or has expired.",
            {"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    if not set(token.scope.split()) & set(any_of):
        raise ServiceError(
            403,
            f"The token lacks the scope {' or '.join(any_of)}.",
            {"WWW-Authenticate": 'Bearer error="insufficient_scope"'},
        )
    return token.tool


def require_content_type(request: HttpRequest, media_type: str) -> None:
    if request.content_type != media_type:  # parameters such as charset are already cut off
        raise ServiceError(415, f"Content-Type must be {media_type}.")


def require_accept(request: HttpRequest, media_type: str) -> None:
    """Strict as Moodle: `*/*` does not say which version of the service the caller speaks."""
    ranges = request.headers.get("Accept", "").split(",")
    if media_type not in {media_range.partition(";")[0].strip() for media_range in ranges}:
        raise ServiceError(406, f"Accept must name {media_type}.")


def json_object(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ServiceError(400, "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise ServiceError(400, "The body must be a JSON object.")
    return body


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

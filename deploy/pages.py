"""The pages that belong to no part of the product: the front, and what is shown when something fails."""

import logging

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from course_content import local
from deploy.help_words import NATIONS, USUAL
from lti_tool import languages
from lti_tool.doors import Door, door
from lti_tool.local_details import Local
from lti_tool.middleware import let_anybody_frame

logger = logging.getLogger(__name__)


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
    safe = _is_ours(back)
    school = _local(request, back) if safe else None
    here = NATIONS.get(request.GET.get("nation", ""), NATIONS[USUAL])
    context = {"back": back if safe else "", "local": school, "here": here, "nations": NATIONS}
    response = render(request, "help_now.html", context)
    if school is None:
        let_anybody_frame(response)
    else:
        add_never_cache_headers(response)
    return response


def _local(request: HttpRequest, back: str) -> Local | None:
    """The numbers of the school whose page somebody comes from. Without them the page helps all the same."""
    try:
        return local.at(request, back)
    except DatabaseError:
        logger.exception("help_now.without_local")
        return None


@door(Door.PUBLIC)
@csrf_exempt  # by the sender's origin: a token would need a cookie on every page, and fail where they are blocked
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """The interface's language, as the reader chooses it on any page, and back to that page."""
    back = request.POST.get("next", "")
    response = HttpResponseRedirect(back if _is_ours(back) else "/")
    ours = {settings.PUBLIC_URL, f"{request.scheme}://{request.get_host()}"}
    if request.headers.get("Origin", settings.PUBLIC_URL) in ours:
        languages.choose(response, request.POST.get("language", ""))
    return response


def _is_ours(path: str) -> bool:
    """Whether this is a path on this site, and leads nowhere else."""
    return path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None)


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

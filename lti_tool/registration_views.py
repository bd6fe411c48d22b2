"""The pages with which a VLE is connected, and what its admin reads there."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from lti_tool import dynamic_registration, invitations, manual_registration
from lti_tool.doors import Door, door
from lti_tool.middleware import let_anybody_frame, let_frame
from lti_tool.models import Family, Registration
from lti_tool.refusals import RegistrationRefused
from lti_tool.registrations import tool_urls
from lti_tool.tool_configuration import canvas_configuration

logger = logging.getLogger("lti_tool.registration")
P = ParamSpec("P")


def refusing(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Turn a refusal into its page and its one log line."""

    @wraps(view)
    def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except RegistrationRefused as refused:
            logger.warning("registration.refused reason=%s detail=%s", refused.reason, refused.detail or "-")
            response = render(
                request,
                "lti_tool/registration/refused.html",
                {"refused": refused},
                status=refused.explanation.status,
            )
            let_anybody_frame(response)
            return response

    return wrapped


@door(Door.INVITED)
@never_cache
@require_GET  # a HEAD would register, and show the answer to nobody
@refusing
def register(request: HttpRequest) -> HttpResponse:
    """The invitation link: opened by a VLE it registers, opened by a person it says what to do with it."""
    token = request.GET.get("invitation", "")
    now = timezone.now()
    configuration_url = request.GET.get("openid_configuration", "")
    if not configuration_url:
        return _guide(request, token)
    registration = dynamic_registration.connect(
        token, configuration_url, request.GET.get("registration_token", ""), now=now
    )
    return _connected(request, registration)


def _guide(request: HttpRequest, token: str) -> HttpResponse:
    invitation = invitations.find(token, now=timezone.now())
    return render(
        request,
        "lti_tool/registration/guide.html",
        {
            "invitation": invitation,
            "token": token,
            "link": invitations.link(token),
            "blackboard_client_id": manual_registration.blackboard_client_id(),
        },
    )


def _connected(request: HttpRequest, registration: Registration, *, by_hand: bool = False) -> HttpResponse:
    logger.info(
        "registration.accepted registration=%s family=%s by_hand=%s",
        registration.pk,
        registration.family,
        by_hand,
    )
    response = render(
        request,
        "lti_tool/registration/connected.html",
        {
            "registration": registration,
            "has_deployment": registration.deployments.exists(),
            "by_hand": by_hand,
        },
    )
    let_frame(response, [registration.pk])
    return response


@door(Door.INVITED)
@never_cache
@require_http_methods(["GET", "POST"])
@refusing
def by_hand(request: HttpRequest, family: str) -> HttpResponse:
    """What an admin enters here and there when their VLE does not do it by itself."""
    if family not in Family.values:
        raise Http404
    token = request.GET.get("invitation", "")
    now = timezone.now()
    invitations.find(token, now=now)
    form = manual_registration.VleDetails(Family(family), request.POST or None)
    if form.is_valid():
        try:
            registration = manual_registration.connect(token, form.platform(), now=now)
        except ValidationError as error:
            form.refuse(error)
        else:
            return _connected(request, registration, by_hand=True)
    return render(
        request,
        "lti_tool/registration/by_hand.html",
        {
            "form": form,
            "token": token,
            "family": form.family,
            "tool_urls": tool_urls(),
            "canvas_url": settings.PUBLIC_URL + reverse("lti:canvas-json"),
        },
    )


@door(Door.PUBLIC)
@require_safe
def canvas(request: HttpRequest) -> JsonResponse:
    """What Canvas reads when its admin makes an LTI key by address."""
    return JsonResponse(canvas_configuration())

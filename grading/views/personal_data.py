"""Somebody's own data, and an administrator's request for somebody else's."""

import json

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from grading import personal_data
from grading.access import privacy_launch_of, signed_in_user
from grading.personal_data import NotShown, PersonalData
from lti_tool.cookies import SIGNED_IN_SECONDS
from lti_tool.doors import Door, door


@door(Door.SIGNED_IN)
@require_GET
def own(request: HttpRequest, registration_pk: int) -> HttpResponse:
    """What is kept of whoever is signed in from this VLE."""
    data = personal_data.of(signed_in_user(request, registration_pk), now=timezone.now())
    download = reverse("grading:own-data-download", args=[registration_pk])
    return _page(request, data, download=download, is_own=True)


@door(Door.SIGNED_IN)
@require_GET
def download_own(request: HttpRequest, registration_pk: int) -> HttpResponse:
    """The same, to take away."""
    return _file(personal_data.of(signed_in_user(request, registration_pk), now=timezone.now()))


@door(Door.SIGNED_IN)
@require_GET
def of_launch(request: HttpRequest, launch_pk: int) -> HttpResponse:
    """Where a data privacy launch leads: one's own data, or for an administrator the person's they asked for."""
    launch = privacy_launch_of(request, launch_pk)
    if launch.about in {"", launch.lti_user.sub}:
        return redirect("grading:own-data", launch.registration_id)
    try:
        data = personal_data.for_administrator(launch, now=timezone.now())
    except NotShown as why:
        return _not_shown(request, why)
    return _page(request, data, download=reverse("grading:personal-data-download", args=[launch_pk]))


@door(Door.SIGNED_IN)
@require_GET
def download_of_launch(request: HttpRequest, launch_pk: int) -> HttpResponse:
    """The same, to take away."""
    launch = privacy_launch_of(request, launch_pk)
    try:
        return _file(personal_data.for_administrator(launch, now=timezone.now()))
    except NotShown as why:
        return _not_shown(request, why)


def _page(request: HttpRequest, data: PersonalData, *, download: str, is_own: bool = False) -> HttpResponse:
    return render(
        request,
        "grading/personal_data.html",
        {
            "data": data,
            "is_own": is_own,
            "download": download,
            "provider": settings.PROVIDER_NAME,
            "signed_in_hours": SIGNED_IN_SECONDS // 3600,
        },
    )


def _file(data: PersonalData) -> HttpResponse:
    written = json.dumps(data.to_json(), cls=DjangoJSONEncoder, indent=1, ensure_ascii=False)
    response = HttpResponse(written, content_type="application/json")
    response["Content-Disposition"] = 'attachment; filename="personal-data.json"'
    return response


def _not_shown(request: HttpRequest, why: NotShown) -> HttpResponse:
    return render(request, "grading/personal_data_not_shown.html", {"why": why.reason}, status=404)

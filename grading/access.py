"""Fetch and authorise in one query, or answer 404 (design §1: the session says who, the URL says what).

A page never loads a row by its id alone: every loader joins it to the people who are signed in here, whose
rights and `is_active` are read now, not remembered.
"""

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from grading.models import Activity, Attempt, Enrolment
from lti_tool.models import Deployment, Launch, LtiUser, Membership, ResourceLink


def _signed_in_ids(request: HttpRequest) -> list[int]:
    return list(request.signed_in.values())  # type: ignore[attr-defined]


def _live(prefix: str) -> Q:
    """The user is active, and so are their registration and this deployment of it."""
    return Q(
        **{
            f"{prefix}lti_user__is_active": True,
            f"{prefix}lti_user__registration__is_active": True,
            f"{prefix}resource_link__deployment__status": Deployment.Status.ACCEPTED,
        }
    )


def launch_of(request: HttpRequest, pk: int) -> Launch:
    """A launch by somebody signed in here, with its user, deployment and, where it has one, link and course."""
    return get_object_or_404(
        Launch.objects.select_related(
            "lti_user__person", "deployment", "resource_link__context", "resource_link__deployment"
        ),
        pk=pk,
        lti_user__in=_signed_in_ids(request),
        lti_user__is_active=True,
        lti_user__registration__is_active=True,
        deployment__status=Deployment.Status.ACCEPTED,
    )


def privacy_launch_of(request: HttpRequest, pk: int) -> Launch:
    """A data privacy launch by somebody signed in here."""
    launch = launch_of(request, pk)
    if launch.message != Launch.Message.DATA_PRIVACY:
        raise Http404
    return launch


def signed_in_user(request: HttpRequest, registration_pk: int) -> LtiUser:
    """Whoever is signed in here from this VLE."""
    return get_object_or_404(
        LtiUser.objects.select_related("person", "registration"),
        pk=request.signed_in.get(registration_pk),  # type: ignore[attr-defined]
        registration=registration_pk,
        is_active=True,
        registration__is_active=True,
    )


def enrolment_of(request: HttpRequest, pk: int) -> Enrolment:
    """An enrolment of somebody signed in here, with its activity, user and place."""
    return get_object_or_404(
        Enrolment.objects.select_related(
            "activity", "lti_user__person", "resource_link__context", "resource_link__deployment"
        ),
        _live(""),
        pk=pk,
        lti_user__in=_signed_in_ids(request),
    )


def attempt_of(request: HttpRequest, pk: int) -> Attempt:
    """An attempt of somebody signed in here, with its enrolment and activity."""
    return get_object_or_404(
        Attempt.objects.select_related(
            "enrolment__activity",
            "enrolment__lti_user__person",
            "enrolment__resource_link__context",
            "enrolment__resource_link__deployment",
        ),
        _live("enrolment__"),
        pk=pk,
        enrolment__lti_user__in=_signed_in_ids(request),
    )


def led_place(request: HttpRequest, pk: int) -> tuple[ResourceLink, LtiUser]:
    """A link in a course that somebody signed in here leads, and that somebody."""
    leads = Membership.objects.leading().filter(
        context=OuterRef("context"),
        lti_user__in=_signed_in_ids(request),
        lti_user__is_active=True,
        lti_user__registration__is_active=True,
    )
    link = get_object_or_404(
        ResourceLink.objects.select_related("context__school", "deployment__registration", "activity").filter(
            Exists(leads), deployment__status=Deployment.Status.ACCEPTED
        ),
        pk=pk,
    )
    user_id = request.signed_in.get(link.deployment.registration_id)  # type: ignore[attr-defined]
    if user_id is None:
        raise Http404
    return link, get_object_or_404(LtiUser, pk=user_id)


def activities_at(link: ResourceLink) -> QuerySet[Activity]:
    """The activities that people took at this link, with what they were copied from: its own, then earlier ones."""
    return (
        Activity.objects.select_related("copied_from__placed_in", "copied_from__resource_link__context")
        .filter(Q(resource_link=link) | Q(enrolments__resource_link=link), deployment=link.deployment)
        .order_by(F("resource_link").desc(nulls_last=True), "-created_at")
        .distinct()
    )

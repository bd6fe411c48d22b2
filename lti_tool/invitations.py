"""Invitations: a link with which the admin of a VLE connects it, once, within its time."""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse

from lti_tool import platform_quirks, registrations
from lti_tool.models import Deployment, Family, Invitation, Registration, School
from lti_tool.refusals import RegistrationRefused
from lti_tool.registration import Platform, register

DEFAULT_DAYS = 7
# Longer than asking a VLE twice can take: a process that dies on the way holds an invitation no longer.
UNDER_WAY = timedelta(minutes=5)
# How long after its registration a VLE's first deployment is taken on trust.
FIRST_DEPLOYMENT_WITHIN = timedelta(days=14)


def invite(*, name: str, school: School | None, expires_at: datetime, by: str = "") -> tuple[Invitation, str]:
    """Make an invitation. Its link is known now and never again: only a hash of the token is kept."""
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        token_hash=_hash(token), name=name, school=school, expires_at=expires_at, created_by=by
    )
    return invitation, link(token)


def link(token: str) -> str:
    """The address that is sent to a VLE's admin, and pasted into the VLE."""
    return f"{settings.PUBLIC_URL}{reverse('lti:register')}?{urlencode({'invitation': token})}"


def find(token: str, *, now: datetime) -> Invitation:
    """The invitation that could be used now. Raises RegistrationRefused: invitation_…"""
    invitation = _open(now).filter(token_hash=_hash(token)).first()
    if invitation is None:
        raise _why_not(token, now)
    return invitation


@contextmanager
def claimed(token: str, *, now: datetime) -> Iterator[Invitation]:
    """Hold the invitation for the block, so that nobody else uses it meanwhile. Whatever goes wrong there gives it
    back: it can be used again until something is connected with it.

    Raises RegistrationRefused: invitation_…
    """
    held = _open(now).filter(token_hash=_hash(token)).update(used_at=now)
    if not held:
        raise _why_not(token, now)
    try:
        yield Invitation.objects.select_related("school").get(token_hash=_hash(token))
    except BaseException:
        Invitation.objects.filter(token_hash=_hash(token), registration=None, used_at=now).update(
            used_at=None
        )
        raise


@transaction.atomic
def connect(invitation: Invitation, platform: Platform, *, by_hand: bool, now: datetime) -> Registration:
    """Register the platform and use the invitation up. A deployment that is named is accepted for its school.

    What is connected already is brought up to date by its VLE's own word alone, and stays on its hosts. Raises
    RegistrationRefused: registration_…, deployment_…, invitation_…; ValidationError naming fields.
    """
    known = (
        Registration.objects.select_for_update(no_key=True)
        .filter(issuer=platform.issuer, client_id=platform.client_id)
        .first()
    )
    if known:
        platform = _of_known(known, platform, by_hand=by_hand)
    else:
        _check_new(platform, by_hand=by_hand)
        platform = replace(platform, name=invitation.name)
    if platform.deployment_id:
        platform = replace(platform, school=_school(known, platform.deployment_id, invitation))
    registration = register(platform)
    used = Invitation.objects.filter(pk=invitation.pk, registration=None)
    if not used.update(registration=registration, used_at=now):
        # Withdrawn meanwhile, or its time ran out and somebody else has used it.
        raise RegistrationRefused("invitation_used")
    return registration


def accept_first_deployment(
    registration: Registration, deployment_id: str, *, now: datetime
) -> Deployment | None:
    """The deployment, accepted for the invitation's school if it is the very first of an invited VLE; else None.

    Canvas makes deployments after the registration. Whoever launches with the client id that the VLE has just made
    is of that VLE: nobody else can have it. Must run inside a transaction.
    """
    if platform_quirks.of(registration).client_ids_are_shared:
        return None
    invited = Invitation.objects.filter(registration=registration, used_at__gt=now - FIRST_DEPLOYMENT_WITHIN)
    invitation = invited.order_by("-used_at").first()
    if invitation is None:
        return None
    # Two first launches at once: one is first.
    Registration.objects.select_for_update(no_key=True).get(pk=registration.pk)
    known = Deployment.objects.filter(registration=registration)
    if known.exists():
        return known.filter(deployment_id=deployment_id).first()
    return Deployment.objects.create(
        registration=registration,
        deployment_id=deployment_id,
        status=Deployment.Status.ACCEPTED,
        school_id=invitation.school_id,
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _open(now: datetime) -> QuerySet[Invitation]:
    """Neither used nor expired, nor being used at this moment."""
    free = Q(used_at=None) | Q(used_at__lte=now - UNDER_WAY)
    return Invitation.objects.filter(free, registration=None, expires_at__gt=now)


def _why_not(token: str, now: datetime) -> RegistrationRefused:
    if not token:
        return RegistrationRefused("invitation_missing")
    invitation = Invitation.objects.filter(token_hash=_hash(token)).first()
    if invitation is None:
        return RegistrationRefused("invitation_unknown")
    if invitation.registration_id is not None:
        return RegistrationRefused("invitation_used")
    if invitation.expires_at <= now:
        return RegistrationRefused("invitation_expired")
    return RegistrationRefused("invitation_in_use")


def _check_new(platform: Platform, *, by_hand: bool) -> None:
    """Refuse what would let whoever is invited speak for another VLE of ours, or keep its people out."""
    # All VLEs know us by one key. What we sign for a client id names it as its sender: a VLE that took another's id
    # could hand our signature on, and Moodle does not look whom it was meant for.
    if Registration.objects.filter(client_id=platform.client_id).exclude(issuer=platform.issuer).exists():
        raise RegistrationRefused("client_id_taken")
    usual = platform_quirks.of_family(platform.family or Family.GENERIC).token_audience
    audience = platform.token_audience or usual
    if audience != usual and urlsplit(audience).hostname != urlsplit(platform.token_url).hostname:
        raise RegistrationRefused("endpoint_foreign", detail="token_audience")
    # By hand an issuer is only said, and a second client of one that we know makes logins that name none ambiguous.
    if by_hand and any(
        not _origins(platform) <= set(registrations.service_hosts(known))
        for known in Registration.objects.filter(issuer=platform.issuer)
    ):
        raise RegistrationRefused("registration_exists")


def _origins(platform: Platform) -> set[str]:
    """Where its people sign in, and its keys and tokens come from."""
    return {registrations.origin(url) for url in (platform.auth_url, platform.token_url, platform.jwks_url)}


def _of_known(known: Registration, platform: Platform, *, by_hand: bool) -> Platform:
    """What may change of a registration that an invitation leads to again."""
    if not known.is_active:
        raise RegistrationRefused("registration_inactive")
    if by_hand:
        if not platform_quirks.of(known).client_ids_are_shared:
            raise RegistrationRefused("registration_exists")
        # The same client for another school: only its deployment is new. An address of its own is for an operator
        # to add, since it would be added for all schools.
        return Platform(
            issuer=known.issuer,
            client_id=known.client_id,
            auth_url=known.auth_url,
            token_url=known.token_url,
            jwks_url=known.jwks_url,
            deployment_id=platform.deployment_id,
        )
    # Whoever had a VLE's host serve a document of theirs would else have its people sign in with their own keys.
    named = _origins(platform) | {registrations.origin(platform.frame_hosts or known.issuer)}
    if not named <= set(registrations.service_hosts(known)):
        raise RegistrationRefused("registration_exists")
    return platform


def _school(known: Registration | None, deployment_id: str, invitation: Invitation) -> School | None:
    """The school that the deployment is given to; None: it has one, or the invitation names none."""
    deployment = known.deployments.filter(deployment_id=deployment_id).first() if known else None
    if known is None or deployment is None:
        return invitation.school
    if deployment.status == Deployment.Status.REFUSED:
        raise RegistrationRefused("deployment_refused")
    if deployment.status == Deployment.Status.PENDING and platform_quirks.of(known).client_ids_are_shared:
        # It has been opened already, by whichever institution: that its id is typed in here proves nothing.
        raise RegistrationRefused("deployment_waits")
    if deployment.school_id is None:
        return invitation.school
    if invitation.school_id not in {None, deployment.school_id}:
        raise RegistrationRefused("deployment_taken")
    return None

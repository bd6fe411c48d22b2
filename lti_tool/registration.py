"""Registering a platform by hand: what an admin copied out of their VLE becomes a Registration."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction

from lti_tool import keys, registrations
from lti_tool.models import Deployment, Family, Registration, School


@dataclass(frozen=True, slots=True)
class Platform:
    """What a VLE shows after the tool was added to it."""

    issuer: str
    client_id: str
    auth_url: str
    token_url: str
    jwks_url: str
    deployment_id: str = ""
    token_audience: str = ""
    family: Family = Family.GENERIC
    name: str = ""
    school: str = ""


@transaction.atomic
def register(platform: Platform) -> Registration:
    """Register a platform, or bring its registration up to date: (issuer, client id) say which.

    The deployment, if given, is accepted; the school, if given, is made unless it exists, and its courses' default.
    Raises ValidationError naming the fields that are wrong.
    """
    registration = Registration.objects.filter(
        issuer=platform.issuer, client_id=platform.client_id
    ).first() or Registration(issuer=platform.issuer, client_id=platform.client_id)
    registration.auth_url = platform.auth_url
    registration.token_url = platform.token_url
    registration.jwks_url = platform.jwks_url
    registration.token_audience = platform.token_audience
    registration.family = platform.family
    registration.name = platform.name or registration.name
    registration.is_active = True
    registration.full_clean()
    registration.save()
    registrations.forget()
    keys.ensure_key()
    if platform.deployment_id:
        _accept(registration, platform.deployment_id, platform.school)
    elif platform.school:
        raise ValidationError({"school": "A school hangs on a deployment: give the deployment ID too."})
    return registration


def _accept(registration: Registration, deployment_id: str, school_name: str) -> None:
    deployment, _ = Deployment.objects.get_or_create(registration=registration, deployment_id=deployment_id)
    deployment.status = Deployment.Status.ACCEPTED
    if school_name:
        deployment.school, _ = School.objects.get_or_create(name=school_name, trust=None)
    deployment.save()

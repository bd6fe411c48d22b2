"""Registering a platform by hand: what an admin copied out of their VLE becomes a Registration."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction

from lti_tool import keys, registrations
from lti_tool.models import Deployment, Family, Registration, School


@dataclass(frozen=True, slots=True)
class Platform:
    """What a VLE shows after the tool was added to it. What is None stays as it was."""

    issuer: str
    client_id: str
    auth_url: str
    token_url: str
    jwks_url: str
    deployment_id: str | None = None
    token_audience: str | None = None
    family: Family | None = None
    name: str | None = None
    school: str | None = None


@transaction.atomic
def register(platform: Platform) -> Registration:
    """Register a platform, or bring its registration up to date: (issuer, client id) say which.

    The deployment, if given, is accepted, and the school, if given, is its courses' default. One that an admin
    switched off stays off. Raises ValidationError naming the fields that are wrong.
    """
    registration = Registration.objects.filter(
        issuer=platform.issuer, client_id=platform.client_id
    ).first() or Registration(issuer=platform.issuer, client_id=platform.client_id)
    for field in ("auth_url", "token_url", "jwks_url", "token_audience", "family", "name"):
        given = getattr(platform, field)
        if given is not None:
            setattr(registration, field, given)
    registration.full_clean()
    registration.save()
    registrations.forget()
    keys.ensure_key()
    if platform.deployment_id:
        _accept(registration, platform.deployment_id, platform.school)
    elif platform.school:
        raise ValidationError({"school": "A school hangs on a deployment: give the deployment ID too."})
    return registration


def _accept(registration: Registration, deployment_id: str, school_name: str | None) -> None:
    deployment, _ = Deployment.objects.select_related("school").get_or_create(
        registration=registration, deployment_id=deployment_id
    )
    deployment.status = Deployment.Status.ACCEPTED
    if school_name:
        # The same school only within the same VLE: elsewhere another St Mary's must not share its register. One
        # school's second VLE is given to it in the admin site.
        here = School.objects.filter(deployments__registration=registration, name=school_name)
        deployment.school = here.first() or School.objects.create(name=school_name)
    deployment.save()

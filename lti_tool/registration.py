"""Registering a platform: what a VLE, or its admin, tells of it becomes a Registration."""

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
    # By name: the school of that name within the same VLE.
    school: School | str | None = None
    # Further addresses of the VLE; those that are known stay.
    frame_hosts: str | None = None


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
    hosts = f"{registration.frame_hosts} {platform.frame_hosts or ''}".split()
    registration.frame_hosts = " ".join(dict.fromkeys(hosts))
    registration.full_clean()
    registration.save()
    registrations.forget()
    keys.ensure_key()
    if platform.deployment_id:
        accept(registration, platform.deployment_id, platform.school)
    elif platform.school:
        raise ValidationError({"school": "A school hangs on a deployment: give the deployment ID too."})
    return registration


def accept(registration: Registration, deployment_id: str, school: School | str | None) -> None:
    """Let a deployment's people in, and give its courses to a school where one is given."""
    deployment, _ = Deployment.objects.select_related("school").get_or_create(
        registration=registration, deployment_id=deployment_id
    )
    deployment.status = Deployment.Status.ACCEPTED
    if isinstance(school, str) and school:
        # The same school only within the same VLE: elsewhere another St Mary's must not share its register. One
        # school's second VLE is given to it in the admin site.
        here = School.objects.filter(deployments__registration=registration, name=school)
        school = here.first() or School.objects.create(name=school)
    if school:
        deployment.school = school
    deployment.save()


def refuse(deployment: Deployment) -> None:
    """Let nobody of this deployment in."""
    Deployment.objects.filter(pk=deployment.pk).update(status=Deployment.Status.REFUSED)

"""Recording a verified launch: who it was, where, with which roles. One transaction."""

from datetime import datetime
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from lti_tool import platform_quirks
from lti_tool.claims import AgsClaim, LaunchClaims, Role
from lti_tool.models import (
    Context,
    Deployment,
    Launch,
    LineItem,
    LtiUser,
    Membership,
    Person,
    Registration,
    ResourceLink,
)
from lti_tool.pylti import VerifiedLaunch
from lti_tool.rejections import LaunchRejected

# First launches of five frames at once may each lose a race for the same new row.
RACES = 3


def record(verified: VerifiedLaunch, *, now: datetime) -> Launch:
    """Keep what the launch tells, and use up its nonce.

    What is known already costs two reads and one write. Raises LaunchRejected: nonce_replayed,
    deployment_pending, deployment_refused, service_host_foreign.
    """
    registration, claims = verified.registration, verified.claims
    for _ in range(RACES):
        try:
            return _record(registration, claims, now)
        except IntegrityError:
            if Launch.objects.filter(registration=registration, nonce=claims.nonce).exists():
                raise LaunchRejected("nonce_replayed", registration=registration.pk) from None
            # Somebody else's first launch made the same row a moment ago. It is there now: begin again.
    return _record(registration, claims, now)


@transaction.atomic
def _record(registration: Registration, claims: LaunchClaims, now: datetime) -> Launch:
    link = _link(registration, claims)
    membership = _membership(registration, link.context, claims)
    if claims.ags:
        _keep_line_item(registration, link, claims.ags)
    target = urlsplit(claims.target_link_uri)
    return Launch.objects.create(
        registration=registration,
        nonce=claims.nonce,
        lti_user=membership.lti_user,
        resource_link=link,
        custom=claims.custom,
        target=(target.path + (f"?{target.query}" if target.query else ""))[:500],
        locale=claims.presentation.locale if claims.presentation else "",
        return_url=_web_address(claims.presentation.return_url if claims.presentation else ""),
        launched_at=now,
    )


def _link(registration: Registration, claims: LaunchClaims) -> ResourceLink:
    """The resource link with its course, made at its first launch; titles follow the VLE's."""
    link = (
        ResourceLink.objects.select_related("context", "deployment", "line_item")
        .filter(
            deployment__registration=registration,
            deployment__deployment_id=claims.deployment_id,
            resource_link_id=claims.resource_link.id,
        )
        .first()
    )
    if link is None:
        deployment = _deployment(registration, claims.deployment_id)
        context = Context.objects.get_or_create(
            deployment=deployment,
            context_id=_context_id(claims),
            defaults={"title": _context_title(claims)},
        )[0]
        return ResourceLink.objects.create(
            deployment=deployment,
            context=context,
            resource_link_id=claims.resource_link.id,
            title=claims.resource_link.title,
        )
    _check_accepted(link.deployment)
    if link.context.context_id != _context_id(claims):
        # The VLE moved the link to another course.
        link.context = Context.objects.get_or_create(
            deployment=link.deployment,
            context_id=_context_id(claims),
            defaults={"title": _context_title(claims)},
        )[0]
        link.save(update_fields=["context"])
    if claims.resource_link.title and link.title != claims.resource_link.title:
        link.title = claims.resource_link.title
        link.save(update_fields=["title"])
    if claims.context and claims.context.title and link.context.title != claims.context.title:
        link.context.title = claims.context.title
        link.context.save(update_fields=["title"])
    return link


def _context_id(claims: LaunchClaims) -> str:
    """The course's id. A link launched without a course (LTI allows it) is a course of its own."""
    return claims.context.id if claims.context else f"link {claims.resource_link.id}"[:255]


def _context_title(claims: LaunchClaims) -> str:
    return (claims.context.title or claims.context.label) if claims.context else claims.resource_link.title


def _deployment(registration: Registration, deployment_id: str) -> Deployment:
    deployment = Deployment.objects.filter(
        registration=registration, deployment_id=deployment_id
    ).first() or Deployment(registration=registration, deployment_id=deployment_id)
    _check_accepted(deployment)
    return deployment


def _check_accepted(deployment: Deployment) -> None:
    if deployment.status == Deployment.Status.ACCEPTED:
        return
    reason = (
        "deployment_pending" if deployment.status == Deployment.Status.PENDING else "deployment_refused"
    )
    raise LaunchRejected(reason, registration=deployment.registration_id)


def note_pending_deployment(registration: Registration, deployment_id: str) -> None:
    """Let an admin see that a deployment that we do not know wants in. Nobody of it is let in."""
    Deployment.objects.get_or_create(registration=registration, deployment_id=deployment_id)


def _membership(registration: Registration, context: Context, claims: LaunchClaims) -> Membership:
    """The user in the course, with the roles of this launch: given and taken away."""
    membership = (
        Membership.objects.select_related("lti_user")
        .filter(context=context, lti_user__registration=registration, lti_user__sub=claims.sub)
        .first()
    )
    if membership is None:
        membership = Membership(context=context, lti_user=_user(registration, claims))
    user = membership.lti_user
    sourcedid = claims.lis.person_sourcedid if claims.lis else ""
    # A VLE that stops sharing names takes none back: the evidence needs the one that was given.
    seen = (claims.full_name or user.name, claims.email or user.email, sourcedid or user.sourcedid)
    if (user.name, user.email, user.sourcedid) != seen:
        user.name, user.email, user.sourcedid = seen
        user.save(update_fields=["name", "email", "sourcedid"])
    roles = (Role.LEARNER in claims.roles, Role.LEAD in claims.roles)
    if membership.pk is None or (membership.is_learner, membership.is_lead) != roles:
        membership.is_learner, membership.is_lead = roles
        membership.save()
    return membership


def _user(registration: Registration, claims: LaunchClaims) -> LtiUser:
    user = LtiUser.objects.filter(registration=registration, sub=claims.sub).first()
    return user or LtiUser.objects.create(
        registration=registration, sub=claims.sub, person=Person.objects.create()
    )


def _keep_line_item(registration: Registration, link: ResourceLink, ags: AgsClaim) -> None:
    """What the AGS claim says of the gradebook. A column that we found ourselves is not forgotten for an
    empty claim: Moodle leaves `lineitem` out when a link has two columns, or sends "".
    """
    for url in (ags.lineitem, ags.lineitems):
        if url and not platform_quirks.of(registration).may_serve(registration, url):
            raise LaunchRejected("service_host_foreign", registration=registration.pk)
    known = getattr(link, "line_item", None) or LineItem(resource_link=link)
    said = (ags.lineitem or known.url, ags.lineitems or known.container_url, sorted(ags.scope))
    if known.pk is None or (known.url, known.container_url, known.scopes) != said:
        known.url, known.container_url, known.scopes = said
        known.save()


def _web_address(url: str) -> str:
    """A return URL that is safe to show as a link, or nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in {"http", "https"} and parts.netloc and len(url) <= 2000 else ""

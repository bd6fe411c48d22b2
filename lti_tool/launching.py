"""Recording a verified launch: who it was, where, with which roles."""

import json
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from django.db import IntegrityError, connection, transaction

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

    What is known already costs one read and one write. Raises LaunchRejected: nonce_replayed,
    user_inactive, deployment_pending, deployment_refused, service_host_foreign.
    """
    registration, claims = verified.registration, verified.claims
    for _ in range(RACES):
        try:
            known = _known(registration, claims)
            if known and known.is_active is not None and not known.is_active:
                raise LaunchRejected("user_inactive", registration=registration.pk)
            if known and known.lti_user and known.says_link(claims) and known.says_user(claims):
                return _launch(registration, claims, known.link, known.lti_user, now)
            with transaction.atomic():
                return _launch(registration, claims, *_learn(registration, claims, known), now)
        except IntegrityError:
            if Launch.objects.filter(registration=registration, nonce=claims.nonce).exists():
                raise LaunchRejected("nonce_replayed", registration=registration.pk) from None
            # Somebody else's first launch made the same row a moment ago. It is there now: begin again.
    raise LaunchRejected("state_invalid", detail="race", registration=registration.pk)


def _launch(
    registration: Registration, claims: LaunchClaims, link: int, lti_user: int, now: datetime
) -> Launch:
    target = urlsplit(claims.target_link_uri)
    launch = Launch(
        registration_id=registration.pk,
        nonce=claims.nonce,
        lti_user_id=lti_user,
        resource_link_id=link,
        custom=claims.custom,
        target=(target.path + (f"?{target.query}" if target.query else ""))[:500],
        locale=claims.presentation.locale if claims.presentation else "",
        return_url=_web_address(claims.presentation.return_url if claims.presentation else ""),
        launched_at=now,
    )
    launch.save(force_insert=True)
    return launch


# Everything a launch may change, in one read: building the same through the ORM costs more CPU than the rest
# of the launch together.
_EVERYTHING_KNOWN = """
    SELECT link.id, link.title, context.id, context.context_id, context.title,
           line_item.url, line_item.container_url, line_item.scopes,
           lti_user.id, lti_user.is_active, lti_user.name, lti_user.email, lti_user.sourcedid,
           membership.is_learner, membership.is_lead
      FROM lti_tool_resourcelink link
      JOIN lti_tool_deployment deployment ON deployment.id = link.deployment_id
      JOIN lti_tool_context context ON context.id = link.context_id
      LEFT JOIN lti_tool_lineitem line_item ON line_item.resource_link_id = link.id
      LEFT JOIN lti_tool_ltiuser lti_user
             ON lti_user.registration_id = deployment.registration_id AND lti_user.sub = %s
      LEFT JOIN lti_tool_membership membership
             ON membership.context_id = context.id AND membership.lti_user_id = lti_user.id
     WHERE deployment.registration_id = %s AND deployment.deployment_id = %s AND deployment.status = %s
       AND link.resource_link_id = %s
"""


class _Known(NamedTuple):
    """What is known of a link and, after the columns of the line item, of a user in its course."""

    link: int
    link_title: str
    context: int
    context_id: str
    context_title: str
    line_item: str | None
    line_items: str | None
    scopes: str | None
    lti_user: int | None
    is_active: bool | None
    name: str
    email: str
    sourcedid: str
    is_learner: bool | None
    is_lead: bool | None

    def says_link(self, claims: LaunchClaims) -> bool:
        """Whether the launch says nothing new of the link, its course and its gradebook."""
        place = (self.link_title, self.context_id, self.context_title)
        if place != _place(claims, self.link_title, self.context_title):
            return False
        if claims.ags is None:
            return True
        gradebook = (self.line_item, self.line_items, json.loads(self.scopes or "null"))
        return gradebook == _gradebook(claims.ags, self.line_item or "", self.line_items or "")

    def says_user(self, claims: LaunchClaims) -> bool:
        """Whether the launch says nothing new of the user and their roles in the course."""
        if self.lti_user is None or self.is_learner is None:
            return False
        identity = (self.name, self.email, self.sourcedid)
        return identity == _identity(claims, *identity) and (
            (bool(self.is_learner), bool(self.is_lead)) == _roles(claims)
        )


def _known(registration: Registration, claims: LaunchClaims) -> _Known | None:
    """What is known of the link and the user; None when the link is new or its deployment not accepted."""
    deployment = (registration.pk, claims.deployment_id, Deployment.Status.ACCEPTED.value)
    with connection.cursor() as cursor:
        cursor.execute(_EVERYTHING_KNOWN, [claims.sub, *deployment, claims.resource_link.id])
        row = cursor.fetchone()
    return _Known(*row) if row else None


def _place(claims: LaunchClaims, link_title: str, context_title: str) -> tuple[str, str, str]:
    """The link's title, the course's id and title, as this launch leaves them. Titles follow the VLE's."""
    said = claims.context.title if claims.context else ""
    return (claims.resource_link.title or link_title, _context_id(claims), said or context_title)


def _identity(claims: LaunchClaims, name: str, email: str, sourcedid: str) -> tuple[str, str, str]:
    """Name, e-mail and staff number as this launch leaves them.

    A VLE that stops sharing names takes none back: the evidence needs the one that was given.
    """
    said = claims.lis.person_sourcedid if claims.lis else ""
    return (claims.full_name or name, claims.email or email, said or sourcedid)


def _roles(claims: LaunchClaims) -> tuple[bool, bool]:
    """Learner, lead: given by this launch, or taken away."""
    return (Role.LEARNER in claims.roles, Role.LEAD in claims.roles)


def _gradebook(ags: AgsClaim, line_item: str, line_items: str) -> tuple[str, str, list[str]]:
    """Column, columns and scopes as this launch leaves them.

    A column that we found ourselves is not forgotten for an empty claim: Moodle leaves `lineitem` out when a
    link has two columns, or sends "".
    """
    return (ags.lineitem or line_item, ags.lineitems or line_items, sorted(ags.scope))


def _learn(registration: Registration, claims: LaunchClaims, known: _Known | None) -> tuple[int, int]:
    """Keep what is new of the link and the user; their ids. Must run inside a transaction."""
    if known and known.says_link(claims):
        link, context = known.link, known.context
    else:
        changed = _link(registration, claims)
        link, context = changed.pk, changed.context_id
    if known and known.lti_user is None:
        return link, _new_member(registration, context, claims)
    return link, _member(registration, context, claims)


def _link(registration: Registration, claims: LaunchClaims) -> ResourceLink:
    """The link, its course and its gradebook as this launch leaves them, made at their first launch."""
    deployment = _deployment(registration, claims.deployment_id)
    context, _ = Context.objects.get_or_create(
        deployment=deployment, context_id=_context_id(claims), defaults={"title": _context_title(claims)}
    )
    link, _ = ResourceLink.objects.get_or_create(
        deployment=deployment,
        resource_link_id=claims.resource_link.id,
        defaults={"context": context, "title": claims.resource_link.title},
    )
    title, _, context_title = _place(claims, link.title, context.title)
    if (link.title, link.context_id) != (title, context.pk):
        link.title, link.context = title, context  # renamed, or moved to another course
        link.save(update_fields=["title", "context"])
    if context.title != context_title:
        context.title = context_title
        context.save(update_fields=["title"])
    if claims.ags:
        _keep_line_item(registration, link, claims.ags)
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
    reason = "deployment_pending" if deployment.status == Deployment.Status.PENDING else "deployment_refused"
    raise LaunchRejected(reason, registration=deployment.registration_id)


def note_pending_deployment(registration: Registration, deployment_id: str) -> None:
    """Let an admin see that a deployment that we do not know wants in. Nobody of it is let in."""
    Deployment.objects.get_or_create(registration=registration, deployment_id=deployment_id)


def _member(registration: Registration, context: int, claims: LaunchClaims) -> int:
    """The user, as a member of the course with the roles of this launch."""
    user = LtiUser.objects.filter(registration=registration, sub=claims.sub).first()
    if user is None:
        return _new_member(registration, context, claims)
    if not user.is_active:
        raise LaunchRejected("user_inactive", registration=registration.pk)
    identity = _identity(claims, user.name, user.email, user.sourcedid)
    if (user.name, user.email, user.sourcedid) != identity:
        user.name, user.email, user.sourcedid = identity
        user.save(update_fields=["name", "email", "sourcedid"])
    is_learner, is_lead = _roles(claims)
    Membership.objects.update_or_create(
        context_id=context, lti_user=user, defaults={"is_learner": is_learner, "is_lead": is_lead}
    )
    return user.pk


def _new_member(registration: Registration, context: int, claims: LaunchClaims) -> int:
    """Somebody's first launch: a user, and a person of their own (nobody is linked without proof)."""
    name, email, sourcedid = _identity(claims, "", "", "")
    user = LtiUser.objects.create(
        registration_id=registration.pk,
        sub=claims.sub,
        person=Person.objects.create(),
        name=name,
        email=email,
        sourcedid=sourcedid,
    )
    is_learner, is_lead = _roles(claims)
    Membership.objects.create(context_id=context, lti_user_id=user.pk, is_learner=is_learner, is_lead=is_lead)
    return user.pk


def _keep_line_item(registration: Registration, link: ResourceLink, ags: AgsClaim) -> None:
    for url in (ags.lineitem, ags.lineitems):
        if url and not platform_quirks.of(registration).may_serve(registration, url):
            raise LaunchRejected("service_host_foreign", registration=registration.pk)
    known = LineItem.objects.filter(resource_link=link).first() or LineItem(resource_link=link)
    said = _gradebook(ags, known.url, known.container_url)
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

"""Recording a verified launch: who it was, where, with which roles."""

import json
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from django.db import IntegrityError, connection, transaction

from lti_tool import invitations, platform_quirks, rosters
from lti_tool.claims import (
    AgsClaim,
    DataPrivacyClaims,
    DeepLinkingClaims,
    LaunchClaims,
    LinkClaims,
    NrpsClaim,
    Role,
)
from lti_tool.models import (
    Context,
    DeepLinkingRequest,
    Deployment,
    Launch,
    LineItem,
    LtiUser,
    Membership,
    Person,
    Registration,
    ResourceLink,
    Roster,
)
from lti_tool.pylti import VerifiedLaunch
from lti_tool.rejections import LaunchRejected

# First launches of five frames at once may each lose a race for the same new row.
RACES = 3


def record(verified: VerifiedLaunch, *, now: datetime) -> Launch:
    """Keep what the launch tells, and use up its nonce.

    What is known already of a link and its visitor costs one read and one write; a lead's launch asks for the
    course's roster besides. Raises LaunchRejected: nonce_replayed, user_inactive, deployment_pending,
    deployment_refused, service_host_foreign, return_url_foreign, author_role_missing, administrator_role_missing.
    """
    launch = _record(verified.registration, verified.claims, now)
    if verified.claims.nrps and Role.LEAD in verified.claims.roles:
        course = _context_id(verified.claims)
        rosters.ask(
            Roster.objects.filter(context__deployment=launch.deployment_id, context__context_id=course),
            now=now,
        )
    return launch


def _record(registration: Registration, claims: LaunchClaims, now: datetime) -> Launch:
    for _ in range(RACES):
        try:
            if isinstance(claims, LinkClaims):
                return _of_link(registration, claims, now)
            with transaction.atomic():
                return _of_deployment(registration, claims, now)
        except IntegrityError:
            if Launch.objects.filter(registration=registration, nonce=claims.nonce).exists():
                raise LaunchRejected("nonce_replayed", registration=registration.pk) from None
            # Somebody else's first launch made the same row a moment ago. It is there now: begin again.
    raise LaunchRejected("state_invalid", detail="race", registration=registration.pk)


def _of_link(registration: Registration, claims: LinkClaims, now: datetime) -> Launch:
    """The opening of a link, or of a result in it."""
    known = _known(registration, claims)
    if known and known.is_active is not None and not known.is_active:
        raise LaunchRejected("user_inactive", registration=registration.pk)
    if known and known.lti_user and known.says_link(claims) and known.says_user(claims):
        return _launch(registration, claims, known.deployment, known.lti_user, now, link=known.link)
    with transaction.atomic():
        deployment, link, lti_user = _learn(registration, claims, known, now)
        return _launch(registration, claims, deployment, lti_user, now, link=link)


def _of_deployment(registration: Registration, claims: LaunchClaims, now: datetime) -> Launch:
    """A message that is of no link: choosing content, or personal data. Must run inside a transaction."""
    deployment = _deployment(registration, claims.deployment_id, now)
    if isinstance(claims, DataPrivacyClaims):
        _check_may_ask(registration, claims)
    context = _context(deployment, claims, claims.context.id) if claims.context else None
    if context and claims.nrps:
        _keep_roster(registration, context.pk, claims.nrps)
    lti_user = _member(registration, context.pk if context else None, claims)
    launch = _launch(registration, claims, deployment.pk, lti_user, now)
    if isinstance(claims, DeepLinkingClaims):
        _keep_deep_linking_request(registration, launch, context, claims)
    return launch


def _check_may_ask(registration: Registration, claims: DataPrivacyClaims) -> None:
    """Anybody may ask for their own data, and the VLE's administrators for somebody else's.

    Raises LaunchRejected: administrator_role_missing.
    """
    about_another = claims.for_user and claims.for_user.user_id != claims.sub
    if about_another and Role.ADMINISTRATOR not in claims.roles:
        raise LaunchRejected("administrator_role_missing", registration=registration.pk)


def _launch(
    registration: Registration,
    claims: LaunchClaims,
    deployment: int,
    lti_user: int,
    now: datetime,
    *,
    link: int | None = None,
) -> Launch:
    target = urlsplit(claims.target_link_uri)
    launch = Launch(
        registration_id=registration.pk,
        deployment_id=deployment,
        message=claims.message_type,
        nonce=claims.nonce,
        lti_user_id=lti_user,
        resource_link_id=link,
        about=claims.for_user.user_id if claims.for_user else "",
        custom=claims.custom,
        target=(target.path + (f"?{target.query}" if target.query else ""))[:500],
        locale=claims.presentation.locale if claims.presentation else "",
        return_url=_web_address(claims.presentation.return_url if claims.presentation else ""),
        launched_at=now,
    )
    launch.save(force_insert=True)
    return launch


def _keep_deep_linking_request(
    registration: Registration, launch: Launch, context: Context | None, claims: DeepLinkingClaims
) -> None:
    """Raises LaunchRejected: author_role_missing, return_url_foreign."""
    if not claims.roles & {Role.LEAD, Role.AUTHOR, Role.ADMINISTRATOR}:
        raise LaunchRejected("author_role_missing", registration=registration.pk)
    settings = claims.settings
    # The answer is signed by us: posted anywhere else it would place content in somebody's course.
    if not platform_quirks.of(registration).may_serve(registration, settings.deep_link_return_url):
        raise LaunchRejected("return_url_foreign", registration=registration.pk)
    DeepLinkingRequest.objects.create(
        launch=launch,
        context=context,
        return_url=settings.deep_link_return_url,
        data=settings.data,
        accept_types=settings.accept_types,
        accept_targets=settings.accept_presentation_document_targets,
        accept_multiple=bool(settings.accept_multiple),
        accept_line_item=settings.accept_lineitem,
    )


# Everything a launch may change, in one read: building the same through the ORM costs more CPU than the rest
# of the launch together.
_EVERYTHING_KNOWN = """
    SELECT link.id, link.title, deployment.id, context.id, context.context_id, context.title,
           line_item.url, line_item.container_url, line_item.scopes, roster.url,
           lti_user.id, lti_user.is_active, lti_user.name, lti_user.email, lti_user.sourcedid,
           membership.is_learner, membership.is_lead, membership.left_at
      FROM lti_tool_resourcelink link
      JOIN lti_tool_deployment deployment ON deployment.id = link.deployment_id
      JOIN lti_tool_context context ON context.id = link.context_id
      LEFT JOIN lti_tool_lineitem line_item ON line_item.resource_link_id = link.id
      LEFT JOIN lti_tool_roster roster ON roster.context_id = context.id
      LEFT JOIN lti_tool_ltiuser lti_user
             ON lti_user.registration_id = deployment.registration_id AND lti_user.sub = %s
      LEFT JOIN lti_tool_membership membership
             ON membership.context_id = context.id AND membership.lti_user_id = lti_user.id
     WHERE deployment.registration_id = %s AND deployment.deployment_id = %s AND deployment.status = %s
       AND link.resource_link_id = %s
"""


class _Known(NamedTuple):
    """What is known of a link and, after the roster's address, of a user in its course."""

    link: int
    link_title: str
    deployment: int
    context: int
    context_id: str
    context_title: str
    line_item: str | None
    line_items: str | None
    scopes: str | None
    roster: str | None
    lti_user: int | None
    is_active: bool | None
    name: str
    email: str
    sourcedid: str
    is_learner: bool | None
    is_lead: bool | None
    left_at: object

    def says_link(self, claims: LinkClaims) -> bool:
        """Whether the launch says nothing new of the link, its course, its gradebook and roster."""
        place = (self.link_title, self.context_id, self.context_title)
        if place != _place(claims, self.link_title, self.context_title):
            return False
        if claims.nrps and claims.nrps.context_memberships_url != self.roster:
            return False
        if claims.ags is None:
            return True
        gradebook = (self.line_item, self.line_items, json.loads(self.scopes or "null"))
        return gradebook == _gradebook(claims.ags, self.line_item or "", self.line_items or "")

    def says_user(self, claims: LaunchClaims) -> bool:
        """Whether the launch says nothing new of the user and their roles in the course."""
        if self.lti_user is None or self.is_learner is None or self.left_at is not None:
            return False
        identity = (self.name, self.email, self.sourcedid)
        return identity == _identity(claims, *identity) and (
            (bool(self.is_learner), bool(self.is_lead)) == _roles(claims)
        )


def _known(registration: Registration, claims: LinkClaims) -> _Known | None:
    """What is known of the link and the user; None when the link is new or its deployment not accepted."""
    deployment = (registration.pk, claims.deployment_id, Deployment.Status.ACCEPTED.value)
    with connection.cursor() as cursor:
        cursor.execute(_EVERYTHING_KNOWN, [claims.sub, *deployment, claims.resource_link.id])
        row = cursor.fetchone()
    return _Known(*row) if row else None


def _place(claims: LinkClaims, link_title: str, context_title: str) -> tuple[str, str, str]:
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


def _learn(
    registration: Registration, claims: LinkClaims, known: _Known | None, now: datetime
) -> tuple[int, int, int]:
    """Keep what is new of the link and the user; the ids of deployment, link and user. Must run inside a
    transaction.
    """
    if known and known.says_link(claims):
        deployment, link, context = known.deployment, known.link, known.context
    else:
        changed = _link(registration, claims, now)
        deployment, link, context = changed.deployment_id, changed.pk, changed.context_id
    if known and known.lti_user is None:
        return deployment, link, _new_member(registration, context, claims)
    return deployment, link, _member(registration, context, claims)


def _link(registration: Registration, claims: LinkClaims, now: datetime) -> ResourceLink:
    """The link, its course, gradebook and roster as this launch leaves them, made at their first launch."""
    deployment = _deployment(registration, claims.deployment_id, now)
    context = _context(deployment, claims, _context_id(claims), otherwise=claims.resource_link.title)
    link, _ = ResourceLink.objects.get_or_create(
        deployment=deployment,
        resource_link_id=claims.resource_link.id,
        defaults={"context": context, "title": claims.resource_link.title},
    )
    title = claims.resource_link.title or link.title
    if (link.title, link.context_id) != (title, context.pk):
        link.title, link.context = title, context  # renamed, or moved to another course
        link.save(update_fields=["title", "context"])
    if claims.ags:
        _keep_line_item(registration, link, claims.ags)
    if claims.nrps:
        _keep_roster(registration, context.pk, claims.nrps)
    return link


def _context_id(claims: LaunchClaims) -> str:
    """The course's id. A link launched without a course (LTI allows it) is a course of its own."""
    if claims.context:
        return claims.context.id
    return f"link {claims.resource_link.id}"[:255] if isinstance(claims, LinkClaims) else ""


def _context(
    deployment: Deployment, claims: LaunchClaims, context_id: str, *, otherwise: str = ""
) -> Context:
    """The course as this launch leaves it. `otherwise`: how it is called when the VLE gives it no name."""
    said = claims.context
    name = (said.title or said.label) if said else otherwise
    context, _ = Context.objects.get_or_create(
        deployment=deployment, context_id=context_id, defaults={"title": name}
    )
    if said and said.title and context.title != said.title:
        context.title = said.title
        context.save(update_fields=["title"])
    return context


def _deployment(registration: Registration, deployment_id: str, now: datetime) -> Deployment:
    deployment = (
        Deployment.objects.filter(registration=registration, deployment_id=deployment_id).first()
        or invitations.accept_first_deployment(registration, deployment_id, now=now)
        or Deployment(registration=registration, deployment_id=deployment_id)
    )
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


def _member(registration: Registration, context: int | None, claims: LaunchClaims) -> int:
    """The user, as a member of the course (if there is one) with the roles of this launch."""
    user = LtiUser.objects.filter(registration=registration, sub=claims.sub).first()
    if user is None:
        return _new_member(registration, context, claims)
    if not user.is_active:
        raise LaunchRejected("user_inactive", registration=registration.pk)
    identity = _identity(claims, user.name, user.email, user.sourcedid)
    if (user.name, user.email, user.sourcedid) != identity:
        user.name, user.email, user.sourcedid = identity
        user.save(update_fields=["name", "email", "sourcedid"])
    if context is not None:
        is_learner, is_lead = _roles(claims)
        Membership.objects.update_or_create(
            context_id=context,
            lti_user=user,
            defaults={"is_learner": is_learner, "is_lead": is_lead, "left_at": None},
        )
    return user.pk


def _new_member(registration: Registration, context: int | None, claims: LaunchClaims) -> int:
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
    if context is not None:
        is_learner, is_lead = _roles(claims)
        Membership.objects.create(
            context_id=context, lti_user_id=user.pk, is_learner=is_learner, is_lead=is_lead
        )
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


def _keep_roster(registration: Registration, context: int, nrps: NrpsClaim) -> None:
    url = nrps.context_memberships_url
    if not platform_quirks.of(registration).may_serve(registration, url):
        raise LaunchRejected("service_host_foreign", registration=registration.pk)
    Roster.objects.update_or_create(context_id=context, defaults={"url": url})


def _web_address(url: str) -> str:
    """A return URL that is safe to show as a link, or nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in {"http", "https"} and parts.netloc and len(url) <= 2000 else ""

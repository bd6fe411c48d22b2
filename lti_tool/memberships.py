"""Whose membership of a course a roster changes, and how (see `rosters` for when).

What was read is kept as it comes, a thousand members at a time; only what is new is written. Nobody is ever
deleted: who is on the roster no more is in the course no more (`left_at`), and that is said only when all of it was
read.

A launch and the roster may differ about one person, and both are the VLE's word: Moodle lists a non-editing teacher
as a Learner but launches them as an Instructor, and does not list an administrator who launches at all. So while a
launch keeps somebody signed in (`STANDS`), what it said of them stands in that course: the roster neither changes
their roles nor takes them out by leaving them out, and nobody's rights change under their hands. After that the
roster's word counts, and roles are set and unset by it; nobody is signed in by that launch any more, so only lists
show it. One thing counts at once: that a roster names somebody as inactive or deleted.

Where institutions share a registration, a roster has no say about another's people (`of_deployment`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from lti_tool import nrps, platform_quirks
from lti_tool.claims import Role
from lti_tool.cookies import SIGNED_IN_SECONDS
from lti_tool.models import Context, Deployment, Launch, LtiUser, Membership, Person
from lti_tool.nrps import Member, RosterRefused

STANDS = timedelta(seconds=SIGNED_IN_SECONDS)
Entry = TypeVar("Entry")
# Members in one transaction: short, because SQLite lets nobody else write meanwhile.
BATCH = 1000


def of_deployment(deployment: Deployment) -> QuerySet[LtiUser]:
    """The users of whom this deployment may speak, and hear.

    Where each institution is a deployment of one registration, all their users are the registration's, and each
    serves its own rosters: to list somebody proves nothing. Whoever launched from a deployment is of it; whoever
    never launched is of the one whose roster made them known.
    """
    users = LtiUser.objects.filter(registration=deployment.registration_id)
    if not platform_quirks.of(deployment.registration).client_ids_are_shared:
        return users
    launches = Launch.objects.filter(lti_user=OuterRef("pk"))
    listed = Membership.objects.filter(lti_user=OuterRef("pk"), context__deployment=deployment)
    return users.filter(Exists(launches.filter(deployment=deployment)) | (Exists(listed) & ~Exists(launches)))


class _User(NamedTuple):
    """A user of the registration, as far as we know them."""

    pk: int
    person: int
    name: str
    email: str
    sourcedid: str


class _Here(NamedTuple):
    """Somebody's membership of the course."""

    pk: int
    is_learner: bool
    is_lead: bool
    left_at: datetime | None


class _Standing(NamedTuple):
    """What a membership says of somebody."""

    is_learner: bool
    is_lead: bool
    has_left: bool


@dataclass(slots=True)
class Reading:
    """One reading of a course's roster: whom it has met so far, and what that changed."""

    context: Context
    began_at: datetime
    # Of LtiUsers. A few megabytes for the largest roster that is read.
    met: set[int] = field(default_factory=set)
    members: int = 0
    added: int = 0
    changed: int = 0
    left: int = 0
    unreadable: int = 0

    def read(self, pages: Iterator[nrps.Page]) -> None:
        """Read to the end; what was read is kept even when the end is not reached. Raises RosterRefused."""
        with _planned_afresh():
            self._read(pages)

    def _read(self, pages: Iterator[nrps.Page]) -> None:
        waiting = nrps.Page()
        try:
            for page in pages:
                waiting.members.extend(page.members)
                waiting.unreadable.extend(page.unreadable)
                # Small pages wait for each other: a transaction each would cost more than what is in them.
                if len(waiting) >= BATCH:
                    self._keep(waiting)
                    waiting = nrps.Page()
        except RosterRefused:
            self._keep(waiting)
            raise
        self._keep(waiting)
        if not self.members:
            # Says more about what we may see than about the course: whoever opened it was in it.
            raise RosterRefused("roster_empty")
        self._let_go()

    def _keep(self, page: nrps.Page) -> None:
        for batch in _batches(page.members):
            self._keep_members({member.user_id: member for member in batch})
        for ids in _batches(page.unreadable):
            # They are listed, whatever else their entry should say.
            self.unreadable += len(ids)
            self.met.update(self._users().filter(sub__in=ids).values_list("pk", flat=True))

    def _keep_members(self, said: dict[str, Member]) -> None:
        """Keep what the roster says of these members, by their `sub`. Only what is new is written."""
        known, here = self._known(said)
        self.members += sum(member.is_active for member in said.values())
        # Whom we never met and who has left already is none of our business.
        strangers = [member for sub, member in said.items() if sub not in known and member.is_active]
        known = self._ours(known)
        self.met.update(user.pk for user in known.values())
        renamed: list[LtiUser] = []
        joining: dict[int, Member] = {}
        changing: dict[int, Member] = {}
        for sub, user in known.items():
            member, membership = said[sub], here.get(user.pk)
            if _identity(member, user) != (user.name, user.email, user.sourcedid):
                renamed.append(self._user(member, user.person, user))
            if membership is None:
                if member.is_active:
                    joining[user.pk] = member
            elif _standing(member, membership) != _now(membership):
                changing[membership.pk] = member
        if strangers or renamed or joining or changing:
            # Users before memberships, and each in the order of a key, as launches and other rosters do:
            # nobody waits for somebody who waits for them.
            with transaction.atomic():
                joining |= self._welcome(strangers)
                self._rename(renamed)
                self._join(joining)
                self._change(changing)

    def _users(self) -> QuerySet[LtiUser]:
        return LtiUser.objects.filter(registration=self.context.deployment.registration_id)

    def _ours(self, known: dict[str, _User]) -> dict[str, _User]:
        """Without those who are another deployment's: here they are nobody until they launch."""
        deployment = self.context.deployment
        if not platform_quirks.of(deployment.registration).client_ids_are_shared:
            return known
        users = of_deployment(deployment).filter(pk__in=[user.pk for user in known.values()])
        ours = set(users.values_list("sub", flat=True))
        return {sub: user for sub, user in known.items() if sub in ours}

    def _known(self, subs: Iterable[str]) -> tuple[dict[str, _User], dict[int, _Here]]:
        """Those of them whom we know by their `sub`, and their memberships of the course by the user's id.

        Two queries: of one PostgreSQL may look through the whole course for each member, before it has statistics.
        """
        users = self._users().filter(sub__in=list(subs))
        rows = users.values_list("sub", "pk", "person", "name", "email", "sourcedid")
        known = {row[0]: _User(*row[1:]) for row in rows}
        memberships = Membership.objects.filter(
            context=self.context, lti_user__in=[user.pk for user in known.values()]
        )
        here = memberships.values_list("lti_user", "pk", "is_learner", "is_lead", "left_at")
        return known, {row[0]: _Here(*row[1:]) for row in here}

    def _user(self, member: Member, person: int, known: _User | None = None) -> LtiUser:
        name, email, sourcedid = _identity(member, known)
        return LtiUser(
            registration_id=self.context.deployment.registration_id,
            sub=member.user_id,
            person_id=person,
            name=name,
            email=email,
            sourcedid=sourcedid,
        )

    def _welcome(self, strangers: list[Member]) -> dict[int, Member]:
        """Make users, each with a person of their own (nobody is linked without proof). Members by user's id."""
        if not strangers:
            return {}
        said = {member.user_id: member for member in sorted(strangers, key=lambda member: member.user_id)}
        persons = Person.objects.bulk_create([Person() for _ in said])
        # Somebody's first launch may be quicker: then theirs is the user.
        LtiUser.objects.bulk_create(
            [self._user(member, person.pk) for member, person in zip(said.values(), persons, strict=True)],
            ignore_conflicts=True,
        )
        made = list(self._users().filter(sub__in=list(said)).values_list("sub", "pk", "person"))
        unused = {person.pk for person in persons} - {person for _, _, person in made}
        if unused:
            Person.objects.filter(pk__in=unused).delete()
        self.met.update(pk for _, pk, _ in made)
        return {pk: said[sub] for sub, pk, _ in made}

    def _rename(self, users: list[LtiUser]) -> None:
        LtiUser.objects.bulk_create(
            sorted(users, key=lambda user: user.sub),
            update_conflicts=True,
            unique_fields=["registration", "sub"],
            update_fields=["name", "email", "sourcedid"],
        )

    def _join(self, members: dict[int, Member]) -> None:
        """Make the memberships of users who have none here. A launch that is quicker has said it better."""
        Membership.objects.bulk_create(
            [
                Membership(
                    context=self.context,
                    lti_user_id=lti_user,
                    is_learner=Role.LEARNER in member.roles,
                    is_lead=Role.LEAD in member.roles,
                )
                for lti_user, member in sorted(members.items(), key=lambda item: item[0])
            ],
            ignore_conflicts=True,
        )
        self.added += len(members)

    def _change(self, members: dict[int, Member]) -> None:
        """Set and unset roles, flag who left, welcome back who returned; by the memberships' ids."""
        moves: defaultdict[_Standing, list[int]] = defaultdict(list)
        for membership, said_at_launch in self._locked(members):
            standing = _standing(members[membership.pk], membership, stands=said_at_launch)
            if standing != _now(membership):
                moves[standing].append(membership.pk)
        for standing, pks in moves.items():
            Membership.objects.filter(pk__in=pks).update(
                is_learner=standing.is_learner,
                is_lead=standing.is_lead,
                left_at=self.began_at if standing.has_left else None,
            )
            if standing.has_left:
                self.left += len(pks)
            else:
                self.changed += len(pks)

    def _let_go(self) -> None:
        """Flag those whom the whole roster did not name."""
        here = Membership.objects.filter(context=self.context, left_at=None).order_by("lti_user")
        last = 0
        while rows := list(here.filter(lti_user__gt=last).values_list("lti_user", "pk")[:BATCH]):
            last = rows[-1][0]
            missing = [pk for lti_user, pk in rows if lti_user not in self.met]
            if missing:
                with transaction.atomic():
                    gone = [membership.pk for membership, stands in self._locked(missing) if not stands]
                    self.left += Membership.objects.filter(pk__in=gone).update(left_at=self.began_at)

    def _locked(self, memberships: Iterable[int]) -> list[tuple[Membership, bool]]:
        """Memberships, locked until the transaction ends, each with whether a launch's word stands for it."""
        pks = list(memberships)
        if not pks:
            return []
        rows = list(Membership.objects.select_for_update().filter(pk__in=pks).order_by("pk"))
        # Asked once they are locked: a launch that we had to wait for counts.
        launched = set(
            Launch.objects.filter(
                Q(resource_link__context=self.context) | Q(deep_linking_request__context=self.context),
                lti_user__in=[membership.lti_user_id for membership in rows],
                launched_at__gt=self.began_at - STANDS,
            ).values_list("lti_user", flat=True)
        )
        return [(membership, membership.lti_user_id in launched) for membership in rows]


@contextmanager
def _planned_afresh() -> Iterator[None]:
    """Have PostgreSQL plan each query for the rows that are there now.

    A plan that it keeps (`deploy.settings`, DATABASE_PREPARE) may be of a table that was empty a moment ago: then
    every user of the VLE is compared with every member on the page.
    """
    if connection.vendor != "postgresql":
        yield
        return
    connection.ensure_connection()
    kept_after = connection.connection.prepare_threshold
    connection.connection.prepare_threshold = None
    try:
        yield
    finally:
        connection.connection.prepare_threshold = kept_after


def _identity(member: Member, known: _User | None) -> tuple[str, str, str]:
    """Name, e-mail and staff number. As at a launch, nothing that was given is taken back by emptiness."""
    name, email, sourcedid = known[2:] if known else ("", "", "")
    return (member.full_name or name, member.email or email, member.sourcedid or sourcedid)


def _now(membership: _Here | Membership) -> _Standing:
    return _Standing(membership.is_learner, membership.is_lead, membership.left_at is not None)


def _standing(member: Member, membership: _Here | Membership, *, stands: bool = False) -> _Standing:
    """What a roster's entry makes of a membership. `stands`: somebody's launch has said their roles.

    Who left keeps their roles, for the record.
    """
    if stands or not member.is_active:
        return _Standing(membership.is_learner, membership.is_lead, not member.is_active)
    return _Standing(Role.LEARNER in member.roles, Role.LEAD in member.roles, False)


def _batches(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    return (entries[start : start + BATCH] for start in range(0, len(entries), BATCH))

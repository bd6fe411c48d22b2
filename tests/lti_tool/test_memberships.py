"""What a roster changes: whom it adds, whose roles it sets and unsets, who has left."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lti_tool import memberships
from lti_tool.memberships import STANDS, Reading
from lti_tool.models import (
    Context,
    DeepLinkingRequest,
    Family,
    Launch,
    LtiUser,
    Membership,
    Person,
    ResourceLink,
)
from lti_tool.nrps import Member, Page, RosterRefused
from tests import factories
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform

pytestmark = pytest.mark.django_db

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=30)


@pytest.fixture
def course() -> Context:
    return factories.make_course()


def entry(user: LtiUser | str, *roles: str, **changes: Any) -> Member:
    """Somebody on a roster; a learner unless it says otherwise."""
    sub = user if isinstance(user, str) else user.sub
    return Member.model_validate({"user_id": sub, "roles": list(roles) or ["Learner"], **changes})


def read(course: Context, *members: Member, now: datetime = NOW, unreadable: tuple[str, ...] = ()) -> Reading:
    """Read a roster to its end, two members on a page."""
    reading = Reading(course, now)
    pages = [Page(list(members[at : at + 2])) for at in range(0, len(members), 2)]
    reading.read(iter([*pages, Page(unreadable=list(unreadable))]))
    return reading


def launched(
    user: LtiUser,
    course: Context,
    *,
    at: datetime = NOW - timedelta(hours=1),
    link: ResourceLink | None = None,
) -> Launch:
    return Launch.objects.create(
        registration=user.registration,
        deployment=course.deployment,
        nonce=f"nonce-{Launch.objects.count()}",
        lti_user=user,
        resource_link=link or factories.make_link(course),
        target="/lti/launch/",
        launched_at=at,
    )


def standing(user: LtiUser, course: Context) -> tuple[bool, bool, datetime | None]:
    """Learner, lead, left when."""
    here = Membership.objects.get(lti_user=user, context=course)
    return here.is_learner, here.is_lead, here.left_at


def counts(reading: Reading) -> tuple[int, int, int, int, int]:
    return reading.members, reading.added, reading.changed, reading.left, reading.unreadable


# --- who is new -----------------------------------------------------------------------------------------------


def test_it_works(course: Context) -> None:
    reading = read(
        course,
        entry("ann", name="Ann Other", email="ann@school.example", lis_person_sourcedid="S-1"),
        entry("grace", "Instructor", given_name="Grace", family_name="Okafor"),
    )

    ann, grace = LtiUser.objects.order_by("sub")
    assert (ann.name, ann.email, ann.sourcedid) == ("Ann Other", "ann@school.example", "S-1")
    assert (ann.is_active, ann.registration) == (True, course.deployment.registration)
    assert (grace.name, grace.email, grace.sourcedid) == ("Grace Okafor", "", "")
    assert (standing(ann, course), standing(grace, course)) == ((True, False, None), (False, True, None))
    assert counts(reading) == (2, 2, 0, 0, 0)


def test_each_is_a_person_of_their_own(course: Context) -> None:
    """Nobody is linked by name or e-mail without proof, also not to somebody whom another VLE knows."""
    factories.make_user(factories.make_registration(), "Ann Other", sub="ann", email="ann@school.example")

    read(course, *(entry(sub, name="Ann Other", email="ann@school.example") for sub in ("ann", "anna", "an")))

    assert LtiUser.objects.count() == Person.objects.count() == 4
    assert len(set(LtiUser.objects.values_list("person", flat=True))) == 4


def test_somebody_known_from_another_course_of_the_vle(course: Context) -> None:
    ann = factories.make_member(factories.make_course(course.deployment), "Ann Other")

    reading = read(course, entry(ann, "Instructor"))

    assert LtiUser.objects.get() == ann
    assert standing(ann, course) == (False, True, None)
    assert standing(ann, Context.objects.exclude(pk=course.pk).get()) == (True, False, None)
    assert counts(reading) == (1, 1, 0, 0, 0)


def test_a_person_without_a_role_that_we_know(course: Context) -> None:
    read(course, entry("mentor", "Mentor"))

    assert standing(LtiUser.objects.get(), course) == (False, False, None)


def test_whoever_has_left_before_we_met_them_is_none_of_our_business(course: Context) -> None:
    elsewhere = factories.make_member(factories.make_course(course.deployment))

    reading = read(course, entry("ann"), entry("bob", status="Inactive"), entry(elsewhere, status="Deleted"))

    assert set(LtiUser.objects.values_list("sub", flat=True)) == {"ann", elsewhere.sub}
    assert not Membership.objects.filter(context=course, lti_user=elsewhere).exists()
    assert counts(reading) == (1, 1, 0, 0, 0)


def test_somebody_listed_twice_counts_once_by_the_last_word(course: Context) -> None:
    reading = read(course, entry("ann"), entry("ann", "Instructor"))

    assert standing(LtiUser.objects.get(), course) == (False, True, None)
    assert (reading.members, reading.added) == (1, 1)


# --- what they are called -------------------------------------------------------------------------------------


def test_names_follow_the_vles_and_none_is_taken_back(course: Context) -> None:
    ann = factories.make_member(course, "Ann Other", email="ann@school.example", sourcedid="S-1")
    bob = factories.make_member(course, "Bob", email="bob@school.example", sourcedid="S-2")

    reading = read(course, entry(ann, name="Ann Married"), entry(bob, email="", name=None))

    ann.refresh_from_db()
    bob.refresh_from_db()
    assert (ann.name, ann.email, ann.sourcedid) == ("Ann Married", "ann@school.example", "S-1")
    assert (bob.name, bob.email, bob.sourcedid) == ("Bob", "bob@school.example", "S-2")
    assert Person.objects.count() == 2
    assert counts(reading) == (2, 0, 0, 0, 0)


def test_somebody_switched_off_stays_so(course: Context) -> None:
    ann = factories.make_member(course, is_active=False)

    read(course, entry(ann, name="Ann Married"))

    ann.refresh_from_db()
    assert (ann.is_active, ann.name) == (False, "Ann Married")


# --- roles ----------------------------------------------------------------------------------------------------


def test_roles_are_set_and_unset(course: Context) -> None:
    ann, bob = factories.make_member(course), factories.make_member(course)
    grace = factories.make_member(course, lead=True)

    reading = read(
        course, entry(ann, "Instructor"), entry(bob, "Learner", "Instructor"), entry(grace, "Learner")
    )

    assert standing(ann, course) == (False, True, None)
    assert standing(bob, course) == (True, True, None)
    assert standing(grace, course) == (True, False, None)
    assert counts(reading) == (3, 0, 3, 0, 0)


def test_nothing_new_writes_nothing(course: Context) -> None:
    people = [entry(f"user-{number}", name=f"Name {number}") for number in range(50)]
    read(course, *people)

    with CaptureQueriesContext(connection) as queries:
        reading = read(course, *people)

    assert [query["sql"] for query in queries if not query["sql"].startswith("SELECT")] == []
    assert counts(reading) == (50, 0, 0, 0, 0)


def test_as_many_queries_for_a_thousand_as_for_one() -> None:
    def queries(count: int) -> list[str]:
        course = factories.make_course()
        entries = [entry(f"user-{number}") for number in range(count)]
        with CaptureQueriesContext(connection) as made:
            Reading(course, NOW).read(iter([Page(entries)]))
        kinds = [query["sql"][:25] for query in made if "SAVEPOINT" not in query["sql"]]
        # SQLite takes a few hundred rows at once: the same again, one after the other, counts once.
        return [kind for kind, before in zip(kinds, ["", *kinds], strict=False) if kind != before]

    assert queries(1) == queries(1000)


def test_members_come_in_batches_whatever_their_pages(
    course: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memberships, "BATCH", 10)
    one_page = [entry(f"a-{number}") for number in range(35)]
    small_pages = [Page([entry(f"b-{number}")]) for number in range(35)]

    reading = Reading(course, NOW)
    reading.read(iter([Page(one_page), *small_pages]))

    assert Membership.objects.filter(context=course, left_at=None).count() == 70
    assert counts(reading) == (70, 70, 0, 0, 0)


# --- who has left ---------------------------------------------------------------------------------------------


def test_whoever_is_on_the_roster_no_more_has_left(course: Context) -> None:
    ann, bob = factories.make_member(course), factories.make_member(course)
    elsewhere = factories.make_course(course.deployment)
    Membership.objects.create(context=elsewhere, lti_user=bob, is_learner=True)

    reading = read(course, entry(ann))

    assert standing(ann, course) == (True, False, None)
    assert standing(bob, course) == (True, False, NOW)
    assert standing(bob, elsewhere) == (True, False, None)
    assert counts(reading) == (1, 0, 0, 1, 0)


@pytest.mark.parametrize("status", ["Inactive", "Deleted"])
def test_whom_the_roster_names_as_gone_has_left(course: Context, status: str) -> None:
    ann, grace = factories.make_member(course), factories.make_member(course, lead=True)

    reading = read(course, entry("bob"), entry(ann, status=status), entry(grace, "Learner", status=status))

    # Their roles stay, for the record.
    assert (standing(ann, course), standing(grace, course)) == ((True, False, NOW), (False, True, NOW))
    assert counts(reading) == (1, 1, 0, 2, 0)


def test_since_when_somebody_has_left_stays(course: Context) -> None:
    ann = factories.make_member(course)
    Membership.objects.update(left_at=LONG_AGO)

    read(course, entry("bob"))
    read(course, entry("bob"), entry(ann, status="Deleted"))

    assert standing(ann, course) == (True, False, LONG_AGO)


def test_whoever_comes_back_is_back(course: Context) -> None:
    ann = factories.make_member(course)
    Membership.objects.update(left_at=LONG_AGO)

    reading = read(course, entry(ann, "Instructor"))

    assert standing(ann, course) == (False, True, None)
    assert counts(reading) == (1, 0, 1, 0, 0)


def test_nobody_has_left_unless_all_was_read(course: Context) -> None:
    bob = factories.make_member(course, "Bob")

    def cut_off() -> Iterator[Page]:
        yield Page([entry("ann", name="Ann Other")])
        yield Page([entry("grace", "Instructor")], ["nobody"])
        raise RosterRefused("unreachable")

    reading = Reading(course, NOW)
    with pytest.raises(RosterRefused, match="unreachable"):
        reading.read(cut_off())

    # What was read is kept.
    assert set(LtiUser.objects.values_list("name", flat=True)) == {"Ann Other", "Bob", ""}
    assert standing(bob, course) == (True, False, None)
    assert counts(reading) == (2, 2, 0, 0, 1)


def test_nobody_has_left_whose_entry_cannot_be_read(course: Context) -> None:
    ann, bob = factories.make_member(course), factories.make_member(course)

    reading = read(course, entry("grace"), unreadable=(ann.sub, "", "stranger"))

    assert standing(ann, course) == (True, False, None)
    assert standing(bob, course) == (True, False, NOW)
    assert counts(reading) == (1, 1, 0, 1, 3)


@pytest.mark.parametrize("gone", [[], [{"status": "Inactive"}]])
def test_a_roster_of_nobody_is_no_roster(course: Context, gone: list[dict[str, str]]) -> None:
    ann, bob = factories.make_member(course), factories.make_member(course)

    with pytest.raises(RosterRefused, match="roster_empty"):
        read(course, *(entry(ann, **said) for said in gone))

    assert standing(bob, course) == (True, False, None)


def test_many_leave_at_once(course: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memberships, "BATCH", 10)
    read(course, *(entry(f"user-{number}") for number in range(35)))

    reading = read(course, *(entry(f"user-{number}") for number in range(0, 35, 3)))

    stayed = Membership.objects.filter(left_at=None).values_list("lti_user__sub", flat=True)
    assert set(stayed) == {f"user-{number}" for number in range(0, 35, 3)}
    assert reading.left == 23


# --- of whom a school may speak, where several share one registration -------------------------------------------


@pytest.fixture
def shared() -> Context:
    """A course of one of the schools that share Blackboard's registration."""
    registration = factories.make_registration("https://blackboard.com", family=Family.BLACKBOARD)
    return factories.make_course(factories.make_deployment(registration))


@pytest.fixture
def vera(shared: Context) -> LtiUser:
    """Somebody in a course of another school of the same registration."""
    other = factories.make_deployment(shared.deployment.registration)
    return factories.make_member(factories.make_course(other), "Vera", email="vera@other.example")


@pytest.mark.parametrize("has_launched", [True, False])
def test_another_schools_people_are_neither_renamed_nor_joined(
    shared: Context, vera: LtiUser, has_launched: bool
) -> None:
    if has_launched:
        launched(vera, vera.memberships.get().context)

    reading = read(shared, entry(vera, name="Mallory", email="m@evil.example"), entry("ann"))

    vera.refresh_from_db()
    assert (vera.name, vera.email) == ("Vera", "vera@other.example")
    assert not Membership.objects.filter(lti_user=vera, context=shared).exists()
    assert counts(reading) == (2, 1, 0, 0, 0)


def test_whoever_was_listed_before_they_came_is_the_other_schools(shared: Context, vera: LtiUser) -> None:
    theirs = vera.memberships.get().context
    read(shared, entry("newcomer", name="Mallory"))
    newcomer = LtiUser.objects.get(sub="newcomer")
    launched(newcomer, theirs)
    LtiUser.objects.filter(pk=newcomer.pk).update(name="Nora")

    read(shared, entry("newcomer", "Instructor", name="Mallory"), entry("ann"))

    newcomer.refresh_from_db()
    assert newcomer.name == "Nora"
    assert standing(newcomer, shared) == (True, False, NOW)


@pytest.mark.parametrize("has_launched", [True, False])
def test_a_schools_own_people_are_known_in_all_its_courses(shared: Context, has_launched: bool) -> None:
    elsewhere = factories.make_course(shared.deployment)
    ann = factories.make_member(elsewhere, "Ann")
    if has_launched:
        launched(ann, elsewhere)

    read(shared, entry(ann, name="Ann Other"))

    ann.refresh_from_db()
    assert ann.name == "Ann Other"
    assert standing(ann, shared) == (True, False, None)


def test_somebody_at_two_schools_is_of_both(shared: Context, vera: LtiUser) -> None:
    launched(vera, vera.memberships.get().context)
    launched(vera, shared)

    read(shared, entry(vera, name="Vera Other"))

    vera.refresh_from_db()
    assert vera.name == "Vera Other"
    assert standing(vera, shared) == (True, False, None)


# --- whose word counts: the launch's, while it keeps somebody signed in ------------------------------------------


@pytest.fixture
def tala(course: Context) -> LtiUser:
    """A non-editing teacher in Moodle: an Instructor at launch, a Learner on the roster."""
    return factories.make_member(course, "Tala", lead=True)


def test_what_a_launch_said_stands_while_it_keeps_them_signed_in(course: Context, tala: LtiUser) -> None:
    launched(tala, course)

    reading = read(course, entry(tala, "Learner"))

    assert standing(tala, course) == (False, True, None)
    assert counts(reading) == (1, 0, 0, 0, 0)


def test_a_role_that_a_launch_took_away_stays_away(course: Context) -> None:
    ann = factories.make_member(course)
    launched(ann, course)

    read(course, entry(ann, "Instructor"))

    assert standing(ann, course) == (True, False, None)


def test_afterwards_the_rosters_word_counts(course: Context, tala: LtiUser) -> None:
    launched(tala, course, at=NOW - STANDS)

    read(course, entry(tala, "Learner"))

    assert standing(tala, course) == (True, False, None)


def test_an_administrator_who_launches_is_on_no_roster(course: Context) -> None:
    admin = factories.make_member(course, lead=True)
    launched(admin, course)

    read(course, entry("ann"))
    assert standing(admin, course) == (False, True, None)

    later = NOW + STANDS
    read(course, entry("ann"), now=later)
    assert standing(admin, course) == (False, True, later)


def test_a_launch_in_another_course_says_nothing_of_this_one(course: Context, tala: LtiUser) -> None:
    launched(tala, course, link=factories.make_link(factories.make_course(course.deployment)))

    read(course, entry(tala, "Learner"))

    assert standing(tala, course) == (True, False, None)


def test_choosing_content_is_a_launch_too(course: Context, tala: LtiUser) -> None:
    launch = launched(tala, course)
    Launch.objects.update(resource_link=None, message=Launch.Message.DEEP_LINKING)
    DeepLinkingRequest.objects.create(launch=launch, context=course, return_url="https://vle.example/")

    read(course, entry("ann"))

    assert standing(tala, course) == (False, True, None)


@pytest.mark.parametrize("status", ["Inactive", "Deleted"])
def test_that_somebody_is_gone_counts_at_once(course: Context, tala: LtiUser, status: str) -> None:
    launched(tala, course)

    read(course, entry("ann"), entry(tala, "Learner", status=status))

    assert standing(tala, course) == (False, True, NOW)


def test_whoever_was_gone_by_mistake_is_back_with_what_their_launch_said(
    course: Context, tala: LtiUser
) -> None:
    launched(tala, course)
    Membership.objects.update(left_at=NOW)

    read(course, entry(tala, "Learner"))

    assert standing(tala, course) == (False, True, None)


# --- at the same moment -----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_first_launch_that_is_quicker(course: Context) -> None:
    """It makes the user and the membership after the roster has looked, and before it writes."""
    registration, begun = course.deployment.registration, threading.Event()
    looked = threading.Event()

    def launch() -> None:
        with transaction.atomic():
            launched(factories.make_member(course, "Ann, by launch", sub="ann", lead=True), course)
            begun.set()
            looked.wait(0.3)

    def roster() -> Reading:
        begun.wait(10)
        reading = read(course, entry("ann", name="Ann, by roster"), entry("bob"), entry("carl"))
        looked.set()
        return reading

    done, reading = factories.at_once(launch, roster)

    assert done is None
    assert reading.members == 3
    assert LtiUser.objects.filter(registration=registration).count() == Person.objects.count() == 3
    assert standing(LtiUser.objects.get(sub="ann"), course) == (False, True, None)
    assert Membership.objects.filter(context=course).count() == 3


@pytest.mark.django_db(transaction=True)
def test_launches_while_the_roster_is_read(gradebook: FakePlatform) -> None:
    Visitor(gradebook).launch(lambda claims: claims.update(sub="teacher"))
    course = Context.objects.get()
    subs = [f"user-{number}" for number in range(8)]

    def launch(sub: str) -> int:
        return Visitor(gradebook).launch(lambda claims: claims.update(sub=sub)).status_code

    acts = [lambda sub=sub: launch(sub) for sub in subs]
    everybody = [entry(sub) for sub in (*subs, "teacher", *(f"other-{number}" for number in range(300)))]
    *codes, reading = factories.at_once(*acts, lambda: read(course, *everybody, now=timezone.now()))

    assert codes == [302] * 8
    assert reading.members == 309
    assert LtiUser.objects.count() == Person.objects.count() == Membership.objects.count() == 309
    assert not Membership.objects.exclude(left_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_two_courses_of_the_same_people_at_once(course: Context) -> None:
    other = factories.make_course(course.deployment)
    people = [entry(f"user-{number}", name=f"Name {number}") for number in range(200)]
    renamed = [entry(f"user-{number}", name=f"New {number}") for number in reversed(range(200))]
    factories.at_once(lambda: read(course, *people), lambda: read(other, *reversed(people)))

    found = factories.at_once(lambda: read(course, *renamed), lambda: read(other, *reversed(renamed)))

    assert [reading.members for reading in found] == [200, 200]
    assert LtiUser.objects.count() == Person.objects.count() == 200
    assert LtiUser.objects.filter(name__startswith="New").count() == 200
    assert Membership.objects.count() == 400

"""Whose details a course reads, what a trust adds, and that nothing is written over or forgotten."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from lti_tool import local_details, tasks
from lti_tool.local_details import ChangedMeanwhile, Contact, Details, Local, NoPhoneNumber, State
from lti_tool.models import Context, LocalDetails, LocalDetailsChange, LtiUser, School, Trust
from tests import factories
from tests.factories import at_once

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
JO = Contact("Jo Reed", "01632 960123")
OURS = Details(dsl=JO, dsl_where="Room 12", deputies=(Contact("Sam Poole", ""),))


def write(
    course: Context, details: Details = OURS, *, by: LtiUser | None = None, now: datetime = NOON
) -> None:
    lead = by or factories.make_member(course, "Grace", lead=True)
    local_details.save(course.pk, details, by=lead, seen=read(course).version, now=now)


def read(course: Context, *, now: datetime = NOON) -> Local:
    return local_details.of_course(course.pk, now=now)


@pytest.fixture
def school() -> School:
    return factories.make_school("Hillside School")


@pytest.fixture
def course(school: School) -> Context:
    return factories.make_course(factories.make_deployment(school=school))


# --- whose they are ---------------------------------------------------------------------------------------------


def test_they_are_written_once_for_all_courses_of_a_school(course: Context, school: School) -> None:
    write(course)

    sister = factories.make_course(course.deployment)
    another_vle = factories.make_course(factories.make_deployment(school=school))
    for one in (course, sister, another_vle):
        assert (read(one).school, read(one).details) == ("Hillside School", OURS)


def test_one_vle_may_serve_many_schools(course: Context) -> None:
    """One trust's VLE: a course's own school comes before its deployment's."""
    valley = factories.make_school("Valley School")
    of_valley = factories.make_course(course.deployment, school=valley)
    write(course)

    assert read(of_valley).state is State.MISSING
    assert read(of_valley).details == Details()

    write(of_valley, Details(dsl=Contact("Ali Khan", "01632 960999")))
    assert read(of_valley).details.dsl.name == "Ali Khan"
    assert read(course).details.dsl == JO


def test_without_a_school_they_are_the_courses() -> None:
    """An authority's only VLE: its courses are of many schools, and nobody has said of which."""
    ours = factories.make_course()
    write(ours)

    assert read(ours).details == OURS
    theirs = factories.make_course(ours.deployment)
    assert read(theirs).details == Details()
    write(theirs, Details(dsl=Contact("Ali Khan", "01632 960999")))
    assert (read(ours).details, read(theirs).details.dsl.name) == (OURS, "Ali Khan")
    assert [one.details.context for one in local_details.changes_of(ours.pk)] == [ours]


@pytest.mark.parametrize("of", ["course", "deployment"])
def test_a_course_given_to_a_school_keeps_what_its_leads_entered(of: str) -> None:
    course = factories.make_course()
    sister = factories.make_course(course.deployment)
    write(course)
    given = course if of == "course" else course.deployment
    given.school = factories.make_school("Hillside School")
    given.save()

    assert (read(course).school, read(course).details, read(course).version) == ("Hillside School", OURS, 0)
    assert read(sister).details == Details()
    local_details.confirm(course.pk, by=LtiUser.objects.get(), seen=0, now=NOON)
    assert LocalDetails.objects.get(school__name="Hillside School").dsl_name == "Jo Reed"


def test_nobodys_and_everybodys_details_are_refused(school: School) -> None:
    for owners in ({}, {"school": school, "trust": Trust.objects.create(name="A trust")}):
        with pytest.raises(IntegrityError), transaction.atomic():
            LocalDetails.objects.create(**owners)
    LocalDetails.objects.create(school=school)
    with pytest.raises(IntegrityError), transaction.atomic():
        LocalDetails.objects.create(school=school)


# --- what a trust adds ------------------------------------------------------------------------------------------


def test_a_trust_fills_in_what_is_empty_and_adds_its_rules(course: Context, school: School) -> None:
    school.trust = Trust.objects.create(name="Downs Trust")
    school.save()
    front_door, night = Contact("MASH", "01632 960555"), Contact("Night team", "01632 960666")
    given = Details(
        dsl=Contact("Somebody else", "1234"),
        front_door=front_door,
        out_of_hours=night,
        policy_url="https://downs.example/policy",
        rules=("two-decide", "head-told"),
    )
    local_details.save_of_trust(school.trust, given, now=NOON)
    assert read(course).state is State.MISSING

    own_door = Contact("Our door", "01632 960777")
    write(course, Details(dsl=JO, front_door=own_door, rules=("advice-taken", "two-decide")))

    local = read(course)
    assert local.details == Details(
        dsl=JO,
        front_door=own_door,
        out_of_hours=night,
        policy_url="https://downs.example/policy",
        rules=("advice-taken", "two-decide", "head-told"),
    )
    assert local.own.out_of_hours == Contact()
    assert local.trust_name == "Downs Trust"


def test_another_trusts_are_not_read(course: Context, school: School) -> None:
    downs, coast = (Trust.objects.create(name=name) for name in ("Downs", "Coast"))
    school.trust = downs
    school.save()
    local_details.save_of_trust(coast, Details(policy_url="https://coast.example/"), now=NOON)

    assert read(course).details == Details()


# --- whether they may be relied on ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "state"), [(0, State.CURRENT), (179, State.CURRENT), (180, State.STALE), (999, State.STALE)]
)
def test_after_half_a_year_they_are_stale(course: Context, days: int, state: State) -> None:
    write(course)

    assert read(course, now=NOON + timedelta(days=days)).state is state


def test_to_confirm_makes_them_current(course: Context) -> None:
    write(course)
    later = NOON + timedelta(days=300)
    noor = factories.make_member(course, "Noor", lead=True)
    local_details.confirm(course.pk, by=noor, seen=1, now=later)

    local = read(course, now=later)
    assert (local.state, local.details, local.confirmed_by) == (State.CURRENT, OURS, noor.pk)
    assert str(local.confirmed_on) == "2027-09-16"


def test_without_anybody_to_tell_they_are_missing_whenever_they_were_confirmed(course: Context) -> None:
    write(course, Details(front_door=Contact("MASH", "01632 960555")))

    assert read(course).state is State.MISSING


# --- who wrote what ---------------------------------------------------------------------------------------------


def test_every_writing_is_kept_with_who_and_when_and_how_they_read(course: Context) -> None:
    grace = factories.make_member(course, "Grace", lead=True)
    write(course, by=grace)
    moved = Details(dsl=Contact("Jo Reed", "01632 960000"), dsl_where="Room 12", deputies=OURS.deputies)
    write(course, moved, by=grace, now=NOON + timedelta(days=1))
    write(course, moved, by=grace, now=NOON + timedelta(days=2))

    kept: list[Any] = list(local_details.changes_of(course.pk))
    assert [(one.kind, one.fields, one.by, one.at.day) for one in kept] == [
        (LocalDetailsChange.Kind.CONFIRMED, [], grace, 22),
        (LocalDetailsChange.Kind.CHANGED, ["dsl_phone"], grace, 21),
        (LocalDetailsChange.Kind.CHANGED, ["dsl_name", "dsl_phone", "dsl_where", "deputies"], grace, 20),
    ]
    assert [one.reads["dsl_phone"] for one in kept] == ["01632 960000", "01632 960000", "01632 960123"]


def test_who_wrote_them_may_be_erased_and_the_line_stays(course: Context) -> None:
    grace = factories.make_member(course, "Grace", lead=True)
    write(course, by=grace)
    grace.memberships.all().delete()

    grace.delete()

    (kept,) = local_details.changes_of(course.pk)
    assert (kept.by, kept.context, kept.reads["dsl_name"]) == (None, course, "Jo Reed")
    assert (read(course).details, read(course).confirmed_by) == (OURS, None)


def test_who_was_named_is_forgotten_after_two_years(course: Context) -> None:
    write(course)
    later = NOON + timedelta(days=730)
    write(course, Details(dsl=JO), by=LtiUser.objects.get(), now=later)

    local_details.sweep(later)
    assert [bool(one.reads) for one in local_details.changes_of(course.pk)] == [True, True]
    local_details.sweep(later + timedelta(seconds=1))

    now, then = local_details.changes_of(course.pk)
    assert (then.reads, then.fields[0], then.by) == ({}, "dsl_name", LtiUser.objects.get())
    assert now.reads["dsl_name"] == "Jo Reed"
    # What holds today is no former name, however old it is.
    local_details.sweep(later + timedelta(days=9999))
    assert read(course).details == Details(dsl=JO)


def test_the_daily_task_forgets_them(course: Context) -> None:
    write(course, now=timezone.now() - timedelta(days=731))
    tasks.chase_local_details()
    assert LocalDetailsChange.objects.get().reads == {}


def test_what_is_missing_cannot_be_confirmed(course: Context) -> None:
    grace = factories.make_member(course, "Grace", lead=True)
    with pytest.raises(ChangedMeanwhile):
        local_details.confirm(course.pk, by=grace, seen=0, now=NOON)
    assert not LocalDetails.objects.exists()
    write(course, Details(), by=grace)
    with pytest.raises(ChangedMeanwhile):
        local_details.confirm(course.pk, by=grace, seen=1, now=NOON)
    assert LocalDetailsChange.objects.count() == 1


def test_a_page_that_is_behind_writes_nothing(course: Context) -> None:
    grace = factories.make_member(course, "Grace", lead=True)
    write(course, by=grace)

    for seen in (0, 2, -1):
        with pytest.raises(ChangedMeanwhile):
            local_details.save(course.pk, Details(), by=grace, seen=seen, now=NOON)
        with pytest.raises(ChangedMeanwhile):
            local_details.confirm(course.pk, by=grace, seen=seen, now=NOON)
    assert read(course).details == OURS
    assert LocalDetailsChange.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_write_at_once_one_is_told() -> None:
    course = factories.make_course()
    grace = factories.make_member(course, "Grace", lead=True)
    names = ("Jo Reed", "Ali Khan")

    def writing(name: str) -> Any:
        details = Details(dsl=Contact(name, "01632 960123"))
        return lambda: local_details.save(course.pk, details, by=grace, seen=0, now=timezone.now())

    said = at_once(*(writing(name) for name in names))

    assert sorted(type(one).__name__ for one in said) == ["ChangedMeanwhile", "NoneType"]
    assert read(course).details.dsl.name == names[said.index(None)]
    assert LocalDetailsChange.objects.count() == 1


def test_they_are_read_in_one_query(course: Context, django_assert_num_queries: Any) -> None:
    write(course)
    with django_assert_num_queries(1):
        assert read(course).details == OURS


# --- phone numbers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "shown", "tel"),
    [
        ("01632 960123", "01632 960123", "01632960123"),
        (" 01632  960 123 ", "01632 960 123", "01632960123"),
        ("(01632) 960-123", "(01632) 960-123", "01632960123"),
        ("01632–960123", "01632-960123", "01632960123"),
        ("+44 (0)1632 960123", "+44 (0)1632 960123", "+441632960123"),
        ("+353 1 555 0100", "+353 1 555 0100", "+35315550100"),
        ("101", "101", "101"),
        ("01632 960123 ext 12", "01632 960123 ext 12", "01632960123"),
        ("ext. 204", "ext. 204", ""),
        ("Ext204", "Ext204", ""),
    ],
)
def test_numbers_that_can_be_dialled(typed: str, shown: str, tel: str) -> None:
    assert local_details.phone(typed) == shown
    assert Contact("Jo", shown).tel == tel


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "12",
        "call Jo",
        "01632 960123 or 07700 900123",
        "01632 960123, 960124",
        "1234567890123456",
        "jo@school.example",
        "<b>101</b>",
        "01632\u202e960123",
        "tel:101",
        "+",
        "ext",
        "٠١٦٣٢٩٦٠١٢٣",
    ],
)
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(NoPhoneNumber):
        local_details.phone(typed)

"""Where everybody stands, as a lead sees it."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from grading import attempts, enrolments, outbox, standings
from grading.deliveries import Delivery
from grading.models import Activity, Certificate, OutgoingScore, Result
from grading.standings import PAGE, Standing, Wanted
from lti_tool.models import Context, LtiUser, Membership, ResourceLink
from tests import factories

pytestmark = pytest.mark.django_db

State = OutgoingScore.State


@pytest.fixture
def course(db: None) -> Context:
    return factories.make_course()


@pytest.fixture
def link(course: Context) -> ResourceLink:
    return factories.make_link(course)


@pytest.fixture
def activity(link: ResourceLink) -> Activity:
    return factories.make_activity(link)


def overview(activity: Activity, **wanted: str) -> standings.Overview:
    link = activity.resource_link
    assert link is not None
    return standings.overview(link, activity, as_of=timezone.now(), wanted=Wanted(**wanted))


def row(activity: Activity) -> standings.Row:
    (only,) = overview(activity).rows
    return only


def member(activity: Activity, name: str = "Amina Yusuf", **changes: Any) -> LtiUser:
    assert activity.resource_link is not None
    return factories.make_member(activity.resource_link.context, name, **changes)


def test_it_works(activity: Activity) -> None:
    enrolment = factories.make_enrolment(activity)
    now = timezone.now()
    factories.take(enrolment, 90, now=now)

    assert row(activity) == standings.Row(
        name="Amina Yusuf",
        standing=Standing.PASSED,
        percentage=90,
        changed_at=now,
        delivery=Delivery(OutgoingScore.objects.get(), problem=None),
    )


def test_nobody(activity: Activity) -> None:
    assert overview(activity).rows == ()
    assert overview(activity).counts == [(standing, 0) for standing in Standing]
    assert overview(activity).undelivered == 0


def test_each_standing(activity: Activity) -> None:
    now = timezone.now()
    member(activity, "Ann, who never came")
    factories.make_enrolment(activity, member(activity, "Ben, who looked in"))
    reader = factories.make_enrolment(activity, member(activity, "Cat, who reads"))
    enrolments.begin_step(reader, "first-lesson", now=now)
    factories.start(factories.make_enrolment(activity, member(activity, "Dan, at the quiz")))
    factories.take(factories.make_enrolment(activity, member(activity, "Eve, who failed")), 30)
    factories.take(factories.make_enrolment(activity, member(activity, "Flo, who passed")), 90)

    found = overview(activity)

    assert [(line.name, line.standing) for line in found.rows] == [
        ("Flo, who passed", Standing.PASSED),
        ("Eve, who failed", Standing.NOT_PASSED),
        ("Cat, who reads", Standing.UNDER_WAY),
        ("Dan, at the quiz", Standing.UNDER_WAY),
        ("Ann, who never came", Standing.NOT_STARTED),
        ("Ben, who looked in", Standing.NOT_STARTED),
    ]
    assert found.counts == [
        (Standing.PASSED, 1),
        (Standing.NOT_PASSED, 1),
        (Standing.UNDER_WAY, 2),
        (Standing.NOT_STARTED, 2),
    ]
    assert [standing.words for standing in Standing] == [
        "Passed",
        "Not passed yet",
        "Under way",
        "Not started",
    ]


def test_names_are_in_order_whatever_their_case(activity: Activity) -> None:
    for name in ("bea", "Abe", "Cyd", "abi"):
        member(activity, name)

    assert [line.name for line in overview(activity).rows] == ["Abe", "abi", "bea", "Cyd"]


def test_somebody_the_vle_does_not_name_has_a_label_that_stays(activity: Activity) -> None:
    user = member(activity, "")
    assert row(activity).name == f"Unnamed member of staff {user.pk}"


def test_a_lead_is_shown_only_when_they_take_it_themselves(activity: Activity) -> None:
    lead = member(activity, "Lena Long", lead=True)
    assert overview(activity).rows == ()

    factories.take(factories.make_enrolment(activity, lead), 90)
    assert row(activity).name == "Lena Long"


def test_people_of_other_courses_and_links_are_not_shown(activity: Activity, course: Context) -> None:
    factories.make_member(factories.make_course(course.deployment), "Next door")
    elsewhere = factories.make_link(course)
    factories.take(factories.make_enrolment(activity, member(activity), link=elsewhere), 90)

    # A member of the course, whose result at the other link is not one of this.
    assert row(activity).standing == Standing.NOT_STARTED


def test_somebody_switched_off_is_not_shown(activity: Activity) -> None:
    member(activity, "Gone", is_active=False)
    assert overview(activity).rows == ()


def test_whoever_began_is_shown_after_the_link_moved_to_another_course(
    activity: Activity, course: Context
) -> None:
    """They belong to the old course until they launch again; their result is the lead's to see all the same."""
    factories.take(factories.make_enrolment(activity, member(activity)), 90)
    link = activity.resource_link
    assert link is not None
    link.context = factories.make_course(course.deployment)
    link.save()
    activity = Activity.objects.get()

    assert [(line.name, line.standing) for line in overview(activity).rows] == [
        ("Amina Yusuf", Standing.PASSED)
    ]


def test_a_pass_once_earned_stays_a_pass(activity: Activity) -> None:
    """Where the latest attempt counts for the grade, the certificate is still theirs."""
    Activity.objects.update(keeps="latest")
    activity.refresh_from_db()
    enrolment = factories.make_enrolment(activity)
    factories.take(enrolment, 90)
    factories.take(enrolment, 30)

    assert (row(activity).standing, row(activity).percentage) == (Standing.PASSED, 30)
    assert Result.objects.get().certificate == Certificate.objects.get()


DELIVERIES = {
    "waiting": "On its way to the gradebook",
    "sending": "On its way to the gradebook",
    "delivered": "In the gradebook",
    "parked": "Not delivered",
    "ungraded": "This link has no gradebook column",
}


@pytest.mark.parametrize("state", DELIVERIES)
def test_where_the_grade_is(activity: Activity, state: str) -> None:
    factories.take(factories.make_enrolment(activity), 90)
    settled = timezone.now()
    OutgoingScore.objects.update(state=state, reason="unreachable", settled_at=settled)

    delivery = row(activity).delivery

    assert delivery is not None
    assert (delivery.words, delivery.state) == (DELIVERIES[state], state)
    assert delivery.delivered_at == (settled if state == "delivered" else None)
    assert str(delivery.problem).startswith("Your VLE could not be reached") == (
        state in {"waiting", "sending", "parked"}
    )
    assert overview(activity).undelivered == (state == "parked")
    assert delivery.score.may_be_sent_again == (state in {"parked", "ungraded"})


def test_the_newest_score_is_the_one_that_is_shown(activity: Activity) -> None:
    enrolment = factories.make_enrolment(activity)
    factories.take(enrolment, 60)
    outbox.claim(now=timezone.now())
    factories.take(enrolment, 90)

    newest = OutgoingScore.objects.latest("pk")
    delivery = row(activity).delivery
    assert delivery is not None
    assert (delivery.score, delivery.state) == (newest, "waiting")


def test_a_superseded_score_is_not_shown(activity: Activity) -> None:
    factories.take(factories.make_enrolment(activity), 60)
    OutgoingScore.objects.update(state=State.SUPERSEDED)

    assert row(activity).delivery is None


def test_as_many_queries_for_thirty_people_as_for_one(activity: Activity) -> None:
    def fill(people: int) -> None:
        for number in range(people):
            user = member(activity, f"Person {number}")
            enrolment = factories.make_enrolment(activity, user)
            enrolments.begin_step(enrolment, "first-lesson", now=timezone.now())
            for percentage in (30, 60, 90)[: 1 + number % 3]:
                factories.take(enrolment, percentage)
            assert attempts.attempts_left(enrolment) is None

    fill(1)
    with CaptureQueriesContext(connection) as one:
        assert len(overview(activity).rows) == 1
    fill(29)
    with CaptureQueriesContext(connection) as thirty:
        assert len(overview(activity).rows) == 30

    assert len(thirty) == len(one)
    assert len(one) <= 4


# --- a course of many, and those who have left --------------------------------------------------------------


def names(found: standings.Overview) -> list[str]:
    return [line.name for line in found.rows]


def leave(*people: LtiUser) -> None:
    Membership.objects.filter(lti_user__in=people).update(left_at=timezone.now())


def test_whoever_has_left_is_shown_apart_and_not_counted(activity: Activity) -> None:
    member(activity, "Ann")
    bob, carl = member(activity, "Bob"), member(activity, "Carl")
    factories.take(factories.make_enrolment(activity, carl), 90)
    leave(bob, carl)

    found = overview(activity)

    assert names(found) == ["Ann"]
    assert [(line.name, line.standing, line.percentage) for line in found.left] == [
        ("Carl", Standing.PASSED, 90),
        ("Bob", Standing.NOT_STARTED, None),
    ]
    assert found.left_count == 2
    assert dict(found.counts) == {
        Standing.PASSED: 0,
        Standing.NOT_PASSED: 0,
        Standing.UNDER_WAY: 0,
        Standing.NOT_STARTED: 1,
    }


def test_whoever_took_the_training_as_a_lead_and_left(activity: Activity) -> None:
    """They are no learner; their result is on record all the same. A lead who took nothing is nowhere."""
    grace, gone = member(activity, "Grace", lead=True), member(activity, "Gone", lead=True)
    factories.take(factories.make_enrolment(activity, grace), 90)
    assert names(overview(activity)) == ["Grace"]

    leave(grace, gone)

    assert (names(overview(activity)), overview(activity).left_count) == ([], 1)


def test_only_those_of_one_standing(activity: Activity) -> None:
    member(activity, "Ann")
    factories.take(factories.make_enrolment(activity, member(activity, "Bob")), 90)
    leave(member(activity, "Carl"))

    found = overview(activity, show="not-started")

    assert names(found) == ["Ann"]
    assert dict(found.counts)[Standing.PASSED] == 1
    assert [line.name for line in found.left] == ["Carl"]
    assert overview(activity, show="passed").left == ()


def test_only_those_who_have_left(activity: Activity) -> None:
    member(activity, "Ann")
    leave(member(activity, "Carl"), member(activity, "Bob"))

    found = overview(activity, show="left")

    assert (names(found), found.left, found.left_count) == (["Bob", "Carl"], (), 2)


@pytest.mark.parametrize("part", ["álv", "ÁLVAREZ", "Ana Á", "a á"])
def test_part_of_a_name(activity: Activity, part: str) -> None:
    """Whatever the database makes of letters that are not English."""
    for name in ("Ana Álvarez", "Ann Other", "Bob"):
        member(activity, name)

    assert names(overview(activity, name=part)) == ["Ana Álvarez"]


def test_people_are_found_by_what_they_are_called_here(activity: Activity) -> None:
    ann = member(activity, "A. Other")
    enrolments.keep_certificate_name(ann, name="Ann Other-Smith")
    unnamed = member(activity, "")

    assert names(overview(activity, name="smith")) == ["Ann Other-Smith"]
    assert names(overview(activity, name="unnamed")) == [f"Unnamed member of staff {unnamed.pk}"]


def test_pages(activity: Activity) -> None:
    for number in range(PAGE + 3):
        member(activity, f"Person {number:03}")

    first, second = overview(activity), overview(activity, page="2")

    assert (len(first.rows), names(second)) == (PAGE, [f"Person {PAGE + number}" for number in range(3)])
    assert (first.page.paginator.num_pages, first.page.has_next(), second.page.has_next()) == (2, True, False)
    assert names(overview(activity, page="99")) == names(second)
    assert names(overview(activity, page="x")) == names(first)
    assert names(overview(activity, page="2", name="person 001")) == ["Person 001"]


def test_as_many_queries_for_a_long_list_with_leavers(activity: Activity) -> None:
    for number in range(PAGE + 3):
        member(activity, f"Person {number:03}")
    leave(*(member(activity, f"Leaver {number}") for number in range(5)))

    with CaptureQueriesContext(connection) as made:
        overview(activity, page="2")

    assert len(made) <= 4

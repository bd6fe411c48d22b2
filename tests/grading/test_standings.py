"""Where everybody stands, as a lead sees it."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from grading import attempts, enrolments, outbox, standings
from grading.models import Activity, Certificate, OutgoingScore
from grading.standings import Standing
from lti_tool.models import Context, LtiUser, ResourceLink
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


def overview(activity: Activity) -> standings.Overview:
    link = activity.resource_link
    assert link is not None
    return standings.overview(link, activity, as_of=timezone.now())


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
        delivery="On its way to the gradebook",
        delivery_state="waiting",
        delivered_at=None,
        problem="",
        score_pk=OutgoingScore.objects.get().pk,
        certificate_code=Certificate.objects.get().code,
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
    assert row(activity).certificate_code == Certificate.objects.get().code


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
    OutgoingScore.objects.update(state=state, problem="The VLE is down.", settled_at=settled)

    line = row(activity)

    assert (line.delivery, line.delivery_state) == (DELIVERIES[state], state)
    assert line.delivered_at == (settled if state == "delivered" else None)
    assert line.problem == ("" if state == "delivered" else "The VLE is down.")
    assert overview(activity).undelivered == (state == "parked")
    assert standings.delivery_words(OutgoingScore.objects.get()) == DELIVERIES[state]


def test_the_newest_score_is_the_one_that_is_shown(activity: Activity) -> None:
    enrolment = factories.make_enrolment(activity)
    factories.take(enrolment, 60)
    outbox.claim(now=timezone.now())
    factories.take(enrolment, 90)

    newest = OutgoingScore.objects.latest("pk")
    assert (row(activity).score_pk, row(activity).delivery_state) == (newest.pk, "waiting")


def test_a_superseded_score_is_not_shown(activity: Activity) -> None:
    factories.take(factories.make_enrolment(activity), 60)
    OutgoingScore.objects.update(state=State.SUPERSEDED)

    assert (row(activity).score_pk, row(activity).delivery) == (None, "")


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

"""Why a grade is not in the gradebook, in words: a lead reads whom it is about, the person reads of themselves."""

import pytest

from grading import outbox, problems
from grading.models import Enrolment, OutgoingScore
from lti_tool import troubles
from lti_tool.gradebook import Reason
from tests import factories

pytestmark = pytest.mark.django_db

State = OutgoingScore.State
# What never stays with a score, or is no fault of a connection.
OUR_OWN = {Reason.COLUMN_BUSY, Reason.OVERTAKEN}


@pytest.fixture
def enrolment() -> Enrolment:
    registration = factories.make_registration(family="moodle")
    course = factories.make_course(factories.make_deployment(registration))
    return factories.make_enrolment(link=factories.make_link(course))


def stuck(enrolment: Enrolment, reason: str, **changes: object) -> OutgoingScore:
    factories.take(enrolment, 90)
    enrolment.scores.update(**{"state": State.PARKED, "reason": reason, **changes})
    return enrolment.scores.get()


def for_lead(score: OutgoingScore) -> problems.Problem:
    found = problems.for_lead(score, score.enrolment.lti_user)
    assert found is not None
    return found


def for_learner(score: OutgoingScore) -> problems.Problem:
    found = problems.for_learner(score, score.enrolment.lti_user)
    assert found is not None
    return found


def test_a_lead_reads_whom_to_ask_for_what(enrolment: Enrolment) -> None:
    score = stuck(enrolment, Reason.UNGRADABLE)

    assert str(for_lead(score)) == (
        "Your VLE takes no grade for Amina Yusuf, most often because they are in this course as a teacher. Ask "
        "whoever looks after your VLE to give Amina Yusuf the Student role in this course. Then send the grade "
        "again."
    )


def test_the_person_reads_it_of_themselves(enrolment: Enrolment) -> None:
    score = stuck(enrolment, Reason.UNGRADABLE)

    assert str(for_learner(score)) == (
        "Your VLE takes no grade for you, most often because you are in this course as a teacher. Ask whoever "
        "looks after your VLE to give you the Student role in this course. Then open this activity from the "
        "course again: your grade is sent once more."
    )


@pytest.mark.parametrize(
    ("family", "role"),
    [
        ("moodle", "the Student role"),
        ("canvas", "a Student enrolment"),
        ("brightspace", "a role with “Can be graded in Grades” switched on"),
        ("blackboard", "the Student role"),
        ("sakai", "the Student role"),
        ("generic", "the Student role"),
    ],
)
def test_in_the_words_of_their_vle(enrolment: Enrolment, family: str, role: str) -> None:
    registration = enrolment.lti_user.registration
    registration.family = family
    registration.save()
    score = stuck(enrolment, Reason.UNGRADABLE)

    assert f"give Amina Yusuf {role} in this course" in for_lead(score).next_step
    assert f"give you {role} in this course" in for_learner(score).next_step


def test_a_name_with_a_per_cent_sign_is_a_name(enrolment: Enrolment) -> None:
    enrolment.lti_user.name = "100 %(role)s"
    enrolment.lti_user.save()

    assert "give 100 %(role)s the Student role" in str(for_lead(stuck(enrolment, Reason.UNGRADABLE)))


@pytest.mark.parametrize("reason", sorted({*Reason} - {Reason.UNGRADABLE}))
def test_only_whoever_cannot_be_graded_reads_of_roles(enrolment: Enrolment, reason: str) -> None:
    score = stuck(enrolment, reason)

    assert "Student" not in f"{for_lead(score)} {for_learner(score)}"
    assert (
        for_learner(score).next_step == "Tell whoever leads your course. They can see why, and send it again."
    )


@pytest.mark.parametrize("reason", sorted({*Reason} - OUR_OWN))
def test_every_reason_has_its_own_words_for_leads_and_for_operators(
    enrolment: Enrolment, reason: str
) -> None:
    words = for_lead(stuck(enrolment, reason))

    assert words.what
    assert words.next_step
    assert (words.what == "Something went wrong on our side.") is (reason == Reason.OUR_FAULT)
    assert reason in troubles.SERVICES


def test_a_reason_that_has_no_words_is_our_fault(enrolment: Enrolment) -> None:
    assert for_lead(stuck(enrolment, "of an older version")).what == "Something went wrong on our side."


def test_while_we_go_on_trying_there_is_nothing_to_do(enrolment: Enrolment) -> None:
    score = stuck(enrolment, Reason.UNREACHABLE, state=State.WAITING)

    assert str(for_lead(score)) == (
        "Your VLE could not be reached, or did not answer in time. We go on trying."
    )
    assert problems.for_learner(score, score.enrolment.lti_user) is None


def test_what_was_tried_for_a_day_says_so(enrolment: Enrolment) -> None:
    score = stuck(enrolment, Reason.PLATFORM_FAULT, tries=outbox.MOST_TRIES)

    assert for_lead(score).what == "Your VLE had a fault of its own. We have tried for more than a day."


@pytest.mark.parametrize("state", [State.DELIVERED, State.UNGRADED, State.SUPERSEDED])
def test_what_is_settled_otherwise_has_no_problem(enrolment: Enrolment, state: str) -> None:
    score = stuck(enrolment, Reason.UNREACHABLE, state=state)

    assert problems.for_lead(score, score.enrolment.lti_user) is None
    assert problems.for_learner(score, score.enrolment.lti_user) is None

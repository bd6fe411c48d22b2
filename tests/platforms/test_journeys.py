"""Whole ways through, at each make of VLE: connected by its admin, chosen by an author, passed by a learner."""

import json
from typing import Any

import pytest
from django.urls import reverse

from course_content import catalogue
from grading.models import Activity, Enrolment
from lti_tool.models import Deployment, Launch, Membership, Registration
from tests import factories
from tests.platforms.acts import author_at, choose, deliver, read_rosters, take_quiz
from tests.platforms.admin import set_up
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform
from tests.platforms.messages import Link
from tests.platforms.people import ADMIN, AMINA, CHLOE, TEACHER, Person
from tests.platforms.profiles import BLACKBOARD, CANVAS, EVERY_VLE, MOODLE
from tests.platforms.terms import DATA_PRIVACY, SUBMISSION_REVIEW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("two_modules")]
EVERY = pytest.mark.parametrize("vle", EVERY_VLE, indirect=True, ids=str)
AWARENESS, SMALL = "all-staff-awareness", "small"


def every_vle_that_sends(message: str) -> Any:
    makes = [profile for profile in EVERY_VLE if message in profile.launches.messages]
    return pytest.mark.parametrize("vle", makes, indirect=True, ids=str)


def placed(vle: FakePlatform) -> Link:
    """A connected VLE, with the training in its course."""
    set_up(vle)
    (link,) = choose(author_at(vle), AWARENESS).links
    return link


def begun(vle: FakePlatform, link: Link, person: Person = AMINA) -> Enrolment:
    """A learner opens the link."""
    page = Visitor(vle, person=person).open(link)
    assert page.status_code == 200, page.content
    return Enrolment.objects.get(lti_user__sub=person.id, resource_link__resource_link_id=link.id)


def passed(vle: FakePlatform, link: Link, person: Person = AMINA) -> Enrolment:
    """A learner opens the link and answers everything right."""
    enrolment = begun(vle, link, person)
    take_quiz(enrolment)
    return enrolment


@EVERY
def test_from_the_invitation_to_the_gradebook(vle: FakePlatform) -> None:
    school = factories.make_school("Riverside School")

    assert set_up(vle, school=school).status_code == 200
    chosen = choose(author_at(vle), AWARENESS, SMALL)

    assert chosen.lost == ()
    assert [link.title for link in chosen.links] == [
        catalogue.get_module(slug).title for slug in (AWARENESS, SMALL)
    ]
    assert all(vle.columns[link.column].maximum == 100 for link in chosen.links)
    registration, deployment = Registration.objects.get(), Deployment.objects.get()
    assert registration.family == vle.profile.name
    assert (deployment.deployment_id, deployment.status) == (vle.deployment_id, "accepted")
    assert deployment.school == school

    enrolment = passed(vle, chosen.links[0])
    assert enrolment.activity.module == AWARENESS
    deliver()

    grade = vle.grade_of(AMINA.id, chosen.links[0].column)
    assert grade.points == 100
    assert enrolment.result.certificate.code in " ".join(grade.comments)
    assert vle.score_of(AMINA.id, chosen.links[1].column) is None
    assert vle.deleted == []


@EVERY
def test_each_link_opens_what_was_chosen_for_it(vle: FakePlatform) -> None:
    """Also where the login does not name the link (Canvas), and where `custom` is lost (Canvas again)."""
    set_up(vle)
    awareness, small = choose(author_at(vle), AWARENESS, SMALL).links

    opened = [begun(vle, link).activity.module for link in (small, awareness)]

    assert opened == [SMALL, AWARENESS]


@EVERY
def test_each_vle_gets_the_grade_in_its_own_way(vle: FakePlatform) -> None:
    """Notes on platforms, "Certificate passback"."""
    link = placed(vle)
    passed(vle, link)
    deliver()

    score = vle.score_of(AMINA.id, link.column)
    assert score is not None
    extension = score.get("https://canvas.instructure.com/lti/submission")
    assert (extension is not None) is (vle.profile is CANVAS)
    assert ("<br/>" in score["comment"]) is (vle.profile is BLACKBOARD)
    if vle.profile is CANVAS:
        (submission,) = vle.grade_of(AMINA.id, link.column).submissions
        assert submission["submission_type"] == "online_url"
        assert submission["submission_data"].startswith("https://tool.example/verify/")


@EVERY
def test_a_better_result_takes_the_place_of_the_first(vle: FakePlatform) -> None:
    link = placed(vle)
    enrolment = begun(vle, link)
    take_quiz(enrolment, unanswered=5)
    deliver()
    first = vle.grade_of(AMINA.id, link.column).points
    take_quiz(enrolment)
    deliver()

    grade = vle.grade_of(AMINA.id, link.column)
    assert first is not None
    assert (first < 100, grade.points) == (True, 100)
    assert enrolment.result.certificate.code in grade.comments[-1]


@EVERY
def test_a_lead_sees_who_has_not_started(vle: FakePlatform) -> None:
    link = placed(vle)
    lead = author_at(vle)
    lead.open(link)
    read_rosters()

    page = lead.open(link).content.decode()

    assert "Chloé O&#x27;Neil &amp; Sons" in page
    assert "&amp;amp;" not in page
    learners = Membership.objects.filter(is_learner=True, left_at=None)
    assert {"user-1", "chloe-1"} <= set(learners.values_list("lti_user__sub", flat=True))
    assert "leaver-1" not in learners.values_list("lti_user__sub", flat=True)


@EVERY
def test_a_teacher_cannot_be_graded_and_is_told_why(vle: FakePlatform) -> None:
    """Notes on platforms, §0.4."""
    link = placed(vle)
    lead = author_at(vle)
    overview = lead.open(link)
    place = overview.wsgi_request.resolver_match.kwargs["link_pk"]
    lead.client.post(f"/learn/link/{place}/take/", secure=True)
    take_quiz(Enrolment.objects.get(lti_user__sub=TEACHER.id))

    deliver()

    assert vle.score_of(TEACHER.id, link.column) is None
    page = lead.open(link).content.decode()
    assert "takes no grade for Terry Teacher" in page


@every_vle_that_sends(SUBMISSION_REVIEW)
def test_a_teacher_reviews_a_result(vle: FakePlatform) -> None:
    link = placed(vle)
    enrolment = passed(vle, link)

    page = author_at(vle).open(link, message=SUBMISSION_REVIEW, for_user=AMINA)

    text = page.content.decode()
    assert page.status_code == 200, text
    assert "Amina Yusuf" in text
    assert enrolment.result.certificate.code in text


@every_vle_that_sends(SUBMISSION_REVIEW)
def test_a_learner_reviews_nobody_but_themselves(vle: FakePlatform) -> None:
    link = placed(vle)
    enrolment = passed(vle, link)

    own = Visitor(vle).open(link, message=SUBMISSION_REVIEW, for_user=AMINA)
    others = Visitor(vle, person=CHLOE).open(link, message=SUBMISSION_REVIEW, for_user=AMINA)

    assert own.wsgi_request.path == f"/learn/attempt/{enrolment.result.attempt_id}/result/"
    assert others.status_code == 403
    assert "Amina" not in others.content.decode()


@every_vle_that_sends(DATA_PRIVACY)
@pytest.mark.parametrize("asking", [AMINA, ADMIN], ids=["herself", "administrator"])
def test_what_is_kept_of_somebody_is_asked_for_and_taken_away(vle: FakePlatform, asking: Person) -> None:
    """Sakai's name for the message and the draft's."""
    link = placed(vle)
    hers, anothers = passed(vle, link), passed(vle, link, CHLOE)
    deliver()
    visitor = Visitor(vle, person=asking)

    page = visitor.open(message=DATA_PRIVACY, for_user=AMINA)

    launch = Launch.objects.get(message=Launch.Message.DATA_PRIVACY)
    way = [page.wsgi_request.path, *(address for address, _ in page.redirect_chain)]
    assert reverse("grading:personal-data", args=[launch.pk]) in way
    assert "Amina Yusuf" in page.content.decode()
    taken = visitor.client.get(page.context["download"], secure=True)
    said = json.loads(taken.content)
    assert said["identity"]["vle_user_id"] == AMINA.id
    (training,), (line,) = said["trainings"], said["evidence"]
    assert (training["percentage"], line["certificate"]) == (100, hers.result.certificate.code)
    for response in (page, taken):
        assert CHLOE.given_name not in response.content.decode()
        assert CHLOE.id not in response.content.decode()
        assert anothers.result.certificate.code not in response.content.decode()


@EVERY
def test_a_copied_course_begins_anew(vle: FakePlatform) -> None:
    link = placed(vle)
    enrolment = passed(vle, link)
    deliver()

    (copy,) = [one for one in vle.copy_course("course-1", "course-2") if one.title == link.title]
    page = Visitor(vle).open(copy)

    assert page.status_code == 200
    again = Enrolment.objects.exclude(pk=enrolment.pk).get()
    assert again.activity.copied_from == enrolment.activity
    assert (again.activity.module, again.attempts.count()) == (AWARENESS, 0)
    assert vle.score_of(AMINA.id, copy.column) is None
    take_quiz(again, unanswered=5)
    deliver()
    points = vle.grade_of(AMINA.id, copy.column).points
    assert points is not None
    assert points < 100 == vle.grade_of(AMINA.id, link.column).points


@EVERY
def test_a_link_made_by_hand_works_beside(vle: FakePlatform) -> None:
    """`module=<slug>` on a link that no deep linking made."""
    set_up(vle)

    passed(vle, vle.links["link-1"])
    deliver()

    assert vle.grade_of(AMINA.id).points == 100
    assert Activity.objects.get().module == AWARENESS


@pytest.mark.parametrize("vle", [MOODLE], indirect=True, ids=str)
def test_a_registration_before_it_is_switched_on(vle: FakePlatform) -> None:
    """Moodle 4.5.5, executed: the tool arrives Pending."""
    set_up(vle)
    vle.is_active = False

    with pytest.raises(AssertionError, match="switch the tool on"):
        Visitor(vle).open()

"""A lead's page, and whom it lets in."""

import re

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse

from grading.models import Activity, OutgoingScore
from lti_tool.models import LtiUser, ResourceLink
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> ResourceLink:
    return factories.make_link()


@pytest.fixture
def grace(place: ResourceLink) -> LtiUser:
    return factories.make_member(place.context, "Grace", lead=True)


def sign_in(user: LtiUser) -> Client:
    client = Client()
    signed = signing.TimestampSigner(salt="lti.user").sign(f"{user.registration_id}.{user.pk}")
    client.cookies[f"sr-user-{user.registration_id}"] = signed
    return client


def says(client: Client, place: ResourceLink, query: str = "") -> str:
    page = client.get(reverse("grading:lead", args=[place.pk]) + query).content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_nobody_has_come_yet(place: ResourceLink, grace: LtiUser) -> None:
    factories.make_activity(place)
    assert "Nobody has been here yet" in says(sign_in(grace), place)


def test_everybody_has_a_line_with_standing_and_the_grades_whereabouts(
    place: ResourceLink, grace: LtiUser
) -> None:
    enrolment = factories.make_enrolment(factories.make_activity(place))
    factories.make_member(place.context, "Bob")
    factories.take(enrolment, 90)
    said = says(sign_in(grace), place)
    for words in ("Amina Yusuf", "Passed", "90%", "On its way to the gradebook", "Bob", "Not started"):
        assert words in said


def test_a_parked_grade_shows_its_problem_and_is_sent_again(place: ResourceLink, grace: LtiUser) -> None:
    factories.take(factories.make_enrolment(factories.make_activity(place)), 90)
    OutgoingScore.objects.update(state=OutgoingScore.State.PARKED, problem="The column is gone.")
    client = sign_in(grace)
    said = says(client, place)
    assert "The column is gone." in said
    assert "Send all again" in said
    parked = OutgoingScore.objects.get()
    response = client.post(reverse("grading:send-again", args=[place.pk]), {"score": parked.pk})
    query = response.headers["Location"].partition("?")[2]
    assert "1 grade is on its way again." in says(client, place, f"?{query}")
    assert OutgoingScore.objects.get().state == OutgoingScore.State.WAITING


def test_a_learner_and_a_stranger_see_no_leads_page(place: ResourceLink) -> None:
    factories.make_activity(place)
    bob = factories.make_member(place.context, "Bob")
    charlie = factories.make_member(factories.make_course(), "Charlie", lead=True)
    for somebody in (bob, charlie):
        for name in ("grading:lead", "grading:activity-settings"):
            assert sign_in(somebody).get(reverse(name, args=[place.pk])).status_code == 404


def test_settings_are_saved_or_the_slip_is_named(place: ResourceLink, grace: LtiUser) -> None:
    factories.make_activity(place)
    client, address = sign_in(grace), reverse("grading:activity-settings", args=[place.pk])
    wrong = client.post(address, {"pass_mark": "900", "attempts_allowed": "", "keeps": "best"})
    assert 'href="#id_pass_mark"' in wrong.content.decode()
    saved = client.post(address, {"pass_mark": "90", "attempts_allowed": "2", "keeps": "latest"})
    assert saved.status_code == 302
    activity = Activity.objects.get()
    assert (activity.pass_mark, activity.attempts_allowed, activity.keeps) == (90, 2, "latest")

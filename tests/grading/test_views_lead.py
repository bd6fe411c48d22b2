"""A lead's page, and whom it lets in."""

import re
from datetime import UTC, datetime

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse

from grading.models import Activity, OutgoingScore, Result
from lti_tool.models import LtiUser, Membership, ResourceLink, Roster
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
    OutgoingScore.objects.update(state=OutgoingScore.State.PARKED, reason="ungradable")
    client = sign_in(grace)
    said = says(client, place)
    assert "give Amina Yusuf the Student role in this course" in said
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
    filled = {"title": "Our day", "pass_mark": "90", "attempts_allowed": "2", "keeps": "latest"}
    wrong = client.post(address, {**filled, "pass_mark": "900"})
    assert 'href="#id_pass_mark"' in wrong.content.decode()
    saved = client.post(address, {**filled, "due_at": "2026-07-01T17:00"})
    assert saved.status_code == 302
    activity = Activity.objects.get()
    assert (activity.title, activity.pass_mark, activity.attempts_allowed) == ("Our day", 90, 2)
    assert (activity.keeps, activity.due_at) == ("latest", datetime(2026, 7, 1, 16, tzinfo=UTC))
    assert 'value="2026-07-01T17:00"' in client.get(address).content.decode()


def test_settings_mark_no_result_again(place: ResourceLink, grace: LtiUser) -> None:
    enrolment = factories.make_enrolment(factories.make_activity(place))
    factories.take(enrolment, 85)
    filled = {"title": "Our day", "pass_mark": "90", "attempts_allowed": "", "keeps": "best"}
    sign_in(grace).post(reverse("grading:activity-settings", args=[place.pk]), filled)
    result = Result.objects.get()
    assert (result.percentage, result.passed, result.attempt.pass_mark) == (85, True, 80)


def test_a_copy_says_so(place: ResourceLink, grace: LtiUser) -> None:
    original = factories.make_activity(
        factories.make_link(factories.make_course(place.deployment, title="Last year")), title="Nudes"
    )
    factories.make_activity(place, copied_from=original)
    said = says(sign_in(grace), place)
    assert "Copied from “Nudes” in Last year. Its results and settings are its own." in said


def test_an_activity_that_the_link_has_given_up_is_owed_by_nobody(
    place: ResourceLink, grace: LtiUser
) -> None:
    before = factories.make_activity(place, title="The old one")
    factories.take(factories.make_enrolment(before), 90)
    factories.make_member(place.context, "Bob")
    Activity.objects.update(resource_link=None)
    factories.make_activity(place, title="The new one")
    said = says(sign_in(grace), place)
    assert said.index("The new one") < said.index("Bob") < said.index("The old one")
    assert "The link was given other content since. What people did in this one is kept." in said
    assert said.count("Bob") == 1


# --- the course's list of members -----------------------------------------------------------------------------


def make_roster(place: ResourceLink, **changes: object) -> Roster:
    url = "https://vle.example/memberships"
    return Roster.objects.create(**{"context": place.context, "url": url, **changes})


READ_AT = datetime(2026, 9, 1, 6, 30, tzinfo=UTC)
NOTES = {
    "none shared": (None, "Your VLE shares no list of members with the training"),
    "on its way": ({}, "The course’s list of members is on its way."),
    "never came": (
        {"problem": "The VLE forbids it."},
        "Your VLE has not given us the course’s list of members",
    ),
    "is here": ({"synced_at": READ_AT}, "Your VLE’s list of members was read on 1 September 2026 at 07:30."),
    "came no more": (
        {"synced_at": READ_AT, "problem": "The VLE forbids it."},
        "was read on 1 September 2026 at 07:30. Since then it could not be read.",
    ),
}


@pytest.mark.parametrize("what", NOTES)
def test_whose_list_it_is(place: ResourceLink, grace: LtiUser, what: str) -> None:
    said, words = NOTES[what]
    if said is not None:
        make_roster(place, **said)
    page = says(sign_in(grace), place)

    assert words in page
    assert ("those who have opened" in page) == (what in {"none shared", "on its way", "never came"})
    assert ("Refresh the list" in page) == (said is not None)
    # What to mend is the operator's to know.
    assert "forbids" not in page


def test_refreshing_the_list(place: ResourceLink, grace: LtiUser) -> None:
    roster, client = make_roster(place), sign_in(grace)
    address = reverse("grading:refresh-list", args=[place.pk])

    response = client.post(address)

    roster.refresh_from_db()
    assert roster.due_at is not None
    query = response.headers["Location"].partition("?")[2]
    assert "The list of members is being read." in says(client, place, f"?{query}")

    again = client.post(address).headers["Location"].partition("?")[2]
    assert "asked for a few minutes ago" in says(client, place, f"?{again}")


def test_nobody_else_refreshes_the_list(place: ResourceLink) -> None:
    roster = make_roster(place)
    bob = factories.make_member(place.context, "Bob")
    charlie = factories.make_member(factories.make_course(), "Charlie", lead=True)
    for somebody in (bob, charlie):
        address = reverse("grading:refresh-list", args=[place.pk])
        assert sign_in(somebody).post(address).status_code == 404
    roster.refresh_from_db()
    assert roster.due_at is None


def test_refreshing_where_there_is_no_list(place: ResourceLink, grace: LtiUser) -> None:
    response = sign_in(grace).post(reverse("grading:refresh-list", args=[place.pk]))
    assert response.headers["Location"].endswith("?asked=0")


def test_those_who_have_left_are_apart(place: ResourceLink, grace: LtiUser) -> None:
    factories.make_activity(place)
    factories.make_member(place.context, "Ann")
    bob = factories.make_member(place.context, "Bob")
    Membership.objects.filter(lti_user=bob).update(left_at=READ_AT)

    here, _, left = says(sign_in(grace), place).partition("No longer in the course: 1 person")

    assert ("Ann" in here, "Bob" in here, "Bob" in left) == (True, False, True)


def test_a_short_list_needs_no_search(place: ResourceLink, grace: LtiUser) -> None:
    factories.make_activity(place)
    factories.make_member(place.context, "Ann")
    assert "Part of a name" not in says(sign_in(grace), place)


@pytest.fixture
def many(place: ResourceLink) -> None:
    factories.make_activity(place)
    for number in range(130):
        factories.make_member(place.context, f"Person {number:03} &c")


@pytest.mark.usefixtures("many")
def test_a_long_list_is_searched_and_turned_page_by_page(place: ResourceLink, grace: LtiUser) -> None:
    client = sign_in(grace)

    first = client.get(reverse("grading:lead", args=[place.pk]) + "?show=not-started&sent=1").content.decode()
    assert "Person 099" in first
    assert "Person 100" not in first
    # What was said once is not said on every page.
    assert '<a rel="next" href="?show=not-started&amp;page=2">' in first
    assert "Page 2 of 2" in says(client, place, "?show=not-started&page=2")
    assert "Person 129" in says(client, place, "?show=not-started&page=2")
    found = says(client, place, "?name=person+12%261&show=")
    assert "Nobody matches" in found
    assert "Part of a name" in found
    assert "Person 121" in says(client, place, "?name=121+%26C")


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    "query", ["?show=x", "?page=-1", "?page=1e9", "?name=%00", "?show=left&page=x", "?name="]
)
def test_what_makes_no_sense_in_the_address(place: ResourceLink, grace: LtiUser, query: str) -> None:
    response = sign_in(grace).get(reverse("grading:lead", args=[place.pk]) + query)
    assert response.status_code == 200

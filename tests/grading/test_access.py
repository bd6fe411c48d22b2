"""Who may load what: Alice who owns it, Bob beside her, Charlie from another VLE, and who leads.

The session says who is signed in; each loader reads their rights now, in the query that fetches.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import Http404, HttpRequest
from django.utils import timezone

from grading import access
from grading.models import Attempt, Enrolment
from lti_tool.models import Context, Deployment, Launch, LtiUser, Membership, Registration, ResourceLink
from tests import factories

pytestmark = pytest.mark.django_db


def signed_in(*users: LtiUser) -> HttpRequest:
    request = HttpRequest()
    request.signed_in = {user.registration_id: user.pk for user in users}  # type: ignore[attr-defined]
    return request


@pytest.fixture
def course(db: None) -> Context:
    return factories.make_course()


@pytest.fixture
def alice(course: Context) -> LtiUser:
    return factories.make_member(course, "Alice Adams")


@pytest.fixture
def bob(course: Context) -> LtiUser:
    return factories.make_member(course, "Bob Brown")


@pytest.fixture
def charlie(db: None) -> LtiUser:
    """From another VLE, and a lead there; the VLE calls him by Alice's `sub`."""
    return factories.make_member(factories.make_course(), "Charlie Cole", lead=True)


@pytest.fixture
def lead(course: Context) -> LtiUser:
    return factories.make_member(course, "Lena Long", lead=True)


@pytest.fixture
def lead_next_door(course: Context) -> LtiUser:
    """Leads another course of the same deployment."""
    return factories.make_member(factories.make_course(course.deployment), "Noor Nabi", lead=True)


@pytest.fixture
def enrolment(course: Context, alice: LtiUser, charlie: LtiUser) -> Enrolment:
    """Alice's, at a link of the course."""
    LtiUser.objects.filter(pk=charlie.pk).update(sub=alice.sub)
    return factories.make_enrolment(factories.make_activity(factories.make_link(course)), alice)


@pytest.fixture
def link(enrolment: Enrolment) -> ResourceLink:
    return enrolment.resource_link


@pytest.fixture
def attempt(enrolment: Enrolment) -> Attempt:
    return factories.start(enrolment)


@pytest.fixture
def launch(enrolment: Enrolment) -> Launch:
    return factories.make_launch(enrolment.lti_user, enrolment.resource_link)


# Loaders of what is Alice's own, each with the name of the fixture that it loads.
OWN: dict[str, Callable[[HttpRequest, int], Any]] = {
    "launch": access.launch_of,
    "enrolment": access.enrolment_of,
    "attempt": access.attempt_of,
}


@pytest.fixture(params=OWN)
def own(request: pytest.FixtureRequest) -> tuple[Callable[[HttpRequest, int], Any], Any]:
    return OWN[request.param], request.getfixturevalue(request.param)


def test_alice_loads_her_own(own: Any, alice: LtiUser) -> None:
    load, row = own
    assert load(signed_in(alice), row.pk) == row


def test_alice_loads_it_in_one_query(own: Any, alice: LtiUser, django_assert_num_queries: Any) -> None:
    """And what the pages read of it comes along."""
    load, row = own
    request = signed_in(alice)
    with django_assert_num_queries(1):
        loaded = load(request, row.pk)
        enrolment = getattr(loaded, "enrolment", loaded)
        assert enrolment.lti_user.person.certificate_name == ""
        assert enrolment.resource_link.context.title == "Safeguarding"
        assert enrolment.resource_link.deployment.status == "accepted"


def test_alice_loads_her_own_while_charlie_is_signed_in_too(
    own: Any, alice: LtiUser, charlie: LtiUser
) -> None:
    """One browser, two VLEs."""
    load, row = own
    assert load(signed_in(charlie, alice), row.pk) == row


@pytest.mark.parametrize("other", ["bob", "charlie", "lead", "lead_next_door"])
def test_nobody_else_loads_it(own: Any, other: str, request: pytest.FixtureRequest) -> None:
    load, row = own
    with pytest.raises(Http404):
        load(signed_in(request.getfixturevalue(other)), row.pk)


def test_nobody_at_all_loads_it(own: Any) -> None:
    load, row = own
    with pytest.raises(Http404):
        load(signed_in(), row.pk)


def test_what_is_not_there_looks_the_same(own: Any, alice: LtiUser) -> None:
    load, row = own
    with pytest.raises(Http404) as missing:
        load(signed_in(alice), row.pk + 1)
    with pytest.raises(Http404) as foreign:
        load(signed_in(), row.pk)
    assert str(missing.value) == str(foreign.value)


SHUT: dict[str, Callable[[LtiUser], object]] = {
    "the user is switched off": lambda user: LtiUser.objects.filter(pk=user.pk).update(is_active=False),
    "the registration is switched off": lambda user: Registration.objects.filter(
        pk=user.registration_id
    ).update(is_active=False),
    "the deployment is refused": lambda user: user.registration.deployments.update(
        status=Deployment.Status.REFUSED
    ),
    "the deployment is pending again": lambda user: user.registration.deployments.update(
        status=Deployment.Status.PENDING
    ),
}


@pytest.mark.parametrize("shut", SHUT)
def test_what_is_shut_is_shut_at_once(own: Any, alice: LtiUser, shut: str) -> None:
    load, row = own
    SHUT[shut](alice)
    with pytest.raises(Http404):
        load(signed_in(alice), row.pk)


# --- a place that somebody leads ----------------------------------------------------------------------------


def test_a_lead_loads_a_link_of_their_course(link: ResourceLink, lead: LtiUser) -> None:
    assert access.led_place(signed_in(lead), link.pk) == (link, lead)


def test_a_lead_signed_in_from_two_vles_is_the_one_of_this(
    link: ResourceLink, lead: LtiUser, charlie: LtiUser
) -> None:
    assert access.led_place(signed_in(charlie, lead), link.pk) == (link, lead)


@pytest.mark.parametrize("other", ["alice", "bob", "charlie", "lead_next_door"])
def test_nobody_else_leads_it(link: ResourceLink, other: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(Http404):
        access.led_place(signed_in(request.getfixturevalue(other)), link.pk)


def test_nobody_at_all_leads_it(link: ResourceLink) -> None:
    with pytest.raises(Http404):
        access.led_place(signed_in(), link.pk)


def test_leading_elsewhere_gives_a_learner_nothing_here(
    link: ResourceLink, alice: LtiUser, charlie: LtiUser
) -> None:
    """Alice learns here; Charlie, signed in in the same browser, leads in his own VLE."""
    with pytest.raises(Http404):
        access.led_place(signed_in(alice, charlie), link.pk)


def test_a_lead_who_was_made_a_learner_leads_no_more(link: ResourceLink, lead: LtiUser) -> None:
    Membership.objects.filter(lti_user=lead).update(is_lead=False, is_learner=True)
    with pytest.raises(Http404):
        access.led_place(signed_in(lead), link.pk)


def test_a_lead_who_has_left_the_course_leads_no_more(link: ResourceLink, lead: LtiUser) -> None:
    Membership.objects.filter(lti_user=lead).update(left_at=timezone.now())
    with pytest.raises(Http404):
        access.led_place(signed_in(lead), link.pk)


@pytest.mark.parametrize("shut", SHUT)
def test_a_lead_who_is_shut_out_is_out_at_once(link: ResourceLink, lead: LtiUser, shut: str) -> None:
    SHUT[shut](lead)
    with pytest.raises(Http404):
        access.led_place(signed_in(lead), link.pk)


def test_a_link_that_moved_to_another_course_is_led_there(
    link: ResourceLink, lead: LtiUser, lead_next_door: LtiUser
) -> None:
    link.context = lead_next_door.memberships.get().context
    link.save()

    assert access.led_place(signed_in(lead_next_door), link.pk) == (link, lead_next_door)
    with pytest.raises(Http404):
        access.led_place(signed_in(lead), link.pk)


# --- the activities at a link -------------------------------------------------------------------------------


def test_activities_at_a_link_are_its_own_and_those_taken_there(
    enrolment: Enrolment, link: ResourceLink
) -> None:
    placed = factories.make_activity(link, resource_link=None, title="Placed by deep linking")
    for _ in range(2):
        factories.make_enrolment(placed, link=link)
    elsewhere = factories.make_activity(factories.make_link(link.context))

    assert set(access.activities_at(link)) == {enrolment.activity, placed}
    assert access.activities_at(link).count() == 2
    assert list(access.activities_at(elsewhere.resource_link)) == [elsewhere]


def test_an_activity_of_another_deployment_is_not_shown(enrolment: Enrolment, link: ResourceLink) -> None:
    foreign = factories.make_activity(factories.make_link(), resource_link=None)
    factories.make_enrolment(foreign, enrolment.lti_user, link=link)

    assert list(access.activities_at(link)) == [enrolment.activity]

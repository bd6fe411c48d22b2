"""A lead's pages for their school's own details, and an operator's for a trust's."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from grading import personal_data
from lti_tool import local_details
from lti_tool.local_details import Contact, Details, Local
from lti_tool.models import (
    LocalDetails,
    LocalDetailsChange,
    LocalReminder,
    LtiUser,
    Membership,
    ResourceLink,
    Trust,
)
from tests import factories
from tests.course_content.test_local import main
from tests.course_content.test_views import sign_in

pytestmark = pytest.mark.django_db

FILLED = {
    "dsl_name": "Jo Reed",
    "dsl_phone": "01632 960123",
    "dsl_where": "Room 12, beside reception",
    "deputy_1_name": "Sam Poole",
    "deputy_1_phone": "ext 204",
    "deputy_2_name": "",
    "deputy_2_phone": "",
    "deputy_3_name": "Ada Lin",
    "deputy_3_phone": "",
    "policy_url": "hillside.example/policy.pdf",
    "front_door_name": "Area front door",
    "front_door_phone": "01632 960555",
    "lado_name": "",
    "lado_phone": "01632 960777",
    "out_of_hours_name": "Night team",
    "out_of_hours_phone": "01632 960666",
    "rules": ["two-decide", "under-13-referred"],
    "seen": "0",
}
READ = Details(
    dsl=Contact("Jo Reed", "01632 960123"),
    dsl_where="Room 12, beside reception",
    deputies=(Contact("Sam Poole", "ext 204"), Contact("Ada Lin", "")),
    policy_url="https://hillside.example/policy.pdf",
    front_door=Contact("Area front door", "01632 960555"),
    lado=Contact("", "01632 960777"),
    out_of_hours=Contact("Night team", "01632 960666"),
    rules=("under-13-referred", "two-decide"),
)


@pytest.fixture
def link() -> ResourceLink:
    school = factories.make_school("Hillside School")
    return factories.make_link(factories.make_course(factories.make_deployment(school=school)))


@pytest.fixture
def grace(link: ResourceLink) -> LtiUser:
    return factories.make_member(link.context, "Grace", lead=True)


def page(link: ResourceLink, name: str = "local", **query: str) -> str:
    return reverse(f"learn:{name}", args=[link.pk], query=query or None)


def read(link: ResourceLink) -> Local:
    return local_details.of_course(link.context_id, now=timezone.now())


def save(client: Client, link: ResourceLink, **changes: Any) -> Any:
    return client.post(page(link, "local-edit"), {**FILLED, **changes})


# --- a lead's pages ---------------------------------------------------------------------------------------------


def test_a_lead_enters_the_details_and_staff_read_them(link: ResourceLink, grace: LtiUser) -> None:
    client = sign_in(grace)
    lead_page = reverse("grading:lead", args=[link.pk])
    assert "Your staff do not see yet whom to tell" in main(client.get(lead_page))
    said = main(client.get(page(link)))
    assert "Nobody has entered yet whom staff should tell." in said
    assert "All of it is still right" not in said

    saved = save(client, link)

    assert saved.headers["Location"] == page(link, said="saved")
    assert read(link).details == READ
    said = main(client.get(saved.headers["Location"]))
    assert "Saved. Staff see it from now on." in said
    assert "Whom to tell First Jo Reed 01632 960123 Room 12, beside reception" in said
    assert "Two people decide every case together" in said
    said = main(client.get(lead_page))
    assert "Your staff are told to go to Jo Reed first, as checked on" in said
    assert "whom to tell" not in said


def test_what_is_there_stands_in_the_form(link: ResourceLink, grace: LtiUser) -> None:
    client = sign_in(grace)
    save(client, link)
    html = client.get(page(link, "local-edit")).content.decode()
    fields = dict(re.findall(r'<input type="[a-z]+" name="(\w+)" value="([^"]*)"', html))
    assert fields["deputy_2_name"] == "Ada Lin"
    assert fields["policy_url"] == "https://hillside.example/policy.pdf"
    assert fields["seen"] == "1"
    assert re.findall(r'value="([a-z0-9-]+)"[^>]* checked', html) == ["under-13-referred", "two-decide"]


def test_a_lead_says_that_all_of_it_is_still_right(link: ResourceLink, grace: LtiUser) -> None:
    client = sign_in(grace)
    save(client, link)
    LocalDetails.objects.update(confirmed_on=timezone.localdate() - timedelta(days=180))
    lead_page = reverse("grading:lead", args=[link.pk])
    assert "Are your school’s names and numbers still right?" in main(client.get(lead_page))
    assert "Nobody has checked them since" in main(client.get(page(link)))

    confirmed = client.post(page(link, "local-confirm"), {"seen": "1"})

    assert "Thank you." in main(client.get(confirmed.headers["Location"]))
    assert read(link).confirmed_on == timezone.localdate()
    said = main(client.get(page(link)))
    assert "Grace Said that all of it is right" in said
    assert "Grace Changed: whom to tell first, their phone, where to find them, the deputies" in said


@pytest.mark.parametrize("name", ["local-edit", "local-confirm"])
@pytest.mark.parametrize("seen", ["0", "2", "-1", "x", "", "²", "9" * 20, "9" * 5000])
def test_a_page_that_is_behind_changes_nothing(
    link: ResourceLink, grace: LtiUser, name: str, seen: str
) -> None:
    client = sign_in(grace)
    save(client, link)
    LocalDetails.objects.update(confirmed_on=None)

    behind = client.post(page(link, name), {**FILLED, "dsl_name": "Somebody Else", "seen": seen})

    if seen in {"0", "2"}:
        said = main(client.get(behind.headers["Location"]))
        assert "Somebody else changed the details while your page was open." in said
    assert (read(link).details, read(link).confirmed_on) == (READ, None)
    assert LocalDetailsChange.objects.count() == 1


def test_whoever_does_not_lead_a_course_there_is_not_let_in(link: ResourceLink, grace: LtiUser) -> None:
    save(sign_in(grace), link)
    alice = factories.make_member(link.context, "Alice")
    charlie = factories.make_member(factories.make_course(link.deployment), "Charlie", lead=True)
    was = factories.make_member(link.context, "Was", lead=True)
    Membership.objects.filter(lti_user=was).update(left_at=timezone.now())

    for somebody in (alice, charlie, was):
        client = sign_in(somebody)
        for name in ("local", "local-edit", "local-confirm"):
            assert client.get(page(link, name)).status_code in {404, 405}
            assert client.post(page(link, name), {**FILLED, "seen": "1"}).status_code in {404, 405}
    assert LocalDetailsChange.objects.count() == 1


def test_the_leads_of_all_its_courses_look_after_a_schools(link: ResourceLink, grace: LtiUser) -> None:
    save(sign_in(grace), link)
    second = factories.make_link(factories.make_course(link.deployment))
    noor = factories.make_member(second.context, "Noor", lead=True)

    assert "Jo Reed" in main(sign_in(noor).get(page(second)))
    save(sign_in(noor), second, dsl_name="Ali Khan", seen="1")

    assert read(link).details.dsl.name == "Ali Khan"
    assert [one.by for one in local_details.changes_of(link.context_id)] == [noor, grace]


def test_without_a_school_it_says_how_far_they_are_shown() -> None:
    link = factories.make_link()
    grace = factories.make_member(link.context, "Grace", lead=True)
    assert "It is shown in this course alone" in main(sign_in(grace).get(page(link)))


def test_where_there_is_nobody_to_tell_nothing_is_confirmed(link: ResourceLink, grace: LtiUser) -> None:
    client = sign_in(grace)
    for _time in range(2):
        client.post(page(link, "local-confirm"), {"seen": "0"})
    assert not LocalDetails.objects.exists()


def test_a_line_of_somebody_erased_names_nobody(link: ResourceLink, grace: LtiUser) -> None:
    save(sign_in(grace), link)
    LocalDetailsChange.objects.update(by=None)
    said = main(sign_in(grace).get(page(link)))
    assert re.search(r"Who changed it, and when \d+ \w+ \d{4}, \d\d:\d\d Changed:", said)


# --- what may be entered ----------------------------------------------------------------------------------------

NUMBER = "Give one number, such as"
WORDS = "Use words only: no links, and none of the signs"
ADDRESS = "Give the address of a page on the web that begins with https://."


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("dsl_name", "", "Give the name, too."),
        ("dsl_name", "Jo <b>Reed</b>", WORDS),
        ("dsl_name", "J" * 81, "Use 80 characters or fewer."),
        ("dsl_phone", "call Jo", NUMBER),
        ("dsl_phone", "01632 960123 / 960124", NUMBER),
        ("dsl_where", "see https://evil.example", WORDS),
        ("dsl_where", "see www.evil.example", WORDS),
        ("dsl_where", "w" * 121, "Use 120 characters or fewer."),
        ("deputy_1_name", "", "Give the name, too."),
        ("front_door_phone", "", "Give the number, too: it is what is needed."),
        ("out_of_hours_phone", "", "Give the number, too: it is what is needed."),
        ("policy_url", "http://hillside.example/policy", ADDRESS),
        ("policy_url", "javascript:alert(1)", ADDRESS),
        ("policy_url", "data:text/html,hello", ADDRESS),
        ("policy_url", "https://hillside@evil.example/", ADDRESS),
        ("policy_url", "https://127.0.0.1/policy", ADDRESS),
        ("policy_url", "https://[::1]/policy", ADDRESS),
        ("policy_url", "https://localhost/policy", ADDRESS),
        ("policy_url", f"https://hillside.example/{'p' * 500}", "Use 500 characters or fewer."),
        ("rules", ["no-need-to-refer"], "That is not one of the rules."),
    ],
)
def test_a_slip_is_named_at_its_field_and_nothing_is_kept(
    link: ResourceLink, grace: LtiUser, field: str, typed: Any, message: str
) -> None:
    wrong = save(sign_in(grace), link, **{field: typed})
    html = wrong.content.decode()
    assert message in main(wrong)
    assert "There is a problem" in html
    assert "<title>Error:" in html
    target = f"id_{field}_0" if field == "rules" else f"id_{field}"
    assert f'href="#{target}"' in html
    assert f'id="{target}"' in html
    assert not LocalDetails.objects.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dsl_phone": "", "dsl_where": ""}, "The person to tell first, Phone: Give a number, or say where"),
        ({"deputy_1_name": ""}, "Deputy 1, Name: Give the name, too."),
    ],
)
def test_a_name_without_a_way_to_reach_it_is_no_use(
    link: ResourceLink, grace: LtiUser, changes: dict[str, str], message: str
) -> None:
    assert message in main(save(sign_in(grace), link, **changes))


def test_somebody_who_has_left_can_be_taken_out_before_it_is_known_who_follows(
    link: ResourceLink, grace: LtiUser
) -> None:
    client = sign_in(grace)
    save(client, link)
    save(client, link, dsl_name="", dsl_phone="", dsl_where="", seen="1")

    assert read(link).is_missing
    assert "Your staff do not see yet whom to tell" in main(
        client.get(reverse("grading:lead", args=[link.pk]))
    )


def test_what_nobody_can_see_is_left_out(link: ResourceLink, grace: LtiUser) -> None:
    save(sign_in(grace), link, dsl_name="  Jo \u202e Reed\x07 ", dsl_phone=" 01632\u00a0960123 ")
    assert read(link).details.dsl == Contact("Jo Reed", "01632 960123")


def test_there_is_no_field_to_take_a_duty_away_or_to_write_a_rule(link: ResourceLink, grace: LtiUser) -> None:
    html = sign_in(grace).get(page(link, "local-edit")).content.decode()
    names = set(re.findall(r'name="(\w+)"', html.partition("<main")[2]))
    assert names == {*FILLED, "csrfmiddlewaretoken"}
    assert "<textarea" not in html
    assert 'type="file"' not in html


# --- a trust's, for an operator ---------------------------------------------------------------------------------


@pytest.fixture
def operator() -> Client:
    client = Client(headers={"host": "tool.example"})
    client.force_login(User.objects.create_superuser("operator", password="a long password"))
    return client


GIVEN = {
    "policy_url": "https://downs.example/policy",
    "front_door_name": "Area front door",
    "front_door_phone": "01632 960555",
    "rules": ["two-decide"],
}


def test_an_operator_enters_a_trusts_and_its_schools_read_them(
    link: ResourceLink, grace: LtiUser, operator: Client
) -> None:
    trust = Trust.objects.create(name="Downs Trust")
    school = link.deployment.school
    assert school is not None
    school.trust = trust
    school.save()
    wrong = operator.post(
        "/admin/lti_tool/localdetails/add/", {"trust": trust.pk, **GIVEN, "front_door_phone": "x"}
    )
    assert NUMBER in wrong.content.decode()
    for address in ("/admin/lti_tool/localdetails/add/", f"/admin/lti_tool/localdetails/{0}/change/"):
        if "/0/" in address:
            address = address.replace("/0/", f"/{LocalDetails.objects.get().pk}/")
        assert operator.post(address, {"trust": trust.pk, **GIVEN}).status_code == 302

    assert LocalDetails.objects.get().trust == trust
    assert read(link).details == Details(
        policy_url="https://downs.example/policy",
        front_door=Contact("Area front door", "01632 960555"),
        rules=("two-decide",),
    )
    assert [entry.user.get_username() for entry in LogEntry.objects.all()] == ["operator"] * 2
    client = sign_in(grace)
    said = main(client.get(page(link, "local-edit")))
    assert "Downs Trust has chosen for all its schools: Two people decide every case together" in said
    save(client, link, front_door_name="", front_door_phone="", policy_url="", rules=[])
    said = main(client.get(page(link)))
    assert "To refer a case Area front door 01632 960555" in said
    assert "What you leave empty comes from Downs Trust" in said


def test_an_operator_only_looks_at_a_schools(link: ResourceLink, grace: LtiUser, operator: Client) -> None:
    save(sign_in(grace), link)
    listed = operator.get("/admin/lti_tool/localdetails/").content.decode()
    assert "Local details of Hillside School" in listed
    address = f"/admin/lti_tool/localdetails/{LocalDetails.objects.get().pk}/"
    shown = operator.get(f"{address}change/").content.decode()
    assert "Jo Reed" in shown
    assert 'name="dsl_name"' not in shown
    assert operator.post(f"{address}change/", {"trust": "", **GIVEN}).status_code == 403
    assert operator.post(f"{address}delete/", {"post": "yes"}).status_code == 403
    assert read(link).details == READ


# --- what is kept of whoever looks after them -------------------------------------------------------------------


def test_ones_own_data_say_when_one_wrote_them_and_was_asked_to(link: ResourceLink, grace: LtiUser) -> None:
    save(sign_in(grace), link)
    now = timezone.now()
    LocalReminder.objects.create(
        details=LocalDetails.objects.get(), lti_user=grace, tried_at=now, sent_at=now
    )
    noor = factories.make_member(link.context, "Noor", lead=True)

    data = personal_data.of(grace, now=now)
    (change,) = data.local_changes
    assert (change.kind, change.fields[:2]) == ("changed", ("dsl_name", "dsl_phone"))
    assert data.reminded_at == (now,)
    assert personal_data.of(grace, now=now, within=link.deployment).local_changes == data.local_changes
    elsewhere = factories.make_deployment(link.deployment.registration)
    assert personal_data.of(grace, now=now, within=elsewhere).local_changes == ()
    assert personal_data.of(noor, now=now).local_changes == ()
    own = reverse("grading:own-data", args=[grace.registration_id])
    assert "Written or confirmed on:" in main(sign_in(grace).get(own))


def test_an_administrator_sees_what_was_done_from_their_own_deployment(
    link: ResourceLink, grace: LtiUser
) -> None:
    """One school, two deployments of its VLE, and a lead who leads here and only learns there."""
    there = factories.make_deployment(link.deployment.registration, school=link.deployment.school)
    course = factories.make_course(there)
    Membership.objects.create(context=course, lti_user=grace, is_learner=True)
    save(sign_in(grace), link)
    now = timezone.now()
    LocalReminder.objects.create(details=LocalDetails.objects.get(), lti_user=grace, sent_at=now)

    here = personal_data.of(grace, now=now, within=link.deployment)
    assert (len(here.local_changes), here.reminded_at) == (1, (now,))
    elsewhere = personal_data.of(grace, now=now, within=there)
    assert (elsewhere.local_changes, elsewhere.reminded_at) == ((), ())

    # Leading there, too, shows nothing of what was written from here.
    second = factories.make_link(course)
    Membership.objects.filter(context=course).update(is_lead=True)
    save(sign_in(grace), second, seen="1")
    (change,) = personal_data.of(grace, now=now, within=there).local_changes
    assert change.kind == "confirmed"
    assert len(personal_data.of(grace, now=now).local_changes) == 2

"""The invitation link: what its holder reads, what they enter by hand, and who makes it."""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from lti_tool import invitations, registrations
from lti_tool.models import Deployment, Family, Invitation, Registration, School, ToolKey
from lti_tool.refusals import EXPLANATIONS, RegistrationRefused
from tests.factories import at_once, make_deployment, make_registration, make_school
from tests.platforms.admin import frame_ancestors, heading, invite, open_page
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform
from tests.platforms.profiles import BLACKBOARD, CANVAS, Profile

pytestmark = pytest.mark.django_db
BY_HAND = "https://tool.example/lti/register/by-hand"


@pytest.fixture(autouse=True)
def _key(tool_key: ToolKey) -> None:
    """Already made: that takes a while."""


def token_of(link: str) -> str:
    return link.split("invitation=")[1]


def by_hand(link: str, family: str, **form: str) -> HttpResponse:
    """Open or send the page for a VLE of this make."""
    address = f"{BY_HAND}/{family}/?invitation={token_of(link)}"
    return open_page(address, "post", **form) if form else open_page(address)


def errors(response: HttpResponse) -> dict[str, str]:
    """What stands at the fields, by the field's label."""
    page = response.content.decode()
    found = re.findall(r'<label for="[^"]*">([^<]*)</label>.*?(?=<label|</form>)', page, re.S)
    at_field = re.findall(
        r'class="field wrong">\s*<label for="[^"]*">([^<]*)</label>.*?class="error"[^>]*>.*?</span> ([^<]*)</p>',
        page,
        re.S,
    )
    assert found
    return dict(at_field)


# --- the token ------------------------------------------------------------------------------------------------


def test_only_a_hash_of_the_token_is_kept() -> None:
    token = token_of(invite())

    assert len(token) >= 43
    kept = Invitation.objects.values().get()
    assert kept["token_hash"] == hashlib.sha256(token.encode()).hexdigest()
    assert [value for value in kept.values() if value == token] == []


def test_no_two_are_alike() -> None:
    assert len({invite() for _ in range(50)}) == 50


def test_the_link_is_the_fixed_address() -> None:
    assert invite().startswith("https://tool.example/lti/register/?invitation=")


# --- what its holder reads -------------------------------------------------------------------------------------


def test_opened_in_a_browser_it_says_what_to_do() -> None:
    link = invite()

    response = open_page(link)

    page = response.content.decode()
    assert (response.status_code, heading(response)) == (200, "Connect your VLE")
    assert f'value="{link}" readonly>' in page
    for vle in ("Moodle", "Canvas", "Brightspace", "Blackboard", "Sakai", "Another one"):
        assert f"<summary>{vle}</summary>" in page


def test_looking_at_it_does_not_use_it_up() -> None:
    link = invite()
    open_page(link)
    open_page(link)

    assert Invitation.objects.get().used_at is None


def test_nobody_s_frame_may_show_it() -> None:
    assert frame_ancestors(open_page(invite())) == ["'none'"]


def test_neither_browser_nor_proxy_keeps_it() -> None:
    assert "no-store" in open_page(invite())["Cache-Control"]


@pytest.mark.parametrize("family", Family.values)
def test_every_make_s_page_by_hand_can_be_reached(family: str) -> None:
    link = invite()

    assert f"/lti/register/by-hand/{family}/?invitation={token_of(link)}" in open_page(link).content.decode()
    assert by_hand(link, family).status_code == 200


def test_blackboard_s_client_id_is_there_to_be_entered() -> None:
    assert "Please ask them for it" in open_page(invite()).content.decode()
    make_registration("https://blackboard.com", client_id="1111-2222", family=Family.BLACKBOARD)

    assert "<code>1111-2222</code>" in open_page(invite()).content.decode()
    assert 'value="1111-2222"' in by_hand(invite(), "blackboard").content.decode()


def test_a_client_id_of_another_s_blackboard_is_not_given_away() -> None:
    make_registration("https://own.example", client_id="1111-2222", family=Family.BLACKBOARD)

    assert "1111-2222" not in open_page(invite()).content.decode()


# --- links that do not work ------------------------------------------------------------------------------------


def expired() -> str:
    return invite(expires_at=timezone.now() - timedelta(seconds=1))


def used() -> str:
    link = invite()
    Invitation.objects.update(registration=make_registration(), used_at=timezone.now())
    return link


def in_use() -> str:
    link = invite()
    Invitation.objects.update(used_at=timezone.now())
    return link


def withdrawn() -> str:
    link = invite()
    Invitation.objects.all().delete()
    return link


REFUSED = [
    pytest.param(lambda: "https://tool.example/lti/register/", "invitation_missing", 400, id="missing"),
    pytest.param(lambda: invite() + "x", "invitation_unknown", 404, id="forged"),
    pytest.param(lambda: invite()[:-1], "invitation_unknown", 404, id="cut off"),
    pytest.param(withdrawn, "invitation_unknown", 404, id="withdrawn"),
    pytest.param(expired, "invitation_expired", 410, id="expired"),
    pytest.param(used, "invitation_used", 410, id="used"),
    pytest.param(in_use, "invitation_in_use", 409, id="in use"),
]


@pytest.mark.parametrize(("made", "reason", "status"), REFUSED)
def test_a_link_that_does_not_work(made: Any, reason: str, status: int) -> None:
    response = open_page(made())

    page = response.content.decode()
    assert (response.status_code, heading(response)) == (status, "Not connected")
    assert f"<code>{reason}</code>" in page
    assert page.count("What to do:") == 1


@pytest.mark.parametrize(("made", "reason", "status"), REFUSED[1:])
def test_nor_does_it_by_hand(made: Any, reason: str, status: int) -> None:
    response = by_hand(made(), "moodle", **MOODLE)

    assert (response.status_code, f"<code>{reason}</code>" in response.content.decode()) == (status, True)
    assert Registration.objects.filter(issuer=MOODLE["issuer"]).count() == 0


def test_a_page_by_hand_without_an_invitation() -> None:
    assert open_page(f"{BY_HAND}/moodle/").status_code == 400


def test_a_process_that_died_on_the_way_holds_it_for_a_few_minutes() -> None:
    link = invite()
    Invitation.objects.update(used_at=timezone.now() - timedelta(minutes=4))
    assert open_page(link).status_code == 409

    Invitation.objects.update(used_at=timezone.now() - timedelta(minutes=6))

    assert open_page(link).status_code == 200


@pytest.mark.parametrize("reason", EXPLANATIONS)
def test_every_refusal_says_what_happened_and_one_thing_to_do(reason: str) -> None:
    explanation = RegistrationRefused(reason).explanation

    assert 400 <= explanation.status < 500
    assert explanation.what.endswith(".")
    assert explanation.next_step.endswith(".")


@pytest.mark.django_db(transaction=True)
def test_one_invitation_used_by_many_at_once() -> None:
    token = token_of(invite())
    now = timezone.now()

    def use() -> str:
        try:
            with invitations.claimed(token, now=now) as invitation:
                Invitation.objects.filter(pk=invitation.pk).update(registration=registration)
                return "connected"
        except RegistrationRefused as refused:
            return refused.reason

    registration = make_registration()
    outcomes = at_once(*[use] * 6)

    assert outcomes.count("connected") == 1
    assert set(outcomes) <= {"connected", "invitation_used", "invitation_in_use"}


# --- by hand ------------------------------------------------------------------------------------------------------

MOODLE = {
    "issuer": "http://localhost/moodle",
    "client_id": "AbC123",
    "deployment_id": "1",
    "jwks_url": "",
    "token_url": "",
    "auth_url": "",
}
CANVAS_FORM = {
    "pages": "http://localhost:3000/courses",
    "client_id": "10000000000001",
    "deployment_id": "",
    "issuer": "https://canvas.instructure.com",
    "auth_url": "http://localhost/api/lti/authorize_redirect",
    "token_url": "http://localhost/login/oauth2/token",
    "jwks_url": "http://localhost/api/lti/security/jwks",
}


def test_moodle_s_addresses_follow_from_its_own() -> None:
    school = make_school()

    response = by_hand(invite(school=school), "moodle", **MOODLE)

    assert heading(response) == "Connected"
    registration = Registration.objects.get()
    assert (registration.issuer, registration.client_id) == ("http://localhost/moodle", "AbC123")
    assert registration.auth_url == "http://localhost/moodle/mod/lti/auth.php"
    assert registration.token_url == "http://localhost/moodle/mod/lti/token.php"
    assert registration.jwks_url == "http://localhost/moodle/mod/lti/certs.php"
    assert (registration.family, registration.name) == (Family.MOODLE, "Riverside's VLE")
    deployment = registration.deployments.get()
    assert (deployment.deployment_id, deployment.status, deployment.school) == ("1", "accepted", school)
    assert Invitation.objects.get().registration == registration


def test_what_the_admin_says_goes_before_what_is_known() -> None:
    by_hand(invite(), "moodle", **{**MOODLE, "jwks_url": "http://localhost/keys"})

    assert Registration.objects.get().jwks_url == "http://localhost/keys"


@pytest.mark.parametrize(
    ("family", "known"),
    [
        (
            "canvas",
            {
                "issuer": "https://canvas.instructure.com",
                "auth_url": "https://sso.canvaslms.com/api/lti/authorize_redirect",
                "token_url": "https://sso.canvaslms.com/login/oauth2/token",
                "jwks_url": "https://sso.canvaslms.com/api/lti/security/jwks",
            },
        ),
        (
            "brightspace",
            {
                "token_url": "https://auth.brightspace.com/core/connect/token",
                "token_audience": "https://api.brightspace.com/auth/token",
            },
        ),
        (
            "blackboard",
            {
                "issuer": "https://blackboard.com",
                "auth_url": "https://developer.blackboard.com/api/v1/gateway/oidcauth",
                "token_url": "https://developer.blackboard.com/api/v1/gateway/oauth2/jwttoken",
            },
        ),
        ("sakai", {"deployment_id": "1"}),
        ("moodle", {}),
        ("generic", {}),
    ],
)
def test_what_is_known_of_a_make_is_filled_in(family: str, known: dict[str, str]) -> None:
    page = by_hand(invite(), family).content.decode()

    filled = {
        name: value
        for name, value in re.findall(r'<input type="(?:text|url)" name="(\w+)" value="([^"]*)"', page)
        if value
    }
    assert filled == known


def test_brightspace_by_hand() -> None:
    form = {
        "issuer": "http://localhost",
        "client_id": "0a1b",
        "deployment_id": "",
        "jwks_url": "",
        "token_url": "http://localhost/token",
        "auth_url": "",
        "token_audience": "",
    }

    assert heading(by_hand(invite(), "brightspace", **form)) == "Connected"

    registration = Registration.objects.get()
    assert registration.jwks_url == "http://localhost/d2l/.well-known/jwks"
    assert registration.auth_url == "http://localhost/d2l/lti/authenticate"
    assert registration.token_audience == "https://api.brightspace.com/auth/token"


def test_canvas_s_pages_may_show_the_training() -> None:
    response = by_hand(invite(), "canvas", **CANVAS_FORM)

    assert heading(response) == "Connected"
    assert Registration.objects.get().frame_hosts == "http://localhost:3000"


def test_canvas_s_first_deployment_is_accepted(vle: Callable[[Profile], FakePlatform]) -> None:
    platform = vle(CANVAS)
    school = make_school()
    addresses = {
        "auth_url": platform.auth_url,
        "token_url": platform.token_url,
        "jwks_url": platform.jwks_url,
    }
    form = {**CANVAS_FORM, **addresses, "issuer": platform.issuer, "client_id": platform.client_id}

    page = by_hand(invite(school=school), "canvas", **form).content.decode()

    assert "The first course that opens the training" in page
    assert Visitor(platform).launch().status_code == 302
    assert Deployment.objects.get().school == school


BLACKBOARD_FORM = {
    "pages": "http://localhost:3000",
    "client_id": "1111-2222",
    "deployment_id": "d-1",
    "issuer": "https://blackboard.com",
    "auth_url": "http://localhost/oidcauth",
    "token_url": "http://localhost/jwttoken",
    "jwks_url": "http://localhost/jwks.json",
}


def test_many_institutions_enter_one_client_id_in_their_blackboards() -> None:
    hill, dale = make_school("Hill"), make_school("Dale")
    by_hand(invite(school=hill, name="Hill's"), "blackboard", **BLACKBOARD_FORM)

    second = {**BLACKBOARD_FORM, "deployment_id": "d-2", "auth_url": "http://localhost/mine"}
    response = by_hand(invite(school=dale, name="Dale's"), "blackboard", **second)

    assert heading(response) == "Connected"
    registration = Registration.objects.get()
    assert (registration.auth_url, registration.name) == ("http://localhost/oidcauth", "Hill's")
    assert dict(registration.deployments.values_list("deployment_id", "school__name")) == {
        "d-1": "Hill",
        "d-2": "Dale",
    }


def test_a_deployment_of_another_school_s_blackboard() -> None:
    by_hand(invite(school=make_school("Hill")), "blackboard", **BLACKBOARD_FORM)

    response = by_hand(invite(school=make_school("Dale")), "blackboard", **BLACKBOARD_FORM)

    assert "<code>deployment_taken</code>" in response.content.decode()
    assert Deployment.objects.get().school.name == "Hill"  # type: ignore[union-attr]


def test_a_further_institution_adds_no_address_for_all_the_others() -> None:
    """It would be shown their pages, and be sent what they choose."""
    by_hand(invite(), "blackboard", **BLACKBOARD_FORM)
    before = registrations.frame_hosts(Registration.objects.get())

    theirs = {**BLACKBOARD_FORM, "deployment_id": "d-2", "pages": "http://localhost:4000"}
    assert heading(by_hand(invite(), "blackboard", **theirs)) == "Connected"

    assert registrations.frame_hosts(Registration.objects.get()) == before
    assert "https://*.blackboard.com" in before


def test_a_deployment_that_waits_is_not_accepted_for_typing_its_id() -> None:
    by_hand(invite(), "blackboard", **BLACKBOARD_FORM)
    waiting = make_deployment(Registration.objects.get(), deployment_id="d-2", status="pending")

    response = by_hand(invite(), "blackboard", **{**BLACKBOARD_FORM, "deployment_id": "d-2"})

    assert "<code>deployment_waits</code>" in response.content.decode()
    waiting.refresh_from_db()
    assert waiting.status == Deployment.Status.PENDING


def test_blackboard_must_name_its_deployment() -> None:
    response = by_hand(invite(), "blackboard", **{**BLACKBOARD_FORM, "deployment_id": ""})

    assert errors(response) == {"Deployment ID": "This field is required."}
    assert Registration.objects.count() == 0


def test_blackboard_s_people_come_in(vle: Callable[[Profile], FakePlatform]) -> None:
    platform = vle(BLACKBOARD)
    addresses = {
        "auth_url": platform.auth_url,
        "token_url": platform.token_url,
        "jwks_url": platform.jwks_url,
    }
    form = {**BLACKBOARD_FORM, **addresses, "client_id": platform.client_id}

    by_hand(invite(), "blackboard", **{**form, "deployment_id": platform.deployment_id})

    assert Visitor(platform).launch().status_code == 302


def test_what_is_connected_already_is_not_changed_by_hand() -> None:
    make_registration("http://localhost/moodle", client_id="AbC123")
    before = Registration.objects.values().get()

    response = by_hand(invite(), "moodle", **MOODLE)

    assert "<code>registration_exists</code>" in response.content.decode()
    assert Registration.objects.values().get() == before
    assert [i.used_at for i in Invitation.objects.all()] == [None]


@pytest.mark.parametrize(
    ("name", "value", "label"),
    [
        ("client_id", "", "Client ID"),
        ("client_id", "x" * 256, "Client ID"),
        ("deployment_id", "", "Deployment ID"),
        ("issuer", "", "Platform ID"),
        ("issuer", "moodle.example", "Platform ID"),
        ("issuer", "javascript:alert(1)", "Platform ID"),
        ("jwks_url", "javascript:alert(1)", "Public keyset URL"),
        ("jwks_url", "ftp://localhost/keys", "Public keyset URL"),
        ("token_url", "https://", "Access token URL"),
        ("auth_url", "x" * 501, "Authentication request URL"),
        ("auth_url", "http://intranet/auth", "Authentication request URL"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(name: str, value: str, label: str) -> None:
    response = by_hand(invite(), "moodle", **{**MOODLE, name: value})

    assert (response.status_code, list(errors(response))) == (200, [label])
    assert Registration.objects.count() == 0
    assert Invitation.objects.get().used_at is None


@pytest.mark.parametrize("name", ["auth_url", "token_url", "jwks_url"])
@pytest.mark.parametrize("address", ["http://vle.example/x", "https://127.0.0.1/x", "https://10.0.0.1/x"])
def test_addresses_that_no_vle_has(settings: Settings, name: str, address: str) -> None:
    settings.ALLOW_PRIVATE_PLATFORMS = False
    public = dict.fromkeys(("auth_url", "token_url", "jwks_url"), "https://8.8.8.8/x")
    form = {**CANVAS_FORM, **public, "pages": "https://canvas.example", name: address}

    response = by_hand(invite(), "canvas", **form)

    assert len(errors(response)) == 1
    assert "must be public and begin with https" in response.content.decode()
    assert Registration.objects.count() == 0


def test_a_private_platform_id_is_said_once_and_there(settings: Settings) -> None:
    settings.ALLOW_PRIVATE_PLATFORMS = False

    response = by_hand(invite(), "moodle", **{**MOODLE, "issuer": "https://127.0.0.1/moodle"})

    assert list(errors(response)) == ["Platform ID"]


def test_a_make_that_we_do_not_know() -> None:
    assert by_hand(invite(), "schoology").status_code == 404


def test_the_form_needs_its_protection() -> None:
    client = Client(headers={"host": "tool.example"}, enforce_csrf_checks=True)

    response = client.post(
        f"/lti/register/by-hand/moodle/?invitation={token_of(invite())}", MOODLE, secure=True
    )

    assert response.status_code == 403
    assert Registration.objects.count() == 0


# --- Canvas's JSON ----------------------------------------------------------------------------------------------


def test_the_json_that_canvas_reads() -> None:
    response = open_page("https://tool.example/lti/canvas.json")

    launch = "https://tool.example/lti/launch/"
    scope = "https://purl.imsglobal.org/spec/lti-ags/scope/"
    assert response["Content-Type"] == "application/json"
    assert response.json() == {  # type: ignore[attr-defined]
        "title": "SafeResponse",
        "description": "Training for school staff: what to do when children share nudes or semi-nudes.",
        "oidc_initiation_url": "https://tool.example/lti/login/",
        "target_link_uri": launch,
        "public_jwk_url": "https://tool.example/lti/jwks/",
        "scopes": [
            f"{scope}lineitem",
            f"{scope}lineitem.readonly",
            f"{scope}result.readonly",
            f"{scope}score",
            "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly",
        ],
        "extensions": [
            {
                "platform": "canvas.instructure.com",
                "domain": "tool.example",
                "tool_id": "saferesponse",
                "privacy_level": "public",
                "settings": {
                    "text": "SafeResponse",
                    "icon_url": "https://tool.example/static/lti_tool/icon.png",
                    "selection_width": 1000,
                    "selection_height": 800,
                    "placements": [
                        {
                            "placement": placement,
                            "text": "SafeResponse",
                            "message_type": "LtiDeepLinkingRequest",
                            "target_link_uri": launch,
                        }
                        for placement in (
                            "assignment_selection",
                            "link_selection",
                            "course_assignments_menu",
                            "module_index_menu_modal",
                            "module_menu_modal",
                        )
                    ],
                },
            }
        ],
    }


# --- who makes it: the command -----------------------------------------------------------------------------------


def command(**options: Any) -> str:
    output = StringIO()
    call_command("invite_vle", **{"name": "Riverside's Moodle", **options}, stdout=output)
    return output.getvalue().strip()


def test_the_command_prints_a_link_that_works() -> None:
    link = command(school="Riverside School")

    assert open_page(link).status_code == 200
    invitation = Invitation.objects.get()
    assert invitation.school is not None
    assert (invitation.name, invitation.school.name) == ("Riverside's Moodle", "Riverside School")
    assert timedelta(days=6.9) < invitation.expires_at - timezone.now() < timedelta(days=7.1)


def test_a_new_school_is_in_the_nation_that_was_said() -> None:
    command(school="Ysgol Glan yr Afon", nation="wales")
    command(school="Riverside School")

    assert dict(School.objects.values_list("name", "nation")) == {
        "Ysgol Glan yr Afon": "wales",
        "Riverside School": "england",
    }


def test_for_so_many_days() -> None:
    command(days=30)

    assert timedelta(days=29.9) < Invitation.objects.get().expires_at - timezone.now() < timedelta(days=30.1)


@pytest.mark.parametrize("days", [0, -1, 366])
def test_not_for_so_many(days: int) -> None:
    with pytest.raises(CommandError, match="--days"):
        command(days=days)
    assert Invitation.objects.count() == 0


def test_invited_again_after_the_first_link_was_lost() -> None:
    command(school="Riverside School")
    command(school="Riverside School")

    assert School.objects.count() == 1


def test_two_schools_of_one_name_do_not_share_a_register() -> None:
    make_deployment(school=make_school("St Mary's"))

    with pytest.raises(CommandError, match="--school"):
        command(school="St Mary's")
    assert Invitation.objects.count() == 0


# --- who makes it: the admin site -----------------------------------------------------------------------------


@pytest.fixture
def operator() -> Client:
    client = Client(headers={"host": "tool.example"})
    client.force_login(User.objects.create_superuser("operator", password="a long password"))
    return client


def add(operator: Client, **form: Any) -> HttpResponse:
    said = {"name": "Riverside's Moodle", "school": "", "expires_at_0": "2099-01-31", "expires_at_1": "12:00"}
    return operator.post("/admin/lti_tool/invitation/add/", {**said, **form}, secure=True)


def link_on(response: HttpResponse) -> str:
    (link,) = re.findall(r'value="(https://tool\.example/lti/register/[^"]*)"', response.content.decode())
    return str(link)


def test_the_link_is_shown_once(operator: Client) -> None:
    school = make_school("Riverside School")

    response = add(operator, school=school.pk)

    link = link_on(response)
    assert "no-store" in response["Cache-Control"]
    assert open_page(link).status_code == 200
    invitation = Invitation.objects.get()
    assert (invitation.name, invitation.school, invitation.created_by) == (
        "Riverside's Moodle",
        school,
        "operator",
    )
    token = token_of(link)
    for page in ("", f"{invitation.pk}/change/", f"{invitation.pk}/history/"):
        shown = operator.get(f"/admin/lti_tool/invitation/{page}", secure=True)
        assert (shown.status_code, token in shown.content.decode()) == (200, False)
    assert token not in str(operator.session.items()) + str(operator.cookies)


def test_seven_days_unless_said_otherwise(operator: Client) -> None:
    page = operator.get("/admin/lti_tool/invitation/add/", secure=True).content.decode()

    day = (timezone.localtime() + timedelta(days=7)).date()
    assert f'value="{day:%d/%m/%Y}"' in page


def test_what_is_wrong_makes_no_invitation(operator: Client) -> None:
    assert add(operator, expires_at_0="soon").status_code == 200
    assert Invitation.objects.count() == 0


def test_the_list_says_what_became_of_each(operator: Client) -> None:
    invite(name="Open")
    invite(name="Expired", expires_at=timezone.now() - timedelta(days=1))
    invite(name="Used")
    connected = make_registration(name="Hill's Moodle")
    Invitation.objects.filter(name="Used").update(registration=connected, used_at=timezone.now())

    page = operator.get("/admin/lti_tool/invitation/", secure=True).content.decode()

    states = re.findall(r'field-state">(\w+)<', page)
    assert sorted(states) == ["expired", "open", "used"]
    assert "Hill&#x27;s Moodle" in page


def test_an_invitation_that_is_deleted_works_no_more(operator: Client) -> None:
    link = invite()

    operator.post(
        "/admin/lti_tool/invitation/",
        {"action": "delete_selected", "_selected_action": [Invitation.objects.get().pk], "post": "yes"},
        secure=True,
    )

    assert open_page(link).status_code == 404


def test_changing_an_invitation_keeps_its_link(operator: Client) -> None:
    link = invite()
    pk = Invitation.objects.get().pk

    form = {"name": "Renamed", "school": "", "expires_at_0": "2099-01-31", "expires_at_1": "12:00"}
    operator.post(f"/admin/lti_tool/invitation/{pk}/change/", form, secure=True)

    assert Invitation.objects.get().name == "Renamed"
    assert open_page(link).status_code == 200


# --- whoever is invited speaks for nobody else ---------------------------------------------------------------

MOODLE_FORM = {
    "issuer": "https://moodle.example",
    "client_id": "theirs",
    "deployment_id": "1",
    "auth_url": "http://localhost/auth",
    "token_url": "http://localhost/token",
    "jwks_url": "http://localhost/jwks",
}


@pytest.mark.parametrize("is_active", [True, False])
def test_the_client_id_of_another_vle(is_active: bool) -> None:
    """All VLEs know us by one key: what we signed for theirs would be good at the other, too."""
    make_registration("https://other.example", client_id="theirs", is_active=is_active)

    response = by_hand(invite(), "moodle", **MOODLE_FORM)

    assert "<code>client_id_taken</code>" in response.content.decode()
    assert Registration.objects.count() == 1


def test_a_second_client_of_an_issuer_at_other_addresses() -> None:
    make_registration("https://moodle.example", client_id="real")

    response = by_hand(invite(), "moodle", **MOODLE_FORM)

    assert "<code>registration_exists</code>" in response.content.decode()
    assert registrations.find("https://moodle.example", "").client_id == "real"

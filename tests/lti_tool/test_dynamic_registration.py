"""A VLE connects itself with an invitation link, each make in its own way (LTI Dynamic Registration 1.0)."""

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from lti_tool import invitations
from lti_tool.models import DeepLinkingRequest, Deployment, Family, Invitation, Registration
from tests.factories import at_once, make_deployment, make_registration, make_school
from tests.platforms.admin import asked_of, connect, frame_ancestors, heading, invite, open_page
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform, Fault
from tests.platforms.people import TEACHER
from tests.platforms.profiles import (
    BRIGHTSPACE,
    CANVAS,
    EVERY_VLE,
    GENERIC,
    MOODLE,
    SAKAI,
    Profile,
)
from tests.platforms.terms import (
    AGS,
    ALL_SCOPES,
    DEEP_LINKING,
    PLATFORM_CONFIGURATION,
    ROSTER_SCOPE,
    TOOL_CONFIGURATION,
)

pytestmark = pytest.mark.django_db
DYNAMIC = [profile for profile in EVERY_VLE if profile.registering]
EVERY = pytest.mark.parametrize("profile", DYNAMIC, ids=str)
Vle = Callable[[Profile], FakePlatform]
LAUNCH = "https://tool.example/lti/launch/"
CANVAS_KEY = "https://canvas.instructure.com/lti/"


@pytest.fixture
def moodle(vle: Vle) -> FakePlatform:
    return vle(MOODLE)


@pytest.fixture
def canvas(vle: Vle) -> FakePlatform:
    return vle(CANVAS)


def configured(platform: FakePlatform, **changes: Any) -> None:
    """The VLE's next configuration, with what is given in place of its own; None leaves out."""
    document = {
        "issuer": platform.issuer,
        "authorization_endpoint": platform.auth_url,
        "token_endpoint": platform.token_url,
        "jwks_uri": platform.jwks_url,
        "registration_endpoint": f"{platform.url}/registrations",
        PLATFORM_CONFIGURATION: {
            "product_family_code": "moodle",
            "messages_supported": [{"type": "LtiResourceLinkRequest"}, {"type": "LtiDeepLinkingRequest"}],
        },
        **changes,
    }
    body = json.dumps({name: value for name, value in document.items() if value is not None}).encode()
    headers = {"Content-Type": "application/json"}
    assert platform.profile.registering
    platform.fail(platform.profile.registering.path, Fault(status=200, headers=headers, body=body))


def answered(platform: FakePlatform, client_id: str = "client-1", status: int = 200, **tool: Any) -> None:
    """The VLE's next answer to a registration."""
    body = json.dumps({"client_id": client_id, TOOL_CONFIGURATION: tool}).encode()
    platform.fail("/registrations", Fault(status=status, body=body))


# --- each make of VLE, from the link to the first launch ------------------------------------------------------


@EVERY
def test_a_vle_connects_and_its_people_come_in(vle: Vle, profile: Profile) -> None:
    platform, school = vle(profile), make_school("Riverside School")

    response = connect(platform, invite(school=school))

    assert (response.status_code, heading(response)) == (200, "Connected")
    platform.activate()
    assert Visitor(platform).launch().status_code == 302
    deployment = Deployment.objects.get()
    assert (deployment.deployment_id, deployment.status) == (platform.deployment_id, "accepted")
    assert deployment.school == school


@EVERY
def test_what_is_kept_of_the_vle(vle: Vle, profile: Profile) -> None:
    platform = vle(profile)

    connect(platform, invite())

    registration = Registration.objects.get()
    assert (registration.issuer, registration.client_id) == (platform.issuer, platform.client_id)
    assert registration.auth_url == platform.auth_url
    assert registration.token_url == platform.token_url
    assert registration.jwks_url == platform.jwks_url
    assert (registration.name, registration.is_active) == ("Riverside's VLE", True)
    assert registration.family == Family(profile.name)
    invitation = Invitation.objects.get()
    assert (invitation.registration, invitation.used_at is not None) == (registration, True)


@EVERY
def test_the_token_goes_to_the_configuration_and_the_registration_alone(vle: Vle, profile: Profile) -> None:
    platform = vle(profile)

    connect(platform, invite())

    assert profile.registering
    with_token = [(r.method, r.path) for r in platform.received if r.bearer]
    assert with_token == [("GET", profile.registering.path), ("POST", "/registrations")]


@EVERY
def test_names_are_shared(vle: Vle, profile: Profile) -> None:
    """Canvas shares them for a key of its own, Moodle for the claims that are asked for."""
    platform = vle(profile)
    connect(platform, invite())
    platform.activate()

    Visitor(platform).launch()

    assert Registration.objects.get().users.get().name == "Amina Yusuf"


# --- what is asked for ------------------------------------------------------------------------------------------


def test_the_registration_that_moodle_is_sent(moodle: FakePlatform) -> None:
    connect(moodle, invite())

    asked = asked_of(moodle)
    tool = asked.pop(TOOL_CONFIGURATION)
    assert asked == {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": "https://tool.example/lti/login/",
        "redirect_uris": [LAUNCH],
        "client_name": "SafeResponse",
        "client_uri": "https://tool.example",
        "logo_uri": "https://tool.example/static/lti_tool/icon.png",
        "jwks_uri": "https://tool.example/lti/jwks/",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join([*ALL_SCOPES, ROSTER_SCOPE]),
    }
    assert tool == {
        "domain": "tool.example",
        "target_link_uri": LAUNCH,
        "description": "Training for school staff: what to do when children share nudes or semi-nudes.",
        "claims": ["iss", "sub", "name", "given_name", "family_name", "email"],
        "messages": [
            {"type": "LtiResourceLinkRequest", "target_link_uri": LAUNCH, "label": "SafeResponse"},
            {
                "type": "LtiDeepLinkingRequest",
                "target_link_uri": LAUNCH,
                "label": "SafeResponse",
                "placements": ["ContentArea"],
            },
        ],
    }


def test_canvas_is_asked_for_the_places_where_content_is_chosen(canvas: FakePlatform) -> None:
    """A link message without placements would take link_selection away (CV:app/models/lti/ims/registration.rb)."""
    connect(canvas, invite())

    tool = asked_of(canvas)[TOOL_CONFIGURATION]
    assert tool["messages"] == [
        {
            "type": "LtiDeepLinkingRequest",
            "target_link_uri": LAUNCH,
            "label": "SafeResponse",
            "placements": ["assignment_selection", "course_assignments_menu", "link_selection"],
        }
    ]
    assert {name: tool[name] for name in tool if name.startswith(CANVAS_KEY)} == {
        f"{CANVAS_KEY}privacy_level": "public",
        f"{CANVAS_KEY}tool_id": "saferesponse",
        f"{CANVAS_KEY}vendor": "SafeResponse",
    }


def test_canvas_s_other_spelling_of_its_places_is_kept(canvas: FakePlatform) -> None:
    """As of 2024 they are addresses."""
    places = [f"{CANVAS_KEY}{place}" for place in ("assignment_selection", "editor_button")]
    messages = [{"type": "LtiDeepLinkingRequest", "placements": [*places, "ContentArea"]}]
    said = {"product_family_code": "canvas", "messages_supported": messages}
    configured(canvas, **{PLATFORM_CONFIGURATION: said})

    connect(canvas, invite())

    (message,) = asked_of(canvas)[TOOL_CONFIGURATION]["messages"]
    assert message["placements"] == [f"{CANVAS_KEY}assignment_selection"]


def test_only_what_is_supported_is_asked_for(moodle: FakePlatform) -> None:
    configured(moodle, scopes_supported=["openid", ALL_SCOPES[0]], claims_supported=["sub", "name"])

    connect(moodle, invite())

    asked = asked_of(moodle)
    assert asked["scope"] == ALL_SCOPES[0]
    assert asked[TOOL_CONFIGURATION]["claims"] == ["iss", "sub", "name"]


def test_a_vle_that_does_not_say_what_it_supports_is_asked_for_all(vle: Vle) -> None:
    sakai = vle(SAKAI)
    configured(sakai, scopes_supported=None, claims_supported=None)

    connect(sakai, invite())

    asked = asked_of(sakai)
    assert asked["scope"].split() == [*ALL_SCOPES, ROSTER_SCOPE]
    assert asked[TOOL_CONFIGURATION]["claims"] == ["iss", "sub", "name", "given_name", "family_name", "email"]


def test_reviews_and_personal_data_where_they_are_offered(vle: Vle) -> None:
    generic = vle(GENERIC)

    connect(generic, invite())

    asked = [message["type"] for message in asked_of(generic)[TOOL_CONFIGURATION]["messages"]]
    assert asked == [
        "LtiResourceLinkRequest",
        "LtiDeepLinkingRequest",
        "LtiSubmissionReviewRequest",
        "LtiDataPrivacyLaunchRequest",
    ]


def test_a_vle_without_a_registration_token(moodle: FakePlatform) -> None:
    """The token is optional in the specification (§3.2)."""
    configured(moodle)
    answered(moodle, deployment_id="1")
    address = moodle.begin_registration(invite())

    response = open_page(address.split("&registration_token=")[0])

    assert response.status_code == 200
    assert [r.path for r in moodle.received if "authorization" in r.headers] == []


# --- what is kept of a make's own ways --------------------------------------------------------------------------


def test_brightspace_s_audience(vle: Vle) -> None:
    connect(vle(BRIGHTSPACE), invite())

    assert Registration.objects.get().token_audience == "https://api.brightspace.com/auth/token"


def test_brightspace_s_audience_where_its_configuration_names_none(vle: Vle) -> None:
    brightspace = vle(BRIGHTSPACE)
    said = {"product_family_code": "desire2learn", "messages_supported": [{"type": "LtiResourceLinkRequest"}]}
    configured(brightspace, **{PLATFORM_CONFIGURATION: said})

    connect(brightspace, invite())

    assert Registration.objects.get().token_audience == "https://api.brightspace.com/auth/token"


def test_canvas_s_authorization_server_is_no_audience(canvas: FakePlatform) -> None:
    connect(canvas, invite())

    assert Registration.objects.get().token_audience == ""


def test_the_school_s_own_canvas_may_show_the_training(canvas: FakePlatform) -> None:
    """The issuer is everybody's, and so is the sign-in; the pages are where the registration endpoint is."""
    said = {"product_family_code": "canvas", "messages_supported": [{"type": "LtiDeepLinkingRequest"}]}
    configured(canvas, **{PLATFORM_CONFIGURATION: said, "authorization_endpoint": f"{canvas.issuer}/auth"})

    response = connect(canvas, invite())

    assert Registration.objects.get().frame_hosts == canvas.url
    assert frame_ancestors(response) == sorted([canvas.issuer, canvas.url])


@pytest.mark.parametrize("code", ["moodle", "Moodle", "totara", "", None])
def test_which_make_of_vle_it_is(moodle: FakePlatform, code: str | None) -> None:
    said = {"product_family_code": code, "messages_supported": [{"type": "LtiResourceLinkRequest"}]}
    configured(moodle, **{PLATFORM_CONFIGURATION: said})

    connect(moodle, invite())

    expected = Family.MOODLE if code and code.lower() == "moodle" else Family.GENERIC
    assert Registration.objects.get().family == expected


# --- the page at the end ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "next_thing"),
    [(MOODLE, "<strong>Activate</strong>"), (CANVAS, "Switch the app on"), (BRIGHTSPACE, "View Deployments")],
    ids=["moodle", "canvas", "brightspace"],
)
def test_the_page_says_what_to_press_next(vle: Vle, profile: Profile, next_thing: str) -> None:
    page = connect(vle(profile), invite()).content.decode()

    assert next_thing in page
    assert "lti_tool/close-registration.js" in page


def test_the_vle_s_frame_alone_may_show_it(moodle: FakePlatform) -> None:
    assert frame_ancestors(connect(moodle, invite())) == [moodle.url]


def test_it_says_whether_the_first_course_makes_it_complete(vle: Vle) -> None:
    assert "The first course" not in connect(vle(MOODLE), invite()).content.decode()
    assert "The first course" in connect(vle(CANVAS), invite()).content.decode()


def test_neither_browser_nor_proxy_keeps_the_page(moodle: FakePlatform) -> None:
    assert "no-store" in connect(moodle, invite())["Cache-Control"]


def test_only_a_get_registers(moodle: FakePlatform) -> None:
    address = moodle.begin_registration(invite())

    assert open_page(address, "head").status_code == 405
    assert open_page(address, "post").status_code == 405
    assert moodle.received == []


# --- an invitation that came to nothing can be used again -----------------------------------------------------


@pytest.mark.parametrize(
    ("path", "fault", "reason"),
    [
        ("/mod/lti", Fault(status=500), "configuration_refused"),
        ("/mod/lti", Fault(reset=True), "platform_unreachable"),
        ("/registrations", Fault(status=400, body=b"missing_domain"), "registration_refused"),
        ("/registrations", Fault(reset=True), "platform_unreachable"),
        ("/registrations", Fault(status=200, body=b"<html>"), "answer_invalid"),
    ],
    ids=["configuration", "no configuration", "refused", "no answer", "no sense"],
)
def test_an_invitation_that_came_to_nothing(
    moodle: FakePlatform, path: str, fault: Fault, reason: str
) -> None:
    link = invite()
    moodle.fail(path, fault)

    refused = connect(moodle, link)

    assert f"<code>{reason}" in refused.content.decode()
    assert (400 <= refused.status_code < 500, heading(refused)) == (True, "Not connected")
    assert Invitation.objects.get().used_at is None
    assert Registration.objects.count() == 0
    assert heading(connect(moodle, link)) == "Connected"


def test_a_registration_token_that_was_used(moodle: FakePlatform) -> None:
    """Moodle: reloaded in the frame (executed: 401 token_already_used)."""
    first, second = invite(), invite()
    address = moodle.begin_registration(first)
    assert open_page(address).status_code == 200

    response = open_page(address.replace(first.split("=")[1], second.split("=")[1]))

    assert "<code>registration_refused (401)</code>" in response.content.decode()


def test_an_address_that_no_database_keeps(moodle: FakePlatform) -> None:
    """Names without a dot are no addresses to Django; the VLE's admin reads which one it is."""
    link = invite()
    configured(moodle, jwks_uri="http://intranet/jwks")

    response = connect(moodle, link)

    assert "<code>configuration_invalid (jwks_url)</code>" in response.content.decode()
    assert Invitation.objects.get().used_at is None


# --- a VLE that is connected already ----------------------------------------------------------------------------


def test_a_second_registration_of_the_same_client_brings_it_up_to_date(moodle: FakePlatform) -> None:
    """Moodle's "update that tool": the client id stays."""
    connect(moodle, invite(name="Moodle"))
    answered(moodle, moodle.client_id, deployment_id="2")
    configured(moodle, token_endpoint=f"{moodle.url}/new-token", authorization_server="https://aud.example")

    response = connect(moodle, invite(name="Another name"))

    registration = Registration.objects.get()
    assert heading(response) == "Connected"
    assert (registration.token_url, registration.token_audience) == (
        f"{moodle.url}/new-token",
        "https://aud.example",
    )
    assert registration.name == "Moodle"
    assert sorted(registration.deployments.values_list("deployment_id", "status")) == [
        ("1", "accepted"),
        ("2", "accepted"),
    ]
    assert Invitation.objects.filter(registration=registration).count() == 2


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_it_does_not_move_to_another_host(moodle: FakePlatform, name: str) -> None:
    connect(moodle, invite())
    before = Registration.objects.values().get()
    answered(moodle, moodle.client_id)
    configured(moodle, **{name: "http://127.0.0.1:9/elsewhere"})

    response = connect(moodle, invite())

    assert "<code>registration_exists</code>" in response.content.decode()
    assert Registration.objects.values().get() == before


def test_nobody_else_s_pages_may_show_it(canvas: FakePlatform) -> None:
    """A school with a domain of its own could answer with the client id of another."""
    connect(canvas, invite())
    before = Registration.objects.values().get()
    answered(canvas, canvas.client_id)
    said = {"product_family_code": "canvas", "messages_supported": [{"type": "LtiDeepLinkingRequest"}]}
    endpoint = f"http://127.1:{canvas.port}/registrations"
    configured(canvas, **{PLATFORM_CONFIGURATION: said, "registration_endpoint": endpoint})

    response = connect(canvas, invite())

    assert "<code>registration_exists</code>" in response.content.decode()
    assert Registration.objects.values().get() == before


def test_one_that_was_switched_off_stays_off(moodle: FakePlatform) -> None:
    connect(moodle, invite())
    Registration.objects.update(is_active=False)
    answered(moodle, moodle.client_id)

    response = connect(moodle, invite())

    assert "<code>registration_inactive</code>" in response.content.decode()
    assert Registration.objects.get().is_active is False


def test_a_deployment_that_was_refused_stays_refused(moodle: FakePlatform) -> None:
    connect(moodle, invite())
    Deployment.objects.update(status=Deployment.Status.REFUSED)
    answered(moodle, moodle.client_id, deployment_id="1")

    response = connect(moodle, invite())

    assert "<code>deployment_refused</code>" in response.content.decode()
    assert Deployment.objects.get().status == Deployment.Status.REFUSED


def test_a_deployment_stays_with_its_school(moodle: FakePlatform) -> None:
    hill, dale = make_school("Hill"), make_school("Dale")
    connect(moodle, invite(school=hill))
    answered(moodle, moodle.client_id, deployment_id="1")

    response = connect(moodle, invite(school=dale))

    assert "<code>deployment_taken</code>" in response.content.decode()
    assert Deployment.objects.get().school == hill


def test_an_invitation_without_a_school_leaves_the_school(moodle: FakePlatform) -> None:
    hill = make_school("Hill")
    connect(moodle, invite(school=hill))
    answered(moodle, moodle.client_id, deployment_id="1")

    connect(moodle, invite())

    assert Deployment.objects.get().school == hill


def test_a_deployment_that_waited_is_accepted_for_the_invitation_s_school(moodle: FakePlatform) -> None:
    registration = make_registration(moodle.url, client_id="client-1")
    make_deployment(registration, deployment_id="1", status=Deployment.Status.PENDING)
    answered(moodle, deployment_id="1")
    hill = make_school("Hill")

    connect(moodle, invite(school=hill))

    deployment = Deployment.objects.get()
    assert (deployment.status, deployment.school) == (Deployment.Status.ACCEPTED, hill)


# --- the first deployment, where the registration names none ----------------------------------------------------


@pytest.fixture
def connected_canvas(canvas: FakePlatform) -> FakePlatform:
    connect(canvas, invite(school=make_school("Riverside School")))
    canvas.activate()
    return canvas


def launched_in(platform: FakePlatform, deployment_id: str, **claims: Any) -> int:
    """The status that somebody's launch from that deployment is answered with."""
    platform.deployment_id = deployment_id
    return Visitor(platform).launch(lambda said: said.update(claims)).status_code


def test_a_second_deployment_waits(connected_canvas: FakePlatform) -> None:
    assert launched_in(connected_canvas, "a") == 302

    assert launched_in(connected_canvas, "b") == 403
    assert launched_in(connected_canvas, "a") == 302
    assert dict(Deployment.objects.values_list("deployment_id", "status")) == {
        "a": "accepted",
        "b": "pending",
    }
    assert Deployment.objects.get(deployment_id="b").school is None


def test_within_two_weeks(connected_canvas: FakePlatform) -> None:
    Invitation.objects.update(used_at=timezone.now() - timedelta(days=13, hours=23))

    assert launched_in(connected_canvas, "a") == 302


def test_after_two_weeks(connected_canvas: FakePlatform) -> None:
    Invitation.objects.update(used_at=timezone.now() - timedelta(days=14, minutes=1))

    assert launched_in(connected_canvas, "a") == 403
    assert Deployment.objects.get().status == Deployment.Status.PENDING


def test_nobody_is_trusted_without_an_invitation(canvas: FakePlatform) -> None:
    canvas.register(deployment_id=None)

    assert launched_in(canvas, "a") == 403


def test_a_client_id_that_is_every_school_s_proves_nothing(canvas: FakePlatform) -> None:
    """Blackboard's: whoever has installed the tool launches with it."""
    registration = canvas.register(deployment_id=None, family=Family.BLACKBOARD)
    Invitation.objects.create(
        token_hash="x", expires_at=timezone.now(), used_at=timezone.now(), registration=registration
    )

    assert launched_in(canvas, "a") == 403


def test_a_launch_that_is_refused_accepts_no_deployment(connected_canvas: FakePlatform) -> None:
    foreign = {"lineitems": "ftp://elsewhere.example/items", "scope": ALL_SCOPES}

    refused = launched_in(connected_canvas, "a", **{AGS: foreign})

    assert refused == 403
    assert Deployment.objects.count() == 0
    assert launched_in(connected_canvas, "b") == 302


def test_the_first_may_come_from_an_author_who_chooses_content(connected_canvas: FakePlatform) -> None:
    Visitor(connected_canvas, person=TEACHER).open(message=DEEP_LINKING)

    assert DeepLinkingRequest.objects.count() == 1
    assert Deployment.objects.get().status == Deployment.Status.ACCEPTED


@pytest.mark.django_db(transaction=True)
def test_first_launches_of_two_deployments_at_once(connected_canvas: FakePlatform) -> None:
    registration, now = Registration.objects.get(), timezone.now()

    def accept(deployment_id: str) -> Any:
        with transaction.atomic():
            found = invitations.accept_first_deployment(registration, deployment_id, now=now)
            return found and found.deployment_id

    accepted = at_once(*(lambda name=name: accept(name) for name in ("a", "b", "a", "b")))

    (first,) = Deployment.objects.all()
    assert [found for found in accepted if found] == [first.deployment_id] * 2


# --- the log --------------------------------------------------------------------------------------------------


def test_one_line_for_each_registration(moodle: FakePlatform, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="lti_tool.registration")
    link = invite()
    moodle.fail("/registrations", Fault(status=400, body=b"missing_domain"))

    connect(moodle, link)
    connect(moodle, link)

    pk = Registration.objects.get().pk
    assert [r.getMessage() for r in caplog.records if r.name == "lti_tool.registration"] == [
        "registration.refused reason=registration_refused detail=400",
        f"registration.accepted registration={pk} family=moodle by_hand=False",
    ]

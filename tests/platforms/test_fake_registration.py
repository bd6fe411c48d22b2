"""The fake registers tools like each make of VLE. Sources: the notes on platforms, executed Moodle part and §3."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.platforms.profiles import (
    BLACKBOARD,
    BRIGHTSPACE,
    CANVAS,
    EVERY_VLE,
    GENERIC,
    MOODLE,
    SAKAI,
    Profile,
)
from tests.platforms.terms import (
    ALL_SCOPES,
    CLAIM,
    DEEP_LINKING,
    PLATFORM_CONFIGURATION,
    RESOURCE_LINK,
    TOOL_CONFIGURATION,
)
from tests.platforms.tool_side import TOOL, ToolAt, ToolSide

DYNAMIC = [profile for profile in EVERY_VLE if profile.registering]
EVERY = pytest.mark.parametrize("profile", DYNAMIC, ids=str)


def begun(tool: ToolSide) -> dict[str, str]:
    address = tool.platform.begin_registration(f"{TOOL}/lti/register/?invitation=abc")
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def configuration(tool: ToolSide, *, token: bool = True) -> requests.Response:
    query = begun(tool)
    headers = {"Authorization": f"Bearer {query['registration_token']}"} if token else {}
    return requests.get(query["openid_configuration"], headers=headers, timeout=5)


# --- the way there --------------------------------------------------------------------------------------------


@EVERY
def test_the_tools_own_query_is_kept(tool_at: ToolAt, profile: Profile) -> None:
    """Moodle 4.5.5, executed: "your own query string is kept"."""
    assert begun(tool_at(profile))["invitation"] == "abc"


def test_blackboard_is_connected_by_hand(tool_at: ToolAt) -> None:
    """§3: central registration in the developer portal."""
    tool = tool_at(BLACKBOARD)

    with pytest.raises(AssertionError, match="by hand"):
        tool.platform.begin_registration(f"{TOOL}/lti/register/")


@EVERY
def test_the_configuration(tool_at: ToolAt, profile: Profile) -> None:
    """LTI-DR 1.0 §3.4: at the issuer's host, with every address that a registration needs."""
    tool = tool_at(profile)
    query = begun(tool)

    answer = requests.get(
        query["openid_configuration"],
        headers={"Authorization": f"Bearer {query['registration_token']}"},
        timeout=5,
    )

    document = answer.json()
    assert document["issuer"] == tool.platform.issuer
    assert urlsplit(query["openid_configuration"]).netloc == urlsplit(document["issuer"]).netloc
    assert document["jwks_uri"] == tool.platform.jwks_url
    family = document[PLATFORM_CONFIGURATION]["product_family_code"]
    assert family == profile.product_family_code


@pytest.mark.parametrize(
    ("profile", "status"),
    [(MOODLE, 200), (CANVAS, 401), (BRIGHTSPACE, 200), (SAKAI, 200), (GENERIC, 200)],
    ids=lambda value: str(value),
)
def test_the_configuration_without_the_token(tool_at: ToolAt, profile: Profile, status: int) -> None:
    """Canvas, registration.md: the token is needed for the GET already."""
    assert configuration(tool_at(profile), token=False).status_code == status


@pytest.mark.parametrize("profile", [CANVAS, BRIGHTSPACE], ids=str)
def test_a_token_in_the_configurations_address(tool_at: ToolAt, profile: Profile) -> None:
    """CV:security_controller.rb; documentation.brightspace.com: "as part of the configuration URL"."""
    query = begun(tool_at(profile))

    assert query["registration_token"] in query["openid_configuration"]


def test_sakais_configuration_carries_a_query_of_its_own(tool_at: ToolAt) -> None:
    """LTI13Servlet.handleWellKnown: key, clientId, issuerURL, deploymentId."""
    assert "clientId=c-12" in begun(tool_at(SAKAI))["openid_configuration"]


def test_canvas_shares_its_issuer_and_serves_elsewhere(tool_at: ToolAt) -> None:
    """lti_launch_overview.md: `canvas.instructure.com` for all, sign-in and services on other hosts."""
    document = configuration(tool_at(CANVAS)).json()

    issuer = urlsplit(document["issuer"]).hostname
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint"):
        assert urlsplit(document[name]).hostname != issuer


@pytest.mark.parametrize(
    ("profile", "server"),
    [
        (MOODLE, None),
        (CANVAS, "canvas.example"),
        (BRIGHTSPACE, "https://api.brightspace.com/auth/token"),
    ],
    ids=lambda value: str(value),
)
def test_the_authorization_server(tool_at: ToolAt, profile: Profile, server: str | None) -> None:
    """LTI-DR: the audience for tokens, if it is given. Canvas gives a bare host there (security_controller.rb),
    which is not the audience that it accepts (client_credentials_provider.rb)."""
    assert configuration(tool_at(profile)).json().get("authorization_server") == server


# --- the registration -----------------------------------------------------------------------------------------


@EVERY
def test_a_good_registration(tool_at: ToolAt, profile: Profile) -> None:
    """LTI-DR 1.0 §3.6. Moodle (executed), Canvas and Sakai answer 200, the specification 201."""
    tool = tool_at(profile)

    answer = tool.register()

    assert profile.registering is not None
    assert answer.status_code == (200 if profile in (MOODLE, CANVAS, SAKAI) else 201)
    assert answer.json()["client_id"] == tool.platform.client_id != "tool-at-fake"
    claims = tool.platform.claims(nonce="n", target=f"{TOOL}/lti/launch/")
    assert claims["aud"] == answer.json()["client_id"]


@pytest.mark.parametrize(
    ("profile", "is_named"),
    [(MOODLE, True), (CANVAS, False), (BRIGHTSPACE, False), (SAKAI, True), (GENERIC, True)],
    ids=lambda value: str(value),
)
def test_the_deployment(tool_at: ToolAt, profile: Profile, is_named: bool) -> None:
    """Moodle, executed: inside the tool configuration. Canvas and Brightspace: an admin makes it afterwards."""
    tool = tool_at(profile)

    configured = tool.register().json()[TOOL_CONFIGURATION]

    assert configured.get("deployment_id") == (tool.platform.deployment_id if is_named else None)
    said = tool.platform.claims(nonce="n", target=TOOL)[f"{CLAIM}deployment_id"]
    assert said == tool.platform.deployment_id != "deployment-1"


@pytest.mark.parametrize("profile", DYNAMIC, ids=str)
def test_a_token_is_good_once(tool_at: ToolAt, profile: Profile) -> None:
    """Moodle, executed: 401 `token_already_used`, in plain text. Sakai: 403, without a word."""
    tool = tool_at(profile)
    token = begun(tool)["registration_token"]
    tool.register(token=token)
    known = tool.platform.client_id

    again = tool.register(token=token)

    assert again.status_code == (403 if profile is SAKAI else 401)
    assert profile is not MOODLE or again.text == "token_already_used"
    assert tool.platform.client_id == known


@EVERY
def test_a_token_that_nobody_gave(tool_at: ToolAt, profile: Profile) -> None:
    """LTI-DR 1.0 §3.5."""
    tool = tool_at(profile)

    assert tool.register(token="guessed").status_code == 401
    assert tool.platform.client_id == "tool-at-fake"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        *[
            ({name: None}, f"missing required attribute {name}")
            for name in ("response_types", "initiate_login_uri", "redirect_uris", "client_name", "jwks_uri")
        ],
        ({"token_endpoint_auth_method": "none"}, "invalid_token_endpoint_auth_method"),
        ({"redirect_uris": f"{TOOL}/lti/launch/"}, "invalid_redirect_uris"),
        ({"tool": {"domain": None}}, "missing_domain"),
        ({"tool": {"domain": "tool.example:8000"}}, "domain_targetlinkuri_mismatch"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_moodle_says_what_is_wrong_in_plain_text(tool_at: ToolAt, changes: dict[str, Any], said: str) -> None:
    """M:registration_helper.php, executed; the domain is host and port of the target_link_uri."""
    tool = tool_at(MOODLE)

    answer = tool.register(tool.registration(**changes))

    assert (answer.status_code, answer.text) == (400, said)
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_moodle_takes_a_registration_without_claims_and_messages(tool_at: ToolAt) -> None:
    """M:registration_helper.php: not among the required."""
    tool = tool_at(MOODLE)

    assert tool.register(tool.registration(tool={"claims": None, "messages": None})).status_code == 200


SLOPPY: list[dict[str, Any]] = [
    {"tool": {"claims": None}},
    {"tool": {"messages": None}},
    {"tool": {"messages": [{"type": "LtiSubmissionReviewRequest"}]}},
    {"tool": {"messages": [{"type": RESOURCE_LINK, "placements": ["ContentArea!"]}]}},
    {"tool": {"domain": "https://tool.example"}},
    {"tool": {"custom_parameters": {"module": 7}}},
    {"tool": {"https://canvas.instructure.com/lti/privacy_level": "everything"}},
    {"application_type": "native"},
    {"grant_types": ["client_credentials"]},
    {"response_types": []},
]


@pytest.mark.parametrize("changes", SLOPPY, ids=str)
def test_canvas_refuses_a_sloppy_payload(tool_at: ToolAt, changes: dict[str, Any]) -> None:
    """CV:lib/schemas/lti/ims/oidc_registration.rb, lti_tool_configuration.rb; 422 (ltijs#239)."""
    tool = tool_at(CANVAS)

    assert tool.register(tool.registration(**changes)).status_code == 422


@pytest.mark.parametrize(
    "changes",
    [{"initiate_login_uri": None}, {"scope": None}, {"scope": "openid"}, {"tool": {"claims": None}}],
    ids=str,
)
def test_a_strict_reader_of_the_specification(tool_at: ToolAt, changes: dict[str, Any]) -> None:
    """LTI-DR 1.0 §3.5.1; the answer is RFC 7591's."""
    tool = tool_at(GENERIC)

    answer = tool.register(tool.registration(**changes))

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def test_brightspace_takes_https_only(tool_at: ToolAt) -> None:
    """documentation.brightspace.com, Dynamic Registration."""
    tool = tool_at(BRIGHTSPACE)

    answer = tool.register(tool.registration(jwks_uri="http://tool.example/lti/jwks/"))

    assert (answer.status_code, "https" in answer.text) == (400, True)


def test_brightspace_takes_a_domain_once(tool_at: ToolAt) -> None:
    """documentation.brightspace.com: "Name and Domain must be unique across Org"."""
    tool = tool_at(BRIGHTSPACE)
    tool.register()

    assert tool.register().status_code == 400


def test_brightspace_must_reach_the_keys(tool_at: ToolAt) -> None:
    """documentation.brightspace.com: "Keyset must be reachable"."""
    tool = tool_at(BRIGHTSPACE)
    tool.platform.tool_keys = lambda: []  # type: ignore[method-assign]

    assert tool.register().status_code == 400


# --- what comes of it -----------------------------------------------------------------------------------------


def test_moodle_gives_all_scopes_of_the_gradebook_or_none(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed: "asking for any AGS scope lists all four"."""
    tool = tool_at(MOODLE)

    answer = tool.register(tool.registration(scope=ALL_SCOPES[3]))

    assert sorted(answer.json()["scope"].split()) == sorted(ALL_SCOPES)


@pytest.mark.parametrize("profile", [p for p in DYNAMIC if p is not MOODLE], ids=str)
def test_elsewhere_a_tool_gets_the_scopes_that_it_asked_for(tool_at: ToolAt, profile: Profile) -> None:
    """LTI-DR 1.0 §3.6: and the token endpoint gives no other."""
    tool = tool_at(profile)
    tool.register(tool.registration(scope=ALL_SCOPES[3]))

    assert tool.token_answer(scope=ALL_SCOPES[3]).status_code == 200
    assert tool.token_answer(scope=ALL_SCOPES[0]).json() == {"error": "invalid_scope"}


@pytest.mark.parametrize(
    ("profile", "tool_says", "is_shared"),
    [
        (MOODLE, {}, True),
        (MOODLE, {"claims": ["iss", "sub"]}, False),
        (CANVAS, {}, True),
        (CANVAS, {"https://canvas.instructure.com/lti/privacy_level": None}, False),
    ],
    ids=str,
)
def test_names_are_shared_with_whom_asks(
    tool_at: ToolAt, profile: Profile, tool_says: dict[str, Any], is_shared: bool
) -> None:
    """Moodle, executed: by the claims. Canvas: privacy_level, "defaults to anonymous" (registration.md)."""
    tool = tool_at(profile)
    tool.register(tool.registration(tool=tool_says))

    assert ("name" in tool.platform.claims(nonce="n", target=TOOL)) is is_shared


@pytest.mark.parametrize("profile", [MOODLE, CANVAS], ids=str)
def test_an_admin_must_switch_it_on(tool_at: ToolAt, profile: Profile) -> None:
    """Moodle, executed: it arrives Pending. Canvas: "confirm the installation and enable the tool"."""
    tool = tool_at(profile)
    tool.register()

    assert tool.platform.is_active is False
    tool.platform.activate()
    assert tool.platform.is_active is True


@EVERY
def test_a_request_for_content_goes_where_the_tool_said(tool_at: ToolAt, profile: Profile) -> None:
    """Moodle, executed: of the messages, "only the DL target_link_uri is kept"."""
    tool = tool_at(profile)
    tool.register()

    assert tool.platform.targets[DEEP_LINKING] == f"{TOOL}/lti/choose/"


def test_what_the_tool_registered_with_wins_in_moodle(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed: "Registration-level custom parameters override an item's of the same name"."""
    values = []
    for profile in (MOODLE, GENERIC):
        tool = tool_at(profile)
        tool.register(tool.registration(tool={"custom_parameters": {"module": "registered"}}))
        values.append(tool.platform.claims(nonce="n", target=TOOL)[f"{CLAIM}custom"]["module"])

    assert values == ["registered", "all-staff-awareness"]

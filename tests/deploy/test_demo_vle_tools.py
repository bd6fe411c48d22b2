"""The demo VLE's tools: registering themselves, activated by the administrator, kept apart."""

import json
import re
import time
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from tests.deploy.test_demo_vle import (
    AGS_CLAIM,
    AMINA,
    GRACE,
    LINE_ITEM,
    LTI,
    NRPS_CLAIM,
    PIOTR,
    RESULT,
    SCORE,
    ServiceClient,
    ask_token,
    claims_of,
    launch,
    press,
    signed_in,
    token_request,
)
from tests.deploy.test_demo_vle_process import FakeTool, RunningVle, browser_session, running_vle

CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
PLATFORM = "https://purl.imsglobal.org/spec/lti-platform-configuration"


@pytest.fixture(scope="module")
def tool() -> Iterator[FakeTool]:
    fake = FakeTool()
    yield fake
    fake.close()


@pytest.fixture
def vle(tool: FakeTool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVle]:
    """A new one, whose second tool is the first to register itself."""
    with running_vle(tmp_path_factory.mktemp("demo-vle"), tool.url) as running:
        yield running


@pytest.fixture(scope="module")
def any_vle(tool: FakeTool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVle]:
    with running_vle(tmp_path_factory.mktemp("any-demo-vle"), tool.url) as running:
        yield running


def frame_of(page: requests.Response) -> str:
    """Where the page's frame starts."""
    found = re.search(r'data-launch-url="([^"]*)"', page.text)
    assert found, page.text
    return unescape(found.group(1))


def connect(vle: RunningVle, link: str) -> requests.Response:
    return press(vle, signed_in(vle, PIOTR), "/tools/", "/tools/connect/", link=link)


def invitation(vle: RunningVle, tool: FakeTool) -> str:
    """The registration token that the administrator's frame hands to the tool."""
    address = frame_of(connect(vle, f"{tool.url}/lti/register/?invitation=abc"))
    return parse_qs(urlsplit(address).query)["registration_token"][0]


def registration_of(tool: FakeTool, **changes: Any) -> dict[str, Any]:
    """What a tool posts; `configuration` changes the tool configuration in it."""
    configuration = {
        "domain": urlsplit(tool.url).netloc,
        "target_link_uri": f"{tool.url}/lti/launch/",
        "description": "Trains <b>staff</b>",
        "claims": ["iss", "sub", "given_name", "family_name"],
        "custom_parameters": {"history": "$Context.id.history", "unknown": "$Not.known"},
        "messages": [
            {"type": "LtiResourceLinkRequest"},
            {"type": "LtiDeepLinkingRequest", "target_link_uri": f"{tool.url}/lti/launch/?choose=1"},
            {"type": "LtiSomethingElse"},
        ],
    } | changes.pop("configuration", {})
    body = {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["client_credentials", "implicit"],
        "initiate_login_uri": f"{tool.url}/lti/login/",
        "redirect_uris": [f"{tool.url}/lti/launch/"],
        "client_name": "Another tool",
        "jwks_uri": f"{tool.url}/lti/jwks/",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": f"openid {SCORE} {LINE_ITEM} urn:else",
        CONFIGURATION: {name: value for name, value in configuration.items() if value is not None},
    } | changes
    return {name: value for name, value in body.items() if value is not None}


def register(vle: RunningVle, token: str, body: object) -> requests.Response:
    return requests.post(
        f"{vle.url}/registration/",
        data=json.dumps(body),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        timeout=10,
    )


def registered(vle: RunningVle, tool: FakeTool, **changes: Any) -> str:
    """A tool that registered itself and was activated; its client id."""
    answer = register(vle, invitation(vle, tool), registration_of(tool, **changes))
    assert answer.status_code == 200, answer.text
    assert press(vle, signed_in(vle, PIOTR), "/tools/", "/tools/2/activate/").status_code == 200
    return answer.json()["client_id"]


# --- the administrator's part ---------------------------------------------------------------


def test_the_frame_opens_the_tools_link_with_where_and_with_what_to_register(
    vle: RunningVle, tool: FakeTool
) -> None:
    page = connect(vle, f" {tool.url}/lti/register/?invitation=a%2Fb ")
    assert page.status_code == 200
    assert f'data-tool-origin="{tool.url}"' in page.text
    assert "Open in a new window" not in page.text
    assert 'data-close-url="/tools/"' in page.text
    assert f"frame-src 'self' {tool.url};" in page.headers["Content-Security-Policy"]
    address = frame_of(page)
    assert address.startswith(f"{tool.url}/lti/register/?invitation=a%2Fb&")
    query = parse_qs(urlsplit(address).query)
    assert query.keys() == {"invitation", "openid_configuration", "registration_token"}
    assert query["openid_configuration"] == [f"{vle.url}/.well-known/openid-configuration"]
    claims = jwt.decode(query["registration_token"][0], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["scope"] == "reg"


@pytest.mark.parametrize(
    "link",
    ["", "tool.example", "javascript:alert(1)", "http://", "http://x:y/", "http://u@x/", "http://x;sandbox/"],
)
def test_a_link_that_is_no_address_is_said_to_be_none(any_vle: RunningVle, link: str) -> None:
    page = connect(any_vle, link)
    assert page.status_code == 400
    assert "That is no address" in page.text
    assert "<iframe" not in page.text


def test_only_the_administrator_manages_tools(any_vle: RunningVle) -> None:
    for member in (AMINA, GRACE):
        session = signed_in(any_vle, member)
        assert session.get(f"{any_vle.url}/tools/", timeout=10).status_code == 403
        assert "Manage tools" not in session.get(any_vle.url, timeout=10).text
        for path in ("connect/", "1/activate/", "1/remove/"):
            fields = {
                "csrfmiddlewaretoken": session.cookies["riverside_vle_csrf"],
                "link": "http://x.example",
            }
            assert session.post(f"{any_vle.url}/tools/{path}", fields, timeout=10).status_code == 403
    assert "Who are you today?" in browser_session().get(f"{any_vle.url}/tools/", timeout=10).text


def test_the_configuration_says_where_everything_is(any_vle: RunningVle) -> None:
    configuration = requests.get(f"{any_vle.url}/.well-known/openid-configuration", timeout=10).json()
    platform = configuration.pop(PLATFORM)
    assert {message["type"] for message in platform["messages_supported"]} == {
        "LtiResourceLinkRequest",
        "LtiDeepLinkingRequest",
        "LtiSubmissionReviewRequest",
        "LtiDataPrivacyLaunchRequest",
    }
    assert platform["product_family_code"] == "demo-vle"
    assert "Context.id.history" in platform["variables"]
    scopes = configuration.pop("scopes_supported")
    assert {"openid", SCORE, LINE_ITEM} <= set(scopes)
    assert configuration == {
        "issuer": any_vle.url,
        "authorization_endpoint": f"{any_vle.url}/auth/",
        "token_endpoint": f"{any_vle.url}/token/",
        "jwks_uri": f"{any_vle.url}/jwks/",
        "registration_endpoint": f"{any_vle.url}/registration/",
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["sub", "iss", "name", "given_name", "family_name", "email"],
    }


# --- the tool's part ------------------------------------------------------------------------


def test_a_tool_registers_itself_waits_and_is_activated(vle: RunningVle, tool: FakeTool) -> None:
    answer = register(vle, invitation(vle, tool), registration_of(tool))
    assert answer.status_code == 200
    body = answer.json()
    configuration = body.pop(CONFIGURATION)
    client_id, deployment_id = body.pop("client_id"), configuration.pop("deployment_id")
    assert len(client_id) >= 12
    assert deployment_id
    assert body.pop("scope").split() == [LINE_ITEM, SCORE]
    assert body == {
        name: value for name, value in registration_of(tool).items() if name not in (CONFIGURATION, "scope")
    }
    assert configuration["target_link_uri"] == f"{tool.url}/lti/launch/"
    assert [message["type"] for message in configuration["messages"]] == [
        "LtiResourceLinkRequest",
        "LtiDeepLinkingRequest",
    ]
    assert configuration["claims"] == ["iss", "sub", "given_name", "family_name"]

    # Pending: to be seen by the administrator, of no use to anybody.
    admin, grace = signed_in(vle, PIOTR), signed_in(vle, GRACE)
    tools = admin.get(f"{vle.url}/tools/", timeout=10).text
    assert re.search(r"Another tool\s+<span class=\"tag\">Pending</span>", tools)
    assert "Trains &lt;b&gt;staff&lt;/b&gt;" in tools
    assert "Another tool" not in grace.get(vle.url, timeout=10).text
    assert grace.get(f"{vle.url}/courses/1/add/2/", timeout=10).status_code == 404
    refused = ask_token(vle, token_request(vle, tool, client_id))
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")

    after = press(vle, admin, "/tools/", "/tools/2/activate/")
    assert re.search(r"Another tool\s+<span class=\"tag\">Active</span>", after.text)
    course = grace.get(vle.url, timeout=10).text
    assert "Add training from Another tool" in course
    assert ask_token(vle, token_request(vle, tool, client_id)).status_code == 200


def test_a_launch_tells_a_tool_what_it_registered_for(vle: RunningVle, tool: FakeTool) -> None:
    client_id = registered(vle, tool)
    grace = signed_in(vle, GRACE)
    press(vle, grace, "/courses/1/", "/courses/1/add/2/plain/")
    path = "/courses/1/activities/2/launch/"
    claims = claims_of(vle, launch(vle, tool, grace, path=path), client_id)
    assert claims[LTI + "deployment_id"] != "demo-deployment"
    assert claims[LTI + "custom"] == {"history": "", "unknown": "$Not.known"}
    assert claims["given_name"] == "Grace"
    assert not {"name", "email"} & claims.keys()
    assert claims[AGS_CLAIM]["scope"] == [LINE_ITEM, SCORE]
    assert NRPS_CLAIM not in claims
    # The same tool under its other client id is somebody else.
    other = launch(vle, tool, grace, path=path, client_id="demo-client")
    assert other.fields["error"] == "invalid_request"


def test_a_tool_sees_its_own_columns_only_and_gets_its_own_scopes_only(
    vle: RunningVle, tool: FakeTool
) -> None:
    client_id = registered(vle, tool)
    first, second = ServiceClient(vle, tool), ServiceClient(vle, tool, client_id=client_id)
    [theirs] = first.list()
    assert second.list() == []
    for method in ("GET", "DELETE"):
        accept = "application/vnd.ims.lis.v2.lineitem+json"
        assert second.send(method, theirs["id"], accept=accept).status_code == 404
    assert second.score(theirs).status_code == 404
    own = second.create(label="Own")
    assert first.list() == [theirs]
    assert second.score(own).status_code == 200
    assert second.send("GET", own["id"] + "/results").status_code == 403
    nothing = ask_token(vle, token_request(vle, tool, client_id, scope=RESULT))
    assert nothing.json()["error"] == "invalid_scope"


def test_two_tools_of_a_name_are_told_apart(vle: RunningVle, tool: FakeTool) -> None:
    names = [
        register(vle, invitation(vle, tool), registration_of(tool, client_name="SafeResponse")).json()
        for _ in range(2)
    ]
    assert [body["client_name"] for body in names] == ["SafeResponse (2)", "SafeResponse (3)"]


def test_a_tool_that_no_course_uses_can_be_removed(vle: RunningVle, tool: FakeTool) -> None:
    registered(vle, tool)
    admin = signed_in(vle, PIOTR)
    assert "Another tool" not in press(vle, admin, "/tools/", "/tools/2/remove/").text
    in_use = {"csrfmiddlewaretoken": admin.cookies["riverside_vle_csrf"]}
    assert admin.post(f"{vle.url}/tools/1/remove/", in_use, timeout=10).status_code == 404


# --- what is refused ------------------------------------------------------------------------


def test_a_registration_token_is_good_once(vle: RunningVle, tool: FakeTool) -> None:
    token = invitation(vle, tool)
    assert register(vle, token, registration_of(tool)).status_code == 200
    again = register(vle, token, registration_of(tool))
    assert (again.status_code, again.text) == (401, "token_already_used")
    # Also after the administrator removed what it had made.
    press(vle, signed_in(vle, PIOTR), "/tools/", "/tools/2/remove/")
    assert register(vle, token, registration_of(tool)).status_code == 401


def test_a_token_that_is_not_ours_or_not_for_this_is_refused(any_vle: RunningVle, tool: FakeTool) -> None:
    now = int(time.time())
    good = {"sub": "client-to-be", "scope": "reg", "iat": now, "exp": now + 60}
    own_key = (any_vle.data / "signing-key.pem").read_bytes()
    stranger = generate_private_key(public_exponent=65537, key_size=2048)
    tokens = [
        "",
        "a.b.c",
        jwt.encode(good, stranger, algorithm="RS256"),
        jwt.encode(good, "", algorithm="none"),
        jwt.encode(good | {"exp": now - 1}, own_key, algorithm="RS256"),
        jwt.encode(good | {"scope": "reg-update"}, own_key, algorithm="RS256"),
        jwt.encode({"sub": "x", "iat": now, "exp": now + 60}, own_key, algorithm="RS256"),
        launch(any_vle, tool, signed_in(any_vle, AMINA)).fields["id_token"],
    ]
    answers = [register(any_vle, token, registration_of(tool)) for token in tokens]
    assert [answer.status_code for answer in answers] == [401] * len(tokens)
    assert answers[0].text == "missing_registration_token"
    assert {answer.text for answer in answers[1:]} == {"invalid_registration_token"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"response_types": None}, "missing required attribute response_types"),
        ({"initiate_login_uri": None}, "missing required attribute initiate_login_uri"),
        ({"redirect_uris": []}, "missing required attribute redirect_uris"),
        ({"client_name": ""}, "missing required attribute client_name"),
        ({"jwks_uri": None}, "missing required attribute jwks_uri"),
        ({"token_endpoint_auth_method": None}, "missing required attribute token_endpoint_auth_method"),
        ({CONFIGURATION: None}, f"missing required attribute {CONFIGURATION}"),
        ({"response_types": ["code"]}, "invalid_response_types"),
        ({"response_types": "id_token"}, "invalid_response_types"),
        ({"token_endpoint_auth_method": "client_secret_basic"}, "invalid_token_endpoint_auth_method"),
        ({"application_type": "native"}, "invalid_application_type"),
        ({"redirect_uris": "http://x.example/"}, "invalid_redirect_uris"),
        ({"redirect_uris": ["http://x.example/", 5]}, "invalid_redirect_uris"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uris"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri must be an http or https address."),
        ({"initiate_login_uri": "lti/login"}, "initiate_login_uri must be an http or https address."),
        ({"client_name": 5}, "client_name must be text."),
        ({"scope": [SCORE]}, "scope must be text."),
        ({CONFIGURATION: "x"}, "invalid_tool_configuration"),
        ({"configuration": {"domain": None}}, "missing_domain"),
        ({"configuration": {"domain": "127.0.0.1"}}, "domain_targetlinkuri_mismatch"),
        ({"configuration": {"claims": "name"}}, "invalid_claims"),
        ({"configuration": {"messages": ["LtiDeepLinkingRequest"]}}, "invalid_messages"),
        ({"configuration": {"custom_parameters": {"a": 5}}}, "custom_parameters: every parameter"),
    ],
    ids=str,
)
def test_a_faulty_registration_is_refused_in_plain_text_and_may_be_mended(
    any_vle: RunningVle, tool: FakeTool, changes: dict[str, Any], reason: str
) -> None:
    token = invitation(any_vle, tool)
    answer = register(any_vle, token, registration_of(tool, **changes))
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith(reason)
    assert register(any_vle, token, registration_of(tool)).status_code == 200


def test_what_is_no_json_object_is_refused(any_vle: RunningVle, tool: FakeTool) -> None:
    token = invitation(any_vle, tool)
    assert register(any_vle, token, []).status_code == 400
    headers = {"Authorization": f"Bearer {token}"}
    for content, data in (("application/json", "{"), ("application/x-www-form-urlencoded", "a=b")):
        answer = requests.post(
            f"{any_vle.url}/registration/",
            data=data,
            headers={**headers, "Content-Type": content},
            timeout=10,
        )
        assert answer.status_code == 400


def test_the_demo_tool_follows_the_command_line_and_keeps_its_activity(
    vle: RunningVle, tool: FakeTool
) -> None:
    vle.stop()
    vle.tool_url = "http://127.0.0.1:9"
    vle.start()
    session = signed_in(vle, AMINA)
    page = session.get(f"{vle.url}/courses/1/activities/1/launch/", timeout=10)
    assert 'action="http://127.0.0.1:9/lti/login/"' in page.text
    assert len(re.findall("Open the activity<", session.get(vle.url, timeout=10).text)) == 1

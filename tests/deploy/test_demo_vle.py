"""The demo VLE's protocols, spoken to by a scripted browser and a scripted tool."""

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from tests.deploy.test_demo_vle_process import FakeTool, RunningVle, browser_session, running_vle

AMINA, TOMOS, JO, GRACE, PIOTR = "3f0c71a2", "8b52d9e4", "c6e1480f", "e97a35d1", "5d18b6c3"
FIRST_LAUNCH = "/courses/1/activities/1/launch/"

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
AGS_CLAIM = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS_CLAIM = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
LINE_ITEM, READ, RESULT, SCORE = (
    AGS + name for name in ("lineitem", "lineitem.readonly", "result.readonly", "score")
)
ROSTER = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"

ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"
ROSTER_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
VERIFY_URL = "https://tool.example/verify/ABCD-EFGH/"


@pytest.fixture(scope="module")
def tool() -> Iterator[FakeTool]:
    fake = FakeTool()
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def vle(tool: FakeTool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVle]:
    with running_vle(tmp_path_factory.mktemp("demo-vle"), tool.url) as running:
        yield running


@contextmanager
def database_of(vle: RunningVle) -> Iterator[sqlite3.Connection]:
    """The VLE's own file, read (and once written) beside the running process."""
    with closing(sqlite3.connect(vle.data / "demo-vle-2.sqlite3", timeout=20)) as connection:
        yield connection
        connection.commit()


# --- a scripted browser ---------------------------------------------------------------------


@dataclass
class Form:
    action: str
    fields: dict[str, str]


def form_of(response: requests.Response) -> Form:
    """The first form of a page, as the browser would send it."""
    form = re.search(r'<form method="post" action="([^"]*)">(.*?)</form>', response.text, re.DOTALL)
    assert form, response.text
    inputs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form.group(2))
    return Form(unescape(form.group(1)), {name: unescape(value) for name, value in inputs})


def signed_in(vle: RunningVle, member: str) -> requests.Session:
    session = browser_session()
    token = form_of(session.get(vle.url, timeout=10)).fields["csrfmiddlewaretoken"]
    page = session.post(f"{vle.url}/sign-in/", {"csrfmiddlewaretoken": token, "member": member}, timeout=10)
    assert page.status_code == 200
    assert "Sign out" in page.text
    return session


def press(
    vle: RunningVle, session: requests.Session, page: str, action: str, **fields: str
) -> requests.Response:
    """A button of a page: the form must be there, and its token goes along."""
    shown = session.get(vle.url + page, timeout=10).text
    form = re.search(rf'<form [^>]*action="{re.escape(action)}".*?</form>', shown, re.DOTALL)
    assert form, f"no form for {action} on {page}"
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]*)"', form.group(0))
    assert token
    fields["csrfmiddlewaretoken"] = token.group(1)
    return session.post(vle.url + action, fields, timeout=10)


def login_initiation(
    vle: RunningVle, session: requests.Session, target: str = "iframe", path: str = FIRST_LAUNCH
) -> Form:
    return form_of(session.get(f"{vle.url}{path}?target={target}", timeout=10))


def auth_request(tool: FakeTool, initiation: Form, **changes: str | None) -> dict[str, str]:
    request = {
        "scope": "openid", "response_type": "id_token", "response_mode": "form_post",
        "prompt": "none", "client_id": initiation.fields["client_id"],
        "redirect_uri": f"{tool.url}/lti/launch/", "state": "state-1", "nonce": "nonce-1",
        "login_hint": initiation.fields["login_hint"],
        "lti_message_hint": initiation.fields["lti_message_hint"],
    } | changes  # fmt: skip
    return {name: value for name, value in request.items() if value is not None}


def launch(
    vle: RunningVle,
    tool: FakeTool,
    session: requests.Session,
    *,
    target: str = "iframe",
    path: str = FIRST_LAUNCH,
    **changes: str,
) -> Form:
    request = auth_request(tool, login_initiation(vle, session, target, path), **changes)
    return form_of(session.get(f"{vle.url}/auth/", params=request, timeout=10))


def claims_of(vle: RunningVle, answer: Form, client_id: str = "demo-client") -> dict[str, Any]:
    keys = jwt.PyJWKSet.from_dict(browser_session().get(f"{vle.url}/jwks/", timeout=10).json())
    token = answer.fields["id_token"]
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["RS256"], audience=client_id, issuer=vle.url)


# --- the launch -----------------------------------------------------------------------------


def test_a_launch_from_the_course_to_a_verified_token(vle: RunningVle, tool: FakeTool) -> None:
    session = signed_in(vle, AMINA)
    page = session.get(f"{vle.url}/courses/1/activities/1/", timeout=10)
    assert 'title="Responding to shared nudes: all-staff awareness"' in page.text

    initiation = login_initiation(vle, session)
    assert initiation.action == f"{tool.url}/lti/login/"
    hint = json.loads(initiation.fields.pop("lti_message_hint"))
    assert hint["cmid"] == 1
    assert len(hint["launchid"]) >= 32
    assert initiation.fields == {
        "iss": vle.url,
        "target_link_uri": f"{tool.url}/lti/launch/",
        "login_hint": AMINA,
        "client_id": "demo-client",
        "lti_deployment_id": "demo-deployment",
        "lti_storage_target": "_parent",
    }
    answer = launch(vle, tool, session)
    assert answer.action == f"{tool.url}/lti/launch/"
    assert answer.fields.keys() == {"id_token", "state"}
    assert answer.fields["state"] == "state-1"

    claims = claims_of(vle, answer)
    assert claims["exp"] - claims["iat"] == 60
    assert {name: claims[name] for name in ("sub", "nonce", "name", "given_name", "email")} == {
        "sub": AMINA, "nonce": "nonce-1", "name": "Amina Yusuf", "given_name": "Amina",
        "email": "a.yusuf@riverside.example",
    }  # fmt: skip
    assert claims[LTI + "message_type"] == "LtiResourceLinkRequest"
    assert claims[LTI + "version"] == "1.3.0"
    assert claims[LTI + "deployment_id"] == "demo-deployment"
    assert claims[LTI + "target_link_uri"] == f"{tool.url}/lti/launch/"
    assert claims[LTI + "roles"] == ["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"]
    assert claims[LTI + "custom"] == {"module": "all-staff-awareness"}
    assert claims[LTI + "tool_platform"]["product_family_code"] == "demo-vle"
    assert claims[LTI + "launch_presentation"]["document_target"] == "iframe"
    assert len(claims[AGS_CLAIM]["scope"]) == 4
    assert claims[AGS_CLAIM]["lineitem"].startswith(claims[AGS_CLAIM]["lineitems"] + "/")
    assert claims[NRPS_CLAIM]["service_versions"] == ["2.0"]


def test_a_launch_in_a_window_offers_no_storage_frame(vle: RunningVle, tool: FakeTool) -> None:
    session = signed_in(vle, GRACE)
    assert "lti_storage_target" not in login_initiation(vle, session, "window").fields
    claims = claims_of(vle, launch(vle, tool, session, target="window"))
    assert claims[LTI + "launch_presentation"]["document_target"] == "window"
    assert claims[LTI + "roles"] == ["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"]


def test_who_shares_nothing_is_named_nowhere_in_the_token(vle: RunningVle, tool: FakeTool) -> None:
    claims = claims_of(vle, launch(vle, tool, signed_in(vle, JO)))
    assert claims["sub"] == JO
    assert not {"name", "given_name", "family_name", "email"} & claims.keys()
    assert "Marsh" not in json.dumps(claims)
    assert "jmarsh" not in json.dumps(claims)


def test_the_auth_request_may_come_as_a_post(vle: RunningVle, tool: FakeTool) -> None:
    session = signed_in(vle, TOMOS)
    request = auth_request(tool, login_initiation(vle, session))
    answer = form_of(session.post(f"{vle.url}/auth/", request, timeout=10))
    assert claims_of(vle, answer)["family_name"] == "Llŷr-Evans"


def test_a_hint_is_good_for_one_launch(vle: RunningVle, tool: FakeTool) -> None:
    session = signed_in(vle, AMINA)
    request = auth_request(tool, login_initiation(vle, session))

    def answer(_: int) -> Form:
        cookies = session.cookies.get_dict()
        page = requests.get(f"{vle.url}/auth/", params=request, cookies=cookies, timeout=30)
        return form_of(page)

    with ThreadPoolExecutor(max_workers=6) as at_once:
        answers = list(at_once.map(answer, range(6)))
    assert sum("id_token" in each.fields for each in answers) == 1
    refused = next(each for each in answers if "error" in each.fields)
    assert refused.action == f"{tool.url}/lti/launch/"
    assert refused.fields["error"] == "invalid_request"
    assert "already used" in refused.fields["error_description"]
    assert refused.fields["state"] == "state-1"


@pytest.mark.parametrize("suffix", ["?x=1", "x", "/../launch/", "#f"])
def test_a_redirect_uri_that_differs_in_anything_gets_nothing(
    vle: RunningVle, tool: FakeTool, suffix: str
) -> None:
    session = signed_in(vle, AMINA)
    request = auth_request(
        tool, login_initiation(vle, session), redirect_uri=f"{tool.url}/lti/launch/{suffix}"
    )
    page = session.get(f"{vle.url}/auth/", params=request, timeout=10)
    assert page.status_code == 400
    assert "<form" not in page.text
    assert "not registered" in page.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "other"}, "unauthorized_client"),
        ({"response_type": "code"}, "unsupported_response_type"),
        ({"scope": "openid email"}, "invalid_scope"),
        ({"response_mode": "query"}, "invalid_request"),
        ({"prompt": "login"}, "invalid_request"),
        ({"nonce": None}, "invalid_request"),
        ({"lti_message_hint": None}, "invalid_request"),
        ({"lti_message_hint": "not json"}, "invalid_request"),
        ({"lti_message_hint": "[1]"}, "invalid_request"),
        ({"lti_message_hint": '{"launchid":"\\ud800"}'}, "invalid_request"),
        ({"lti_message_hint": '{"cmid":1,"launchid":"guessed"}'}, "invalid_request"),
        ({"login_hint": TOMOS}, "access_denied"),
    ],
)
def test_a_faulty_auth_request_is_told_to_the_tool(
    vle: RunningVle, tool: FakeTool, changes: dict[str, str], error: str
) -> None:
    answer = launch(vle, tool, signed_in(vle, AMINA), **changes)
    assert answer.action == f"{tool.url}/lti/launch/"
    assert answer.fields["error"] == error
    assert answer.fields["error_description"]
    assert "id_token" not in answer.fields


def test_a_parameter_sent_twice_is_refused(vle: RunningVle, tool: FakeTool) -> None:
    session = signed_in(vle, AMINA)
    request = [*auth_request(tool, login_initiation(vle, session)).items(), ("nonce", "other")]
    answer = form_of(session.get(f"{vle.url}/auth/", params=request, timeout=10))
    assert answer.fields["error"] == "invalid_request"


def test_another_person_cannot_use_the_hint(vle: RunningVle, tool: FakeTool) -> None:
    request = auth_request(tool, login_initiation(vle, signed_in(vle, AMINA)), login_hint=TOMOS)
    answer = form_of(signed_in(vle, TOMOS).get(f"{vle.url}/auth/", params=request, timeout=10))
    assert answer.fields["error"] == "invalid_request"


def test_without_its_cookie_the_request_is_posted_again_from_the_vle(vle: RunningVle, tool: FakeTool) -> None:
    session = signed_in(vle, AMINA)
    request = auth_request(tool, login_initiation(vle, session))

    cross_site = requests.get(f"{vle.url}/auth/", params=request, timeout=10)
    again = form_of(cross_site)
    assert again.action == f"{vle.url}/auth/"
    assert again.fields == {**request, "vle_reposted": "1"}

    signed_out = form_of(requests.post(again.action, again.fields, timeout=10))
    assert signed_out.fields["error"] == "login_required"
    # The hint is still unspent, so the browser that has the cookie gets its launch.
    assert "id_token" in form_of(session.post(again.action, again.fields, timeout=10)).fields


def test_who_is_not_signed_in_is_sent_to_choose(vle: RunningVle) -> None:
    session = browser_session()
    for path in ("/courses/1/activities/1/", "/courses/1/grades/"):
        page = session.get(vle.url + path, timeout=10)
        assert "Who are you today?" in page.text
    assert session.get(f"{vle.url}/courses/1/activities/1/launch/", timeout=10).status_code == 403
    forged = {"riverside_vle_who": f"{GRACE}:1aaaaa:bm90LWEtc2lnbmF0dXJl"}
    page = session.get(f"{vle.url}/courses/1/grades/", cookies=forged, timeout=10)
    assert "Who are you today?" in page.text


def test_the_ip_address_leads_to_the_name_the_cookies_belong_to(vle: RunningVle) -> None:
    for path in ("/", "/courses/1/", "/tools/", "/me/"):
        answer = requests.get(f"http://127.0.0.1:{vle.port}{path}", allow_redirects=False, timeout=10)
        assert (answer.status_code, answer.headers["Location"]) == (302, f"{vle.url}{path}")


def test_the_tools_message_on_return_is_shown_as_text(vle: RunningVle) -> None:
    page = requests.get(
        f"{vle.url}/courses/1/activities/1/return/",
        params={"lti_errormsg": "<b>Try later</b>"}, timeout=10,
    )  # fmt: skip
    assert "&lt;b&gt;Try later&lt;/b&gt;" in page.text


# --- tokens for the services ----------------------------------------------------------------


def token_request(
    vle: RunningVle, tool: FakeTool, client_id: str = "demo-client", **changes: str
) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": tool.assertion(f"{vle.url}/token/", iss=client_id, sub=client_id),
        "scope": SCORE,
    } | changes


def ask_token(vle: RunningVle, form: dict[str, str]) -> requests.Response:
    return requests.post(f"{vle.url}/token/", form, timeout=30)


def test_a_token_is_granted_for_what_may_be_granted(vle: RunningVle, tool: FakeTool) -> None:
    answer = ask_token(vle, token_request(vle, tool, scope=f"{SCORE} {RESULT} urn:else {SCORE}"))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert len(body.pop("access_token")) >= 32
    assert body == {"token_type": "Bearer", "expires_in": 3600, "scope": f"{SCORE} {RESULT}"}


def test_the_database_holds_no_usable_token(vle: RunningVle, tool: FakeTool) -> None:
    issued = ask_token(vle, token_request(vle, tool)).json()["access_token"]
    with database_of(vle) as database:
        stored = [row[0] for row in database.execute("SELECT token_hash FROM demo_vle_accesstoken")]
    assert stored
    assert issued not in stored


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({"client_assertion_type": "password"}, 400, "invalid_request"),
        ({"client_assertion": ""}, 401, "invalid_client"),
        ({"client_assertion": "a.b.c"}, 401, "invalid_client"),
        ({"scope": ""}, 400, "invalid_scope"),
        ({"scope": "urn:else"}, 400, "invalid_scope"),
    ],
)
def test_a_token_request_that_is_refused(
    vle: RunningVle, tool: FakeTool, changes: dict[str, str], status: int, error: str
) -> None:
    answer = ask_token(vle, token_request(vle, tool, **changes))
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "other"},
        {"sub": "other"},
        {"aud": "https://elsewhere.example/token"},
        {"exp": 1},
        {"exp": None},
        {"exp": str(int(time.time()) + 60)},
        {"iat": None},
        {"jti": None},
        {"jti": 7},
        {"exp": int(time.time()) + 90_000},
        {"kid": "unknown"},
        {"kid": None},
        {"kid": 5},
    ],
    ids=",".join,  # the names alone: a time in a test's id would change with every run
)
def test_an_assertion_that_is_refused(vle: RunningVle, tool: FakeTool, claims: dict[str, Any]) -> None:
    plain = jwt.decode(tool.assertion(f"{vle.url}/token/"), options={"verify_signature": False})
    kid = claims.get("kid", tool.kid)
    payload = {name: value for name, value in (plain | claims).items() if value is not None}
    payload.pop("kid", None)
    signed = jwt.api_jws.PyJWS().encode(
        json.dumps(payload).encode(), tool.key, "RS256",
        headers={"kid": kid} if isinstance(kid, str) else {},
    )  # fmt: skip
    answer = ask_token(vle, token_request(vle, tool, client_assertion=signed))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_signature_by_somebody_else_or_by_nobody(vle: RunningVle, tool: FakeTool) -> None:
    audience = f"{vle.url}/token/"
    stranger = generate_private_key(public_exponent=65537, key_size=2048)
    claims = jwt.decode(tool.assertion(audience), options={"verify_signature": False})
    for assertion in (
        tool.assertion(audience, key=stranger),
        jwt.encode(claims, "", algorithm="none", headers={"kid": tool.kid}),
        jwt.encode(claims, "s" * 32, algorithm="HS256", headers={"kid": tool.kid}),
    ):
        answer = ask_token(vle, token_request(vle, tool, client_assertion=assertion))
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_an_assertion_is_good_once(vle: RunningVle, tool: FakeTool) -> None:
    form = token_request(vle, tool)
    assert ask_token(vle, form).status_code == 200
    again = ask_token(vle, form)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
    assert "used before" in again.json()["error_description"]


def test_a_new_key_of_the_tool_is_found(vle: RunningVle, tool: FakeTool) -> None:
    assert ask_token(vle, token_request(vle, tool)).status_code == 200
    tool.kid = "tool-key-2"
    assert ask_token(vle, token_request(vle, tool)).status_code == 200


def test_a_tool_that_is_down_is_a_reason_to_try_again(tmp_path: Path, tool: FakeTool) -> None:
    with running_vle(tmp_path, "http://127.0.0.1:9") as vle:
        answer = ask_token(vle, token_request(vle, tool))
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")


# --- line items -----------------------------------------------------------------------------


class ServiceClient:
    """The tool at work: one token for everything, the right media types."""

    def __init__(
        self,
        vle: RunningVle,
        tool: FakeTool,
        scope: str = "",
        client_id: str = "demo-client",
        course: int = 1,
    ) -> None:
        scope = scope or " ".join((LINE_ITEM, RESULT, SCORE, ROSTER))
        answer = ask_token(vle, token_request(vle, tool, client_id, scope=scope))
        self.authorization = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        self.items = f"{vle.url}/ags/courses/{course}/lineitems"

    def send(
        self, method: str, url: str, body: object = None, *, content: str = "", accept: str = ""
    ) -> requests.Response:
        headers = self.authorization | {"Accept": accept or "*/*"}
        if body is None:
            return requests.request(method, url, headers=headers, timeout=10)
        headers["Content-Type"] = content
        data = body if isinstance(body, str) else json.dumps(body)
        return requests.request(method, url, data=data.encode(), headers=headers, timeout=10)

    def create(self, **fields: object) -> dict[str, Any]:
        body = {"label": "Certificate", "scoreMaximum": 10} | fields
        answer = self.send("POST", self.items, body, content=ITEM_TYPE)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def list(self, query: str = "") -> list[dict[str, Any]]:
        answer = self.send("GET", self.items + query, accept=ITEMS_TYPE)
        assert answer.headers["Content-Type"] == ITEMS_TYPE
        return answer.json()

    def score(self, item: dict[str, Any], **fields: object) -> requests.Response:
        body: dict[str, object] = {
            "userId": AMINA, "timestamp": "2026-11-22T10:00:00.000Z", "scoreGiven": 9,
            "scoreMaximum": 10, "activityProgress": "Completed", "gradingProgress": "FullyGraded",
            "comment": f"Certificate: {VERIFY_URL}",
        } | fields  # fmt: skip
        body = {name: value for name, value in body.items() if value is not None}
        return self.send("POST", item["id"] + "/scores", body, content=SCORE_TYPE)

    def result(self, item: dict[str, Any], user: str = AMINA) -> dict[str, Any]:
        url = f"{item['id']}/results?user_id={user}"
        answer = self.send("GET", url, accept=RESULTS_TYPE)
        assert answer.headers["Content-Type"] == RESULTS_TYPE
        [result] = answer.json()
        return result


@pytest.fixture(scope="module")
def client(vle: RunningVle, tool: FakeTool) -> ServiceClient:
    return ServiceClient(vle, tool)


def test_the_activity_has_its_line_item_from_the_start(client: ServiceClient) -> None:
    own = client.list()[0]
    assert own["resourceLinkId"] == "1"
    assert own["scoreMaximum"] == 100
    assert client.send("GET", own["id"], accept=ITEM_TYPE).json() == own
    refused = client.send("DELETE", own["id"])
    assert refused.status_code == 403
    assert "belongs to the activity" in refused.json()["error"]


def test_create_find_replace_and_delete(client: ServiceClient) -> None:
    item = client.create(resourceId="cert-1", tag="certificate", resourceLinkId="1")
    for query in ("resource_id=cert-1", "tag=certificate", "resource_link_id=1&tag=certificate"):
        assert client.list("?" + query) == [item]
    assert client.list("?tag=none") == []

    replaced = client.send("PUT", item["id"], {"label": "Renamed", "scoreMaximum": 20.5}, content=ITEM_TYPE)
    assert replaced.json() == {"id": item["id"], "label": "Renamed", "scoreMaximum": 20.5}
    assert client.send("DELETE", item["id"]).status_code == 204
    assert client.send("GET", item["id"], accept=ITEM_TYPE).status_code == 404


def test_two_line_items_of_a_link_leave_the_claim_without_one(
    vle: RunningVle, tool: FakeTool, client: ServiceClient
) -> None:
    session = signed_in(vle, AMINA)
    second = client.create(resourceLinkId="1")
    assert "lineitem" not in claims_of(vle, launch(vle, tool, session))[AGS_CLAIM]
    client.send("DELETE", second["id"])
    assert "lineitem" in claims_of(vle, launch(vle, tool, session))[AGS_CLAIM]


@pytest.mark.parametrize(
    "body",
    [
        {"scoreMaximum": 10},
        {"label": " ", "scoreMaximum": 10},
        {"label": "x" * 256, "scoreMaximum": 10},
        {"label": "nul \0", "scoreMaximum": 10},
        {"label": "lone \ud800", "scoreMaximum": 10},
        {"label": "x"},
        {"label": "x", "scoreMaximum": 0},
        {"label": "x", "scoreMaximum": True},
        {"label": "x", "scoreMaximum": "10"},
        {"label": "x", "scoreMaximum": 10**400},
        {"label": "x", "scoreMaximum": 10, "resourceLinkId": "99"},
        {"label": "x", "scoreMaximum": 10, "endDateTime": "soon"},
        {"label": "x", "scoreMaximum": 10, "submissionReview": []},
        {"label": "x", "scoreMaximum": 10, "submissionReview": {}},
        {"label": "x", "scoreMaximum": 10, "submissionReview": {"reviewableStatus": ["Done"]}},
        [],
        "not json",
        '{"label":"x","scoreMaximum":NaN}',
        '{"label":"x","scoreMaximum":1e999}',
        "[" * 100_000,
    ],
    ids=lambda body: str(body)[:40].encode("ascii", "replace").decode(),
)
def test_a_faulty_line_item_is_refused_in_words(client: ServiceClient, body: object) -> None:
    answer = client.send("POST", client.items, body, content=ITEM_TYPE)
    assert answer.status_code == 400
    assert len(answer.json()["error"]) > 10


# --- scores and results ---------------------------------------------------------------------


def test_the_life_of_a_score(client: ServiceClient) -> None:
    item = client.create(scoreMaximum=20)
    sent = client.score(item)
    assert (sent.status_code, sent.text) == (200, "")
    assert client.result(item) == {
        "id": f"{item['id']}/results?user_id={AMINA}",
        "scoreOf": item["id"],
        "userId": AMINA,
        "resultScore": 18,  # 9 of 10, in a column of 20
        "resultMaximum": 20,
        "comment": f"Certificate: {VERIFY_URL}",
    }
    # A later score without a comment erases the comment.
    assert client.score(item, timestamp="2026-11-22T10:00:01Z", comment=None).status_code == 200
    assert "comment" not in client.result(item)
    # One that is not final blanks the grade.
    later = {"timestamp": "2026-11-22T10:00:02Z", "gradingProgress": "Pending"}
    assert client.score(item, **later).status_code == 200
    assert "resultScore" not in client.result(item)
    # A final one without a score does the same.
    assert client.score(item, timestamp="2026-11-22T10:00:03Z").status_code == 200
    assert client.result(item)["resultScore"] == 18
    cleared = client.score(item, timestamp="2026-11-22T10:00:04Z", scoreGiven=None)
    assert cleared.status_code == 200
    assert "resultScore" not in client.result(item)


@pytest.mark.parametrize(
    ("timestamp", "status"),
    [
        ("2026-11-22T10:00:00.123456788Z", 409),
        ("2026-11-22T10:00:00.123456789Z", 409),
        ("2026-11-22T11:00:00.123456789+01:00", 409),
        ("2026-11-22T10:00:00Z", 409),
        ("2026-11-22T10:00:00.12345679Z", 200),
        ("2026-11-22T09:30:00.123456790-00:30", 200),
    ],
)
def test_timestamps_are_told_apart_to_the_last_digit(
    client: ServiceClient, timestamp: str, status: int
) -> None:
    item = client.create()
    assert client.score(item, timestamp="2026-11-22T10:00:00.123456789Z").status_code == 200
    second = client.score(item, timestamp=timestamp, scoreGiven=1)
    assert second.status_code == status
    assert client.result(item)["resultScore"] == (9 if status == 409 else 1)


def test_of_many_equal_scores_at_once_one_is_taken(client: ServiceClient) -> None:
    item = client.create()
    with ThreadPoolExecutor(max_workers=8) as at_once:
        answers = list(at_once.map(lambda _: client.score(item).status_code, range(8)))
    assert sorted(answers) == [200] + [409] * 7


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"userId": None}, "userId"),
        ({"userId": 5}, "userId"),
        ({"userId": "nobody"}, "names nobody"),
        ({"userId": GRACE}, "not graded"),
        ({"timestamp": None}, "timestamp"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": "2026-11-22"}, "timestamp"),
        ({"timestamp": "2026-11-22T10:00:00"}, "timestamp"),
        ({"timestamp": "2026-11-22T10:00:00.Z"}, "timestamp"),
        ({"timestamp": "2026-W10-1T10:00:00Z"}, "timestamp"),
        ({"timestamp": "9999-12-31T23:59:59-23:59"}, "timestamp"),
        ({"userId": "lone \ud800"}, "userId"),
        ({"activityProgress": None}, "activityProgress"),
        ({"activityProgress": "Done"}, "activityProgress"),
        ({"gradingProgress": None}, "gradingProgress"),
        ({"gradingProgress": "fullygraded"}, "gradingProgress"),
        ({"scoreMaximum": None}, "scoreMaximum"),
        ({"scoreMaximum": 0}, "scoreMaximum"),
        ({"scoreGiven": -1}, "scoreGiven"),
        ({"scoreGiven": "9"}, "scoreGiven"),
        ({"comment": 5}, "comment"),
    ],
    ids=str,
)
def test_a_faulty_score_is_refused_in_words(
    client: ServiceClient, fields: dict[str, object], reason: str
) -> None:
    item = client.create()
    answer = client.score(item, **fields)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]
    assert client.send("GET", item["id"] + "/results", accept=RESULTS_TYPE).json() == []


def test_every_score_is_logged_whether_taken_or_not(vle: RunningVle, client: ServiceClient) -> None:
    item = client.create()
    for fields in ({}, {}, {"userId": "nobody"}):
        client.score(item, **fields)
    client.send("POST", item["id"] + "/scores", "{", content=SCORE_TYPE)
    with database_of(vle) as database:
        rows = database.execute(
            "SELECT status, user_id, reason FROM demo_vle_scorelog WHERE line_item_id = ? ORDER BY id",
            [item["id"].rpartition("/")[2]],
        ).fetchall()
    assert [row[:2] for row in rows] == [(200, AMINA), (409, AMINA), (400, "nobody"), (400, "")]
    assert [bool(row[2]) for row in rows] == [False, True, True, True]


def test_a_service_call_needs_a_token_that_fits(
    vle: RunningVle, tool: FakeTool, client: ServiceClient
) -> None:
    item = client.create()
    assert requests.get(client.items, timeout=10).status_code == 401
    unknown = requests.get(
        client.items, headers={"Authorization": "Bearer x", "Accept": ITEMS_TYPE}, timeout=10
    )
    assert unknown.status_code == 401
    assert unknown.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'

    reader = ServiceClient(vle, tool, scope=READ)
    assert reader.list() != []
    body = {"label": "x", "scoreMaximum": 1}
    assert reader.send("POST", reader.items, body, content=ITEM_TYPE).status_code == 403
    assert reader.score(item).status_code == 403
    assert reader.send("GET", item["id"] + "/results", accept=RESULTS_TYPE).status_code == 403
    assert reader.send("DELETE", item["id"]).status_code == 403


def test_an_expired_token_is_refused(vle: RunningVle, tool: FakeTool) -> None:
    client = ServiceClient(vle, tool)
    assert client.list() != []
    with database_of(vle) as database:
        # Of this module's tokens only the newest; the others are still needed.
        database.execute(
            "UPDATE demo_vle_accesstoken SET expires_at = '2020-01-01 00:00:00'"
            " WHERE rowid = (SELECT max(rowid) FROM demo_vle_accesstoken)"
        )
    assert client.send("GET", client.items, accept=ITEMS_TYPE).status_code == 401


def test_media_types_are_kept_to(client: ServiceClient) -> None:
    item = client.create()
    for url in (client.items, item["id"], item["id"] + "/results"):
        for accept in ("application/json", "*/*"):
            assert client.send("GET", url, accept=accept).status_code == 406
    for url in (client.items, item["id"] + "/scores"):
        answer = client.send("POST", url, {}, content="application/json")
        assert answer.status_code == 415
    charset = client.send(
        "POST", client.items, {"label": "x", "scoreMaximum": 1},
        content=ITEM_TYPE + "; charset=utf-8",
    )  # fmt: skip
    assert charset.status_code == 201
    several = client.send("GET", item["id"], accept=f"application/json, {ITEM_TYPE};q=0.9")
    assert several.status_code == 200


def test_what_is_not_there_is_404_and_a_wrong_verb_405(client: ServiceClient) -> None:
    gone = {"id": f"{client.items}/{10**30}"}
    assert client.score(gone).status_code == 404
    for course in (2, 10**30):
        elsewhere = client.items.replace("/courses/1/", f"/courses/{course}/")
        assert client.send("GET", elsewhere, accept=ITEMS_TYPE).status_code == 404
    wrong = client.send("PATCH", client.items)
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "GET, POST")


# --- the roster -----------------------------------------------------------------------------


def test_the_roster(vle: RunningVle, client: ServiceClient) -> None:
    url = f"{vle.url}/nrps/courses/1/memberships"
    answer = client.send("GET", url, accept=ROSTER_TYPE)
    assert answer.headers["Content-Type"] == ROSTER_TYPE
    members = {member["user_id"]: member for member in answer.json()["members"]}
    assert members.keys() == {AMINA, TOMOS, JO, GRACE}
    assert members[TOMOS]["name"] == "Tomos Llŷr-Evans"
    assert "name" not in members[JO]
    assert "email" not in members[JO]

    leads = client.send("GET", url + "?role=Instructor", accept=ROSTER_TYPE).json()["members"]
    assert [member["user_id"] for member in leads] == [GRACE]
    assert client.send("GET", url + "?rlid=99", accept=ROSTER_TYPE).status_code == 404
    assert client.send("GET", url, accept="application/json").status_code == 406


# --- the gradebook, and what a restart keeps --------------------------------------------------


def test_the_gradebook_shows_a_score_to_whom_it_concerns(vle: RunningVle, client: ServiceClient) -> None:
    item = client.create(label="Shown in the gradebook", scoreMaximum=10)
    client.score(item, comment=f"Well <done>\n{VERIFY_URL}")
    lead = signed_in(vle, GRACE).get(f"{vle.url}/courses/1/grades/", timeout=10).text
    own = signed_in(vle, AMINA).get(f"{vle.url}/courses/1/grades/", timeout=10).text
    for page in (lead, own):
        section = page.partition("Shown in the gradebook")[2].partition("</section>")[0]
        assert "<strong>9 / 10</strong>" in section
        assert "Well &lt;done&gt;" in section
        assert f'<a href="{VERIFY_URL}" rel="nofollow">' in section
    assert "Tomos" in lead
    assert "No grade yet" in lead
    assert "What the activity has sent" in lead

    others = signed_in(vle, TOMOS).get(f"{vle.url}/courses/1/grades/", timeout=10).text
    assert "Amina" not in others
    assert VERIFY_URL not in others
    assert "What the activity has sent" not in others
    assert "No grade yet" in others


def test_a_restart_keeps_scores_tokens_and_who_is_signed_in(tool: FakeTool, tmp_path: Path) -> None:
    with running_vle(tmp_path, tool.url) as vle:
        client = ServiceClient(vle, tool)
        own = client.list()[0]
        assert client.score(own).status_code == 200
        session = signed_in(vle, AMINA)
        used = token_request(vle, tool)
        assert ask_token(vle, used).status_code == 200
        vle.stop()
        vle.start()
        page = session.get(f"{vle.url}/courses/1/grades/", timeout=10).text
        assert "<strong>90 / 100</strong>" in page
        assert client.score(own).status_code == 409
        assert client.list() == [own]
        assert ask_token(vle, used).status_code == 401  # its jti is remembered too

"""Choosing in the tool what a course of the demo VLE gets: the request, and what becomes of the answer."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from tests.deploy.test_demo_vle import (
    AGS_CLAIM,
    AMINA,
    GRACE,
    LTI,
    NRPS_CLAIM,
    PIOTR,
    ServiceClient,
    claims_of,
    form_of,
    launch,
    login_initiation,
    signed_in,
)
from tests.deploy.test_demo_vle_process import FakeTool, RunningVle, running_vle

DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
CHOOSE = "/courses/1/add/1/"
RETURN = f"{CHOOSE}return/"
MODULE: dict[str, Any] = {
    "type": "ltiResourceLink",
    "title": "Leading the response",
    "text": "For <em>safeguarding leads</em>.",
    "url": "http://tool.example/lti/launch/?activity=42",
    "custom": {"activity": "42", "course": "$Context.id.history", "link": "$ResourceLink.id.history"},
    "window": {"targetName": "_blank"},
    "submission": {"endDateTime": "2027-09-03T16:00:00+01:00"},
    "lineItem": {
        "scoreMaximum": 50,
        "label": "Leads' quiz",
        "resourceId": "activity-42",
        "tag": "training",
        "submissionReview": {"reviewableStatus": ["Completed"], "url": "http://tool.example/review/"},
    },
}


@pytest.fixture(scope="module")
def tool() -> Iterator[FakeTool]:
    fake = FakeTool()
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def vle(tool: FakeTool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVle]:
    with running_vle(tmp_path_factory.mktemp("demo-vle"), tool.url) as running:
        yield running


def asked(vle: RunningVle, tool: FakeTool, session: requests.Session) -> dict[str, Any]:
    return claims_of(vle, launch(vle, tool, session, path=f"{CHOOSE}launch/"))


def data_of(vle: RunningVle, tool: FakeTool, session: requests.Session) -> str:
    return asked(vle, tool, session)[DL + "deep_linking_settings"]["data"]


def answer(vle: RunningVle, tool: FakeTool, data: str, *items: object, **changes: Any) -> str:
    """The tool's signed answer; a change to None leaves that claim out."""
    now = int(time.time())
    key, kid = changes.pop("key", tool.key), changes.pop("kid", tool.kid)
    claims = {
        "iss": "demo-client", "aud": [vle.url], "iat": now, "exp": now + 60,
        "nonce": f"nonce-{time.monotonic_ns()}",
        LTI + "message_type": "LtiDeepLinkingResponse",
        LTI + "version": "1.3.0",
        LTI + "deployment_id": "demo-deployment",
        DL + "data": data,
        DL + "content_items": list(items),
    } | changes  # fmt: skip
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid} if kid else {})


def send(vle: RunningVle, session: requests.Session, token: str, path: str = RETURN) -> requests.Response:
    return session.post(vle.url + path, {"JWT": token}, timeout=30)


def titles(vle: RunningVle) -> list[str]:
    page = signed_in(vle, AMINA).get(f"{vle.url}/courses/1/", timeout=10).text
    return re.findall(r'<h2 id="activity-\d+">.*?<a [^>]*>([^<]*)</a></h2>', page)


def newest_activity(vle: RunningVle) -> int:
    page = signed_in(vle, AMINA).get(f"{vle.url}/courses/1/", timeout=10).text
    return max(int(found) for found in re.findall(r'id="activity-(\d+)"', page))


# --- the request ----------------------------------------------------------------------------


def test_the_request_says_what_is_accepted_and_where_the_answer_goes(vle: RunningVle, tool: FakeTool) -> None:
    session = signed_in(vle, GRACE)
    page = session.get(vle.url + CHOOSE, timeout=10).text
    assert "Add training from SafeResponse" in page
    assert login_initiation(vle, session, path=f"{CHOOSE}launch/").fields["lti_storage_target"] == "_parent"

    claims = asked(vle, tool, session)
    assert claims[LTI + "message_type"] == "LtiDeepLinkingRequest"
    assert claims[LTI + "context"]["id"] == "1"
    settings = claims[DL + "deep_linking_settings"]
    assert len(settings.pop("data")) >= 32
    assert settings == {
        "deep_link_return_url": vle.url + RETURN,
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["iframe", "window"],
        "accept_multiple": True,
        "accept_lineitem": True,
        "auto_create": False,
        "title": "Staff safeguarding training",
        "text": "",
    }
    assert claims[AGS_CLAIM]["lineitems"] == f"{vle.url}/ags/courses/1/lineitems"
    assert "lineitem" not in claims[AGS_CLAIM]
    assert LTI + "resource_link" not in claims
    assert NRPS_CLAIM not in claims


def test_only_who_teaches_is_sent_to_choose(vle: RunningVle, tool: FakeTool) -> None:
    session = signed_in(vle, AMINA)
    assert "Add training" not in session.get(vle.url, timeout=10).text
    for path in (CHOOSE, f"{CHOOSE}launch/"):
        assert session.get(vle.url + path, timeout=10).status_code == 403
    roles = asked(vle, tool, signed_in(vle, PIOTR))[LTI + "roles"]
    assert [role.rpartition("/")[2] for role in roles] == [
        "membership#Instructor",
        "person#Administrator",
        "person#Administrator",
    ]


# --- what becomes of the answer ---------------------------------------------------------------


def test_what_was_chosen_is_in_the_course_with_all_that_was_said_of_it(
    vle: RunningVle, tool: FakeTool
) -> None:
    session = signed_in(vle, GRACE)
    plain = {"type": "ltiResourceLink", "icon": {"url": f"{tool.url}/icon.svg"}}
    token = answer(vle, tool, data_of(vle, tool, session), MODULE, plain)
    page = send(vle, session, token)
    assert page.status_code == 200
    assert "2 activities are new in Staff safeguarding training" in page.text
    assert 'href="/courses/1/" target="_top"' in page.text
    assert titles(vle)[-2:] == ["Leading the response", "SafeResponse"]

    course = session.get(f"{vle.url}/courses/1/", timeout=10).text
    assert "For safeguarding leads." in course
    assert "Due 3 September 2027, 16:00" in course
    assert f'<img class="icon" src="{tool.url}/icon.svg" alt="">' in course
    ungraded = newest_activity(vle)
    chosen = ungraded - 1
    window = session.get(f"{vle.url}/courses/1/activities/{chosen}/", timeout=10).text
    assert "<iframe" not in window
    assert f'href="/courses/1/activities/{chosen}/launch/?target=window" target="_blank"' in window

    claims = claims_of(vle, launch(vle, tool, session, path=f"/courses/1/activities/{chosen}/launch/"))
    assert claims[LTI + "target_link_uri"] == MODULE["url"]
    assert claims[LTI + "resource_link"] == {
        "id": str(chosen),
        "title": "Leading the response",
        "description": "For <em>safeguarding leads</em>.",
    }
    assert claims[LTI + "custom"] == {"activity": "42", "course": "", "link": ""}
    bare = claims_of(vle, launch(vle, tool, session, path=f"/courses/1/activities/{ungraded}/launch/"))
    assert bare[LTI + "target_link_uri"] == f"{tool.url}/lti/launch/"
    assert bare[LTI + "custom"] == {}
    assert "lineitem" not in bare[AGS_CLAIM]

    client = ServiceClient(vle, tool)
    [item] = client.list("?resource_id=activity-42")
    assert item == {
        "id": claims[AGS_CLAIM]["lineitem"],
        "label": "Leads' quiz",
        "scoreMaximum": 50,
        "resourceLinkId": str(chosen),
        "resourceId": "activity-42",
        "tag": "training",
        "submissionReview": MODULE["lineItem"]["submissionReview"],
    }
    assert client.list(f"?resource_link_id={ungraded}") == []
    assert client.score(item, userId=AMINA).status_code == 200
    grades = session.get(f"{vle.url}/courses/1/grades/", timeout=10).text
    section = grades.partition("Leads&#x27; quiz")[2].partition("</section>")[0]
    assert "<strong>45 / 50</strong>" in section


def test_without_its_cookie_the_answer_is_posted_again_from_the_vle(vle: RunningVle, tool: FakeTool) -> None:
    """From the tool's frame or tab the browser holds the Lax cookie back."""
    session = signed_in(vle, GRACE)
    before = titles(vle)
    token = answer(vle, tool, data_of(vle, tool, session), MODULE)
    again = form_of(send(vle, requests.Session(), token))
    assert again.action == vle.url + RETURN
    assert again.fields == {"JWT": token, "vle_reposted": "1"}
    signed_out = requests.post(again.action, again.fields, timeout=10)
    assert signed_out.status_code == 403
    assert "You are signed out" in signed_out.text
    assert titles(vle) == before
    assert session.post(again.action, again.fields, timeout=10).status_code == 200
    assert titles(vle) == [*before, "Leading the response"]


def test_nothing_chosen_is_said_and_the_tools_own_words_are_shown_as_text(
    vle: RunningVle, tool: FakeTool
) -> None:
    session = signed_in(vle, GRACE)
    before = titles(vle)
    cancelled = send(vle, session, answer(vle, tool, data_of(vle, tool, session)))
    assert (cancelled.status_code, "Nothing was added" in cancelled.text) == (200, True)
    said = {DL + "msg": "Kept <b>nothing</b>", DL + "errormsg": "No <i>place</i> left"}
    page = send(vle, session, answer(vle, tool, data_of(vle, tool, session), **said)).text
    assert "SafeResponse reports a problem" in page
    assert "No &lt;i&gt;place&lt;/i&gt; left" in page
    assert "Kept &lt;b&gt;nothing&lt;/b&gt;" in page
    without_list = answer(vle, tool, data_of(vle, tool, session), **{DL + "content_items": None})
    assert send(vle, session, without_list).status_code == 200
    assert titles(vle) == before


def test_of_one_answer_sent_many_times_at_once_one_is_taken(vle: RunningVle, tool: FakeTool) -> None:
    session = signed_in(vle, GRACE)
    before = titles(vle)
    data = data_of(vle, tool, session)
    # The same data with a nonce of their own, so that the data alone must stop them.
    tokens = [answer(vle, tool, data, MODULE) for _ in range(6)]

    def post(token: str) -> int:
        cookies = session.cookies.get_dict()
        return requests.post(vle.url + RETURN, {"JWT": token}, cookies=cookies, timeout=30).status_code

    with ThreadPoolExecutor(max_workers=6) as at_once:
        assert sorted(at_once.map(post, tokens)) == [200, 400, 400, 400, 400, 400]
    assert len(titles(vle)) == len(before) + 1


def test_a_nonce_is_good_once(vle: RunningVle, tool: FakeTool) -> None:
    session = signed_in(vle, GRACE)
    first, second = (
        answer(vle, tool, data_of(vle, tool, session), MODULE, nonce="the very same") for _ in range(2)
    )
    assert send(vle, session, first).status_code == 200
    again = send(vle, session, second)
    assert again.status_code == 400
    assert "nonce was used before" in again.text


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"},
        {"iss": None},
        {"aud": "https://elsewhere.example"},
        {"aud": None},
        {"iat": None},
        {"iat": int(time.time()) + 3600},
        {"exp": None},
        {"exp": 1},
        {"exp": int(time.time()) + 90_000},
        {"nonce": None},
        {"nonce": ""},
        {"nonce": 5},
        {"kid": None},
        {"kid": "unknown"},
        {LTI + "deployment_id": "other"},
        {LTI + "deployment_id": None},
        {LTI + "message_type": "LtiDeepLinkingRequest"},
        {LTI + "version": "1.1"},
        {DL + "data": None},
        {DL + "data": "guessed"},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_an_answer_that_is_not_the_tools_or_not_to_us_adds_nothing(
    vle: RunningVle, tool: FakeTool, changes: dict[str, Any]
) -> None:
    session = signed_in(vle, GRACE)
    before = titles(vle)
    data = data_of(vle, tool, session)
    refused = send(vle, session, answer(vle, tool, data, MODULE, **changes))
    assert refused.status_code == 400
    assert "Nothing was added" in refused.text
    assert titles(vle) == before
    # Nothing was spent either: the right answer is still taken.
    assert send(vle, session, answer(vle, tool, data)).status_code == 200


def test_an_answer_signed_by_somebody_else_adds_nothing(vle: RunningVle, tool: FakeTool) -> None:
    session = signed_in(vle, GRACE)
    stranger = generate_private_key(public_exponent=65537, key_size=2048)
    signed = answer(vle, tool, data_of(vle, tool, session), MODULE, key=stranger)
    refused = send(vle, session, signed)
    assert refused.status_code == 400
    assert "Signature verification failed" in refused.text


@pytest.mark.parametrize("token", ["", "a.b.c", "é"])
def test_what_is_no_token_adds_nothing(vle: RunningVle, token: str) -> None:
    assert send(vle, signed_in(vle, GRACE), token).status_code == 400


def test_somebody_elses_choice_is_not_theirs_to_answer(vle: RunningVle, tool: FakeTool) -> None:
    data = data_of(vle, tool, signed_in(vle, GRACE))
    for member in (AMINA, PIOTR):
        refused = send(vle, signed_in(vle, member), answer(vle, tool, data, MODULE))
        assert refused.status_code == 400
        assert "begun by somebody else" in refused.text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("text", "an item must be an object"),
        ({"type": "link"}, "type must be ltiResourceLink"),
        ({"title": "x" * 256}, "title may be at most 255"),
        ({"title": 5}, "title must be text"),
        ({"url": "javascript:alert(1)"}, "url must be an http or https address"),
        ({"url": "/lti/launch/"}, "url must be an http or https address"),
        ({"custom": []}, "custom must be an object"),
        ({"custom": {"activity": 42}}, "custom: every parameter must have a name"),
        ({"custom": {"activity": "4\n2"}}, "custom: &#x27;activity&#x27; holds a line break"),
        ({"icon": "icon.svg"}, "icon must be an object"),
        ({"icon": {"url": "data:image/png;base64,AAAA"}}, "url must be an http or https address"),
        ({"submission": {"endDateTime": "soon"}}, "endDateTime must be an ISO 8601"),
        ({"submission": {"endDateTime": "2027-09-03T16:00:00"}}, "endDateTime must be an ISO 8601"),
        ({"lineItem": 100}, "lineItem must be an object"),
        ({"lineItem": {}}, "scoreMaximum must be an integer between 1 and 100"),
        ({"lineItem": {"scoreMaximum": 0}}, "scoreMaximum must be an integer between 1 and 100"),
        ({"lineItem": {"scoreMaximum": 12.5}}, "scoreMaximum must be an integer between 1 and 100"),
        ({"lineItem": {"scoreMaximum": 150}}, "scoreMaximum must be an integer between 1 and 100"),
        ({"lineItem": {"scoreMaximum": 10, "tag": "x" * 256}}, "tag may be at most 255"),
        (
            {"lineItem": {"scoreMaximum": 10, "submissionReview": {"reviewableStatus": ["Done"]}}},
            "reviewableStatus must be",
        ),
    ],
    ids=str,
)
def test_one_faulty_item_and_none_is_added(vle: RunningVle, tool: FakeTool, change: Any, reason: str) -> None:
    session = signed_in(vle, GRACE)
    before = titles(vle)
    faulty = MODULE | change if isinstance(change, dict) else change
    refused = send(vle, session, answer(vle, tool, data_of(vle, tool, session), MODULE, faulty))
    assert refused.status_code == 400
    assert f"Item 2: {reason}" in refused.text
    assert titles(vle) == before


def test_an_icon_of_another_host_is_not_shown(vle: RunningVle, tool: FakeTool) -> None:
    session = signed_in(vle, GRACE)
    item = MODULE | {"icon": {"url": "https://elsewhere.example/spy.png"}}
    assert send(vle, session, answer(vle, tool, data_of(vle, tool, session), item)).status_code == 200
    assert "elsewhere.example" not in session.get(f"{vle.url}/courses/1/", timeout=10).text


def test_the_frame_wins_where_both_are_given(vle: RunningVle, tool: FakeTool) -> None:
    session = signed_in(vle, GRACE)
    item = MODULE | {"iframe": {"width": 800}}
    send(vle, session, answer(vle, tool, data_of(vle, tool, session), item))
    page = session.get(f"{vle.url}/courses/1/activities/{newest_activity(vle)}/", timeout=10).text
    assert '<iframe name="activity-frame"' in page


def test_an_answer_goes_where_it_was_asked_for(vle: RunningVle, tool: FakeTool) -> None:
    session = signed_in(vle, GRACE)
    data = data_of(vle, tool, session)
    token = answer(vle, tool, data, MODULE)
    for path in ("/courses/99/add/1/return/", "/courses/1/add/99/return/"):
        assert send(vle, session, token, path).status_code == 404
    assert send(vle, session, token).status_code == 200


def test_the_tools_keys_out_of_reach_are_a_reason_to_try_again(tool: FakeTool, tmp_path: Any) -> None:
    with running_vle(tmp_path, "http://127.0.0.1:9") as vle:
        refused = send(vle, signed_in(vle, GRACE), answer(vle, tool, "x"))
    assert refused.status_code == 400
    assert "Try again later" in refused.text

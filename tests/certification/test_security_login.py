"""Beginning a login: which registration, where to, what it costs us, and what the browser keeps of it."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lti_tool import cookies, handover, registrations
from lti_tool.models import Launch, Registration
from tests.certification.checks import Log, assert_refused, reason_on_page
from tests.platforms.browser import Visitor, clock_moved
from tests.platforms.fake import LAUNCH, TOOL, FakePlatform

pytestmark = pytest.mark.django_db
IN_FRAME = {"sec-fetch-dest": "iframe"}


def login_in_frame(visitor: Visitor, **changes: Any) -> Any:
    visitor.client.defaults["HTTP_SEC_FETCH_DEST"] = "iframe"
    return visitor.login(**changes)


# --- which registration -------------------------------------------------------------------------------------


def test_without_client_id_when_the_issuer_has_one_registration(visitor: Visitor) -> None:
    response = visitor.launch(client_id=None)

    assert response.status_code == 302
    assert Launch.objects.count() == 1


def test_without_client_id_when_the_issuer_has_two(
    visitor: Visitor, platform: FakePlatform, log: Log
) -> None:
    platform.register(client_id="second-client")

    response = visitor.login(client_id=None)

    assert_refused(response, log, "registration_ambiguous", registration=None)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://unknown.example"},
        {"client_id": "unknown"},
        {"iss": "x" * 5000},
        {"client_id": "é'\""},
    ],
    ids=lambda changes: next(iter(changes.values()))[:30],
)
def test_an_unknown_registration(visitor: Visitor, log: Log, changes: dict[str, str]) -> None:
    response = visitor.login(**changes)

    assert_refused(response, log, "registration_unknown", registration=None)


def test_an_inactive_registration(visitor: Visitor, registration: Registration, log: Log) -> None:
    registration.is_active = False
    registration.save()

    response = visitor.login()

    assert_refused(response, log, "registration_inactive", registration=registration.pk)


@pytest.mark.parametrize("name", ["iss", "login_hint"])
@pytest.mark.parametrize("value", [None, ""])
def test_what_every_login_must_say(visitor: Visitor, log: Log, name: str, value: str | None) -> None:
    response = visitor.login(**{name: value})

    assert_refused(response, log, "login_invalid", detail=name, registration=None)


@pytest.mark.parametrize("name", ["iss", "login_hint", "lti_message_hint", "target_link_uri", "client_id"])
@pytest.mark.parametrize("value", ["a\x00b", "a\r\nSet-Cookie: x=1", "a\tb", "\u202e"], ids=ascii)
def test_control_characters(visitor: Visitor, log: Log, name: str, value: str) -> None:
    response = visitor.login(**{name: value})

    assert_refused(response, log, "login_invalid", detail="characters", registration=None)


@pytest.mark.parametrize("charset", ["hex", "unicode_escape", "utf-16", "idna", "nonsense"])
@pytest.mark.parametrize("path", ["/lti/login/", "/lti/launch/", "/lti/continue/"])
def test_a_form_in_no_charset_of_ours(visitor: Visitor, path: str, charset: str) -> None:
    """Django decodes a form in whatever Python codec its sender names, lone surrogates and all."""
    boundary = "b0undary"
    fields = {"iss": r"\ud800", "state": r"\ud800", "token": r"\ud800", "sr_secret": r"\ud800"}
    body = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )

    response = visitor.client.generic(
        "POST",
        path,
        f"{body}--{boundary}--\r\n",
        content_type=f"multipart/form-data; boundary={boundary}; charset={charset}",
        secure=True,
    )

    assert 400 <= response.status_code < 500


@pytest.mark.parametrize("path", ["/lti/login/", "/lti/launch/"])
def test_a_query_in_no_charset_of_ours(visitor: Visitor, path: str) -> None:
    response = visitor.client.generic(
        "GET",
        f"{path}?iss=%ff",
        content_type="application/x-www-form-urlencoded; charset=hex",
        secure=True,
    )

    assert 400 <= response.status_code < 500


# --- where to -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_question_to_the_platform(visitor: Visitor, platform: FakePlatform, method: str) -> None:
    response = visitor.login(method)

    address = urlsplit(response["Location"])
    question = parse_qs(address.query)
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{platform.url}/auth"
    assert question.pop("state") != question.pop("nonce")
    assert question == {
        "scope": ["openid"],
        "response_type": ["id_token"],
        "response_mode": ["form_post"],
        "prompt": ["none"],
        "client_id": ["tool-at-fake"],
        "redirect_uri": [LAUNCH],
        "login_hint": ["3"],
        "lti_message_hint": ['{"launchid":"ltilaunch_1"}'],
    }


def test_the_redirect_uri_is_the_one_launch_url_whatever_the_target(platform: FakePlatform) -> None:
    visitor = Visitor(platform, f"{TOOL}/lti/launch/?activity=7&x=1")

    assert visitor.question(redirect_uri="https://evil.example/")["redirect_uri"] == LAUNCH


def test_the_login_hint_goes_back_to_the_letter(visitor: Visitor) -> None:
    hint = 'a&b=c#d%20e+f"ü<x>'

    assert visitor.question(login_hint=hint)["login_hint"] == hint


def test_no_message_hint_is_made_up(visitor: Visitor) -> None:
    assert "lti_message_hint" not in visitor.question(lti_message_hint=None)


def test_an_authentication_url_that_already_has_a_query(visitor: Visitor, platform: FakePlatform) -> None:
    platform.register(auth_url=f"{platform.url}/auth?tenant=7&empty=")

    response = visitor.login()

    address = urlsplit(response["Location"])
    question = parse_qs(address.query, keep_blank_values=True)
    assert address.path == "/auth"
    assert (question["tenant"], question["empty"], question["scope"]) == (["7"], [""], ["openid"])


def test_every_login_has_a_nonce_of_its_own(visitor: Visitor) -> None:
    asked = [visitor.question() for _ in range(20)]

    assert len({question["nonce"] for question in asked}) == 20
    assert len({question["state"] for question in asked}) == 20


# --- what it costs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, IN_FRAME])
def test_a_login_writes_nothing_to_the_database(visitor: Visitor, headers: dict[str, str]) -> None:
    visitor.client.defaults.update({f"HTTP_{n.upper().replace('-', '_')}": v for n, v in headers.items()})
    with CaptureQueriesContext(connection) as queries:
        for _ in range(5):
            visitor.login()
            visitor.login(iss="https://unknown.example")

    assert [query["sql"] for query in queries if not query["sql"].startswith("SELECT")] == []


def test_a_hundred_logins_in_one_browser(visitor: Visitor) -> None:
    for _ in range(100):
        visitor.question()

    assert len(visitor.client.cookie_names("sr-login-")) == cookies.MOST_LOGINS
    assert len(visitor.client.cookie_header()) < 1000


def test_the_last_of_a_hundred_logins_still_works(visitor: Visitor) -> None:
    for _ in range(99):
        visitor.question()

    assert visitor.launch().status_code == 302


def test_signed_in_at_twenty_platforms_in_one_browser(visitor: Visitor, platform: FakePlatform) -> None:
    for number in range(20):
        client_id = f"client-{number}"
        platform.register(client_id=client_id)
        with clock_moved(number - 30):
            visitor.launch(lambda claims, aud=client_id: claims.update(aud=aud), client_id=client_id)

    kept = visitor.client.cookie_names("sr-user-")
    last = Registration.objects.get(client_id="client-19").pk
    assert len(kept) == cookies.MOST_USERS
    assert f"sr-user-{last}" in kept
    assert len(visitor.client.cookie_header()) < 2000


def test_cookies_of_strangers_under_our_prefix_do_no_harm(visitor: Visitor) -> None:
    """A page on a sister domain can plant cookies, with names that no response may carry."""
    planted = "; ".join(f"sr-login-({n})=x; sr-user-[{n}]=x; sr-login-é{n}=y" for n in range(12))

    response = visitor.client.get(
        "/lti/login/",
        {"iss": visitor.platform.issuer, "login_hint": "3", "target_link_uri": LAUNCH},
        secure=True,
        headers={"cookie": planted},
    )

    assert response.status_code == 302


# --- frames opened at once ----------------------------------------------------------------------------------


def test_five_frames_opened_at_once(visitor: Visitor, platform: FakePlatform) -> None:
    """All logins, then all launches, last begun first: each stays, and each person is signed in."""
    for number in range(2, 4):
        platform.register(client_id=f"client-{number}")
    clients = ["tool-at-fake", "client-2", "client-3", "tool-at-fake", "client-2"]
    begun = [visitor.question(client_id=client_id) for client_id in clients]
    locations = []
    for question, client_id in reversed(list(zip(begun, clients, strict=True))):
        token = visitor.token(question, lambda claims, aud=client_id: claims.update(aud=aud))
        response = visitor.post(question["state"], token)
        assert response.status_code == 302
        locations.append(response["Location"])

    assert Launch.objects.count() == 5
    assert len(visitor.client.cookie_names("sr-user-")) == 3
    assert visitor.client.cookie_names("sr-login-") == []
    assert [visitor.client.get(url, secure=True).status_code < 400 for url in locations] == [True] * 5


def test_five_frames_opened_at_once_by_a_browser_that_has_no_cookie_yet(
    visitor: Visitor, platform: FakePlatform
) -> None:
    """What five frames' bounces leave behind is cleared away by their own return, whichever comes first."""
    bounces = []
    for _ in range(5):
        alone = Visitor(platform)
        bounces.append(login_in_frame(alone)["Location"])
        visitor.client.cookies.update(alone.client.cookies)
    questions = []
    for url in bounces:
        address = visitor.client.get(url, secure=True)["Location"]
        questions.append({n: v[0] for n, v in parse_qs(urlsplit(address).query).items()})

    assert len(visitor.client.cookie_names("sr-login-")) == 5
    codes = [visitor.post(question["state"], visitor.token(question)).status_code for question in questions]
    assert codes == [302] * 5


# --- the cookies --------------------------------------------------------------------------------------------


def test_both_kinds_of_cookies_reach_us_inside_a_frame(visitor: Visitor) -> None:
    login = visitor.login()
    launch = visitor.launch()
    set_there = [*login.cookies.values(), *launch.cookies.values()]

    assert sorted(cookie.key[:8] for cookie in set_there) == [
        "sr-langu",
        "sr-login",
        "sr-login",
        "sr-user-",
    ]
    for cookie in set_there:
        assert cookie["samesite"] == "None"
        assert cookie["secure"] is True
        assert cookie["httponly"] is True
        assert cookie["partitioned"] is True
        assert cookie["domain"] == ""
        assert "; Partitioned" in cookie.OutputString()


def test_the_sign_in_cookie_holds_no_more_than_a_number(visitor: Visitor, registration: Registration) -> None:
    visitor.launch()
    cookie = visitor.client.cookies[f"sr-user-{registration.pk}"].value

    assert cookie.split(":")[0] == f"{registration.pk}.{Launch.objects.get().lti_user_id}"


def test_a_forged_sign_in_cookie(visitor: Visitor, registration: Registration) -> None:
    location = visitor.launch()["Location"]
    name = f"sr-user-{registration.pk}"
    value = visitor.client.cookies[name].value
    for forged in ["1.1", value[:-1] + ("A" if value[-1] != "A" else "B"), value.replace(".", ".9", 1), ""]:
        visitor.client.cookies[name] = forged
        assert visitor.client.get(location, secure=True).status_code == 403


def test_a_sign_in_cookie_moved_to_another_registration(visitor: Visitor, registration: Registration) -> None:
    location = visitor.launch()["Location"]
    value = visitor.client.cookies.pop(f"sr-user-{registration.pk}").value
    visitor.client.cookies[f"sr-user-{registration.pk + 1}"] = value

    assert visitor.client.get(location, secure=True).status_code == 403


def test_a_sign_in_cookie_of_yesterday(visitor: Visitor) -> None:
    visitor.launch()
    with clock_moved(cookies.SIGNED_IN_SECONDS + 60):
        response = visitor.client.get(f"/learn/launch/{Launch.objects.get().pk}/", secure=True)

    assert response.status_code == 403


# --- whether cookies come back ------------------------------------------------------------------------------


def test_a_frame_is_probed_before_the_platforms_hint_is_spent(
    visitor: Visitor, platform: FakePlatform
) -> None:
    bounce = login_in_frame(visitor)

    assert bounce.status_code == 302
    assert bounce["Location"].startswith("/lti/login/?")
    response = visitor.client.get(bounce["Location"], secure=True)
    assert response["Location"].startswith(f"{platform.url}/auth?")
    question = {n: v[0] for n, v in parse_qs(urlsplit(response["Location"]).query).items()}
    assert visitor.post(question["state"], visitor.token(question)).status_code == 302


def test_a_frame_that_has_shown_a_cookie_is_not_probed(visitor: Visitor, platform: FakePlatform) -> None:
    visitor.launch()

    assert login_in_frame(visitor)["Location"].startswith(f"{platform.url}/auth?")


@pytest.mark.parametrize("destination", ["document", "", "empty"])
def test_outside_a_frame_nothing_is_probed(
    visitor: Visitor, platform: FakePlatform, destination: str
) -> None:
    visitor.client.defaults["HTTP_SEC_FETCH_DEST"] = destination

    assert visitor.login()["Location"].startswith(f"{platform.url}/auth?")


def test_a_frame_without_cookies_gets_a_link_into_a_new_tab(visitor: Visitor, platform: FakePlatform) -> None:
    bounce = login_in_frame(visitor)
    visitor.client.cookies.clear()

    page = visitor.client.get(bounce["Location"], secure=True)

    assert page.status_code == 200
    assert b'target="_blank"' in page.content
    assert b"data-storage" not in page.content
    assert page["Content-Security-Policy"].split("frame-ancestors ")[1].split(";")[0] == platform.url
    tab = Visitor(platform)
    link = page.content.decode().split('class="button" href="')[1].split('"')[0].replace("&amp;", "&")
    response = tab.client.get(link, secure=True, headers={"sec-fetch-dest": "document"})
    assert response["Location"].startswith(f"{platform.url}/auth?")


# --- the VLE's storage, and the way into a new tab ----------------------------------------------------------


def without_cookies(visitor: Visitor, **changes: str) -> tuple[dict[str, str], str, str]:
    """A login in a frame that keeps no cookie: what is asked, and the secret that the VLE's page is given."""
    bounce = login_in_frame(visitor, lti_storage_target="post_message_forwarding", **changes)
    visitor.client.cookies.clear()
    page = visitor.client.get(bounce["Location"], secure=True).content.decode()
    visitor.client.cookies.clear()

    def data(name: str) -> str:
        return page.split(f'data-{name}="')[1].split('"')[0].replace("&amp;", "&")

    question = {n: v[0] for n, v in parse_qs(urlsplit(data("auth-url")).query).items()}
    assert data("storage-target") == "post_message_forwarding"
    assert data("platform-origin") == visitor.platform.url
    return question, data("key"), data("value")


def post_from_our_page(visitor: Visitor, question: dict[str, str], secret: str, origin: str = TOOL) -> Any:
    form = {"state": question["state"], "id_token": visitor.token(question), "sr_secret": secret}
    return visitor.client.post("/lti/launch/", form, secure=True, headers={"origin": origin})


def test_the_way_through_the_vles_storage_into_a_new_tab(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    question, key, secret = without_cookies(visitor)

    asking = visitor.post(question["state"], visitor.token(question))
    assert asking.status_code == 200
    assert f'data-key="{key}"' in asking.content.decode()
    assert Launch.objects.count() == 0
    assert secret not in asking.content.decode()

    ready = post_from_our_page(visitor, question, secret)
    assert ready.status_code == 200
    assert ready.cookies == {}
    token = ready.content.decode().split('name="token" value="')[1].split('"')[0]
    assert log.lines == [
        f"launch.accepted registration={registration.pk} deployment=deployment-1 "
        "message_type=LtiResourceLinkRequest"
    ]
    log.clear()

    tab = Visitor(platform).client
    response = tab.post("/lti/continue/", {"token": token}, secure=True, headers={"origin": TOOL})
    assert response["Location"] == f"/learn/launch/{Launch.objects.get().pk}/"
    assert tab.cookie_names() == ["sr-language", f"sr-user-{registration.pk}"]

    again = Visitor(platform).client.post("/lti/continue/", {"token": token}, secure=True)
    assert_refused(again, log, "handover_used", registration=None, launches=1)


@pytest.mark.parametrize("secret", ["guessed", ""])
def test_a_wrong_secret_from_the_vles_storage(
    visitor: Visitor, registration: Registration, log: Log, secret: str
) -> None:
    """Nor is the VLE asked again: an empty answer would have the page post itself for ever."""
    question, _, _ = without_cookies(visitor)

    response = post_from_our_page(visitor, question, secret)

    assert_refused(response, log, "browser_mismatch", registration=registration.pk)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://tool.example", ""])
def test_the_right_secret_from_a_foreign_page(
    visitor: Visitor, registration: Registration, log: Log, origin: str
) -> None:
    question, _, secret = without_cookies(visitor)

    response = post_from_our_page(visitor, question, secret, origin)

    assert_refused(response, log, "browser_mismatch", registration=registration.pk)


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_the_handover_from_a_foreign_page(visitor: Visitor, log: Log, origin: str) -> None:
    """Login CSRF by way of the new tab: an attacker's own token, posted by the victim's browser."""
    question, _, secret = without_cookies(visitor)
    ready = post_from_our_page(visitor, question, secret).content.decode()
    token = ready.split('name="token" value="')[1].split('"')[0]
    log.clear()

    response = visitor.client.post(
        "/lti/continue/", {"token": token}, secure=True, headers={"origin": origin}
    )

    assert_refused(response, log, "state_invalid", detail="origin", registration=None, launches=1)
    assert response.cookies == {}


def test_a_handover_of_six_minutes_ago(visitor: Visitor, log: Log) -> None:
    visitor.launch()
    with clock_moved(-360):
        token = handover.token_for(Launch.objects.get())
    log.clear()

    response = visitor.client.post("/lti/continue/", {"token": token}, secure=True)

    assert_refused(response, log, "state_invalid", detail="handover", registration=None, launches=1)


@pytest.mark.parametrize("token", ["", "1", "x:y:z", "é", "\x00"])
def test_a_handover_of_nobodys(visitor: Visitor, log: Log, token: str) -> None:
    response = visitor.client.post("/lti/continue/", {"token": token}, secure=True)

    assert_refused(response, log, "state_invalid", detail="handover", registration=None)


def test_a_login_state_is_no_handover(visitor: Visitor, log: Log) -> None:
    state = visitor.question()["state"]

    response = visitor.client.post("/lti/continue/", {"token": state}, secure=True)

    assert_refused(response, log, "state_invalid", detail="handover", registration=None)


def test_the_handover_is_never_in_a_url(visitor: Visitor) -> None:
    assert visitor.client.get("/lti/continue/?token=x", secure=True).status_code == 405


# --- the pages ----------------------------------------------------------------------------------------------

SCRIPT = '"><script>alert(1)</script>'


@pytest.mark.parametrize(
    "name",
    ["iss", "login_hint", "target_link_uri", "lti_message_hint", "client_id", "lti_deployment_id"],
)
def test_no_parameter_is_written_into_an_error_page(visitor: Visitor, name: str) -> None:
    response = visitor.login("get", **{"iss": "https://unknown.example", name: SCRIPT})

    assert response.status_code == 404
    assert b"alert(1)" not in response.content


@pytest.mark.parametrize(
    "name", ["login_hint", "lti_message_hint", "lti_storage_target", "lti_deployment_id"]
)
def test_parameters_on_the_new_tab_page_are_escaped(visitor: Visitor, name: str) -> None:
    changes = {"lti_storage_target": "_parent", name: SCRIPT}
    bounce = login_in_frame(visitor, **changes)
    visitor.client.cookies.clear()

    page = visitor.client.get(bounce["Location"], secure=True)

    assert page.status_code == 200
    assert b"<script>alert" not in page.content
    assert "script-src 'self'" in page["Content-Security-Policy"]


def test_what_is_posted_is_escaped_on_the_page_that_asks_the_vles_storage(visitor: Visitor) -> None:
    question, _, _ = without_cookies(visitor)

    page = visitor.post(question["state"], SCRIPT)

    assert page.status_code == 200
    assert b"<script>alert" not in page.content


def test_a_refusal_can_be_read_inside_any_frame_and_offers_nothing_to_click(visitor: Visitor) -> None:
    response = visitor.login(iss="https://unknown.example")

    assert "frame-ancestors https: http:" in response["Content-Security-Policy"]
    assert "X-Frame-Options" not in response
    assert b"<form" not in response.content
    assert reason_on_page(response) == "registration_unknown"


def test_only_the_vle_may_frame_the_training(visitor: Visitor, platform: FakePlatform) -> None:
    Registration.objects.update(frame_hosts="vanity.example https://second.example/path")
    registrations.forget()

    page = visitor.client.get(visitor.launch()["Location"], secure=True, follow=True)

    hosts = page["Content-Security-Policy"].split("frame-ancestors ")[1].split(";")[0]
    assert hosts == f"{platform.url} https://second.example https://vanity.example"


def test_nobody_may_frame_a_page_of_somebody_who_is_not_signed_in(visitor: Visitor) -> None:
    page = visitor.client.get("/", secure=True)

    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]


def test_no_vle_may_frame_the_admin_site(visitor: Visitor) -> None:
    """Even for an operator who was launched as well: a click there may accept a deployment."""
    visitor.launch()

    page = visitor.client.get("/admin/login/", secure=True)

    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]


def test_moodles_bot_looks_at_the_launch_url(visitor: Visitor, log: Log) -> None:
    response = visitor.client.get("/lti/launch/", secure=True, headers={"user-agent": "MoodleBot/4.5"})

    assert_refused(response, log, "state_missing", registration=None)


@pytest.mark.parametrize("method", ["put", "delete", "patch", "head", "options"])
@pytest.mark.parametrize("path", ["/lti/login/", "/lti/launch/", "/lti/continue/", "/lti/jwks/"])
def test_other_methods(visitor: Visitor, path: str, method: str) -> None:
    response = getattr(visitor.client, method)(path, secure=True)

    assert 400 <= response.status_code < 500 or (method, path) == ("head", "/lti/jwks/")


def test_our_keys_as_vles_fetch_them(visitor: Visitor) -> None:
    response = visitor.client.get("/lti/jwks/", secure=True)

    document = response.json()
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert response["Cache-Control"] == "public, max-age=60"
    assert response.cookies == {}
    assert [sorted(key) for key in document["keys"]] == [["alg", "e", "kid", "kty", "n", "use"]]
    assert [(key["alg"], key["kty"], key["use"]) for key in document["keys"]] == [("RS256", "RSA", "sig")]

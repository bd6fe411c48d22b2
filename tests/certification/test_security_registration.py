"""Dynamic registration against a hostile server: addresses, answers, impostors, invitations, and the log."""

import gzip
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.utils import timezone
from pytest_django import Settings

from lti_tool import http
from lti_tool.models import Deployment, Invitation, Registration, ToolKey
from tests.factories import at_once, make_registration
from tests.platforms.admin import frame_ancestors, heading, invite, open_page
from tests.platforms.fake import FakePlatform, Fault
from tests.platforms.profiles import MOODLE
from tests.platforms.server import Answer, Received, json_answer
from tests.platforms.terms import PLATFORM_CONFIGURATION, TOOL_CONFIGURATION

pytestmark = pytest.mark.django_db
CONFIGURATION = "/mod/lti/openid-configuration.php"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def server(_platform_server: FakePlatform, tool_key: ToolKey) -> FakePlatform:
    _platform_server.reset(MOODLE)
    return _platform_server


@pytest.fixture
def elsewhere() -> Iterator[FakePlatform]:
    """A host of somebody else's."""
    with FakePlatform() as platform:
        yield platform


def document(server: FakePlatform, **changes: Any) -> dict[str, Any]:
    """A good configuration; None leaves out."""
    said = {
        "issuer": server.url,
        "authorization_endpoint": server.auth_url,
        "token_endpoint": server.token_url,
        "jwks_uri": server.jwks_url,
        "registration_endpoint": f"{server.url}/registrations",
        "scopes_supported": [],
        "claims_supported": [],
        PLATFORM_CONFIGURATION: platform_part(),
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


def platform_part(**changes: Any) -> dict[str, Any]:
    return {
        "product_family_code": "moodle",
        "messages_supported": [{"type": "LtiResourceLinkRequest"}],
        **changes,
    }


def serves(server: FakePlatform, said: Any, headers: dict[str, str] = JSON) -> None:
    """The next configuration."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    server.fail(CONFIGURATION, Fault(status=200, headers=headers, body=body))


def register(server: FakePlatform, link: str = "", *, url: str = "", token: str = TOKEN) -> HttpResponse:
    """Open the invitation link as a VLE does; or as anybody does who holds one."""
    query = urlencode(
        {"openid_configuration": url or server.url + CONFIGURATION, "registration_token": token}
    )
    return open_page(f"{link or invite()}&{query}")


def assert_refused(response: HttpResponse, reason: str, detail: str = "") -> None:
    """One page with its code, nothing kept, and the invitation still good."""
    code = f"{reason} ({detail})" if detail else reason
    page = response.content.decode()
    assert f"<code>{code}</code>" in page, page
    assert (400 <= response.status_code < 500, heading(response)) == (True, "Not connected")
    assert (Registration.objects.count(), Deployment.objects.count()) == (0, 0)
    assert [i.used_at for i in Invitation.objects.all()] == [None] * Invitation.objects.count()


def asked(server: FakePlatform) -> list[tuple[str, str]]:
    return [(request.method, request.path) for request in server.received]


def test_the_good_case(server: FakePlatform) -> None:
    """What every case below spoils in one place."""
    serves(server, document(server))
    server.fail(
        "/registrations",
        Fault(status=200, body=b'{"client_id": "x", "%s": {}}' % TOOL_CONFIGURATION.encode()),
    )

    assert heading(register(server)) == "Connected"


# --- where we let ourselves be sent ---------------------------------------------------------------------------

PRIVATE = [
    "https://127.0.0.1/c",
    "https://localhost/c",
    "https://2130706433/c",
    "https://127.1/c",
    "https://0.0.0.0/c",
    "https://10.1.2.3/c",
    "https://172.16.0.1/c",
    "https://192.168.0.1/c",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/c",
    "https://[::1]/c",
    "https://[::ffff:127.0.0.1]/c",
    "https://[::ffff:a9fe:a9fe]/c",
    "https://[fd00::1]/c",
    "https://[fe80::1]/c",
    "https://nowhere.invalid/c",
    "http://vle.example/c",
]
NO_ADDRESS = [
    "javascript:alert(1)",
    "data:application/json,{}",
    "file:///etc/passwd",
    "ftp://vle.example/c",
    "gopher://vle.example/c",
    "//vle.example/c",
    "/c",
    "c",
    "https://",
    "https://[",
    "https://user:secret@vle.example/c",
    "https://vle.example:99999999/c",
    "https://vle.example/\nX: y",
    "https://vle.example/\x00",
]


@pytest.mark.parametrize("url", [*PRIVATE, *NO_ADDRESS])
def test_a_configuration_at_an_address_that_we_do_not_ask(
    server: FakePlatform, settings: Settings, url: str
) -> None:
    settings.ALLOW_PRIVATE_PLATFORMS = False

    response = register(server, url=url)

    assert_refused(response, "address_invalid", "openid_configuration")
    assert server.received == []


@pytest.mark.parametrize("url", NO_ADDRESS)
def test_private_platforms_do_not_open_every_address(server: FakePlatform, url: str) -> None:
    """ALLOW_PRIVATE_PLATFORMS, as in all tests here that do not say otherwise."""
    assert_refused(
        register(server, url=url),
        "address_invalid",
        "openid_configuration",
    )


def test_a_private_vle_where_the_deployer_allows_none(server: FakePlatform, settings: Settings) -> None:
    settings.ALLOW_PRIVATE_PLATFORMS = False

    assert_refused(register(server), "address_invalid", "openid_configuration")
    assert server.received == []


def test_dns_rebinding(server: FakePlatform, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Public when it is checked, ours when it is connected to."""
    settings.ALLOW_PRIVATE_PLATFORMS = False
    # It is looked up twice before the connection looks it up for itself.
    answers = iter(["8.8.8.8", "8.8.8.8", "127.0.0.1"])
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *args, **kwargs: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), server.port))],
    )

    response = register(server, url=f"https://vle.example:{server.port}{CONFIGURATION}")

    assert_refused(response, "platform_unreachable")
    assert (server.received, list(answers)) == ([], [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_the_configuration(server: FakePlatform, elsewhere: FakePlatform, status: int) -> None:
    server.fail(CONFIGURATION, Fault(status=status, headers={"Location": f"{elsewhere.url}/secret"}))

    assert_refused(register(server), "configuration_refused", str(status))
    assert elsewhere.received == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_the_registration(server: FakePlatform, elsewhere: FakePlatform, status: int) -> None:
    serves(server, document(server))
    server.fail(
        "/registrations", Fault(status=status, headers={"Location": f"{elsewhere.url}/registrations"})
    )

    assert_refused(register(server), "registration_refused", str(status))
    assert elsewhere.received == []


# --- answers that are too much, too slow, or no answers -------------------------------------------------------

BROKEN = [
    pytest.param(Fault(status=200, headers=JSON, body=b" " * (http.MAX_BYTES + 1)), id="too large"),
    pytest.param(
        Fault(
            status=200,
            headers={**JSON, "Content-Encoding": "gzip"},
            body=gzip.compress(b" " * (32 << 20)),
        ),
        id="gzip bomb",
    ),
    pytest.param(
        Fault(status=200, headers={**JSON, "Content-Encoding": "gzip"}, body=b"no gzip"), id="no gzip"
    ),
    pytest.param(Fault(status=200, headers={**JSON, "Content-Length": "7"}, body=b"{"), id="cut off"),
    pytest.param(Fault(reset=True), id="reset"),
]


@pytest.mark.parametrize("fault", BROKEN)
def test_a_configuration_that_is_no_answer(server: FakePlatform, fault: Fault) -> None:
    server.fail(CONFIGURATION, fault)

    assert_refused(register(server), "platform_unreachable")


@pytest.mark.parametrize("fault", BROKEN)
def test_a_registration_that_is_no_answer(server: FakePlatform, fault: Fault) -> None:
    serves(server, document(server))
    server.fail("/registrations", fault)

    assert_refused(register(server), "platform_unreachable")


@pytest.mark.parametrize("path", [CONFIGURATION, "/registrations"])
def test_an_answer_that_drips(server: FakePlatform, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Each byte comes in time; the whole would take 40 seconds. The server notices that we left."""
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.3)
    fault = Fault(status=200, drip=0.02, drip_body=True, headers=JSON, body=b" " * 2000)
    dripped = threading.Event()
    if path != CONFIGURATION:
        serves(server, document(server))
    server.fail(path, fault)
    server.after_answer = lambda answered: dripped.set() if answered is fault else None

    assert_refused(register(server), "platform_unreachable")
    assert not dripped.is_set()


def test_an_answer_that_never_comes(server: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.2)
    never = threading.Event()
    server.fail(CONFIGURATION, Fault(status=200, held=never, body=b"{}"))

    response = register(server)
    never.set()

    assert_refused(response, "platform_unreachable")


@pytest.mark.parametrize("status", [201, 204, 400, 401, 404, 500, 503])
def test_a_configuration_with_another_status(server: FakePlatform, status: int) -> None:
    body = json.dumps(document(server)).encode() if status != 204 else b""
    server.fail(CONFIGURATION, Fault(status=status, headers=JSON, body=body))

    assert_refused(register(server), "configuration_refused", str(status))


@pytest.mark.parametrize("status", [202, 204, 400, 401, 403, 404, 422, 500])
def test_a_registration_with_another_status(server: FakePlatform, status: int) -> None:
    serves(server, document(server))
    server.fail("/registrations", Fault(status=status, body=b'{"client_id": "x"}' if status != 204 else b""))

    assert_refused(register(server), "registration_refused", str(status))


# --- configurations of every wrong shape ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "media_type", ["text/html", "text/plain", "application/octet-stream", "image/svg+xml", ""]
)
def test_a_file_on_the_vle_s_host_is_no_configuration(server: FakePlatform, media_type: str) -> None:
    serves(server, document(server), {"Content-Type": media_type} if media_type else {})

    assert_refused(register(server), "configuration_invalid", "content_type")


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_by_another_spelling(server: FakePlatform, media_type: str) -> None:
    serves(server, document(server), {"Content-Type": media_type})
    server.fail("/registrations", Fault(status=201, body=json.dumps(client()).encode()))

    assert heading(register(server)) == "Connected"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "json"),
        (b"<html>", "json"),
        (b"\xff\xfe", "json"),
        (b"[" * 100_000, "json"),
        (b"NaN", "document"),
        (b"null", "document"),
        (b"[]", "document"),
        (b'"x"', "document"),
        (b"{}", "issuer"),
    ],
    ids=["empty", "html", "no text", "deep", "nan", "null", "list", "text", "nothing in it"],
)
def test_a_configuration_that_is_none(server: FakePlatform, body: bytes, detail: str) -> None:
    serves(server, body)

    assert_refused(register(server), "configuration_invalid", detail)


ENDPOINTS = ["authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint"]


@pytest.mark.parametrize("name", ["issuer", *ENDPOINTS])
@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        1,
        True,
        ["https://vle.example"],
        {"url": "https://vle.example"},
        "javascript:alert(1)//",
        "data:text/html,x",
        "ftp://127.0.0.1/x",
        "//127.0.0.1/x",
        "https://user@127.0.0.1/x",
        "https://127.0.0.1/a\nb",
        "https://127.0.0.1/\x00",
        "https://127.0.0.1/" + "x" * 500,
    ],
)
def test_an_endpoint_that_is_no_web_address(server: FakePlatform, name: str, value: Any) -> None:
    serves(server, document(server, **{name: value}))

    assert_refused(register(server), "configuration_invalid", name)
    assert asked(server) == [("GET", CONFIGURATION)]


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"scopes_supported": "openid"}, "scopes_supported"),
        ({"scopes_supported": [1]}, "scopes_supported"),
        ({"scopes_supported": ["x"] * 201}, "scopes_supported"),
        ({"claims_supported": {"sub": 1}}, "claims_supported"),
        ({"authorization_server": 1}, "authorization_server"),
        ({"authorization_server": "x" * 501}, "authorization_server"),
        ({"authorization_server": "a\x00"}, "authorization_server"),
        ({PLATFORM_CONFIGURATION: None}, "lti-platform-configuration"),
        ({PLATFORM_CONFIGURATION: []}, "lti-platform-configuration"),
        ({PLATFORM_CONFIGURATION: {}}, "lti-platform-configuration"),
        ({PLATFORM_CONFIGURATION: platform_part(product_family_code=1)}, "lti-platform-configuration"),
        ({PLATFORM_CONFIGURATION: platform_part(messages_supported={})}, "lti-platform-configuration"),
        ({PLATFORM_CONFIGURATION: platform_part(messages_supported=["x"])}, "lti-platform-configuration"),
        ({PLATFORM_CONFIGURATION: platform_part(messages_supported=[{}])}, "lti-platform-configuration"),
        (
            {PLATFORM_CONFIGURATION: platform_part(messages_supported=[{"type": "x"}] * 201)},
            "lti-platform-configuration",
        ),
        (
            {PLATFORM_CONFIGURATION: platform_part(messages_supported=[{"type": "x", "placements": 1}])},
            "lti-platform-configuration",
        ),
    ],
    ids=lambda case: str(case)[:60],
)
def test_a_configuration_of_the_wrong_shape(
    server: FakePlatform, changes: dict[str, Any], detail: str
) -> None:
    serves(server, document(server, **changes))

    assert_refused(register(server), "configuration_invalid", detail)


# --- whose word is taken for what -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "issuer",
    [
        "https://moodle.victim.example",
        "http://localhost",
        "https://canvas.instructure.com",
        "https://127.0.0.1.evil.example",
    ],
)
def test_an_issuer_on_another_host(server: FakePlatform, issuer: str) -> None:
    serves(server, document(server, issuer=issuer))

    assert_refused(register(server), "issuer_foreign", "issuer")
    assert asked(server) == [("GET", CONFIGURATION)]


def test_a_registration_endpoint_on_another_host(server: FakePlatform) -> None:
    """It would be given our registration token."""
    serves(server, document(server, registration_endpoint=f"http://localhost:{server.port}/registrations"))

    assert_refused(register(server), "endpoint_foreign", "registration_endpoint")
    assert asked(server) == [("GET", CONFIGURATION)]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What names resolve to; those that are not here to this machine."""
    known: dict[str, str] = {}

    def resolve(host: str, port: int | None, *args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (known.get(host, "127.0.0.1"), port or 443))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_public_configuration_that_names_a_private_endpoint(
    server: FakePlatform,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    names: dict[str, str],
    name: str,
) -> None:
    said = {part: f"https://vle.example/{part}" for part in ENDPOINTS} | {"issuer": "https://vle.example"}
    # The registration endpoint is on the same host, or refused for that: there it is TLS that is missing.
    said[name] = "http://vle.example/x" if name == "registration_endpoint" else "https://inside.example/x"

    def answer(request: Received) -> Answer:
        """From here on the server is as public as one can be in a test, and nothing private is allowed."""
        settings.ALLOW_PRIVATE_PLATFORMS = False
        names.update({"vle.example": "8.8.8.8", "inside.example": "10.0.0.1"})
        return json_answer(200, document(server, **said))

    monkeypatch.setattr(server, "answer", answer)

    response = register(server, url=f"http://vle.example:{server.port}{CONFIGURATION}")

    assert_refused(response, "address_invalid", name)
    assert asked(server) == [("GET", CONFIGURATION)]


# --- hosted Canvas: one issuer for all schools ----------------------------------------------------------------

HOSTED = "https://canvas.instructure.com"


def hosted_canvas(server: FakePlatform, **changes: Any) -> dict[str, Any]:
    """The configuration of a school with a vanity domain (CV:app/controllers/security_controller.rb)."""
    sso = "https://sso.canvaslms.com"
    said = {
        "issuer": HOSTED,
        "authorization_endpoint": f"{sso}/api/lti/authorize_redirect",
        "token_endpoint": f"{sso}/login/oauth2/token",
        "jwks_uri": f"{sso}/api/lti/security/jwks",
        "registration_endpoint": f"http://canvas.school.example:{server.port}/registrations",
        PLATFORM_CONFIGURATION: platform_part(product_family_code="canvas"),
    }
    return document(server, **{**said, **changes})


def at_instructure(server: FakePlatform, host: str = "canvas.instructure.com") -> str:
    return f"http://{host}:{server.port}{CONFIGURATION}"


@pytest.mark.parametrize(
    "host",
    ["canvas.instructure.com", "sso.canvaslms.com", "school.instructure.com", "sso.beta.canvaslms.com"],
)
def test_hosted_canvas(server: FakePlatform, names: dict[str, str], host: str) -> None:
    serves(server, hosted_canvas(server))
    server.fail("/registrations", Fault(status=200, body=json.dumps(client()).encode()))

    response = register(server, url=at_instructure(server, host))

    assert heading(response) == "Connected"
    registration = Registration.objects.get()
    assert (registration.issuer, registration.family) == (HOSTED, "canvas")
    # The school's pages may show the training.
    assert registration.frame_hosts == f"http://canvas.school.example:{server.port}"
    assert frame_ancestors(response) == sorted(
        [HOSTED, "https://sso.canvaslms.com", f"http://canvas.school.example:{server.port}"]
    )


@pytest.mark.parametrize(
    "issuer", [HOSTED, "https://canvas.beta.instructure.com", "https://canvas.test.instructure.com"]
)
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "canvas.instructure.com.evil.example",
        "evilinstructure.com",
        "xcanvaslms.com",
        "instructure.com",
        "127.0.0.1",
    ],
)
def test_nobody_else_speaks_for_hosted_canvas(
    server: FakePlatform, names: dict[str, str], issuer: str, host: str
) -> None:
    serves(server, hosted_canvas(server, issuer=issuer))

    assert_refused(register(server, url=at_instructure(server, host)), "issuer_foreign", "issuer")


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("host", ["canvas.school.example", "canvaslms.com.evil.example"])
def test_hosted_canvas_signs_in_at_instructure_alone(
    server: FakePlatform, names: dict[str, str], name: str, host: str
) -> None:
    """Whoever named other keys could launch as anybody of any school."""
    serves(server, hosted_canvas(server, **{name: f"https://{host}/x"}))

    assert_refused(register(server, url=at_instructure(server)), "endpoint_foreign", name)


def test_another_make_cannot_take_canvas_s_liberties(server: FakePlatform, names: dict[str, str]) -> None:
    moodle = platform_part(product_family_code="moodle")
    serves(server, hosted_canvas(server, **{PLATFORM_CONFIGURATION: moodle}))

    assert_refused(register(server, url=at_instructure(server)), "endpoint_foreign", "registration_endpoint")


# --- answers to the registration ------------------------------------------------------------------------------


def client(**changes: Any) -> dict[str, Any]:
    said = {"client_id": "client-1", TOOL_CONFIGURATION: {"deployment_id": "1"}, **changes}
    return {name: value for name, value in said.items() if value is not None}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "json"),
        (b"<html>", "json"),
        (b"[" * 100_000, "json"),
        (b"null", "document"),
        (b"[]", "document"),
        (b"{}", "client_id"),
        *(
            (json.dumps(client(client_id=value)).encode(), "client_id")
            for value in ("", 1, None, [], {"x": 1}, "x" * 256, "a\nb", "a\x00b", "a\ud800")
        ),
        *(
            (json.dumps(client(**{TOOL_CONFIGURATION: value})).encode(), "lti-tool-configuration")
            for value in (
                None,
                [],
                "x",
                {"deployment_id": 1},
                {"deployment_id": ["1"]},
                {"deployment_id": "x" * 256},
                {"deployment_id": "a\x00b"},
            )
        ),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_a_registration_answered_with_the_wrong_shape(server: FakePlatform, body: bytes, detail: str) -> None:
    serves(server, document(server))
    server.fail("/registrations", Fault(status=200, body=body))

    assert_refused(register(server), "answer_invalid", detail)


def test_an_answer_that_claims_somebody_elses_client(server: FakePlatform) -> None:
    """All VLEs know us by one key. Were it taken, what we sign as that client would go to this VLE's token address,
    and be good at the other's: Moodle does not look whom it was meant for.
    """
    other = make_registration("https://other.example", client_id="client-1")
    before = Registration.objects.filter(pk=other.pk).values().get()
    serves(server, document(server))
    server.fail("/registrations", Fault(status=200, body=json.dumps(client()).encode()))

    response = register(server)

    assert "<code>client_id_taken</code>" in response.content.decode()
    assert Registration.objects.values().get() == before
    assert other.deployments.count() == 0


def test_an_audience_of_another_host(server: FakePlatform) -> None:
    serves(server, document(server, authorization_server="https://other.example/token"))
    server.fail("/registrations", Fault(status=200, body=json.dumps(client()).encode()))

    assert_refused(register(server), "endpoint_foreign", "token_audience")


def test_what_the_vle_says_does_not_come_back(server: FakePlatform) -> None:
    """Its answer may be anything that our network lets us reach."""
    server.fail(CONFIGURATION, Fault(status=500, headers=JSON, body=b"<script>inside secret</script>"))

    assert b"inside secret" not in register(server).content


# --- the registration token -----------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["a\r\nX-Injected: 1", "a b", "a\x00", "é", "a" * 8001])
def test_a_token_that_is_no_header(server: FakePlatform, token: str) -> None:
    assert_refused(register(server, token=token), "configuration_invalid", "registration_token")
    assert server.received == []


# --- invitations ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "link", ["https://tool.example/lti/register/?invitation=forged", "https://tool.example/lti/register/?x="]
)
def test_nobody_is_asked_without_an_invitation(server: FakePlatform, link: str) -> None:
    assert 400 <= register(server, link).status_code < 500
    assert server.received == []


def test_nobody_is_asked_with_an_expired_one(server: FakePlatform) -> None:
    link = invite(expires_at=timezone.now() - timedelta(seconds=1))

    assert register(server, link).status_code == 410
    assert server.received == []


def test_a_link_that_was_used(server: FakePlatform) -> None:
    link = invite()
    register_well(server, link)
    before = len(server.received)

    assert register(server, link).status_code == 410
    assert (len(server.received), Registration.objects.count()) == (before, 1)


def register_well(server: FakePlatform, link: str) -> HttpResponse:
    serves(server, document(server))
    server.fail("/registrations", Fault(status=200, body=json.dumps(client()).encode()))
    return register(server, link)


@pytest.mark.django_db(transaction=True)
def test_a_link_replayed_while_it_is_used(server: FakePlatform) -> None:
    """One registers; the others are told to wait, and ask the VLE nothing."""
    link, end = invite(), threading.Event()
    body = json.dumps(document(server)).encode()
    server.fail(CONFIGURATION, Fault(status=200, headers=JSON, held=end, body=body))
    server.fail("/registrations", Fault(status=200, body=json.dumps(client()).encode()))

    def first() -> int:
        return register(server, link).status_code

    def others() -> list[int]:
        for _ in range(500):
            if server.received:
                break
            time.sleep(0.01)
        refused = [register(server, link).status_code for _ in range(5)]
        end.set()
        return refused

    status, refused = at_once(first, others)

    assert (status, refused) == (200, [409] * 5)
    assert asked(server) == [("GET", CONFIGURATION), ("POST", "/registrations")]
    assert Registration.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_link_withdrawn_while_it_is_used(server: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    link = invite()
    serves(server, document(server))

    def answer(request: Received) -> Answer:
        withdrawn.set()
        gone.wait(5)
        return json_answer(200, client())

    withdrawn, gone = threading.Event(), threading.Event()
    monkeypatch.setattr(server, "answer", answer)

    def withdraw() -> None:
        withdrawn.wait(5)
        Invitation.objects.all().delete()
        gone.set()

    response, _ = at_once(lambda: register(server, link), withdraw)

    assert response.status_code == 410
    assert Registration.objects.count() == 0


# --- the log --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (None, "registration.accepted "),
        (
            Fault(status=401, body=TOKEN.encode()),
            "registration.refused reason=registration_refused detail=401",
        ),
        (Fault(reset=True), "registration.refused reason=platform_unreachable detail=-"),
    ],
    ids=["accepted", "refused", "unreachable"],
)
def test_the_log_holds_no_token(
    server: FakePlatform, caplog: pytest.LogCaptureFixture, spoil: Fault | None, line: str
) -> None:
    caplog.set_level(logging.DEBUG)
    link = invite()
    serves(server, document(server))
    server.fail("/registrations", spoil or Fault(status=200, body=json.dumps(client()).encode()))

    page = register(server, link).content.decode()

    lines = [r.getMessage() for r in caplog.records if r.name == "lti_tool.registration"]
    assert len(lines) == 1
    assert lines[0].startswith(line)
    ours = "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith("django.db"))
    for secret in (TOKEN, link.split("=")[1]):
        assert secret not in ours
        assert secret not in page

"""The one way out: how long, how much, to whom. What drips or floods is tried in tests/certification."""

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests
from pytest_django import Settings

from lti_tool import http
from tests.platforms.fake import FakePlatform, Fault


@pytest.fixture
def server(_platform_server: FakePlatform) -> FakePlatform:
    _platform_server.reset()
    return _platform_server


def test_an_answer_is_read_whole(server: FakePlatform) -> None:
    response = http.session().get(f"{server.url}/jwks")

    assert (response.status_code, len(response.json()["keys"])) == (200, 1)


def test_an_answer_of_just_the_most_that_is_read(server: FakePlatform) -> None:
    server.fail("/x", Fault(status=200, body=b"x" * http.MAX_BYTES))

    assert len(http.session().get(f"{server.url}/x").content) == http.MAX_BYTES


def test_one_byte_more(server: FakePlatform) -> None:
    server.fail("/x", Fault(status=200, body=b"x" * (http.MAX_BYTES + 1)))

    with pytest.raises(http.PlatformUnreachable, match="too large"):
        http.session().get(f"{server.url}/x")


def test_after_an_answer_that_was_too_large_the_next_is_read(server: FakePlatform) -> None:
    server.fail("/x", Fault(status=200, body=b"x" * (http.MAX_BYTES * 2)))
    with pytest.raises(http.PlatformUnreachable):
        http.session().get(f"{server.url}/x")

    assert http.session().get(f"{server.url}/jwks").status_code == 200


def test_a_redirect_is_returned_not_followed(server: FakePlatform) -> None:
    server.fail("/x", Fault(status=302, headers={"Location": f"{server.url}/jwks"}))

    assert http.session().get(f"{server.url}/x").status_code == 302
    assert server.count("GET", "/jwks") == 0


def test_no_cookie_of_one_answer_goes_with_the_next_request(server: FakePlatform) -> None:
    server.fail("/x", Fault(status=200, headers={"Set-Cookie": "tenant=a; Path=/"}))
    http.session().get(f"{server.url}/x")

    http.session().get(f"{server.url}/jwks")

    assert "cookie" not in server.received[-1].headers


def test_connections_are_kept_alive(server: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    real = socket.socket.connect

    def counted(self: socket.socket, address: Any) -> None:
        made.append(address)
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", counted)
    for _ in range(3):
        http.session().get(f"{server.url}/jwks")

    assert len(made) == 1


def test_no_proxy_and_no_netrc_of_the_machine(server: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert http.session().get(f"{server.url}/jwks").status_code == 200
    assert "authorization" not in server.received[-1].headers


@pytest.mark.parametrize(
    "url",
    ["http://[", "http://", "x", "", "http://\x00/", "ftp://127.0.0.1/", "http://" + "a" * 64 + ".example/"],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(requests.RequestException):
        http.session().get(url)


def test_why_a_platform_could_not_be_asked_does_not_say_where() -> None:
    with pytest.raises(http.PlatformUnreachable) as caught:
        http.session().get("http://127.0.0.1:9/token?secret=1")

    assert str(caught.value) == "ConnectionError"


# --- a name with many addresses, none of which answers ----------------------------------------------------------


@pytest.fixture
def mute(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every connection runs into its time-out, at once. Gives the addresses that were tried."""
    tried: list[Any] = []

    def connect(self: socket.socket, address: Any) -> None:
        tried.append(address)
        raise TimeoutError

    many = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{host}", 80)) for host in range(1, 10)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: many)
    monkeypatch.setattr(socket.socket, "connect", connect)
    return tried


def test_only_the_first_few_are_tried(mute: list[Any]) -> None:
    with pytest.raises(http.PlatformUnreachable, match="ConnectTimeout"):
        http.session().get("http://many.example/")

    assert len(mute) == http.MOST_ADDRESSES
    assert http.MOST_ADDRESSES * http.CONNECT_SECONDS < http.TOTAL_SECONDS


def test_none_is_tried_once_the_time_is_up(mute: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    class Alarm:
        """Goes off at once: as if it took all of the time to look the name up."""

        def __init__(self, seconds: float, cut_off: Callable[[], None]) -> None:
            self.start = cut_off

        def cancel(self) -> None:
            pass

    monkeypatch.setattr(threading, "Timer", Alarm)
    with pytest.raises(http.PlatformUnreachable, match="too slow"):
        http.session().get("http://many.example/")

    assert mute == []


# --- addresses that no VLE has, unless ALLOW_PRIVATE_PLATFORMS ------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://[fec0::1]/",
        "https://[ff0e::1]/",
        "https://224.0.1.1/",
        # An IPv4 address within: compatible, by NAT64, by 6to4.
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::169.254.169.254]/",
        "https://[64:ff9b::10.0.0.1]/",
        "https://[64:ff9b:1::8.8.8.8]/",
        "https://[2002:7f00:1::]/",
        "https://[2002:a00:1::]/",
        "https://[::ffff:224.0.1.1]/",
    ],
)
def test_private_addresses(settings: Settings, url: str) -> None:
    settings.ALLOW_PRIVATE_PLATFORMS = False

    with pytest.raises(http.PlatformUnreachable, match="private network"):
        http.session().get(url)


@pytest.mark.parametrize(
    "host",
    ["8.8.8.8", "[2001:4860:4860::8888]", "[::ffff:8.8.8.8]", "[64:ff9b::8.8.8.8]", "[2002:808:808::1]"],
)
def test_public_addresses(settings: Settings, host: str) -> None:
    """Also where a network without IPv4 shows the VLE's address by NAT64."""
    settings.ALLOW_PRIVATE_PLATFORMS = False

    http.check_address(f"https://{host}/")


@pytest.mark.parametrize(
    "url", ["http://vle.example/", "ftp://vle.example/", "file:///etc/passwd", "//x/", ""]
)
def test_addresses_without_tls(settings: Settings, url: str) -> None:
    settings.ALLOW_PRIVATE_PLATFORMS = False

    with pytest.raises(http.PlatformUnreachable, match="not https"):
        http.session().get(url)


@pytest.mark.parametrize(
    "url", ["https://[", "https://x:99999/", "https://" + "a" * 64 + ".example/", "https://nowhere.invalid/"]
)
def test_names_that_cannot_be_resolved(settings: Settings, url: str) -> None:
    settings.ALLOW_PRIVATE_PLATFORMS = False

    with pytest.raises(http.PlatformUnreachable, match="cannot be resolved"):
        http.session().get(url)


def test_a_name_that_resolves_to_one_public_and_one_private_address(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALLOW_PRIVATE_PLATFORMS = False
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 443)) for host in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answers)

    with pytest.raises(http.PlatformUnreachable, match="private network"):
        http.session().get("https://vle.example/")


def test_a_name_that_resolves_to_another_address_once_it_was_checked(
    server: FakePlatform, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: public when it is checked, ours when it is connected to."""
    settings.ALLOW_PRIVATE_PLATFORMS = False
    port = int(server.url.rsplit(":", 1)[1])
    answers = iter([("8.8.8.8", port), ("127.0.0.1", port)])
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *args, **kwargs: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", next(answers))],
    )

    with pytest.raises(http.PlatformUnreachable, match="private network"):
        http.session().get(f"https://vle.example:{port}/jwks")

    assert server.received == []


def test_private_addresses_where_the_deployer_allows_them(server: FakePlatform, settings: Settings) -> None:
    settings.ALLOW_PRIVATE_PLATFORMS = True

    assert http.session().get(f"{server.url}/jwks").status_code == 200

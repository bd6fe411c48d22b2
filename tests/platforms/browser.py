"""Somebody with a browser, without a browser: Django's client going through login and launch as one does."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

from django.http import HttpResponse
from django.test import Client

from tests.platforms.fake import FakePlatform, PlatformKey

TOOL = "https://tool.example"
LAUNCH = f"{TOOL}/lti/launch/"


@contextmanager
def clock_moved(seconds: float) -> Iterator[None]:
    """What happens inside happens that many seconds from now (before now, when negative)."""
    real = time.time
    with patch("time.time", lambda: real() + seconds):
        yield


class Browser(Client):
    """Django's client, which unlike a browser goes on sending the cookies that it was told to forget."""

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        for name in [name for name, cookie in self.cookies.items() if cookie["max-age"] == 0]:
            del self.cookies[name]
        return response

    def cookie_names(self, prefix: str = "") -> list[str]:
        return sorted(name for name in self.cookies if name.startswith(prefix))

    def cookie_header(self) -> str:
        return "; ".join(f"{name}={cookie.value}" for name, cookie in self.cookies.items())


class Visitor:
    """A person's browser on a platform's course page."""

    def __init__(self, platform: FakePlatform, target: str = LAUNCH) -> None:
        self.platform = platform
        self.target = target
        self.client = Browser(headers={"host": "tool.example"})

    def login(self, method: str = "post", **changes: str | None) -> HttpResponse:
        """Begin the login that the platform's page begins; None leaves a parameter out."""
        sent = {
            "iss": self.platform.issuer,
            "target_link_uri": self.target,
            "login_hint": "3",
            "lti_message_hint": '{"launchid":"ltilaunch_1"}',
            "client_id": self.platform.client_id,
            "lti_deployment_id": self.platform.deployment_id,
            **changes,
        }
        given = {name: value for name, value in sent.items() if value is not None}
        return getattr(self.client, method)("/lti/login/", given, secure=True)

    def question(self, **changes: str | None) -> dict[str, str]:
        """What the tool asked the platform's authentication endpoint."""
        response = self.login(**changes)
        assert response.status_code == 302, response.content
        return {name: values[0] for name, values in parse_qs(urlsplit(response["Location"]).query).items()}

    def post(self, state: str, id_token: str, **others: str) -> HttpResponse:
        sent = {"state": state, "id_token": id_token, **others}
        return self.client.post("/lti/launch/", sent, secure=True)

    def token(
        self, question: dict[str, str], change: Callable[[dict[str, Any]], None] = lambda claims: None
    ) -> str:
        """The platform's good answer to the tool's question, spoilt or varied by `change`."""
        claims = self.platform.claims(nonce=question["nonce"], target=self.target)
        change(claims)
        return self.platform.keys[0].sign(claims)

    def launch(
        self,
        change: Callable[[dict[str, Any]], None] = lambda claims: None,
        *,
        headers: dict[str, Any] | None = None,
        key: PlatformKey | None = None,
        algorithm: str = "RS256",
        **login: str | None,
    ) -> HttpResponse:
        """Log in and launch. `change` spoils or varies the claims before they are signed."""
        question = self.question(**login)
        claims = self.platform.claims(nonce=question["nonce"], target=self.target)
        change(claims)
        token = (key or self.platform.keys[0]).sign(claims, headers, algorithm)
        return self.post(question["state"], token)

"""Somebody with a browser, without a browser: Django's client going through login and launch as one does."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.http import HttpResponse
from django.test import Client

from tests.platforms.fake import FakePlatform, PlatformKey

TOOL = "https://tool.example"
LAUNCH = f"{TOOL}/lti/launch/"


class Visitor:
    """A person's browser on a platform's course page."""

    def __init__(self, platform: FakePlatform, target: str = LAUNCH) -> None:
        self.platform = platform
        self.target = target
        self.client = Client(headers={"host": "tool.example"})

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

    def post(self, state: str, id_token: str) -> HttpResponse:
        return self.client.post("/lti/launch/", {"state": state, "id_token": id_token}, secure=True)

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

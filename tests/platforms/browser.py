"""Somebody with a browser, without a browser: Django's client going through login and launch as one does."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

from django.http import HttpResponse
from django.test import Client

from tests.platforms import deep_linking, messages, signing_in
from tests.platforms.deep_linking import Chosen
from tests.platforms.fake import LAUNCH, FakePlatform, PlatformKey
from tests.platforms.forms import way_back
from tests.platforms.messages import Link
from tests.platforms.people import AMINA, Person
from tests.platforms.terms import RESOURCE_LINK


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

    def __init__(self, platform: FakePlatform, target: str = LAUNCH, *, person: Person = AMINA) -> None:
        self.platform = platform
        self.target = target
        self.person = person
        self.client = Browser(headers={"host": "tool.example"})

    def login(self, method: str = "post", **changes: str | None) -> HttpResponse:
        """Begin the login that the platform's page begins; None leaves a parameter out."""
        sent = {**signing_in.login_parameters(self.platform, self.target), **changes}
        given = {name: value for name, value in sent.items() if value is not None}
        return getattr(self.client, method)(urlsplit(self.platform.login_url).path, given, secure=True)

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
        claims = self.platform.claims(nonce=question["nonce"], target=self.target, person=self.person)
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
        claims = self.platform.claims(nonce=question["nonce"], target=self.target, person=self.person)
        change(claims)
        token = (key or self.platform.keys[0]).sign(claims, headers, algorithm)
        return self.post(question["state"], token)

    # --- whole messages, the platform as strict as a real one -----------------------------------------------

    def open(self, link: Link | None = None, *, message: str = RESOURCE_LINK, **said: Any) -> HttpResponse:
        """Open an activity (the first, unless another is given), or send another message, as the VLE does.

        `said`: `course` of a request for content, `for_user` of a review or a data privacy message. The platform
        refuses what a real one refuses. Returns the tool's page, past its own redirects.
        """
        platform = self.platform
        assert platform.is_active, f"{platform.profile}: an admin must switch the tool on first"
        link = link or platform.links["link-1"]
        login = signing_in.login_parameters(platform, messages.login_target_of(platform, message, link))
        response = self.client.post(urlsplit(platform.login_url).path, login, secure=True)
        assert response.status_code == 302, response.content
        address = urlsplit(response["Location"])
        assert f"{address.scheme}://{address.netloc}{address.path}" == platform.auth_url
        question = {name: values[0] for name, values in parse_qs(address.query).items()}
        signing_in.check(platform, question)
        target = messages.target_of(platform, message, link)
        claims = platform.claims(
            nonce=question["nonce"], target=target, message=message, person=self.person, link=link, **said
        )
        storage = platform.profile.signing_in.storage_target
        form = {
            "state": question["state"],
            "id_token": platform.keys[0].sign(claims),
            **({"lti_storage_target": storage} if storage else {}),
        }
        launch = urlsplit(question["redirect_uri"]).path
        return self.client.post(launch, form, secure=True, follow=True)

    def give_back(self, response: HttpResponse) -> Chosen:
        """Post the form of the tool's answer to the platform, as the browser does by itself.

        Raises deep_linking.AnswerRefused where the platform would not take it.
        """
        form = way_back(response)
        assert form.method == "post"
        sent = {name: form.one(name) for name in form.fields}
        return deep_linking.receive(self.platform, form.action, sent)

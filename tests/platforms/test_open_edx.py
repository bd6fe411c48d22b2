"""Open edX, as far as it runs without Open edX: `lti-consumer-xblock` in a process and environment of its own.

It begins the login, looks at our authentication request, signs the messages, gives the token, keeps columns and
scores, and reads our choice of content. What stands in for the rest is in `open_edx.py`.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from jwt import PyJWK

from grading.models import Enrolment
from lti_tool.models import Launch, LineItem, Membership, ToolKey
from lti_tool.registration import Platform, register
from tests.platforms.acts import deliver, fill_in, take_quiz
from tests.platforms.browser import Browser
from tests.platforms.fake import LAUNCH
from tests.platforms.forms import read_forms, way_back

pytestmark = [pytest.mark.open_edx, pytest.mark.django_db]
SERVER = Path(__file__).with_name("open_edx.py")


class OpenEdx:
    """The process, and a browser that goes to and fro between it and the tool."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.browser = Browser(headers={"host": "tool.example"})

    def ask(self, path: str) -> Any:
        answer = requests.get(f"{self.address}/{path}", timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def login(self, role: str, *, choosing: bool = False) -> SplitResult:
        """The address at which it begins a login of ours."""
        return urlsplit(self.ask(f"begin?role={role}" + ("&choose=1" if choosing else ""))["login"])

    def open(self, role: str, *, choosing: bool = False) -> Any:
        """Its login, our question, its launch; the page that comes of it."""
        parts = self.login(role, choosing=choosing)
        question = self.browser.get(f"{parts.path}?{parts.query}", secure=True)["Location"]
        (form,) = read_forms(requests.get(question, timeout=10).text)
        assert urlsplit(form.action).path == "/lti/launch/"
        sent = {name: form.one(name) for name in ("id_token", "state")}
        return self.browser.post("/lti/launch/", sent, secure=True, follow=True)


@pytest.fixture
def open_edx(tool_key: ToolKey, tmp_path: Path) -> Iterator[OpenEdx]:
    pem = PyJWK(tool_key.public_jwk).key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (tmp_path / "tool.pem").write_bytes(pem)
    command = [os.environ["TEST_OPEN_EDX"], str(SERVER), str(tmp_path / "tool.pem")]
    with (tmp_path / "log").open("w") as log:
        # Nothing of the tool's own environment, its settings above all, is to be seen there.
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env={"PATH": ""}, text=True)
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    assert address, (tmp_path / "log").read_text()
    platform = OpenEdx(address)
    register(Platform(**platform.ask("connection")))
    yield platform
    process.terminate()
    process.wait(10)
    process.stdout.close()


def test_a_learner_passes_and_the_score_arrives(open_edx: OpenEdx) -> None:
    page = open_edx.open("student")

    assert page.status_code == 200
    launch = Launch.objects.get()
    assert (launch.lti_user.sub, launch.lti_user.name) == ("user-7", "Dylan Evans")
    assert Membership.objects.get().is_learner is True
    take_quiz(Enrolment.objects.get())
    deliver()
    (score,) = open_edx.ask("kept")["scores"]
    assert (score["user_id"], score["score_given"], score["score_maximum"]) == ("user-7", 100, 100)
    assert "https://tool.example/verify/" in score["comment"]
    # It had no column: one was made, of our link.
    assert LineItem.objects.get().url.startswith(f"{open_edx.address}/api/lti_consumer/")


def test_an_instructor_leads(open_edx: OpenEdx) -> None:
    assert open_edx.open("instructor").status_code == 200

    membership = Membership.objects.get()
    assert (membership.is_learner, membership.is_lead) == (False, True)


def choose(open_edx: OpenEdx, module: str) -> dict[str, Any]:
    """An author chooses a module; what Open edX keeps of it."""
    back = way_back(fill_in(open_edx.browser, open_edx.open("instructor", choosing=True), module))
    taken = requests.post(back.action, data={"JWT": back.one("JWT")}, timeout=10)
    assert taken.status_code == 200, taken.text
    (item,) = open_edx.ask("kept")["content"]
    return dict(item)


def test_its_request_for_content_is_answered(open_edx: OpenEdx) -> None:
    item = choose(open_edx, "all-staff-awareness")

    assert item["url"].startswith(f"{LAUNCH}?activity=")


@pytest.mark.usefixtures("two_modules")
def test_the_chosen_link_opens_what_was_chosen(open_edx: OpenEdx) -> None:
    """Its login goes on naming the block's own address; the message names the link's (consumer.py)."""
    item = choose(open_edx, "small")
    assert parse_qs(open_edx.login("student").query)["target_link_uri"] == [LAUNCH]

    page = open_edx.open("student")

    assert page.status_code == 200
    enrolment = Enrolment.objects.get()
    assert enrolment.activity.module == "small"
    launch = Launch.objects.get(message=Launch.Message.RESOURCE_LINK)
    assert f"https://tool.example{launch.target}" == item["url"]
    take_quiz(enrolment)
    deliver()
    (score,) = open_edx.ask("kept")["scores"]
    assert score["score_given"] == 100

"""What somebody reads of their own grade, and how a grade that was held up gets home."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse

from course_content import catalogue
from grading import outbox
from grading.models import Enrolment, OutgoingScore
from lti_tool.models import ToolKey
from tests.course_content.small_pack import write_pack
from tests.course_content.test_review_launch import ALL_RIGHT, at, take, with_small_module
from tests.platforms.fake import FakePlatform
from tests.platforms.people import AMINA, TEACHER
from tests.platforms.profiles import EVERY_VLE, Profile

pytestmark = pytest.mark.django_db

State = OutgoingScore.State
WORDS = {
    "moodle": "give you the Student role in this course",
    "canvas": "give you a Student enrolment in this course",
    "brightspace": "give you a role with “Can be graded in Grades” switched on in this course",
    "blackboard": "give you the Student role in this course",
    "sakai": "give you the Student role in this course",
    "generic": "give you the Student role in this course",
}


@pytest.fixture(autouse=True)
def _small_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pack(tmp_path / "packs" / "small")
    monkeypatch.setattr(catalogue, "BUILT_IN", tmp_path / "packs")
    catalogue.reload()


@pytest.fixture(params=EVERY_VLE, ids=str)
def vle(request: pytest.FixtureRequest, platform: FakePlatform, tool_key: ToolKey) -> Iterator[FakePlatform]:
    """A VLE of each make in turn, where Amina cannot be graded yet."""
    profile: Profile = request.param
    platform.reset(profile)
    published = [tool_key.public_jwk]
    platform.tool_keys = lambda: published  # type: ignore[method-assign]
    platform.register(frame_hosts=platform.url)
    with_small_module(platform).ungradable.add(AMINA.id)
    return platform


def says(response: object) -> str:
    page = response.content.decode()  # type: ignore[attr-defined]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_whoever_cannot_be_graded_reads_what_to_do_and_the_lead_reads_it_by_name(vle: FakePlatform) -> None:
    amina = at(vle, AMINA)
    amina.open()
    attempt = take(Enrolment.objects.get(), ALL_RIGHT)
    outbox.drain()

    words = WORDS[vle.profile.name]
    result = amina.client.get(reverse("learn:result", args=[attempt.pk]), secure=True)
    module = amina.client.get(reverse("learn:module", args=[attempt.enrolment_id]), secure=True)
    line = amina.client.get(reverse("learn:delivery", args=[attempt.pk]), secure=True)
    for page in (result, module, line):
        assert "Your result is safe here." in says(page)
        assert f"Ask whoever looks after your VLE to {words}." in says(page)
    assert "Check again" not in says(result)
    for_lead = says(at(vle, TEACHER).open())
    assert words.replace("you", "Amina Yusuf") in for_lead


def test_once_it_is_cured_the_lead_sends_it_again(vle: FakePlatform) -> None:
    at(vle, AMINA).open()
    enrolment = Enrolment.objects.get()
    take(enrolment, ALL_RIGHT)
    outbox.drain()
    vle.ungradable.clear()

    lead = at(vle, TEACHER)
    lead.open()
    lead.client.post(reverse("grading:send-again", args=[enrolment.resource_link_id]), secure=True)
    outbox.drain()

    assert vle.grade_of(AMINA.id).points == 100
    assert enrolment.scores.get().state == State.DELIVERED


def test_once_it_is_cured_opening_the_activity_sends_it_again(vle: FakePlatform) -> None:
    amina = at(vle, AMINA)
    amina.open()
    take(Enrolment.objects.get(), ALL_RIGHT)
    outbox.drain()
    assert OutgoingScore.objects.get().state == State.PARKED

    amina.open()
    outbox.drain()
    assert OutgoingScore.objects.get().state == State.PARKED

    vle.ungradable.clear()
    amina.open()
    outbox.drain()
    assert OutgoingScore.objects.get().state == State.DELIVERED
    assert vle.grade_of(AMINA.id).points == 100


@pytest.mark.parametrize(
    "reason", ["not_allowed", "rejected", "no_column", "no_attempts_left", "key_refused", "our_fault"]
)
def test_what_is_nobodys_role_is_for_the_lead_to_see_to(platform: FakePlatform, reason: str) -> None:
    amina = at(with_small_module(platform), AMINA)
    amina.open()
    attempt = take(Enrolment.objects.get(), ALL_RIGHT)
    OutgoingScore.objects.update(state=State.PARKED, reason=reason)

    said = says(amina.client.get(reverse("learn:result", args=[attempt.pk]), secure=True))

    assert "Your result is safe here. Your VLE has not taken your grade." in said
    assert "Tell whoever leads your course. They can see why, and send it again." in said
    assert "role" not in said
    amina.open()
    assert OutgoingScore.objects.get().state == State.PARKED

"""Answering a deep linking request: what is signed, and what each make of VLE is told of an activity."""

import struct
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import jwt
import pytest
from django.contrib.staticfiles import finders
from django.utils import timezone

from lti_tool import deep_linking, platform_quirks
from lti_tool.deep_linking import Item
from lti_tool.models import DeepLinkingRequest, Family, Launch, ToolKey
from tests import factories
from tests.platforms.browser import Visitor
from tests.platforms.fake import TOOL, FakePlatform
from tests.platforms.people import AMINA, TEACHER, Person
from tests.platforms.profiles import EVERY_VLE, Profile
from tests.platforms.terms import CLAIM, DEEP_LINKING, DL

pytestmark = pytest.mark.django_db

ACTIVITY = "0a6e2ac8-6d7c-5d31-9f0b-5d9d4bf6e4f1"
ITEM = Item(
    activity=ACTIVITY,
    title="Nudes: what to do first",
    text="For everyone who works in a school.",
    tag="all-staff-awareness",
    graded=True,
)


def request_of(family: str = Family.GENERIC, **changes: Any) -> DeepLinkingRequest:
    """An author of this make of VLE wants to choose content."""
    deployment = factories.make_deployment(factories.make_registration(family=family))
    return factories.make_deep_linking_request(factories.make_course(deployment), **changes)


def item_for(family: str, item: Item = ITEM, **changes: Any) -> dict[str, Any]:
    registration = factories.make_registration(family=family)
    return deep_linking.content_item(registration, item, **changes)


# --- the message --------------------------------------------------------------------------------------------


@pytest.fixture
def said(tool_key: ToolKey) -> dict[str, Any]:
    """The claims of an answer, its signature checked with our published key."""
    request = request_of(data="csrf:AbC/== ")
    return read(deep_linking.answer(request, [ITEM], message="Chosen."), tool_key)


def read(answer: deep_linking.Answer, tool_key: ToolKey) -> dict[str, Any]:
    key = jwt.PyJWK(tool_key.public_jwk)
    claims: dict[str, Any] = jwt.decode(answer.jwt, key, ["RS256"], audience="https://vle.example")
    return claims


def test_the_key_is_named(tool_key: ToolKey) -> None:
    signed = deep_linking.answer(request_of(), [ITEM]).jwt

    assert jwt.get_unverified_header(signed)["kid"] == tool_key.kid


def test_who_answers_whom(said: dict[str, Any]) -> None:
    launch = Launch.objects.select_related("registration", "deployment").get()

    assert said["iss"] == launch.registration.client_id
    assert said["aud"] == launch.registration.issuer
    assert said[f"{CLAIM}deployment_id"] == launch.deployment.deployment_id
    assert said[f"{CLAIM}message_type"] == "LtiDeepLinkingResponse"
    assert said[f"{CLAIM}version"] == "1.3.0"
    assert said[f"{DL}msg"] == said[f"{DL}log"] == "Chosen."


def test_it_is_fresh_also_by_a_clock_that_is_behind(said: dict[str, Any]) -> None:
    """Moodle refuses what comes from the future."""
    assert said["iat"] <= time.time() - 10
    assert time.time() + 600 < said["exp"] <= said["iat"] + 3600


def test_data_goes_back_to_the_letter(said: dict[str, Any]) -> None:
    assert said[f"{DL}data"] == "csrf:AbC/== "


def test_nothing_is_said_that_was_not_asked(tool_key: ToolKey) -> None:
    said = read(deep_linking.answer(request_of(), []), tool_key)

    assert said[f"{DL}content_items"] == []
    assert {f"{DL}data", f"{DL}msg", f"{DL}log", "sub"} & said.keys() == set()


def test_each_answer_has_a_nonce_of_its_own(tool_key: ToolKey) -> None:
    request = request_of()

    nonces = {read(deep_linking.answer(request, [ITEM]), tool_key)["nonce"] for _ in range(5)}

    assert len(nonces) == 5


def test_blackboard_needs_a_subject(tool_key: ToolKey) -> None:
    """docs.anthology.com, dl-return-token."""
    said = read(deep_linking.answer(request_of(Family.BLACKBOARD), [ITEM]), tool_key)

    assert said["sub"] == said["iss"]


# --- an activity as an item ---------------------------------------------------------------------------------


def test_the_whole_item() -> None:
    due = datetime(2027, 7, 1, 17, 0, tzinfo=ZoneInfo("Europe/London"))
    item = Item(ACTIVITY, "Nudes", "For all.", "awareness", graded=True, due_at=due, in_new_window=True)
    url = f"{TOOL}/lti/launch/?activity={ACTIVITY}"

    assert item_for(Family.GENERIC, item) == {
        "type": "ltiResourceLink",
        "title": "Nudes",
        "text": "For all.",
        "url": url,
        "icon": {"url": f"{TOOL}/static/lti_tool/icon.png", "width": 64, "height": 64},
        "thumbnail": {"url": f"{TOOL}/static/lti_tool/thumbnail.png", "width": 128, "height": 128},
        "custom": {"activity": ACTIVITY, "link_history": "$ResourceLink.id.history"},
        "lineItem": {
            "scoreMaximum": 100,
            "label": "Nudes",
            "resourceId": ACTIVITY,
            "tag": "awareness",
            "submissionReview": {
                "reviewableStatus": ["Completed"],
                "url": url,
                "custom": {"activity": ACTIVITY},
            },
        },
        "submission": {"endDateTime": "2027-07-01T16:00:00.000Z"},
        "window": {"targetName": "_blank"},
    }


@pytest.mark.parametrize("family", Family)
def test_the_id_stands_in_the_address_too(family: str) -> None:
    """hypothesis/lms: Canvas does not reliably bring `custom` back."""
    item = item_for(family)

    assert parse_qs(urlsplit(item["url"]).query) == {"activity": [ACTIVITY]}
    assert item["custom"]["activity"] == ACTIVITY


@pytest.mark.parametrize("family", Family)
def test_custom_values_are_one_line(family: str) -> None:
    """Moodle 4.5.5, executed: a newline in a value begins another parameter."""
    assert all(len(value.splitlines()) == 1 for value in item_for(family)["custom"].values())


def test_the_maximum_is_a_whole_number_up_to_a_hundred() -> None:
    """Moodle 4.5.5, executed: of 12.5 or 150 it makes an activity without a numeric grade, and says nothing."""
    maximum = item_for(Family.MOODLE)["lineItem"]["scoreMaximum"]

    assert (maximum, type(maximum)) == (100, int)


@pytest.mark.parametrize(
    ("graded", "accepts", "has_column"),
    [(True, True, True), (True, None, True), (True, False, False), (False, True, False)],
)
def test_a_column_where_one_is_wanted_and_taken(graded: bool, accepts: bool | None, has_column: bool) -> None:
    item = Item(ACTIVITY, "Nudes", "", "awareness", graded=graded)

    assert ("lineItem" in item_for(Family.GENERIC, item, accept_line_item=accepts)) is has_column


@pytest.mark.parametrize(
    ("in_new_window", "targets"), [(None, set()), (True, {"window"}), (False, {"iframe"})]
)
def test_where_it_opens(in_new_window: bool | None, targets: set[str]) -> None:
    item = Item(ACTIVITY, "Nudes", "", "awareness", graded=False, in_new_window=in_new_window)

    assert {"window", "iframe"} & item_for(Family.GENERIC, item).keys() == targets


def test_a_due_date_closes_nothing() -> None:
    """Canvas locks an assignment at `available.endDateTime`; training done late is better than none."""
    item = Item(ACTIVITY, "Nudes", "", "awareness", graded=True, due_at=timezone.now() + timedelta(days=1))

    assert "available" not in item_for(Family.CANVAS, item)


@pytest.mark.parametrize("family", [Family.MOODLE, Family.CANVAS])
def test_a_text_that_becomes_html(family: str) -> None:
    """Moodle 4.5.5, executed: the description's HTML is kept. Canvas: it is the assignment's description."""
    item = Item(ACTIVITY, "Nudes", "Ages <18 & staff", "awareness", graded=False)

    assert item_for(family, item)["text"] == "Ages &lt;18 &amp; staff"


def test_a_title_that_html_would_cut() -> None:
    """Moodle 4.5.5, executed: HTML is stripped from titles."""
    item = Item(ACTIVITY, "Under <18>s", "", "awareness", graded=False)

    assert item_for(Family.MOODLE, item)["title"] == "Under ‹18›s"


def test_canvas_keeps_a_name_that_the_author_gave() -> None:
    """instructure/canvas-lms, EditView.jsx."""
    assert item_for(Family.CANVAS)[platform_quirks.CANVAS_KEEPS_NAME] is True


@pytest.mark.parametrize(
    ("family", "reviews"), [(Family.MOODLE, True), (Family.BRIGHTSPACE, True), (Family.CANVAS, False)]
)
def test_a_review_where_the_vle_has_it(family: str, reviews: bool) -> None:
    assert ("submissionReview" in item_for(family)["lineItem"]) is reviews


@pytest.mark.parametrize("picture", ["icon", "thumbnail"])
def test_the_pictures_are_there_and_as_large_as_we_say(picture: str) -> None:
    said = item_for(Family.GENERIC)[picture]
    file = finders.find(urlsplit(said["url"]).path.removeprefix("/static/"))
    assert isinstance(file, str)
    header = Path(file).read_bytes()[:24]

    assert header[1:4] == b"PNG"
    assert struct.unpack(">II", header[16:]) == (said["width"], said["height"])


# --- what an author may decide ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "targets", "offered"),
    [
        (Family.GENERIC, ["iframe", "window"], True),
        (Family.GENERIC, ["window"], False),
        (Family.GENERIC, ["iframe", "embed"], False),
        (Family.GENERIC, [], False),
        (Family.MOODLE, ["frame", "iframe", "window"], False),  # passes over it (executed)
    ],
)
def test_frame_or_window(family: str, targets: list[str], offered: bool) -> None:
    assert deep_linking.offers_window(request_of(family, accept_targets=targets)) is offered


@pytest.mark.parametrize(("types", "takes"), [(["ltiResourceLink", "link"], True), (["file"], False)])
def test_a_place_that_takes_activities(types: list[str], takes: bool) -> None:
    assert deep_linking.takes_activities(request_of(accept_types=types)) is takes


# --- the request --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", EVERY_VLE, ids=str)
def test_a_request_is_kept_as_it_came(vle: Callable[[Profile], FakePlatform], make: Profile) -> None:
    platform = vle(make)
    platform.register()

    page = Visitor(platform, person=TEACHER).open(message=DEEP_LINKING)

    assert page.status_code == 200
    style = make.deep_linking
    request = DeepLinkingRequest.objects.select_related("context").get()
    assert request.context is not None
    assert request.context.context_id == "course-1"
    assert (request.data, request.accept_line_item) == (style.data or "", style.accept_line_item)
    assert (request.accept_multiple, request.accept_types) == (
        style.accept_multiple,
        list(style.accept_types),
    )


@pytest.mark.parametrize(
    ("person", "changes", "reason"),
    [
        (AMINA, {}, "author_role_missing"),
        (TEACHER, {"deep_link_return_url": "https://evil.example/return"}, "return_url_foreign"),
        (TEACHER, {"deep_link_return_url": "javascript:alert(1)"}, "return_url_foreign"),
        (TEACHER, {"deep_link_return_url": None}, "claim_invalid"),
    ],
)
def test_a_request_that_is_refused(
    platform: FakePlatform, person: Person, changes: dict[str, Any], reason: str
) -> None:
    platform.deep_linking_settings = changes

    page = Visitor(platform, person=person).open(message=DEEP_LINKING)

    assert page.status_code in {400, 403}
    assert reason in page.content.decode()
    assert not DeepLinkingRequest.objects.exists()

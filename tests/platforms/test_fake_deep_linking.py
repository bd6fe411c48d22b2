"""The fake chooses content like each make of VLE. Sources: the notes on platforms, executed Moodle part and §3."""

import time
from typing import Any

import pytest
import requests

from tests.platforms import deep_linking
from tests.platforms.deep_linking import AnswerRefused, Chosen
from tests.platforms.fake import PlatformKey
from tests.platforms.profiles import (
    BLACKBOARD,
    CANVAS,
    EVERY_VLE,
    GENERIC,
    MOODLE,
    Profile,
)
from tests.platforms.terms import AGS, CLAIM, DEEP_LINKING, DL
from tests.platforms.tool_side import TOOL, ToolAt, ToolSide, item

EVERY = pytest.mark.parametrize("profile", EVERY_VLE, ids=str)


def asked(tool: ToolSide) -> dict[str, Any]:
    claims = tool.platform.claims(nonce="n", target=TOOL, message=DEEP_LINKING)
    return dict(claims[f"{DL}deep_linking_settings"])


def give(tool: ToolSide, *items: dict[str, Any], **changes: Any) -> Chosen:
    address = asked(tool)["deep_link_return_url"]
    return deep_linking.receive(tool.platform, address, {"JWT": tool.answer(*items, **changes)})


# --- the request ----------------------------------------------------------------------------------------------


@EVERY
def test_the_request(tool_at: ToolAt, profile: Profile) -> None:
    """Deep Linking 2.0 §4.4: in a course, about no link."""
    tool = tool_at(profile)

    claims = tool.platform.claims(nonce="n", target=TOOL, message=DEEP_LINKING)

    assert claims[f"{CLAIM}message_type"] == "LtiDeepLinkingRequest"
    assert claims[f"{CLAIM}context"]["id"] == "course-1"
    assert f"{CLAIM}resource_link" not in claims
    assert "lineitem" not in claims[AGS]
    assert "ltiResourceLink" in asked(tool)["accept_types"]


@pytest.mark.parametrize(
    ("profile", "multiple", "data"),
    [(MOODLE, True, False), (CANVAS, False, False), (BLACKBOARD, True, True), (GENERIC, True, True)],
    ids=lambda value: str(value) if isinstance(value, Profile) else "",
)
def test_what_is_accepted(tool_at: ToolAt, profile: Profile, multiple: bool, data: bool) -> None:
    """Moodle, executed: several, no `data`. CV:deep_linking_request.rb, assignment_selection: one.
    docs.anthology.com, deep-linking: several, `data`."""
    settings = asked(tool_at(profile))

    assert (settings["accept_multiple"], "data" in settings) == (multiple, data)


def test_moodles_frames(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed: targets frame, iframe, window; nothing else than links."""
    settings = asked(tool_at(MOODLE))

    assert settings["accept_presentation_document_targets"] == ["frame", "iframe", "window"]
    assert settings["accept_types"] == ["ltiResourceLink"]


# --- the answer, read strictly --------------------------------------------------------------------------------


@EVERY
def test_a_good_answer(tool_at: ToolAt, profile: Profile) -> None:
    """Deep Linking 2.0 §4.5."""
    tool = tool_at(profile)

    chosen = give(tool, item("Loops"))

    (link,) = chosen.links
    assert (link.title, link.url, chosen.lost) == ("Loops", f"{TOOL}/lti/launch/?activity=7", ())
    assert tool.platform.columns[link.column].resource_link_id == link.id
    assert tool.platform.columns[link.column].resource_id == "7"


@EVERY
def test_a_choice_of_nothing(tool_at: ToolAt, profile: Profile) -> None:
    """Moodle, executed: no items = clean cancel."""
    chosen = give(tool_at(profile), **{f"{DL}msg": "Nothing was chosen."})

    assert (chosen.links, chosen.message) == ((), "Nothing was chosen.")


NOT_SIGNED_WELL: dict[str, dict[str, Any]] = {
    "no kid": {"headers": {}},
    "another kid": {"headers": {"kid": "platform-key-0"}},
    "no nonce": {"nonce": None},
    "no iat": {"iat": None},
    "no exp": {"exp": None},
    "no aud": {"aud": None},
    "another aud": {"aud": "https://other.example"},
    "the client's own issuer": {"iss": "https://tool.example"},
    "another azp": {"azp": "somebody"},
    # Reckoned when the tests are collected, which may be a good while before.
    "issued in the future": {"iat": int(time.time()) + 10 * 86400},
    "expired": {"exp": int(time.time()) - 10},
    "good for a day": {"exp": int(time.time()) + 86400},
    "another deployment": {"deployment_id": "deployment-2"},
    "no deployment": {"deployment_id": None},
    "another message": {"message_type": "LtiDeepLinkingRequest"},
    "another version": {"version": "1.1"},
    "no list": {"content_items": {"type": "ltiResourceLink"}},
}


@pytest.mark.parametrize("changes", NOT_SIGNED_WELL.values(), ids=NOT_SIGNED_WELL.keys())
@EVERY
def test_an_answer_that_is_not_to_be_trusted(
    tool_at: ToolAt, profile: Profile, changes: dict[str, Any]
) -> None:
    """Deep Linking 2.0 §4.5, Security Framework §5.2. Moodle itself checks less (executed); the fake does not."""
    tool = tool_at(profile)
    links = dict(tool.platform.links)

    with pytest.raises(AnswerRefused):
        give(tool, item(), **changes)

    assert tool.platform.links == links


def test_an_answer_signed_with_another_key(tool_at: ToolAt) -> None:
    tool = tool_at(GENERIC)
    tool.key = PlatformKey(2)
    published = PlatformKey(1)
    tool.platform.tool_keys = lambda: [{**published.jwk(), "kid": tool.key.kid}]  # type: ignore[method-assign]

    with pytest.raises(AnswerRefused, match="JWT: Signature verification failed"):
        give(tool, item())


def test_an_answer_twice(tool_at: ToolAt) -> None:
    """Security Framework §5.2: a nonce is good once, the launch's own is not the answer's."""
    tool = tool_at(GENERIC)
    give(tool, item(), nonce="once")

    with pytest.raises(AnswerRefused, match="nonce"):
        give(tool, item(), nonce="once")


@pytest.mark.parametrize("data", [None, "", "csrftoken:c7fbba78+AbC/==", {"csrftoken": "c7"}])
def test_data_comes_back_to_the_letter(tool_at: ToolAt, data: Any) -> None:
    """Deep Linking 2.0 §4.4.1; docs.anthology.com: "Must be sent back unaltered". Here it ends in a blank."""
    with pytest.raises(AnswerRefused, match="data"):
        give(tool_at(GENERIC), item(), data=data)


def test_no_data_where_none_was_sent(tool_at: ToolAt) -> None:
    with pytest.raises(AnswerRefused, match="nobody sent"):
        give(tool_at(MOODLE), item(), **{f"{DL}data": ""})


def test_blackboard_needs_a_subject(tool_at: ToolAt) -> None:
    """docs.anthology.com, dl-return-token: `sub`, "Required by Learn"."""
    with pytest.raises(AnswerRefused, match="sub is missing"):
        give(tool_at(BLACKBOARD), item(), sub=None)


def test_canvas_takes_one_item(tool_at: ToolAt) -> None:
    """CV:deep_linking_request.rb: assignment_selection. Elsewhere in Canvas it may be several."""
    tool = tool_at(CANVAS)
    with pytest.raises(AnswerRefused, match="several"):
        give(tool, item("A"), item("B"))

    tool.platform.deep_linking_settings = {"accept_multiple": True}
    assert len(give(tool, item("A"), item("B")).links) == 2


BAD_ITEMS: dict[str, dict[str, Any]] = {
    "a type that is not accepted": {"type": "file"},
    "null": {"text": None},
    "a title that is no text": {"title": 7},
    "an address of no web page": {"url": "javascript:alert(1)"},
    "a relative address": {"url": "/lti/launch/"},
    "custom values that are no text": {"custom": {"activity": 7}},
    "an icon without address": {"icon": {"width": 50}},
    "a target that is not offered": {"window": {}},
    "no maximum": {"lineItem": {"label": "Loops"}},
    "a maximum of nothing": {"lineItem": {"scoreMaximum": 0}},
    "a maximum that is text": {"lineItem": {"scoreMaximum": "100"}},
    "a date without time": {"submission": {"endDateTime": "2026-12-24"}},
}


@pytest.mark.parametrize("changes", BAD_ITEMS.values(), ids=BAD_ITEMS.keys())
def test_an_item_that_is_not_well_formed(tool_at: ToolAt, changes: dict[str, Any]) -> None:
    """Deep Linking 2.0 §3."""
    tool = tool_at(GENERIC)
    tool.platform.deep_linking_settings = {"accept_presentation_document_targets": ["iframe"]}

    with pytest.raises(AnswerRefused):
        give(tool, item(**changes))


def test_a_line_item_where_none_is_accepted(tool_at: ToolAt) -> None:
    """Deep Linking 2.0 §4.4.1: accept_lineitem false; where it is not said, the platform decides."""
    tool = tool_at(GENERIC)
    tool.platform.deep_linking_settings = {"accept_lineitem": False}

    with pytest.raises(AnswerRefused, match="line item"):
        give(tool, item())


def test_another_return_address(tool_at: ToolAt) -> None:
    tool = tool_at(GENERIC)

    with pytest.raises(AnswerRefused, match="return address"):
        deep_linking.receive(
            tool.platform, f"{tool.platform.url}/deep-linking?course=course-1", {"JWT": tool.answer()}
        )


def test_the_browser_posts_it_there(tool_at: ToolAt) -> None:
    """Deep Linking 2.0 §4.5: a form with the one field `JWT`."""
    tool = tool_at(GENERIC)
    address = asked(tool)["deep_link_return_url"]

    assert requests.post(address, data={"JWT": tool.answer(item())}, timeout=5).text == "1 added"
    refused = requests.post(address, data={"JWT": tool.answer(item(type="file"))}, timeout=5)
    assert (refused.status_code, "file is not accepted" in refused.text) == (400, True)


# --- what becomes of it ---------------------------------------------------------------------------------------


def test_moodle_loses_a_long_title(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed: over 255 characters, among several: gone without a word."""
    chosen = give(tool_at(MOODLE), item("x" * 256), item("Loops"))

    assert [link.title for link in chosen.links] == ["Loops"]
    assert [why for _, why in chosen.lost] == ["the title is too long"]


def test_html_in_a_title_is_stripped(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed; without a title it is the tool's name."""
    tool = tool_at(MOODLE)
    chosen = give(tool, item("<b>Loops</b>"), {"type": "ltiResourceLink", "url": f"{TOOL}/lti/launch/"})

    assert [link.title for link in chosen.links] == ["Loops", "SafeResponse"]


@pytest.mark.parametrize("maximum", [12.5, 150])
def test_moodle_makes_no_column_of_an_odd_maximum(tool_at: ToolAt, maximum: float) -> None:
    """Moodle 4.5.5, executed: an activity without a numeric grade; its launches then name no column."""
    tool = tool_at(MOODLE)

    (link,) = give(tool, item(lineItem={"scoreMaximum": maximum})).links

    assert link.column == ""
    claims = tool.platform.claims(nonce="n", target=link.url, link=link)
    assert claims[AGS]["lineitem"] == ""


def test_moodle_reads_a_line_break_as_another_parameter(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed."""
    tool = tool_at(MOODLE)

    (link,) = give(tool, item(custom={"note": "first\nactivity=8"})).links

    assert link.custom == {"note": "first", "activity": "8"}


@pytest.mark.parametrize("profile", [p for p in EVERY_VLE if p is not CANVAS], ids=str)
def test_custom_parameters_come_back_at_the_launch(tool_at: ToolAt, profile: Profile) -> None:
    """Deep Linking 2.0 §3.1."""
    tool = tool_at(profile)
    (link,) = give(tool, item()).links

    claims = tool.platform.claims(nonce="n", target=link.url, link=link)

    assert claims[f"{CLAIM}custom"]["activity"] == "7"
    assert claims[f"{CLAIM}resource_link"]["id"] == link.id
    assert claims[AGS]["lineitem"] == tool.platform.columns[link.column].id


def test_canvas_forgets_custom_parameters_but_keeps_the_address(tool_at: ToolAt) -> None:
    """H:views/lti/deep_linking.py:173-175: "not reliably returned", so the fake never does."""
    tool = tool_at(CANVAS)
    (link,) = give(tool, item()).links

    claims = tool.platform.claims(nonce="n", target=link.url, link=link)

    assert "activity" not in claims[f"{CLAIM}custom"]
    assert link.url.endswith("?activity=7")


@EVERY
def test_a_copied_course(tool_at: ToolAt, profile: Profile) -> None:
    """Moodle, executed: "new resource_link id and line item, same custom and resourceId"."""
    tool = tool_at(profile)
    (link,) = give(tool, item()).links
    tool.platform.column("certificate", resource_link_id="")

    copies = tool.platform.copy_course("course-1", "course-2")

    copy = next(one for one in copies if one.title == "Loops")
    assert (copy.course, copy.url, copy.custom) == ("course-2", link.url, link.custom)
    assert copy.id != link.id
    column = tool.platform.columns[copy.column]
    assert (column.resource_id, column.resource_link_id) == ("7", copy.id)
    assert column.id != tool.platform.columns[link.column].id

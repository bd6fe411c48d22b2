"""Choosing content: the request's settings, a strict reading of the answer, and what becomes of each item."""

import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import jwt

from tests.platforms.server import Answer, Received, text_answer
from tests.platforms.signing import read_signed
from tests.platforms.terms import CLAIM, DL

if TYPE_CHECKING:
    from tests.platforms.fake import FakePlatform
    from tests.platforms.messages import Link

RETURN = "/deep-linking"


class AnswerRefused(Exception):
    """The tool's answer is not what the specification or this VLE asks for; the text says what is wrong."""


@dataclass(frozen=True)
class Chosen:
    """What an answer brought: the links that were made, and the items that were lost, each with why."""

    links: tuple["Link", ...]
    lost: tuple[tuple[str, str], ...]
    message: str = ""
    error: str = ""


def settings(platform: "FakePlatform", *, course: str) -> dict[str, Any]:
    """The claim of a request in a course (Deep Linking 2.0 §4.4.1)."""
    style = platform.profile.deep_linking
    said: dict[str, Any] = {
        "deep_link_return_url": f"{platform.url}{RETURN}?course={course}&sesskey=lrpuyYCTeT",
        "accept_types": list(style.accept_types),
        "accept_presentation_document_targets": list(style.targets),
        "accept_multiple": style.accept_multiple,
        **style.further_settings,
    }
    if style.accept_line_item is not None:
        said["accept_lineitem"] = style.accept_line_item
    if style.data is not None:
        said["data"] = style.data
    return {**said, **platform.deep_linking_settings}


def answer(platform: "FakePlatform", request: Received) -> Answer:
    """The return address, where the browser posts the tool's answer."""
    if request.method != "POST":
        return text_answer(405, "post the answer here")
    try:
        chosen = receive(platform, request.url, request.form)
    except AnswerRefused as refused:
        return text_answer(400, str(refused))
    return text_answer(200, f"{len(chosen.links)} added")


def receive(platform: "FakePlatform", address: str, form: dict[str, str]) -> Chosen:
    """Take the form that the browser posts to the return address. Raises AnswerRefused."""
    asked = parse_qs(urlsplit(address).query)
    course = asked.get("course", [""])[0]
    _insist(
        address == settings(platform, course=course)["deep_link_return_url"],
        f"another return address: {address}",
    )
    _insist(set(form) == {"JWT"}, f"form fields {sorted(form)}")
    said = read(platform, form["JWT"])
    chosen = place(platform, said.get(f"{DL}content_items", []), course=course)
    return replace(chosen, message=said.get(f"{DL}msg", ""), error=said.get(f"{DL}errormsg", ""))


def read(platform: "FakePlatform", signed: str) -> dict[str, Any]:
    """The answer's claims (Deep Linking 2.0 §4.5, Security Framework §5.2). Raises AnswerRefused."""
    try:
        said = read_signed(
            signed,
            platform.tool_keys(),
            required=("iss", "aud", "iat", "exp", "nonce"),
            audience=platform.issuer,
        )
    except jwt.InvalidTokenError as error:
        raise AnswerRefused(f"JWT: {error}") from None
    asked = settings(platform, course="")
    _insist(said["iss"] == platform.client_id, "iss is not the client id")
    _insist(said.get("azp", platform.client_id) == platform.client_id, "azp")
    _insist(said["iat"] <= time.time() < said["exp"] <= said["iat"] + 3600, "iat and exp")
    _insist(isinstance(said["nonce"], str) and said["nonce"] not in platform.nonces, "nonce was used before")
    platform.nonces.add(said["nonce"])
    _insist(said.get(f"{CLAIM}deployment_id") == platform.deployment_id, "deployment_id")
    _insist(said.get(f"{CLAIM}message_type") == "LtiDeepLinkingResponse", "message_type")
    _insist(said.get(f"{CLAIM}version") == "1.3.0", "version")
    if "data" in asked:
        _insist(said.get(f"{DL}data") == asked["data"], "data did not come back as it was sent")
    else:
        _insist(f"{DL}data" not in said, "data that nobody sent")
    for name in platform.profile.deep_linking.further_claims:
        _insist(bool(said.get(name)), f"{name} is missing, which {platform.profile} requires")
    for name in ("msg", "log", "errormsg", "errorlog"):
        _insist(isinstance(said.get(f"{DL}{name}", ""), str), name)
    items = said.get(f"{DL}content_items", [])
    _insist(isinstance(items, list), "content_items is no list")
    _insist(len(items) <= 1 or asked["accept_multiple"], "several items, where one is accepted")
    for item in items:
        _check_item(item, asked)
    return said


def _check_item(item: Any, asked: dict[str, Any]) -> None:
    _insist(isinstance(item, dict), "an item is no object")
    _insist(None not in item.values(), f"null in an item: {item}")
    _insist(item.get("type") in asked["accept_types"], f"type {item.get('type')} is not accepted")
    for name in ("title", "text", "url"):
        _insist(isinstance(item.get(name, ""), str), name)
    if "url" in item:
        parts = urlsplit(item["url"])
        _insist(parts.scheme in {"http", "https"} and bool(parts.netloc), f"url {item['url']}")
    for name in ("icon", "thumbnail"):
        if name in item:
            _insist(urlsplit(item[name].get("url", "")).scheme in {"http", "https"}, f"{name}.url")
    for name in ("iframe", "window"):
        if name in item:
            _insist(name in asked["accept_presentation_document_targets"], f"{name} is no target here")
    if item["type"] == "ltiResourceLink":
        _check_resource_link(item, asked)


def _check_resource_link(item: dict[str, Any], asked: dict[str, Any]) -> None:
    custom = item.get("custom", {})
    _insist(isinstance(custom, dict), "custom is no object")
    _insist(all(isinstance(v, str) for pair in custom.items() for v in pair), "custom holds more than text")
    if "lineItem" in item:
        _insist(asked.get("accept_lineitem", True) is not False, "a line item, where none is accepted")
        maximum = item["lineItem"].get("scoreMaximum")
        is_number = isinstance(maximum, int | float) and not isinstance(maximum, bool)
        _insist(is_number and maximum > 0, "lineItem.scoreMaximum")
        for name in ("label", "resourceId", "tag"):
            _insist(isinstance(item["lineItem"].get(name, ""), str), f"lineItem.{name}")
    for name in ("available", "submission"):
        for moment in item.get(name, {}).values():
            _insist(isinstance(moment, str) and "T" in moment, f"{name} is no date and time")


def _insist(holds: bool, problem: str) -> None:
    if not holds:
        raise AnswerRefused(problem)


# --- what becomes of it -------------------------------------------------------------------------------------


def place(platform: "FakePlatform", items: list[dict[str, Any]], *, course: str = "course-1") -> Chosen:
    """Make an activity of each item, with its column, as this make of VLE does."""
    links, lost = [], []
    for item in items:
        title = _without_html(item.get("title", "")) or "SafeResponse"
        problem = _problem(platform, item, title)
        if problem:
            lost.append((title, problem))
        else:
            links.append(_place(platform, item, title, course))
    return Chosen(tuple(links), tuple(lost))


def _problem(platform: "FakePlatform", item: dict[str, Any], title: str) -> str:
    style = platform.profile.deep_linking
    if item["type"] != "ltiResourceLink":
        return f"{item['type']} opens no activity"
    if style.title_at_most and len(title) > style.title_at_most:
        return "the title is too long"
    return ""


def _place(platform: "FakePlatform", item: dict[str, Any], title: str, course: str) -> "Link":
    style = platform.profile.deep_linking
    custom = dict(item.get("custom", {})) if style.keeps_custom else {}
    if style.splits_custom:
        lines = "\n".join(f"{name}={value}" for name, value in custom.items()).split("\n")
        custom = dict(line.split("=", 1) for line in lines if "=" in line)
    return platform.link(
        title,
        course=course,
        url=item.get("url", ""),
        text=item.get("text", ""),
        custom=custom,
        due=item.get("submission", {}).get("endDateTime", ""),
        line_item=_line_item(platform, item),
    )


def _line_item(platform: "FakePlatform", item: dict[str, Any]) -> dict[str, Any] | None:
    """The column that comes with the activity, if this VLE makes one of what the item says."""
    wanted = item.get("lineItem")
    most = platform.profile.deep_linking.whole_maximum_to
    if wanted and most:
        maximum = wanted["scoreMaximum"]
        if not isinstance(maximum, int) or not 1 <= maximum <= most:
            return None
    return dict(wanted) if wanted else None


def _without_html(text: str) -> str:
    return re.sub(r"<[^>]*>", "", text).strip()

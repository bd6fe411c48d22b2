"""The gradebook: line items, scores and results (Assignment and Grade Services 2.0).

A column keeps every score as it was posted; the grade that a teacher sees is worked out of them as the make of
VLE does it.
"""

import json
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.platforms import people, tokens
from tests.platforms.paging import NoSuchPage, page
from tests.platforms.profiles import Gradebook
from tests.platforms.server import Answer, Received, json_answer
from tests.platforms.terms import (
    CANVAS,
    LINE_ITEM_TYPE,
    LINE_ITEMS_TYPE,
    RESULTS_TYPE,
    SCOPE,
    SCORE_TYPE,
)

if TYPE_CHECKING:
    from tests.platforms.fake import FakePlatform

SUBMISSION = f"{CANVAS}submission"
SUBMISSION_TYPES = {
    "none",
    "basic_lti_launch",
    "online_text_entry",
    "online_url",
    "external_tool",
    "online_upload",
}
ACTIVITY_PROGRESS = {"Initialized", "Started", "InProgress", "Submitted", "Completed"}
GRADING_PROGRESS = {"FullyGraded", "Pending", "PendingManual", "Failed", "NotReady"}
# Canvas's clock may be this far behind the tool's.
SUBMITTED_AHEAD_SECONDS = 60


@dataclass
class Column:
    """A line item, with the scores it has taken by user, newest last.

    `coupled`: it is a link's own, made with the link; the tool's to read, not to delete. `overridden`: users whose
    grade a teacher has set by hand, with points and comment.
    """

    id: str
    resource_link_id: str = ""
    tag: str = ""
    label: str = ""
    maximum: float = 100
    scores: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    resource_id: str = ""
    coupled: bool = False
    submission_review: dict[str, Any] | None = None
    overridden: dict[str, tuple[float, str]] = field(default_factory=dict)
    received_at: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Grade:
    """What stands in the gradebook for one person: points of the column's maximum, None where there is none."""

    points: float | None
    comments: tuple[str, ...]
    submissions: tuple[dict[str, Any], ...] = ()


class Refused(Exception):
    """A request that is answered with a status of its own."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status, self.error = status, error


def grade(column: Column, user: str, style: Gradebook) -> Grade:
    """The scores of a person, one after the other, as this make of VLE keeps them."""
    points: float | None = None
    comments: tuple[str, ...] = ()
    submissions: list[dict[str, Any]] = []
    for score in column.scores.get(user, []):
        extension = score.get(SUBMISSION, {})
        if _is_final(score):
            points = score["scoreGiven"] / score["scoreMaximum"] * column.maximum
            if style.clamps:
                points = min(max(points, 0), column.maximum)
        elif style.erases_unless_final and not extension.get("preserve_score"):
            points = None
        comments = _commented(comments, score.get("comment", ""), style)
        makes_one = extension.get("new_submission", extension.get("submission_type") != "none")
        if style.makes_submissions and makes_one:
            submissions.append({"submitted_at": score["timestamp"], **extension})
    if user in column.overridden:
        points, comment = column.overridden[user]
        comments = (comment,)
    return Grade(points, comments, tuple(submissions))


def _commented(comments: tuple[str, ...], comment: str, style: Gradebook) -> tuple[str, ...]:
    new = (comment,) if comment else ()
    if style.comments == "appended":
        return comments + new
    return new if new or style.comments == "replaced" else comments


def _is_final(score: dict[str, Any]) -> bool:
    return (
        score.get("gradingProgress") in {"FullyGraded", "PendingManual"}
        and score.get("scoreGiven") is not None
    )


# --- the service --------------------------------------------------------------------------------------------


def answer(platform: "FakePlatform", request: Received) -> Answer:
    """Everything below /lineitems."""
    scopes = tokens.scopes_of(platform, request)
    if scopes is None:
        return json_answer(401, {"error": "token"})
    style = platform.profile.gradebook
    parts = request.path.strip("/").split("/")
    try:
        if len(parts) == 1:
            return (
                _create(platform, request, scopes)
                if request.method == "POST"
                else _list(platform, request, scopes)
            )
        column = platform.columns.get(parts[1])
        if column is None:
            raise Refused(404, "no such line item")
        if parts[2:] == ["scores"] and request.method == "POST":
            return _take_score(platform, request, column, scopes)
        if parts[2:] == ["results"] and request.method == "GET":
            return _results(platform, request, column, scopes)
        if len(parts) == 2 and request.method in {"GET", "PUT", "DELETE"}:
            return _item(platform, request, parts[1], column, scopes)
        raise Refused(405, "no such service")
    except NoSuchPage:
        return json_answer(400, {"error": "no such page"})
    except Refused as refused:
        return _refusal(request, refused, style)


def _refusal(request: Received, refused: Refused, style: Gradebook) -> Answer:
    if not style.echoes_refused or request.method != "POST":
        return json_answer(refused.status, {"error": refused.error})
    if b"\n" in request.body:
        # The status line cannot be written, and what is left looks like success.
        return json_answer(200, [])
    echo = request.body.decode("latin-1") if refused.status == 400 else ""
    return json_answer(refused.status, [])._replace(reason=refused.error + echo)


def _need(scopes: set[str], *names: str) -> None:
    if not scopes & {f"{SCOPE}{name}" for name in names}:
        raise Refused(403, "scope")


def _need_content(request: Received, media_type: str, style: Gradebook) -> dict[str, Any]:
    if style.exact_media_types and request.media_type != media_type:
        raise Refused(400, "No handler found")
    try:
        content = json.loads(request.body)
    except ValueError:
        raise Refused(400, "not JSON") from None
    if not isinstance(content, dict):
        raise Refused(400, "not an object")
    return content


def _need_accept(request: Received, media_type: str, style: Gradebook) -> None:
    any_will_do = not style.lists_need_accept and (not request.accepted or "*/*" in request.accepted)
    if style.exact_media_types and media_type not in request.accepted and not any_will_do:
        raise Refused(400 if style.lists_need_accept else 406, "No handler found")


def _list(platform: "FakePlatform", request: Received, scopes: set[str]) -> Answer:
    style = platform.profile.gradebook
    _need(scopes, "lineitem", "lineitem.readonly")
    _need_accept(request, LINE_ITEMS_TYPE, style)
    wanted = {
        name: request.query[name]
        for name in ("resource_link_id", "resource_id", "tag")
        if name in request.query
    }
    found = [
        _document(column)
        for column in platform.columns.values()
        if all(getattr(column, name) == value for name, value in wanted.items())
    ]
    part = page(request, len(found), style.line_items)
    headers = {"Content-Type": LINE_ITEMS_TYPE, **part.headers}
    return json_answer(200, found[part.start : part.stop])._replace(headers=headers)


def _create(platform: "FakePlatform", request: Received, scopes: set[str]) -> Answer:
    style = platform.profile.gradebook
    _need(scopes, "lineitem")
    item = _need_content(request, LINE_ITEM_TYPE, style)
    _check_item(item)
    number = len(platform.columns) + 1
    while str(number) in platform.columns:
        number += 1
    column = platform.column(str(number))
    _fill(column, item)
    return json_answer(201, _document(column))._replace(headers={"Content-Type": LINE_ITEM_TYPE})


def _item(
    platform: "FakePlatform", request: Received, number: str, column: Column, scopes: set[str]
) -> Answer:
    style = platform.profile.gradebook
    if request.method == "GET":
        _need(scopes, "lineitem", "lineitem.readonly")
        _need_accept(request, LINE_ITEM_TYPE, style)
    elif request.method == "PUT":
        _need(scopes, "lineitem")
        item = _need_content(request, LINE_ITEM_TYPE, style)
        if column.coupled and style.coupled_put_status != 200:
            raise Refused(style.coupled_put_status, "Attempt to modify an 'on-demand' line item")
        if style.put_keeps_omitted:
            item = {**_document(column), **item}
        _check_item(item)
        _fill(column, item)
    else:
        _need(scopes, "lineitem")
        platform.deleted.append(column)
        if column.coupled and style.coupled_delete_status != 204:
            raise Refused(style.coupled_delete_status, "coupled")
        del platform.columns[number]
        return Answer(204, {}, b"")
    return json_answer(200, _document(column))._replace(headers={"Content-Type": LINE_ITEM_TYPE})


def _check_item(item: dict[str, Any]) -> None:
    maximum = item.get("scoreMaximum")
    if not isinstance(item.get("label"), str) or not item["label"]:
        raise Refused(400, "label")
    if isinstance(maximum, bool) or not isinstance(maximum, int | float) or maximum <= 0:
        raise Refused(400, "scoreMaximum")
    for name in ("resourceId", "resourceLinkId", "tag"):
        if not isinstance(item.get(name, ""), str):
            raise Refused(400, name)


def _fill(column: Column, item: dict[str, Any]) -> None:
    """What a PUT leaves out is gone, as in Moodle (executed)."""
    column.label, column.maximum = item["label"], item["scoreMaximum"]
    column.tag, column.resource_id = item.get("tag", ""), item.get("resourceId", "")
    column.resource_link_id = item.get("resourceLinkId", "")
    column.submission_review = item.get("submissionReview")


def _document(column: Column) -> dict[str, Any]:
    return {
        "id": column.id,
        "label": column.label,
        "scoreMaximum": column.maximum,
        "resourceLinkId": column.resource_link_id,
        "resourceId": column.resource_id,
        "tag": column.tag,
    }


# --- scores -------------------------------------------------------------------------------------------------


def _take_score(platform: "FakePlatform", request: Received, column: Column, scopes: set[str]) -> Answer:
    style = platform.profile.gradebook
    _need(scopes, "score")
    score = _need_content(request, SCORE_TYPE, style)
    _check_score(score, style)
    user = score["userId"]
    if not _gradable(platform, user):
        raise Refused(style.ungradable_status, style.ungradable)
    _check_newer(column, score, style)
    column.scores.setdefault(user, []).append(score)
    column.received_at[user] = time.time()
    platform.after_score(score)
    if style.answers_result_url:
        result = json_answer(200, {"resultUrl": _below(column, f"results/{user}")})
        return result._replace(headers={"Content-Type": SCORE_TYPE})
    return Answer(200, {}, b"")


def _check_score(score: dict[str, Any], style: Gradebook) -> None:
    for name in ("userId", "timestamp", "activityProgress", "gradingProgress"):
        if not isinstance(score.get(name), str) or not score[name]:
            raise Refused(400, "Incorrect score received")
    try:
        moment = datetime.fromisoformat(score["timestamp"])
    except ValueError:
        raise Refused(400, "timestamp") from None
    if moment.tzinfo is None:
        raise Refused(400, "timestamp")
    given, maximum = score.get("scoreGiven"), score.get("scoreMaximum")
    if given is not None and (not _is_number(given) or (given < 0 and not style.clamps)):
        raise Refused(400, "scoreGiven")
    if given is not None and (not _is_number(maximum) or maximum <= 0):
        raise Refused(422 if style.makes_submissions else 400, "scoreMaximum")
    if style.checks_progress and (
        score["activityProgress"] not in ACTIVITY_PROGRESS or score["gradingProgress"] not in GRADING_PROGRESS
    ):
        raise Refused(400, "progress")
    if not isinstance(score.get("comment", ""), str):
        raise Refused(400, "comment")
    if style.makes_submissions and SUBMISSION in score:
        _check_submission(score[SUBMISSION])


def _check_submission(extension: Any) -> None:
    """Canvas's scores_controller.rb, as read."""
    if not isinstance(extension, dict):
        raise Refused(400, SUBMISSION)
    kind = extension.get("submission_type", "external_tool")
    if kind not in SUBMISSION_TYPES:
        raise Refused(422, "submission_type")
    if kind == "online_upload" and not extension.get("content_items"):
        raise Refused(422, "Content items must be provided with submission type 'online_upload'")
    if "submitted_at" in extension:
        try:
            moment = datetime.fromisoformat(extension["submitted_at"])
        except (TypeError, ValueError):
            raise Refused(400, "submitted_at") from None
        if moment.timestamp() > time.time() + SUBMITTED_AHEAD_SECONDS:
            raise Refused(400, "submitted_at is in the future")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _gradable(platform: "FakePlatform", user: str) -> bool:
    if user in platform.ungradable:
        return False
    person = people.find(platform.people, user)
    if person is None:
        return not platform.profile.gradebook.members_only
    return person.kind == "learner" and person.status == "Active"


def _check_newer(column: Column, score: dict[str, Any], style: Gradebook) -> None:
    taken = column.scores.get(score["userId"])
    if not taken:
        return
    if style.keeps_receipt_time:
        before = column.received_at[score["userId"]]
    else:
        before = datetime.fromisoformat(taken[-1]["timestamp"]).timestamp()
    now = datetime.fromisoformat(score["timestamp"]).timestamp()
    if style.whole_seconds:
        before, now = int(before), int(now)
    if now < before or (now == before and style.refuses_equal):
        raise Refused(style.older_status, "Refusing score with an earlier timestamp")


def _results(platform: "FakePlatform", request: Received, column: Column, scopes: set[str]) -> Answer:
    style = platform.profile.gradebook
    _need(scopes, "result.readonly")
    _need_accept(request, RESULTS_TYPE, style)
    if style.results_break_on_limit and "limit" in request.query:
        return Answer(404, {"Content-Type": "text/html"}, b"<!DOCTYPE html><p>Coding error detected</p>")
    users = [
        user
        for user in dict.fromkeys([*column.scores, *column.overridden])
        if request.query.get("user_id", user) == user
    ]
    part = page(request, len(users), style.results)
    documents = [_result(column, user, style) for user in users[part.start : part.stop]]
    return json_answer(200, documents)._replace(headers={"Content-Type": RESULTS_TYPE, **part.headers})


def _result(column: Column, user: str, style: Gradebook) -> dict[str, Any]:
    standing = grade(column, user, style)
    return {
        "id": _below(column, f"results/{user}"),
        "scoreOf": column.id,
        "userId": user,
        "resultMaximum": column.maximum,
        **({} if standing.points is None else {"resultScore": standing.points}),
        "comment": "\n".join(standing.comments),
    }


def _below(column: Column, name: str) -> str:
    address, _, query = column.id.partition("?")
    return f"{address}/{name}" + (f"?{query}" if query else "")

"""The fake's gradebook behaves like each make of VLE. Sources: the notes on platforms, §3."""

import json
from typing import Any

import pytest

from tests.platforms.profiles import (
    BLACKBOARD,
    BRIGHTSPACE,
    CANVAS,
    EVERY_VLE,
    GENERIC,
    MOODLE,
    PLAIN,
    SAKAI,
    Profile,
)
from tests.platforms.terms import ALL_SCOPES, LINE_ITEM_TYPE, LINE_ITEMS_TYPE, RESULTS_TYPE, SCORE_TYPE
from tests.platforms.tool_side import ToolAt, ToolSide

EVERY = pytest.mark.parametrize("profile", EVERY_VLE, ids=str)


def others(*left_out: Profile) -> Any:
    return pytest.mark.parametrize("profile", [p for p in EVERY_VLE if p not in left_out], ids=str)


def results(tool: ToolSide, **how: Any) -> Any:
    address, _, query = tool.platform.columns["1"].id.partition("?")
    url = f"{address}/results" + (f"?{query}" if query else "")
    return tool.ask("GET", url, **{"accept": RESULTS_TYPE, **how})


# --- scores ---------------------------------------------------------------------------------------------------


@EVERY
def test_a_score_is_the_grade(tool_at: ToolAt, profile: Profile) -> None:
    """AGS 2.0 §3.4: 8 of 10 is 80 of a column's 100."""
    tool = tool_at(profile)

    answer = tool.score(8, comment="Passed.")

    assert answer.status_code == 200
    grade = tool.platform.grade_of("user-1")
    assert (grade.points, grade.comments) == (80, ("Passed.",))
    (shown,) = results(tool).json()
    assert (shown["userId"], shown["resultScore"], shown["resultMaximum"]) == ("user-1", 80, 100)


@others(CANVAS)
def test_a_score_that_was_taken_is_answered_with_nothing(tool_at: ToolAt, profile: Profile) -> None:
    """Moodle 4.5.5, executed: "Scores (200, empty body on success)". Of the others nothing else is known."""
    answer = tool_at(profile).score()

    assert (answer.status_code, answer.content) == (200, b"")


def test_canvas_answers_with_the_results_address(tool_at: ToolAt) -> None:
    """CV:app/controllers/lti/ims/scores_controller.rb: resultUrl, in the score's media type."""
    answer = tool_at(CANVAS).score()

    assert answer.headers["Content-Type"] == SCORE_TYPE
    assert answer.json()["resultUrl"].endswith("/results/user-1")


@pytest.mark.parametrize(
    ("profile", "status", "word"),
    [
        (MOODLE, 400, "Incorrect score received"),
        (CANVAS, 422, "not a student"),
        (BRIGHTSPACE, 422, "cannot be graded"),
        (BLACKBOARD, 400, "User could not be found"),
        (SAKAI, 400, "User does not belong to site"),
        (GENERIC, 400, "Incorrect score received"),
    ],
    ids=lambda value: str(value) if isinstance(value, Profile) else "",
)
def test_a_teacher_cannot_be_graded(tool_at: ToolAt, profile: Profile, status: int, word: str) -> None:
    """§0.4; D2L's FAQ; H:services/lti_grading/_v13.py:156-169; Sakai's LTI13Servlet.handleLineItemScore."""
    tool = tool_at(profile)

    answer = tool.score(user="teacher-1")

    assert (answer.status_code, word in f"{answer.reason} {answer.text}") == (status, True)
    assert tool.platform.score_of("teacher-1") is None


@others(GENERIC)
def test_nobody_outside_the_course_can_be_graded(tool_at: ToolAt, profile: Profile) -> None:
    """Moodle, executed ("unknown/unenrolled user"); the others as for teachers."""
    answer = tool_at(profile).score(user="nobody-here")

    assert answer.status_code == profile.gradebook.ungradable_status


def test_moodle_echoes_a_refused_score_in_the_status_line(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed: "whole body echoed in the HTTP status line"."""
    answer = tool_at(MOODLE).score(user="teacher-1", comment="Passed by Zoë")

    assert (answer.status_code, answer.json()) == (400, [])
    assert answer.reason.startswith("Incorrect score received{")
    assert '"userId": "teacher-1"' in answer.reason


def test_moodle_says_success_to_a_refused_score_with_line_breaks(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed: 200 and `[]`, and nothing is stored."""
    tool = tool_at(MOODLE)
    pretty = json.dumps({"userId": "teacher-1"}, indent=2)

    answer = tool.score(text=pretty)

    assert (answer.status_code, answer.json()) == (200, [])
    assert tool.platform.score_of("teacher-1") is None


@others(CANVAS)
def test_an_older_score_conflicts(tool_at: ToolAt, profile: Profile) -> None:
    """AGS 2.0 §3.4.9; Moodle, executed."""
    tool = tool_at(profile)
    tool.score(8)

    answer = tool.score(9, at=-60)

    assert answer.status_code == 409
    assert tool.platform.grade_of("user-1").points == 80


def test_canvas_refuses_an_older_score_as_a_bad_request(tool_at: ToolAt) -> None:
    """scores_controller.rb: 400 if the timestamp is earlier than the result's; an equal one is taken."""
    tool = tool_at(CANVAS)
    stamp = "2026-11-22T10:00:00.000Z"
    tool.score(8, timestamp=stamp)

    assert tool.score(9, timestamp="2026-11-22T09:59:59.999Z").status_code == 400
    assert tool.score(9, timestamp=stamp).status_code == 200


def test_moodle_compares_whole_seconds(tool_at: ToolAt) -> None:
    """GBS:/resources/scores.php: `>=` at whole seconds, executed. Here after the second is over, and within it."""
    tool = tool_at(MOODLE)
    tool.platform.columns["1"].received_at["user-1"] = 1_800_000_000.2
    tool.platform.columns["1"].scores["user-1"] = [{"timestamp": "2027-01-15T08:00:00Z"}]

    assert tool.score(timestamp="2027-01-15T08:00:00.900Z").status_code == 409
    assert tool.score(timestamp="2027-01-15T08:00:01.000Z").status_code == 200


def test_moodle_keeps_the_time_of_receipt(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed: a late score blocks a later one that is stamped before it came in."""
    tool = tool_at(MOODLE)
    tool.score(4, at=-600)

    assert tool.score(9, at=-300).status_code == 409


@pytest.mark.parametrize("profile", [MOODLE, CANVAS], ids=str)
@pytest.mark.parametrize(
    "progress", [{"gradingProgress": "Pending"}, {"points": None}], ids=["pending", "no points"]
)
def test_a_score_that_is_not_final_erases_the_grade(
    tool_at: ToolAt, profile: Profile, progress: dict[str, Any]
) -> None:
    """§0.3 (Moodle, executed); Canvas: "Non-final progress clears score unless preserve_score"."""
    tool = tool_at(profile)
    tool.score(8)

    assert tool.score(at=2, **progress).status_code == 200

    assert tool.platform.grade_of("user-1").points is None
    assert "resultScore" not in results(tool).json()[0]


def test_canvas_preserves_a_grade_on_request(tool_at: ToolAt) -> None:
    """developerdocs.instructure.com, Score: preserve_score."""
    tool = tool_at(CANVAS)
    tool.score(8)

    extension = {"https://canvas.instructure.com/lti/submission": {"preserve_score": True}}
    tool.score(at=2, gradingProgress="Pending", **extension)

    assert tool.platform.grade_of("user-1").points == 80


@others(MOODLE, CANVAS)
def test_elsewhere_only_a_final_score_changes_the_grade(tool_at: ToolAt, profile: Profile) -> None:
    """AGS 2.0 §3.4.7."""
    tool = tool_at(profile)
    tool.score(8)

    tool.score(3, at=2, gradingProgress="Pending")

    assert tool.platform.grade_of("user-1").points == 80


@pytest.mark.parametrize(
    ("profile", "left"),
    [(MOODLE, ()), (CANVAS, ("First.",)), (GENERIC, ("First.",)), (PLAIN, ())],
    ids=lambda value: str(value) if isinstance(value, Profile) else "",
)
def test_a_comment_that_is_not_repeated(tool_at: ToolAt, profile: Profile, left: tuple[str, ...]) -> None:
    """§0.3: Moodle erases it (executed)."""
    tool = tool_at(profile)
    tool.score(8, comment="First.")

    tool.score(9, at=2)

    assert tool.platform.grade_of("user-1").comments == left


def test_canvas_adds_another_comment_every_time(tool_at: ToolAt) -> None:
    """scores_controller.rb: add_comment."""
    tool = tool_at(CANVAS)

    for number, comment in enumerate(("Passed.", "Passed.", "Passed again.")):
        tool.score(8, at=2 * number, comment=comment)

    assert tool.platform.grade_of("user-1").comments == ("Passed.", "Passed.", "Passed again.")


def test_canvas_makes_a_submission_of_every_score(tool_at: ToolAt) -> None:
    """canvas-lms#1799, #1705: late by the score's stamp, unless it says when it was handed in."""
    tool = tool_at(CANVAS)
    submission = "https://canvas.instructure.com/lti/submission"

    tool.score(8, timestamp="2026-11-22T10:00:00Z")
    tool.score(9, timestamp="2026-11-22T11:00:00Z", **{submission: {"submitted_at": "2026-11-20T09:30:00Z"}})
    tool.score(9, timestamp="2026-11-22T12:00:00Z", **{submission: {"new_submission": False}})
    tool.score(9, timestamp="2026-11-22T13:00:00Z", **{submission: {"submission_type": "none"}})

    made = tool.platform.grade_of("user-1").submissions
    assert [one["submitted_at"] for one in made] == ["2026-11-22T10:00:00Z", "2026-11-20T09:30:00Z"]


@pytest.mark.parametrize(
    ("extension", "status"),
    [
        ({"submission_type": "certificate"}, 422),
        ({"submission_type": "online_upload"}, 422),
        ({"submitted_at": "yesterday"}, 400),
        ({"submitted_at": "2999-01-01T00:00:00Z"}, 400),
        ({"submission_type": "online_url", "submission_data": "https://tool.example/verify/A/"}, 200),
    ],
    ids=["unknown type", "upload of nothing", "no time", "in the future", "certificate's address"],
)
def test_canvas_checks_its_extension(tool_at: ToolAt, extension: dict[str, str], status: int) -> None:
    """scores_controller.rb: verify_valid_submitted_at, verify_valid_content_item_submission_type."""
    answer = tool_at(CANVAS).score(**{"https://canvas.instructure.com/lti/submission": extension})

    assert answer.status_code == status


def test_moodle_clamps(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed: over the maximum and below nothing."""
    tool = tool_at(MOODLE)
    tool.platform.columns["1"].maximum = 20

    tool.score(8, "user-1")
    tool.score(12, "chloe-1")
    assert [tool.platform.grade_of(user).points for user in ("user-1", "chloe-1")] == [16, 20]

    assert tool.score(-1, "chloe-1", at=2).status_code == 200
    assert tool.platform.grade_of("chloe-1").points == 0


def test_moodle_looks_at_no_activity_progress(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed: any text will do."""
    assert tool_at(MOODLE).score(activityProgress="Banana").status_code == 200


@others(MOODLE)
def test_elsewhere_progress_is_one_of_a_list(tool_at: ToolAt, profile: Profile) -> None:
    """AGS 2.0 §3.4.6, §3.4.7."""
    assert tool_at(profile).score(activityProgress="Banana").status_code == 400
    assert tool_at(profile).score(gradingProgress="Banana").status_code == 400


@EVERY
@pytest.mark.parametrize(
    "name", ["userId", "timestamp", "activityProgress", "gradingProgress", "scoreMaximum"]
)
def test_a_score_without_what_is_required(tool_at: ToolAt, profile: Profile, name: str) -> None:
    """AGS 2.0 §3.4; Moodle, executed; Canvas answers 422 without a maximum (scores_controller.rb)."""
    answer = tool_at(profile).score(**{name: None})

    missing_maximum = name == "scoreMaximum" and profile is CANVAS
    assert answer.status_code == (422 if missing_maximum else 400)


@EVERY
@pytest.mark.parametrize("stamp", ["yesterday", "2026-11-22T10:00:00"], ids=["no time", "no zone"])
def test_a_score_of_no_certain_time(tool_at: ToolAt, profile: Profile, stamp: str) -> None:
    """AGS 2.0 §3.4.3: ISO 8601, with its zone."""
    assert tool_at(profile).score(timestamp=stamp).status_code == 400


def test_a_grade_by_the_teachers_hand_stands(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed: 200, but grade and comment stay the teacher's."""
    tool = tool_at(MOODLE)
    tool.platform.override("user-1", 55, "See me.")

    assert tool.score(8, comment="Passed.").status_code == 200

    grade = tool.platform.grade_of("user-1")
    assert (grade.points, grade.comments) == (55, ("See me.",))


# --- media types, tokens and scopes ---------------------------------------------------------------------------


@others(CANVAS)
def test_a_score_needs_its_media_type(tool_at: ToolAt, profile: Profile) -> None:
    """Moodle 4.5.5, executed: `application/json` is answered 400 "No handler found"; a charset does no harm."""
    tool = tool_at(profile)
    address, _, query = tool.platform.columns["1"].id.partition("?")
    url = f"{address}/scores?{query}"
    score = {
        "userId": "user-1",
        "timestamp": "2026-11-22T10:00:00Z",
        "activityProgress": "Completed",
        "gradingProgress": "Pending",
    }

    refused = tool.ask("POST", url, body=score, content="application/json")
    assert (refused.status_code, "No handler found" in f"{refused.reason} {refused.text}") == (400, True)
    assert tool.ask("POST", url, body=score, content=f"{SCORE_TYPE}; charset=utf-8").status_code == 200


@pytest.mark.parametrize("accept", [None, "*/*", "application/json"])
def test_moodle_lists_nothing_without_the_exact_accept(tool_at: ToolAt, accept: str | None) -> None:
    """Moodle 4.5.5, executed: `Accept: */*` or none on line items is answered 400."""
    tool = tool_at(MOODLE)

    assert tool.ask("GET", tool.platform.lineitems_url, accept=accept).status_code == 400
    assert tool.ask("GET", tool.platform.lineitems_url, accept=LINE_ITEMS_TYPE).status_code == 200


def test_canvas_asks_for_no_media_type(tool_at: ToolAt) -> None:
    """CV:app/controllers/lti/ims/line_items_controller.rb."""
    tool = tool_at(CANVAS)

    assert tool.ask("GET", tool.platform.lineitems_url, accept="application/json").status_code == 200


@EVERY
@pytest.mark.parametrize("missing", ALL_SCOPES)
def test_every_service_needs_its_scope(tool_at: ToolAt, profile: Profile, missing: str) -> None:
    """AGS 2.0 §3.1."""
    tool = tool_at(profile)
    held = tuple(scope for scope in ALL_SCOPES if scope != missing)
    if missing.endswith("lineitem.readonly"):
        held = tuple(scope for scope in held if not scope.endswith("lineitem"))
    column = tool.platform.columns["1"].id
    address, _, query = column.partition("?")
    asked = {
        "lineitem": ("PUT", column, {"content": LINE_ITEM_TYPE, "body": {"label": "x", "scoreMaximum": 1}}),
        "lineitem.readonly": ("GET", tool.platform.lineitems_url, {"accept": LINE_ITEMS_TYPE}),
        "result.readonly": ("GET", f"{address}/results?{query}", {"accept": RESULTS_TYPE}),
        "score": ("POST", f"{address}/scores?{query}", {"content": SCORE_TYPE, "body": {}}),
    }
    method, url, how = asked[missing.rsplit("/", 1)[-1]]

    assert tool.ask(method, url, scopes=held, **how).status_code == 403


# --- line items -----------------------------------------------------------------------------------------------


@EVERY
def test_a_line_item_is_made_read_changed_and_deleted(tool_at: ToolAt, profile: Profile) -> None:
    """AGS 2.0 §3.2."""
    tool = tool_at(profile)

    made = tool.line_item(tag="certificate", resourceId="7")
    assert (made.status_code, made.headers["Content-Type"]) == (201, LINE_ITEM_TYPE)
    url = made.json()["id"]
    assert tool.ask("GET", url, accept=LINE_ITEM_TYPE).json() == made.json()

    renamed = {**made.json(), "label": "Certificate of training"}
    assert tool.ask("PUT", url, body=renamed, content=LINE_ITEM_TYPE).json()["label"] == renamed["label"]
    assert tool.ask("DELETE", url).status_code == 204
    assert tool.ask("GET", url, accept=LINE_ITEM_TYPE).status_code == 404


@others(CANVAS)
def test_a_change_forgets_what_it_does_not_say(tool_at: ToolAt, profile: Profile) -> None:
    """Moodle 4.5.5, executed: "PUT replaces"."""
    tool = tool_at(profile)
    made = tool.line_item(tag="certificate").json()

    tool.ask("PUT", made["id"], body={"label": "New", "scoreMaximum": 1}, content=LINE_ITEM_TYPE)

    assert tool.ask("GET", made["id"], accept=LINE_ITEM_TYPE).json()["tag"] == ""


def test_canvas_keeps_what_a_change_does_not_say(tool_at: ToolAt) -> None:
    """line_items_controller.rb: update! of the parameters that came."""
    tool = tool_at(CANVAS)
    made = tool.line_item(tag="certificate").json()

    tool.ask("PUT", made["id"], body={"label": "New"}, content=LINE_ITEM_TYPE)

    kept = tool.ask("GET", made["id"]).json()
    assert (kept["tag"], kept["label"], kept["scoreMaximum"]) == ("certificate", "New", 1)


@pytest.mark.parametrize("filters", [{"resource_link_id": "link-1"}, {"tag": "ours"}, {"resource_id": "7"}])
@EVERY
def test_line_items_are_found(tool_at: ToolAt, profile: Profile, filters: dict[str, str]) -> None:
    """AGS 2.0 §3.2.9; Moodle, executed: filters work."""
    tool = tool_at(profile)
    tool.line_item()
    tool.platform.columns["1"].tag, tool.platform.columns["1"].resource_id = "ours", "7"
    url = tool.platform.lineitems_url
    (name, value) = next(iter(filters.items()))

    found = tool.ask("GET", f"{url}{'&' if '?' in url else '?'}{name}={value}", accept=LINE_ITEMS_TYPE)

    assert [one["id"] for one in found.json()] == [tool.platform.columns["1"].id]


@pytest.mark.parametrize(
    ("profile", "status"),
    [(MOODLE, 204), (CANVAS, 401), (GENERIC, 204)],
    ids=lambda value: str(value) if isinstance(value, Profile) else "",
)
def test_whoever_deletes_a_links_own_column_is_found_out(
    tool_at: ToolAt, profile: Profile, status: int
) -> None:
    """Moodle, executed: it succeeds. CV:line_items_controller.rb: unauthorized if coupled."""
    tool = tool_at(profile)
    column = tool.platform.columns["1"]

    assert tool.ask("DELETE", column.id).status_code == status
    assert tool.platform.deleted == [column]


def test_sakai_lets_nobody_change_a_links_own_column(tool_at: ToolAt) -> None:
    """LTI13Servlet.doPut: "Attempt to modify an 'on-demand' line item"."""
    tool = tool_at(SAKAI)
    column = tool.platform.columns["1"]

    answer = tool.ask("PUT", column.id, body={"label": "New", "scoreMaximum": 1}, content=LINE_ITEM_TYPE)

    assert answer.status_code == 400


@EVERY
def test_the_same_line_item_twice_is_two(tool_at: ToolAt, profile: Profile) -> None:
    """Moodle 4.5.5, executed: "Creating is not idempotent"."""
    tool = tool_at(profile)

    assert tool.line_item(resourceId="7").json()["id"] != tool.line_item(resourceId="7").json()["id"]


def test_moodles_addresses_carry_a_query(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed: `…/lineitems/2/lineitem?type_id=1`; /scores goes before it."""
    column = tool_at(MOODLE).platform.columns["1"]

    assert column.id.endswith("/lineitems/1?type_id=1")


# --- pages ----------------------------------------------------------------------------------------------------


def test_moodles_next_page_of_line_items_cannot_be_read(tool_at: ToolAt) -> None:
    """M:lineitems.php:206-214, executed: typographic quotation marks and `&amp;`, and only with `limit`."""
    tool = tool_at(MOODLE)
    tool.line_item()
    url = tool.platform.lineitems_url

    whole = tool.ask("GET", url, accept=LINE_ITEMS_TYPE)
    assert (len(whole.json()), "Link" in whole.headers) == (2, False)
    part = tool.ask("GET", f"{url}&limit=1", accept=LINE_ITEMS_TYPE)
    assert len(part.json()) == 1
    link = part.headers["Link"].encode("latin-1").decode()
    assert ("rel=“next”" in link, "&amp;" in link) == (True, True)


def test_moodles_results_break_on_a_limit(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed: 404, and a web page."""
    tool = tool_at(MOODLE)

    answer = tool.ask("GET", f"{tool.platform.url}/lineitems/1/results?limit=1", accept=RESULTS_TYPE)

    assert (answer.status_code, answer.text[:1]) == (404, "<")


def test_canvas_lists_ten_at_a_time_and_never_more_than_fifty(tool_at: ToolAt) -> None:
    """line_items_controller.rb: Api.paginate."""
    tool = tool_at(CANVAS)
    for number in range(2, 62):
        tool.platform.column(str(number), label=f"Column {number}")

    assert len(tool.ask("GET", tool.platform.lineitems_url).json()) == 10
    assert len(tool.ask("GET", f"{tool.platform.lineitems_url}?limit=500").json()) == 50


def test_a_next_page_hidden_among_other_links(tool_at: ToolAt) -> None:
    """RFC 8288 §3: unquoted rel, further parameters, other links before it, a case-sensitive address (§1 of the
    notes: PyLTI1p3's parser fails on each)."""
    tool = tool_at(GENERIC)
    for number in range(2, 6):
        tool.platform.column(str(number), label=f"Column {number}")

    first = tool.ask("GET", tool.platform.lineitems_url, accept=LINE_ITEMS_TYPE)
    link = first.headers["Link"]
    assert link.index("rel=first") < link.index("; rel=next")
    url = first.links["next"]["url"]
    assert url != url.lower()
    assert len(first.json()) == 2

    last = tool.ask("GET", url, accept=LINE_ITEMS_TYPE)
    last = tool.ask("GET", last.links["next"]["url"], accept=LINE_ITEMS_TYPE)
    assert (len(last.json()), "next" in last.links) == (1, False)
    assert tool.ask("GET", url.lower(), accept=LINE_ITEMS_TYPE).status_code == 400


@others(MOODLE)
def test_results_are_paged_too(tool_at: ToolAt, profile: Profile) -> None:
    """AGS 2.0 §3.3.6."""
    tool = tool_at(profile)
    for user in ("user-1", "chloe-1"):
        tool.score(user=user)

    answer = tool.ask("GET", f"{tool.platform.url}/lineitems/1/results?limit=1", accept=RESULTS_TYPE)

    assert len(answer.json()) == 1
    assert len(tool.ask("GET", answer.links["next"]["url"], accept=RESULTS_TYPE).json()) == 1
    one = tool.ask("GET", f"{tool.platform.url}/lineitems/1/results?user_id=chloe-1", accept=RESULTS_TYPE)
    assert [result["userId"] for result in one.json()] == ["chloe-1"]

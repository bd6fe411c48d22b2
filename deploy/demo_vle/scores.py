"""Scores in, results out (LTI-AGS 2.0, 3.3 and 3.4)."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from deploy.demo_vle import urls_of
from deploy.demo_vle.ags import find_item
from deploy.demo_vle.fields import PROGRESS, FieldError, number_of, text_of
from deploy.demo_vle.models import Course, Grade, LineItem, ScoreLog
from deploy.demo_vle.school import Member, Role
from deploy.demo_vle.scopes import RESULT_READONLY, SCORE
from deploy.demo_vle.service_api import (
    ServiceError,
    by_method,
    json_object,
    require_accept,
    require_content_type,
    require_scope,
)

SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"
GRADING_PROGRESS = ("FullyGraded", "Pending", "PendingManual", "Failed", "NotReady")
LONGEST_COMMENT = 100_000
LONGEST_BODY = 1_000_000
TIMESTAMP = re.compile(
    r"(?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](?P<fraction>\d+))?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d)",
    re.ASCII,
)
LATEST_SECOND = 9_000_000_000  # the year 2255: later ones would overflow the column of nanoseconds


@dataclass(frozen=True)
class Score:
    member: Member
    activity_progress: str
    timestamp_ns: int
    final: bool
    given: float | None
    maximum: float | None
    comment: str


def receive_score(request: HttpRequest, course: Course, item_id: int) -> HttpResponse:
    tool = require_scope(request, SCORE)
    require_content_type(request, SCORE_TYPE)
    item = find_item(tool, course, item_id)
    if len(request.body) > LONGEST_BODY:
        raise ServiceError(413, "The score is too large.")
    body_text = request.body.decode("utf-8", "replace")
    log = ScoreLog(course_id=course.pk, line_item_id=item.pk, body=body_text, status=200)
    try:
        body = json_object(request)
        log.user_id = str(body.get("userId", ""))[:255].encode("utf-8", "replace").decode()
        record(item, read_score(body, course))
    except (ServiceError, FieldError) as error:
        log.status, log.reason = error.status, error.message
        raise
    finally:
        log.save()
    return HttpResponse(content_type="application/json")  # 200 and nothing to say, as Moodle


def list_results(request: HttpRequest, course: Course, item_id: int) -> HttpResponse:
    tool = require_scope(request, RESULT_READONLY)
    require_accept(request, RESULTS_TYPE)
    grades = find_item(tool, course, item_id).grades.select_related("line_item").order_by("pk")
    if "user_id" in request.GET:
        grades = grades.filter(member_id=request.GET["user_id"])
    return JsonResponse([_result(grade) for grade in grades], safe=False, content_type=RESULTS_TYPE)


def read_score(body: dict[str, Any], course: Course) -> Score:
    """LTI-AGS 2.0, 3.4 (score publish service): what a score must and may hold."""
    membership = course.memberships.filter(member_id=text_of(body, "userId", most=255, required=True)).first()
    if membership is None:
        raise FieldError("userId names nobody in this course.")
    # Moodle and Canvas as well: whoever teaches here has no grades here, and the answer is a 400.
    if membership.role != Role.LEARNER:
        raise FieldError("userId names somebody who is not graded in this course.")
    activity_progress = _one_of(body, "activityProgress", PROGRESS)
    grading_progress = _one_of(body, "gradingProgress", GRADING_PROGRESS)
    given, maximum = number_of(body, "scoreGiven"), number_of(body, "scoreMaximum")
    if given is not None and given < 0:
        raise FieldError("scoreGiven must not be below 0.")
    if given is not None and (maximum is None or maximum <= 0):
        raise FieldError("scoreGiven needs a scoreMaximum above 0.")
    return Score(
        member=membership.member,
        activity_progress=activity_progress,
        timestamp_ns=nanoseconds(text_of(body, "timestamp", most=64, required=True)),
        final=grading_progress == "FullyGraded",
        given=given,
        maximum=maximum,
        comment=text_of(body, "comment", most=LONGEST_COMMENT),
    )


def record(item: LineItem, score: Score) -> None:
    """The newest score alone decides, also where it holds less than the one before.

    As in Moodle, a score that is not fully graded blanks the grade, and one without a comment
    erases the comment. LTI-AGS 2.0, 3.4, timestamp: an older or equal one must not win.
    """
    with transaction.atomic():  # immediate (settings.py), so two scores cannot both be newest
        grade = Grade.objects.filter(line_item=item, member_id=score.member.id).first()
        if grade is not None and score.timestamp_ns <= grade.timestamp_ns:
            raise ServiceError(409, "A score of the same or a later timestamp was received before.")
        grade = grade or Grade(line_item=item, member_id=score.member.id)
        graded = score.final and score.given is not None
        grade.score_given = score.given if graded else None
        grade.score_maximum = score.maximum if graded else None
        grade.comment = score.comment
        grade.activity_progress = score.activity_progress
        grade.timestamp_ns = score.timestamp_ns
        grade.received_at = timezone.now()
        grade.save()


def nanoseconds(timestamp: str) -> int:
    """An ISO 8601 time with its zone, to the ninth digit: Python's own parser stops at six."""
    parts = TIMESTAMP.fullmatch(timestamp)
    try:
        if parts is None:
            raise ValueError("not in the form the specification asks for")
        seconds = int(datetime.fromisoformat(parts["moment"] + parts["zone"]).timestamp())
    except (ValueError, OverflowError):
        raise FieldError("timestamp must be an ISO 8601 date and time with its zone.") from None
    if not 0 <= seconds <= LATEST_SECOND:
        raise FieldError("timestamp is out of range.")
    return seconds * 1_000_000_000 + int((parts["fraction"] or "")[:9].ljust(9, "0"))


def _one_of(body: dict[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    value = text_of(body, name, most=32, required=True)
    if value not in allowed:
        raise FieldError(f"{name} must be one of {', '.join(allowed)}.")
    return value


def _result(grade: Grade) -> dict[str, Any]:
    shown = {
        "id": urls_of.results(grade.line_item, grade.member_id),
        "scoreOf": urls_of.line_item(grade.line_item),
        "userId": grade.member_id,
        "resultScore": grade.points,
        "resultMaximum": grade.line_item.score_maximum,
        "comment": grade.comment or None,
    }
    return {name: value for name, value in shown.items() if value is not None}


scores = by_method(POST=receive_score)
results = by_method(GET=list_results)

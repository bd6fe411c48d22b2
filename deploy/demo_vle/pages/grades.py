"""The gradebook, and from it the look at somebody's work in the tool."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from deploy.demo_vle.gradebook import columns_for
from deploy.demo_vle.models import LineItem, Message, ScoreLog
from deploy.demo_vle.oidc import start_launch
from deploy.demo_vle.pages.common import (
    for_members,
    for_teachers,
    for_teachers_framed,
    of_course,
    tool_page,
)
from deploy.demo_vle.school import Member
from deploy.demo_vle.standing import Standing, learners_of

LOG_LINES_SHOWN = 25


@require_safe
@for_members
def grades(request: HttpRequest, standing: Standing) -> HttpResponse:
    # A member of staff must not read other people's scores in the log.
    log = ScoreLog.objects.filter(course_id=standing.course.pk) if standing.teaches else None
    context: dict[str, Any] = {
        "columns": columns_for(standing),
        "log": None if log is None else log[:LOG_LINES_SHOWN],
    }
    return render(request, "demo_vle/grades.html", of_course(standing, **context))


@require_safe
@for_teachers
def review(request: HttpRequest, standing: Standing, item_id: int, member_id: str) -> HttpResponse:
    item, learner = _reviewed(standing, item_id, member_id)
    grades_url = reverse("grades", args=[standing.course.pk])
    return tool_page(
        request,
        heading=f"{learner.name}: {item.label}",
        launch_url=reverse("review-launch", args=[standing.course.pk, item.pk, learner.id]),
        close_url=grades_url,
        tool_origin=item.tool.origin,
        back=(grades_url, "Grades"),
        **of_course(standing),
    )


@require_safe
@for_teachers_framed
def review_launch(request: HttpRequest, standing: Standing, item_id: int, member_id: str) -> HttpResponse:
    """LTI-SR 1.0: to the address of the review where the tool gave one, else to the activity's."""
    item, learner = _reviewed(standing, item_id, member_id)
    return start_launch(
        request,
        standing.member,
        item.tool,
        Message.SUBMISSION_REVIEW,
        item.submission_review.get("url") or item.activity.target_link_uri,
        course=standing.course,
        activity=item.activity,
        line_item=item,
        for_member_id=learner.id,
    )


def _reviewed(standing: Standing, item_id: int, member_id: str) -> tuple[LineItem, Member]:
    items = LineItem.objects.filter(course=standing.course, tool__is_active=True)
    item = get_object_or_404(items.select_related("tool", "activity"), pk=item_id)
    learner = next((member for member in learners_of(standing.course) if member.id == member_id), None)
    grade = item.grades.filter(member_id=member_id).first()
    if learner is None or not item.is_reviewable(grade.activity_progress if grade else ""):
        raise Http404("nothing to look at")
    return item, learner

"""What a teacher does to a course: add, duplicate, copy. Copies keep what the tool chose."""

from typing import Any

from django.db import transaction

from deploy.demo_vle.models import Activity, Course, LineItem, Membership, Tool
from deploy.demo_vle.school import HIGHEST_GRADE


@transaction.atomic
def add_activity(
    course: Course, tool: Tool, *, title: str, submission_review: dict[str, Any] | None = None, **fields: Any
) -> Activity:
    """An activity made in the VLE, graded like any other; by itself it is a bare link to the tool."""
    activity = Activity.objects.create(course=course, tool=tool, title=title, **fields)
    add_column(activity, label=title, score_maximum=HIGHEST_GRADE, submission_review=submission_review)
    return activity


def add_column(activity: Activity, **fields: Any) -> LineItem:
    return LineItem.objects.create(
        course=activity.course, tool=activity.tool, activity=activity, belongs_to_activity=True, **fields
    )


@transaction.atomic
def duplicate(activity: Activity) -> Activity:
    return _copy(activity, activity.course, title=f"{activity.title[:240]} (copy)")


@transaction.atomic
def copy_course(course: Course) -> Course:
    """The next term's course: the same people and activities, no grades."""
    number = Course.objects.count() + 1
    copied = Course.objects.create(
        label=f"{course.label.partition('-')[0]}-{number}",
        title=f"{course.title.partition(' (copy')[0]} (copy {number - 1})",
        sourcedid=f"{course.sourcedid.partition('/')[0]}/{number}",
        history=[course.pk, *course.history],
    )
    for membership in course.memberships.all():
        Membership.objects.create(
            course=copied,
            member_id=membership.member_id,
            role=membership.role,
            status=membership.status,
        )
    for activity in course.activities.all():
        _copy(activity, copied, title=activity.title)
    return copied


def _copy(activity: Activity, into: Course, *, title: str) -> Activity:
    """As Moodle: a new resource link and a new column; custom and resource id are the original's."""
    columns = list(activity.line_items.filter(belongs_to_activity=True))
    copied = Activity.objects.get(pk=activity.pk)
    copied.pk, copied.course, copied.title = None, into, title
    copied.history = [activity.pk, *activity.history]
    copied.save(force_insert=True)
    for column in columns:
        column.pk, column.course, column.activity, column.label = None, into, copied, title
        column.save(force_insert=True)
    return copied

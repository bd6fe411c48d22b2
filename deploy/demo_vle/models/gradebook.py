"""Columns, grades, and what the tools sent."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from deploy.demo_vle.models.courses import Activity, Course
from deploy.demo_vle.models.tools import Tool
from deploy.demo_vle.school import MEMBERS, Member


class LineItem(models.Model):
    """A column of the gradebook (LTI-AGS 2.0, 3.2)."""

    course = models.ForeignKey(Course, on_delete=models.CASCADE)
    tool = models.ForeignKey(Tool, on_delete=models.CASCADE)
    activity = models.ForeignKey(
        Activity, null=True, blank=True, on_delete=models.CASCADE, related_name="line_items"
    )
    # The activity's own column came with the activity; the tool may not delete it.
    belongs_to_activity = models.BooleanField(default=False)
    label = models.CharField(max_length=255)
    score_maximum = models.FloatField()
    resource_id = models.CharField(max_length=255, blank=True)
    tag = models.CharField(max_length=255, blank=True)
    start_date_time = models.CharField(max_length=64, blank=True)
    end_date_time = models.CharField(max_length=64, blank=True)
    # LTI-SR 1.0: what a launch from the gradebook is sent with. Null: nobody looks from there.
    submission_review = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(score_maximum__gt=0), name="line_item_maximum")]

    def is_reviewable(self, activity_progress: str) -> bool:
        """LTI-SR 1.0, reviewableStatus: the progress at which there is something to look at."""
        review: dict[str, Any] | None = self.submission_review
        if review is None or self.activity is None:
            return False
        statuses = review["reviewableStatus"]
        return not statuses or (activity_progress or "None") in statuses


class Grade(models.Model):
    """Where one member stands in one column: the outcome of the latest score."""

    line_item = models.ForeignKey(LineItem, on_delete=models.CASCADE, related_name="grades")
    member_id = models.CharField(max_length=32)
    # As it was sent; scaled to the column when it is shown. Null: no grade, or one made blank.
    score_given = models.FloatField(null=True)
    score_maximum = models.FloatField(null=True)
    comment = models.TextField(blank=True)
    activity_progress = models.CharField(max_length=32)
    # Nanoseconds since 1970, because two scores are told apart by every digit they carry.
    timestamp_ns = models.BigIntegerField()
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["line_item", "member_id"], name="one_grade_each")]

    @property
    def points(self) -> float | None:
        if self.score_given is None or self.score_maximum is None:
            return None
        # Multiplied first: 0.07 × 100 would show as 7.000000000000001.
        return self.score_given * self.line_item.score_maximum / self.score_maximum


class ScoreLog(models.Model):
    """Every score a tool sent, taken or refused. Holds no key, so it outlives its column."""

    received_at = models.DateTimeField(default=timezone.now)
    course_id = models.BigIntegerField()
    line_item_id = models.BigIntegerField()
    status = models.PositiveSmallIntegerField()
    reason = models.TextField(blank=True)
    user_id = models.TextField(blank=True)
    body = models.TextField()

    class Meta:
        ordering = ["-id"]

    @property
    def member(self) -> Member | None:
        return MEMBERS.get(self.user_id)

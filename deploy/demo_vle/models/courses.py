"""Courses, who is in them, and the activities that were put there."""

from datetime import datetime

from django.db import models

from deploy.demo_vle.models.tools import Tool
from deploy.demo_vle.school import MEMBERS, Member, Role


class Course(models.Model):
    label = models.CharField(max_length=64)
    title = models.CharField(max_length=255)
    sourcedid = models.CharField(max_length=255)
    history = models.JSONField(default=list)  # the ids of what it is a copy of, the latest first

    class Meta:
        ordering = ["id"]


class Membership(models.Model):
    """Somebody in a course. Who was taken out has none."""

    class Status(models.TextChoices):
        """LTI-NRPS 2.0, 3.3."""

        ACTIVE = "Active", "May open it"
        INACTIVE = "Inactive", "Suspended"

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="memberships")
    member_id = models.CharField(max_length=32)
    role = models.CharField(max_length=16, choices=Role.choices)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["course", "member_id"], name="in_a_course_once")]

    @property
    def member(self) -> Member:
        return MEMBERS[self.member_id]


class Activity(models.Model):
    """A link to a tool in a course; its id is the resource link's."""

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="activities")
    tool = models.ForeignKey(Tool, on_delete=models.PROTECT, related_name="activities")
    title = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    url = models.TextField(blank=True)  # empty: the tool's own target
    custom = models.JSONField(default=dict)
    icon_url = models.TextField(blank=True)
    opens_in_window = models.BooleanField(default=False)
    # ISO 8601 with a zone, as the tool sent them.
    available_start = models.CharField(max_length=64, blank=True)
    available_end = models.CharField(max_length=64, blank=True)
    submission_start = models.CharField(max_length=64, blank=True)
    submission_end = models.CharField(max_length=64, blank=True)
    history = models.JSONField(default=list)  # as a course's

    class Meta:
        ordering = ["id"]

    @property
    def target_link_uri(self) -> str:
        return self.url or self.tool.target_link_uri

    @property
    def due(self) -> datetime | None:
        return datetime.fromisoformat(self.submission_end) if self.submission_end else None

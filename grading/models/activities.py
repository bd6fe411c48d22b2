"""A module as it stands in a course, and one person's way through it."""

import uuid

from django.db import models
from django.db.models import Q

from lti_tool.models import Context


class Activity(models.Model):
    """A module as placed by a course author: its settings are theirs, and it belongs to its deployment.

    Deep linking makes one, and so does the first launch of a link made by hand (`module=<slug>`). Each link has one
    of its own: a copied course's is made from the original's at its first launch.
    """

    class Keeps(models.TextChoices):
        BEST = "best", "the best attempt"
        LATEST = "latest", "the latest attempt"

    # What an author may set: the least and the most.
    PASS_MARKS = (1, 100)
    ATTEMPTS = (1, 100)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    deployment = models.ForeignKey("lti_tool.Deployment", models.PROTECT, related_name="activities")
    # Empty until the first launch of a link placed by deep linking says which it became.
    resource_link = models.OneToOneField(
        "lti_tool.ResourceLink", models.PROTECT, null=True, blank=True, related_name="activity"
    )
    # The course that deep linking placed it in, as far as the VLE said.
    placed_in = models.ForeignKey(
        "lti_tool.Context", models.PROTECT, null=True, blank=True, related_name="activities"
    )
    # The copied link's activity; or, of one chosen again for its link, the link's own, which took its settings.
    copied_from = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="copies")
    module = models.SlugField(max_length=100)
    # Copied from the module, so that a list of activities reads no pack.
    title = models.CharField(max_length=200)
    nation = models.CharField(max_length=20, default="england")
    audience = models.CharField(max_length=20, default="school")
    pass_mark = models.PositiveSmallIntegerField(default=80, help_text="Per cent.")
    attempts_allowed = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Empty: as many as they need."
    )
    keeps = models.CharField(max_length=10, choices=Keeps, default=Keeps.BEST)
    due_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "activities"
        constraints = [
            models.CheckConstraint(
                condition=Q(pass_mark__gte=1) & Q(pass_mark__lte=100), name="activity_pass_mark_is_per_cent"
            ),
            models.CheckConstraint(
                condition=Q(attempts_allowed__isnull=True) | Q(attempts_allowed__gte=1),
                name="activity_allows_an_attempt",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def course(self) -> Context | None:
        """The course that it stands in, as far as that is known."""
        return self.resource_link.context if self.resource_link else self.placed_in


class Enrolment(models.Model):
    """One person taking one activity in one place."""

    activity = models.ForeignKey(Activity, models.PROTECT, related_name="enrolments")
    resource_link = models.ForeignKey("lti_tool.ResourceLink", models.PROTECT, related_name="enrolments")
    lti_user = models.ForeignKey("lti_tool.LtiUser", models.PROTECT, related_name="enrolments")
    # Training taken together in a hall or by several agencies (design decision 14).
    group_session_id = models.BigIntegerField(null=True, blank=True)
    started_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["activity", "resource_link", "lti_user"], name="enrolment_of_user_in_place"
            )
        ]

    def __str__(self) -> str:
        return f"{self.lti_user}: {self.activity}"


class StepProgress(models.Model):
    """How far somebody is in one step of a module: a lesson read, the choices taken in a scenario."""

    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="progress")
    step = models.SlugField(max_length=100)
    # A scenario's choices, or what was said in an assessment, in order; else answers, each with its moment:
    # to the exercises of a lesson, or the change somebody will make.
    choices = models.JSONField(default=list)
    # Every walk that was begun again, so that each choice made stays on record.
    earlier_walks = models.JSONField(default=list)
    begun_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    skipped = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "step progress"
        constraints = [
            models.UniqueConstraint(fields=["enrolment", "step"], name="progress_of_enrolment_in_step")
        ]

    def __str__(self) -> str:
        return f"{self.enrolment}: {self.step}"

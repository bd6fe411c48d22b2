"""What a school says of itself: its people, its numbers, its policy, its own stricter rules."""

from django.db import models
from django.db.models import Q

NAME_LENGTH, PHONE_LENGTH, WHERE_LENGTH, URL_LENGTH = 80, 40, 120, 500


class LocalDetails(models.Model):
    """What one school's staff need beside the training. What it means, and who may write it: `local_details`.

    Of a school; of a course, where nobody has said whose it is; or of a trust, for what its schools leave empty (an
    operator enters that).
    """

    school = models.OneToOneField(
        "School", models.PROTECT, null=True, blank=True, related_name="local_details"
    )
    context = models.OneToOneField(
        "Context", models.PROTECT, null=True, blank=True, related_name="local_details"
    )
    trust = models.OneToOneField("Trust", models.PROTECT, null=True, blank=True, related_name="local_details")
    dsl_name = models.CharField(max_length=NAME_LENGTH, blank=True)
    dsl_phone = models.CharField(max_length=PHONE_LENGTH, blank=True)
    dsl_where = models.CharField(max_length=WHERE_LENGTH, blank=True)
    # [{"name": …, "phone": …}], three at most.
    deputies = models.JSONField(default=list, blank=True)
    policy_url = models.URLField(max_length=URL_LENGTH, blank=True)
    front_door_name = models.CharField(max_length=NAME_LENGTH, blank=True)
    front_door_phone = models.CharField(max_length=PHONE_LENGTH, blank=True)
    lado_name = models.CharField(max_length=NAME_LENGTH, blank=True)
    lado_phone = models.CharField(max_length=PHONE_LENGTH, blank=True)
    out_of_hours_name = models.CharField(max_length=NAME_LENGTH, blank=True)
    out_of_hours_phone = models.CharField(max_length=PHONE_LENGTH, blank=True)
    # Ids of `course_content.local_rules`: each adds a duty, none takes one away.
    rules = models.JSONField(default=list, blank=True)
    confirmed_on = models.DateField(null=True, blank=True)
    confirmed_by = models.ForeignKey("LtiUser", models.SET_NULL, null=True, blank=True, related_name="+")
    # Counts the writings, so that a page that is behind overwrites nothing.
    version = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = verbose_name_plural = "local details"
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(school__isnull=False, context=None, trust=None)
                    | Q(school=None, context__isnull=False, trust=None)
                    | Q(school=None, context=None, trust__isnull=False)
                ),
                name="local_details_of_one_owner",
            )
        ]

    def __str__(self) -> str:
        return f"Local details of {self.school or self.trust or self.context}"


class LocalDetailsChange(models.Model):
    """The audit: who wrote or confirmed the details, when, and how they read from then on."""

    class Kind(models.TextChoices):
        CHANGED = "changed", "Changed"
        CONFIRMED = "confirmed", "Confirmed"

    details = models.ForeignKey(LocalDetails, models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=10, choices=Kind)
    # Nobody: a lead who was erased; or of a trust's an operator, whom the admin site's own log names.
    by = models.ForeignKey("LtiUser", models.SET_NULL, null=True, blank=True, related_name="local_changes")
    # The course from which a lead wrote: a school's details are written from many, of several tenants.
    context = models.ForeignKey("Context", models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    # The columns that changed.
    fields = models.JSONField(default=list)
    # As `Details.columns`; emptied in time (`local_details.sweep`): names of who has left are kept no longer.
    reads = models.JSONField()

    class Meta:
        indexes = [models.Index(fields=["details", "-at"], name="changes_of_local_details")]

    def __str__(self) -> str:
        return f"{self.details}: {self.kind} {self.at:%Y-%m-%d}"


class LocalReminder(models.Model):
    """That somebody was asked to look after the details. The row is the queue, and the memory of what was sent."""

    details = models.ForeignKey(LocalDetails, models.PROTECT, related_name="reminders")
    # Nobody: somebody who was erased. That the school was asked is remembered.
    lti_user = models.ForeignKey("LtiUser", models.SET_NULL, null=True, related_name="local_reminders")
    # A try that never ended counts as one until the next day.
    tried_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["details", "lti_user"], name="local_reminder_of_user")]

    def __str__(self) -> str:
        return f"Reminder of {self.details}"

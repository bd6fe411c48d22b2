"""What must reach a VLE. The row is the queue (design §1)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from grading.models.activities import Enrolment


class OutgoingScore(models.Model):
    """One score on its way to a gradebook, written in the transaction that changed the result."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting to be sent")
        SENDING = "sending", _("Being sent")
        DELIVERED = "delivered", _("In the gradebook")
        PARKED = "parked", _("Not delivered: somebody must act")
        SUPERSEDED = "superseded", _("Replaced by a newer score")
        UNGRADED = "ungraded", _("The link has no gradebook")

    # What went nowhere, and may be sent again.
    HELD_UP = (State.PARKED, State.UNGRADED)

    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="scores")
    percentage = models.PositiveSmallIntegerField()
    comment = models.TextField(blank=True)
    submitted_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    due_at = models.DateTimeField()
    # While a worker holds it. A worker that dies loses the row to the next one when the lease runs out.
    leased_until = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    # What went wrong last: a code of `lti_tool.gradebook.Reason`. The words are `grading.problems`'s.
    reason = models.CharField(max_length=60, blank=True)
    queued_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["enrolment"], condition=Q(state="waiting"), name="one_waiting_score"
            ),
            models.UniqueConstraint(
                fields=["enrolment"], condition=Q(state="sending"), name="one_score_in_flight"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="waiting_scores"),
            models.Index(fields=["leased_until"], condition=Q(state="sending"), name="scores_in_flight"),
        ]

    def __str__(self) -> str:
        return f"{self.enrolment}: {self.percentage} % ({self.state})"

    @property
    def may_be_sent_again(self) -> bool:
        return self.state in self.HELD_UP

"""Goes at the quiz, and the result they add up to."""

from django.db import models
from django.db.models import Q

from grading.models.activities import Enrolment
from grading.papers import Mark, Paper, QuestionMark


class Attempt(models.Model):
    """One go at a module's quiz. The paper is frozen at the start (design §1)."""

    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    paper_data = models.JSONField()
    # The module as it was taught when the paper was drawn: a ModuleSummary as JSON.
    module_data = models.JSONField()
    started_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    # Set together with submitted_at.
    mark_data = models.JSONField(null=True, blank=True)
    percentage = models.PositiveSmallIntegerField(null=True, blank=True)
    pass_mark = models.PositiveSmallIntegerField(null=True, blank=True)
    passed = models.BooleanField(null=True, blank=True)
    group_session_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["enrolment", "number"], name="attempt_number_in_enrolment"),
            models.UniqueConstraint(
                fields=["enrolment"], condition=Q(submitted_at__isnull=True), name="one_open_attempt"
            ),
            models.CheckConstraint(
                condition=Q(submitted_at__isnull=True, passed__isnull=True, percentage__isnull=True)
                | Q(submitted_at__isnull=False, passed__isnull=False, percentage__isnull=False),
                name="attempt_is_marked_when_submitted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.enrolment}, attempt {self.number}"

    @property
    def paper(self) -> Paper:
        return Paper.from_json(self.paper_data)

    @property
    def mark(self) -> Mark | None:
        """The mark of a submitted attempt."""
        if self.mark_data is None:
            return None
        return Mark(tuple(QuestionMark(**q) for q in self.mark_data))

    @property
    def is_open(self) -> bool:
        return self.submitted_at is None


class Answer(models.Model):
    """The latest answer to one question of an attempt; a row each, so that two tabs cannot undo each other."""

    attempt = models.ForeignKey(Attempt, models.PROTECT, related_name="answers")
    question_id = models.CharField(max_length=100)
    value = models.JSONField()
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["attempt", "question_id"], name="one_answer_to_a_question")
        ]

    def __str__(self) -> str:
        return f"{self.attempt}: {self.question_id}"


class Result(models.Model):
    """What an enrolment's attempts add up to by the activity's rule: the figure that goes home."""

    enrolment = models.OneToOneField(Enrolment, models.PROTECT, related_name="result")
    attempt = models.ForeignKey(Attempt, models.PROTECT, related_name="+")
    percentage = models.PositiveSmallIntegerField()
    passed = models.BooleanField()
    # The certificate that the first pass earned.
    certificate = models.ForeignKey(
        "grading.Certificate", models.PROTECT, null=True, blank=True, related_name="+"
    )
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.enrolment}: {self.percentage} %"

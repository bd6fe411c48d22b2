"""What the VLE remembers between requests and restarts."""

from datetime import datetime
from hashlib import sha256

from django.db import models
from django.db.models import Q
from django.utils import timezone

from deploy.demo_vle.school import MEMBERS, Member


def fingerprint(secret: str) -> str:
    """What is stored of a secret: enough to recognise it, not enough to use it."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class LaunchHint(models.Model):
    """One started launch; its id travels to the tool and back and is good for one answer."""

    id = models.CharField(primary_key=True, max_length=64)
    member_id = models.CharField(max_length=32)
    document_target = models.CharField(max_length=8)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    @classmethod
    def use(cls, hint_id: str, member_id: str) -> "LaunchHint | None":
        """Spend the hint; of two that try at once, the conditional update lets one through."""
        now = timezone.now()
        live = cls.objects.filter(id=hint_id, member_id=member_id, used_at=None, expires_at__gt=now)
        return cls.objects.get(id=hint_id) if live.update(used_at=now) == 1 else None


class UsedAssertion(models.Model):
    """A client assertion's `jti`, kept until the assertion would have expired anyway."""

    jti_hash = models.CharField(primary_key=True, max_length=64)
    expires_at = models.DateTimeField()


class AccessToken(models.Model):
    token_hash = models.CharField(primary_key=True, max_length=64)
    scope = models.TextField()  # space separated, as OAuth writes it
    expires_at = models.DateTimeField()


class LineItem(models.Model):
    """A column of the gradebook (LTI-AGS 2.0, 3.2)."""

    # The activity's own column came with the activity; the tool may not delete it.
    belongs_to_activity = models.BooleanField(default=False)
    resource_link_id = models.CharField(max_length=255, blank=True)
    label = models.CharField(max_length=255)
    score_maximum = models.FloatField()
    resource_id = models.CharField(max_length=255, blank=True)
    tag = models.CharField(max_length=255, blank=True)
    start_date_time = models.CharField(max_length=64, blank=True)
    end_date_time = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(score_maximum__gt=0), name="line_item_maximum")]


class Grade(models.Model):
    """Where one member stands in one column: the outcome of the latest score."""

    line_item = models.ForeignKey(LineItem, on_delete=models.CASCADE, related_name="grades")
    member_id = models.CharField(max_length=32)
    # As it was sent; scaled to the column when it is shown. Null: no grade, or one made blank.
    score_given = models.FloatField(null=True)
    score_maximum = models.FloatField(null=True)
    comment = models.TextField(blank=True)
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
    """Every score the tool sent, taken or refused. Holds no key, so it outlives its column."""

    received_at = models.DateTimeField(default=timezone.now)
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


def forget_expired(now: datetime) -> None:
    """Drop what can no longer be used, so that a VLE left running does not grow."""
    for model in (LaunchHint, UsedAssertion, AccessToken):
        model.objects.filter(expires_at__lt=now).delete()

"""What lives for a short while: launches under way, tokens, and what may be used once."""

from datetime import datetime
from hashlib import sha256

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from deploy.demo_vle.models.courses import Activity, Course
from deploy.demo_vle.models.gradebook import LineItem
from deploy.demo_vle.models.tools import Message, Tool


def fingerprint(secret: str) -> str:
    """What is stored of a secret: enough to recognise it, not enough to use it."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class LaunchHint(models.Model):
    """One started launch; its id travels to the tool and back and is good for one answer."""

    id = models.CharField(primary_key=True, max_length=64)
    tool = models.ForeignKey(Tool, on_delete=models.CASCADE)
    member_id = models.CharField(max_length=32)
    message = models.CharField(max_length=32, choices=Message.choices)
    target_link_uri = models.TextField()
    document_target = models.CharField(max_length=8)
    course = models.ForeignKey(Course, null=True, on_delete=models.CASCADE)
    activity = models.ForeignKey(Activity, null=True, on_delete=models.CASCADE)
    # Of a submission review: whose work, in which column.
    line_item = models.ForeignKey(LineItem, null=True, on_delete=models.CASCADE)
    for_member_id = models.CharField(max_length=32, blank=True)
    data = models.CharField(max_length=64, blank=True)  # of deep linking: its DeepLinking
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    @classmethod
    def use(cls, hint_id: str, *, member_id: str, tool: Tool) -> "LaunchHint | None":
        """Spend the hint; of two that try at once, the conditional update lets one through."""
        now = timezone.now()
        live = cls.objects.filter(
            id=hint_id, member_id=member_id, tool=tool, used_at=None, expires_at__gt=now
        )
        return cls.objects.get(id=hint_id) if live.update(used_at=now) == 1 else None


class DeepLinking(models.Model):
    """One time that a teacher went to a tool to choose; its id is the `data` that comes back."""

    id = models.CharField(primary_key=True, max_length=64)
    tool = models.ForeignKey(Tool, on_delete=models.CASCADE)
    course = models.ForeignKey(Course, on_delete=models.CASCADE)
    member_id = models.CharField(max_length=32)
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    @classmethod
    def answer(cls, data: str, *, tool: Tool, course: Course, member_id: str) -> bool:
        """Whether this person's choosing was still open; it no longer is."""
        now = timezone.now()
        still_open = cls.objects.filter(
            id=data, tool=tool, course=course, member_id=member_id, answered_at=None, expires_at__gt=now
        )
        return still_open.update(answered_at=now) == 1


class UsedOnce(models.Model):
    """A token's `jti` or `nonce`, kept until the token would have expired anyway."""

    fingerprint = models.CharField(primary_key=True, max_length=64)
    expires_at = models.DateTimeField()

    @classmethod
    def spend(cls, owner: str, value: str, expires_at: datetime) -> bool:
        """Whether it was unused. `owner` keeps apart what is chosen by different sides."""
        try:
            with transaction.atomic():
                cls.objects.create(fingerprint=fingerprint(f"{owner} {value}"), expires_at=expires_at)
        except IntegrityError:
            return False
        return True


class AccessToken(models.Model):
    token_hash = models.CharField(primary_key=True, max_length=64)
    tool = models.ForeignKey(Tool, on_delete=models.CASCADE)
    scope = models.TextField()  # space separated, as OAuth writes it
    expires_at = models.DateTimeField()


def forget_expired(now: datetime) -> None:
    """Drop what can no longer be used, so that a VLE left running does not grow."""
    for model in (LaunchHint, DeepLinking, UsedOnce, AccessToken):
        model.objects.filter(expires_at__lt=now).delete()

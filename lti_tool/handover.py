"""The way into a new tab for browsers that keep no cookies in a frame (design decision 3).

The launch was verified in the frame; a token that works once, for five minutes, carries it into a tab where
our cookies are first-party. It travels in a form, never in a URL.
"""

from datetime import datetime

from django.core import signing

from lti_tool.models import Launch
from lti_tool.rejections import LaunchRejected

MAX_AGE_SECONDS = 300
_SALT = "lti.handover"


def token_for(launch: Launch) -> str:
    return signing.dumps(launch.pk, salt=_SALT)


def redeem(token: str, *, now: datetime) -> Launch:
    """The launch of a token, which is used up. Raises LaunchRejected: handover_used or state_invalid."""
    try:
        pk = signing.loads(token, salt=_SALT, max_age=MAX_AGE_SECONDS)
    except signing.BadSignature:
        raise LaunchRejected("state_invalid", detail="handover") from None
    if not Launch.objects.filter(pk=pk, handed_over_at=None).update(handed_over_at=now):
        raise LaunchRejected("handover_used")
    return Launch.objects.get(pk=pk)

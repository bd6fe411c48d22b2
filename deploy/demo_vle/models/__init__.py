"""What the VLE remembers between requests and restarts."""

from deploy.demo_vle.models.courses import Activity, Course, Membership
from deploy.demo_vle.models.gradebook import Grade, LineItem, ScoreLog
from deploy.demo_vle.models.launches import (
    AccessToken,
    DeepLinking,
    LaunchHint,
    UsedOnce,
    fingerprint,
    forget_expired,
)
from deploy.demo_vle.models.tools import Message, Tool, origin_of

__all__ = [
    "AccessToken",
    "Activity",
    "Course",
    "DeepLinking",
    "Grade",
    "LaunchHint",
    "LineItem",
    "Membership",
    "Message",
    "ScoreLog",
    "Tool",
    "UsedOnce",
    "fingerprint",
    "forget_expired",
    "origin_of",
]

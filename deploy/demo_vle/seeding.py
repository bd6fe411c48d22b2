"""What is there from the start: the demo tool, and one course with its people and one activity."""

from django.conf import settings
from django.db import transaction

from deploy.demo_vle.authoring import add_activity
from deploy.demo_vle.models import Course, Membership, Message, Tool
from deploy.demo_vle.school import FIRST_ACTIVITY, FIRST_COURSE, MEMBERS
from deploy.demo_vle.scopes import GRANTED_SCOPES, IDENTITY_CLAIMS


@transaction.atomic
def seed() -> None:
    """The tool's addresses are the command line's, so they are set anew; the course is made once."""
    known = settings.DEMO_TOOL | {
        "is_active": True,
        "messages": dict.fromkeys(Message.values, ""),
        "scopes": sorted(GRANTED_SCOPES),
        "claims": list(IDENTITY_CLAIMS),
    }
    tool, _ = Tool.objects.update_or_create(client_id=known["client_id"], defaults=known)
    if Course.objects.exists():
        return
    course = Course.objects.create(**FIRST_COURSE)
    for member in MEMBERS.values():
        if member.first_role is not None:
            Membership.objects.create(course=course, member_id=member.id, role=member.first_role)
    # As after deep linking, a teacher may look at what was handed in.
    review = {"reviewableStatus": ["Submitted", "Completed"]}
    add_activity(course, tool, submission_review=review, **FIRST_ACTIVITY)

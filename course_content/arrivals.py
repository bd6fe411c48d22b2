"""From a launch to a page: what the link teaches, and what the person who launched is here for."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from course_content import catalogue, deliveries, placement
from course_content.refusals import PageRefused
from grading import enrolments, outbox
from grading.models import Enrolment, OutgoingScore
from lti_tool.models import Launch, LineItem, LtiUser, Membership, ResourceLink


def arrive(launch: Launch, *, now: datetime) -> Enrolment | ResourceLink:
    """A lead's way ends at the link they lead, anybody else's in their enrolment.

    Either way the activity is there afterwards. Raises PageRefused.
    """
    member = Membership.objects.filter(
        context=launch.link.context_id, lti_user=launch.lti_user_id
    ).first()
    try:
        activity = placement.activity_of(launch)
    except placement.NotSetUp as missing:
        if member and member.is_lead:
            missing.tell_lead(catalogue.all_modules())
        raise
    if member and member.is_lead and not member.is_learner:
        return launch.link
    enrolment = enrolments.enrol(launch, activity)
    _send_what_had_no_column(enrolment, now)
    return enrolment


def _send_what_had_no_column(enrolment: Enrolment, now: datetime) -> None:
    """A link that has a gradebook column since: the score that had none can go home now."""
    score = deliveries.newest_score(enrolment)
    if score is None or score.state != OutgoingScore.State.UNGRADED:
        return
    columns = LineItem.objects.filter(resource_link=enrolment.resource_link_id)
    if columns.exclude(url="", container_url="").exists():
        outbox.send_again(OutgoingScore.objects.filter(pk=score.pk), now=now)


def take(link: ResourceLink, user: LtiUser) -> Enrolment:
    """A lead who wants to take the training themselves: enrolled by their latest launch of the link.

    Raises PageRefused.
    """
    launch = (
        Launch.objects.select_related("resource_link__context", "resource_link__deployment", "lti_user")
        .filter(resource_link=link, lti_user=user)
        .order_by("-launched_at")
        .first()
    )
    if launch is None:
        raise PageRefused(
            reason="launch_missing",
            title=_("Please open this activity from your course first"),
            what=_("You lead this course, but you have not opened this activity from it yet."),
            next_step=_("Go to your course and open the activity. Then choose to take the training."),
        )
    try:
        return enrolments.enrol(launch, placement.activity_of(launch))
    except placement.NotSetUp as missing:
        missing.tell_lead(catalogue.all_modules())
        raise

"""From a launch to a page: what the link teaches, and what the person who launched is here for."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from course_content import deliveries, placement
from course_content.refusals import PageRefused
from grading import enrolments, outbox
from grading.models import Enrolment, OutgoingScore
from lti_tool.ags import Reason
from lti_tool.models import Launch, LineItem, LtiUser, Membership, ResourceLink


def arrive(launch: Launch, *, now: datetime) -> Enrolment | ResourceLink:
    """A lead's way ends at the link they lead, anybody else's in their enrolment.

    Either way the activity is there afterwards. Raises PageRefused; NotSetUp among them is for a lead to mend.
    """
    activity = placement.activity_of(launch)
    member = _member(launch)
    if member and member.is_lead and not member.is_learner:
        return launch.link
    enrolment = enrolments.enrol(launch, activity)
    _send_what_can_go_now(enrolment, now)
    return enrolment


def leads(launch: Launch) -> bool:
    """Whether whoever launched leads the link's course now."""
    member = _member(launch)
    return member is not None and member.is_lead and member.left_at is None


def _member(launch: Launch) -> Membership | None:
    here = Membership.objects.filter(context=launch.link.context_id, left_at=None)
    return here.filter(lti_user=launch.lti_user_id).first()


def _send_what_can_go_now(enrolment: Enrolment, now: datetime) -> None:
    """A link has a gradebook column since, or somebody was given the role that makes them gradable: the score that
    was held up may go home.
    """
    score = deliveries.newest_score(enrolment)
    if score is None:
        return
    columns = LineItem.objects.filter(resource_link=enrolment.resource_link_id)
    if score.state == OutgoingScore.State.UNGRADED:
        can_go = columns.exclude(url="", container_url="").exists()
    else:
        # Who holds which role in the VLE's gradebook a launch does not tell: asking it does.
        can_go = score.state == OutgoingScore.State.PARKED and score.reason == Reason.UNGRADABLE
    if can_go:
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
    return enrolments.enrol(launch, placement.activity_of(launch))

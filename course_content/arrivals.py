"""From a launch to a page: what the link teaches, and what the person who launched is here for."""

from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from course_content import placement
from course_content.refusals import PageRefused
from grading import deliveries, enrolments, outbox
from grading.models import Enrolment, OutgoingScore
from lti_tool.gradebook import Reason
from lti_tool.models import Launch, LineItem, LtiUser, Membership, ResourceLink

# Where messages lead that do not open a link to learn.
_PAGES: dict[str, str] = {
    Launch.Message.DEEP_LINKING: "learn:picker",
    Launch.Message.SUBMISSION_REVIEW: "learn:review",
    Launch.Message.DATA_PRIVACY: "grading:personal-data",
}


def arrive(launch: Launch, *, now: datetime) -> tuple[str, int]:
    """The page where a verified launch arrives: its name, and the id in its address.

    Of a link to learn the activity is there afterwards; a lead's way ends at the link they lead, anybody else's in
    their enrolment. Where the link does not say what it teaches, whoever leads its course may choose.
    Raises PageRefused.
    """
    # A review of nobody's work opens the link: Moodle's "View External tool results", above a column.
    reviews_nobody = launch.message == Launch.Message.SUBMISSION_REVIEW and not launch.about
    if launch.message in _PAGES and not reviews_nobody:
        return _PAGES[launch.message], launch.pk
    try:
        activity = placement.activity_of(launch)
    except placement.NotSetUp:
        if leads(launch):
            return "learn:picker", launch.pk
        raise
    if _leads_only(launch):
        return "grading:lead", launch.link.pk
    enrolment = enrolments.enrol(launch, activity)
    _send_what_can_go_now(enrolment, now)
    return "learn:module", enrolment.pk


def leads(launch: Launch) -> bool:
    """Whether whoever launched leads the link's course now."""
    return _leading(launch).exists()


def _leads_only(launch: Launch) -> bool:
    """Whether they do, and do not learn in it."""
    return _leading(launch).filter(is_learner=False).exists()


def _leading(launch: Launch) -> QuerySet[Membership]:
    return Membership.objects.leading().filter(context=launch.link.context_id, lti_user=launch.lti_user_id)


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

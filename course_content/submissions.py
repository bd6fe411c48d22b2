"""One person's result at a link, as a VLE's "review this submission" asks for it (Submission Review 1.0).

A lead sees how somebody did and what they missed, to help them: never what they chose. That is the person's own to
see, on the page of their result.
"""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from course_content import arrivals
from course_content.refusals import PageRefused
from course_content.reviews import Answered, answered
from course_content.standing import result_of
from grading import problems
from grading.deliveries import Delivery, delivery_of
from grading.models import Activity, Attempt, Enrolment, Result
from grading.standings import Standing
from lti_tool.models import Launch, LtiUser


class NotBegun(PageRefused):
    """There is nothing to review yet."""

    def __init__(self, name: str = "") -> None:
        super().__init__(
            reason="not_started",
            title=_("%(name)s has not started this training yet") % {"name": name}
            if name
            else _("This person has not started the training yet"),
            what=_("So there is no result to look at."),
            next_step=_("Once they have opened the activity from the course, come back here."),
        )


class NothingHere(PageRefused):
    """A link that nobody has opened: a new one, or a copy of another."""

    def __init__(self) -> None:
        super().__init__(
            reason="nothing_here",
            title=_("Nobody has opened this activity yet"),
            what=_("It may be new, or a copy of another one. Results stay where they were achieved."),
            next_step=_("Open the activity itself from your course. It shows you who has done what."),
        )


class NotTheirLead(PageRefused):
    """Only the person themselves and those who lead the course see a result."""

    def __init__(self) -> None:
        super().__init__(
            reason="review_not_allowed",
            status=403,
            title=_("This result is not yours to see"),
            what=_("It is seen by the person themselves and by those who lead the course."),
            next_step=_(
                "If you lead this course, ask whoever looks after your VLE to give you the Teacher role."
            ),
        )


@dataclass(frozen=True, slots=True)
class Review:
    """What a lead sees of one person's work. `questions` are those of the attempt that counts, without answers."""

    enrolment: Enrolment
    standing: Standing
    result: Result | None
    attempts: tuple[Attempt, ...]
    questions: tuple[Answered, ...]
    delivery: Delivery | None

    @property
    def right(self) -> int:
        return sum(1 for one in self.questions if one.mark and one.mark.right)


def is_own(launch: Launch) -> bool:
    """Whether somebody looks at their own work."""
    return launch.about in {"", launch.lti_user.sub}


def own_page(launch: Launch) -> tuple[str, int]:
    """The page where whoever launched finds their own work: its name, and the id in its address.

    Raises PageRefused.
    """
    enrolment = _enrolment(launch, launch.lti_user.sub)
    if enrolment is None:
        raise PageRefused(
            reason="not_started",
            title=_("You have not started this training yet"),
            what=_("So there is no result to look at."),
            next_step=_("Open the activity itself from your course, and begin."),
        )
    result = result_of(enrolment)
    return ("learn:result", result.attempt_id) if result else ("learn:module", enrolment.pk)


def review(launch: Launch) -> Review:
    """The work of the person whom the launch is about, for somebody who leads the course now.

    Raises PageRefused.
    """
    if not arrivals.leads(launch):
        raise NotTheirLead
    enrolment = _enrolment(launch, launch.about)
    if enrolment is None:
        link = launch.link
        if not Activity.objects.filter(resource_link=link).exists() and not link.enrolments.exists():
            raise NothingHere
        raise NotBegun(_name(launch))
    result = result_of(enrolment)
    made = tuple(enrolment.attempts.order_by("number"))
    begun = bool(made) or enrolment.progress.exists()
    return Review(
        enrolment=enrolment,
        standing=Standing.of(
            begun=begun, marked=result is not None, certified=bool(result and result.certificate)
        ),
        result=result,
        attempts=tuple(attempt for attempt in made if not attempt.is_open),
        questions=answered(result.attempt.paper, {}, result.attempt.mark) if result else (),
        delivery=delivery_of(enrolment, problems.for_lead),
    )


def _enrolment(launch: Launch, sub: str) -> Enrolment | None:
    """The work at the launched link: in the link's own activity, or in the one that it had before."""
    found = Enrolment.objects.filter(
        resource_link=launch.link, lti_user__registration=launch.registration_id, lti_user__sub=sub
    ).select_related("activity", "lti_user__person", "lti_user__registration", "resource_link__context")
    return max(
        found,
        key=lambda one: (one.activity.resource_link_id == one.resource_link_id, one.started_at),
        default=None,
    )


def _name(launch: Launch) -> str:
    """What somebody of this course is called; nobody else's name is told."""
    user = (
        LtiUser.objects.select_related("person")
        .filter(
            registration=launch.registration_id,
            sub=launch.about,
            memberships__context=launch.link.context_id,
        )
        .first()
    )
    return user.display_name if user else ""

"""Why a grade is not in the gradebook, in the words of whoever reads it: a lead, or the person whose grade it is.

A score keeps the reason as a code. The words are made when they are read: who it is about, and what their VLE calls
things, stands in no second place.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from grading import outbox
from grading.models import OutgoingScore
from lti_tool import platform_quirks
from lti_tool.gradebook import Reason
from lti_tool.models import LtiUser

State = OutgoingScore.State


@dataclass(frozen=True, slots=True)
class Problem:
    """What happened, and what to do; nothing where we go on trying by ourselves."""

    what: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.what} {self.next_step}".strip()


_ADMIN = _(
    "Ask whoever looks after your VLE to check the training’s keyset address and its grade permission."
)
_OPEN_ONCE = _("Open the activity from the course once. Then send the grade again.")
_TRY_AGAIN = _(
    "Send the grade again. If it stays like this, ask whoever looks after your VLE to look at how the training is "
    "connected."
)
_OF_ITSELF = _("We go on trying.")
_GAVE_UP = _("We have tried for more than a day.")

# What a lead reads: what happened, and what to do about it, also while we go on trying.
_FOR_LEAD: dict[str, tuple[str | Promise, str | Promise]] = {
    Reason.UNGRADABLE: (
        _("Your VLE takes no grade for %(name)s, most often because they are in this course as a teacher."),
        _(
            "Ask whoever looks after your VLE to give %(name)s %(role)s in this course. Then send the grade "
            "again."
        ),
    ),
    Reason.NO_ATTEMPTS_LEFT: (
        _("Your VLE allows %(name)s no further attempt at this activity."),
        _("Allow more attempts in the activity’s settings in your VLE. Then send the grade again."),
    ),
    Reason.NO_COLUMN: (
        _("The activity has no column in the gradebook, and your VLE does not let the training make one."),
        _("Give the activity a grade in your VLE. Then send the grade again."),
    ),
    Reason.NOT_ALLOWED: (
        _("Your VLE does not let the training send grades."),
        _("Ask whoever looks after your VLE to allow it in the tool’s settings. Then send the grade again."),
    ),
    Reason.REJECTED: (_("Your VLE did not take the grade, for a reason that has no name yet."), _TRY_AGAIN),
    Reason.KEY_REFUSED: (_("Your VLE does not accept the training’s key."), _ADMIN),
    Reason.SCOPE_REFUSED: (_("Your VLE does not let the training send grades."), _ADMIN),
    Reason.TOKEN_REFUSED: (_("Your VLE gave no access to its gradebook."), _ADMIN),
    Reason.COLUMN_GONE: (_("The activity’s column in the gradebook is gone."), _OPEN_ONCE),
    Reason.COURSE_GONE: (_("Your VLE does not find this course any more."), _OPEN_ONCE),
    Reason.FOREIGN_ADDRESS: (_("The gradebook is at an address that is not your VLE’s."), _OPEN_ONCE),
    Reason.NEWER_GRADE: (
        _("The gradebook already holds something newer, perhaps a grade that a teacher entered."),
        _("If the grade there is right, there is nothing to do. Otherwise send this one again."),
    ),
    Reason.COLUMN_BUSY: (_("The gradebook column is being looked up."), _TRY_AGAIN),
    Reason.SLOW_DOWN: (_("Your VLE asked us to slow down."), _TRY_AGAIN),
    Reason.PLATFORM_FAULT: (_("Your VLE had a fault of its own."), _TRY_AGAIN),
    Reason.UNREADABLE: (_("Your VLE’s answer cannot be read."), _TRY_AGAIN),
    Reason.TOO_LARGE: (_("Your VLE’s answer cannot be read."), _TRY_AGAIN),
    Reason.UNREACHABLE: (_("Your VLE could not be reached, or did not answer in time."), _TRY_AGAIN),
    Reason.SWITCHED_OFF: (
        _("The connection to this VLE is switched off."),
        _("Ask the training’s administrator to switch it on. Then send the grade again."),
    ),
}
_OUR_FAULT = (
    _("Something went wrong on our side."),
    _("Send the grade again. If it stays like this, tell the training’s administrator."),
)


def for_lead(score: OutgoingScore, user: LtiUser) -> Problem | None:
    """What a lead reads beside somebody's grade; None where nothing went wrong."""
    if not score.reason or score.state not in {State.WAITING, State.SENDING, State.PARKED}:
        return None
    about = {"name": user.display_name, "role": _gradable_by(user)}
    what, next_step = (str(words) % about for words in _FOR_LEAD.get(score.reason, _OUR_FAULT))
    if score.state != State.PARKED:
        return Problem(what, str(_OF_ITSELF))
    return Problem(f"{what} {_GAVE_UP}" if score.tries >= outbox.MOST_TRIES else what, next_step)


def for_learner(score: OutgoingScore, user: LtiUser) -> Problem | None:
    """What somebody reads of their own grade, where it got stuck."""
    if score.state != State.PARKED:
        return None
    if score.reason != Reason.UNGRADABLE:
        return Problem(
            str(_("Your VLE has not taken your grade.")),
            str(_("Tell whoever leads your course. They can see why, and send it again.")),
        )
    cure = _(
        "Ask whoever looks after your VLE to give you %(role)s in this course. Then open this activity from the "
        "course again: your grade is sent once more."
    )
    return Problem(
        str(_("Your VLE takes no grade for you, most often because you are in this course as a teacher.")),
        str(cure) % {"role": _gradable_by(user)},
    )


def _gradable_by(user: LtiUser) -> str:
    return str(platform_quirks.of(user.registration).gradable_by)

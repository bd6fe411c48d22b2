"""Why a VLE is not connected: a reason code for the log, and words for the admin in front of the page."""

from django.utils.translation import gettext_noop as _

from lti_tool.rejections import Explanation

_ASK = _("Ask whoever runs the training for an invitation link.")
_ASK_ANEW = _("Ask whoever runs the training for a new invitation link.")
_TELL = _("Tell whoever runs the training, and give them the code below. Your invitation can still be used.")
_BEGIN_AGAIN = _(
    "Go back to where you pasted the invitation link in your VLE, and begin again. Your invitation can still be "
    "used."
)

EXPLANATIONS = {
    "invitation_missing": Explanation(400, _("This page is opened with an invitation link."), _ASK),
    "invitation_unknown": Explanation(
        404,
        _("This invitation link is not one of ours, or it was withdrawn."),
        _("Check that you copied all of it. If you did, ask whoever runs the training for a new one."),
    ),
    "invitation_expired": Explanation(410, _("This invitation link is too old."), _ASK_ANEW),
    "invitation_used": Explanation(
        410,
        _("This invitation link has been used: it connects one VLE, once."),
        _(
            "If it was you a moment ago, all is well: close this page and go back to your VLE. If not, ask whoever "
            "runs the training for a new one."
        ),
    ),
    "invitation_in_use": Explanation(
        409,
        _("This invitation link is being used at this moment."),
        _("Wait a few minutes, then go back to your VLE and begin again."),
    ),
    "address_invalid": Explanation(
        400,
        _("Your VLE named an address that we may not ask: it must be a public one, and begin with https."),
        _TELL,
    ),
    "platform_unreachable": Explanation(424, _("Your VLE could not be reached from here."), _TELL),
    "configuration_refused": Explanation(
        424,
        _("Your VLE did not tell us how it is set up."),
        _BEGIN_AGAIN,
    ),
    "configuration_invalid": Explanation(
        400, _("What your VLE told us of how it is set up cannot be read."), _TELL
    ),
    "issuer_foreign": Explanation(
        403, _("The address that your VLE sent us is not of the VLE that it calls itself."), _TELL
    ),
    "endpoint_foreign": Explanation(
        403, _("Your VLE sent us on to an address that is not of your VLE."), _TELL
    ),
    "registration_refused": Explanation(424, _("Your VLE did not take the training up."), _BEGIN_AGAIN),
    "answer_invalid": Explanation(424, _("Your VLE's answer cannot be read, so it is not connected."), _TELL),
    "registration_exists": Explanation(409, _("This VLE is connected already, with other addresses."), _TELL),
    "client_id_taken": Explanation(
        409, _("Another VLE that uses the training has the same client ID as yours."), _TELL
    ),
    "deployment_waits": Explanation(
        409,
        _("This part of your VLE has been opened already, and waits to be accepted."),
        _("Ask whoever runs the training to accept it. Then open the training from your course."),
    ),
    "registration_inactive": Explanation(403, _("This VLE's connection has been switched off."), _TELL),
    "deployment_refused": Explanation(403, _("This part of your VLE may not use the training."), _TELL),
    "deployment_taken": Explanation(409, _("This part of your VLE belongs to another school."), _TELL),
}


class RegistrationRefused(Exception):
    """A VLE that is not connected.

    `reason` is a key of EXPLANATIONS; `detail` the short name of what was wrong (a field, an endpoint, a status),
    never its value.
    """

    def __init__(self, reason: str, *, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail

    @property
    def explanation(self) -> Explanation:
        return EXPLANATIONS[self.reason]

"""Why a launch is refused: a reason code for the log, and words for the person in front of the page."""

from dataclasses import dataclass

from django.utils.translation import gettext_noop as _

AGAIN = _("Go back to your course and open the activity again.")
TELL_ADMIN = _("Please tell whoever looks after your VLE, and give them the code below.")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a person reads: what happened, and the one thing to do next."""

    status: int
    what: str
    next_step: str


EXPLANATIONS = {
    "login_invalid": Explanation(
        400, _("Your VLE did not send all that is needed to sign you in."), TELL_ADMIN
    ),
    "registration_unknown": Explanation(404, _("This VLE is not connected to this training."), TELL_ADMIN),
    "registration_ambiguous": Explanation(
        400, _("Your VLE did not say which of its connections this is."), TELL_ADMIN
    ),
    "registration_inactive": Explanation(403, _("This VLE's connection is switched off."), TELL_ADMIN),
    "deployment_pending": Explanation(
        403,
        _("Your VLE is connected, but this part of it is waiting to be accepted."),
        _("Ask the training's administrator to accept it, then open the activity again."),
    ),
    "deployment_refused": Explanation(403, _("This part of your VLE may not use this training."), TELL_ADMIN),
    "user_inactive": Explanation(
        403,
        _("Your access to this training has been switched off. What you have done is kept."),
        _("Please ask whoever leads the training in your school."),
    ),
    "platform_error": Explanation(400, _("Your VLE could not sign you in."), AGAIN),
    "state_missing": Explanation(400, _("This page can only be opened from your course."), AGAIN),
    "state_invalid": Explanation(400, _("The sign-in took too long or was not begun here."), AGAIN),
    "browser_mismatch": Explanation(
        403,
        _("Your browser did not keep the sign-in cookie."),
        _(
            "Go back to your course and open the activity in a new window. If that does not help, allow cookies "
            "for this site."
        ),
    ),
    "nonce_replayed": Explanation(403, _("This link from your course has been used already."), AGAIN),
    "nonce_mismatch": Explanation(403, _("The sign-in answers another request."), AGAIN),
    "registration_mismatch": Explanation(403, _("The sign-in was begun at another VLE."), AGAIN),
    "deployment_mismatch": Explanation(403, _("The sign-in was begun in another part of your VLE."), AGAIN),
    "target_foreign": Explanation(400, _("The link does not lead to this training."), TELL_ADMIN),
    "token_malformed": Explanation(400, _("Your VLE's message cannot be read."), TELL_ADMIN),
    "token_too_large": Explanation(400, _("Your VLE's message is too large."), TELL_ADMIN),
    "kid_missing": Explanation(403, _("Your VLE's message does not say which key signed it."), TELL_ADMIN),
    "kid_unknown": Explanation(
        403, _("Your VLE's message is signed with a key that it does not publish."), AGAIN
    ),
    "algorithm_refused": Explanation(
        403, _("Your VLE's message is signed in a way that is not accepted."), TELL_ADMIN
    ),
    "signature_invalid": Explanation(403, _("Your VLE's message is not signed by your VLE."), TELL_ADMIN),
    "keys_unavailable": Explanation(
        # No 5xx: a proxy would put a page of its own in place of this one.
        424,
        _("Your VLE's keys cannot be fetched just now."),
        _("Wait a minute, then open the activity again."),
    ),
    "token_expired": Explanation(403, _("The sign-in took too long."), AGAIN),
    "token_not_yet_valid": Explanation(
        403, _("Your VLE's clock is ahead of ours by more than a minute."), TELL_ADMIN
    ),
    "token_too_old": Explanation(403, _("The sign-in took too long."), AGAIN),
    "audience_mismatch": Explanation(403, _("Your VLE's message is meant for another tool."), TELL_ADMIN),
    "claim_missing": Explanation(400, _("Your VLE's message lacks something that is needed."), TELL_ADMIN),
    "claim_invalid": Explanation(400, _("Part of your VLE's message cannot be read."), TELL_ADMIN),
    "version_unsupported": Explanation(400, _("Your VLE's message is not of LTI version 1.3.0."), TELL_ADMIN),
    "message_type_unsupported": Explanation(
        400,
        _("Your VLE asked for something that this training does not offer there."),
        _("Add the training to the course as an activity, and open it from there."),
    ),
    "author_role_missing": Explanation(
        403,
        _("Only somebody who may edit the course can add the training to it."),
        _("Ask a teacher of the course to add it, or to give you the Teacher role there."),
    ),
    "administrator_role_missing": Explanation(
        403,
        _("Only an administrator of your VLE can ask for somebody else's data."),
        _("For your own data choose yourself. For somebody else's ask whoever looks after your VLE."),
    ),
    "return_url_foreign": Explanation(
        403, _("Your VLE's message names a return address that is not your VLE's."), TELL_ADMIN
    ),
    "service_host_foreign": Explanation(
        403, _("Your VLE's message names a gradebook at an address that is not your VLE's."), TELL_ADMIN
    ),
    "handover_used": Explanation(403, _("This link works once, and has been used."), AGAIN),
}


class LaunchRejected(Exception):
    """A login or launch that is refused.

    `reason` is a key of EXPLANATIONS; `detail` is the short name of what was wrong (a claim, a parameter),
    never its value; `registration` is the id of the registration as far as it is known.
    """

    def __init__(self, reason: str, *, detail: str = "", registration: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
        self.registration = registration

    @property
    def explanation(self) -> Explanation:
        return EXPLANATIONS[self.reason]

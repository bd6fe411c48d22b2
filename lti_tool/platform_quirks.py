"""Each VLE's difference from the specification, in one place, each with its reason.

Moodle's were executed against 4.5.5; Canvas's, Brightspace's and Blackboard's come from their documentation and
are labelled untested until somebody runs them.
"""

from dataclasses import dataclass
from typing import Any

from lti_tool import registrations
from lti_tool.models import Family, Registration

CANVAS_SUBMISSION = "https://canvas.instructure.com/lti/submission"


@dataclass(frozen=True, slots=True)
class Quirks:
    """What one make of VLE needs. The defaults are the specification's."""

    # Services live on the hosts of the registration. Hosted platforms answer on each school's own host.
    services_on_registered_hosts: bool = True
    # Two scores for one person within this time collide.
    seconds_between_scores: float = 0
    # An answer with a body says that the score was not stored, whatever its status.
    answers_scores_with_nothing: bool = False
    # How the comment says where the certificate is.
    comment_newline: str = "\n"

    def may_serve(self, registration: Registration, url: str) -> bool:
        """Whether our token may be sent to `url`: a foreign host would collect it, or whoever listens on http
        where the registration says https.
        """
        origin = registrations.origin(url)
        if not self.services_on_registered_hosts and origin.startswith("https://"):
            return True
        return origin in registrations.service_hosts(registration)

    def score(self, score: dict[str, Any], *, verify_url: str, submitted_at: str) -> dict[str, Any]:
        """The AGS score as this VLE wants it."""
        return {**score, "comment": score["comment"].replace("\n", self.comment_newline)}


@dataclass(frozen=True, slots=True)
class MoodleQuirks(Quirks):
    # Moodle 4.5 answers 200 and `[]` to a score that it did not keep.
    answers_scores_with_nothing: bool = True
    # Moodle compares timestamps in whole seconds and answers 409 to an equal one (scores.php).
    seconds_between_scores: float = 1.5


@dataclass(frozen=True, slots=True)
class CanvasQuirks(Quirks):
    # sso.canvaslms.com signs in, school.instructure.com or a vanity domain serves.
    services_on_registered_hosts: bool = False

    def score(self, score: dict[str, Any], *, verify_url: str, submitted_at: str) -> dict[str, Any]:
        """Canvas makes a submission of every score and marks it late by its own clock unless told when
        (canvas-lms#1799); the certificate is the submission where there is one.
        """
        submission: dict[str, Any] = {"submitted_at": submitted_at}
        if verify_url:
            submission |= {"submission_type": "online_url", "submission_data": verify_url}
        return {**score, CANVAS_SUBMISSION: submission}


@dataclass(frozen=True, slots=True)
class BlackboardQuirks(Quirks):
    services_on_registered_hosts: bool = False
    # Newlines vanish in the gradebook's comment.
    comment_newline: str = "<br/>"


_QUIRKS = {
    Family.MOODLE: MoodleQuirks(),
    Family.CANVAS: CanvasQuirks(),
    # The token comes from auth.brightspace.com, the services from the school's host.
    Family.BRIGHTSPACE: Quirks(services_on_registered_hosts=False),
    Family.BLACKBOARD: BlackboardQuirks(),
    Family.SAKAI: Quirks(),
    Family.GENERIC: Quirks(),
}


def of(registration: Registration) -> Quirks:
    """The quirks of the registration's make of VLE."""
    return _QUIRKS[Family(registration.family)]

"""Each VLE's difference from the specification, in one place, each with its reason.

Moodle's were executed against 4.5.5; Canvas's, Brightspace's and Blackboard's come from their documentation and
are labelled untested until somebody runs them.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lti_tool import registrations
from lti_tool.models import Family, Launch, Registration

CANVAS = "https://canvas.instructure.com/lti/"
CANVAS_SUBMISSION = f"{CANVAS}submission"
CANVAS_KEEPS_NAME = "https://canvas.instructure.com/lti/preserveExistingAssignmentName"

_STUDENT_ROLE, _STUDENT_ENROLMENT = _("the Student role"), _("a Student enrolment")
_GRADABLE_ROLE = _("a role with “Can be graded in Grades” switched on")
# A score for somebody whom the VLE does not grade, course staff above all: the status, and words of the answer.
# One list for every make, since a VLE may be registered as another.
_UNGRADABLE = (
    (400, "incorrect score received"),  # Moodle 4.5 (executed)
    (
        422,
        "",
    ),  # Canvas: "422 if user not found or is not a student" (scores_controller.rb); Brightspace's FAQ
    (403, "is not enrolled in the org unit"),  # Brightspace, as hypothesis/lms met it (lti_grading/_v13.py)
    (404, "user in requested score does not exist"),  # ibid.
    (400, "user could not be found"),  # Blackboard, ibid.
    (400, "user does not belong to site"),  # Sakai (handleLineItemScore)
)
# Canvas: its own limit of attempts counts our scores (scores_controller.rb).
_NO_ATTEMPTS_LEFT = (422, "maximum number of allowed attempts")


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
    # The gradebook holds something as new or newer.
    conflict_statuses: frozenset[int] = frozenset({409})
    # Results can be asked for of one person alone.
    filters_results: bool = True
    # What makes somebody gradable, in the words of this VLE's administrator: "give … this in the course".
    gradable_by: Promise = _STUDENT_ROLE
    # What a link placed by deep linking may tell: where it opens, and until when it is to be done.
    minds_window: bool = True
    minds_due_date: bool = True
    # `$ResourceLink.id.history` is known: a copied link says what it was copied from.
    tells_link_history: bool = True
    # Submission review launches (LtiSubmissionReviewRequest) are sent.
    reviews_submissions: bool = True
    # The answer to a deep linking request must have a `sub`, which the specification does not ask for.
    answers_need_sub: bool = False

    # A client id is the tool's everywhere, and no sign of which installation speaks.
    client_ids_are_shared: bool = False
    # Where its schools' pages are, when one registration serves them all.
    hosted_pages: str = ""
    # The audience of our token requests where the VLE does not say; empty: its token address.
    token_audience: str = ""
    # `authorization_server` is the audience of token requests (LTI Dynamic Registration §3.4).
    authorization_server_is_audience: bool = True
    # Where the training can be chosen as content, in the VLE's own words for these places.
    content_placements: tuple[str, ...] = ("ContentArea",)
    # Links need no message of their own among those that are registered.
    registers_links: bool = True
    # How many members are asked for on a page of a roster. Moodle reads the whole course for each page, so not few.
    roster_page: int = 500

    def foreign_endpoint(self, configuration_url: str, endpoints: Mapping[str, str]) -> str:
        """The name of an endpoint that is not this VLE's to name, in the configuration found at that address; empty
        when all are.

        An issuer speaks from its own host, and our registration token goes to no other. By name, not by port: a
        Canvas on a port of its own leaves it out of its issuer.
        """
        speaking = _host(configuration_url)
        foreign = [name for name in ("issuer", "registration_endpoint") if _host(endpoints[name]) != speaking]
        return foreign[0] if foreign else ""

    def messages(
        self, supported: Mapping[str, Sequence[str]], *, url: str, label: str
    ) -> list[dict[str, Any]]:
        """The messages that we ask for, of those that the VLE supports at these placements."""
        messages = []
        for name in Launch.Message.values:
            if name in supported and (self.registers_links or name != Launch.Message.RESOURCE_LINK):
                message: dict[str, Any] = {"type": name, "target_link_uri": url, "label": label}
                placements = self._placements(supported[name])
                if name == Launch.Message.DEEP_LINKING and placements:
                    message["placements"] = placements
                messages.append(message)
        return messages

    def _placements(self, supported: Sequence[str]) -> list[str]:
        """In the spelling of the VLE: Canvas has two."""
        return [name for name in supported if name.removeprefix(CANVAS) in self.content_placements]

    def tool_settings(self, *, tool_id: str, vendor: str) -> dict[str, Any]:
        """What this VLE wants in the tool's configuration besides the specification's."""
        return {}

    def may_serve(self, registration: Registration, url: str) -> bool:
        """Whether our token may be sent to `url`: a foreign host would collect it, or whoever listens on http
        where the registration says https.
        """
        origin = registrations.origin(url)
        if not self.services_on_registered_hosts and origin.startswith("https://"):
            return True
        return origin in registrations.service_hosts(registration)

    def is_ungradable(self, status: int, reason: str, body: bytes) -> bool:
        """Whether an answer to a score says that the VLE cannot grade the person. `reason` is the status line's."""
        said = f"{reason} {body[:5000].decode(errors='replace')}".lower()
        return any(status == known and words in said for known, words in _UNGRADABLE)

    def has_no_attempts_left(self, status: int, body: bytes) -> bool:
        """Whether an answer to a score says that this VLE lets the person hand in nothing more."""
        known, words = _NO_ATTEMPTS_LEFT
        return status == known and words in body[:5000].decode(errors="replace").lower()

    def asks_to_wait(self, status: int, body: bytes) -> bool:
        """Whether an answer says that we ask too much at once."""
        return status == 429

    def member(self, entry: Any) -> Any:
        """A roster's entry as the specification has it."""
        return entry

    def score(self, score: dict[str, Any], *, verify_url: str, submitted_at: str) -> dict[str, Any]:
        """The AGS score as this VLE wants it."""
        return {**score, "comment": score["comment"].replace("\n", self.comment_newline)}

    def content_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """The deep linking content item as this VLE wants it."""
        return item


@dataclass(frozen=True, slots=True)
class MoodleQuirks(Quirks):
    # Moodle 4.5 answers 200 and `[]` to a score that it did not keep.
    answers_scores_with_nothing: bool = True
    # Moodle compares timestamps in whole seconds and answers 409 to an equal one (scores.php).
    seconds_between_scores: float = 1.5
    # Moodle 4.5 passes over `window`, `iframe`, `available` and `submission` of a content item (executed).
    minds_window: bool = False
    minds_due_date: bool = False
    # Echoed as it stands (executed).
    tells_link_history: bool = False

    def is_ungradable(self, status: int, reason: str, body: bytes) -> bool:
        """The words stand in the status line, which a proxy may put in its own words; the body of this refusal, and
        of no other with 400, is an empty list (scores.php).
        """
        alone = status == 400 and body.strip() == b"[]"
        # No zero-argument super() in a dataclass with slots.
        return alone or Quirks.is_ungradable(self, status, reason, body)

    def member(self, entry: Any) -> Any:
        """Moodle writes what it says of members as HTML (memberships.php: format_string), unlike in a launch."""
        if not isinstance(entry, dict):
            return entry
        return {
            name: html.unescape(value) if isinstance(value, str) else value for name, value in entry.items()
        }

    def content_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """Moodle keeps the description's HTML and strips the title's: "<" would begin a tag (executed)."""
        title = item["title"].replace("<", "‹").replace(">", "›")
        return {**item, "title": title, "text": html.escape(item["text"], quote=False)}


# The issuers that Instructure's schools share: production, beta and test (lti_dev_key_config.md).
HOSTED_CANVAS = frozenset(
    f"https://canvas.{environment}instructure.com" for environment in ("", "beta.", "test.")
)


@dataclass(frozen=True, slots=True)
class CanvasQuirks(Quirks):
    # sso.canvaslms.com signs in, school.instructure.com or a vanity domain serves.
    services_on_registered_hosts: bool = False
    # A bare host, and no audience (security_controller.rb).
    authorization_server_is_audience: bool = False
    # An assignment, a module's item; and the three where several can be added at once (deep_linking_controller.rb).
    content_placements: tuple[str, ...] = (
        "assignment_selection",
        "link_selection",
        "course_assignments_menu",
        "module_index_menu_modal",
        "module_menu_modal",
    )
    # A message without placements takes link_selection, and away from deep linking (lti/ims/registration.rb).
    registers_links: bool = False
    # "Returns a 400 if the timestamp is earlier than the updated_at time of the Result" (scores_controller.rb).
    conflict_statuses: frozenset[int] = frozenset({400, 409})
    # It gives no more, whatever it is asked for (webwork2#3181).
    roster_page: int = 50
    gradable_by: Promise = _STUDENT_ENROLMENT
    tells_link_history: bool = False
    reviews_submissions: bool = False

    def foreign_endpoint(self, configuration_url: str, endpoints: Mapping[str, str]) -> str:
        """The registration endpoint is the school's own address, also a vanity domain, and is believed because the
        issuer names it. Hosted Canvas has one issuer for all schools, and all else is on Instructure's domains
        (security_controller.rb).
        """
        if endpoints["issuer"] not in HOSTED_CANVAS:
            return "" if _host(endpoints["issuer"]) == _host(configuration_url) else "issuer"
        if not _is_instructures(configuration_url):
            return "issuer"
        theirs = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        return next((name for name in theirs if not _is_instructures(endpoints[name])), "")

    def tool_settings(self, *, tool_id: str, vendor: str) -> dict[str, Any]:
        """Left to itself Canvas shares no names ("defaults to anonymous", registration.md)."""
        return {
            f"{CANVAS}privacy_level": "public",
            f"{CANVAS}tool_id": tool_id,
            f"{CANVAS}vendor": vendor,
        }

    def asks_to_wait(self, status: int, body: bytes) -> bool:
        """Canvas's own throttle answers 403 (file.throttling.html)."""
        return status == 429 or (status == 403 and b"rate limit exceeded" in body[:5000].lower())

    def score(self, score: dict[str, Any], *, verify_url: str, submitted_at: str) -> dict[str, Any]:
        """Canvas makes a submission of every score and marks it late by its own clock unless told when
        (canvas-lms#1799); the certificate is the submission where there is one.
        """
        submission: dict[str, Any] = {"submitted_at": submitted_at}
        if verify_url:
            submission |= {"submission_type": "online_url", "submission_data": verify_url}
        return {**score, CANVAS_SUBMISSION: submission}

    def content_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """The text becomes an assignment's description, which is HTML; a name that the author gave the assignment
        before choosing stays (deep_linking_modules.rb, EditView.jsx).
        """
        return {**item, "text": html.escape(item["text"], quote=False), CANVAS_KEEPS_NAME: True}


@dataclass(frozen=True, slots=True)
class BlackboardQuirks(Quirks):
    services_on_registered_hosts: bool = False
    # A tool is registered once, in Anthology's developer portal, and deployed by every institution.
    client_ids_are_shared: bool = True
    hosted_pages: str = "https://*.blackboard.com"
    # Newlines vanish in the gradebook's comment.
    comment_newline: str = "<br/>"
    # Asked for one person it leaves the comment out (hypothesis/lms, lti_grading/_v13.py).
    filters_results: bool = False
    reviews_submissions: bool = False
    # "Required by Learn" (docs.anthology.com, dl-return-token).
    answers_need_sub: bool = True


@dataclass(frozen=True, slots=True)
class BrightspaceQuirks(Quirks):
    # One for all of D2L's (hypothesis/lms, product/d2l/_plugin/misc.py).
    token_audience: str = "https://api.brightspace.com/auth/token"  # noqa: S105 no password
    # The token comes from auth.brightspace.com, the services from the school's host.
    services_on_registered_hosts: bool = False
    # "AGS scores are stored only when the Can be graded in Grades option is enabled" for the role (D2L's articles).
    gradable_by: Promise = _GRADABLE_ROLE


_QUIRKS = {
    Family.MOODLE: MoodleQuirks(),
    Family.CANVAS: CanvasQuirks(),
    Family.BRIGHTSPACE: BrightspaceQuirks(),
    Family.BLACKBOARD: BlackboardQuirks(),
    Family.SAKAI: Quirks(),
    Family.GENERIC: Quirks(),
}
# How makes of VLE call themselves: `product_family_code`, in lower case.
_PRODUCTS = {
    "moodle": Family.MOODLE,
    "canvas": Family.CANVAS,
    "desire2learn": Family.BRIGHTSPACE,
    "blackboardlearn": Family.BLACKBOARD,
    "sakailms.org": Family.SAKAI,
}


def of(registration: Registration) -> Quirks:
    """The quirks of the registration's make of VLE."""
    return of_family(Family(registration.family))


def of_family(family: Family) -> Quirks:
    return _QUIRKS[family]


def family_of(product_family_code: str) -> Family:
    """The make of VLE that calls itself so."""
    return _PRODUCTS.get(product_family_code.lower(), Family.GENERIC)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _is_instructures(url: str) -> bool:
    return _host(url).endswith((".instructure.com", ".canvaslms.com"))

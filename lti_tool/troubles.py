"""What goes wrong on a connection, in an operator's words: what happened, and what to do about it.

The person in front of a refused launch reads `rejections`; here is what whoever looks after the connection can do.
Operators' words (here, in `cures`, `self_test` and `connections`) are in English only; learners', leads' and VLE
admins' are in gettext.
"""

from dataclasses import dataclass

from lti_tool.models import ConnectionTally
from lti_tool.rejections import EXPLANATIONS

Kind = ConnectionTally.Kind

COPY_AGAIN = (
    "Copy the tool's addresses from this page into the VLE again, and the VLE's into the registration."
)
NOTHING = "Nothing, unless it goes on: it happens when somebody waits too long or uses an old page."
TEST = "Run the self-test on this page: it says which setting is wrong."


@dataclass(frozen=True, slots=True)
class Trouble:
    """`passes`: no sign that the connection is broken: one person's moment, or what a login that anybody can send,
    unsigned as it is, brings about.
    """

    what: str
    cure: str
    passes: bool = False


# What an operator does about each refusal of `rejections.EXPLANATIONS`.
_LAUNCHES = {
    "login_invalid": (COPY_AGAIN, False),
    "registration_unknown": ("Register the VLE again.", False),
    "registration_ambiguous": (COPY_AGAIN, False),
    "registration_inactive": ("Switch the registration on again, if its people are to come in.", True),
    "deployment_pending": ("Accept the deployment above and give it to a school.", False),
    "deployment_refused": ("Nothing, unless its people are to come in after all: then accept it.", True),
    "user_inactive": (
        "Nothing, unless this person is to come in: then switch them on under VLE users.",
        True,
    ),
    "platform_error": (
        "If it goes on: the VLE's own settings for the tool are wrong, above all its redirect URI. "
        + COPY_AGAIN,
        True,
    ),
    "state_missing": (NOTHING, True),
    "state_invalid": (NOTHING, True),
    "browser_mismatch": (
        "If many meet it: let the VLE open the training in a new window, since their browsers keep no cookies of "
        "embedded pages.",
        True,
    ),
    "nonce_replayed": (NOTHING, True),
    "nonce_mismatch": (NOTHING, True),
    "registration_mismatch": (
        "If it goes on: two of the VLE's tools share our addresses. Register each with its own client ID.",
        False,
    ),
    "deployment_mismatch": (NOTHING, True),
    "target_foreign": (
        "If it goes on: correct the link's address in the course: it must begin with the tool's own.",
        True,
    ),
    "token_malformed": (TEST, False),
    "token_too_large": ("Let the VLE send fewer custom parameters with the tool.", False),
    "kid_missing": ("Let the VLE's makers know: its messages must name their key.", False),
    "kid_unknown": (
        "Check the public keyset URL in the registration: it is another VLE's, or an old one.",
        False,
    ),
    "algorithm_refused": ("Let the VLE sign with RS256.", False),
    "signature_invalid": ("Check the public keyset URL in the registration. " + TEST, False),
    "keys_unavailable": (
        "Let the VLE's network people see to it that this server can fetch the VLE's public keyset. " + TEST,
        False,
    ),
    "token_expired": ("If it goes on: set the VLE's clock right, and this server's. " + TEST, True),
    "token_not_yet_valid": ("Set the VLE's clock right, and this server's. " + TEST, False),
    "token_too_old": ("If it goes on: set the VLE's clock right, and this server's. " + TEST, True),
    "audience_mismatch": ("Check the client ID in the registration.", False),
    "claim_missing": (
        "Let the VLE send the course and the role with the tool; its privacy settings may hold them back.",
        False,
    ),
    "claim_invalid": ("Let the VLE's makers know, with the code from the log.", False),
    "version_unsupported": ("Add the tool to the VLE as an LTI 1.3 tool, not as LTI 1.1.", False),
    "message_type_unsupported": ("Offer the tool in the VLE for activities in courses only.", False),
    "author_role_missing": ("Nothing, unless this person is to edit the course.", True),
    "administrator_role_missing": ("Nothing, unless this person is to administer the VLE.", True),
    "return_url_foreign": ("Add the VLE's other address to the registration's frame hosts.", False),
    "service_host_foreign": ("Add the VLE's other address to the registration's frame hosts.", False),
    "handover_used": (NOTHING, True),
}

# Why a grade or a list of members did not get through: the codes of `gradebook.Reason` and `nrps`. These cures are
# for every make of VLE; `cures` has those of one.
SERVICES = {
    "unreachable": Trouble(
        "The VLE could not be reached, or did not answer in time.",
        "Look whether the VLE is up, and whether a firewall keeps this server out.",
    ),
    "key_refused": Trouble(
        "The VLE does not accept the tool's key.",
        "Check the tool's keyset URL and client ID in the VLE.",
    ),
    "scope_refused": Trouble(
        "The VLE does not let the tool use this service.",
        "Allow the tool this service (grades, or names and roles) in its settings in the VLE.",
    ),
    "token_refused": Trouble(
        "The VLE gave no access to its services.",
        "Compare the tool's client ID and keyset URL in the VLE, and the access token URL in the registration.",
    ),
    "not_allowed": Trouble(
        "The VLE forbids what the tool asked of this course.",
        "Allow the tool grades, and names and roles, in its settings in the VLE, and see that it is switched on in "
        "this course.",
    ),
    "ungradable": Trouble(
        "The VLE takes no grade for somebody, most often because they are in the course as a teacher.",
        "Ask the VLE's admin to give them the Student role in that course, then send the grade again.",
        passes=True,
    ),
    "no_attempts_left": Trouble(
        "The VLE lets somebody hand in nothing more for an activity.",
        "Raise the number of attempts in the VLE's assignment, then send the grade again.",
        passes=True,
    ),
    "rejected": Trouble(
        "The VLE took a grade for wrong.",
        "Look into the VLE's log of this moment, which says what it minds, and let the tool's makers know.",
    ),
    "no_column": Trouble(
        "An activity has no column in the gradebook, and the tool may not make one.",
        "Give the activity a grade in the VLE, or allow the tool to make columns; then send the grades again.",
    ),
    "column_gone": Trouble(
        "An activity's column in the gradebook is gone.",
        "Nothing, unless it goes on: the tool looks for the column, or makes it, at its next try.",
        passes=True,
    ),
    "course_gone": Trouble(
        "The VLE has no such course any more.",
        "Nothing, if the course was deleted. Otherwise open the activity from the course once.",
        passes=True,
    ),
    "newer_grade": Trouble(
        "The gradebook held something newer, perhaps a grade that a teacher entered.",
        "Nothing, unless it goes on: then set the VLE's clock right, and this server's.",
        passes=True,
    ),
    "slow_down": Trouble(
        "The VLE asked the tool to slow down.", "Nothing: the tool waits and tries again.", passes=True
    ),
    "platform_fault": Trouble(
        "The VLE had a fault of its own.",
        "Nothing, unless it goes on: the tool tries again. Then ask the VLE's admin to look into its log.",
    ),
    "unreadable": Trouble(
        "The VLE's answer cannot be read.",
        "Look whether a sign-in page, a maintenance page or a firewall stands before the VLE's services.",
    ),
    "endless": Trouble(
        "The VLE's list of members has no end.",
        "Let the VLE's makers know: one page leads to the next for ever.",
    ),
    "roster_empty": Trouble(
        "The VLE's list of members is empty, though people open the training from that course.",
        "Allow the tool names and roles in its settings in the VLE.",
    ),
    "our_fault": Trouble(
        "Something went wrong on the tool's side.",
        "Look into the tool's log, and let its makers know.",
    ),
    "too_large": Trouble(
        "The VLE's answer is larger than any that makes sense.",
        "Look whether another site answers at the VLE's address. Otherwise let the tool's makers know.",
    ),
    "foreign_address": Trouble(
        "The VLE named a service at an address that is not its own.",
        "Add the VLE's other address to the registration's frame hosts, if it is the VLE's.",
    ),
    "switched_off": Trouble(
        "The connection, or this part of it, is switched off.",
        "Switch it on again, then send the grades again.",
    ),
}

_LAUNCH_TROUBLES = {
    reason: Trouble(EXPLANATIONS[reason].what, cure, passes) for reason, (cure, passes) in _LAUNCHES.items()
}
_UNKNOWN = Trouble("Something went wrong that has no name yet.", TEST)


def of(kind: str, reason: str) -> Trouble:
    """The words for a reason that was counted."""
    table = _LAUNCH_TROUBLES if kind == Kind.LAUNCH else SERVICES
    return table.get(reason, _UNKNOWN)

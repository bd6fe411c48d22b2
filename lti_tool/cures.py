"""What to do about a failed check or service, by make of VLE, in the words of its own menus.

Moodle's were looked up in 4.5; the others' come from their documentation.
"""

from lti_tool import troubles
from lti_tool.models import ConnectionTally, Family

_MOODLE = (
    "In Moodle: Site administration → Plugins → Activity modules → External tool → Manage tools → the tool's "
    "pencil"
)
_MOODLE_GRADES = (
    f"{_MOODLE} → Services → IMS LTI Assignment and Grade Services: choose “Use this service for grade sync and "
    "column management”."
)
_MOODLE_SECURITY = (
    "Site administration → General → Security → HTTP security lists the hosts and ports that it may not ask."
)
_CANVAS_KEY = "In Canvas: Admin → Developer Keys → the tool's key"
_CANVAS_SERVICES = f"{_CANVAS_KEY} → edit → LTI Advantage Services: switch on"
_BRIGHTSPACE = "In Brightspace: Admin Tools → Manage Extensibility → LTI Advantage → the tool"
_BRIGHTSPACE_GRADES = (
    f"{_BRIGHTSPACE} → Extensions: tick Assignment and Grade Services, there and in the deployment (View "
    "Deployments)."
)
_BLACKBOARD = "In Blackboard: Administrator Panel → LTI Tool Providers → the tool → Edit"
_BLACKBOARD_GRADES = f"{_BLACKBOARD} → Institution policies → Allow grade service access: Yes."
_PORTAL = "In Anthology's developer portal: My Apps → the application"

# By problem, then by make of VLE; GENERIC stands in for every make that is not named.
CURES: dict[str, dict[Family, str]] = {
    "inactive": {
        Family.GENERIC: "Tick “Is active” in the registration, if its people are to come in.",
    },
    "auth_address": {
        Family.GENERIC: (
            "Correct the authentication request URL in the registration: copy it again from the VLE."
        ),
    },
    "keys_unreachable": {
        Family.GENERIC: (
            "Check the public keyset URL in the registration. If it is right, let this server reach it: look at "
            "the VLE's firewall, and at its certificate."
        ),
        Family.CANVAS: (
            "It should be https://sso.canvaslms.com/api/lti/security/jwks, or the address of your own Canvas. Let "
            "this server reach it."
        ),
        Family.BLACKBOARD: f"Copy the public keyset URL again, and let this server reach it. {_PORTAL}.",
    },
    "keys_unreadable": {
        Family.GENERIC: (
            "The address answers, but not with keys: copy the public keyset URL again from the VLE."
        ),
        Family.MOODLE: (
            "Copy the public keyset URL again: it ends in /mod/lti/certs.php. If it is right, look whether Moodle "
            "shows a maintenance or sign-in page there."
        ),
    },
    "own_keys": {
        Family.GENERIC: (
            "PUBLIC_URL must be the address at which VLEs and browsers reach this tool, and lead to it. Correct "
            "it, or the proxy in front of the tool, and start the tool again."
        ),
    },
    "not_https": {
        Family.GENERIC: (
            "Put the tool behind an https address and set PUBLIC_URL to it: hosted VLEs ask no other."
        ),
    },
    "clock": {
        Family.GENERIC: (
            "Set this server's clock by NTP. If it is right, ask the VLE's admin to do the same there."
        ),
    },
    "client": {
        Family.GENERIC: (
            "Check three things in the VLE: the tool's client ID is the registration's, its public keyset is the "
            "tool's keyset URL, and the VLE's server can fetch that address."
        ),
        Family.MOODLE: (
            f"{_MOODLE}: Public key type must be “Keyset URL”, and Public keyset the tool's keyset URL. "
            f"Compare the client ID too. Moodle's server must be able to fetch that address: {_MOODLE_SECURITY}"
        ),
        Family.CANVAS: (
            f"{_CANVAS_KEY}: its State must be On, its JWK Method “Public JWK URL” with the tool's keyset URL "
            "and its number the registration's client ID."
        ),
        Family.BRIGHTSPACE: (
            f"{_BRIGHTSPACE}: it must be enabled, its Keyset URL the tool's keyset URL, and its Client Id "
            "the registration's."
        ),
        Family.BLACKBOARD: (
            f"{_PORTAL}: Tool JWKS URL must be the tool's keyset URL, Signing Algorithm RS256, and the "
            "Application ID the registration's client ID. In Learn the tool must be approved."
        ),
    },
    "audience": {
        Family.GENERIC: "Enter the audience that the VLE wants as “Token audience” in the registration.",
        Family.BRIGHTSPACE: (
            "Enter https://api.brightspace.com/auth/token as “Token audience” in the registration."
        ),
    },
    "token_address": {
        Family.GENERIC: (
            "Copy the access token URL again from the VLE into the registration, and let this server reach "
            "it."
        ),
        Family.MOODLE: (
            "Check that the access token URL ends in /mod/lti/token.php. If it does, Moodle could most likely not "
            f"fetch the tool's keys: {_MOODLE_SECURITY}"
        ),
        Family.CANVAS: (
            "It should be https://sso.canvaslms.com/login/oauth2/token, or the address of your own Canvas."
        ),
        Family.BRIGHTSPACE: "It should be https://auth.brightspace.com/core/connect/token.",
        Family.BLACKBOARD: "It should be https://developer.blackboard.com/api/v1/gateway/oauth2/jwttoken.",
    },
    # One for each scope, by its last word.
    "lineitem": {
        Family.GENERIC: (
            "Allow the tool to make gradebook columns. Without it an activity must be given a grade in the "
            "VLE."
        ),
        Family.MOODLE: f"{_MOODLE_GRADES} Activities that have a grade already work without.",
        Family.CANVAS: (
            f"{_CANVAS_SERVICES} “Can create and view assignment data in the gradebook associated with the tool”. "
            "Assignments that exist already work without."
        ),
        Family.BRIGHTSPACE: _BRIGHTSPACE_GRADES,
        Family.BLACKBOARD: _BLACKBOARD_GRADES,
    },
    "lineitem.readonly": {
        Family.GENERIC: "Allow the tool to see gradebook columns.",
        Family.MOODLE: _MOODLE_GRADES,
        Family.CANVAS: (
            f"{_CANVAS_SERVICES} “Can view assignment data in the gradebook associated with the tool”."
        ),
        Family.BRIGHTSPACE: _BRIGHTSPACE_GRADES,
        Family.BLACKBOARD: _BLACKBOARD_GRADES,
    },
    "result.readonly": {
        Family.GENERIC: (
            "Allow the tool to read grades back. Without it a grade that may have arrived is sent again."
        ),
        Family.MOODLE: _MOODLE_GRADES,
        Family.CANVAS: (
            f"{_CANVAS_SERVICES} “Can view submission data for assignments associated with the tool”."
        ),
        Family.BRIGHTSPACE: _BRIGHTSPACE_GRADES,
        Family.BLACKBOARD: _BLACKBOARD_GRADES,
    },
    "score": {
        Family.GENERIC: "Allow the tool to send grades. Without it no result reaches the gradebook.",
        Family.MOODLE: _MOODLE_GRADES,
        Family.CANVAS: (
            f"{_CANVAS_SERVICES} “Can create and update submission results for assignments associated with the "
            "tool”."
        ),
        Family.BRIGHTSPACE: _BRIGHTSPACE_GRADES,
        Family.BLACKBOARD: _BLACKBOARD_GRADES,
    },
    "contextmembership.readonly": {
        Family.GENERIC: (
            "Allow the tool to see the members of its courses. Without it the lead's page shows only those who "
            "opened the training."
        ),
        Family.MOODLE: (
            f"{_MOODLE} → Services → IMS LTI Names and Role Provisioning: choose “Use this service to retrieve "
            "members' information as per privacy settings”."
        ),
        Family.CANVAS: (
            f"{_CANVAS_SERVICES} “Can retrieve user data associated with the context the tool is installed "
            "in”."
        ),
        Family.BRIGHTSPACE: (
            f"{_BRIGHTSPACE} → Extensions: tick Names and Role Provisioning Services, there and in the deployment "
            "(View Deployments)."
        ),
        Family.BLACKBOARD: f"{_BLACKBOARD} → Institution policies → Allow Membership Service Access: Yes.",
    },
    # What services answer; every make's cure is `troubles`'s.
    "not_allowed": {
        Family.CANVAS: (
            "See that the app is installed in this course or an account above it, and that the course is "
            "published."
        ),
        Family.BRIGHTSPACE: (
            "See that the tool's deployment is enabled, and shared with this course's org unit."
        ),
    },
    "ungradable": {
        Family.BRIGHTSPACE: (
            "Give people who take the training a role with “Can be graded in Grades”: Roles and Permissions → the "
            "role → Edit settings."
        ),
    },
    "not_kept": {
        Family.GENERIC: (
            "The VLE took a score and does not show it: see that the course's gradebook is open, then test "
            "again."
        ),
        Family.CANVAS: (
            "See that the course is published: Canvas takes scores for published assignments only."
        ),
    },
    "scratch_left": {
        Family.GENERIC: "Delete the column “SafeResponse self-test” in the course's gradebook by hand.",
    },
    "empty": {
        Family.GENERIC: "Enrol somebody in the course, or try another one.",
    },
}
_OTHERWISE = "Look into the VLE's own log of this moment, and let the tool's makers know."


def of(problem: str, family: str) -> str:
    """What to do about a problem of the self-test, or a service's reason, at this make of VLE."""
    by_family = CURES.get(problem, {})
    own = by_family.get(Family(family)) or by_family.get(Family.GENERIC)
    if own:
        return own
    trouble = troubles.SERVICES.get(problem)
    return trouble.cure if trouble else _OTHERWISE


def of_trouble(kind: str, reason: str, family: str) -> str:
    """What to do about a reason that was counted, at this make of VLE."""
    is_service = kind != ConnectionTally.Kind.LAUNCH and reason in troubles.SERVICES
    return of(reason, family) if is_service else troubles.of(kind, reason).cure

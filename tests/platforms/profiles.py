"""How each make of VLE differs, for the fake platform to behave so. A field's default is the specification's word.

Where a line is marked [X] it was executed against a real Moodle 4.5.5, [S] read in the VLE's source, [D] read in
its documentation or in an issue: see "LTI platforms and libraries", §3 and the executed Moodle part. What is not
marked is not known of that VLE, and stays the specification's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tests.platforms.people import Kind
from tests.platforms.terms import (
    ADMINISTRATOR,
    ASSISTANT,
    COURSE_TYPE,
    DATA_PRIVACY,
    DEEP_LINKING,
    INSTRUCTOR,
    LEARNER,
    MEMBERSHIP,
    RESOURCE_LINK,
    SUBMISSION_REVIEW,
)

Roles = Mapping[Kind, tuple[str, ...]]
LIS = "http://purl.imsglobal.org/vocab/lis/v2/"
PLAIN_ROLES: Roles = {
    "learner": (LEARNER,),
    "teacher": (INSTRUCTOR,),
    "assistant": (ASSISTANT, INSTRUCTOR),
    "admin": (INSTRUCTOR, ADMINISTRATOR),
}


@dataclass(frozen=True)
class SigningIn:
    """Login, authentication and token endpoint."""

    id_token_life: int = 300
    # A hint that was used, or was never given, ends on an error page.
    one_use_hint: bool = True
    deployment_parameter: str = "lti_deployment_id"
    # The login's target is the address that the tool registered; only the message names the link's.
    login_names_registered: bool = False
    # What comes with the login request besides.
    also_sent: Mapping[str, str] = field(default_factory=dict)
    # The frame that answers platform storage's messages, in the login and in the launch form.
    storage_target: str = ""
    # `aud` of the assertion; None: not checked.
    token_audience: str | None = "{url}/token"
    token_type: str = "application/json"


@dataclass(frozen=True)
class Launches:
    """What stands in a message."""

    roles: Roles = field(default_factory=lambda: PLAIN_ROLES)
    context_types: tuple[str, ...] = (f"{COURSE_TYPE}CourseSection",)
    messages: frozenset[str] = frozenset({RESOURCE_LINK, DEEP_LINKING, SUBMISSION_REVIEW, DATA_PRIVACY})
    # How the data privacy message calls itself: the draft's name has changed.
    data_privacy_name: str = DATA_PRIVACY
    # Custom variables that are known. One that is not arrives as it was written.
    variables: frozenset[str] = frozenset(
        {"Context.id.history", "ResourceLink.id.history", "ResourceLink.title", "User.username"}
    )
    # A custom parameter in mixed case arrives a second time, in lower case.
    repeats_parameters: bool = False
    # What the tool registered with goes before a link's own parameter of the same name.
    registered_parameters_win: bool = False
    # What stands where the VLE has nothing to say; "omitted" leaves the claim out.
    nothing: str | None = "omitted"
    # The link without a column of its own: `lineitem` is left out, or empty.
    no_column: Literal["omitted", "empty"] = "omitted"
    offers_roster: bool = True
    not_before: bool = False


@dataclass(frozen=True)
class DeepLinking:
    """What the VLE takes when content is chosen, and what becomes of it."""

    accept_types: tuple[str, ...] = ("ltiResourceLink",)
    targets: tuple[str, ...] = ("iframe", "window")
    accept_multiple: bool = True
    accept_line_item: bool | None = None
    further_settings: Mapping[str, Any] = field(default_factory=dict)
    # Comes with the request and must come back to the letter; "" is a value too, None is none.
    data: str | None = None
    # Claims that the answer needs besides the specification's.
    further_claims: tuple[str, ...] = ()
    keeps_custom: bool = True
    title_at_most: int | None = None
    # A column's maximum is a whole number up to this; else the link is made without a column.
    whole_maximum_to: int | None = None
    # A line break in a custom value begins another parameter.
    splits_custom: bool = False


@dataclass(frozen=True)
class Registering:
    """Dynamic registration."""

    path: str = "/.well-known/openid-configuration"
    # What stands in the configuration's address besides; {token} is the registration token.
    query: str = ""
    configuration_needs_token: bool = False
    # How a bad payload is answered, and a token that was used.
    strictness: Literal["specification", "moodle", "canvas", "brightspace", "sakai"] = "specification"
    used_token_status: int = 401
    status: int = 201
    # Whether the answer names a deployment; else an admin makes one afterwards.
    names_deployment: bool = True
    # The tool cannot be launched before an admin has switched it on.
    arrives_pending: bool = False
    authorization_server: str = ""
    placements: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Any of the gradebook's scopes brings them all.
    all_scopes_or_none: bool = False


@dataclass(frozen=True)
class Paging:
    """How a list is cut into pages, and how the Link header says so."""

    # Without `limit`; None: everything at once.
    size: int | None = None
    at_most: int | None = None
    # quoted: rel="next". odd: other links before it, more parameters, rel=next unquoted, an opaque mixed-case
    # cursor. curly: typographic quotation marks, and &amp; in the address.
    link: Literal["quoted", "odd", "curly"] = "quoted"
    cursor: str = "from"
    # Parameters that the next page's address forgets.
    forgets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gradebook:
    """Line items, scores and results."""

    # What stands in the query of every address, and must stay there behind what is added to the path.
    query: str = ""
    exact_media_types: bool = True
    lists_need_accept: bool = False
    line_items: Paging = Paging(size=50)
    results: Paging = Paging(size=50)
    results_break_on_limit: bool = False
    # Somebody who cannot be graded, above all a teacher.
    ungradable_status: int = 400
    ungradable: str = "Incorrect score received"
    # Nobody who is not in the course can be graded.
    members_only: bool = True
    # A refusal stands in the status line, with the request's body, and nowhere when that has a line break.
    echoes_refused: bool = False
    # Scores are told apart by the second.
    whole_seconds: bool = False
    # What is compared with the next score's timestamp is when this one came in.
    keeps_receipt_time: bool = False
    older_status: int = 409
    refuses_equal: bool = True
    checks_progress: bool = True
    # A score that is not final, or has no points, takes the grade that was there away.
    erases_unless_final: bool = False
    # kept: a score without one leaves the comment. replaced: it takes it away. appended: every one is another.
    comments: Literal["kept", "replaced", "appended"] = "kept"
    clamps: bool = False
    # A score is a submission, late by the VLE's clock unless it says when it was handed in.
    makes_submissions: bool = False
    answers_result_url: bool = False
    coupled_delete_status: int = 204
    coupled_put_status: int = 200
    put_keeps_omitted: bool = False


@dataclass(frozen=True)
class RosterService:
    """Names and roles."""

    roles: Roles = field(default_factory=lambda: PLAIN_ROLES)
    paging: Paging = Paging(size=50)
    media_type: str = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
    checks_accept: bool = True
    escapes_names: bool = False
    gives_status: bool = True
    active_only: bool = True
    # What stands for a name or an address that is not known.
    nothing: str | None = "omitted"
    no_scope_status: int = 403


@dataclass(frozen=True)
class Profile:
    """One make of VLE. `product_family_code` is how it calls itself, `name` how the tool calls it."""

    name: str
    product_family_code: str
    # {url} is the server by its number, {port} its port.
    issuer: str = "{url}"
    signing_in: SigningIn = SigningIn()
    launches: Launches = Launches()
    deep_linking: DeepLinking = DeepLinking()
    # None: connected by hand only.
    registering: Registering | None = Registering()
    gradebook: Gradebook = Gradebook()
    roster: RosterService = RosterService()

    def __str__(self) -> str:
        return self.name


GENERIC = Profile(
    name="generic",
    product_family_code="example-vle",
    # Everything that the specifications allow and that a hasty reader trips over.
    launches=Launches(nothing=None, no_column="empty"),
    deep_linking=DeepLinking(
        accept_types=("link", "ltiResourceLink"),
        accept_line_item=True,
        data="csrftoken:c7fbba78+AbC/== ",
        further_settings={"accept_media_types": "*/*", "auto_create": True, "title": None, "text": ""},
    ),
    gradebook=Gradebook(
        line_items=Paging(size=2, link="odd", cursor="bookmark"),
        results=Paging(size=2, link="odd", cursor="bookmark"),
        members_only=False,
    ),
    roster=RosterService(
        paging=Paging(size=50, link="odd", cursor="bookmark"),
        gives_status=False,  # `status` may be left out: then it is Active (NRPS 2.0 §2.2)
        active_only=False,
        nothing=None,
    ),
)

MOODLE_VARIABLES = frozenset(
    {
        "Context.id.history",
        "ResourceLink.title",
        "User.username",
        "Person.address.timezone",
        "CourseSection.timeFrame.end",
        "Moodle.Person.userGroupIds",
    }
)
MOODLE = Profile(
    name="moodle",
    product_family_code="moodle",
    signing_in=SigningIn(
        id_token_life=60,  # [X] M:locallib.php:3378-3386
        one_use_hint=True,  # [X] a reused authentication URL is answered 404
        token_audience=None,  # [X] `aud` and `jti` are not checked
        token_type="text/html; charset=utf-8",  # [X] JSON under the name of a page
    ),
    launches=Launches(
        roles={
            "learner": (LEARNER,),  # [X] whole URIs in a launch
            "teacher": (INSTRUCTOR,),
            "assistant": (INSTRUCTOR,),  # [X] a non-editing teacher is an Instructor at launch
            "admin": (INSTRUCTOR, ADMINISTRATOR, f"{LIS}system/person#Administrator"),  # [X]
        },
        context_types=("CourseSection",),  # [X] the short name
        messages=frozenset({RESOURCE_LINK, DEEP_LINKING, SUBMISSION_REVIEW}),  # [X]
        variables=MOODLE_VARIABLES,  # [X] no due dates, no link history
        repeats_parameters=True,  # [X] `ModuleId` and `moduleid`
        registered_parameters_win=True,  # [X]
        nothing="",  # [X] empty strings in `lis`
        no_column="empty",  # [X] a standalone item linked to an ungraded activity: "lineitem": ""
    ),
    deep_linking=DeepLinking(
        targets=("frame", "iframe", "window"),  # [X]
        accept_multiple=True,  # [X]
        data=None,  # [X]
        further_settings={  # [X]
            "accept_copy_advice": False,
            "accept_unsigned": False,
            "auto_create": False,
            "can_confirm": False,
            "title": "SafeResponse",
            "text": "",
        },
        title_at_most=255,  # [X] a longer one vanishes
        whole_maximum_to=100,  # [X] 12.5 and 150 make an activity without a numeric grade
        splits_custom=True,  # [X]
    ),
    registering=Registering(
        path="/mod/lti/openid-configuration.php",  # [X]
        strictness="moodle",  # [X] plain text, 400
        used_token_status=401,  # [X] token_already_used
        status=200,  # [X] not 201
        names_deployment=True,  # [X] inside the tool configuration
        arrives_pending=True,  # [X] until an admin presses Activate
        placements={RESOURCE_LINK: (), DEEP_LINKING: ("ContentArea",)},  # [X]
        all_scopes_or_none=True,  # [X]
    ),
    gradebook=Gradebook(
        query="type_id=1",  # [X]
        exact_media_types=True,  # [X] application/json: 400 "No handler found"
        lists_need_accept=True,  # [X] none or */* on line items: 400
        line_items=Paging(link="curly"),  # [X] M:lineitems.php:206-214; without `limit` everything at once
        results=Paging(),
        results_break_on_limit=True,  # [X] 404, an HTML page
        ungradable_status=400,  # [X]
        echoes_refused=True,  # [X] in the status line; 200 and [] when the body has line breaks
        whole_seconds=True,  # [X] >= at whole seconds: 409 (GBS:/resources/scores.php)
        keeps_receipt_time=True,  # [X] 4.5.5, for an activity's own column
        checks_progress=False,  # [X] activityProgress may be any text
        erases_unless_final=True,  # [X]
        comments="replaced",  # [X]
        clamps=True,  # [X]
        coupled_delete_status=204,  # [X] and later launches lose `lineitem`
    ),
    roster=RosterService(
        roles={  # [X] short names, and another idea of who teaches than the launch has
            "learner": ("Learner",),
            "teacher": ("Instructor",),
            "assistant": ("Learner",),
            "admin": (),
        },
        paging=Paging(cursor="from", forgets=("role",)),  # [X]; M:memberships.php:477
        escapes_names=True,  # [X]
    ),
)

CANVAS = Profile(
    name="canvas",
    product_family_code="canvas",
    # Shared by every hosted Canvas; configuration there, sign-in and services elsewhere [D] lti_launch_overview.md
    issuer="http://localhost:{port}",
    signing_in=SigningIn(
        id_token_life=3600,  # [S] CV:lib/lti/messages/jwt_message.rb
        deployment_parameter="deployment_id",  # [D] lti_launch_overview.md, step 1
        login_names_registered=True,  # [D] ibid.; [S] CV:app/models/lti/lti_advantage_adapter.rb
        also_sent={"canvas_region": "us-east-1", "canvas_environment": "production"},  # [D] ibid.
        storage_target="post_message_forwarding",  # [D] ibid., "Launching without Cookies"
        token_audience="{url}/token",  # [S] CV:lib/canvas/oauth/client_credentials_provider.rb
    ),
    launches=Launches(
        roles={  # [S] CV:lib/lti/substitutions_helper.rb
            "learner": (f"{LIS}institution/person#Student", LEARNER, f"{LIS}system/person#User"),
            "teacher": (f"{LIS}institution/person#Instructor", INSTRUCTOR, f"{LIS}system/person#User"),
            "assistant": (ASSISTANT, INSTRUCTOR, f"{LIS}system/person#User"),
            "admin": (ADMINISTRATOR, f"{LIS}system/person#User"),
        },
        context_types=(f"{COURSE_TYPE}CourseOffering",),  # [S] ibid.
        messages=frozenset({RESOURCE_LINK, DEEP_LINKING}),  # [D] registration.md
        nothing=None,  # [S] the message's unset attributes
    ),
    deep_linking=DeepLinking(
        accept_multiple=False,  # [S] CV:lib/lti/messages/deep_linking_request.rb, assignment_selection
        further_settings={  # [S] ibid.
            "accept_media_types": "application/vnd.ims.lti.v1.ltilink",
            "auto_create": False,
        },
        keeps_custom=False,  # [D] H:views/lti/deep_linking.py:173-175: not reliably returned
    ),
    registering=Registering(
        path="/api/lti/security/openid-configuration",  # [D] registration.md
        query="registration_token={token}",  # [S] CV:app/controllers/security_controller.rb
        configuration_needs_token=True,  # [D] registration.md
        strictness="canvas",  # [S] CV:lib/schemas/lti/ims/oidc_registration.rb; 422 (ltijs#239)
        status=200,
        names_deployment=False,  # [D] registration.md
        arrives_pending=True,  # [D] registration.md, "Returning the Administrator to Canvas"
        authorization_server="canvas.example",  # [S] a bare host (security_controller.rb), and no audience
        placements={  # [D] registration.md
            RESOURCE_LINK: ("course_navigation", "link_selection", "assignment_selection"),
            DEEP_LINKING: ("assignment_selection", "course_assignments_menu", "link_selection"),
        },
    ),
    gradebook=Gradebook(
        exact_media_types=False,  # [S] CV:app/controllers/lti/ims/*: none is asked for
        line_items=Paging(size=10, at_most=50, cursor="page"),  # [S] line_items_controller.rb: Api.paginate
        results=Paging(size=10, at_most=50, cursor="page"),
        ungradable_status=422,  # [D] scores_controller.rb: "422 if user not found or is not a student"
        ungradable="User not found in course or is not a student",
        older_status=400,  # [D] ibid.: "400 if the timestamp is earlier than the updated_at time of the Result"
        refuses_equal=False,  # [S] ibid.: only an earlier one
        erases_unless_final=True,  # [S] ibid.: unless preserve_score
        comments="appended",  # [S] ibid.: add_comment
        makes_submissions=True,  # [D] canvas-lms#1799
        answers_result_url=True,  # [D] ibid.
        coupled_delete_status=401,  # [S] line_items_controller.rb
        put_keeps_omitted=True,  # [S] line_items_controller.rb: update!
    ),
    roster=RosterService(
        roles={  # [S] names_and_roles_serializer.rb: the enrolment's
            "learner": (LEARNER,),
            "teacher": (INSTRUCTOR,),
            "assistant": (ASSISTANT, INSTRUCTOR),
            "admin": (),
        },
        paging=Paging(size=50, at_most=50, cursor="page"),  # [D] at most 50 (hypothesis, webwork2#3181)
        checks_accept=False,
    ),
)

BRIGHTSPACE = Profile(
    name="brightspace",
    product_family_code="desire2learn",
    signing_in=SigningIn(
        id_token_life=1800,  # [D] the sample of "Security settings for LTI Advantage 1.3": exp - nbf
        token_audience="https://api.brightspace.com/auth/token",  # [D] H:product/d2l/_plugin/misc.py:5-8
    ),
    launches=Launches(
        roles={  # [D] the samples: several at once, the institution's too
            "learner": (LEARNER, f"{LIS}institution/person#Student"),
            "teacher": (INSTRUCTOR, f"{MEMBERSHIP}Member", f"{LIS}institution/person#Instructor"),
            "assistant": (ASSISTANT, f"{LIS}institution/person#Staff"),
            "admin": (f"{MEMBERSHIP}Administrator", ADMINISTRATOR),
        },
        context_types=(f"{COURSE_TYPE}CourseOffering",),  # [D] "Org units and role mapping"
        messages=frozenset(
            {RESOURCE_LINK, DEEP_LINKING, SUBMISSION_REVIEW}
        ),  # [D] valence, ltiadvantage.html
        variables=frozenset({"ResourceLink.title", "User.username"}),  # [D] $User.Id comes back as written
        nothing="",  # [D] "email": ""
        not_before=True,  # [D] nbf
    ),
    registering=Registering(
        query="registration_token={token}",  # [D] "token … as part of the configuration URL"
        strictness="brightspace",  # [D] https only, name and domain unique, keyset reachable
        names_deployment=False,  # [D] an admin makes the deployment, ltiaas.com guide
        authorization_server="https://api.brightspace.com/auth/token",  # LTI-DR: the audience for tokens
        placements={RESOURCE_LINK: (), DEEP_LINKING: ()},
    ),
    gradebook=Gradebook(
        ungradable_status=422,  # [D] "LTI Advantage developer FAQ"
        ungradable="The user cannot be graded",
    ),
)

BLACKBOARD = Profile(
    name="blackboard",
    product_family_code="BlackboardLearn",  # [D] docs.anthology.com, dl-item-launch
    issuer="https://blackboard.com",  # [D] one for all; registered once, centrally
    launches=Launches(
        messages=frozenset({RESOURCE_LINK, DEEP_LINKING}),
        variables=frozenset({"ResourceLink.title", "User.username"}),  # [D] $CourseGroup.id as written
        nothing="",
    ),
    deep_linking=DeepLinking(
        accept_types=("ltiResourceLink", "link"),  # [D] docs.anthology.com, deep-linking
        data="_4_1::_14_1::2::false::true::_13_1::e7a75af804fd4d9fb76812c7cde8ca70::false::false",  # [D] ibid.
        further_settings={"accept_copy_advice": False, "accept_media_types": "*/*", "auto_create": True},
        further_claims=("sub",),  # [D] docs.anthology.com, dl-return-token: "Required by Learn"
    ),
    registering=None,  # [D] the developer portal's central registration
    gradebook=Gradebook(
        ungradable_status=400,  # [D] H:services/lti_grading/_v13.py:156-169
        ungradable="User could not be found",
    ),
)

SAKAI = Profile(
    name="sakai",
    product_family_code="sakailms.org",  # [S] LTI13Servlet.handleWellKnown
    launches=Launches(
        messages=frozenset({RESOURCE_LINK, DEEP_LINKING, DATA_PRIVACY}),  # [S] LaunchJWT
        data_privacy_name="DataPrivacyLaunchRequest",  # [S] LaunchJWT, before the draft's new name
    ),
    registering=Registering(
        path="/imsblis/lti13/well_known",  # [S] LTI13Servlet.handleWellKnown
        query="key=12&clientId=c-12&deploymentId=1",  # [S] ibid.
        strictness="sakai",  # [S] handleRegistrationEndpointPost
        used_token_status=403,  # [S] ibid., without a word
        status=200,  # [S] ibid.
        placements={RESOURCE_LINK: (), DEEP_LINKING: ()},  # [S] messages without placements
    ),
    gradebook=Gradebook(
        ungradable_status=400,  # [S] handleLineItemScore
        ungradable="User does not belong to site",
        coupled_put_status=400,  # [S] doPut: "Attempt to modify an 'on-demand' line item"
    ),
    roster=RosterService(
        paging=Paging(cursor="start", forgets=("role", "rlid")),  # [S] handleNamesAndRoles
        media_type="application/json",  # [S] ibid.
        checks_accept=False,  # [S] ibid.
        no_scope_status=400,  # [S] ibid.
    ),
)

# The platform of the tests that are about no make of VLE: it offers a gradebook that forgets nothing it is not
# told again, and sends what a small Moodle sends.
PLAIN = replace(
    GENERIC,
    name="plain",
    product_family_code="moodle",
    signing_in=SigningIn(id_token_life=60, one_use_hint=False),
    launches=Launches(context_types=("CourseSection",), nothing="", offers_roster=False),
    gradebook=Gradebook(query="type_id=1", members_only=False, comments="replaced"),
)

EVERY_VLE = (MOODLE, CANVAS, BRIGHTSPACE, BLACKBOARD, SAKAI, GENERIC)

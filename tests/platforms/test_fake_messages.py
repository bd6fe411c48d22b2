"""The fake's messages, and how it signs in. Sources: the notes on platforms, executed Moodle part and §3."""

from typing import Any

import pytest
import requests

from tests.platforms import messages, signing_in
from tests.platforms.people import ADMIN, AMINA, CHLOE, TEACHER, Person
from tests.platforms.people import ASSISTANT as TALA
from tests.platforms.profiles import (
    BLACKBOARD,
    BRIGHTSPACE,
    CANVAS,
    EVERY_VLE,
    GENERIC,
    MOODLE,
    SAKAI,
    Profile,
)
from tests.platforms.signing_in import AuthenticationRefused
from tests.platforms.terms import (
    AGS,
    CLAIM,
    DATA_PRIVACY,
    DEEP_LINKING,
    INSTRUCTOR,
    LEARNER,
    NRPS,
    RESOURCE_LINK,
    SUBMISSION_REVIEW,
)
from tests.platforms.tool_side import TOOL, ToolAt, ToolSide

EVERY = pytest.mark.parametrize("profile", EVERY_VLE, ids=str)


def said(tool: ToolSide, message: str = RESOURCE_LINK, **how: Any) -> dict[str, Any]:
    return tool.platform.claims(nonce="n", target=TOOL, message=message, **how)


# --- messages -------------------------------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize(
    ("person", "role"), [(AMINA, LEARNER), (TEACHER, INSTRUCTOR)], ids=["learner", "teacher"]
)
def test_roles_in_a_launch_are_whole_names(
    tool_at: ToolAt, profile: Profile, person: Person, role: str
) -> None:
    """LTI 1.3 §A.2; Moodle, executed; CV:lib/lti/substitutions_helper.rb; D2L's samples."""
    assert role in said(tool_at(profile), person=person)[f"{CLAIM}roles"]


def test_moodles_non_editing_teacher_is_an_instructor(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed."""
    assert said(tool_at(MOODLE), person=TALA)[f"{CLAIM}roles"] == [INSTRUCTOR]


def test_moodles_admin_has_three_roles(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed: Instructor + institution + system Administrator."""
    assert len(said(tool_at(MOODLE), person=ADMIN)[f"{CLAIM}roles"]) == 3


@pytest.mark.parametrize(
    ("profile", "kind"),
    [
        (MOODLE, "CourseSection"),
        (CANVAS, "http://purl.imsglobal.org/vocab/lis/v2/course#CourseOffering"),
        (BRIGHTSPACE, "http://purl.imsglobal.org/vocab/lis/v2/course#CourseOffering"),
        (GENERIC, "http://purl.imsglobal.org/vocab/lis/v2/course#CourseSection"),
    ],
    ids=lambda value: str(value) if isinstance(value, Profile) else "",
)
def test_the_courses_type(tool_at: ToolAt, profile: Profile, kind: str) -> None:
    """Moodle, executed: the short name. D2L: "Org units and role mapping"."""
    assert said(tool_at(profile))[f"{CLAIM}context"]["type"] == [kind]


@pytest.mark.parametrize(
    ("profile", "value"),
    [(MOODLE, ""), (BRIGHTSPACE, ""), (BLACKBOARD, ""), (CANVAS, None), (GENERIC, None)],
    ids=lambda value: str(value) if isinstance(value, Profile) else "",
)
def test_what_is_not_known_is_empty_or_null(tool_at: ToolAt, profile: Profile, value: str | None) -> None:
    """Moodle, executed: empty strings in `lis`. D2L's sample: "email": ""."""
    claims = said(tool_at(profile), person=CHLOE)

    assert claims["email"] == value
    assert claims[f"{CLAIM}lis"]["course_section_sourcedid"] == value


def test_sakai_leaves_out_what_is_not_known(tool_at: ToolAt) -> None:
    assert "email" not in said(tool_at(SAKAI), person=CHLOE)


def test_names_that_are_not_shared(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed: `sub` and person_sourcedid remain."""
    tool = tool_at(MOODLE)
    tool.platform.shares_identity = False

    claims = said(tool, person=TEACHER)

    assert not {"name", "given_name", "family_name", "email"} & claims.keys()
    assert (claims["sub"], claims[f"{CLAIM}lis"]["person_sourcedid"]) == ("teacher-1", "T-001")


@EVERY
def test_a_variable_that_is_not_known_comes_as_it_was_written(tool_at: ToolAt, profile: Profile) -> None:
    """Moodle, executed: `$ResourceLink.submission.endDateTime`; D2L: `$User.Id`; Blackboard: `$CourseGroup.id`."""
    custom = said(tool_at(profile))[f"{CLAIM}custom"]

    assert custom["due"] == "$ResourceLink.submission.endDateTime"


def test_variables_that_moodle_knows(tool_at: ToolAt) -> None:
    """Moodle, executed: known but empty is ""; a title is null where content is chosen; no link history."""
    tool = tool_at(MOODLE)
    variables = ("ResourceLink.title", "CourseSection.timeFrame.end", "ResourceLink.id.history")
    tool.platform.custom_parameters = {name: f"${name}" for name in variables}

    launched = said(tool)[f"{CLAIM}custom"]
    assert [launched[name] for name in variables] == ["All-staff awareness", "", "$ResourceLink.id.history"]
    assert said(tool, DEEP_LINKING)[f"{CLAIM}custom"]["ResourceLink.title"] is None


@pytest.mark.parametrize("profile", [MOODLE, GENERIC], ids=str)
def test_a_copy_knows_where_it_came_from(tool_at: ToolAt, profile: Profile) -> None:
    """Moodle, executed: `Context.id.history` works."""
    tool = tool_at(profile)
    tool.platform.custom_parameters = {"history": "$Context.id.history"}
    (copy,) = tool.platform.copy_course("course-1", "course-2")

    claims = said(tool, link=copy)

    assert claims[f"{CLAIM}context"]["id"] == "course-2"
    assert claims[f"{CLAIM}custom"]["history"] == "course-1"


def test_moodle_says_mixed_case_parameters_twice(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed: `ModuleId` and `moduleid`."""
    tool = tool_at(MOODLE)
    link = tool.platform.link("Loops", custom={"ModuleId": "7"})

    custom = said(tool, link=link)[f"{CLAIM}custom"]

    assert (custom["ModuleId"], custom["moduleid"]) == ("7", "7")


@pytest.mark.parametrize(
    ("profile", "claim"),
    [(MOODLE, {"lineitem": ""}), (GENERIC, {"lineitem": ""}), (CANVAS, {})],
    ids=lambda value: str(value) if isinstance(value, Profile) else "",
)
def test_a_link_without_a_column(tool_at: ToolAt, profile: Profile, claim: dict[str, str]) -> None:
    """Moodle 4.5.5, executed: "lineitem": "" – treat as absent."""
    tool = tool_at(profile)
    link = tool.platform.link("Ungraded")

    gradebook = said(tool, link=link)[AGS]

    assert {name: value for name, value in gradebook.items() if name == "lineitem"} == claim


@EVERY
def test_once_its_column_is_deleted_the_link_has_none(tool_at: ToolAt, profile: Profile) -> None:
    """Moodle 4.5.5, executed: "later launches lose `lineitem`"."""
    tool = tool_at(profile)
    del tool.platform.columns["1"]

    assert not said(tool)[AGS].get("lineitem")


@EVERY
def test_every_vle_offers_its_roster(tool_at: ToolAt, profile: Profile) -> None:
    claims = said(tool_at(profile))

    assert claims[NRPS]["context_memberships_url"].endswith("/memberships/course-1")


@pytest.mark.parametrize(
    ("profile", "review", "privacy"),
    [
        (MOODLE, True, False),
        (CANVAS, False, False),
        (BRIGHTSPACE, True, False),
        (BLACKBOARD, False, False),
        (SAKAI, False, True),
        (GENERIC, True, True),
    ],
    ids=lambda value: str(value) if isinstance(value, Profile) else "",
)
def test_which_messages_there_are(tool_at: ToolAt, profile: Profile, review: bool, privacy: bool) -> None:
    """Moodle, executed; Canvas: registration.md; D2L: ltiadvantage.html; Sakai: LaunchJWT."""
    sent = tool_at(profile).platform.profile.launches.messages

    assert {RESOURCE_LINK, DEEP_LINKING} <= sent
    assert (SUBMISSION_REVIEW in sent, DATA_PRIVACY in sent) == (review, privacy)


@pytest.mark.parametrize("profile", [MOODLE, BRIGHTSPACE, GENERIC], ids=str)
def test_a_submission_review(tool_at: ToolAt, profile: Profile) -> None:
    """LTI Submission Review 1.0 §3; Moodle, executed: the review's address and custom parameters merged."""
    tool = tool_at(profile)
    review = {"url": f"{TOOL}/lti/review/", "custom": {"view": "result"}}
    link = tool.platform.link("Loops", line_item={"scoreMaximum": 100, "submissionReview": review})

    claims = said(tool, SUBMISSION_REVIEW, link=link, person=TEACHER, for_user=AMINA)

    assert claims[f"{CLAIM}for_user"]["user_id"] == "user-1"
    assert claims["sub"] == "teacher-1"
    assert claims[AGS]["lineitem"] == tool.platform.columns[link.column].id
    assert claims[f"{CLAIM}custom"]["view"] == "result"


@pytest.mark.parametrize(
    ("profile", "name"),
    [(GENERIC, "LtiDataPrivacyLaunchRequest"), (SAKAI, "DataPrivacyLaunchRequest")],
    ids=lambda value: str(value) if isinstance(value, Profile) else "",
)
def test_a_data_privacy_message(tool_at: ToolAt, profile: Profile, name: str) -> None:
    """The draft's name and the one it had before (Sakai's LaunchJWT): of no course and no link."""
    claims = said(tool_at(profile), DATA_PRIVACY, person=ADMIN, for_user=AMINA)

    assert claims[f"{CLAIM}message_type"] == name
    assert claims[f"{CLAIM}for_user"]["user_id"] == "user-1"
    assert not {f"{CLAIM}context", f"{CLAIM}resource_link", AGS, NRPS} & claims.keys()


# --- signing in -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "seconds"),
    [(MOODLE, 60), (CANVAS, 3600), (BRIGHTSPACE, 1800)],
    ids=lambda value: str(value) if isinstance(value, Profile) else "",
)
def test_how_long_a_token_lives(tool_at: ToolAt, profile: Profile, seconds: int) -> None:
    """M:locallib.php:3378-3386, executed; CV:lib/lti/messages/jwt_message.rb; D2L's sample, with nbf."""
    claims = said(tool_at(profile))

    assert claims["exp"] - claims["iat"] == seconds
    assert ("nbf" in claims) is (profile is BRIGHTSPACE)


@EVERY
def test_the_login_request(tool_at: ToolAt, profile: Profile) -> None:
    """Canvas, lti_launch_overview.md: another name for the deployment, platform storage, two parameters more."""
    sent = signing_in.login_parameters(tool_at(profile).platform, TOOL)

    assert ("lti_storage_target" in sent) is (profile is CANVAS)
    assert ("lti_deployment_id" in sent) is (profile is not CANVAS)
    assert profile is not CANVAS or {"deployment_id", "canvas_region", "canvas_environment"} <= sent.keys()


@EVERY
def test_where_the_login_says_that_it_leads(tool_at: ToolAt, profile: Profile) -> None:
    """LTI 1.3 §5.3.4: the same as in the message. Canvas, lti_launch_overview.md: "the `target_link_uri` that has
    been configured on the Developer key", whichever link is opened. So does Open edX, in `test_open_edx.py`.
    """
    platform = tool_at(profile).platform
    link = platform.link("Loops", url=f"{TOOL}/lti/launch/?activity=7")

    named = messages.login_target_of(platform, RESOURCE_LINK, link)

    assert named == (f"{TOOL}/lti/launch/" if profile is CANVAS else link.url)
    assert messages.target_of(platform, RESOURCE_LINK, link) == link.url


def question(tool: ToolSide, **changes: str) -> dict[str, str]:
    sent = signing_in.login_parameters(tool.platform, TOOL)
    return {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": tool.platform.client_id,
        "redirect_uri": f"{TOOL}/lti/launch/",
        "login_hint": sent["login_hint"],
        "lti_message_hint": sent["lti_message_hint"],
        "state": "s",
        "nonce": "n",
        **changes,
    }


@EVERY
def test_a_hint_is_good_once(tool_at: ToolAt, profile: Profile) -> None:
    """Moodle 4.5.5, executed: a reused authentication URL is answered 404."""
    tool = tool_at(profile)
    asked = question(tool)
    signing_in.check(tool.platform, asked)

    with pytest.raises(AuthenticationRefused, match="lti_message_hint"):
        signing_in.check(tool.platform, {**asked, "nonce": "another"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("redirect_uri", f"{TOOL}/lti/launch/?x=1"),
        ("scope", "openid email"),
        ("response_type", "code"),
        ("response_mode", "query"),
        ("client_id", "another"),
        ("nonce", ""),
        ("state", ""),
        ("lti_message_hint", "guessed"),
    ],
)
def test_an_authentication_request_that_is_not_let_through(tool_at: ToolAt, name: str, value: str) -> None:
    """Moodle 4.5.5, executed: redirect_uri to the letter, scope openid, nonce and hint required."""
    tool = tool_at(MOODLE)

    with pytest.raises(AuthenticationRefused, match=name):
        signing_in.check(tool.platform, question(tool, **{name: value}))


def test_moodles_tokens_come_as_a_web_page(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed: JSON body, `Content-Type: text/html`."""
    answer = tool_at(MOODLE).token_answer()

    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.json()["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("profile", "audience", "status"),
    [
        (MOODLE, "https://anything.example", 200),
        (BRIGHTSPACE, "https://api.brightspace.com/auth/token", 200),
        (BRIGHTSPACE, "{url}/token", 400),
        (CANVAS, "canvas.example", 400),
        (CANVAS, "{url}/token", 200),
        (GENERIC, "https://anything.example", 400),
    ],
    ids=lambda value: str(value),
)
def test_whom_an_assertion_is_for(tool_at: ToolAt, profile: Profile, audience: str, status: int) -> None:
    """Moodle, executed: not checked. H:product/d2l/_plugin/misc.py:5-8. CV:client_credentials_provider.rb."""
    tool = tool_at(profile)

    answer = tool.token_answer(aud=audience.format(url=tool.platform.url))

    assert answer.status_code == status


@EVERY
@pytest.mark.parametrize("claim", ["iss", "sub", "aud", "iat", "exp", "jti"])
def test_an_assertion_without_a_claim(tool_at: ToolAt, profile: Profile, claim: str) -> None:
    """Security Framework §4.1.1; D2L's FAQ lists the same six."""
    assert tool_at(profile).token_answer(**{claim: None}).json() == {"error": "invalid_client"}


@EVERY
def test_an_assertion_without_a_key_id_or_from_the_future(tool_at: ToolAt, profile: Profile) -> None:
    """Moodle 4.5.5, executed: "kid must be provided in JWT header", and a future `iat` is refused."""
    tool = tool_at(profile)

    assert tool.token_answer(headers={}).status_code == 400
    assert tool.token_answer(iat=4_000_000_000).status_code == 400


def test_another_grant(tool_at: ToolAt) -> None:
    """RFC 6749 §5.2."""
    answer = requests.post(tool_at(GENERIC).platform.token_url, data={"grant_type": "password"}, timeout=5)

    assert answer.json() == {"error": "unsupported_grant_type"}

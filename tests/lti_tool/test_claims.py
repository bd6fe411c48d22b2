"""Claims, read once into a frozen object. What arrives over HTTP is tried in tests/certification."""

from typing import Any

import pytest
from pydantic import ValidationError

from lti_tool.claims import LTI, Role, read_claims
from lti_tool.rejections import LaunchRejected

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person"
SYSTEM = "http://purl.imsglobal.org/vocab/lis/v2/system/person"


def body(**changes: Any) -> dict[str, Any]:
    return {
        "sub": "user-1",
        "nonce": "n",
        f"{LTI}message_type": "LtiResourceLinkRequest",
        f"{LTI}version": "1.3.0",
        f"{LTI}deployment_id": "1",
        f"{LTI}target_link_uri": "https://tool.example/lti/launch/",
        f"{LTI}roles": [],
        f"{LTI}resource_link": {"id": "link-1"},
        **changes,
    }


def test_the_least_that_is_a_launch() -> None:
    claims = read_claims(body())

    assert (claims.sub, claims.resource_link.id, claims.context, claims.ags) == (
        "user-1",
        "link-1",
        None,
        None,
    )
    assert (claims.roles, claims.full_name, claims.email, claims.custom) == (frozenset(), "", "", {})


def test_it_cannot_be_changed() -> None:
    claims = read_claims(body())

    with pytest.raises(ValidationError):
        claims.sub = "user-2"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("uri", "roles"),
    [
        (f"{MEMBERSHIP}#Learner", {Role.LEARNER}),
        (f"{MEMBERSHIP}#Student", {Role.LEARNER}),
        ("Learner", {Role.LEARNER}),
        (f"{MEMBERSHIP}#Instructor", {Role.LEAD}),
        (f"{MEMBERSHIP}#Administrator", {Role.LEAD}),
        (f"{MEMBERSHIP}#Manager", {Role.LEAD}),
        ("Instructor", {Role.LEAD}),
        # None of these leads this course.
        (f"{MEMBERSHIP}#Mentor", set()),
        (f"{MEMBERSHIP}#ContentDeveloper", {Role.AUTHOR}),
        (f"{MEMBERSHIP}/Instructor#TeachingAssistant", set()),
        (f"{MEMBERSHIP}/Learner#GuestLearner", set()),
        (f"{INSTITUTION}#Instructor", set()),
        # Of the whole VLE, which is no right in this course.
        (f"{INSTITUTION}#Administrator", {Role.ADMINISTRATOR}),
        (f"{INSTITUTION}#Student", set()),
        (f"{SYSTEM}#Administrator", {Role.ADMINISTRATOR}),
        (f"{SYSTEM}#SysAdmin", {Role.ADMINISTRATOR}),
        ("instructor", set()),
        ("urn:lti:role:ims/lis/Instructor", set()),
        ("https://evil.example/membership#Instructor", set()),
        (f"{MEMBERSHIP}#Instructor ", set()),
        ("#Instructor", set()),
        ("", set()),
    ],
)
def test_a_role(uri: str, roles: set[Role]) -> None:
    assert read_claims(body(**{f"{LTI}roles": [uri]})).roles == frozenset(roles)


def test_roles_beside_each_other() -> None:
    uris = [f"{INSTITUTION}#Administrator", f"{MEMBERSHIP}#Learner", "unknown", f"{MEMBERSHIP}#Instructor"]

    assert read_claims(body(**{f"{LTI}roles": uris})).roles == {Role.ADMINISTRATOR, Role.LEARNER, Role.LEAD}


@pytest.mark.parametrize(
    ("names", "full_name"),
    [
        ({"name": "Amina Yusuf", "given_name": "A", "family_name": "Y"}, "Amina Yusuf"),
        ({"given_name": "Amina", "family_name": "Yusuf"}, "Amina Yusuf"),
        ({"given_name": "Amina"}, "Amina"),
        ({"family_name": "Yusuf"}, "Yusuf"),
        ({"name": "  ", "given_name": " Amina "}, "Amina"),
        ({"name": None, "given_name": None}, ""),
        ({"given_name": "x" * 300, "family_name": "y" * 300}, "x" * 255),
    ],
)
def test_a_name(names: dict[str, Any], full_name: str) -> None:
    assert read_claims(body(**names)).full_name == full_name


def test_an_email_that_would_have_to_be_cut_is_none() -> None:
    assert read_claims(body(email=f"{'x' * 250}@a.example")).email == ""


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({f"{LTI}version": "1.1"}, "version_unsupported", "version"),
        ({f"{LTI}message_type": "LtiDeepLinkingRequest"}, "claim_missing", "deep_linking_settings"),
        ({f"{LTI}message_type": "LtiStartAssessment"}, "message_type_unsupported", "message_type"),
        ({f"{LTI}message_type": 7}, "message_type_unsupported", "message_type"),
        ({"sub": ""}, "claim_invalid", "sub"),
        ({f"{LTI}resource_link": {}}, "claim_invalid", "resource_link"),
        ({f"{LTI}roles": None}, "claim_invalid", "roles"),
        ({f"{LTI}roles": ["Learner"] * 201}, "claim_invalid", "roles"),
    ],
)
def test_why_it_is_refused(changes: dict[str, Any], reason: str, detail: str) -> None:
    with pytest.raises(LaunchRejected) as caught:
        read_claims(body(**changes), registration=7)

    error = caught.value
    assert (error.reason, error.detail, error.registration) == (reason, detail, 7)


@pytest.mark.parametrize("payload", [None, [], "text", 7, {}])
def test_what_is_no_message(payload: Any) -> None:
    with pytest.raises(LaunchRejected):
        read_claims(payload)


def test_a_refusal_does_not_quote_the_claim() -> None:
    with pytest.raises(LaunchRejected) as caught:
        read_claims(body(sub=["SECRET"]))

    error = caught.value
    assert "SECRET" not in f"{error!r} {error} {error.detail} {error.__cause__}"

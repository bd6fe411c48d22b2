"""The valid launches of the 1EdTech certification guide, §6.1.2: each as an instructor and as a student."""

from collections.abc import Callable
from typing import Any

import pytest

from lti_tool.models import Launch, Membership, Registration
from tests.certification.checks import Log
from tests.platforms.browser import Visitor
from tests.platforms.terms import CLAIM, INSTRUCTOR, LEARNER

pytestmark = pytest.mark.django_db
Claims = dict[str, Any]
PERSONAL = ("name", "given_name", "family_name", "email")
UNKNOWN_ROLE = "http://purl.imsglobal.org/vocab/lis/v2/uknownrole/unknown#Helper"


def drop(claims: Claims, *names: str) -> None:
    for name in names:
        claims.pop(name, None)


def normal(claims: Claims, role: str) -> None:
    """As it is."""


def multiple_roles(claims: Claims, role: str) -> None:
    claims[f"{CLAIM}roles"] = [
        "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Staff",
        role,
        "http://purl.imsglobal.org/vocab/lis/v2/system/person#User",
    ]


def short_role(claims: Claims, role: str) -> None:
    claims[f"{CLAIM}roles"] = [role.partition("#")[2]]


def unknown_role(claims: Claims, role: str) -> None:
    claims[f"{CLAIM}roles"] = [UNKNOWN_ROLE]


def no_role(claims: Claims, role: str) -> None:
    claims[f"{CLAIM}roles"] = []


def email_only(claims: Claims, role: str) -> None:
    drop(claims, "name", "given_name", "family_name")


def names_only(claims: Claims, role: str) -> None:
    drop(claims, "email")


def no_pii(claims: Claims, role: str) -> None:
    drop(claims, *PERSONAL, f"{CLAIM}lis")


def email_without_context(claims: Claims, role: str) -> None:
    drop(claims, "name", "given_name", "family_name", f"{CLAIM}context")


def only_a_resource_link(claims: Claims, role: str) -> None:
    """Nothing but what LTI 1.3 core §5.3 requires."""
    required = ("message_type", "version", "deployment_id", "target_link_uri", "resource_link", "roles")
    kept = {"iss", "aud", "sub", "iat", "exp", "nonce", *(CLAIM + name for name in required)}
    drop(claims, *(claims.keys() - kept))
    claims[f"{CLAIM}resource_link"] = {"id": "link-1"}


@pytest.mark.parametrize("role", [INSTRUCTOR, LEARNER], ids=["instructor", "student"])
@pytest.mark.parametrize(
    ("vary", "role_counts", "name", "email"),
    [
        (normal, True, "Amina Yusuf", "amina@school.example"),
        (multiple_roles, True, "Amina Yusuf", "amina@school.example"),
        (short_role, True, "Amina Yusuf", "amina@school.example"),
        (unknown_role, False, "Amina Yusuf", "amina@school.example"),
        (no_role, False, "Amina Yusuf", "amina@school.example"),
        (email_only, True, "", "amina@school.example"),
        (names_only, True, "Amina Yusuf", ""),
        (no_pii, True, "", ""),
        (email_without_context, True, "", "amina@school.example"),
        (only_a_resource_link, True, "", ""),
    ],
)
def test_valid_launch(
    visitor: Visitor,
    registration: Registration,
    log: Log,
    vary: Callable[[Claims, str], None],
    role: str,
    role_counts: bool,
    name: str,
    email: str,
) -> None:
    def change(claims: Claims) -> None:
        claims[f"{CLAIM}roles"] = [role]
        vary(claims, role)

    response = visitor.launch(change)

    launch = Launch.objects.get()
    membership = Membership.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/learn/launch/{launch.pk}/")
    assert log.lines == [
        f"launch.accepted registration={registration.pk} deployment=deployment-1 "
        "message_type=LtiResourceLinkRequest"
    ]
    assert membership.is_learner is (role_counts and role == LEARNER)
    assert membership.is_lead is (role_counts and role == INSTRUCTOR)
    assert membership.context == launch.resource_link.context
    assert (membership.lti_user.name, membership.lti_user.email) == (name, email)


def test_a_launch_without_a_course_is_a_course_of_its_own(
    visitor: Visitor, registration: Registration
) -> None:
    visitor.launch(lambda claims: drop(claims, f"{CLAIM}context"))
    visitor.launch(lambda claims: drop(claims, f"{CLAIM}context"))

    assert [launch.resource_link.context.context_id for launch in Launch.objects.all()] == ["link link-1"] * 2
    assert Membership.objects.count() == 1

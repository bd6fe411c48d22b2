"""The claims of a resource link launch (LTI 1.3 core, 5.3 and 5.4), as Moodle would send them."""

from typing import Any

from django.conf import settings

from deploy.demo_vle import urls_of
from deploy.demo_vle.gradebook import single_line_item
from deploy.demo_vle.school import ACTIVITY, COURSE, SCHOOL_NAME, Member
from deploy.demo_vle.scopes import AGS_SCOPES

TOKEN_LIFE_SECONDS = 60  # Moodle's; the browser only has to carry it across
LTI = "https://purl.imsglobal.org/spec/lti/claim/"


def id_token_claims(*, member: Member, nonce: str, document_target: str, now: int) -> dict[str, Any]:
    return {
        "iss": settings.PUBLIC_URL,
        "aud": settings.CLIENT_ID,
        "sub": member.id,
        "nonce": nonce,
        "iat": now,
        "exp": now + TOKEN_LIFE_SECONDS,
        **_identity(member),
        LTI + "message_type": "LtiResourceLinkRequest",
        LTI + "version": "1.3.0",
        LTI + "deployment_id": settings.DEPLOYMENT_ID,
        LTI + "target_link_uri": settings.TOOL_TARGET_LINK_URL,
        LTI + "roles": [member.role.value],
        LTI + "context": {
            "id": COURSE.id,
            "label": COURSE.label,
            "title": COURSE.title,
            "type": ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseSection"],
        },
        LTI + "resource_link": {
            "id": ACTIVITY.id,
            "title": ACTIVITY.title,
            "description": ACTIVITY.description,
        },
        LTI + "lis": {
            "person_sourcedid": f"RIV-{member.id}",
            "course_section_sourcedid": COURSE.sourcedid,
        },
        LTI + "launch_presentation": {
            "locale": "en",
            "document_target": document_target,
            "return_url": urls_of.return_from_activity(),
        },
        LTI + "tool_platform": {
            "guid": "riverside-school-demo-vle",
            "name": f"{SCHOOL_NAME} VLE",
            "description": f"{SCHOOL_NAME}'s demonstration learning environment",
            "product_family_code": "demo-vle",
            "version": "1",
        },
        LTI + "custom": ACTIVITY.custom,
        "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": _ags_endpoint(),
        "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice": {
            "context_memberships_url": urls_of.memberships(),
            "service_versions": ["2.0"],
        },
    }


def _identity(member: Member) -> dict[str, Any]:
    """Without sharing, `sub` and the sourced id remain and everything readable goes."""
    ext = {"lms": "demo-vle-1"}
    if not member.shares_identity:
        return {LTI + "ext": ext}
    return {
        "name": member.name,
        "given_name": member.given_name,
        "family_name": member.family_name,
        "email": member.email,
        LTI + "ext": {**ext, "user_username": member.username},
    }


def _ags_endpoint() -> dict[str, Any]:
    endpoint: dict[str, Any] = {"scope": list(AGS_SCOPES), "lineitems": urls_of.line_items()}
    line_item = single_line_item(ACTIVITY.id)
    if line_item is not None:
        endpoint["lineitem"] = urls_of.line_item(line_item.pk)
    return endpoint

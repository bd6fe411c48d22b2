"""The claims of a launch (LTI 1.3 core, 5.3 and 5.4), message by message, as Moodle would send them."""

from collections.abc import Callable
from typing import Any

from django.conf import settings

from deploy.demo_vle import urls_of
from deploy.demo_vle.gradebook import single_line_item
from deploy.demo_vle.models import Activity, Course, LaunchHint, LineItem, Message, Tool
from deploy.demo_vle.school import MEMBERS, SCHOOL_NAME, Member
from deploy.demo_vle.scopes import AGS_SCOPES, MEMBERSHIP_READONLY
from deploy.demo_vle.standing import ADMIN_ROLES, INSTITUTION, standing_of

TOKEN_LIFE_SECONDS = 60  # Moodle's; the browser only has to carry it across
LTI = "https://purl.imsglobal.org/spec/lti/claim/"
DEEP_LINKING = "https://purl.imsglobal.org/spec/lti-dl/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
PRODUCT = {"product_family_code": "demo-vle", "version": "2"}
# Custom parameters' variables; others are sent as they stand, as Moodle does.
VARIABLES = (
    "Context.id",
    "Context.id.history",
    "ResourceLink.id",
    "ResourceLink.id.history",
    "ResourceLink.available.startDateTime",
    "ResourceLink.available.endDateTime",
    "ResourceLink.submission.startDateTime",
    "ResourceLink.submission.endDateTime",
    "User.id",
)

Claims = dict[str, Any]


def id_token_claims(hint: LaunchHint, member: Member, *, nonce: str, now: int) -> Claims:
    return {
        "iss": settings.PUBLIC_URL,
        "aud": hint.tool.client_id,
        "sub": member.id,
        "nonce": nonce,
        "iat": now,
        "exp": now + TOKEN_LIFE_SECONDS,
        **identity(member, hint.tool),
        LTI + "message_type": hint.message,
        LTI + "version": "1.3.0",
        LTI + "deployment_id": hint.tool.deployment_id,
        LTI + "target_link_uri": hint.target_link_uri,
        LTI + "launch_presentation": {"locale": "en", "document_target": hint.document_target},
        LTI + "tool_platform": {
            "guid": "riverside-school-demo-vle",
            "name": f"{SCHOOL_NAME} VLE",
            "description": f"{SCHOOL_NAME}'s demonstration learning environment",
            **PRODUCT,
        },
        LTI + "ext": _extension(member, hint.tool),
        **_MESSAGES[Message(hint.message)](hint, member),
    }


def identity(member: Member, tool: Tool) -> dict[str, str]:
    """What this tool may know of this person; without any of it `sub` and the sourced id remain."""
    known = {
        "name": member.name,
        "given_name": member.given_name,
        "family_name": member.family_name,
        "email": member.email,
    }
    return {claim: known[claim] for claim in tool.claims} if member.shares_identity else {}


def custom_claim(
    tool: Tool, custom: dict[str, str], member: Member, course: Course, activity: Activity | None = None
) -> dict[str, str]:
    """As in Moodle, the tool's own parameter wins over the link's of the same name."""
    known = {
        "Context.id": str(course.pk),
        "Context.id.history": _list_of(course.history),
        "User.id": member.id,
    }
    if activity is not None:
        known |= {
            "ResourceLink.id": str(activity.pk),
            "ResourceLink.id.history": _list_of(activity.history),
            "ResourceLink.available.startDateTime": activity.available_start,
            "ResourceLink.available.endDateTime": activity.available_end,
            "ResourceLink.submission.startDateTime": activity.submission_start,
            "ResourceLink.submission.endDateTime": activity.submission_end,
        }
    values = {f"${name}": value for name, value in known.items()}
    return {name: values.get(value, value) for name, value in {**custom, **tool.custom}.items()}


def _resource_link(hint: LaunchHint, member: Member) -> Claims:
    activity: Activity = hint.activity
    return {
        **_course(hint, member),
        LTI + "resource_link": {
            "id": str(activity.pk),
            "title": activity.title,
            "description": activity.description,
        },
        LTI + "launch_presentation": {
            "locale": "en",
            "document_target": hint.document_target,
            "return_url": urls_of.return_from_activity(activity),
        },
        LTI + "custom": custom_claim(hint.tool, activity.custom, member, hint.course, activity),
        **_services(hint.tool, hint.course, single_line_item(activity)),
    }


def _deep_linking(hint: LaunchHint, member: Member) -> Claims:
    """LTI-DL 2.0, 4.4.1. Moodle offers no roster here, and no line item is there yet."""
    services = _services(hint.tool, hint.course, None)
    services.pop(NRPS, None)
    return {
        **_course(hint, member),
        **services,
        LTI + "custom": custom_claim(hint.tool, {}, member, hint.course),
        DEEP_LINKING + "deep_linking_settings": {
            "deep_link_return_url": urls_of.deep_linking_return(hint.course, hint.tool),
            "accept_types": ["ltiResourceLink"],
            "accept_presentation_document_targets": ["iframe", "window"],
            "accept_multiple": True,
            "accept_lineitem": True,
            "auto_create": False,
            "title": hint.course.title,
            "text": "",
            "data": hint.data,
        },
    }


def _submission_review(hint: LaunchHint, member: Member) -> Claims:
    """LTI-SR 1.0: a launch of the link, about one person's work in one column."""
    activity, item = hint.activity, hint.line_item
    custom = {**activity.custom, **item.submission_review.get("custom", {})}
    return {
        **_resource_link(hint, member),
        LTI + "custom": custom_claim(hint.tool, custom, member, hint.course, activity),
        **_services(hint.tool, hint.course, item),
        LTI + "for_user": _for_user(MEMBERS[hint.for_member_id], hint),
    }


def _data_privacy(hint: LaunchHint, member: Member) -> Claims:
    """Of a person, not of a course: neither context nor link is there."""
    return {
        LTI + "roles": ADMIN_ROLES if member.is_admin else [INSTITUTION + "Staff"],
        LTI + "lis": {"person_sourcedid": member.sourcedid},
        LTI + "for_user": _for_user(member, hint),
    }


_MESSAGES: dict[Message, Callable[[LaunchHint, Member], Claims]] = {
    Message.RESOURCE_LINK: _resource_link,
    Message.DEEP_LINKING: _deep_linking,
    Message.SUBMISSION_REVIEW: _submission_review,
    Message.DATA_PRIVACY: _data_privacy,
}


def _course(hint: LaunchHint, member: Member) -> Claims:
    course: Course = hint.course
    return {
        LTI + "roles": standing_of(member, course).role_uris,
        LTI + "context": {
            "id": str(course.pk),
            "label": course.label,
            "title": course.title,
            "type": ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseSection"],
        },
        LTI + "lis": {
            "person_sourcedid": member.sourcedid,
            "course_section_sourcedid": course.sourcedid,
        },
    }


def _services(tool: Tool, course: Course, line_item: LineItem | None) -> Claims:
    """Only those that the tool may use."""
    services: Claims = {}
    scopes = [scope for scope in AGS_SCOPES if scope in tool.scopes]
    if scopes:
        services[AGS] = {"scope": scopes, "lineitems": urls_of.line_items(course)}
        if line_item is not None:
            services[AGS]["lineitem"] = urls_of.line_item(line_item)
    if MEMBERSHIP_READONLY in tool.scopes:
        services[NRPS] = {
            "context_memberships_url": urls_of.memberships(course),
            "service_versions": ["2.0"],
        }
    return services


def _list_of(history: list[int]) -> str:
    """LTI 1.3 core, B: a history is one text, the latest first."""
    return ",".join(map(str, history))


def _extension(member: Member, tool: Tool) -> dict[str, str]:
    extension = {"lms": "demo-vle-1"}
    if identity(member, tool):
        extension["user_username"] = member.username
    return extension


def _for_user(person: Member, hint: LaunchHint) -> Claims:
    return {"user_id": person.id, "person_sourcedid": person.sourcedid, **identity(person, hint.tool)}

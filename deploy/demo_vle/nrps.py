"""The roster (LTI-NRPS 2.0): everybody in the course, on one page."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from deploy.demo_vle import urls_of
from deploy.demo_vle.school import ACTIVITY, COURSE, MEMBERS, Member
from deploy.demo_vle.scopes import MEMBERSHIP_READONLY
from deploy.demo_vle.service_api import ServiceError, by_method, require_accept, require_scope

MEMBERS_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"


def list_members(request: HttpRequest) -> HttpResponse:
    require_scope(request, MEMBERSHIP_READONLY)
    require_accept(request, MEMBERS_TYPE)
    if request.GET.get("rlid", ACTIVITY.id) != ACTIVITY.id:
        raise ServiceError(404, "rlid names no link of this course.")
    role = request.GET.get("role")
    members = [m for m in MEMBERS.values() if role is None or _plays(m, role)]
    answer = {
        "id": urls_of.memberships(),
        "context": {"id": COURSE.id, "label": COURSE.label, "title": COURSE.title},
        "members": [_as_json(member) for member in members],
    }
    return JsonResponse(answer, content_type=MEMBERS_TYPE)


def _plays(member: Member, role: str) -> bool:
    """LTI 1.3 core, A.2.3: a context role may be named in full or by its last word."""
    return role in (member.role.value, member.role.value.rpartition("#")[2])


def _as_json(member: Member) -> dict[str, Any]:
    known = {
        "status": "Active",
        "user_id": member.id,
        "lis_person_sourcedid": f"RIV-{member.id}",
        "roles": [member.role.value],
    }
    if not member.shares_identity:
        return known
    return known | {
        "name": member.name,
        "given_name": member.given_name,
        "family_name": member.family_name,
        "email": member.email,
    }


memberships = by_method(GET=list_members)

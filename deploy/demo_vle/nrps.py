"""The roster (LTI-NRPS 2.0): everybody in the course, on one page unless `limit` asks for less."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse

from deploy.demo_vle import urls_of
from deploy.demo_vle.claims import LTI, custom_claim, identity
from deploy.demo_vle.fields import FieldError
from deploy.demo_vle.models import Activity, Course, Membership, Message, Tool
from deploy.demo_vle.school import Role
from deploy.demo_vle.scopes import MEMBERSHIP_READONLY
from deploy.demo_vle.service_api import ServiceError, by_method, require_accept, require_scope

MEMBERS_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"


def list_members(request: HttpRequest, course: Course) -> HttpResponse:
    tool = require_scope(request, MEMBERSHIP_READONLY)
    require_accept(request, MEMBERS_TYPE)
    activity = _link_of(request, course, tool)
    found = course.memberships.all()
    if "role" in request.GET:
        # LTI 1.3 core, A.2.3: a context role may be named in full or by its last word.
        asked = request.GET["role"]
        found = found.filter(role__in=[role for role in Role if asked in (role.uri, role.value)])
    found = found.filter(pk__gt=_number(request, "after") or 0)
    limit = _number(request, "limit")
    page = list(found if limit is None else found[:limit])
    answer = {
        "id": urls_of.memberships(course),
        "context": {"id": str(course.pk), "label": course.label, "title": course.title},
        "members": [_as_json(membership, tool, activity) for membership in page],
    }
    headers = {}
    if limit is not None and found.count() > limit:
        # Everything that was asked for goes along; only where the next page begins is new.
        query = urlencode({**request.GET.dict(), "after": page[-1].pk})
        headers["Link"] = f'<{urls_of.memberships(course)}?{query}>; rel="next"'
    return JsonResponse(answer, content_type=MEMBERS_TYPE, headers=headers)


def _link_of(request: HttpRequest, course: Course, tool: Tool) -> Activity | None:
    link_id = request.GET.get("rlid")
    if link_id is None:
        return None
    own = {str(activity.pk): activity for activity in course.activities.filter(tool=tool)}
    if link_id not in own:
        raise ServiceError(404, "rlid names no link of this course.")
    return own[link_id]


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) > 0):
        raise FieldError(f"{name} must be a whole number above 0.")
    return int(text)


def _as_json(membership: Membership, tool: Tool, activity: Activity | None) -> dict[str, Any]:
    member = membership.member
    known = {
        "status": membership.status,
        "user_id": member.id,
        "lis_person_sourcedid": member.sourcedid,
        "roles": [Role(membership.role).uri],
        **identity(member, tool),
    }
    if activity is not None:
        # LTI-NRPS 2.0, 3.4: what a launch of this link would say for this member.
        message = {
            LTI + "message_type": Message.RESOURCE_LINK,
            LTI + "custom": custom_claim(tool, activity.custom, member, activity.course, activity),
        }
        known["message"] = [message]
    return known


memberships = by_method(GET=list_members)

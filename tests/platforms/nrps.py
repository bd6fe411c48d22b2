"""The roster (Names and Role Provisioning Services 2.0), made up page by page."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from tests.platforms import tokens
from tests.platforms.paging import NoSuchPage, page
from tests.platforms.people import Crowd, Person
from tests.platforms.profiles import RosterService
from tests.platforms.server import Answer, Received, json_answer
from tests.platforms.terms import BASIC_OUTCOME, CLAIM, MEMBERSHIP, RESOURCE_LINK, ROSTER_SCOPE, ROSTER_TYPE

if TYPE_CHECKING:
    from tests.platforms.fake import FakePlatform


def answer(platform: "FakePlatform", request: Received) -> Answer:
    """/memberships/<course>"""
    style = platform.profile.roster
    scopes = tokens.scopes_of(platform, request)
    if scopes is None:
        return json_answer(401, {"error": "token"})
    if ROSTER_SCOPE not in scopes:
        return json_answer(style.no_scope_status, {"error": "scope"})
    any_will_do = not style.checks_accept or not request.accepted or "*/*" in request.accepted
    if not any_will_do and ROSTER_TYPE not in request.accepted:
        return json_answer(400, {"error": "No handler found"})
    course = platform.courses.get(request.path.removeprefix("/memberships/"))
    link = request.query.get("rlid", "")
    if request.method != "GET" or course is None or (link and link not in platform.links):
        return json_answer(404, {"error": "no such roster"})
    listed = _listed(platform.people, style, request.query.get("role", ""))
    try:
        part = page(request, len(listed), style.paging)
    except NoSuchPage:
        return json_answer(400, {"error": "no such page"})
    document = {
        "id": request.url,
        "context": {"id": course.id, "label": course.label, "title": course.title},
        "members": [_member(platform, listed[number], link) for number in range(part.start, part.stop)],
    }
    return json_answer(200, document)._replace(headers={"Content-Type": style.media_type, **part.headers})


def _listed(people: Sequence[Person], style: RosterService, role: str) -> Sequence[Person]:
    if isinstance(people, Crowd) and not role:
        return people  # everybody of a crowd is an active member
    return [
        person
        for person in people
        if style.roles[person.kind]
        and (person.status == "Active" or not style.active_only)
        and (not role or role in _both_forms(style.roles[person.kind]))
    ]


def _both_forms(roles: Sequence[str]) -> set[str]:
    """Asking for a role, the whole name and the short one do (NRPS 2.0 §2.4.1)."""
    return {
        *roles,
        *(role.removeprefix(MEMBERSHIP) for role in roles),
        *(f"{MEMBERSHIP}{role}" for role in roles),
    }


def _member(platform: "FakePlatform", person: Person, link: str) -> dict[str, Any]:
    style = platform.profile.roster
    member: dict[str, Any] = {"user_id": person.id, "roles": list(style.roles[person.kind])}
    if style.gives_status or person.status != "Active":
        member["status"] = person.status
    told = {"lis_person_sourcedid": person.sourcedid}
    if platform.shares_identity:
        told |= {
            "name": person.name,
            "given_name": person.given_name,
            "family_name": person.family_name,
            "email": person.email,
        }
    for name, value in told.items():
        if value:
            member[name] = escape(value) if style.escapes_names else value
        elif style.nothing != "omitted":
            member[name] = style.nothing
    if link:
        member["message"] = [
            {
                f"{CLAIM}message_type": RESOURCE_LINK,
                BASIC_OUTCOME: {
                    "lis_result_sourcedid": f"{link}:{person.id}",
                    "lis_outcome_service_url": f"{platform.url}/outcome",
                },
            }
        ]
    return member

"""What stands in a signed message: the four kinds, as each make of VLE fills them in."""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.platforms import deep_linking
from tests.platforms.people import AMINA, Person
from tests.platforms.profiles import Launches
from tests.platforms.terms import (
    AGS,
    CLAIM,
    DATA_PRIVACY,
    DEEP_LINKING,
    DL,
    NRPS,
    RESOURCE_LINK,
    SUBMISSION_REVIEW,
)

if TYPE_CHECKING:
    from tests.platforms.fake import FakePlatform


@dataclass(frozen=True)
class Course:
    id: str
    label: str = "SAFE"
    title: str = "Safeguarding"
    # The courses that it was copied from, nearest first.
    history: tuple[str, ...] = ()


@dataclass(frozen=True)
class Link:
    """An activity in a course. Without `url` it opens the tool's own address; `column`: its line item's number."""

    id: str
    title: str
    course: str = "course-1"
    url: str = ""
    custom: dict[str, str] = field(default_factory=dict)
    text: str = ""
    column: str = ""
    history: tuple[str, ...] = ()
    due: str = ""


def claims(
    platform: "FakePlatform",
    *,
    nonce: str,
    target: str,
    now: float | None = None,
    message: str = RESOURCE_LINK,
    person: Person = AMINA,
    link: Link | None = None,
    course: str = "course-1",
    for_user: Person | None = None,
) -> dict[str, Any]:
    """A message about `link` (the first, unless another is given) or, for choosing content, in `course`."""
    style = platform.profile.launches
    assert message in style.messages, f"{platform.profile} sends no {message}"
    link = link or platform.links["link-1"]
    place = platform.courses[link.course if message in {RESOURCE_LINK, SUBMISSION_REVIEW} else course]
    said = _about_everybody(platform, nonce, target, int(now or time.time()), person)
    if message == DATA_PRIVACY:
        said[f"{CLAIM}message_type"] = style.data_privacy_name
        return {**said, f"{CLAIM}for_user": _for_user(style, for_user or person)}
    said[f"{CLAIM}message_type"] = message
    said[f"{CLAIM}context"] = {
        "id": place.id,
        "label": place.label,
        "title": place.title,
        "type": list(style.context_types),
    }
    gradebook = {
        "scope": sorted(s for s in platform.permitted_scopes if "/lti-ags/" in s),
        "lineitems": platform.lineitems_url,
    }
    if message == DEEP_LINKING:
        said[f"{DL}deep_linking_settings"] = deep_linking.settings(platform, course=place.id)
        said[f"{CLAIM}custom"] = _custom(platform, {}, Link("", ""), place, person, title=None)
    else:
        said[f"{CLAIM}resource_link"] = {"id": link.id, "title": link.title}
        if link.text:
            said[f"{CLAIM}resource_link"]["description"] = link.text
        said[f"{CLAIM}custom"] = _custom(platform, link.custom, link, place, person, title=link.title)
        gradebook |= _line_item(platform, link)
    if message == SUBMISSION_REVIEW:
        said[f"{CLAIM}for_user"] = _for_user(style, for_user or person)
        review = platform.columns[link.column].submission_review or {}
        said[f"{CLAIM}custom"] |= review.get("custom", {})
    said[AGS] = gradebook
    if style.offers_roster:
        said[NRPS] = {
            "context_memberships_url": f"{platform.url}/memberships/{place.id}",
            "service_versions": ["2.0"],
        }
    return said


def target_of(platform: "FakePlatform", message: str, link: Link) -> str:
    """Where a message is to lead: the link's own address, or what the tool registered for such messages."""
    if message == SUBMISSION_REVIEW:
        review = platform.columns[link.column].submission_review or {}
        if review.get("url"):
            return str(review["url"])
    if message in {RESOURCE_LINK, SUBMISSION_REVIEW} and link.url:
        return link.url
    return platform.targets[message]


def login_target_of(platform: "FakePlatform", message: str, link: Link) -> str:
    """Where the login before the message says that it leads."""
    if platform.profile.signing_in.login_names_registered:
        return platform.targets[message]
    return target_of(platform, message, link)


def _about_everybody(
    platform: "FakePlatform", nonce: str, target: str, issued: int, person: Person
) -> dict[str, Any]:
    style = platform.profile.launches
    said: dict[str, Any] = {
        "iss": platform.issuer,
        "aud": platform.client_id,
        "sub": person.id,
        "iat": issued,
        "exp": issued + platform.profile.signing_in.id_token_life,
        "nonce": nonce,
        f"{CLAIM}version": "1.3.0",
        f"{CLAIM}deployment_id": platform.deployment_id,
        f"{CLAIM}target_link_uri": target,
        f"{CLAIM}roles": list(style.roles[person.kind]),
        f"{CLAIM}launch_presentation": {
            "locale": "en",
            "document_target": "iframe",
            "return_url": f"{platform.url}/course",
        },
        f"{CLAIM}tool_platform": {
            "product_family_code": platform.profile.product_family_code,
            "guid": "fake",
            "name": "Fake",
        },
    }
    if style.not_before:
        said["nbf"] = issued
    identity = {"name": person.name, "given_name": person.given_name, "family_name": person.family_name}
    for name, value in {**identity, "email": person.email}.items() if platform.shares_identity else ():
        _tell(said, name, value, style)
    lis: dict[str, Any] = {}
    _tell(lis, "person_sourcedid", person.sourcedid, style)
    _tell(lis, "course_section_sourcedid", "", style)
    if lis:
        said[f"{CLAIM}lis"] = lis
    return said


def _tell(into: dict[str, Any], name: str, value: str, style: Launches) -> None:
    if value or style.nothing != "omitted":
        into[name] = value or style.nothing


def _for_user(style: Launches, person: Person) -> dict[str, Any]:
    return {"user_id": person.id, "name": person.name, "roles": list(style.roles[person.kind])}


def _line_item(platform: "FakePlatform", link: Link) -> dict[str, str]:
    if link.column in platform.columns:
        return {"lineitem": platform.columns[link.column].id}
    return {"lineitem": ""} if platform.profile.launches.no_column == "empty" else {}


def _custom(
    platform: "FakePlatform",
    own: dict[str, str],
    link: Link,
    course: Course,
    person: Person,
    title: str | None,
) -> dict[str, Any]:
    style = platform.profile.launches
    known = {
        "Context.id.history": ",".join(course.history),
        "ResourceLink.id.history": ",".join(link.history),
        "ResourceLink.title": title,
        "ResourceLink.submission.endDateTime": link.due,
        "User.username": person.id,
        "Person.address.timezone": "99",
        "CourseSection.timeFrame.end": "",
        "Moodle.Person.userGroupIds": "",
    }
    registered = platform.custom_parameters
    written = {**own, **registered} if style.registered_parameters_win else {**registered, **own}
    said: dict[str, Any] = {}
    for name, value in written.items():
        variable = value.removeprefix("$")
        said[name] = known[variable] if value.startswith("$") and variable in style.variables else value
        if style.repeats_parameters:
            said.setdefault(name.lower(), said[name])
    return said

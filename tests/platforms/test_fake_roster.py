"""The fake's roster behaves like each make of VLE. Sources: the notes on platforms, §3, unless said otherwise."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.platforms.people import Crowd
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
from tests.platforms.terms import ALL_SCOPES, ASSISTANT, INSTRUCTOR, LEARNER, ROSTER_SCOPE, ROSTER_TYPE
from tests.platforms.tool_side import ToolAt, ToolSide

EVERY = pytest.mark.parametrize("profile", EVERY_VLE, ids=str)


def roster(tool: ToolSide, query: str = "", **how: Any) -> Any:
    url = f"{tool.platform.url}/memberships/course-1{query}"
    return tool.ask("GET", url, **{"accept": ROSTER_TYPE, "scopes": (ROSTER_SCOPE,), **how})


def members(tool: ToolSide, query: str = "") -> dict[str, Any]:
    return {member["user_id"]: member for member in roster(tool, query).json()["members"]}


@EVERY
def test_who_is_in_the_course(tool_at: ToolAt, profile: Profile) -> None:
    """NRPS 2.0 §2.2."""
    tool = tool_at(profile)

    document = roster(tool).json()

    assert document["context"]["id"] == "course-1"
    amina = next(member for member in document["members"] if member["user_id"] == "user-1")
    assert (amina["name"], amina["email"]) == ("Amina Yusuf", "amina@school.example")


def test_moodles_roles_are_short_and_differ_from_its_launches(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed: short names; a non-editing teacher is a Learner here, an Instructor there."""
    there = members(tool_at(MOODLE))

    roles = {user: member["roles"] for user, member in there.items()}
    assert (roles["user-1"], roles["teacher-1"], roles["assistant-1"]) == (
        ["Learner"],
        ["Instructor"],
        ["Learner"],
    )
    assert MOODLE.launches.roles["assistant"] == (INSTRUCTOR,)


@pytest.mark.parametrize("profile", [CANVAS, BRIGHTSPACE, BLACKBOARD, SAKAI, GENERIC], ids=str)
def test_elsewhere_roles_are_whole_names(tool_at: ToolAt, profile: Profile) -> None:
    """NRPS 2.0 §2.2; Canvas: names_and_roles_serializer.rb."""
    there = members(tool_at(profile))

    assert LEARNER in there["user-1"]["roles"]
    assert there["assistant-1"]["roles"] == [ASSISTANT, INSTRUCTOR]


def test_moodle_escapes_names(tool_at: ToolAt) -> None:
    """Moodle 4.5.5, executed: `Chloé O'Neil &amp; Sons`; a launch has it raw."""
    tool = tool_at(MOODLE)

    assert "O&#x27;Neil &amp; Sons" in members(tool)["chloe-1"]["name"]
    claims = tool.platform.claims(nonce="n", target="https://tool.example/", person=tool.platform.people[1])
    assert claims["name"] == "Chloé O'Neil & Sons"


@pytest.mark.parametrize(
    ("profile", "accept", "status"),
    [
        (MOODLE, None, 200),
        (MOODLE, "*/*", 200),
        (MOODLE, "application/json", 400),
        (CANVAS, "application/json", 200),
        (SAKAI, "application/json", 200),
        (GENERIC, "application/json", 400),
    ],
    ids=lambda value: str(value),
)
def test_what_it_may_be_asked_for(tool_at: ToolAt, profile: Profile, accept: str | None, status: int) -> None:
    """Moodle 4.5.5, executed. Canvas and Sakai's LTI13Servlet.handleNamesAndRoles do not look."""
    assert roster(tool_at(profile), accept=accept).status_code == status


def test_sakai_answers_as_plain_json(tool_at: ToolAt) -> None:
    """LTI13Servlet.handleNamesAndRoles: APPLICATION_JSON."""
    assert roster(tool_at(SAKAI)).headers["Content-Type"] == "application/json"


@EVERY
def test_it_needs_its_scope(tool_at: ToolAt, profile: Profile) -> None:
    """NRPS 2.0 §2.3; Sakai says 400 (handleNamesAndRoles)."""
    answer = roster(tool_at(profile), scopes=tuple(ALL_SCOPES))

    assert answer.status_code == (400 if profile is SAKAI else 403)


@EVERY
def test_names_that_are_not_shared(tool_at: ToolAt, profile: Profile) -> None:
    """Moodle 4.5.5, executed: "Sharing off → name/email fields absent"; the sourced id remains."""
    tool = tool_at(profile)
    tool.platform.shares_identity = False

    teacher = members(tool)["teacher-1"]

    assert teacher["lis_person_sourcedid"] == "T-001"
    assert not {"name", "given_name", "family_name", "email"} & teacher.keys()


def test_an_address_that_is_not_known(tool_at: ToolAt) -> None:
    """NRPS 2.0 §2.2 leaves it out; what parses JSON by type must also bear null."""
    assert members(tool_at(GENERIC))["chloe-1"]["email"] is None
    assert "email" not in members(tool_at(MOODLE))["chloe-1"]


def test_a_member_without_a_status_and_one_who_has_left(tool_at: ToolAt) -> None:
    """NRPS 2.0 §2.2: `status` may be left out and is Active then."""
    there = members(tool_at(GENERIC))

    assert "status" not in there["user-1"]
    assert there["leaver-1"]["status"] == "Inactive"
    assert "leaver-1" not in members(tool_at(MOODLE))


@pytest.mark.parametrize("role", ["Learner", LEARNER], ids=["short", "whole"])
@EVERY
def test_asking_for_a_role(tool_at: ToolAt, profile: Profile, role: str) -> None:
    """NRPS 2.0 §2.4.1."""
    there = members(tool_at(profile), f"?role={role.replace('#', '%23')}")

    assert "user-1" in there
    assert "teacher-1" not in there


@EVERY
def test_asking_for_a_link(tool_at: ToolAt, profile: Profile) -> None:
    """NRPS 2.0 §3; Moodle, executed: adds `message` with the basic outcome."""
    tool = tool_at(profile)

    (message,) = members(tool, "?rlid=link-1")["user-1"]["message"]

    assert message["https://purl.imsglobal.org/spec/lti/claim/message_type"] == "LtiResourceLinkRequest"
    assert roster(tool, "?rlid=nowhere").status_code == 404


# --- pages ----------------------------------------------------------------------------------------------------


def walk(tool: ToolSide, query: str = "") -> list[list[str]]:
    """The user ids of every page, going where the Link header says."""
    pages, url = [], f"{tool.platform.url}/memberships/course-1{query}"
    while url:
        answer = tool.ask("GET", url, accept=ROSTER_TYPE, scopes=(ROSTER_SCOPE,))
        assert answer.status_code == 200, answer.text
        pages.append([member["user_id"] for member in answer.json()["members"]])
        url = answer.links.get("next", {}).get("url", "")
    return pages


@pytest.mark.parametrize("profile", [MOODLE, SAKAI], ids=str)
def test_everybody_at_once_unless_asked_otherwise(tool_at: ToolAt, profile: Profile) -> None:
    """Moodle 4.5.5, executed; Sakai's handleNamesAndRoles."""
    tool = tool_at(profile)
    tool.platform.people = Crowd(120)

    assert [len(page) for page in walk(tool)] == [120]
    assert [len(page) for page in walk(tool, "?limit=50")] == [50, 50, 20]


def test_canvas_never_gives_more_than_fifty(tool_at: ToolAt) -> None:
    """§3 Canvas: "NRPS page max 50" (openwebwork/webwork2#3181)."""
    tool = tool_at(CANVAS)
    tool.platform.people = Crowd(120)

    assert [len(page) for page in walk(tool)] == [50, 50, 20]
    assert [len(page) for page in walk(tool, "?limit=1000")] == [50, 50, 20]


def test_a_next_page_hidden_among_other_links(tool_at: ToolAt) -> None:
    """RFC 8288 §3, and opaque cursors whose case counts (pylti1.3#139)."""
    tool = tool_at(GENERIC)
    tool.platform.people = Crowd(120)

    first = roster(tool, "?limit=60")
    assert "; rel=next" in first.headers["Link"]
    following = first.links["next"]["url"]
    (cursor,) = parse_qs(urlsplit(following).query)["bookmark"]
    assert cursor != cursor.lower()
    assert roster(tool, f"?limit=60&bookmark={cursor.lower()}").status_code == 400
    assert [len(page) for page in walk(tool, "?limit=60")] == [60, 60]


def test_moodles_next_page_forgets_the_role(tool_at: ToolAt) -> None:
    """M:memberships.php:477 (source)."""
    tool = tool_at(MOODLE)
    tool.platform.people = Crowd(250)

    first, second = walk(tool, "?role=Instructor&limit=1")[:2]

    assert (first, second) == (["person-99"], ["person-1"])


@EVERY
@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_a_limit_that_is_none(tool_at: ToolAt, profile: Profile, limit: str) -> None:
    """NRPS 2.0 §2.4.2: a positive number."""
    assert roster(tool_at(profile), f"?limit={limit}").status_code == 400


def test_a_crowd_is_made_up_as_it_is_read() -> None:
    """Of a hundred thousand, whoever asks for one page is told of one page."""
    crowd = Crowd(100_000)

    assert crowd[99_999].name == "Given Family 99999"
    assert [person.id for person in crowd[5:7]] == ["person-5", "person-6"]
    assert crowd[199].kind == "teacher"

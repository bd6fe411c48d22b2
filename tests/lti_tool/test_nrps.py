"""Reading a roster from a VLE: every page of it, and nothing that is not a member."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import ValidationError

from lti_tool import http, nrps, platform_quirks
from lti_tool.claims import Role
from lti_tool.models import Deployment, Family, Registration
from lti_tool.nrps import Member, RosterRefused
from lti_tool.platform_quirks import Quirks
from tests.platforms.fake import FakePlatform, Fault
from tests.platforms.people import COURSE, Crowd
from tests.platforms.profiles import CANVAS, EVERY_VLE, GENERIC, MOODLE, PLAIN, Profile
from tests.platforms.server import Answer, Received, json_answer
from tests.platforms.terms import ASSISTANT, INSTRUCTOR, LEARNER, MEMBERSHIP, ROSTER_SCOPE, ROSTER_TYPE

MEMBERSHIPS = "/memberships/course-1"


def become(platform: FakePlatform, profile: Profile) -> Registration:
    """Let the platform be that make of VLE, registered as one."""
    known = platform.tool_keys
    platform.reset(profile)
    platform.tool_keys = known  # type: ignore[method-assign]
    Deployment.objects.all().delete()
    Registration.objects.all().delete()
    registration: Registration = platform.register()
    return registration


def read(platform: FakePlatform, registration: Registration) -> list[Member]:
    pages = nrps.pages(registration, platform.url + MEMBERSHIPS)
    return [member for page in pages for member in page.members]


def refusal(platform: FakePlatform, registration: Registration) -> RosterRefused:
    with pytest.raises(RosterRefused) as refused:
        read(platform, registration)
    return refused.value


def page(*members: Any, link: str = "", **changes: Any) -> Fault:
    """A page that is answered in place of the platform's own."""
    document = changes or {"id": "x", "context": {"id": "course-1"}, "members": list(members)}
    headers = {"Content-Type": ROSTER_TYPE, **({"Link": link} if link else {})}
    return Fault(status=200, headers=headers, body=json.dumps(document).encode())


def member(user_id: Any = "user-1", **changes: Any) -> dict[str, Any]:
    return {"user_id": user_id, "roles": ["Learner"], **changes}


# --- every page, on every VLE ---------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", [PLAIN, *EVERY_VLE], ids=str)
def test_everybody_is_read(gradebook: FakePlatform, profile: Profile) -> None:
    registration = become(gradebook, profile)
    gradebook.people = Crowd(1203)

    members = read(gradebook, registration)

    assert [one.user_id for one in members] == [f"person-{number}" for number in range(1203)]
    assert sum(Role.LEAD in one.roles for one in members) == 12
    assert sum(Role.LEARNER in one.roles for one in members) == 1191
    assert members[7].full_name == "Given Family 7"
    assert (members[7].email, members[7].sourcedid) == ("person-7@school.example", "S-7")


@pytest.mark.parametrize("profile", [PLAIN, *EVERY_VLE], ids=str)
def test_names_arrive_as_they_are_called(gradebook: FakePlatform, profile: Profile) -> None:
    """Moodle writes them as HTML."""
    registration = become(gradebook, profile)

    named = {one.full_name for one in read(gradebook, registration)}

    assert named >= {person.name for person in COURSE if person.status == "Active"}


@pytest.mark.parametrize("profile", [PLAIN, *EVERY_VLE], ids=str)
def test_a_vle_that_shares_no_names(gradebook: FakePlatform, profile: Profile) -> None:
    registration = become(gradebook, profile)
    gradebook.shares_identity = False

    members = read(gradebook, registration)

    assert len(members) >= 4
    assert {(one.full_name, one.email) for one in members} == {("", "")}


def test_inactive_members_are_told_from_active_ones(gradebook: FakePlatform) -> None:
    registration = become(gradebook, GENERIC)

    inactive = [one.user_id for one in read(gradebook, registration) if not one.is_active]

    assert inactive == [person.id for person in COURSE if person.status != "Active"]
    assert inactive


@pytest.mark.parametrize(("profile", "limit"), [(MOODLE, "500"), (CANVAS, "50"), (GENERIC, "500")], ids=str)
def test_pages_are_as_large_as_the_vle_gives_them(
    gradebook: FakePlatform, profile: Profile, limit: str
) -> None:
    registration = become(gradebook, profile)

    read(gradebook, registration)

    request = next(one for one in gradebook.received if one.path == MEMBERSHIPS)
    assert (request.query["limit"], request.headers["accept"]) == (limit, ROSTER_TYPE)


def test_what_the_address_asks_for_already_is_kept(
    gradebook: FakePlatform, registration: Registration
) -> None:
    list(nrps.pages(registration, f"{gradebook.url}{MEMBERSHIPS}?rlid=link-1"))

    assert gradebook.received[-1].query == {"rlid": "link-1", "limit": "500"}


def test_the_token_is_for_rosters_alone(gradebook: FakePlatform, registration: Registration) -> None:
    read(gradebook, registration)

    assert [one.form["scope"] for one in gradebook.received if one.path == "/token"] == [ROSTER_SCOPE]


def test_a_page_much_larger_than_other_answers(gradebook: FakePlatform, registration: Registration) -> None:
    """A VLE that ignores `limit`."""
    entries = [member(f"{'x' * 200}-{number}") for number in range(10_000)]
    everybody = page(*entries)
    assert len(everybody.body) > 2 * http.MAX_BYTES
    gradebook.fail(MEMBERSHIPS, everybody)

    assert len(read(gradebook, registration)) == 10_000


# --- where the next page is -----------------------------------------------------------------------------------


def test_a_relative_next_page(gradebook: FakePlatform, registration: Registration) -> None:
    gradebook.fail(MEMBERSHIPS, page(member("first"), link="<?bookmark=WyJBYk>; title=x; rel=next"))
    gradebook.fail(MEMBERSHIPS, page(member("second")))

    assert [one.user_id for one in read(gradebook, registration)] == ["first", "second"]
    assert gradebook.received[-1].query == {"bookmark": "WyJBYk"}


@pytest.mark.parametrize(
    "address", ["http://localhost:{port}/x", "//evil.example/x", "ftp://127.0.0.1/x", "x:y"]
)
def test_a_foreign_next_page_gets_no_token_of_ours(
    gradebook: FakePlatform, registration: Registration, address: str
) -> None:
    gradebook.fail(MEMBERSHIPS, page(member(), link=f'<{address.format(port=gradebook.port)}>; rel="next"'))

    assert refusal(gradebook, registration).reason == "foreign_address"
    assert [one.path for one in gradebook.received] == ["/token", MEMBERSHIPS]


def test_a_roster_that_moved_away_gets_no_token_of_ours(
    gradebook: FakePlatform, registration: Registration
) -> None:
    with pytest.raises(RosterRefused, match="foreign_address"):
        list(nrps.pages(registration, f"http://localhost:{gradebook.port}{MEMBERSHIPS}"))

    assert gradebook.received == []


def test_a_page_that_leads_back(gradebook: FakePlatform, registration: Registration) -> None:
    there, back = ("<?at=2>; rel=next", f"<{MEMBERSHIPS}?limit=500>; rel=next")
    gradebook.fail(MEMBERSHIPS, page(member("1"), link=there), page(member("2"), link=back))

    assert refusal(gradebook, registration).reason == "endless"
    assert gradebook.count("GET", MEMBERSHIPS) == 2


def endless(platform: FakePlatform, *members: Any) -> None:
    """Answer each page with these members and an address that was not there before."""
    asked = 0

    def answer(request: Received) -> Answer:
        nonlocal asked
        if request.path == "/token":
            return plain(request)
        asked += 1
        found = json_answer(200, {"members": members})
        return found._replace(headers={"Link": f"<?at={asked}>; rel=next"})

    plain = platform.answer
    platform.answer = answer  # type: ignore[method-assign]


@pytest.fixture
def own_answers(gradebook: FakePlatform) -> Any:
    yield gradebook
    del gradebook.answer


def test_pages_without_end(
    own_answers: FakePlatform, registration: Registration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nrps, "MOST_PAGES", 30)
    endless(own_answers, member())

    assert refusal(own_answers, registration).reason == "endless"
    assert own_answers.count("GET", MEMBERSHIPS) == 30


@pytest.mark.parametrize("entries", [[member(f"user-{number}") for number in range(30)], [None] * 30])
def test_members_without_end(
    own_answers: FakePlatform,
    registration: Registration,
    monkeypatch: pytest.MonkeyPatch,
    entries: list[Any],
) -> None:
    monkeypatch.setattr(nrps, "MOST_MEMBERS", 100)
    endless(own_answers, *entries)

    assert refusal(own_answers, registration).reason == "endless"
    assert own_answers.count("GET", MEMBERSHIPS) == 4


def test_empty_pages_that_name_another(own_answers: FakePlatform, registration: Registration) -> None:
    endless(own_answers)

    assert refusal(own_answers, registration).reason == "endless"
    assert own_answers.count("GET", MEMBERSHIPS) == 4


def test_an_empty_page_in_the_middle(gradebook: FakePlatform, registration: Registration) -> None:
    following = page(id="x", members=[], link="<?at=3>; rel=next")
    gradebook.fail(
        MEMBERSHIPS, page(member(), link="<?at=2>; rel=next"), following, page(member(user_id="2"))
    )

    assert len(read(gradebook, registration)) == 2


def test_an_empty_last_page(gradebook: FakePlatform, registration: Registration) -> None:
    gradebook.fail(MEMBERSHIPS, page(member(), link="<?at=2>; rel=next"), page(id="x", members=[]))

    assert len(read(gradebook, registration)) == 1


@dataclass(frozen=True, slots=True)
class Counted(Quirks):
    """A VLE whose entries are counted as they are looked at."""

    looked_at: list[Any] = field(default_factory=list)

    def member(self, entry: Any) -> Any:
        self.looked_at.append(entry)
        return entry


def test_more_entries_than_a_course_has_members_are_not_looked_at(
    gradebook: FakePlatform, registration: Registration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Millions of nothings fit on a page."""
    vle = Counted()
    monkeypatch.setitem(platform_quirks._QUIRKS, Family(registration.family), vle)
    monkeypatch.setattr(nrps, "MOST_MEMBERS", 3)
    gradebook.fail(MEMBERSHIPS, page(member(), member(), link="<?at=2>; rel=next"), page({}, {}))

    assert refusal(gradebook, registration).reason == "endless"
    assert len(vle.looked_at) == 2


def test_time_without_end(
    own_answers: FakePlatform, registration: Registration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nrps, "MOST_SECONDS", 0)
    endless(own_answers, member())

    assert refusal(own_answers, registration).reason == "endless"
    assert own_answers.count("GET", MEMBERSHIPS) == 1


@pytest.mark.parametrize(("seconds_per_member", "pages"), [(0, 1), (60, 30)])
def test_time_is_in_proportion_to_the_members(
    own_answers: FakePlatform,
    registration: Registration,
    monkeypatch: pytest.MonkeyPatch,
    seconds_per_member: float,
    pages: int,
) -> None:
    monkeypatch.setattr(nrps, "BASE_SECONDS", 0)
    monkeypatch.setattr(nrps, "SECONDS_PER_MEMBER", seconds_per_member)
    monkeypatch.setattr(nrps, "MOST_PAGES", 30)
    endless(own_answers, member())

    assert refusal(own_answers, registration).reason == "endless"
    assert own_answers.count("GET", MEMBERSHIPS) == pages


# --- when it goes wrong ---------------------------------------------------------------------------------------

REFUSALS = {
    "HTML with 200": (Fault(status=200, body=b"<!DOCTYPE html><p>Sign in"), "unreadable"),
    "no JSON": (Fault(status=200, body=b"{"), "unreadable"),
    "no text": (Fault(status=200, body=b"\xff\xfe"), "unreadable"),
    "nested without end": (Fault(status=200, body=b"[" * 100_000), "unreadable"),
    "a list": (Fault(status=200, body=b"[]"), "unreadable"),
    "null": (Fault(status=200, body=b"null"), "unreadable"),
    "no members": (Fault(status=200, body=b'{"id": "x"}'), "unreadable"),
    "members that are no list": (Fault(status=200, body=b'{"members": {"1": {}}}'), "unreadable"),
    "a redirect": (Fault(status=302, headers={"Location": "/login"}), "unreadable"),
    "bad request": (Fault(status=400), "not_allowed"),
    "forbidden": (Fault(status=403, body=b"scope"), "not_allowed"),
    "not found": (Fault(status=404), "course_gone"),
    "gone": (Fault(status=410), "course_gone"),
    "slow down": (Fault(status=429), "slow_down"),
    "a fault": (Fault(status=500, body=b"trace"), "platform_fault"),
    "maintenance": (Fault(status=503), "platform_fault"),
    "cut off": (Fault(reset=True), "unreachable"),
    "too large": (Fault(status=200, body=b"x" * (nrps.MAX_BYTES + 1)), "too_large"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_why_a_roster_cannot_be_read(gradebook: FakePlatform, registration: Registration, what: str) -> None:
    fault, reason = REFUSALS[what]
    gradebook.fail(MEMBERSHIPS, fault)

    refused = refusal(gradebook, registration)

    assert (refused.reason, refused.retry_after) == (reason, None)
    # Whoever is asked for the first page is left alone for a while, and not asked again at once.
    assert gradebook.count("GET", MEMBERSHIPS) == 1


def test_canvas_throttles_with_403(gradebook: FakePlatform) -> None:
    registration = become(gradebook, CANVAS)
    gradebook.fail(MEMBERSHIPS, Fault(status=403, body=b"403 Forbidden (Rate Limit Exceeded)"))

    assert refusal(gradebook, registration).reason == "slow_down"


@pytest.mark.parametrize(("status", "reason"), [(429, "slow_down"), (503, "platform_fault")])
def test_how_long_to_wait(
    gradebook: FakePlatform, registration: Registration, status: int, reason: str
) -> None:
    gradebook.fail(MEMBERSHIPS, Fault(status=status, headers={"Retry-After": "120"}))

    refused = refusal(gradebook, registration)

    assert (refused.reason, refused.retry_after) == (reason, 120)


@pytest.mark.parametrize("profile", EVERY_VLE, ids=str)
def test_a_tool_that_may_read_no_rosters(gradebook: FakePlatform, profile: Profile) -> None:
    registration = become(gradebook, profile)
    gradebook.permitted_scopes.discard(ROSTER_SCOPE)

    assert refusal(gradebook, registration).reason == "scope_refused"


def test_a_vle_that_does_not_know_our_key(gradebook: FakePlatform, registration: Registration) -> None:
    gradebook.tool_keys = list  # type: ignore[method-assign]

    assert refusal(gradebook, registration).reason == "key_refused"


def test_a_token_that_was_revoked_is_got_anew(gradebook: FakePlatform, registration: Registration) -> None:
    read(gradebook, registration)
    gradebook.tokens.clear()

    assert len(read(gradebook, registration)) == len(COURSE)


def test_tokens_that_are_never_taken(gradebook: FakePlatform, registration: Registration) -> None:
    gradebook.fail(MEMBERSHIPS, Fault(status=401), Fault(status=401))

    assert refusal(gradebook, registration).reason == "token_refused"


FAULTS = [
    Fault(status=500),
    Fault(status=429, headers={"Retry-After": "0"}),
    Fault(status=200, body=b"<html>"),
    Fault(reset=True),
]


@pytest.mark.parametrize("fault", FAULTS, ids=["500", "429", "HTML", "reset"])
def test_a_further_page_is_asked_for_again(
    gradebook: FakePlatform, registration: Registration, fault: Fault
) -> None:
    """After many pages, to begin anew would cost them all."""
    gradebook.fail(MEMBERSHIPS, page(member("first"), link=f"<{MEMBERSHIPS}?at=2>; rel=next"))
    gradebook.fail(MEMBERSHIPS, fault, fault, page(member("second")))

    assert [one.user_id for one in read(gradebook, registration)] == ["first", "second"]


def test_a_further_page_is_not_asked_for_without_end(
    gradebook: FakePlatform, registration: Registration
) -> None:
    gradebook.fail(MEMBERSHIPS, page(member("first"), link=f"<{MEMBERSHIPS}?at=2>; rel=next"))
    gradebook.fail(MEMBERSHIPS, *[Fault(status=500)] * nrps.PAGE_TRIES)

    assert refusal(gradebook, registration).reason == "platform_fault"
    assert gradebook.count("GET", MEMBERSHIPS) == 1 + nrps.PAGE_TRIES


def test_a_further_page_that_asks_for_long_patience(
    gradebook: FakePlatform, registration: Registration
) -> None:
    gradebook.fail(MEMBERSHIPS, page(member("first"), link=f"<{MEMBERSHIPS}?at=2>; rel=next"))
    gradebook.fail(MEMBERSHIPS, Fault(status=429, headers={"Retry-After": "3600"}))

    refused = refusal(gradebook, registration)

    assert (refused.reason, refused.retry_after) == ("slow_down", 3600)
    assert gradebook.count("GET", MEMBERSHIPS) == 2


def test_the_reading_is_stopped_between_requests(gradebook: FakePlatform, registration: Registration) -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        list(nrps.pages(registration, gradebook.url + MEMBERSHIPS, before_asking=stop))

    assert gradebook.received == []


# --- members --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("roles", "known"),
    [
        (["Learner"], {Role.LEARNER}),
        (["Student"], {Role.LEARNER}),
        (["Instructor"], {Role.LEAD}),
        ([LEARNER], {Role.LEARNER}),
        ([INSTRUCTOR], {Role.LEAD}),
        ([INSTRUCTOR, LEARNER], {Role.LEAD, Role.LEARNER}),
        ([ASSISTANT], set()),
        ([ASSISTANT, INSTRUCTOR], {Role.LEAD}),
        ([f"{MEMBERSHIP}Mentor", "urn:lti:sysrole:ims/lis/Administrator", "?"], set()),
        ([], set()),
    ],
)
def test_roles(roles: list[str], known: set[Role]) -> None:
    assert Member.model_validate(member(roles=roles)).roles == known


@pytest.mark.parametrize(
    ("status", "is_active"),
    [("Active", True), (None, True), ("", True), ("Inactive", False), ("Deleted", False)],
)
def test_status(status: str | None, is_active: bool) -> None:
    assert Member.model_validate(member(status=status)).is_active is is_active


def test_without_a_status_they_are_active() -> None:
    assert Member.model_validate(member()).is_active


@pytest.mark.parametrize(
    ("said", "full_name"),
    [
        ({"name": " Ann Other "}, "Ann Other"),
        ({"name": "", "given_name": "Ann", "family_name": "Other"}, "Ann Other"),
        ({"name": None, "given_name": None, "family_name": "Other"}, "Other"),
        ({"name": "A\x00nn"}, "Ann"),
        ({"name": "x" * 300}, "x" * 255),
        ({}, ""),
    ],
)
def test_names(said: dict[str, Any], full_name: str) -> None:
    assert Member.model_validate(member(**said)).full_name == full_name


UNREADABLE = {
    "no object": None,
    "a number": 7,
    "a list": ["user-1"],
    "nobody": {"roles": ["Learner"]},
    "nobody, emptily": member(""),
    "a number for somebody": member(7),
    "somebody too long": member("x" * 256),
    "NUL": member("user\x00"),
    "half a character": member("user\ud800"),
    "no roles": {"user_id": "user-1"},
    "a text for roles": member(roles="Learner"),
    "null for roles": member(roles=None),
    "numbers for roles": member(roles=[1]),
    "roles without end": member(roles=["Learner"] * 1000),
    "a number for a name": member(name=7),
    "a list for an e-mail": member(email=["a@school.example"]),
    "a number for a status": member(status=1),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_is_no_member(what: str) -> None:
    with pytest.raises(ValidationError):
        Member.model_validate(UNREADABLE[what])


@pytest.mark.parametrize("profile", [GENERIC, MOODLE], ids=str)
def test_entries_that_make_no_sense_spoil_nobody_elses(gradebook: FakePlatform, profile: Profile) -> None:
    registration = become(gradebook, profile)
    gradebook.fail(MEMBERSHIPS, page(member("first"), *UNREADABLE.values(), member("last")))

    (found,) = nrps.pages(registration, gradebook.url + MEMBERSHIPS)

    assert [one.user_id for one in found.members] == ["first", "last"]
    assert len(found.unreadable) == len(UNREADABLE)
    assert set(found.unreadable) == {"user-1", ""}

"""The demo VLE's courses: plain links, copies, people who come and go, work looked at from the gradebook,
and a person's own data.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.deploy.test_demo_vle import (
    AGS_CLAIM,
    AMINA,
    GRACE,
    ITEM_TYPE,
    JO,
    LTI,
    NRPS_CLAIM,
    PIOTR,
    RESULTS_TYPE,
    ROSTER_TYPE,
    TOMOS,
    ServiceClient,
    auth_request,
    claims_of,
    form_of,
    launch,
    login_initiation,
    press,
    signed_in,
)
from tests.deploy.test_demo_vle_deep_linking import MODULE, answer, data_of, send
from tests.deploy.test_demo_vle_process import FakeTool, RunningVle, running_vle

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"


@pytest.fixture(scope="module")
def tool() -> Iterator[FakeTool]:
    fake = FakeTool()
    yield fake
    fake.close()


@pytest.fixture
def vle(tool: FakeTool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVle]:
    with running_vle(tmp_path_factory.mktemp("demo-vle"), tool.url) as running:
        yield running


def add_module(vle: RunningVle, tool: FakeTool) -> None:
    """Activity 2 of the course, with a column that says what there is to look at."""
    session = signed_in(vle, GRACE)
    assert send(vle, session, answer(vle, tool, data_of(vle, tool, session), MODULE)).status_code == 200


def set_membership(
    vle: RunningVle, member: str, role: str, status: str, course: int = 1
) -> requests.Response:
    people = f"/courses/{course}/people/"
    return press(vle, signed_in(vle, PIOTR), people, f"{people}{member}/", role=role, status=status)


def launched(vle: RunningVle, tool: FakeTool, member: str, path: str) -> dict[str, Any]:
    return claims_of(vle, launch(vle, tool, signed_in(vle, member), path=path))


def roster(vle: RunningVle, tool: FakeTool, query: str = "", course: int = 1) -> requests.Response:
    url = f"{vle.url}/nrps/courses/{course}/memberships{query}"
    return ServiceClient(vle, tool).send("GET", url, accept=ROSTER_TYPE)


# --- activities -----------------------------------------------------------------------------


def test_a_plain_link_says_nothing_of_what_it_is_to_show(vle: RunningVle, tool: FakeTool) -> None:
    page = press(vle, signed_in(vle, GRACE), "/courses/1/", "/courses/1/add/1/plain/")
    assert 'href="/courses/1/activities/2/"' in page.text
    claims = launched(vle, tool, AMINA, "/courses/1/activities/2/launch/")
    assert claims[LTI + "custom"] == {}
    assert claims[LTI + "resource_link"]["id"] == "2"
    assert claims[LTI + "target_link_uri"] == f"{tool.url}/lti/launch/"
    assert "lineitem" in claims[AGS_CLAIM]


def test_a_duplicate_is_a_new_link_that_says_the_same(vle: RunningVle, tool: FakeTool) -> None:
    add_module(vle, tool)
    page = press(vle, signed_in(vle, GRACE), "/courses/1/", "/courses/1/activities/2/duplicate/")
    assert "Leading the response (copy)" in page.text
    original, copy = (
        launched(vle, tool, AMINA, f"/courses/1/activities/{number}/launch/") for number in (2, 3)
    )
    assert original[LTI + "custom"] == {"activity": "42", "course": "", "link": ""}
    assert copy[LTI + "custom"] == {"activity": "42", "course": "", "link": "2"}
    assert copy[LTI + "resource_link"]["id"] == "3"
    assert copy[LTI + "target_link_uri"] == original[LTI + "target_link_uri"]
    assert copy[AGS_CLAIM]["lineitem"] != original[AGS_CLAIM]["lineitem"]
    items = ServiceClient(vle, tool).list("?resource_id=activity-42")
    assert [item["resourceLinkId"] for item in items] == ["2", "3"]
    assert items[0]["submissionReview"] == items[1]["submissionReview"]


def test_a_copied_course_has_the_people_and_the_activities_and_no_grades(
    vle: RunningVle, tool: FakeTool
) -> None:
    add_module(vle, tool)
    client = ServiceClient(vle, tool)
    [item] = client.list("?resource_id=activity-42")
    client.score(item)
    page = press(vle, signed_in(vle, GRACE), "/courses/1/", "/courses/1/copy/")
    assert page.url == f"{vle.url}/courses/2/"
    assert "<h1>Staff safeguarding training (copy 1)</h1>" in page.text

    claims = launched(vle, tool, AMINA, "/courses/2/activities/4/launch/")
    assert claims[LTI + "context"]["id"] == "2"
    assert claims[LTI + "context"]["label"] == "SAFEGUARDING-2"
    assert claims[LTI + "resource_link"]["id"] == "4"
    assert claims[LTI + "custom"] == {"activity": "42", "course": "1", "link": "2"}
    assert claims[NRPS_CLAIM]["context_memberships_url"].endswith("/courses/2/memberships")
    copied = ServiceClient(vle, tool, course=2)
    assert len(copied.list()) == 2
    [copy] = copied.list("?resource_id=activity-42")
    assert copied.send("GET", copy["id"] + "/results", accept=RESULTS_TYPE).json() == []
    assert client.result(item)["resultScore"] == 45
    here = {member["user_id"] for member in roster(vle, tool, course=2).json()["members"]}
    assert here == {AMINA, TOMOS, JO, GRACE}

    press(vle, signed_in(vle, GRACE), "/courses/2/", "/courses/2/copy/")
    again = launched(vle, tool, AMINA, "/courses/3/activities/6/launch/")
    assert again[LTI + "custom"] == {"activity": "42", "course": "2,1", "link": "4,2"}
    # A column or link of one course is not there in another.
    elsewhere = item["id"].replace("/courses/1/", "/courses/2/")
    assert copied.send("GET", elsewhere, accept=ITEM_TYPE).status_code == 404
    assert signed_in(vle, AMINA).get(f"{vle.url}/courses/1/activities/4/", timeout=10).status_code == 404
    assert roster(vle, tool, "?rlid=4").status_code == 404


def test_an_activity_goes_with_its_column(vle: RunningVle, tool: FakeTool) -> None:
    add_module(vle, tool)
    session = signed_in(vle, GRACE)
    waiting = auth_request(tool, login_initiation(vle, session, path="/courses/1/activities/2/launch/"))
    page = press(vle, session, "/courses/1/", "/courses/1/activities/2/remove/")
    assert "Leading the response" not in page.text
    assert len(ServiceClient(vle, tool).list()) == 1
    gone = form_of(session.get(f"{vle.url}/auth/", params=waiting, timeout=10))
    assert gone.fields["error"] == "invalid_request"
    vle.stop()
    vle.start()
    assert "Leading the response" not in session.get(vle.url, timeout=10).text


def test_only_who_teaches_changes_a_course(vle: RunningVle) -> None:
    session = signed_in(vle, AMINA)
    fields = {
        "csrfmiddlewaretoken": session.cookies["riverside_vle_csrf"],
        "role": "Instructor",
        "status": "Active",
    }
    for path in (
        "copy/",
        "add/1/plain/",
        "activities/1/duplicate/",
        "activities/1/remove/",
        f"people/{AMINA}/",
    ):
        assert session.post(f"{vle.url}/courses/1/{path}", fields, timeout=10).status_code == 403
    assert session.get(f"{vle.url}/courses/1/people/", timeout=10).status_code == 403
    assert signed_in(vle, GRACE).get(f"{vle.url}/courses/1/people/", timeout=10).status_code == 403


# --- people ---------------------------------------------------------------------------------


def test_somebody_is_taken_out_and_brought_back(vle: RunningVle, tool: FakeTool) -> None:
    client = ServiceClient(vle, tool)
    [item] = client.list()
    assert client.score(item).status_code == 200
    assert "Not in this course" in set_membership(vle, AMINA, "Learner", "").text
    assert AMINA not in {member["user_id"] for member in roster(vle, tool).json()["members"]}
    session = signed_in(vle, AMINA)
    assert "Not in this course: you cannot open anything here." in session.get(vle.url, timeout=10).text
    for path in ("activities/1/", "activities/1/launch/", "grades/"):
        assert session.get(f"{vle.url}/courses/1/{path}", timeout=10).status_code == 403
    refused = client.score(item, timestamp="2027-01-01T10:00:00Z")
    assert (refused.status_code, refused.json()["error"]) == (400, "userId names nobody in this course.")

    set_membership(vle, AMINA, "Learner", "Active")
    assert client.score(item, timestamp="2027-01-01T10:00:00Z").status_code == 200
    assert "<strong>90 / 100</strong>" in session.get(vle.url, timeout=10).text


def test_a_suspension_is_in_the_roster(vle: RunningVle, tool: FakeTool) -> None:
    set_membership(vle, AMINA, "Learner", "Inactive")
    members = {member["user_id"]: member for member in roster(vle, tool).json()["members"]}
    assert {user: member["status"] for user, member in members.items()} == {
        AMINA: "Inactive", TOMOS: "Active", JO: "Active", GRACE: "Active",
    }  # fmt: skip
    session = signed_in(vle, AMINA)
    assert session.get(f"{vle.url}/courses/1/activities/1/launch/", timeout=10).status_code == 403


def test_a_student_made_teacher_is_one_in_launches_rosters_and_grades(
    vle: RunningVle, tool: FakeTool
) -> None:
    set_membership(vle, TOMOS, "Instructor", "Active")
    path = "/courses/1/activities/1/launch/"
    assert launched(vle, tool, TOMOS, path)[LTI + "roles"] == [MEMBERSHIP + "Instructor"]
    leads = roster(vle, tool, f"?role={MEMBERSHIP.replace('#', '%23')}Instructor").json()["members"]
    assert [member["user_id"] for member in leads] == [TOMOS, GRACE]
    client = ServiceClient(vle, tool)
    [item] = client.list()
    refused = client.score(item, userId=TOMOS)
    assert (refused.status_code, "not graded in this course" in refused.json()["error"]) == (400, True)
    assert "Add training" in signed_in(vle, TOMOS).get(vle.url, timeout=10).text
    set_membership(vle, TOMOS, "Learner", "Active")
    assert launched(vle, tool, TOMOS, path)[LTI + "roles"] == [MEMBERSHIP + "Learner"]


@pytest.mark.parametrize(
    ("member", "role", "status"),
    [("nobody", "Learner", "Active"), (PIOTR, "Learner", "Active"), (AMINA, "Owner", "Active"),
     (AMINA, "Learner", "Deleted")],
)  # fmt: skip
def test_a_membership_that_cannot_be_is_not_made(
    vle: RunningVle, member: str, role: str, status: str
) -> None:
    session = signed_in(vle, PIOTR)
    fields = {"csrfmiddlewaretoken": session.cookies["riverside_vle_csrf"], "role": role, "status": status}
    assert session.post(f"{vle.url}/courses/1/people/{member}/", fields, timeout=10).status_code == 404


def test_a_roster_is_read_page_by_page(vle: RunningVle, tool: FakeTool) -> None:
    def next_of(page: requests.Response) -> str | None:
        link = re.fullmatch(r'<([^>]*)>; rel="next"', page.headers.get("Link", ""))
        return link.group(1) if link else None

    first = roster(vle, tool, "?role=Learner&limit=2")
    assert [member["user_id"] for member in first.json()["members"]] == [AMINA, TOMOS]
    following = next_of(first)
    assert following is not None
    assert "role=Learner" in following
    second = ServiceClient(vle, tool).send("GET", following, accept=ROSTER_TYPE)
    assert [member["user_id"] for member in second.json()["members"]] == [JO]
    assert next_of(second) is None
    assert next_of(roster(vle, tool, "?limit=4")) is None
    assert next_of(roster(vle, tool)) is None
    for limit in ("0", "-1", "x", "", "9" * 30):
        assert roster(vle, tool, f"?limit={limit}").status_code == 400
    assert roster(vle, tool, "?role=Owner").json()["members"] == []


def test_a_roster_for_a_link_says_what_its_launch_would(vle: RunningVle, tool: FakeTool) -> None:
    [amina] = (
        member for member in roster(vle, tool, "?rlid=1").json()["members"] if member["user_id"] == AMINA
    )
    assert amina["message"] == [
        {
            LTI + "message_type": "LtiResourceLinkRequest",
            LTI + "custom": {"module": "all-staff-awareness"},
        }
    ]


# --- looking at somebody's work -------------------------------------------------------------


def test_a_teacher_looks_at_a_learners_work_from_the_gradebook(vle: RunningVle, tool: FakeTool) -> None:
    add_module(vle, tool)
    client = ServiceClient(vle, tool)
    [item] = client.list("?resource_id=activity-42")
    grace = signed_in(vle, GRACE)
    review = f"/courses/1/grades/{item['id'].rpartition('/')[2]}/{AMINA}/"
    grades = f"{vle.url}/courses/1/grades/"
    assert review not in grace.get(grades, timeout=10).text  # nothing to look at yet
    assert grace.get(vle.url + review, timeout=10).status_code == 404
    client.score(item)
    assert f'href="{review}"' in grace.get(grades, timeout=10).text
    assert "Amina Yusuf: Leads&#x27; quiz" in grace.get(vle.url + review, timeout=10).text

    claims = launched(vle, tool, GRACE, f"{review}launch/")
    assert claims[LTI + "message_type"] == "LtiSubmissionReviewRequest"
    assert claims["sub"] == GRACE
    assert claims[LTI + "for_user"] == {
        "user_id": AMINA,
        "person_sourcedid": f"RIV-{AMINA}",
        "name": "Amina Yusuf",
        "given_name": "Amina",
        "family_name": "Yusuf",
        "email": "a.yusuf@riverside.example",
    }
    assert claims[LTI + "target_link_uri"] == "http://tool.example/review/"
    assert claims[AGS_CLAIM]["lineitem"] == item["id"]
    assert claims[LTI + "custom"] == {"activity": "42", "course": "", "link": ""}

    amina = signed_in(vle, AMINA)
    assert review not in amina.get(grades, timeout=10).text
    for path in (review, f"{review}launch/"):
        assert amina.get(vle.url + path, timeout=10).status_code == 403


def test_a_review_of_who_shares_nothing_names_nobody(vle: RunningVle, tool: FakeTool) -> None:
    client = ServiceClient(vle, tool)
    assert client.score(client.list()[0], userId=JO).status_code == 200
    claims = launched(vle, tool, GRACE, f"/courses/1/grades/1/{JO}/launch/")
    assert claims[LTI + "for_user"] == {"user_id": JO, "person_sourcedid": f"RIV-{JO}"}
    assert claims[LTI + "target_link_uri"] == f"{tool.url}/lti/launch/"
    grace = signed_in(vle, GRACE)
    for nobody in (GRACE, PIOTR, "nobody"):
        assert grace.get(f"{vle.url}/courses/1/grades/1/{nobody}/", timeout=10).status_code == 404


# --- a person's own data --------------------------------------------------------------------


@pytest.mark.parametrize("member", [AMINA, JO, GRACE, PIOTR])
def test_everybody_gets_to_their_own_data(vle: RunningVle, tool: FakeTool, member: str) -> None:
    session = signed_in(vle, member)
    assert 'href="/me/data/1/"' in session.get(f"{vle.url}/me/", timeout=10).text
    assert "My data in SafeResponse" in session.get(f"{vle.url}/me/data/1/", timeout=10).text
    claims = launched(vle, tool, member, "/me/data/1/launch/")
    assert claims[LTI + "message_type"] == "LtiDataPrivacyLaunchRequest"
    assert claims[LTI + "for_user"]["user_id"] == claims["sub"] == member
    assert ("name" in claims[LTI + "for_user"]) is (member != JO)
    assert claims[LTI + "roles"]
    for absent in ("context", "resource_link", "custom"):
        assert LTI + absent not in claims


def test_who_is_signed_out_has_no_page_of_their_own(vle: RunningVle) -> None:
    for path in ("/me/", "/me/data/1/"):
        assert "Who are you today?" in requests.get(vle.url + path, timeout=10).text
    assert requests.get(f"{vle.url}/me/data/1/launch/", timeout=10).status_code == 403

"""The operator's pages."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from lti_tool.gradebook import SCORE
from lti_tool.models import Context, Deployment, LtiUser, Registration, Roster, School, ToolKey
from tests import factories
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform, PlatformKey
from tests.platforms.terms import CLAIM

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(tool_key: ToolKey) -> Client:
    client = Client(headers={"host": "tool.example"})
    client.force_login(User.objects.create_superuser("operator", password="a long password"))
    return client


def test_the_tools_addresses_stand_above_the_form(operator: Client) -> None:
    page = operator.get("/admin/lti_tool/registration/add/", secure=True).content.decode()

    for path in ("login", "launch", "jwks"):
        assert f"<code>https://tool.example/lti/{path}/</code>" in page


def test_a_registration_can_be_opened(operator: Client, registration: Registration) -> None:
    response = operator.get(f"/admin/lti_tool/registration/{registration.pk}/change/", secure=True)

    assert response.status_code == 200
    assert registration.issuer in response.content.decode()
    assert f'href="{page_of(registration)}"' in response.content.decode()


@pytest.mark.parametrize(
    ("action", "status"), [("accept", Deployment.Status.ACCEPTED), ("refuse", Deployment.Status.REFUSED)]
)
def test_a_waiting_deployment_is_decided(
    operator: Client, platform: FakePlatform, action: str, status: str
) -> None:
    visitor = Visitor(platform)
    unknown = {f"{CLAIM}deployment_id": "deployment-2"}
    visitor.launch(lambda claims: claims.update(unknown), lti_deployment_id="deployment-2")
    waiting = Deployment.objects.get(deployment_id="deployment-2")
    listed = operator.get("/admin/lti_tool/deployment/?status__exact=pending", secure=True)
    assert "deployment-2" in listed.content.decode()

    operator.post(
        "/admin/lti_tool/deployment/",
        {"action": action, "_selected_action": [waiting.pk]},
        secure=True,
    )

    waiting.refresh_from_db()
    assert waiting.status == status
    response = visitor.launch(lambda claims: claims.update(unknown), lti_deployment_id="deployment-2")
    assert response.status_code == (302 if action == "accept" else 403)


def test_somebody_can_be_switched_off_and_not_be_made_another(
    operator: Client, platform: FakePlatform
) -> None:
    Visitor(platform).launch()
    user = LtiUser.objects.get()

    response = operator.post(
        f"/admin/lti_tool/ltiuser/{user.pk}/change/",
        {"name": "A. Yusuf", "email": user.email, "sourcedid": "", "sub": "admin", "person": "99"},
        secure=True,
    )

    assert response.status_code == 302
    changed = LtiUser.objects.get()
    assert (changed.name, changed.is_active) == ("A. Yusuf", False)
    assert (changed.sub, changed.person) == (user.sub, user.person)


def test_no_private_key_is_shown_or_can_be_added(operator: Client, tool_key: ToolKey) -> None:
    page = operator.get(f"/admin/lti_tool/toolkey/{tool_key.pk}/change/", secure=True).content.decode()

    assert tool_key.kid in page
    assert bytes(tool_key.encrypted_private_key).decode() not in page
    assert operator.get("/admin/lti_tool/toolkey/add/", secure=True).status_code == 403
    # Nor can the one that signs be taken away here.
    assert operator.post(f"/admin/lti_tool/toolkey/{tool_key.pk}/delete/", secure=True).status_code == 403
    assert ToolKey.objects.exists()


@pytest.mark.parametrize(
    "model", ["registration", "deployment", "ltiuser", "toolkey", "school", "context", "trust", "invitation"]
)
def test_every_list_opens(operator: Client, platform: FakePlatform, model: str) -> None:
    Visitor(platform).launch()

    assert operator.get(f"/admin/lti_tool/{model}/", secure=True).status_code == 200
    assert operator.get(f"/admin/lti_tool/{model}/?q=x", secure=True).status_code in {200, 302}


def test_somebody_launched_is_no_operator(platform: FakePlatform) -> None:
    visitor = Visitor(platform)
    visitor.launch()

    response = visitor.client.get("/admin/lti_tool/registration/", secure=True)

    assert (response.status_code, response["Location"].split("?")[0]) == (302, "/admin/login/")


# --- the connection's page ----------------------------------------------------------------------------------


def page_of(registration: Registration, act: str = "") -> str:
    return f"/admin/lti_tool/registration/{registration.pk}/connection/{act}"


def look(client: Client, registration: Registration) -> str:
    response = client.get(page_of(registration), secure=True)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def waiting(registration: Registration) -> Deployment:
    return factories.make_deployment(registration, deployment_id="new", status=Deployment.Status.PENDING)


def decide(client: Client, waiting: Deployment, decision: str = "accept", **sent: object) -> HttpResponse:
    said = {"deployment": waiting.pk, "decision": decision, **sent}
    return client.post(page_of(waiting.registration, "decide/"), said, secure=True)


def colleague(*permissions: str) -> Client:
    """Staff who may do no more than this."""
    user = User.objects.create_user("colleague", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client(headers={"host": "tool.example"})
    client.force_login(user)
    return client


def test_the_list_says_how_each_connection_does_and_leads_to_its_page(
    operator: Client, platform: FakePlatform, registration: Registration
) -> None:
    Visitor(platform).launch()
    other = factories.make_registration()
    factories.make_deployment(other, status=Deployment.Status.PENDING)

    listed = operator.get("/admin/lti_tool/registration/", secure=True).content.decode()

    assert f'<a href="{page_of(registration)}">Works</a>' in listed
    assert f'<a href="{page_of(other)}">Needs attention: A deployment waits to be accepted.</a>' in listed


def test_a_list_of_connections_takes_as_many_queries_however_long(
    operator: Client, registration: Registration
) -> None:
    operator.get("/admin/lti_tool/registration/", secure=True)
    with CaptureQueriesContext(connection) as few:
        operator.get("/admin/lti_tool/registration/", secure=True)
    for _ in range(5):
        factories.make_deployment()
    with CaptureQueriesContext(connection) as more:
        operator.get("/admin/lti_tool/registration/", secure=True)

    assert len(more) == len(few)


def test_the_page_tells_what_happened_and_what_to_do(
    operator: Client, platform: FakePlatform, registration: Registration, tool_key: ToolKey
) -> None:
    visitor = Visitor(platform)
    visitor.launch()
    visitor.launch(key=PlatformKey(1))
    roster = Roster(url="https://vle.example/r", problem="course_gone")
    roster.context = Context.objects.get()
    roster.save()

    page = look(operator, registration)

    assert "Needs attention" in page
    assert "signed with a key that it does not publish. <code>kid_unknown</code>" in page
    assert "Check the public keyset URL in the registration" in page
    assert "The VLE has no such course any more." in page
    assert tool_key.kid in page
    assert "keys the tool holds 1 that verify launches" in page
    for path in ("login", "launch", "jwks"):
        assert f'value="https://tool.example/lti/{path}/"' in page
    assert "deploy/guides/others.md" in page


def test_a_waiting_deployment_is_accepted_and_given_to_a_school(
    operator: Client, waiting: Deployment
) -> None:
    school = factories.make_school("Hillside School")
    assert "Waiting to be accepted" in look(operator, waiting.registration)

    response = decide(operator, waiting, school=school.pk)

    assert (response.status_code, response["Location"]) == (302, page_of(waiting.registration))
    waiting.refresh_from_db()
    assert (waiting.status, waiting.school) == (Deployment.Status.ACCEPTED, school)
    page = look(operator, waiting.registration)
    assert "Deployment new accepted: its people can come in from now on." in page
    assert "Waiting to be accepted" not in page
    assert "Hillside School" in page
    assert LogEntry.objects.get().get_change_message() == (
        "Deployment new accepted: its people can come in from now on."
    )


def test_it_may_be_given_to_a_new_school(operator: Client, waiting: Deployment) -> None:
    decide(operator, waiting, new_school="  Lakeside School ")

    waiting.refresh_from_db()
    assert waiting.school is not None
    assert waiting.school.name == "Lakeside School"


def test_a_new_school_is_the_same_within_the_vle_and_another_elsewhere(
    operator: Client, waiting: Deployment
) -> None:
    here = factories.make_deployment(waiting.registration, school=factories.make_school("St Mary's"))
    factories.make_deployment(school=factories.make_school("St Mark's"))
    second = factories.make_deployment(waiting.registration, status=Deployment.Status.PENDING)

    decide(operator, waiting, new_school="St Mary's")
    decide(operator, second, new_school="St Mark's")

    waiting.refresh_from_db()
    assert waiting.school == here.school
    assert School.objects.filter(name="St Mark's").count() == 2


def test_it_may_be_refused(operator: Client, waiting: Deployment) -> None:
    decide(operator, waiting, "refuse")

    waiting.refresh_from_db()
    assert waiting.status == Deployment.Status.REFUSED


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (
            {"new_school": "Lakeside", "school": "1"},
            "Choose a school from the list, or name a new one, not both.",
        ),
        ({"deployment": ""}, "Choose the deployment that you decide on."),
        ({"new_school": "x" * 201}, "at most 200 characters"),
    ],
)
def test_what_makes_no_sense_changes_nothing(
    operator: Client, waiting: Deployment, sent: dict[str, object], said: str
) -> None:
    school = factories.make_school()
    if "school" in sent:
        sent = {**sent, "school": school.pk}

    response = decide(operator, waiting, **sent)

    assert response.status_code == 200
    assert said in response.content.decode()
    waiting.refresh_from_db()
    assert waiting.status == Deployment.Status.PENDING


def test_another_vles_deployment_is_not_decided_here(operator: Client, waiting: Deployment) -> None:
    other = factories.make_deployment(status=Deployment.Status.PENDING)

    operator.post(
        page_of(waiting.registration, "decide/"), {"deployment": other.pk, "decision": "accept"}, secure=True
    )

    other.refresh_from_db()
    assert other.status == Deployment.Status.PENDING


def test_what_was_decided_already_is_not_decided_again(operator: Client, waiting: Deployment) -> None:
    """Two operators have the page open."""
    decide(operator, waiting, "refuse")
    response = decide(operator, waiting)

    assert (
        "Nothing was changed. Somebody has decided on this deployment meanwhile." in response.content.decode()
    )
    waiting.refresh_from_db()
    assert waiting.status == Deployment.Status.REFUSED


def test_the_self_test_shows_what_it_found(
    operator: Client, gradebook: FakePlatform, registration: Registration
) -> None:
    Visitor(gradebook).launch()
    gradebook.permitted_scopes -= {SCORE}

    response = operator.post(
        page_of(registration, "test/"), {"course": Context.objects.get().pk}, secure=True
    )

    page = response.content.decode()
    assert response.status_code == 200
    assert "The VLE accepts the tool, and does not allow it this." in page
    assert "Allow the tool to send grades. Without it no result reaches the gradebook." in page
    assert "Scratch" not in page


def test_the_self_test_sends_a_grade_only_where_the_box_is_ticked(
    operator: Client, gradebook: FakePlatform, registration: Registration
) -> None:
    Visitor(gradebook).launch()
    sent = {"course": Context.objects.get().pk, "scratch_score": "on"}

    page = operator.post(page_of(registration, "test/"), sent, secure=True).content.decode()

    assert "The column is deleted, and the score with it." in page
    assert [column.label for column in gradebook.deleted] == ["SafeResponse self-test"]


def test_another_vles_course_is_not_tested_in(
    operator: Client, gradebook: FakePlatform, registration: Registration
) -> None:
    Visitor(gradebook).launch()
    elsewhere = factories.make_course()

    page = operator.post(
        page_of(registration, "test/"), {"course": elsewhere.pk}, secure=True
    ).content.decode()

    assert "Select a valid choice" in page
    assert "What the self-test found" not in page


def test_before_anybody_opened_an_activity_the_rest_is_tested(
    operator: Client, gradebook: FakePlatform, registration: Registration
) -> None:
    page = operator.post(page_of(registration, "test/"), {"x": ""}, secure=True).content.decode()

    assert "What the self-test found" in page
    assert "Nobody has opened an activity from this VLE yet. Open one, then test again." in page


@pytest.mark.parametrize("act", ["decide/", "test/"])
def test_opened_by_its_address_an_act_is_only_the_page(
    operator: Client, waiting: Deployment, platform: FakePlatform, act: str
) -> None:
    platform.received.clear()
    page = operator.get(page_of(waiting.registration, act), secure=True).content.decode()

    assert "Waiting to be accepted" in page
    assert "Nothing was changed" not in page
    assert platform.received == []


def test_who_may_look_may_not_decide_or_test(waiting: Deployment, platform: FakePlatform) -> None:
    viewer = colleague("view_registration")

    page = look(viewer, waiting.registration)
    assert "You may look at this page, not accept." in page
    assert "decide/" not in page
    assert "test/" not in page

    platform.received.clear()
    assert decide(viewer, waiting).status_code == 403
    assert viewer.post(page_of(waiting.registration, "test/"), {"x": ""}, secure=True).status_code == 403
    waiting.refresh_from_db()
    assert waiting.status == Deployment.Status.PENDING
    assert platform.received == []


def test_who_may_change_connections_may_test_and_needs_more_to_decide(
    waiting: Deployment, gradebook: FakePlatform
) -> None:
    tester = colleague("change_registration")

    tested = tester.post(page_of(waiting.registration, "test/"), {"x": ""}, secure=True)
    assert "What the self-test found" in tested.content.decode()
    assert decide(tester, waiting).status_code == 403


def test_who_may_decide_may_not_invent_schools(waiting: Deployment) -> None:
    decider = colleague("change_registration", "change_deployment")

    assert 'name="new_school"' not in look(decider, waiting.registration)
    decide(decider, waiting, new_school="Lakeside School")

    waiting.refresh_from_db()
    assert (waiting.status, waiting.school) == (Deployment.Status.ACCEPTED, None)
    assert not School.objects.exists()


def test_nobody_else_sees_a_connection(registration: Registration, platform: FakePlatform) -> None:
    assert colleague("view_school").get(page_of(registration), secure=True).status_code == 403
    visitor = Visitor(platform)
    visitor.launch()
    for act in ("", "decide/", "test/"):
        response = visitor.client.get(page_of(registration, act), secure=True)
        assert (response.status_code, response["Location"].split("?")[0]) == (302, "/admin/login/")


def test_a_connection_that_is_not_there(operator: Client) -> None:
    assert operator.get("/admin/lti_tool/registration/999999/connection/", secure=True).status_code == 404

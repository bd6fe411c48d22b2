"""The operator's pages."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from lti_tool.models import Deployment, LtiUser, Registration, ToolKey
from tests.platforms.browser import Visitor
from tests.platforms.fake import CLAIM, FakePlatform

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


@pytest.mark.parametrize(
    "model", ["registration", "deployment", "ltiuser", "toolkey", "school", "context", "trust"]
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

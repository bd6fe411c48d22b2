"""The tool lets in everybody's launches: each make of VLE as it launches, once connected by hand."""

import pytest

from lti_tool.models import Launch, LineItem, Membership, Registration
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform
from tests.platforms.people import ASSISTANT, TEACHER
from tests.platforms.profiles import CANVAS, EVERY_VLE

pytestmark = pytest.mark.django_db
EVERY = pytest.mark.parametrize("vle", EVERY_VLE, indirect=True, ids=str)


@EVERY
def test_a_learner_comes_in(vle: FakePlatform) -> None:
    vle.register()

    page = Visitor(vle).open()

    assert page.status_code == 200
    launch = Launch.objects.get()
    assert (launch.lti_user.sub, launch.lti_user.name) == ("user-1", "Amina Yusuf")
    assert launch.custom["module"] == "all-staff-awareness"
    assert "due" not in launch.custom
    membership = Membership.objects.get()
    assert (membership.is_learner, membership.is_lead) == (True, False)
    assert LineItem.objects.get().url == vle.columns["1"].id


@EVERY
def test_a_teacher_leads(vle: FakePlatform) -> None:
    vle.register()

    Visitor(vle, person=TEACHER).open()

    membership = Membership.objects.get()
    assert (membership.is_learner, membership.is_lead) == (False, True)


@EVERY
def test_an_assistant_is_no_learner(vle: FakePlatform) -> None:
    vle.register()

    Visitor(vle, person=ASSISTANT).open()

    assert Membership.objects.get().is_learner is False


@EVERY
def test_names_that_are_not_shared(vle: FakePlatform) -> None:
    vle.shares_identity = False
    vle.register()

    assert Visitor(vle).open().status_code == 200
    assert Launch.objects.get().lti_user.name == ""


@EVERY
def test_a_link_without_a_column(vle: FakePlatform) -> None:
    vle.register()
    del vle.columns["1"]

    assert Visitor(vle).open().status_code == 200
    assert LineItem.objects.get().url == ""


@EVERY
def test_a_second_launch_needs_a_new_hint(vle: FakePlatform) -> None:
    """The platform would refuse a hint, a nonce or a redirect address that is not in order."""
    vle.register()
    visitor = Visitor(vle)

    assert [visitor.open().status_code for _ in range(2)] == [200, 200]
    assert Launch.objects.count() == 2


@pytest.mark.parametrize("vle", [CANVAS], indirect=True, ids=str)
def test_two_schools_of_one_canvas(vle: FakePlatform) -> None:
    """lti_launch_overview.md: one issuer for all; the client id tells them apart."""
    first = vle.register()
    vle.client_id = "10000000000002"
    second = vle.register(deployment_id="deployment-2")
    vle.deployment_id = "deployment-2"

    Visitor(vle).open()

    assert first.issuer == second.issuer
    assert Launch.objects.get().registration == Registration.objects.get(client_id="10000000000002")

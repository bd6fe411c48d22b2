"""A launch from a VLE: what it leaves behind, and how it may go wrong on the way."""

import pytest

from lti_tool.models import Launch, LtiUser, Membership
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform

pytestmark = pytest.mark.django_db


def test_it_works(platform: FakePlatform) -> None:
    response = Visitor(platform).launch()

    launch = Launch.objects.get()
    assert response.status_code == 302
    assert response["Location"] == f"/learn/launch/{launch.pk}/"
    assert launch.lti_user.name == "Amina Yusuf"
    assert launch.resource_link.line_item.url == f"{platform.url}/lineitems/1?type_id=1"
    assert launch.custom == {"module": "all-staff-awareness"}
    assert Membership.objects.get().is_learner is True
    assert LtiUser.objects.count() == 1

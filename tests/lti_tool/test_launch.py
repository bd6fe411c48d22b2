"""A launch from a VLE: what it leaves behind, and how it may go wrong on the way."""

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from lti_tool import launching, login_state
from lti_tool.claims import read_claims
from lti_tool.models import Launch, LtiUser, Membership, Registration
from lti_tool.pylti import VerifiedLaunch
from tests.platforms.browser import Visitor
from tests.platforms.fake import LAUNCH, FakePlatform

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


def test_what_is_known_already_costs_one_read_and_one_write(
    platform: FakePlatform, registration: Registration, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Visitor(platform).launch()
    state, _ = login_state.begin(registration=registration.pk, deployment="", storage="")
    claims = read_claims(platform.claims(nonce=state.nonce, target=LAUNCH))
    verified = VerifiedLaunch(registration, state, claims)

    with django_assert_num_queries(2):
        launching.record(verified, now=timezone.now())

    assert Launch.objects.count() == 2

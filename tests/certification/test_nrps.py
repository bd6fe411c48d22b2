"""1EdTech certification, Names and Role Provisioning Services 2.0: the five cases by their names.

What is looked at is what the platform receives.
"""

import pytest

from lti_tool.models import Membership
from tests.platforms.acts import read_rosters
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform, Received
from tests.platforms.people import TEACHER
from tests.platforms.profiles import GENERIC
from tests.platforms.terms import NRPS, ROSTER_SCOPE, ROSTER_TYPE

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("vle", [GENERIC], indirect=True, ids=str)]


@pytest.fixture
def asked(vle: FakePlatform) -> Received:
    """What the platform was asked for after a teacher's launch."""
    vle.register()
    Visitor(vle, person=TEACHER).open()
    read_rosters()
    (request,) = [request for request in vle.received if request.path.startswith("/memberships/")]
    return request


def test_launch_with_the_claim(vle: FakePlatform) -> None:
    vle.register()
    claims = vle.claims(nonce="n", target="https://tool.example/lti/launch/", person=TEACHER)
    assert claims[NRPS]["context_memberships_url"] == f"{vle.url}/memberships/course-1"

    assert Visitor(vle, person=TEACHER).open().status_code == 200


def test_request_received(asked: Received) -> None:
    """At the very address of the claim; whoever is in the course is known afterwards."""
    assert (asked.method, asked.path) == ("GET", "/memberships/course-1")
    assert {"user-1", "chloe-1"} <= set(Membership.objects.values_list("lti_user__sub", flat=True))


def test_json_header(asked: Received) -> None:
    assert (
        asked.headers["accept"] == ROSTER_TYPE == "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
    )


def test_bearer_is_valid(vle: FakePlatform, asked: Received) -> None:
    """The token is one that the platform gave."""
    assert asked.headers["authorization"] == f"Bearer {asked.bearer}"
    assert asked.bearer in vle.tokens


def test_scope_is_correct(vle: FakePlatform, asked: Received) -> None:
    """That of reading the roster, and no other: what is not needed is not asked for."""
    scopes, _ = vle.tokens[asked.bearer]
    (token_request,) = [request for request in vle.received if request.path == "/token"]

    assert scopes == {ROSTER_SCOPE}
    assert token_request.form["scope"] == ROSTER_SCOPE

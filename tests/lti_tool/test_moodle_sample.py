"""What a real Moodle 4.5.5 sent (a throw-away one: nobody in it exists), read by the tool."""

import json
from pathlib import Path
from typing import Any

import pytest

from lti_tool.claims import DeepLinkingClaims, Role, read_claims
from lti_tool.models import Deployment, Launch, LineItem, Membership, Registration
from tests.platforms.browser import Visitor
from tests.platforms.fake import LAUNCH, FakePlatform
from tests.platforms.terms import CLAIM

SAMPLE = json.loads((Path(__file__).parent / "samples" / "moodle-4.5.5.json").read_text())
MESSAGE: dict[str, Any] = SAMPLE["LtiResourceLinkRequest"]["claims"]
MOODLE = "http://127.0.0.1:8080"


def test_the_launch_is_read() -> None:
    claims = read_claims(MESSAGE)

    assert (claims.sub, claims.deployment_id, claims.version) == ("6", "1", "1.3.0")
    assert claims.roles == {Role.LEARNER}
    assert (claims.full_name, claims.email) == ("Ana Álvarez", "student1@example.com")
    assert (claims.resource_link.id, claims.resource_link.title) == ("1", "Loops")
    assert claims.target_link_uri == "http://127.0.0.1:9001/launch?ex=loops"
    assert claims.context is not None
    assert (claims.context.id, claims.context.title) == ("2", "Programming 101 & MORE")
    assert claims.lis is not None
    assert claims.lis.person_sourcedid == "S-001"
    assert claims.presentation is not None
    assert claims.presentation.locale == "en"
    assert claims.ags is not None
    assert claims.ags.lineitem == f"{MOODLE}/mod/lti/services.php/2/lineitems/2/lineitem?type_id=1"
    assert claims.ags.lineitems == f"{MOODLE}/mod/lti/services.php/2/lineitems?type_id=1"
    assert len(claims.ags.scope) == 4
    assert claims.nrps is not None


def test_variables_that_moodle_does_not_know_are_no_values() -> None:
    custom = read_claims(MESSAGE).custom

    assert "due" not in custom
    assert "grp" not in custom
    assert (custom["exercise"], custom["reg_custom"], custom["ctxhist"]) == ("loops", "v=1&x", "")


def test_a_link_without_a_column() -> None:
    """Moodle leaves `lineitem` out, or sends it empty."""
    ags = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
    claims = read_claims({**MESSAGE, ags: {**MESSAGE[ags], "lineitem": ""}})

    assert claims.ags is not None
    assert claims.ags.lineitem == ""


def test_the_deep_linking_request_is_told_apart() -> None:
    claims = read_claims(SAMPLE["LtiDeepLinkingRequest"]["claims"])

    assert isinstance(claims, DeepLinkingClaims)
    assert claims.settings.accept_types == ["ltiResourceLink"]
    assert (claims.settings.accept_multiple, claims.settings.data) == (True, "")


@pytest.mark.django_db
def test_the_whole_message_is_recorded(platform: FakePlatform) -> None:
    """Only what belongs to one exchange is changed: the stamps, the nonce, and the tool's own address."""
    platform.register(issuer=MESSAGE["iss"], client_id=MESSAGE["aud"], deployment_id="1", family="moodle")
    visitor = Visitor(platform)
    login = {**SAMPLE["login_initiation_post"], "target_link_uri": LAUNCH}
    question = visitor.question(**login)
    fresh = platform.claims(nonce=question["nonce"], target=LAUNCH)
    own = {name: fresh[name] for name in ("iat", "exp", "nonce", f"{CLAIM}target_link_uri")}

    response = visitor.post(question["state"], platform.keys[0].sign({**MESSAGE, **own}))

    assert response.status_code == 302
    launch = Launch.objects.get()
    member = Membership.objects.get()
    assert launch.registration == Registration.objects.get(issuer=MOODLE)
    assert launch.resource_link.deployment == Deployment.objects.get(registration=launch.registration)
    assert (launch.lti_user.sub, launch.lti_user.name) == ("6", "Ana Álvarez")
    assert launch.lti_user.sourcedid == "S-001"
    assert launch.return_url.startswith(f"{MOODLE}/mod/lti/return.php?course=2")
    assert (member.is_learner, member.is_lead) == (True, False)
    assert LineItem.objects.get().url == f"{MOODLE}/mod/lti/services.php/2/lineitems/2/lineitem?type_id=1"

"""A gradebook on the other side, and people who learn."""

from functools import cache
from typing import Any

import pytest

from grading.models import Enrolment
from lti_tool import keys
from lti_tool.models import Deployment, Registration, ResourceLink, ToolKey
from tests import factories
from tests.platforms.fake import FakePlatform


@cache
def _tool_key() -> dict[str, Any]:
    """Our signing key, made once for the run: making one takes longer than most tests."""
    made = keys.make_key()
    row = {
        "kid": made.kid,
        "encrypted_private_key": made.encrypted_private_key,
        "public_jwk": made.public_jwk,
    }
    made.delete()
    return row


@pytest.fixture
def gradebook(_platform_server: FakePlatform, db: None) -> FakePlatform:
    """A registered platform that knows our key, its column 1 waiting for scores."""
    key = ToolKey.objects.create(**_tool_key())
    _platform_server.reset()
    _platform_server.tool_keys = lambda: [key.public_jwk]
    _platform_server.register()
    return _platform_server


@pytest.fixture
def registration(gradebook: FakePlatform) -> Registration:
    return Registration.objects.get()


@pytest.fixture
def link(registration: Registration, gradebook: FakePlatform) -> ResourceLink:
    """The link whose scores go into the gradebook's column 1."""
    course = factories.make_course(Deployment.objects.get(), context_id="course-1")
    return factories.make_link(course, column=gradebook.columns["1"].id, resource_link_id="link-1")


@pytest.fixture
def enrolment(link: ResourceLink) -> Enrolment:
    """Amina, who takes the training at the link."""
    return factories.make_enrolment(link=link)

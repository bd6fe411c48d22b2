from collections.abc import Iterator

import pytest

from lti_tool.models import Registration
from tests.certification.checks import Log
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform, PlatformKey


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Log:
    return Log(caplog)


@pytest.fixture
def visitor(platform: FakePlatform) -> Visitor:
    return Visitor(platform)


@pytest.fixture
def registration(platform: FakePlatform) -> Registration:
    return Registration.objects.get(issuer=platform.issuer, client_id=platform.client_id)


@pytest.fixture(scope="session")
def _other_server() -> Iterator[FakePlatform]:
    with FakePlatform() as platform:
        yield platform


@pytest.fixture
def other_platform(_other_server: FakePlatform, platform: FakePlatform) -> FakePlatform:
    """Another school's VLE, registered too: same client id (the first platform's), its own issuer and keys."""
    _other_server.reset()
    _other_server.keys = [PlatformKey(1)]
    _other_server.register()
    return _other_server

"""What every test may ask for: a platform that is registered, somebody to launch, a clean process."""

from collections.abc import Iterator

import pytest

from lti_tool import http, keys, platform_keys, registrations
from tests.platforms.fake import FakePlatform


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """What a process keeps between requests must not pass from one test to the next."""
    from django.core.cache import cache

    from course_content import catalogue

    cache.clear()
    keys.forget_loaded_key()
    platform_keys.forget()
    registrations.forget()
    catalogue.reload()
    yield
    http.session().close()


@pytest.fixture(scope="session")
def _platform_server() -> Iterator[FakePlatform]:
    with FakePlatform() as platform:
        yield platform


@pytest.fixture
def platform(_platform_server: FakePlatform, db: None) -> FakePlatform:
    """A platform with a fresh memory, registered with the tool, its deployment accepted."""
    _platform_server.reset()
    _platform_server.register()
    return _platform_server

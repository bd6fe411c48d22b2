"""What every test may ask for: a platform that is registered, somebody to launch, a clean process."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from lti_tool import http, keys, platform_keys, registrations, tallies
from lti_tool.models import ToolKey
from tests.platforms.fake import FakePlatform

# What a marked test needs, and how a person reads that it is not there. `.ci/run` provides all of it.
NEEDS = {
    "browser": (
        bool(os.environ.get("TEST_BROWSER")),
        "needs Chromium: set TEST_BROWSER to its path",
    ),
    "rabbitmq": (
        os.environ.get("TEST_BROKER_URL", "").startswith("amqp"),
        "needs RabbitMQ: set TEST_BROKER_URL to its amqp:// address",
    ),
    "redis": (
        os.environ.get("TEST_CACHE_URL", "").startswith("redis"),
        "needs Redis: set TEST_CACHE_URL to its rediscache:// address",
    ),
    "open_edx": (
        bool(os.environ.get("TEST_OPEN_EDX")),
        "needs lti-consumer-xblock in an environment of its own: set TEST_OPEN_EDX to that environment's Python",
    ),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for marker, (there, reason) in NEEDS.items():
            if item.get_closest_marker(marker) and not there:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Where everything is installed, a test that skips has failed."""
    report = yield
    if os.environ.get("NOTHING_MAY_SKIP") and report.skipped and not hasattr(report, "wasxfail"):  # type: ignore[attr-defined]
        report.outcome = "failed"  # type: ignore[attr-defined]
    return report


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """What a process keeps between requests must not pass from one test to the next."""
    from django.core.cache import cache

    from course_content import catalogue

    cache.clear()
    keys.forget_loaded_key()
    platform_keys.forget()
    registrations.forget()
    tallies.forget()
    catalogue.reload()
    yield
    http.session().close()


@pytest.fixture(scope="session")
def _platform_server() -> Iterator[FakePlatform]:
    with FakePlatform() as platform:
        yield platform


@pytest.fixture(scope="session")
def _made_tool_key() -> dict[str, Any]:
    return {}


@pytest.fixture
def tool_key(_made_tool_key: dict[str, Any], db: None) -> ToolKey:
    """The tool's signing key. Making one takes longer than most tests, so they share it."""
    if not _made_tool_key:
        made = keys.make_key()
        encrypted = bytes(made.encrypted_private_key)
        _made_tool_key.update(kid=made.kid, encrypted_private_key=encrypted, public_jwk=made.public_jwk)
        return made
    return ToolKey.objects.create(**_made_tool_key)


@pytest.fixture
def vle(request: pytest.FixtureRequest, _platform_server: FakePlatform, tool_key: ToolKey) -> FakePlatform:
    """A VLE of the make that the test asks for, not connected yet; it can read our keys.

    @pytest.mark.parametrize("vle", EVERY_VLE, indirect=True, ids=str)
    """
    _platform_server.reset(request.param)
    _platform_server.tool_keys = lambda: [tool_key.public_jwk]  # type: ignore[method-assign]
    return _platform_server


@pytest.fixture
def platform(_platform_server: FakePlatform, tool_key: ToolKey) -> FakePlatform:
    """A platform with a fresh memory, registered with the tool, its deployment accepted."""
    _platform_server.reset()
    _platform_server.register()
    return _platform_server

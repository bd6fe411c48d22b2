"""What processes on several machines share through Redis: keys, tokens, and the window for asking again."""

import os
from collections.abc import Iterator

import environ
import pytest
from django.core.cache import cache
from pytest_django import Settings

from lti_tool import keys, platform_keys
from lti_tool.models import Registration
from lti_tool.pylti import Connector
from lti_tool.rejections import LaunchRejected
from tests.platforms.fake import FakePlatform, PlatformKey
from tests.platforms.terms import SCOPE

pytestmark = [pytest.mark.django_db, pytest.mark.redis]


@pytest.fixture(autouse=True)
def _redis(settings: Settings) -> Iterator[None]:
    shared = environ.Env.cache_url_config(os.environ["TEST_CACHE_URL"])
    settings.CACHES = {"default": {**shared, "KEY_PREFIX": f"saferesponse-test-{os.getpid()}"}}
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def registration(platform: FakePlatform) -> Registration:
    published = keys.public_keys()["keys"]
    platform.tool_keys = lambda: published
    return Registration.objects.get()


def test_a_key_set_fetched_by_one_process_serves_the_others(
    platform: FakePlatform, registration: Registration
) -> None:
    platform_keys.find(registration, "platform-key-0")
    platform_keys.forget()  # another process

    assert platform_keys.find(registration, "platform-key-0").key_id == "platform-key-0"
    assert platform.count("GET", "/jwks") == 1


def test_an_unknown_kid_is_asked_for_once_by_all_of_them(
    platform: FakePlatform, registration: Registration
) -> None:
    platform_keys.find(registration, "platform-key-0")
    for number in range(20):
        platform_keys.forget()
        with pytest.raises(LaunchRejected):
            platform_keys.find(registration, f"unknown-{number}")

    assert platform.count("GET", "/jwks") <= 2


def test_a_rotated_key_reaches_every_process(platform: FakePlatform, registration: Registration) -> None:
    platform_keys.find(registration, "platform-key-0")
    platform.keys = [PlatformKey(1)]

    assert platform_keys.find(registration, "platform-key-1").key_id == "platform-key-1"
    platform_keys.forget()
    assert platform_keys.find(registration, "platform-key-1").key_id == "platform-key-1"


def test_one_token_serves_all_of_them(platform: FakePlatform, registration: Registration) -> None:
    tokens = {Connector(registration).get_access_token([f"{SCOPE}score"]) for _ in range(5)}

    assert len(tokens) == 1
    assert platform.count("POST", "/token") == 1

"""How long a key set is trusted, and which of its keys. Floods and faults are tried in tests/certification."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from lti_tool import platform_keys
from lti_tool.models import Registration
from lti_tool.platform_keys import DEFAULT_SECONDS, LONGEST_SECONDS, SHORTEST_SECONDS
from lti_tool.rejections import LaunchRejected
from tests.platforms.browser import clock_moved
from tests.platforms.fake import FakePlatform, Fault, PlatformKey

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("max-age=600", 600),
        ("public, max-age=600, must-revalidate", 600),
        ("", DEFAULT_SECONDS),
        ("public", DEFAULT_SECONDS),
        ("max-age=soon", DEFAULT_SECONDS),
        # Brightspace rotates hourly and says no-store.
        ("no-store", SHORTEST_SECONDS),
        ("no-cache, max-age=9000", SHORTEST_SECONDS),
        ("max-age=0", SHORTEST_SECONDS),
        ("max-age=999999999", LONGEST_SECONDS),
    ],
)
def test_how_long_a_key_set_is_trusted(
    platform: FakePlatform, registration: Registration, header: str, seconds: int
) -> None:
    platform.jwks_headers = {"Cache-Control": header}
    platform_keys.find(registration, "platform-key-0")

    for later, fetches in [(seconds - 5, 1), (seconds + 5, 2)]:
        with clock_moved(later):
            platform_keys.find(registration, "platform-key-0")
        assert platform.count("GET", "/jwks") == fetches


def test_several_keys_at_once(platform: FakePlatform, registration: Registration) -> None:
    platform.keys = [PlatformKey(0), PlatformKey(1)]

    found = [platform_keys.find(registration, kid).key_id for kid in ("platform-key-0", "platform-key-1")]

    assert found == ["platform-key-0", "platform-key-1"]
    assert platform.count("GET", "/jwks") == 1


def test_a_fault_names_the_reason_and_the_registration(
    platform: FakePlatform, registration: Registration
) -> None:
    with pytest.raises(LaunchRejected) as caught:
        platform_keys.find(registration, "unknown")

    assert (caught.value.reason, caught.value.registration) == ("kid_unknown", registration.pk)


def test_what_another_process_wrote_into_the_cache_is_checked_like_what_was_fetched(
    platform: FakePlatform, registration: Registration
) -> None:
    platform.jwks_document = lambda: {"keys": [{"kty": "RSA", "kid": "x", "n": "AQAB", "e": "AQAB"}]}
    for _ in range(2):
        platform_keys.forget()
        with pytest.raises(LaunchRejected):
            platform_keys.find(registration, "x")


# --- while another launch waits for the platform --------------------------------------------------------------


@pytest.fixture
def fetching(platform: FakePlatform, registration: Registration) -> Iterator[Callable[[], threading.Thread]]:
    """Call it for a launch that waits for the key set until the test ends."""
    answered = threading.Event()
    waiting: list[threading.Thread] = []

    def look_up() -> None:
        with suppress(LaunchRejected):
            platform_keys.find(registration, "unknown")

    def begin() -> threading.Thread:
        before = platform.count("GET", "/jwks")
        platform.fail("/jwks", Fault(status=503, held=answered), Fault(status=503), Fault(status=503))
        waiting.append(threading.Thread(target=look_up))
        waiting[0].start()
        while platform.count("GET", "/jwks") == before:
            waiting[0].join(0.01)
        return waiting[0]

    yield begin
    answered.set()
    for thread in waiting:
        thread.join()


def test_a_slow_platform_holds_up_one_launch_and_not_all(
    platform: FakePlatform, registration: Registration, fetching: Callable[[], threading.Thread]
) -> None:
    first = fetching()

    with pytest.raises(LaunchRejected) as caught:
        platform_keys.find(registration, "platform-key-0")

    assert (caught.value.reason, caught.value.registration) == ("keys_unavailable", registration.pk)
    assert first.is_alive()
    assert platform.count("GET", "/jwks") == 1


def test_a_known_key_serves_on_while_its_successor_is_fetched(
    platform: FakePlatform, registration: Registration, fetching: Callable[[], threading.Thread]
) -> None:
    platform_keys.find(registration, "platform-key-0")
    with clock_moved(600 + 5):  # what `max-age` says, and a little
        first = fetching()

        assert platform_keys.find(registration, "platform-key-0").key_id == "platform-key-0"

        assert first.is_alive()
    assert platform.count("GET", "/jwks") == 2


def test_a_key_that_is_too_old_does_not(
    platform: FakePlatform, registration: Registration, fetching: Callable[[], threading.Thread]
) -> None:
    platform_keys.find(registration, "platform-key-0")
    with clock_moved(600 + platform_keys.STALE_SECONDS + 5):
        first = fetching()

        with pytest.raises(LaunchRejected, match="keys_unavailable"):
            platform_keys.find(registration, "platform-key-0")

        assert first.is_alive()

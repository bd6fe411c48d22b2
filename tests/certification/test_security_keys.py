"""The platform's key set: rotated, flooded, broken, enormous, slow."""

import gzip
import json
import threading
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.db import connections
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from lti_tool import http, platform_keys
from lti_tool.models import Launch, Registration
from tests.certification.checks import Log, assert_refused, reason_on_page
from tests.platforms.browser import Visitor, clock_moved
from tests.platforms.fake import LAUNCH, FakePlatform, Fault, PlatformKey

pytestmark = pytest.mark.django_db


def fetches(platform: FakePlatform) -> int:
    return platform.count("GET", "/jwks")


def always(fault: Fault) -> list[Fault]:
    """The fault at every try of one launch."""
    return [fault] * platform_keys.FETCH_TRIES


# --- how often it is fetched --------------------------------------------------------------------------------


def test_a_hundred_launches_fetch_the_keys_once(visitor: Visitor, platform: FakePlatform) -> None:
    for _ in range(20):
        assert visitor.launch().status_code == 302

    assert fetches(platform) == 1


def test_another_process_takes_the_keys_from_the_shared_cache(
    visitor: Visitor, platform: FakePlatform
) -> None:
    visitor.launch()
    platform_keys.forget()

    assert visitor.launch().status_code == 302
    assert fetches(platform) == 1


def test_fifty_unknown_kids_fetch_the_keys_once(visitor: Visitor, platform: FakePlatform) -> None:
    visitor.launch()
    before = fetches(platform)
    for number in range(50):
        assert reason_on_page(visitor.launch(headers={"kid": f"unknown-{number}"})) == "kid_unknown"

    assert fetches(platform) - before == 1


def test_a_key_rotated_right_after_the_first_fetch_works_at_once(
    visitor: Visitor, platform: FakePlatform
) -> None:
    visitor.launch()
    platform.keys = [PlatformKey(1)]

    assert visitor.launch().status_code == 302
    assert fetches(platform) == 2


def test_unknown_kids_are_worth_one_fetch_a_window(
    visitor: Visitor, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.launch()
    with clock_moved(platform_keys.REFETCH_EVERY_SECONDS + 1):
        questions = [visitor.question() for _ in range(10)]
        for question in questions:
            claims = platform.claims(nonce=question["nonce"], target=LAUNCH)
            visitor.post(question["state"], platform.keys[0].sign(claims, {"kid": "unknown"}))

    assert fetches(platform) == 2


def test_a_rotated_key_is_fetched_once_and_then_works(
    visitor: Visitor, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.launch()
    platform.keys = [PlatformKey(1)]
    with clock_moved(platform_keys.REFETCH_EVERY_SECONDS + 1):
        assert visitor.launch().status_code == 302
        assert visitor.launch().status_code == 302

    assert fetches(platform) == 2


def test_a_key_that_was_taken_back_signs_nothing_once_the_set_is_read_anew(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    visitor.launch()
    log.clear()
    old = platform.keys[0]
    platform.keys = [PlatformKey(1)]
    with clock_moved(601):  # its max-age
        response = visitor.launch(key=old)

    assert_refused(response, log, "kid_unknown", registration=registration.pk, launches=1)


def test_another_keyset_address_is_read_at_once(
    visitor: Visitor, platform: FakePlatform, other_platform: FakePlatform
) -> None:
    visitor.launch()
    platform.register(jwks_url=f"{other_platform.url}/jwks")

    with clock_moved(platform_keys.REFETCH_EVERY_SECONDS + 1):
        assert visitor.launch(key=other_platform.keys[0]).status_code == 302


# --- while it cannot be had ---------------------------------------------------------------------------------


def test_a_platform_that_is_down_is_asked_once_a_window(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    """Not at every launch: each would wait for its own time-out, and a flood would be passed on."""
    platform.fail("/jwks", *[Fault(status=503)] * 100)
    for _ in range(20):
        assert_refused(visitor.launch(), log, "keys_unavailable", registration=registration.pk)

    assert fetches(platform) == platform_keys.FETCH_TRIES


@pytest.mark.parametrize("fault", [Fault(status=503), Fault(reset=True), Fault(status=200, body=b"<html>")])
def test_a_platform_that_stumbles_is_asked_again_at_once(
    visitor: Visitor, platform: FakePlatform, fault: Fault
) -> None:
    platform.fail("/jwks", fault, fault)

    assert visitor.launch().status_code == 302
    assert fetches(platform) == 3


def test_a_platform_that_took_its_time_to_fail_is_not_asked_again(
    visitor: Visitor,
    platform: FakePlatform,
    registration: Registration,
    log: Log,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform_keys, "FAILED_AT_ONCE_SECONDS", 0.05)
    platform.fail("/jwks", Fault(status=503, delay=0.1))

    assert_refused(visitor.launch(), log, "keys_unavailable", registration=registration.pk)
    assert fetches(platform) == 1


def test_a_platform_that_is_up_again(visitor: Visitor, platform: FakePlatform) -> None:
    platform.fail("/jwks", *always(Fault(status=503)))
    assert visitor.launch().status_code == 424
    with clock_moved(platform_keys.REFETCH_EVERY_SECONDS + 1):
        assert visitor.launch().status_code == 302


def test_the_last_keys_serve_on_for_an_hour(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    with clock_moved(-600 - 3500):
        platform_keys.find(registration, "platform-key-0")
    platform.fail("/jwks", *[Fault(status=503)] * 100)

    assert visitor.launch().status_code == 302
    assert visitor.launch().status_code == 302


def test_keys_that_nobody_confirmed_for_longer_than_that(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    with clock_moved(-600 - 3700):
        platform_keys.find(registration, "platform-key-0")
    platform.fail("/jwks", *[Fault(status=503)] * 100)

    for _ in range(3):  # whether this launch's window allows a fetch or not
        assert_refused(visitor.launch(), log, "keys_unavailable", registration=registration.pk)


def test_an_unknown_kid_while_the_platform_is_down(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    visitor.launch()
    log.clear()
    platform.fail("/jwks", *[Fault(status=503)] * 100)
    with clock_moved(platform_keys.REFETCH_EVERY_SECONDS + 1):
        response = visitor.launch(headers={"kid": "unknown"})

    assert_refused(response, log, "keys_unavailable", registration=registration.pk, launches=1)


@pytest.mark.django_db(transaction=True)
def test_a_slow_platform_holds_up_no_other(
    visitor: Visitor, platform: FakePlatform, other_platform: FakePlatform
) -> None:
    answered = threading.Event()
    platform.fail("/jwks", *always(Fault(status=503, held=answered)))
    codes: list[int] = []

    def launch_at_the_slow_one() -> None:
        codes.append(visitor.launch().status_code)
        connections.close_all()

    waiting = threading.Thread(target=launch_at_the_slow_one)
    waiting.start()
    while not fetches(platform):
        waiting.join(0.01)
    codes.append(Visitor(other_platform).launch().status_code)
    answered.set()
    waiting.join()

    assert codes == [302, 424]  # the other was let in while the slow one still waited


# --- what is no key set -------------------------------------------------------------------------------------

NO_KEY_SETS: list[Any] = [
    {},
    [],
    None,
    7,
    "keys",
    b"",
    b"junk",
    b"<html><body>Moodle is being upgraded</body></html>",
    b"\xff\xfe\x00",
    b"[" * 200_000,
    b'{"keys":' * 100_000,
    {"keys": {}},
    {"keys": None},
    {"keys": "text"},
    {"keys": [{}] * 51},
    {"error": "internal"},
]


@pytest.mark.parametrize("document", NO_KEY_SETS, ids=lambda document: ascii(document)[:24])
def test_no_key_set(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log, document: Any
) -> None:
    platform.jwks_document = lambda: document

    response = visitor.launch()

    assert_refused(response, log, "keys_unavailable", registration=registration.pk)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        7,
        "text",
        [],
        {},
        {"kty": "RSA"},
        {"kty": "RSA", "kid": "platform-key-0"},
        {"kty": "RSA", "kid": "platform-key-0", "n": 7, "e": "AQAB"},
        {"kty": "RSA", "kid": "platform-key-0", "n": "!", "e": "AQAB"},
        {"kty": "RSA", "kid": "platform-key-0", "n": "AQAB", "e": "AQAB"},
        {"kty": "RSA", "kid": "platform-key-0", "n": "AQ" * 2000, "e": "AA"},
        {"kty": "RSA", "kid": ["platform-key-0"], "n": "AQAB", "e": "AQAB"},
        {"kty": "oct", "kid": "platform-key-0", "k": "AQAB"},
        {"kty": ["RSA"], "kid": "platform-key-0"},
    ],
    ids=lambda entry: ascii(entry)[:40],
)
def test_a_key_that_is_none_beside_a_good_one(visitor: Visitor, platform: FakePlatform, entry: Any) -> None:
    platform.jwks_document = lambda: {"keys": [entry, platform.keys[0].jwk(), entry and {}]}

    assert visitor.launch().status_code == 302


def test_a_key_that_is_none_under_the_kid(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    platform.jwks_document = lambda: {
        "keys": [{"kty": "RSA", "kid": "platform-key-0", "n": "AQAB", "e": "A"}]
    }

    response = visitor.launch()

    assert_refused(response, log, "kid_unknown", registration=registration.pk)


def test_an_rsa_key_that_is_too_small(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    small = PlatformKey(0)
    small.private_key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    public = RSAAlgorithm.to_jwk(small.private_key.public_key(), as_dict=True)
    platform.jwks_document = lambda: {"keys": [{**public, "kid": small.kid, "alg": "RS256"}]}
    question = visitor.question()
    with pytest.warns(Warning, match="RSA key"):
        token = small.sign(platform.claims(nonce=question["nonce"], target=LAUNCH))

    response = visitor.post(question["state"], token)

    assert_refused(response, log, "kid_unknown", registration=registration.pk)


@pytest.mark.parametrize("change", [{}, {"alg": "RS256"}, {"kty": "RSA", "alg": "RS256"}])
def test_an_elliptic_key(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log, change: dict[str, str]
) -> None:
    public = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True)
    platform.jwks_document = lambda: {"keys": [{**public, "kid": "platform-key-0", **change}]}

    response = visitor.launch()

    assert_refused(response, log, "kid_unknown", registration=registration.pk)


@pytest.mark.parametrize("change", [{"use": "enc"}, {"alg": "RSA-OAEP"}, {"alg": "HS256"}])
def test_a_key_for_something_else(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log, change: dict[str, str]
) -> None:
    platform.jwks_document = lambda: {"keys": [{**platform.keys[0].jwk(), **change}]}

    response = visitor.launch()

    assert_refused(response, log, "kid_unknown", registration=registration.pk)


def test_a_key_that_names_no_algorithm_is_for_rs256(visitor: Visitor, platform: FakePlatform) -> None:
    """Blackboard and older Moodles leave it out."""
    jwk = platform.keys[0].jwk()
    del jwk["alg"], jwk["use"]
    platform.jwks_document = lambda: {"keys": [jwk]}

    assert visitor.launch().status_code == 302


# --- how it is sent -----------------------------------------------------------------------------------------


def good_keys(platform: FakePlatform) -> bytes:
    return json.dumps(platform.jwks_document()).encode()


@pytest.mark.parametrize("status", [500, 404, 401, 204, 304])
def test_keys_in_an_answer_that_is_no_200(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log, status: int
) -> None:
    body = b"" if status in {204, 304} else good_keys(platform)
    platform.fail("/jwks", *always(Fault(status=status, body=body)))

    response = visitor.launch()

    assert_refused(response, log, "keys_unavailable", registration=registration.pk)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_key_set_that_is_elsewhere(
    visitor: Visitor,
    platform: FakePlatform,
    other_platform: FakePlatform,
    registration: Registration,
    log: Log,
    status: int,
) -> None:
    other_platform.keys = platform.keys
    elsewhere = {"Location": f"{other_platform.url}/jwks"}
    platform.fail("/jwks", *always(Fault(status=status, headers=elsewhere, body=good_keys(platform))))

    response = visitor.launch()

    assert_refused(response, log, "keys_unavailable", registration=registration.pk)
    assert fetches(other_platform) == 0


def test_a_key_set_of_64_mib(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    platform.fail("/jwks", *always(Fault(status=200, body=good_keys(platform) + b" " * (64 << 20))))

    response = visitor.launch()

    assert_refused(response, log, "keys_unavailable", registration=registration.pk)


def test_a_redirect_with_a_body_of_64_mib(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    """`requests` reads all of a redirect's body, though it was told not to follow it."""
    sent = threading.Event()

    class Told(bytes):
        """Says when the whole of it has been sent."""

    fault = Fault(status=302, headers={"Location": "/elsewhere"}, body=Told(b" " * (64 << 20)))
    platform.fail("/jwks", *always(fault))
    platform.after_answer = lambda answered: sent.set() if answered is fault else None

    response = visitor.launch()

    assert_refused(response, log, "keys_unavailable", registration=registration.pk)
    assert not sent.is_set()


def test_a_gzip_bomb(visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log) -> None:
    bomb = gzip.compress(good_keys(platform) + b" " * (64 << 20))
    platform.fail("/jwks", *always(Fault(status=200, headers={"Content-Encoding": "gzip"}, body=bomb)))

    response = visitor.launch()

    assert len(bomb) < 100_000
    assert_refused(response, log, "keys_unavailable", registration=registration.pk)


def test_a_packed_key_set(visitor: Visitor, platform: FakePlatform) -> None:
    packed = gzip.compress(good_keys(platform))
    platform.fail("/jwks", Fault(status=200, headers={"Content-Encoding": "gzip"}, body=packed))

    assert visitor.launch().status_code == 302


@pytest.mark.parametrize(
    "fault",
    [
        Fault(reset=True),
        Fault(status=200, headers={"Content-Encoding": "gzip"}, body=b"no gzip"),
        Fault(status=200, headers={"Content-Type": "application/json; charset=hex"}, body=b"\xff"),
        Fault(status=200, headers={"Content-Length": "7"}, body=b"{"),
        Fault(status=302, headers={"Location": "http://[::1"}),
        Fault(status=302, headers={"Location": "http://" + "a" * 64 + ".example/"}),
    ],
    ids=lambda fault: str(fault.headers)[:30],
)
def test_an_answer_that_is_broken(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log, fault: Fault
) -> None:
    platform.fail("/jwks", *always(fault))

    response = visitor.launch()

    assert_refused(response, log, "keys_unavailable", registration=registration.pk)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(status=200, drip=0.02, drip_body=True, body=b" " * 2000), id="body"),
        pytest.param(
            Fault(
                status=200, drip=0.02, drip_body=True, headers={"Content-Length": "2000"}, body=b" " * 2000
            ),
            id="body of a length",
        ),
        pytest.param(Fault(status=200, drip=0.02, headers={"X": "x" * 2000}), id="headers"),
        pytest.param(
            Fault(status=302, drip=0.02, drip_body=True, headers={"Location": "/x"}, body=b" " * 2000),
            id="redirect",
        ),
    ],
)
def test_an_answer_that_drips(
    visitor: Visitor,
    platform: FakePlatform,
    registration: Registration,
    log: Log,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
) -> None:
    """Each byte comes in time; the whole would take 40 seconds. The platform notices that we left."""
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.3)
    dripped = threading.Event()
    platform.fail("/jwks", *always(fault))
    platform.after_answer = lambda answered: dripped.set() if answered is fault else None

    response = visitor.launch()

    assert_refused(response, log, "keys_unavailable", registration=registration.pk)
    assert not dripped.is_set()


def test_an_answer_that_never_comes(
    visitor: Visitor,
    platform: FakePlatform,
    registration: Registration,
    log: Log,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.2)
    never = threading.Event()
    platform.fail("/jwks", *always(Fault(status=200, held=never, body=b"{}")))

    response = visitor.launch()
    never.set()

    assert_refused(response, log, "keys_unavailable", registration=registration.pk)


def test_a_platform_that_is_not_there(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    platform.register(jwks_url="http://127.0.0.1:9/jwks")

    response = visitor.launch()

    assert_refused(response, log, "keys_unavailable", registration=registration.pk)


def test_what_a_platform_answers_is_not_in_the_log(
    visitor: Visitor, platform: FakePlatform, log: Log
) -> None:
    platform.fail("/jwks", *always(Fault(status=500, body=b"SECRET of the platform")))
    platform.register(jwks_url=f"{platform.url}/jwks?key=SECRET")

    visitor.launch()

    assert "SECRET" not in log.everything
    assert Launch.objects.count() == 0

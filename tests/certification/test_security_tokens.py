"""Tokens that no platform of ours signed so, for us, now."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from lti_tool.models import Launch, Registration
from tests.certification.checks import Log, assert_refused
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform, PlatformKey

pytestmark = pytest.mark.django_db
Claims = dict[str, Any]


def segment(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(platform: FakePlatform, payload: bytes, header: Any = None, algorithm: str = "RS256") -> str:
    """A token over any bytes, its signature good."""
    key = platform.keys[0]
    named = {"alg": algorithm, "typ": "JWT", "kid": key.kid} if header is None else header
    message = f"{segment(named)}.{segment(payload)}"
    signature = jwt.get_algorithm_by_name(algorithm).sign(message.encode(), key.private_key)
    return f"{message}.{segment(signature)}"


def spoilt(change: Callable[[Claims], None], visitor: Visitor, platform: FakePlatform) -> tuple[str, Claims]:
    question = visitor.question()
    claims = platform.claims(nonce=question["nonce"], target=visitor.target)
    change(claims)
    return question["state"], claims


# --- how it is signed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
def test_unsigned(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log, algorithm: str
) -> None:
    state, claims = spoilt(lambda claims: None, visitor, platform)
    header = {"alg": algorithm, "kid": platform.keys[0].kid}

    response = visitor.post(state, f"{segment(header)}.{segment(claims)}.")

    assert_refused(response, log, "algorithm_refused", registration=registration.pk)


def test_signed_with_the_public_key_as_a_shared_secret(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    state, claims = spoilt(lambda claims: None, visitor, platform)
    public = platform.keys[0].private_key.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    message = f"{segment({'alg': 'HS256', 'kid': platform.keys[0].kid})}.{segment(claims)}"
    signature = jwt.get_algorithm_by_name("HS256").sign(message.encode(), pem)

    response = visitor.post(state, f"{message}.{segment(signature)}")

    assert_refused(response, log, "algorithm_refused", registration=registration.pk)


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_signed_with_another_algorithm_than_the_keys(
    visitor: Visitor, registration: Registration, log: Log, algorithm: str
) -> None:
    response = visitor.launch(algorithm=algorithm)

    assert_refused(response, log, "algorithm_refused", registration=registration.pk)


def test_a_key_published_for_another_algorithm_signs_nothing(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    platform.jwks_document = lambda: {"keys": [{**platform.keys[0].jwk(), "alg": "RS512"}]}

    response = visitor.launch()

    assert_refused(response, log, "kid_unknown", registration=registration.pk)


def test_signed_with_somebody_elses_key_under_the_platforms_kid(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    response = visitor.launch(key=PlatformKey(2), headers={"kid": platform.keys[0].kid})

    assert_refused(response, log, "signature_invalid", registration=registration.pk)


def test_a_key_in_the_header_is_not_believed(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    stranger = PlatformKey(2)
    headers = {"kid": platform.keys[0].kid, "jwk": stranger.jwk(), "jku": "https://evil.example/jwks"}

    response = visitor.launch(key=stranger, headers=headers)

    assert_refused(response, log, "signature_invalid", registration=registration.pk)


def test_the_payload_was_changed_after_signing(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    state, claims = spoilt(lambda claims: None, visitor, platform)
    header, _, signature = platform.keys[0].sign(claims).split(".")

    response = visitor.post(state, f"{header}.{segment({**claims, 'sub': 'user-2'})}.{signature}")

    assert_refused(response, log, "signature_invalid", registration=registration.pk)


@pytest.mark.parametrize("kid", [7, None, "", ["platform-key-0"], {"a": 1}, True])
def test_a_kid_that_is_no_name(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log, kid: Any
) -> None:
    state, claims = spoilt(lambda claims: None, visitor, platform)
    token = signed(platform, json.dumps(claims).encode(), {"alg": "RS256", "kid": kid})

    response = visitor.post(state, token)

    assert_refused(response, log, "kid_missing", registration=registration.pk)


@pytest.mark.parametrize("header", [{"crit": ["b64"], "b64": False}, {"crit": ["x"], "x": 1}, {"crit": 7}])
def test_a_header_with_critical_extensions(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log, header: Claims
) -> None:
    state, claims = spoilt(lambda claims: None, visitor, platform)
    named = {"alg": "RS256", "kid": platform.keys[0].kid, **header}

    response = visitor.post(state, signed(platform, json.dumps(claims).encode(), named))

    assert_refused(response, log, "token_malformed", registration=registration.pk)


# --- whether it is a token ----------------------------------------------------------------------------------

DEEP = b'{"a":' * 3000 + b"1" + b"}" * 3000


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "..",
        "a.b.c",
        "a.b.c.d",
        "é.ü.ñ",
        "\x00.\x00.\x00",
        ".".join(["bnVsbA"] * 3),
        ".".join(["W10"] * 3),
        ".".join(["/w"] * 3),
        f"{base64.urlsafe_b64encode(b'[' * 20000).decode()}.e30.e30",
        " ",
    ],
    ids=lambda token: ascii(token[:12]),
)
def test_no_token(visitor: Visitor, registration: Registration, log: Log, token: str) -> None:
    state = visitor.question()["state"]

    response = visitor.post(state, token)

    assert_refused(response, log, "token_malformed", registration=registration.pk)


def test_the_token_is_missing(visitor: Visitor, registration: Registration, log: Log) -> None:
    state = visitor.question()["state"]

    response = visitor.post(state, "")

    assert_refused(response, log, "token_malformed", detail="id_token", registration=registration.pk)


@pytest.mark.parametrize(
    "payload",
    [b"[]", b'["a"]', b'"text"', b"null", b"7", b"true", b"NaN", b"", b"{", b"\xff\xfe", DEEP],
    ids=lambda payload: ascii(payload[:10]),
)
def test_a_payload_that_is_no_object(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log, payload: bytes
) -> None:
    state = visitor.question()["state"]

    response = visitor.post(state, signed(platform, payload))

    assert_refused(response, log, "token_malformed", registration=registration.pk)


def test_a_claim_nested_deeper_than_python_goes(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    state, claims = spoilt(lambda claims: None, visitor, platform)
    payload = json.dumps(claims).encode()[:-1] + b',"https://example.com/deep":' + DEEP + b"}"

    response = visitor.post(state, signed(platform, payload))

    assert_refused(response, log, "token_malformed", registration=registration.pk)


def test_a_token_larger_than_64_kib(visitor: Visitor, registration: Registration, log: Log) -> None:
    response = visitor.launch(lambda claims: claims.update(padding="x" * 50_000))

    assert_refused(response, log, "token_too_large", registration=registration.pk)


def test_a_token_larger_than_any_form_that_is_read(visitor: Visitor) -> None:
    state = visitor.question()["state"]

    response = visitor.post(state, "e" * 600_000)

    assert response.status_code == 400
    assert Launch.objects.count() == 0


# --- for whom it is meant -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audience", "reason", "detail"),
    [
        ({"aud": "other"}, "audience_mismatch", ""),
        ({"aud": ["other"]}, "audience_mismatch", ""),
        ({"aud": ["tool-at-fake", "other"]}, "audience_mismatch", "azp"),
        ({"aud": ["tool-at-fake", "other"], "azp": "other"}, "audience_mismatch", "azp"),
        ({"aud": ["tool-at-fake", "other"], "azp": ""}, "audience_mismatch", "azp"),
        ({"aud": ["tool-at-fake", "other"], "azp": None}, "audience_mismatch", "azp"),
        ({"aud": "tool-at-fake", "azp": "other"}, "audience_mismatch", "azp"),
        ({"aud": "tool-at-fake", "azp": ""}, "audience_mismatch", "azp"),
        ({"aud": ["tool-at-fake"], "azp": ["tool-at-fake"]}, "claim_invalid", "azp"),
        ({"aud": ["other", "another"], "azp": "tool-at-fake"}, "audience_mismatch", ""),
        ({"aud": []}, "claim_missing", "aud"),
        ({"aud": ""}, "claim_missing", "aud"),
        ({"aud": [7]}, "audience_mismatch", ""),
        ({"aud": ["tool-at-fake", 7], "azp": "tool-at-fake"}, "audience_mismatch", ""),
        ({"aud": {"tool-at-fake": 1}}, "audience_mismatch", ""),
        ({"aud": 7}, "audience_mismatch", ""),
        ({"aud": None}, "claim_missing", "aud"),
        ({"aud": "tool-at-fak"}, "audience_mismatch", ""),
        ({"aud": "TOOL-AT-FAKE"}, "audience_mismatch", ""),
    ],
    ids=str,
)
def test_meant_for_another_tool(
    visitor: Visitor, registration: Registration, log: Log, audience: Claims, reason: str, detail: str
) -> None:
    response = visitor.launch(lambda claims: claims.update(audience))

    assert_refused(response, log, reason, detail=detail, registration=registration.pk)


@pytest.mark.parametrize(
    "audience",
    [
        {"aud": ["tool-at-fake"]},
        {"aud": "tool-at-fake", "azp": "tool-at-fake"},
        {"aud": "tool-at-fake", "azp": None},
        {"aud": ["other", "tool-at-fake"], "azp": "tool-at-fake"},
        {"aud": ["tool-at-fake", "other"], "azp": "tool-at-fake"},
    ],
    ids=str,
)
def test_meant_for_us(visitor: Visitor, audience: Claims) -> None:
    response = visitor.launch(lambda claims: claims.update(audience))

    assert response.status_code == 302
    assert Launch.objects.count() == 1


@pytest.mark.parametrize("issuer", ["https://evil.example", "", ["http://x"], 7, {"a": 1}, True], ids=str)
def test_issued_by_somebody_else(visitor: Visitor, registration: Registration, log: Log, issuer: Any) -> None:
    # Not jwt.encode: it refuses to write an issuer that is no text.
    state, claims = spoilt(lambda claims: claims.update(iss=issuer), visitor, visitor.platform)

    response = visitor.post(state, signed(visitor.platform, json.dumps(claims).encode()))

    assert_refused(response, log, "registration_mismatch", registration=registration.pk)


# --- when ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", ["exp", "iat", "nonce", "iss", "aud", "sub"])
def test_a_required_claim_is_missing(
    visitor: Visitor, registration: Registration, log: Log, claim: str
) -> None:
    response = visitor.launch(lambda claims: claims.pop(claim))

    assert_refused(response, log, "claim_missing", detail=claim, registration=registration.pk)


HUGE = 10**400


@pytest.mark.parametrize(
    ("claim", "stamp", "reason", "detail"),
    [
        ("exp", "a string", "claim_invalid", "exp"),
        ("iat", "a string", "claim_invalid", "iat"),
        ("exp", True, "token_expired", ""),
        ("iat", True, "claim_invalid", "iat"),
        ("exp", None, "claim_missing", "exp"),
        ("iat", None, "claim_missing", "iat"),
        ("exp", float("nan"), "token_malformed", ""),
        ("iat", float("nan"), "claim_invalid", "iat"),
        ("exp", float("inf"), "token_malformed", ""),
        ("iat", float("inf"), "claim_invalid", "iat"),
        ("exp", float("-inf"), "token_malformed", ""),
        ("iat", -HUGE, "token_too_old", ""),
        ("iat", HUGE, "token_not_yet_valid", ""),
        ("exp", [1], "token_malformed", ""),
        ("iat", {"a": 1}, "claim_invalid", "iat"),
        ("nbf", float("inf"), "token_malformed", ""),
        ("nbf", 4102444800, "token_not_yet_valid", ""),
    ],
    ids=lambda value: str(value)[:20],
)
def test_stamps_that_are_no_time(
    visitor: Visitor,
    registration: Registration,
    log: Log,
    claim: str,
    stamp: Any,
    reason: str,
    detail: str,
) -> None:
    def change(claims: Claims) -> None:
        claims[claim] = str(claims[claim]) if stamp == "a string" else stamp

    state, claims = spoilt(change, visitor, visitor.platform)

    response = visitor.post(state, signed(visitor.platform, json.dumps(claims).encode()))

    assert_refused(response, log, reason, detail=detail, registration=registration.pk)


@pytest.mark.parametrize("seconds", [-30, 30])
def test_a_platform_clock_half_a_minute_off(visitor: Visitor, seconds: int) -> None:
    now = int(time.time()) + seconds
    response = visitor.launch(lambda claims: claims.update(iat=now, exp=now + 5))

    assert response.status_code == 302
    assert Launch.objects.count() == 1


@pytest.mark.parametrize(("seconds", "reason"), [(120, "token_not_yet_valid"), (-125, "token_expired")])
def test_a_platform_clock_two_minutes_off(
    visitor: Visitor, registration: Registration, log: Log, seconds: int, reason: str
) -> None:
    now = int(time.time()) + seconds

    response = visitor.launch(lambda claims: claims.update(iat=now, exp=now + 60))

    assert_refused(response, log, reason, registration=registration.pk)


def test_issued_hours_ago_though_not_expired(visitor: Visitor, registration: Registration, log: Log) -> None:
    now = int(time.time())

    response = visitor.launch(lambda claims: claims.update(iat=now - 2 * 3600, exp=now + 3600))

    assert_refused(response, log, "token_too_old", registration=registration.pk)

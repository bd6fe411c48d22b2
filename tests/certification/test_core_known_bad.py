"""The known bad launches of the 1EdTech certification guide, §6.1.1, by the guide's names."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from lti_tool.models import Registration
from tests.certification.checks import Log, assert_refused
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform
from tests.platforms.terms import AGS, CLAIM

pytestmark = pytest.mark.django_db
Claims = dict[str, Any]


def without(*names: str) -> Callable[[Claims], None]:
    def change(claims: Claims) -> None:
        for name in names:
            del claims[name]

    return change


def with_(**changes: Any) -> Callable[[Claims], None]:
    return lambda claims: claims.update(changes)


def test_no_kid_sent_in_jwt_header(visitor: Visitor, registration: Registration, log: Log) -> None:
    response = visitor.launch(headers={})

    assert_refused(response, log, "kid_missing", registration=registration.pk)


def test_incorrect_kid_in_jwt_header(visitor: Visitor, registration: Registration, log: Log) -> None:
    response = visitor.launch(headers={"kid": "imstester_66067"})

    assert_refused(response, log, "kid_unknown", registration=registration.pk)


def test_wrong_lti_version(visitor: Visitor, registration: Registration, log: Log) -> None:
    response = visitor.launch(with_(**{f"{CLAIM}version": "11.3"}))

    assert_refused(response, log, "version_unsupported", detail="version", registration=registration.pk)


def test_no_lti_version(visitor: Visitor, registration: Registration, log: Log) -> None:
    response = visitor.launch(without(f"{CLAIM}version"))

    assert_refused(response, log, "claim_missing", detail="version", registration=registration.pk)


def test_invalid_lti_message_not_a_1_3_jwt(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    question = visitor.question()
    token = platform.keys[0].sign({"name": "badltilaunch"})

    response = visitor.post(question["state"], token)

    assert_refused(response, log, "claim_missing", detail="exp", registration=registration.pk)


def test_missing_lti_claims(visitor: Visitor, registration: Registration, log: Log) -> None:
    def only_openid(claims: Claims) -> None:
        for name in [name for name in claims if name.startswith(CLAIM) or name == AGS]:
            del claims[name]

    response = visitor.launch(only_openid)

    assert_refused(response, log, "claim_missing", detail="message_type", registration=registration.pk)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iat": 11111, "exp": 22222}, "token_expired"),
        ({"iat": 4102444800, "exp": 4102444860}, "token_not_yet_valid"),
    ],
)
def test_timestamps_incorrect(
    visitor: Visitor, registration: Registration, log: Log, changes: Claims, reason: str
) -> None:
    response = visitor.launch(with_(**changes))

    assert_refused(response, log, reason, registration=registration.pk)


def test_timestamp_iat_of_yesterday(visitor: Visitor, registration: Registration, log: Log) -> None:
    response = visitor.launch(with_(iat=int(time.time()) - 86400))

    assert_refused(response, log, "token_too_old", registration=registration.pk)


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        pytest.param(f"{CLAIM}message_type", "message_type", id="message_type_claim_missing"),
        pytest.param(f"{CLAIM}roles", "roles", id="role_claim_missing"),
        pytest.param(f"{CLAIM}deployment_id", "deployment_id", id="deployment_id_claim_missing"),
        pytest.param(f"{CLAIM}resource_link", "resource_link", id="resource_link_claim_missing"),
        pytest.param("sub", "sub", id="user_claim_missing"),
    ],
)
def test_claim_missing(
    visitor: Visitor, registration: Registration, log: Log, name: str, detail: str
) -> None:
    response = visitor.launch(without(name))

    assert_refused(response, log, "claim_missing", detail=detail, registration=registration.pk)


def test_resource_link_id_missing(visitor: Visitor, registration: Registration, log: Log) -> None:
    response = visitor.launch(with_(**{f"{CLAIM}resource_link": {"title": "All-staff awareness"}}))

    assert_refused(response, log, "claim_invalid", detail="resource_link", registration=registration.pk)

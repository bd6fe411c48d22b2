"""What is remembered between login and launch, and by whom."""

import time

import pytest
from django.core import signing

from lti_tool import login_state
from lti_tool.login_state import BrowserSecret, LoginState
from lti_tool.rejections import LaunchRejected
from tests.platforms.browser import clock_moved


def begin() -> tuple[LoginState, BrowserSecret]:
    return login_state.begin(registration=7, deployment="1", storage="")


def reason(signed: str) -> str:
    with pytest.raises(LaunchRejected) as caught:
        login_state.read(signed)
    return caught.value.reason


def test_it_comes_back_as_it_went() -> None:
    state, _ = begin()

    assert login_state.read(state.sign()) == state


def test_only_the_browser_with_the_secret_holds_it() -> None:
    state, secret = begin()
    _, another = begin()

    held = [state.is_held_by(shown) for shown in (secret.value, another.value, "", secret.name, state.proof)]
    assert held == [True, False, False, False, False]


def test_the_secret_is_not_in_the_state() -> None:
    state, secret = begin()
    payload, _, _ = state.sign().split(":")

    assert secret.value not in signing.b64_decode(payload.encode()).decode()


def test_names_sort_by_the_time_of_the_login() -> None:
    names = []
    for seconds in (-2.0, -0.5, -0.1, 0.0):
        with clock_moved(seconds):
            names.append(begin()[1].name)

    assert names == sorted(names)
    assert len(names[0]) == len(names[-1])


def test_nonces_and_secrets_are_long_and_never_the_same() -> None:
    begun = [begin() for _ in range(100)]

    assert len({state.nonce for state, _ in begun}) == 100
    assert len({secret.value for _, secret in begun}) == 100
    assert min(len(state.nonce) for state, _ in begun) >= 22


def test_it_ends_after_ten_minutes() -> None:
    with clock_moved(-login_state.MAX_AGE_SECONDS - 1):
        old = begin()[0].sign()
    with clock_moved(-login_state.MAX_AGE_SECONDS + 5):
        young = begin()[0]
        signed = young.sign()

    assert reason(old) == "state_invalid"
    assert login_state.read(signed) == young


@pytest.mark.parametrize("signed", ["x", "a:b:c", ";", "é:ü:ñ", "\ud800", "\x00", ":::", "x" * 100_000])
def test_what_is_no_state(signed: str) -> None:
    assert reason(signed) == "state_invalid"


def test_nothing_is_no_state() -> None:
    assert reason("") == "state_missing"


@pytest.mark.parametrize("payload", [[], [1], "text", {}, None, [1, 2, 3, 4, 5, 6, 7, 8]])
def test_a_state_of_an_older_version_of_ours(payload: object) -> None:
    assert reason(signing.dumps(payload, salt="lti.state")) == "state_invalid"


def test_a_value_signed_for_something_else() -> None:
    state, _ = begin()

    assert reason(signing.dumps([1, "", "n", "t", "b", "p", ""], salt="lti.handover")) == "state_invalid"
    assert reason(state.sign()[:-1]) == "state_invalid"


def test_it_fits_into_an_address() -> None:
    state, _ = begin()

    assert len(state.sign()) < 400
    assert time.time() - int(state.browser[:12], 16) / 1000 < 60

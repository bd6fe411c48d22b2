"""What must be remembered between login and launch: all of it in the signed `state`, none in a table.

The state is bound to the browser by a secret that the browser alone holds, in a cookie or, where cookies are
blocked, in the VLE's platform storage (design decisions 2 and 3). A login flood fills no table.
"""

import hashlib
import hmac
import secrets
import time
from dataclasses import astuple, dataclass

from django.core import signing

from lti_tool.rejections import LaunchRejected

MAX_AGE_SECONDS = 600
_SALT = "lti.state"


@dataclass(frozen=True, slots=True)
class LoginState:
    """What one login began: for whom, with which nonce, bound to which browser."""

    registration: int
    deployment: str  # as the login said; empty when it did not
    nonce: str
    browser: str  # the name of the secret: sorts by time
    proof: str  # sha256 of the secret
    storage: str  # the frame of the VLE's platform storage, where the login offered one

    def sign(self) -> str:
        return signing.dumps(astuple(self), salt=_SALT)

    def is_held_by(self, secret: str) -> bool:
        """Whether the browser that shows `secret` is the one that began this login."""
        return bool(secret) and hmac.compare_digest(_digest(secret), self.proof)


@dataclass(frozen=True, slots=True)
class BrowserSecret:
    """The secret that one browser keeps for one login."""

    name: str
    value: str


def begin(*, registration: int, deployment: str, storage: str) -> tuple[LoginState, BrowserSecret]:
    """A new login: its state, and the secret that the browser must show again at the launch."""
    # Milliseconds: of frames opened within one second the oldest is still known.
    name = f"{int(time.time() * 1000):012x}{secrets.token_hex(4)}"
    secret = BrowserSecret(name, secrets.token_urlsafe(16))
    state = LoginState(
        registration=registration,
        deployment=deployment,
        nonce=secrets.token_urlsafe(16),
        browser=secret.name,
        proof=_digest(secret.value),
        storage=storage,
    )
    return state, secret


def read(signed: str) -> LoginState:
    """The state of a launch. Raises LaunchRejected: state_missing or state_invalid (forged, or too old)."""
    if not signed:
        raise LaunchRejected("state_missing")
    try:
        return LoginState(*signing.loads(signed, salt=_SALT, max_age=MAX_AGE_SECONDS))
    except (signing.BadSignature, TypeError, ValueError):
        raise LaunchRejected("state_invalid") from None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

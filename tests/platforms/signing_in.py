"""OpenID Connect as a platform does it: begin a login, and look hard at what the tool asks then (§5.1.1)."""

import json
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.platforms.fake import FakePlatform

ONE_HINT = '{"launchid":"ltilaunch_1"}'


class AuthenticationRefused(AssertionError):
    """The tool's authentication request is not what a platform lets through."""


def login_parameters(platform: "FakePlatform", target: str) -> dict[str, str]:
    """What the platform's page sends to the tool's login address."""
    style = platform.profile.signing_in
    hint = ONE_HINT
    if style.one_use_hint:
        hint = json.dumps({"cmid": 2, "launchid": secrets.token_hex(8)})
        platform.hints.add(hint)
    return {
        "iss": platform.issuer,
        "target_link_uri": target,
        "login_hint": "3",
        "lti_message_hint": hint,
        "client_id": platform.client_id,
        style.deployment_parameter: platform.deployment_id,
        **({"lti_storage_target": style.storage_target} if style.storage_target else {}),
        **style.also_sent,
    }


def check(platform: "FakePlatform", question: Mapping[str, str]) -> None:
    """The authentication request. Uses the hint up. Raises AuthenticationRefused."""
    fixed = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": platform.client_id,
    }
    for name, value in fixed.items():
        _insist(question.get(name) == value, name)
    for name in ("state", "nonce", "login_hint"):
        _insist(bool(question.get(name)), name)
    _insist(question.get("redirect_uri") in platform.redirect_uris, "redirect_uri")
    _insist(question["nonce"] not in platform.nonces, "nonce")
    platform.nonces.add(question["nonce"])
    if platform.profile.signing_in.one_use_hint:
        _insist(question.get("lti_message_hint") in platform.hints, "lti_message_hint")
        platform.hints.discard(question["lti_message_hint"])


def _insist(holds: bool, name: str) -> None:
    if not holds:
        raise AuthenticationRefused(name)

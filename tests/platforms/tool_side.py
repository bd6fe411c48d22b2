"""The other side of the fake platform: the least that a tool is, for the tests of the fake itself."""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import requests

from tests.platforms.fake import TOOL, FakePlatform, PlatformKey
from tests.platforms.profiles import Profile
from tests.platforms.terms import (
    ALL_SCOPES,
    CLAIM,
    DEEP_LINKING,
    DL,
    LINE_ITEM_TYPE,
    RESOURCE_LINK,
    ROSTER_SCOPE,
    SCORE_TYPE,
    TOOL_CONFIGURATION,
)
from tests.platforms.tokens import ASSERTION


class ToolSide:
    """A tool with one key, at one platform, that sends whatever a test says."""

    def __init__(self, platform: FakePlatform) -> None:
        self.platform = platform
        self.key = PlatformKey(1)
        platform.tool_keys = lambda: [self.key.jwk()]  # type: ignore[method-assign]

    # --- tokens and services --------------------------------------------------------------------------------

    def token_answer(self, *, scope: str = ALL_SCOPES[0], headers: Any = None, **changes: Any) -> Any:
        """The token endpoint's answer to an assertion with these changes; None leaves a claim out."""
        platform = self.platform
        audience = platform.profile.signing_in.token_audience or "anybody"
        claims = {
            "iss": platform.client_id,
            "sub": platform.client_id,
            "aud": audience.format(url=platform.url),
            "iat": int(time.time()) - 5,
            "exp": int(time.time()) + 60,
            "jti": secrets.token_hex(8),
            **changes,
        }
        said = {name: value for name, value in claims.items() if value is not None}
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": self.key.sign(said, headers),
            "scope": scope,
        }
        return requests.post(platform.token_url, data=form, timeout=5)

    def ask(
        self,
        method: str,
        url: str,
        *,
        body: Any = None,
        content: str = "",
        accept: str | None = None,
        scopes: tuple[str, ...] = (*ALL_SCOPES, ROSTER_SCOPE),
    ) -> requests.Response:
        token = self.token_answer(scope=" ".join(scopes)).json()["access_token"]
        # `requests` says that it takes anything, unless it is told otherwise.
        headers = {"Authorization": f"Bearer {token}", "Accept": accept, "Content-Type": content or None}
        data = body if isinstance(body, str) or body is None else json.dumps(body)
        return requests.request(method, url, data=data, headers=headers, timeout=5)

    def score(
        self, points: float | None = 8, user: str = "user-1", *, at: float = 0, text: str = "", **changes: Any
    ) -> requests.Response:
        """Post a score, out of 10, stamped so many seconds from now. `text`: sent in place of it."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + at))
        score = {
            "userId": user,
            "scoreGiven": points,
            "scoreMaximum": 10,
            "activityProgress": "Completed",
            "gradingProgress": "FullyGraded",
            "timestamp": f"{stamp}.{int((time.time() + at) % 1 * 1000):03d}Z",
            **changes,
        }
        said = {name: value for name, value in score.items() if value is not None}
        address, _, query = self.platform.columns["1"].id.partition("?")
        url = f"{address}/scores" + (f"?{query}" if query else "")
        return self.ask("POST", url, body=text or said, content=SCORE_TYPE)

    def line_item(self, **changes: Any) -> requests.Response:
        item = {"label": "Certificate", "scoreMaximum": 1, **changes}
        return self.ask("POST", self.platform.lineitems_url, body=item, content=LINE_ITEM_TYPE)

    # --- registration ---------------------------------------------------------------------------------------

    def registration(self, **changes: Any) -> dict[str, Any]:
        """A good registration; `tool` changes the tool configuration, None leaves out."""
        tool = {
            "domain": "tool.example",
            "target_link_uri": f"{TOOL}/lti/launch/",
            "claims": ["iss", "sub", "name", "given_name", "family_name", "email"],
            "messages": [
                {"type": RESOURCE_LINK, "target_link_uri": f"{TOOL}/lti/launch/"},
                {"type": DEEP_LINKING, "target_link_uri": f"{TOOL}/lti/choose/"},
            ],
            "https://canvas.instructure.com/lti/privacy_level": "public",
            **changes.pop("tool", {}),
        }
        said = {
            "application_type": "web",
            "response_types": ["id_token"],
            "grant_types": ["implicit", "client_credentials"],
            "initiate_login_uri": f"{TOOL}/lti/login/",
            "redirect_uris": [f"{TOOL}/lti/launch/"],
            "client_name": "SafeResponse",
            "jwks_uri": f"{TOOL}/lti/jwks/",
            "token_endpoint_auth_method": "private_key_jwt",
            "scope": " ".join([*ALL_SCOPES, ROSTER_SCOPE]),
            TOOL_CONFIGURATION: {name: value for name, value in tool.items() if value is not None},
            **changes,
        }
        return {name: value for name, value in said.items() if value is not None}

    def register(self, payload: dict[str, Any] | None = None, token: str | None = None) -> requests.Response:
        begun = self.platform.begin_registration(f"{TOOL}/lti/register/?invitation=abc")
        query = dict(part.split("=", 1) for part in begun.split("?", 1)[1].split("&"))
        headers = {"Authorization": f"Bearer {token or query['registration_token']}"}
        url = f"{self.platform.url}/registrations"
        return requests.post(url, json=payload or self.registration(), headers=headers, timeout=5)

    # --- deep linking ---------------------------------------------------------------------------------------

    def answer(self, *items: dict[str, Any], headers: Any = None, **changes: Any) -> str:
        """A signed answer to a request for content; None leaves a claim out. Names of LTI claims may be short."""
        platform = self.platform
        said: dict[str, Any] = {
            "iss": platform.client_id,
            "aud": platform.issuer,
            "iat": int(time.time()) - 5,
            "exp": int(time.time()) + 300,
            "nonce": secrets.token_hex(8),
            f"{CLAIM}deployment_id": platform.deployment_id,
            f"{CLAIM}message_type": "LtiDeepLinkingResponse",
            f"{CLAIM}version": "1.3.0",
            f"{DL}content_items": list(items),
            f"{DL}data": platform.profile.deep_linking.data,
        }
        if "sub" in platform.profile.deep_linking.further_claims:
            said["sub"] = platform.client_id
        for name, value in changes.items():
            known = (name, f"{CLAIM}{name}", f"{DL}{name}")
            said[next((full for full in known if full in said), name)] = value
        return self.key.sign({name: value for name, value in said.items() if value is not None}, headers)


# A tool at a VLE of that make; the fixture `tool_at`.
ToolAt = Callable[[Profile], ToolSide]


def item(title: str = "Loops", **changes: Any) -> dict[str, Any]:
    """A content item that every VLE takes."""
    return {
        "type": "ltiResourceLink",
        "title": title,
        "url": f"{TOOL}/lti/launch/?activity=7",
        "custom": {"activity": "7"},
        "lineItem": {"scoreMaximum": 100, "label": title, "resourceId": "7"},
        **changes,
    }

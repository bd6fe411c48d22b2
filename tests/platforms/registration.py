"""Dynamic registration (LTI Dynamic Registration 1.0), as strict or as odd as each make of VLE."""

import json
import re
import secrets
import time
import uuid
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from tests.platforms.profiles import Registering
from tests.platforms.server import Answer, Received, json_answer, text_answer
from tests.platforms.terms import (
    ALL_SCOPES,
    CANVAS,
    DEEP_LINKING,
    PLATFORM_CONFIGURATION,
    RESOURCE_LINK,
    ROSTER_SCOPE,
    TOOL_CONFIGURATION,
)

if TYPE_CHECKING:
    from tests.platforms.fake import FakePlatform

ENDPOINT = "/registrations"
TOKEN_LIFE_SECONDS = 3600
PRIVACY_LEVELS = {"public", "name_only", "email_only", "anonymous"}
# Of a domain: no scheme, and perhaps a port (CV:lib/schemas/lti/ims/lti_tool_configuration.rb).
DOMAIN = re.compile(
    r"(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])\.)*[A-Za-z0-9][A-Za-z0-9-]*(:[0-9]{1,5})?"
)


class Refused(Exception):
    """A registration that does not come about, with the answer that says so."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


def begin(platform: "FakePlatform", address: str) -> str:
    """What an admin's VLE opens in a frame: the tool's registration address, with what the VLE adds."""
    style = platform.profile.registering
    assert style is not None, f"{platform.profile} is connected by hand"
    token = platform.keys[0].sign(
        {
            "sub": f"client-{secrets.token_hex(6)}",
            "scope": "reg",
            "iat": int(time.time()),
            "exp": int(time.time()) + TOKEN_LIFE_SECONDS,
        }
    )
    platform.registration_tokens[token] = time.time() + TOKEN_LIFE_SECONDS
    query = style.query.format(token=token)
    # On the issuer's host: a tool believes no other.
    configuration = f"{platform.issuer}{style.path}" + (f"?{query}" if query else "")
    added = {"openid_configuration": configuration, "registration_token": token}
    parts = urlsplit(address)
    joined = "&".join(filter(None, [parts.query, urlencode(added)]))
    return urlunsplit(parts._replace(query=joined))


def configuration(platform: "FakePlatform", request: Received) -> Answer:
    """The OpenID configuration document (§3.4)."""
    style = platform.profile.registering
    assert style is not None
    if style.configuration_needs_token and not _is_live(platform, request.bearer):
        return json_answer(401, {"error": "Access token missing"})
    signing_in = platform.profile.signing_in
    document: dict[str, Any] = {
        "issuer": platform.issuer,
        "authorization_endpoint": platform.auth_url,
        "registration_endpoint": f"{platform.url}{ENDPOINT}",
        "jwks_uri": platform.jwks_url,
        "token_endpoint": platform.token_url,
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", *ALL_SCOPES, ROSTER_SCOPE],
        "response_types_supported": ["id_token"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["sub", "iss", "name", "given_name", "family_name", "email"],
        "subject_types_supported": ["public", "pairwise"],
        PLATFORM_CONFIGURATION: {
            "product_family_code": platform.profile.product_family_code,
            "version": "1",
            "messages_supported": [
                {"type": message, **({"placements": list(places)} if places else {})}
                for message, places in _placements(platform, style).items()
            ],
            "variables": sorted(platform.profile.launches.variables),
        },
    }
    if style.authorization_server:
        document["authorization_server"] = style.authorization_server
    if signing_in.storage_target:
        document[PLATFORM_CONFIGURATION][f"{CANVAS}account_name"] = "Riverside School"
    return json_answer(200, document)


def _placements(platform: "FakePlatform", style: Registering) -> dict[str, tuple[str, ...]]:
    messages = sorted(platform.profile.launches.messages)
    return dict(style.placements) or dict.fromkeys(messages, ())


def _is_live(platform: "FakePlatform", token: str) -> bool:
    return platform.registration_tokens.get(token, 0) > time.time()


def register(platform: "FakePlatform", request: Received) -> Answer:
    """The registration endpoint. What is registered is installed: the next launches carry its client id."""
    style = platform.profile.registering
    if style is None or request.method != "POST":
        return json_answer(404, {"error": "no such path"})
    try:
        _check_token(platform, request, style)
        payload = _payload(request, style)
        _CHECKS[style.strictness](platform, payload)
    except Refused as refused:
        return refused.answer
    platform.registration_tokens[request.bearer] = 0
    return _install(platform, payload, style)


def _check_token(platform: "FakePlatform", request: Received, style: Registering) -> None:
    if not request.bearer or request.bearer not in platform.registration_tokens:
        raise Refused(json_answer(401, {"error": "invalid_token"}))
    if not _is_live(platform, request.bearer):
        if style.strictness == "moodle":
            raise Refused(text_answer(401, "token_already_used"))
        if style.strictness == "sakai":
            raise Refused(Answer(style.used_token_status, {}, b""))
        raise Refused(json_answer(style.used_token_status, {"error": "invalid_token"}))


def _payload(request: Received, style: Registering) -> dict[str, Any]:
    status = 422 if style.strictness == "canvas" else 400
    if request.media_type != "application/json":
        raise Refused(json_answer(status, {"error": "invalid_client_metadata"}))
    try:
        payload = json.loads(request.body)
    except ValueError:
        payload = None
    if not isinstance(payload, dict) or not isinstance(payload.get(TOOL_CONFIGURATION), dict):
        if style.strictness == "moodle":
            raise Refused(text_answer(400, f"missing required attribute {TOOL_CONFIGURATION}"))
        raise Refused(json_answer(status, {"errors": [f"{TOOL_CONFIGURATION} is missing"]}))
    return payload


# --- what each make insists on ------------------------------------------------------------------------------


def _check_as_specified(platform: "FakePlatform", payload: dict[str, Any]) -> None:
    """LTI-DR §3.5.1, and OpenID Connect Dynamic Client Registration §3.3 for the answer."""
    problem = _problem(payload)
    if problem:
        error = {"error": "invalid_client_metadata", "error_description": problem}
        raise Refused(json_answer(400, error))


def _problem(payload: dict[str, Any]) -> str:
    tool = payload[TOOL_CONFIGURATION]
    for name in ("initiate_login_uri", "jwks_uri", "client_name", "scope"):
        if not isinstance(payload.get(name), str) or not payload[name]:
            return name
    for name, value in (("application_type", "web"), ("token_endpoint_auth_method", "private_key_jwt")):
        if payload.get(name) != value:
            return name
    if payload.get("response_types") != ["id_token"]:
        return "response_types"
    if sorted(payload.get("grant_types", [])) != ["client_credentials", "implicit"]:
        return "grant_types"
    addresses = payload.get("redirect_uris")
    if not isinstance(addresses, list) or not addresses or not all(map(_is_address, addresses)):
        return "redirect_uris"
    if not all(map(_is_address, (payload["initiate_login_uri"], payload["jwks_uri"]))):
        return "initiate_login_uri, jwks_uri"
    if "openid" in payload["scope"].split():
        return "scope: openid is no scope of a service"
    return _problem_of_tool(tool)


def _problem_of_tool(tool: dict[str, Any]) -> str:
    if not isinstance(tool.get("domain"), str) or not DOMAIN.fullmatch(tool["domain"]):
        return "domain"
    if (
        not _is_address(tool.get("target_link_uri"))
        or urlsplit(tool["target_link_uri"]).netloc != tool["domain"]
    ):
        return "target_link_uri"
    claims, messages = tool.get("claims"), tool.get("messages")
    if not isinstance(claims, list) or not all(isinstance(claim, str) for claim in claims):
        return "claims"
    if not isinstance(messages, list) or not all(isinstance(m, dict) and "type" in m for m in messages):
        return "messages"
    given = [tool, *messages]
    if not all(isinstance(v, str) for part in given for v in part.get("custom_parameters", {}).values()):
        return "custom_parameters"
    return ""


def _is_address(value: Any) -> bool:
    return (
        isinstance(value, str)
        and urlsplit(value).scheme in {"http", "https"}
        and bool(urlsplit(value).netloc)
    )


def _check_as_moodle(platform: "FakePlatform", payload: dict[str, Any]) -> None:
    """M:classes/local/ltiopenid/registration_helper.php: the first problem, in plain text (executed)."""

    def refuse(problem: str) -> None:
        raise Refused(text_answer(400, problem))

    tool = payload[TOOL_CONFIGURATION]
    required = ("response_types", "initiate_login_uri", "redirect_uris", "client_name", "jwks_uri")
    for name in (*required, "token_endpoint_auth_method"):
        if not payload.get(name):
            refuse(f"missing required attribute {name}")
    if "id_token" not in payload["response_types"]:
        refuse("invalid_response_types")
    if not isinstance(payload["redirect_uris"], list):
        refuse("invalid_redirect_uris")
    if payload["token_endpoint_auth_method"] != "private_key_jwt":
        refuse("invalid_token_endpoint_auth_method")
    if not tool.get("domain"):
        refuse("missing_domain")
    target = tool.get("target_link_uri") or f"https://{tool['domain']}"
    if urlsplit(target).netloc != tool["domain"]:
        refuse("domain_targetlinkuri_mismatch")


def _check_as_canvas(platform: "FakePlatform", payload: dict[str, Any]) -> None:
    """CV:lib/schemas/lti/ims/oidc_registration.rb and lti_tool_configuration.rb; every problem is a 422."""
    problem = _problem({"scope": "none", **payload})
    tool = payload[TOOL_CONFIGURATION]
    known = {place for places in platform.profile.registering.placements.values() for place in places}  # type: ignore[union-attr]
    for message in tool.get("messages", []):
        if message.get("type") not in {RESOURCE_LINK, DEEP_LINKING}:
            problem = problem or "messages/type"
        if not set(message.get("placements", [])) <= known:
            problem = problem or "messages/placements"
        if "icon_uri" in message and not _is_address(message["icon_uri"]):
            problem = problem or "messages/icon_uri"
    if tool.get(f"{CANVAS}privacy_level", "anonymous") not in PRIVACY_LEVELS:
        problem = problem or f"{CANVAS}privacy_level"
    if problem:
        raise Refused(json_answer(422, {"errors": [f"{problem} is not what the schema asks for"]}))


def _check_as_brightspace(platform: "FakePlatform", payload: dict[str, Any]) -> None:
    """documentation.brightspace.com, "Dynamic Registration": https only, domain unique, keyset reachable."""
    _check_as_specified(platform, payload)
    addresses = [payload["initiate_login_uri"], payload["jwks_uri"], *payload["redirect_uris"]]
    if not all(address.startswith("https://") for address in addresses):
        raise Refused(json_answer(400, {"error": "URLs must be https"}))
    if payload[TOOL_CONFIGURATION]["domain"] in platform.registered_domains:
        raise Refused(json_answer(400, {"error": "Domain must be unique across Org"}))
    if not platform.tool_keys():
        raise Refused(json_answer(400, {"error": "Keyset must be reachable"}))


def _check_as_sakai(platform: "FakePlatform", payload: dict[str, Any]) -> None:
    """LTI13Servlet.handleRegistrationEndpointPost."""
    if not all(payload.get(name) for name in ("initiate_login_uri", "jwks_uri", "redirect_uris")):
        raise Refused(text_answer(400, "Missing initiate_login_uri, jwks_uri, redirect_uris"))


_CHECKS = {
    "specification": _check_as_specified,
    "moodle": _check_as_moodle,
    "canvas": _check_as_canvas,
    "brightspace": _check_as_brightspace,
    "sakai": _check_as_sakai,
}


# --- what comes of it ---------------------------------------------------------------------------------------


def _install(platform: "FakePlatform", payload: dict[str, Any], style: Registering) -> Answer:
    tool = payload[TOOL_CONFIGURATION]
    scopes = set(payload.get("scope", "").split()) & {*ALL_SCOPES, ROSTER_SCOPE}
    if style.all_scopes_or_none and scopes & set(ALL_SCOPES):
        scopes |= set(ALL_SCOPES)
    platform.client_id = uuid.uuid4().hex[:15]
    platform.deployment_id = "1" if style.names_deployment else f"deployment-{uuid.uuid4().hex[:8]}"
    platform.permitted_scopes = scopes
    platform.redirect_uris = set(payload["redirect_uris"])
    platform.login_url = payload["initiate_login_uri"]
    platform.jwks_uri = payload["jwks_uri"]
    platform.custom_parameters = dict(tool.get("custom_parameters", {}))
    platform.shares_identity = _shares_identity(tool, style)
    platform.is_active = not style.arrives_pending
    platform.registered_domains.add(tool.get("domain", ""))
    target = tool.get("target_link_uri") or f"https://{tool['domain']}"
    platform.targets = defaultdict(lambda: target)
    for message in tool.get("messages", []):
        platform.targets[message["type"]] = message.get("target_link_uri") or target
    configured = {**tool, "version": "1.3.0"}
    if style.names_deployment:
        configured["deployment_id"] = platform.deployment_id
    stored = {
        **payload,
        "client_id": platform.client_id,
        "scope": " ".join(sorted(scopes)),
        TOOL_CONFIGURATION: configured,
    }
    return json_answer(style.status, stored)


def _shares_identity(tool: dict[str, Any], style: Registering) -> bool:
    """Names and addresses: asked for by claims (Moodle, executed) or by Canvas's own key, else not sent."""
    if style.strictness == "canvas":
        return bool(tool.get(f"{CANVAS}privacy_level", "anonymous") == "public")
    return "name" in tool.get("claims", [])

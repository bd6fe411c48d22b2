"""Tools that register themselves (LTI Dynamic Registration 1.0), as strict as Moodle 4.5.

The administrator opens the tool's registration link in a frame. The tool reads our configuration,
posts its own with the token that it was opened with, and asks the page around it to close.
"""

import secrets
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import jwt
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from deploy.demo_vle import urls_of
from deploy.demo_vle.claims import PRODUCT, VARIABLES
from deploy.demo_vle.fields import FieldError, custom_of, is_http_url, text_of, url_of
from deploy.demo_vle.models import Message, Tool, UsedOnce
from deploy.demo_vle.school import SCHOOL_NAME
from deploy.demo_vle.scopes import GRANTED_SCOPES, IDENTITY_CLAIMS
from deploy.demo_vle.service_api import ServiceError, json_object

PLATFORM = "https://purl.imsglobal.org/spec/lti-platform-configuration"
TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
AUTH_METHOD = "private_key_jwt"
TOKEN_LIFE_SECONDS = 60 * 60
REQUIRED = (
    "response_types",
    "initiate_login_uri",
    "redirect_uris",
    "client_name",
    "jwks_uri",
    "token_endpoint_auth_method",
    TOOL,
)


class RegistrationError(Exception):
    """Answered in plain text, as Moodle does."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def registration_address(link: str) -> str:
    """The tool's link with where our configuration is and a token good for one registration."""
    now = int(time.time())
    claims = {
        "sub": secrets.token_urlsafe(11),  # the client_id to be
        "scope": "reg",
        "iat": now,
        "exp": now + TOKEN_LIFE_SECONDS,
    }
    added = {
        "openid_configuration": urls_of.openid_configuration(),
        "registration_token": settings.SIGNING_KEY.sign(claims),
    }
    parts = urlsplit(link)
    query = "&".join(filter(None, (parts.query, urlencode(added))))
    return urlunsplit(parts._replace(query=query, fragment=""))


@require_safe
def openid_configuration(request: HttpRequest) -> HttpResponse:
    placements = {Message.DEEP_LINKING: {"placements": ["ContentArea"]}}
    return JsonResponse(
        {
            "issuer": settings.PUBLIC_URL,
            "authorization_endpoint": urls_of.auth(),
            "token_endpoint": urls_of.token(),
            "token_endpoint_auth_methods_supported": [AUTH_METHOD],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
            "jwks_uri": urls_of.jwks(),
            "registration_endpoint": urls_of.registration(),
            "scopes_supported": ["openid", *sorted(GRANTED_SCOPES)],
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["sub", "iss", *IDENTITY_CLAIMS],
            PLATFORM: {
                **PRODUCT,
                "name": f"{SCHOOL_NAME} VLE",
                "messages_supported": [
                    {"type": message.value, **placements.get(message, {})} for message in Message
                ],
                "variables": list(VARIABLES),
            },
        }
    )


@csrf_exempt  # the bearer token says who is calling
@require_POST
def registration(request: HttpRequest) -> HttpResponse:
    try:
        client_id, expires_at = _client_id_of(request.headers.get("Authorization", ""))
        tool = _register(client_id, expires_at, read_request(_body(request)))
    except RegistrationError as error:
        return HttpResponse(error.message, status=error.status, content_type="text/plain; charset=utf-8")
    return JsonResponse(as_json(tool))


def read_request(body: dict[str, Any]) -> dict[str, Any]:
    """What the tool says of itself, as fields of a Tool. Raises RegistrationError."""
    for name in REQUIRED:
        if body.get(name) in (None, "", [], {}):
            raise RegistrationError(400, f"missing required attribute {name}")
    configuration = body[TOOL]
    if not isinstance(body["response_types"], list) or "id_token" not in body["response_types"]:
        raise RegistrationError(400, "invalid_response_types")
    if body["token_endpoint_auth_method"] != AUTH_METHOD:
        raise RegistrationError(400, "invalid_token_endpoint_auth_method")
    if body.get("application_type", "web") != "web":
        raise RegistrationError(400, "invalid_application_type")
    redirect_uris = body["redirect_uris"]
    if not isinstance(redirect_uris, list) or not all(map(is_http_url, redirect_uris)):
        raise RegistrationError(400, "invalid_redirect_uris")
    if not isinstance(configuration, dict):
        raise RegistrationError(400, "invalid_tool_configuration")
    try:
        domain = text_of(configuration, "domain", most=255)
        if not domain:
            raise RegistrationError(400, "missing_domain")
        target = url_of(configuration, "target_link_uri") or f"https://{domain}"
        if urlsplit(target).netloc != domain:
            raise RegistrationError(400, "domain_targetlinkuri_mismatch")
        return {
            "name": text_of(body, "client_name", most=200, required=True),
            "description": text_of(configuration, "description", most=2000),
            "login_url": url_of(body, "initiate_login_uri", required=True),
            "jwks_url": url_of(body, "jwks_uri", required=True),
            "target_link_uri": target,
            "redirect_uris": redirect_uris,
            "messages": _messages(configuration),
            "scopes": sorted(GRANTED_SCOPES & set(text_of(body, "scope", most=4000).split())),
            "claims": [claim for claim in IDENTITY_CLAIMS if claim in _list(configuration, "claims")],
            "custom": custom_of(configuration, "custom_parameters"),
        }
    except FieldError as error:
        raise RegistrationError(400, error.message) from error


def as_json(tool: Tool) -> dict[str, Any]:
    messages = [
        {"type": message, **({"target_link_uri": target} if target else {})}
        for message, target in tool.messages.items()
    ]
    return {
        "client_id": tool.client_id,
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["client_credentials", "implicit"],
        "token_endpoint_auth_method": AUTH_METHOD,
        "initiate_login_uri": tool.login_url,
        "redirect_uris": tool.redirect_uris,
        "client_name": tool.name,
        "jwks_uri": tool.jwks_url,
        "scope": " ".join(tool.scopes),
        TOOL: {
            "version": "1.3.0",
            "deployment_id": tool.deployment_id,
            "domain": urlsplit(tool.target_link_uri).netloc,
            "target_link_uri": tool.target_link_uri,
            "description": tool.description,
            "custom_parameters": tool.custom,
            "messages": messages,
            "claims": ["iss", "sub", *tool.claims],
        },
    }


def _client_id_of(authorization: str) -> tuple[str, int]:
    """Whom the token is for, and until when. It is our own: nobody else's key is tried."""
    kind, _, token = authorization.partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise RegistrationError(401, "missing_registration_token")
    try:
        claims = jwt.decode(
            token.strip(),
            settings.SIGNING_KEY.private.public_key(),
            algorithms=["RS256"],
            # What else we sign is meant for a tool, and says so in its audience.
            options={"require": ["sub", "iat", "exp", "scope"]},
        )
    except jwt.PyJWTError:
        raise RegistrationError(401, "invalid_registration_token") from None
    if claims["scope"] != "reg":
        raise RegistrationError(401, "invalid_registration_token")
    return claims["sub"], claims["exp"]


def _body(request: HttpRequest) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise RegistrationError(400, "Content-Type must be application/json")
    try:
        return json_object(request)
    except ServiceError as error:
        raise RegistrationError(400, error.message) from error


@transaction.atomic
def _register(client_id: str, expires_at: int, fields: dict[str, Any]) -> Tool:
    if not UsedOnce.spend("registration", client_id, datetime.fromtimestamp(expires_at, UTC)):
        raise RegistrationError(401, "token_already_used")
    name, number = fields["name"], 1
    while Tool.objects.filter(name=fields["name"]).exists():
        number += 1
        fields["name"] = f"{name} ({number})"  # two of a name could not be told apart in a course
    return Tool.objects.create(client_id=client_id, deployment_id=secrets.token_hex(4), **fields)


def _messages(configuration: dict[str, Any]) -> dict[str, str]:
    """As in Moodle, of a message only its type and target are kept."""
    messages: dict[str, str] = {}
    for message in _list(configuration, "messages"):
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise RegistrationError(400, "invalid_messages")
        if message["type"] in Message.values:
            messages[message["type"]] = url_of(message, "target_link_uri")
    return messages


def _list(configuration: dict[str, Any], name: str) -> list[Any]:
    value = configuration.get(name, [])
    if not isinstance(value, list):
        raise RegistrationError(400, f"invalid_{name}")
    return value

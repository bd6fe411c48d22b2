"""A VLE that connects itself (LTI Dynamic Registration 1.0), asked for it with an invitation link."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

import requests
from django.core.exceptions import ValidationError as InvalidPlatform
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from lti_tool import http, invitations, platform_quirks, registrations
from lti_tool.claims import Address, Identifier, Names, Text
from lti_tool.models import Family, Registration
from lti_tool.platform_quirks import Quirks
from lti_tool.refusals import RegistrationRefused
from lti_tool.registration import Platform
from lti_tool.tool_configuration import TOOL_CONFIGURATION, client_registration

PLATFORM_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-platform-configuration"
# What may stand in an HTTP header.
_TOKEN = re.compile(r"[\x21-\x7e]{1,8000}")


def _web_address(value: str) -> str:
    if not registrations.origin(value) or not value.isprintable():
        raise ValueError("is no web address")
    return value


Endpoint = Annotated[str, Field(max_length=500), AfterValidator(_web_address)]


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


Said = TypeVar("Said", bound=_Said)


class SupportedMessage(_Said):
    type: Identifier
    placements: Names = []


class PlatformConfiguration(_Said):
    product_family_code: Text = ""
    messages_supported: Annotated[list[SupportedMessage], Field(max_length=200)]


class OpenIdConfiguration(_Said):
    """How a VLE describes itself (§3.4)."""

    issuer: Annotated[str, Field(max_length=255), AfterValidator(_web_address)]
    authorization_endpoint: Endpoint
    token_endpoint: Endpoint
    jwks_uri: Endpoint
    registration_endpoint: Endpoint
    authorization_server: Annotated[Address, Field(max_length=500)] = ""
    scopes_supported: Names = []
    claims_supported: Names = []
    platform: Annotated[PlatformConfiguration, Field(alias=PLATFORM_CONFIGURATION)]

    @property
    def family(self) -> Family:
        return platform_quirks.family_of(self.platform.product_family_code)

    @property
    def quirks(self) -> Quirks:
        return platform_quirks.of_family(self.family)

    @property
    def endpoints(self) -> dict[str, str]:
        names = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint")
        return {name: getattr(self, name) for name in names}


class RegisteredTool(_Said):
    deployment_id: Annotated[
        Identifier | None, BeforeValidator(lambda said: None if said == "" else said)
    ] = None


class RegisteredClient(_Said):
    """What a VLE made of our registration (§3.6). Canvas names no deployment: its admin makes one afterwards."""

    client_id: Identifier
    tool: Annotated[RegisteredTool, Field(alias=TOOL_CONFIGURATION)]


def connect(
    invitation_token: str, configuration_url: str, registration_token: str, *, now: datetime
) -> Registration:
    """Register with the VLE whose configuration is at that address, and keep it as the invitation says.

    The registration token goes to that address and to the registration endpoint named there, and nowhere else.
    Raises RegistrationRefused; the invitation can then be used again.
    """
    with invitations.claimed(invitation_token, now=now) as invitation:
        bearer = _bearer(registration_token)
        configuration = _configuration(configuration_url, bearer)
        client = _register_tool(configuration, bearer)
        try:
            return invitations.connect(invitation, _platform(configuration, client), by_hand=False, now=now)
        except InvalidPlatform as invalid:
            raise RegistrationRefused(
                "configuration_invalid", detail=next(iter(invalid.message_dict))
            ) from None


def _bearer(registration_token: str) -> dict[str, str]:
    """The header; none where the VLE gave no token. Canvas wants it for the configuration too."""
    if registration_token and not _TOKEN.fullmatch(registration_token):
        raise RegistrationRefused("configuration_invalid", detail="registration_token")
    return {"Authorization": f"Bearer {registration_token}"} if registration_token else {}


def _configuration(address: str, bearer: Mapping[str, str]) -> OpenIdConfiguration:
    """The VLE's configuration, if all that it names is its own to name."""
    _check(address, "openid_configuration")
    response = _ask("GET", address, bearer)
    if response.status_code != 200:
        raise RegistrationRefused("configuration_refused", detail=str(response.status_code))
    # A file that somebody put on the VLE's host is not how the VLE describes itself.
    if response.headers.get("Content-Type", "").split(";")[0].strip().lower() != "application/json":
        raise RegistrationRefused("configuration_invalid", detail="content_type")
    configuration = _read(OpenIdConfiguration, response, "configuration_invalid")
    foreign = configuration.quirks.foreign_endpoint(address, configuration.endpoints)
    if foreign:
        reason = "issuer_foreign" if foreign == "issuer" else "endpoint_foreign"
        raise RegistrationRefused(reason, detail=foreign)
    for name, endpoint in configuration.endpoints.items():
        _check(endpoint, name)
    return configuration


def _register_tool(configuration: OpenIdConfiguration, bearer: Mapping[str, str]) -> RegisteredClient:
    asked = client_registration(
        configuration.quirks,
        messages={message.type: message.placements for message in configuration.platform.messages_supported},
        scopes=configuration.scopes_supported,
        claims=configuration.claims_supported,
    )
    response = _ask("POST", configuration.registration_endpoint, bearer, asked)
    # 201 is the specification's; Moodle, Canvas and Sakai say 200.
    if response.status_code not in {200, 201}:
        raise RegistrationRefused("registration_refused", detail=str(response.status_code))
    return _read(RegisteredClient, response, "answer_invalid")


def _platform(configuration: OpenIdConfiguration, client: RegisteredClient) -> Platform:
    quirks = configuration.quirks
    audience = configuration.authorization_server if quirks.authorization_server_is_audience else ""
    # Where a hosted VLE shows its pages: issuer and sign-in are everybody's there.
    pages = registrations.origin(configuration.registration_endpoint)
    known = {
        registrations.origin(url) for url in (configuration.issuer, configuration.authorization_endpoint)
    }
    return Platform(
        issuer=configuration.issuer,
        client_id=client.client_id,
        auth_url=configuration.authorization_endpoint,
        token_url=configuration.token_endpoint,
        jwks_url=configuration.jwks_uri,
        deployment_id=client.tool.deployment_id,
        token_audience=audience or quirks.token_audience or None,
        family=configuration.family,
        frame_hosts=None if pages in known else pages,
    )


def _check(address: str, name: str) -> None:
    """Refuse an address that no VLE of ours may have."""
    try:
        _web_address(address)
        http.check_address(address)
    except (ValueError, http.PlatformUnreachable):
        raise RegistrationRefused("address_invalid", detail=name) from None


def _ask(method: str, address: str, bearer: Mapping[str, str], said: Any = None) -> requests.Response:
    headers = {"Accept": "application/json", **bearer}
    try:
        return http.session().request(method, address, headers=headers, json=said)
    except http.PlatformUnreachable:
        raise RegistrationRefused("platform_unreachable") from None


def _read(kind: type[Said], response: requests.Response, otherwise: str) -> Said:
    """The answer as it should be. Raises RegistrationRefused for this reason, with the field that is wrong."""
    try:
        return kind.model_validate(response.json())
    except ValidationError as error:
        where = error.errors(include_input=False, include_url=False, include_context=False)[0]["loc"]
        field = str(where[0]).rsplit("/", 1)[-1] if where else "document"
        raise RegistrationRefused(otherwise, detail=field) from None
    except (ValueError, RecursionError):
        raise RegistrationRefused(otherwise, detail="json") from None

"""What we tell a VLE of ourselves: as a client registration, and as the JSON that Canvas reads."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from lti_tool import gradebook, nrps, platform_quirks
from lti_tool.models import Family, Launch
from lti_tool.platform_quirks import Quirks
from lti_tool.registrations import tool_urls

TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
NAME = "SafeResponse"
# The same in every VLE and for ever: Canvas knows by it that two apps are one tool.
TOOL_ID = "saferesponse"
SCOPES = (
    gradebook.LINE_ITEM,
    gradebook.LINE_ITEM_READONLY,
    gradebook.RESULT_READONLY,
    gradebook.SCORE,
    nrps.SCOPE,
)
# Of a person: certificates carry the name; the address lets somebody prove that they moved schools.
IDENTITY_CLAIMS = ("name", "given_name", "family_name", "email")
# Pixels of the window in which content is chosen.
CHOICE_WIDTH, CHOICE_HEIGHT = 1000, 800


def client_registration(
    quirks: Quirks,
    *,
    messages: Mapping[str, Sequence[str]],
    scopes: Collection[str],
    claims: Collection[str],
) -> dict[str, Any]:
    """The client registration request (LTI Dynamic Registration §3.5), for a VLE that supports these messages at
    these placements, these scopes and claims. One that does not say which scopes or claims is asked for all.
    """
    urls = tool_urls()
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": urls["login_url"],
        "redirect_uris": [urls["redirect_uri"]],
        "client_name": NAME,
        "client_uri": settings.PUBLIC_URL,
        "logo_uri": picture_url("icon.png"),
        "jwks_uri": urls["jwks_url"],
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(scope for scope in SCOPES if scope in scopes or not scopes),
        TOOL_CONFIGURATION: {
            "domain": _domain(),
            "target_link_uri": urls["launch_url"],
            "description": _description(),
            "claims": ["iss", "sub", *(c for c in IDENTITY_CLAIMS if c in claims or not claims)],
            "messages": quirks.messages(messages, url=urls["launch_url"], label=NAME),
            **quirks.tool_settings(tool_id=TOOL_ID, vendor=settings.PROVIDER_NAME),
        },
    }


def canvas_configuration() -> dict[str, Any]:
    """The JSON with which an admin makes an LTI key in Canvas by address or by pasting (lti_dev_key_config.md)."""
    urls = tool_urls()
    return {
        "title": NAME,
        "description": _description(),
        "oidc_initiation_url": urls["login_url"],
        "target_link_uri": urls["launch_url"],
        "public_jwk_url": urls["jwks_url"],
        "scopes": list(SCOPES),
        "extensions": [
            {
                "platform": "canvas.instructure.com",
                "domain": _domain(),
                "tool_id": TOOL_ID,
                "privacy_level": "public",
                "settings": {
                    "text": NAME,
                    "icon_url": picture_url("icon.png"),
                    "selection_width": CHOICE_WIDTH,
                    "selection_height": CHOICE_HEIGHT,
                    "placements": [
                        {
                            "placement": placement,
                            "text": NAME,
                            "message_type": Launch.Message.DEEP_LINKING.value,
                            "target_link_uri": urls["launch_url"],
                        }
                        for placement in platform_quirks.of_family(Family.CANVAS).content_placements
                    ],
                },
            }
        ],
    }


def _description() -> str:
    return _("Training for school staff: what to do when children share nudes or semi-nudes.")


def picture_url(name: str) -> str:
    """The address of a picture of ours. VLEs keep it for years: it does not change with the picture, as the hashed
    addresses of our own pages do.
    """
    return f"{settings.PUBLIC_URL}{settings.STATIC_URL}lti_tool/{name}"


def _domain() -> str:
    """Host and port: Moodle compares both with those of the target_link_uri."""
    return urlsplit(settings.PUBLIC_URL).netloc

"""Connecting a VLE by hand, under an invitation: what each make shows its admin, in that make's own words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lti_tool import http, invitations, platform_quirks, registrations
from lti_tool.models import Family, Registration
from lti_tool.registration import Platform

BLACKBOARD_ISSUER = "https://blackboard.com"
_ADDRESSES = ("auth_url", "token_url", "jwks_url")


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing that a VLE shows. A default may be made of {issuer} and {client_id}; empty, the admin must say."""

    label: str | Promise
    hint: str | Promise = ""
    default: str = ""
    is_optional: bool = False


_AS_SHOWN = _("Leave it as it is unless your VLE shows another one.")
_FIRST_ONE = _("Leave it empty if your VLE shows none: the first one that opens the training is accepted.")

ASKED: Mapping[Family, Mapping[str, Asked]] = {
    # Manage tools → the tool's list icon ("View configuration details").
    Family.MOODLE: {
        "issuer": Asked(_("Platform ID"), _("Your Moodle's address.")),
        "client_id": Asked(_("Client ID")),
        "deployment_id": Asked(_("Deployment ID")),
        "jwks_url": Asked(_("Public keyset URL"), _AS_SHOWN, "{issuer}/mod/lti/certs.php"),
        "token_url": Asked(_("Access token URL"), _AS_SHOWN, "{issuer}/mod/lti/token.php"),
        "auth_url": Asked(_("Authentication request URL"), _AS_SHOWN, "{issuer}/mod/lti/auth.php"),
    },
    # The hosted ones' are the same for all schools (lti_dev_key_config.md).
    Family.CANVAS: {
        "pages": Asked(
            _("Your Canvas's address"),
            _("As your browser shows it, such as https://school.instructure.com."),
        ),
        "client_id": Asked(
            _("Client ID"), _("The long number of the developer key, such as 10000000000001.")
        ),
        "deployment_id": Asked(_("Deployment ID"), _FIRST_ONE, is_optional=True),
        "issuer": Asked(_("Issuer"), _AS_SHOWN, "https://canvas.instructure.com"),
        "auth_url": Asked(
            _("OIDC authorisation URL"), _AS_SHOWN, "https://sso.canvaslms.com/api/lti/authorize_redirect"
        ),
        "token_url": Asked(_("Token URL"), _AS_SHOWN, "https://sso.canvaslms.com/login/oauth2/token"),
        "jwks_url": Asked(_("JWK URL"), _AS_SHOWN, "https://sso.canvaslms.com/api/lti/security/jwks"),
    },
    Family.BRIGHTSPACE: {
        "issuer": Asked(
            _("Issuer"), _("Your Brightspace's address, such as https://school.brightspace.com.")
        ),
        "client_id": Asked(_("Client ID")),
        "deployment_id": Asked(_("Deployment ID"), _FIRST_ONE, is_optional=True),
        "jwks_url": Asked(_("Brightspace Keyset URL"), _AS_SHOWN, "{issuer}/d2l/.well-known/jwks"),
        "token_url": Asked(
            _("Brightspace OAuth2 Access Token URL"),
            _AS_SHOWN,
            "https://auth.brightspace.com/core/connect/token",
        ),
        "auth_url": Asked(
            _("OpenID Connect Authentication Endpoint"), _AS_SHOWN, "{issuer}/d2l/lti/authenticate"
        ),
        "token_audience": Asked(
            _("Brightspace OAuth2 Audience"),
            _AS_SHOWN,
            platform_quirks.of_family(Family.BRIGHTSPACE).token_audience,
        ),
    },
    # The developer portal's, the same for all institutions (docs.anthology.com, register-an-application).
    Family.BLACKBOARD: {
        "pages": Asked(
            _("Your Blackboard's address"),
            _("As your browser shows it, such as https://school.blackboard.com."),
        ),
        "client_id": Asked(_("Client ID"), _("Also called Application ID.")),
        "deployment_id": Asked(_("Deployment ID"), _("Under LTI Tool Providers, where you edit the tool.")),
        "issuer": Asked(_("Issuer"), _AS_SHOWN, BLACKBOARD_ISSUER),
        "jwks_url": Asked(
            _("Public keyset URL"),
            _AS_SHOWN,
            "https://developer.blackboard.com/api/v1/management/applications/{client_id}/jwks.json",
        ),
        "token_url": Asked(
            _("Auth token endpoint"),
            _AS_SHOWN,
            "https://developer.blackboard.com/api/v1/gateway/oauth2/jwttoken",
        ),
        "auth_url": Asked(
            _("OIDC auth request endpoint"),
            _AS_SHOWN,
            "https://developer.blackboard.com/api/v1/gateway/oidcauth",
        ),
    },
    Family.SAKAI: {
        "issuer": Asked(_("LTI 1.3 Platform Issuer"), _("Your Sakai's address.")),
        "client_id": Asked(_("LTI 1.3 Client ID")),
        "deployment_id": Asked(_("LTI 1.3 Deployment ID"), _AS_SHOWN, "1"),
        "jwks_url": Asked(
            _("LTI 1.3 Platform Public Keyset URL"), _AS_SHOWN, "{issuer}/imsblis/lti13/keyset"
        ),
        "token_url": Asked(_("LTI 1.3 Platform OAuth2 Bearer Token Retrieval URL")),
        "auth_url": Asked(
            _("LTI 1.3 Platform OIDC Authentication URL"), _AS_SHOWN, "{issuer}/imsoidc/lti13/oidc_auth"
        ),
    },
    Family.GENERIC: {
        "issuer": Asked(_("Issuer"), _("Also called Platform ID.")),
        "client_id": Asked(_("Client ID")),
        "deployment_id": Asked(_("Deployment ID"), _FIRST_ONE, is_optional=True),
        "jwks_url": Asked(_("Public keyset URL"), _("Also called JWKS URL.")),
        "token_url": Asked(_("Access token URL")),
        "auth_url": Asked(_("Authentication request URL"), _("Also called OIDC authorisation endpoint.")),
        "token_audience": Asked(
            _("Audience of access tokens"), _("Leave it empty if your VLE shows none."), is_optional=True
        ),
    },
}


class VleDetails(forms.Form):
    """What the admin copies out of their VLE."""

    def __init__(self, family: Family, data: Any = None) -> None:
        super().__init__(data)
        self.family = family
        for name, asked in ASKED[family].items():
            self.fields[name] = _field(name, asked)
        if family is Family.BLACKBOARD:
            self.fields["client_id"].initial = blackboard_client_id()

    def clean_issuer(self) -> str:
        issuer: str = self.cleaned_data["issuer"]
        makes_addresses = any("{issuer}" in asked.default for asked in ASKED[self.family].values())
        if makes_addresses and not registrations.origin(issuer):
            raise ValidationError(_("It begins with https://, as your VLE shows it."))
        return issuer

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = self.cleaned_data
        if {"issuer", "client_id"} & self.errors.keys():
            return given
        made = {name: asked.default for name, asked in ASKED[self.family].items() if given.get(name) == ""}
        for name, default in made.items():
            given[name] = default.format(issuer=given["issuer"].rstrip("/"), client_id=given["client_id"])
        for name in _ADDRESSES:
            # What was made of a wrong issuer is not wrong itself.
            said = "issuer" if "{issuer}" in made.get(name, "") else name
            if given.get(name) and said not in self.errors:
                self._check_address(said, given[name])
        return given

    def _check_address(self, name: str, address: str) -> None:
        try:
            http.check_address(address)
            is_wrong = not registrations.origin(address)
        except http.PlatformUnreachable:
            is_wrong = True
        if is_wrong:
            problem = _("This address cannot be asked from here. It must be public and begin with https.")
            self.add_error(name, problem)

    def refuse(self, error: ValidationError) -> None:
        """Say at its field what no registration takes."""
        for name, problems in error.error_dict.items():
            self.add_error("pages" if name == "frame_hosts" else name, problems)

    @property
    def main(self) -> list[forms.BoundField]:
        """What has to be copied."""
        return [field for field in self if not ASKED[self.family][field.name].default]

    @property
    def further(self) -> list[forms.BoundField]:
        """What is known already, as a rule."""
        return [field for field in self if ASKED[self.family][field.name].default]

    @property
    def further_is_wrong(self) -> bool:
        return any(field.errors for field in self.further)

    def platform(self) -> Platform:
        given = self.cleaned_data
        hosted = platform_quirks.of_family(self.family).hosted_pages
        pages = (hosted, registrations.origin(given.get("pages", "")))
        return Platform(
            issuer=given["issuer"],
            client_id=given["client_id"],
            auth_url=given["auth_url"],
            token_url=given["token_url"],
            jwks_url=given["jwks_url"],
            deployment_id=given["deployment_id"] or None,
            token_audience=given.get("token_audience") or None,
            family=self.family,
            frame_hosts=" ".join(filter(None, pages)) or None,
        )


def connect(token: str, platform: Platform, *, now: datetime) -> Registration:
    """Keep what an invited admin copied out of their VLE.

    Raises RegistrationRefused, and ValidationError naming the fields that are wrong; the invitation can then be
    used again.
    """
    with invitations.claimed(token, now=now) as invitation:
        return invitations.connect(invitation, platform, by_hand=True, now=now)


def blackboard_client_id() -> str:
    """The client id that every institution enters in its Blackboard; empty when there is none, or are two."""
    known = Registration.objects.filter(family=Family.BLACKBOARD, issuer=BLACKBOARD_ISSUER, is_active=True)
    ids = list(known.values_list("client_id", flat=True)[:2])
    return ids[0] if len(ids) == 1 else ""


def _field(name: str, asked: Asked) -> forms.Field:
    options: dict[str, Any] = {
        "label": asked.label,
        "help_text": asked.hint,
        "required": not asked.default and not asked.is_optional,
        "initial": "" if "{" in asked.default else asked.default,
    }
    if name in {*_ADDRESSES, "pages"}:
        # What is pasted without a scheme is meant to be https.
        return forms.URLField(max_length=500, assume_scheme="https", **options)
    return forms.CharField(max_length=255, **options)

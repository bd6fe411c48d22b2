"""The launch message's claims, checked once into a frozen object (LTI 1.3 core §5.3, §5.4).

Types are strict: a number is no string and a string no list. What is optional may also be null or empty, as
Moodle and Canvas send it. Identifiers that a database could not keep (NUL, lone surrogates, too long) are
refused; titles and names are cleaned and cut.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from lti_tool.rejections import LaunchRejected

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
DEEP_LINKING_CLAIM = "https://purl.imsglobal.org/spec/lti-dl/claim/"
DEEP_LINKING = f"{DEEP_LINKING_CLAIM}deep_linking_settings"


class Role(StrEnum):
    """The roles that we tell apart."""

    LEARNER = "learner"
    LEAD = "lead"
    AUTHOR = "author"
    ADMINISTRATOR = "administrator"


_VOCABULARY = "http://purl.imsglobal.org/vocab/lis/v2/"
_MEMBERSHIP = f"{_VOCABULARY}membership#"
# Whole URIs, plus the short names that LTI 1.3 core §A.2.3 still allows for context roles. Sub-roles
# (…/membership/Instructor#TeachingAssistant) are not their principal role: an assistant is no lead.
_ROLES = {
    **{f"{prefix}{name}": Role.LEARNER for prefix in (_MEMBERSHIP, "") for name in ("Learner", "Student")},
    **{
        f"{prefix}{name}": Role.LEAD
        for prefix in (_MEMBERSHIP, "")
        for name in ("Instructor", "Administrator", "Manager")
    },
    # May place content, and learns nobody's result.
    **{f"{prefix}ContentDeveloper": Role.AUTHOR for prefix in (_MEMBERSHIP, "")},
    # Of the whole VLE. Never by a short name: those are for roles in a course.
    f"{_VOCABULARY}institution/person#Administrator": Role.ADMINISTRATOR,
    f"{_VOCABULARY}system/person#Administrator": Role.ADMINISTRATOR,
    f"{_VOCABULARY}system/person#SysAdmin": Role.ADMINISTRATOR,
}


def roles_of(uris: Iterable[str]) -> frozenset[Role]:
    """The roles that we know; unknown ones give no rights and do no harm."""
    return frozenset(_ROLES[uri] for uri in uris if uri in _ROLES)


def _storable(value: str) -> str:
    """Refuse NUL and lone surrogates, which no database keeps, and line breaks, which would forge log lines."""
    if not value.isprintable():
        raise ValueError("contains characters that cannot be stored")
    return value


def _without_unstorable(value: str) -> str:
    if value.isprintable():
        return value
    return "".join(c for c in value if c != "\x00" and not "\ud800" <= c <= "\udfff")


def _clean(value: Any) -> Any:
    if value is None:
        return ""
    return _without_unstorable(value).strip()[:255] if isinstance(value, str) else value


def _none_as_empty(value: Any) -> Any:
    return "" if value is None else value


def _none_as_list(value: Any) -> Any:
    return [] if value is None else value


Identifier = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_storable)]
Text = Annotated[str, BeforeValidator(_clean)]
Address = Annotated[str, BeforeValidator(_none_as_empty), Field(max_length=1000), AfterValidator(_storable)]
Email = Annotated[Text, AfterValidator(lambda value: value if len(value) <= 254 else "")]
Names = Annotated[
    list[Annotated[str, Field(max_length=255), AfterValidator(_storable)]],
    BeforeValidator(_none_as_list),
    Field(max_length=200),
]


class _Claim(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Identity(_Claim):
    """Who somebody is, as far as their VLE shares it."""

    name: Text = ""
    given_name: Text = ""
    family_name: Text = ""
    email: Email = ""

    @property
    def full_name(self) -> str:
        return self.name or f"{self.given_name} {self.family_name}".strip()[:255]


class ContextClaim(_Claim):
    id: Identifier
    title: Text = ""
    label: Text = ""


class ResourceLinkClaim(_Claim):
    id: Identifier
    title: Text = ""


class LisClaim(_Claim):
    person_sourcedid: Text = ""


class PresentationClaim(_Claim):
    locale: Annotated[Text, AfterValidator(lambda value: value[:20])] = ""
    return_url: Annotated[str, BeforeValidator(_none_as_empty), AfterValidator(_storable)] = ""


class AgsClaim(_Claim):
    scope: Names = []
    lineitems: Address = ""
    lineitem: Address = ""


class NrpsClaim(_Claim):
    context_memberships_url: Address


class ForUserClaim(_Claim):
    """Whom a message is about, when that is not whoever launches (Submission Review §4.1)."""

    user_id: Identifier


class DeepLinkingSettings(_Claim):
    """What the platform would take (Deep Linking 2.0 §4.4.1)."""

    deep_link_return_url: Annotated[Address, Field(min_length=1)]
    accept_types: Names
    accept_presentation_document_targets: Names = []
    accept_multiple: bool | None = None
    accept_lineitem: bool | None = None
    data: Annotated[str, BeforeValidator(_none_as_empty), Field(max_length=10_000)] = ""


# Where a claim's own name and the field's differ; the claims of LTI have its namespace before them.
_CLAIMS = {
    "role_uris": f"{LTI}roles",
    "presentation": f"{LTI}launch_presentation",
    "custom_claim": f"{LTI}custom",
    "ags": AGS,
    "nrps": NRPS,
    "settings": DEEP_LINKING,
    **{name: name for name in ("sub", "nonce", "name", "given_name", "family_name", "email")},
}


class LaunchClaims(Identity):
    """What every message says. `sub` is required: without it nobody could be told apart from anybody."""

    model_config = ConfigDict(alias_generator=lambda field: _CLAIMS.get(field, f"{LTI}{field}"))

    sub: Identifier
    nonce: Identifier
    message_type: str
    version: Literal["1.3.0"]
    deployment_id: Identifier
    target_link_uri: Annotated[Address, Field(min_length=1)]
    role_uris: Annotated[list[Annotated[str, Field(max_length=1000)]], Field(max_length=200)]
    context: ContextClaim | None = None
    lis: LisClaim | None = None
    presentation: PresentationClaim | None = None
    custom_claim: dict[str, Any] | None = None
    ags: AgsClaim | None = None
    nrps: NrpsClaim | None = None
    for_user: ForUserClaim | None = None

    @property
    def roles(self) -> frozenset[Role]:
        return roles_of(self.role_uris)

    @property
    def custom(self) -> dict[str, str]:
        """Custom parameters that are text and were substituted.

        Platforms echo a variable that they do not know, such as `$ResourceLink.submission.endDateTime`.
        """
        return {
            _without_unstorable(key): _without_unstorable(value)
            for key, value in (self.custom_claim or {}).items()
            if isinstance(value, str) and not value.startswith("$")
        }


class LinkClaims(LaunchClaims):
    """The opening of a link in a course (LTI 1.3 core §5), or a look at a learner's result there.

    The latter should say whose (Submission Review §4). Moodle 4.5 says nobody's for a whole column (executed).
    """

    message_type: Literal["LtiResourceLinkRequest", "LtiSubmissionReviewRequest"]
    resource_link: ResourceLinkClaim


class DeepLinkingClaims(LaunchClaims):
    """An author chooses content for a course (Deep Linking 2.0 §4.4)."""

    settings: DeepLinkingSettings


class DataPrivacyClaims(LaunchClaims):
    """Somebody asks what is kept of them, or an administrator on their behalf (Data Privacy Launch §4)."""

    # By its earlier name, too, which Sakai sends.
    message_type: Annotated[
        Literal["LtiDataPrivacyLaunchRequest"],
        BeforeValidator(lambda said: said if said.startswith("Lti") else f"Lti{said}"),
    ]


_MESSAGES: dict[str, type[LaunchClaims]] = {
    "LtiDeepLinkingRequest": DeepLinkingClaims,
    "LtiDataPrivacyLaunchRequest": DataPrivacyClaims,
    "DataPrivacyLaunchRequest": DataPrivacyClaims,
}


def read_claims(body: Any, *, registration: int | None = None) -> LaunchClaims:
    """The claims of a verified token's body.

    Raises LaunchRejected: `claim_missing` or `claim_invalid` with the claim's short name as detail,
    `version_unsupported`, or `message_type_unsupported`.
    """
    said = body.get(f"{LTI}message_type") if isinstance(body, dict) else None
    # What is no message that we know is read as the opening of a link, and fails as one.
    kind = _MESSAGES.get(said, LinkClaims) if isinstance(said, str) else LinkClaims
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
        claim = str(problem["loc"][0]).rsplit("/", 1)[-1] if problem["loc"] else "payload"
        if problem["type"] == "missing" and len(problem["loc"]) == 1:
            reason = "claim_missing"
        elif claim == "version":
            reason = "version_unsupported"
        elif claim == "message_type" and problem["type"] == "literal_error":
            reason = "message_type_unsupported"
        else:
            reason = "claim_invalid"
        raise LaunchRejected(reason, detail=claim, registration=registration) from None

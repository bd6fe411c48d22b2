"""The one adapter around PyLTI1p3 (installed as `pylti1p3next`).

PyLTI1p3 gives the sequence of an LTI 1.3 login, launch and service call; what it leaves open or gets wrong is
overridden here, row by row of the table in the LTI notes (JWKS, nonce, exp and leeway, aud and azp, state, tokens,
signing cost, Link header, verbs). Nothing else in the project imports `pylti1p3`.
"""

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import jwt
import requests
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from pylti1p3.cookie import CookieService
from pylti1p3.deep_link import DeepLink
from pylti1p3.deep_link_resource import DeepLinkResource
from pylti1p3.exception import LtiException, LtiServiceException, OIDCException
from pylti1p3.message_launch import MessageLaunch
from pylti1p3.oidc_login import OIDCLogin
from pylti1p3.registration import Registration as PyltiRegistration
from pylti1p3.request import Request
from pylti1p3.service_connector import ServiceConnector
from pylti1p3.session import SessionService
from pylti1p3.tool_config import ToolConfAbstract

from lti_tool import http, keys, login_state, platform_keys, platform_quirks, registrations
from lti_tool.claims import DEEP_LINKING_CLAIM, LaunchClaims, read_claims
from lti_tool.keys import SigningKey
from lti_tool.login_state import BrowserSecret, LoginState
from lti_tool.models import Registration
from lti_tool.rejections import LaunchRejected

LEEWAY_SECONDS = 60
# Moodle's tokens live a minute, Canvas's an hour; what was issued before any login of ours can be old is stale.
MAX_TOKEN_AGE_SECONDS = 3600
MAX_TOKEN_BYTES = 64 * 1024
# An answer to a deep linking request waits for a click where there is no JavaScript.
ANSWER_SECONDS = 1800
# Moodle takes nothing from the future (executed), and its clock may be behind ours.
CLOCK_BEHIND_SECONDS = 10


# --- what PyLTI1p3 asks of its surroundings -----------------------------------------------------------------


class Parameters(Request):
    """The parameters of a login or launch, read once from the query or the form."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    @property
    def session(self) -> dict[str, Any]:
        return {}  # nothing is ever kept in a session

    def is_secure(self) -> bool:
        return bool(settings.ON_HTTPS)

    def get_param(self, key: str) -> str:
        return self._values.get(key, "")


class NoCookies(CookieService):
    """State travels signed; the view sets the one cookie that binds it to the browser."""

    def get_cookie(self, name: str) -> str | None:
        return None

    def set_cookie(self, name: str, value: str | int, exp: int | None = 3600) -> None:
        return None


class Directory(ToolConfAbstract[Parameters]):
    """Our registrations, always looked up by issuer and client id together.

    The library's own directory guesses when a login names no client and keeps its guess in a class attribute.
    """

    def check_iss_has_one_client(self, iss: str) -> bool:
        return False

    def check_iss_has_many_clients(self, iss: str) -> bool:
        return True

    def find_registration_by_params(
        self, iss: str, client_id: str, *args: Any, **kwargs: Any
    ) -> "KnownRegistration":
        return KnownRegistration(registrations.find(iss, client_id))


class KnownRegistration(PyltiRegistration):
    """A registration row in the shape that PyLTI1p3 reads."""

    def __init__(self, row: Registration) -> None:
        self.row = row
        self._issuer = row.issuer
        self._client_id = row.client_id
        self._key_set_url = row.jwks_url
        self._auth_token_url = row.token_url
        self._auth_login_url = row.auth_url
        self._auth_audience = row.token_audience or None

    @cached_property
    def _signing_key(self) -> SigningKey:
        # Asked once: between the name and the key another could take over.
        return keys.signing_key()

    def get_kid(self) -> str:
        return self._signing_key.kid

    def get_tool_private_key(self) -> Any:
        """The key object itself: parsing a PEM at each signature costs a hundred times the signature."""
        return self._signing_key.private_key


# --- login --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BegunLogin:
    """A login as it was begun: where to send the browser, and what the browser must keep."""

    registration: Registration
    auth_url: str
    state: str
    secret: BrowserSecret


class Login(OIDCLogin):
    """OIDC third-party initiated login (LTI security framework §5.1.1.1)."""

    begun: BegunLogin

    def _prepare_redirect_url(self, launch_url: str) -> str:
        row = self.validate_oidc_login().row
        check_same_origin(self._get_request_param("target_link_uri"), row.pk)
        state, secret = login_state.begin(
            registration=row.pk,
            deployment=self._get_request_param("lti_deployment_id"),
            storage=self._get_request_param("lti_storage_target")[:100],
        )
        signed = state.sign()
        question = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": row.client_id,
            "redirect_uri": launch_url,
            "state": signed,
            "nonce": state.nonce,
            "login_hint": self._get_request_param("login_hint"),
        }
        if hint := self._get_request_param("lti_message_hint"):
            question["lti_message_hint"] = hint
        auth_url = add_query(row.auth_url, question)
        self.begun = BegunLogin(row, auth_url, signed, secret)
        return auth_url


def begin_login(parameters: Mapping[str, str]) -> BegunLogin:
    """Begin a login from the parameters that the platform sent.

    The redirect URI is always the one registered launch URL: Moodle compares it to the letter.
    Raises LaunchRejected.
    """
    request = Parameters(parameters)
    login = Login(request, Directory(), session_service=SessionService(request), cookie_service=NoCookies())
    try:
        login._prepare_redirect_url(registrations.tool_urls()["launch_url"])
    except OIDCException as error:
        missing = "iss" if "issuer" in str(error) else "login_hint"
        raise LaunchRejected("login_invalid", detail=missing) from None
    return login.begun


def add_query(url: str, parameters: Mapping[str, str]) -> str:
    """`url` with further query parameters, keeping those it has: a bare "?" would spoil them."""
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *parameters.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))


def check_same_origin(target: str, registration: int) -> None:
    """Raises LaunchRejected unless `target` is a page of ours: anything else would be an open redirect."""
    try:
        here, there = urlsplit(settings.PUBLIC_URL), urlsplit(target)
        same = (here.scheme, here.netloc) == (there.scheme, there.netloc)
    except ValueError:
        same = False
    if not same:
        raise LaunchRejected("target_foreign", registration=registration)


# --- launch -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VerifiedLaunch:
    """A launch whose signature, claims and binding to its login are proven. Not yet recorded."""

    registration: Registration
    state: LoginState
    claims: LaunchClaims


class Launch(MessageLaunch):
    """The sequence of PyLTI1p3's `validate`, each step strict."""

    claims: LaunchClaims

    def __init__(self, parameters: Mapping[str, str], state: LoginState, secret: str) -> None:
        request = Parameters(parameters)
        super().__init__(
            request,
            Directory(),
            session_service=SessionService(request),
            cookie_service=NoCookies(),
            requests_session=http.session(),
        )
        self.state = state
        self._secret = secret

    @property
    def row(self) -> Registration:
        row: Registration = self._registration.row
        return row

    def _get_request_param(self, key: str) -> str:
        return str(self._request.get_param(key))

    def validate_state(self) -> "Launch":
        """The state is shown by the browser that began it: no login CSRF."""
        if self._get_request_param("error"):
            raise LaunchRejected("platform_error", registration=self.state.registration)
        if not self.state.is_held_by(self._secret):
            raise LaunchRejected("browser_mismatch", registration=self.state.registration)
        return self

    def validate_jwt_format(self) -> "Launch":
        token = self._get_request_param("id_token")
        if not token:
            self._reject("token_malformed", "id_token")
        if len(token) > MAX_TOKEN_BYTES:
            self._reject("token_too_large")
        # Only the header is read before the signature is checked. Which registration this is, and so whose
        # keys count, the signed state says; the library asks the unverified body instead.
        try:
            segment, _, _ = token.split(".")
            self._jwt["header"] = json.loads(jwt.utils.base64url_decode(segment))
        except (ValueError, RecursionError):
            self._reject("token_malformed")
        if not isinstance(self._jwt["header"], dict):
            self._reject("token_malformed")
        return self

    def validate_nonce(self) -> "Launch":
        # Compared with the state after the signature; used up by the Launch row's constraint.
        return self

    def validate_registration(self) -> "Launch":
        """The registration that the login was begun for, as the state remembers it."""
        row = registrations.by_id(self.state.registration)
        if row is None:
            self._reject("registration_unknown")
        elif not row.is_active:
            self._reject("registration_inactive")
        else:
            self._registration = KnownRegistration(row)
        return self

    def validate_jwt_signature(self) -> "Launch":
        header = self._jwt["header"]
        if header.get("alg") != "RS256":
            self._reject("algorithm_refused")
        kid = header.get("kid")
        if not isinstance(kid, str) or not kid:
            self._reject("kid_missing")
        key = platform_keys.find(self.row, str(kid))
        try:
            self._jwt["body"] = jwt.decode(
                self._get_request_param("id_token"),
                key.key,
                algorithms=["RS256"],
                audience=self.row.client_id,
                issuer=self.row.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "nonce", "iss", "aud", "sub"]},
            )
        except jwt.MissingRequiredClaimError as error:
            self._reject("claim_missing", error.claim)
        except jwt.ExpiredSignatureError:
            self._reject("token_expired")
        except jwt.ImmatureSignatureError:
            self._reject("token_not_yet_valid")
        except jwt.InvalidSignatureError:
            self._reject("signature_invalid")
        except jwt.InvalidIssuerError:
            self._reject("registration_mismatch")
        except jwt.InvalidAudienceError:
            self._reject("audience_mismatch")
        except jwt.exceptions.InvalidSubjectError:
            self._reject("claim_invalid", "sub")
        except jwt.InvalidIssuedAtError:
            self._reject("claim_invalid", "iat")
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, RecursionError):
            self._reject("token_malformed")
        for claim in ("exp", "iat"):
            stamp = self._jwt["body"][claim]
            if isinstance(stamp, bool) or not isinstance(stamp, int | float):
                self._reject("claim_invalid", claim)
        self._check_audience(self._jwt["body"])
        if self._jwt["body"]["iat"] < time.time() - MAX_TOKEN_AGE_SECONDS - LEEWAY_SECONDS:
            self._reject("token_too_old")
        return self

    def _check_audience(self, body: Mapping[str, Any]) -> None:
        """OIDC core §3.1.3.7: with several audiences `azp` must say who is meant, and it must be us."""
        audience, azp = body["aud"], body.get("azp")
        several = isinstance(audience, list) and len(audience) > 1
        if azp is not None and not isinstance(azp, str):
            self._reject("claim_invalid", "azp")
        if azp != self.row.client_id and (azp is not None or several):
            self._reject("audience_mismatch", "azp")

    def validate_deployment(self) -> "Launch":
        # Looked up together with the link when the launch is recorded (`launching`): one query, not two.
        return self

    def validate_message(self) -> "Launch":
        """The claims, and that this is the answer to the login that the state remembers."""
        self.claims = read_claims(self._jwt["body"], registration=self.row.pk)
        if self.claims.nonce != self.state.nonce:
            self._reject("nonce_mismatch")
        if self.state.deployment and self.claims.deployment_id != self.state.deployment:
            self._reject("deployment_mismatch")
        # The login's may be another page of ours: Canvas and Open edX name the registered one there, and which link
        # was opened only in the signed message.
        check_same_origin(self.claims.target_link_uri, self.row.pk)
        return self

    def save_launch_data(self) -> "Launch":
        return self  # `launching.record` keeps what must be kept

    def _reject(self, reason: str, detail: str = "") -> None:
        known = self._registration.row.pk if getattr(self, "_registration", None) else self.state.registration
        raise LaunchRejected(reason, detail=detail, registration=known)


def verify_launch(parameters: Mapping[str, str], state: LoginState, secret: str) -> VerifiedLaunch:
    """Verify the launch that a platform posted, against the login that its state remembers.

    `secret` is what this browser kept for that login, or nothing.

    Raises LaunchRejected.
    """
    launch = Launch(parameters, state, secret)
    try:
        launch.validate()
    except LtiException:
        raise LaunchRejected("token_malformed", registration=launch.state.registration) from None
    return VerifiedLaunch(launch.row, launch.state, launch.claims)


# --- deep linking -------------------------------------------------------------------------------------------


class ContentItem(DeepLinkResource):
    """A content item as it is sent: the library's own knows half the properties, and sends empty ones as null."""

    def __init__(self, properties: Mapping[str, Any]) -> None:
        self._properties = dict(properties)

    def to_dict(self) -> dict[str, Any]:
        return self._properties


class DeepLinkAnswer(DeepLink):
    """The answer to one deep linking request (Deep Linking 2.0 §4.5)."""

    def __init__(self, registration: Registration, deployment_id: str, *, data: str, message: str) -> None:
        super().__init__(KnownRegistration(registration), deployment_id, {"data": data})
        self._data, self._message = data, message

    def get_message_jwt(self, resources: Sequence[ContentItem]) -> dict[str, Any]:
        claims: dict[str, Any] = super().get_message_jwt(resources)
        now = int(time.time())
        claims |= {
            "aud": self._registration.get_issuer(),
            "iat": now - CLOCK_BEHIND_SECONDS,
            "exp": now + ANSWER_SECONDS,
            "nonce": secrets.token_urlsafe(16),
        }
        if platform_quirks.of(self._registration.row).answers_need_sub:
            claims["sub"] = claims["iss"]
        if not self._data:
            del claims[f"{DEEP_LINKING_CLAIM}data"]
        if self._message:
            claims |= {f"{DEEP_LINKING_CLAIM}{name}": self._message for name in ("msg", "log")}
        return claims


def deep_linking_answer(
    registration: Registration,
    *,
    deployment_id: str,
    items: Sequence[Mapping[str, Any]],
    data: str,
    message: str,
) -> str:
    """A signed deep linking response with these content items; `data` as the request brought it."""
    answer = DeepLinkAnswer(registration, deployment_id, data=data, message=message)
    signed: str = answer.get_response_jwt([ContentItem(item) for item in items])
    return signed


# --- service calls ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ServiceResponse:
    """A platform's answer: the status, lower-cased header names, the body's bytes, and the status line's words."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    # Moodle repeats there what it was sent.
    reason: str = field(default="", repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def retry_after(self) -> float | None:
        """Seconds that the platform asks us to wait (RFC 9110 §10.2.3), in either form; at most a day."""
        value = self.headers.get("retry-after", "").strip()
        if value.isdecimal() and len(value) < 9:
            return float(min(int(value), 86400))
        try:
            moment = parsedate_to_datetime(value)
        except (TypeError, ValueError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return min(max((moment - timezone.now()).total_seconds(), 0.0), 86400.0)

    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("nested too deeply") from None


class TokenRefused(Exception):
    """The platform gave no access token. `status` is its answer's, 0 when there was none; `error` its code."""

    def __init__(self, status: int, error: str = "") -> None:
        super().__init__(f"status {status} {error}".strip())
        self.status = status
        self.error = error

    @property
    def reason(self) -> str:
        """What it means, as a code whose words are in `troubles`."""
        if self.status in {400, 401, 403}:
            if self.error in {"invalid_client", "unauthorized_client"}:
                return "key_refused"
            if self.error == "invalid_scope":
                return "scope_refused"
        return "token_refused"


class Connector(ServiceConnector):
    """Service calls as one registration: shared tokens, any verb, one refresh on 401."""

    def __init__(self, registration: Registration) -> None:
        super().__init__(KnownRegistration(registration), http.session())
        self._row = registration

    def request(
        self,
        method: str,
        url: str,
        scopes: Sequence[str],
        *,
        data: str | None = None,
        content_type: str = "",
        accept: str = "",
        max_bytes: int = http.MAX_BYTES,
    ) -> ServiceResponse:
        """Call a service with a token for exactly these scopes. `max_bytes`: the longest answer that is read.

        Raises TokenRefused, or requests.RequestException when the platform cannot be reached.
        """
        response = self._send(method, url, scopes, data, content_type, accept, max_bytes)
        if response.status_code == 401:
            # Revoked before its time: forget it and ask once more.
            cache.delete(self._scope_key(scopes))
            response = self._send(method, url, scopes, data, content_type, accept, max_bytes)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return ServiceResponse(response.status_code, headers, response.content, response.reason or "")

    def _send(
        self,
        method: str,
        url: str,
        scopes: Sequence[str],
        data: str | None,
        content_type: str,
        accept: str,
        max_bytes: int,
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.get_access_token(scopes)}"}
        if content_type:
            headers["Content-Type"] = content_type
        headers["Accept"] = accept or "*/*"
        body = data.encode() if data is not None else None
        return http.session().request(method, url, data=body, headers=headers, max_bytes=max_bytes)

    def fresh_token(self, scopes: Sequence[str]) -> str:
        """A token that is asked for now, whatever is kept. Raises as `request` does."""
        cache.delete(self._scope_key(scopes))
        return self.get_access_token(scopes)

    def get_access_token(self, scopes: Sequence[str]) -> str:
        try:
            token = super().get_access_token(scopes)
        except LtiServiceException as error:
            # The library's message quotes the whole answer; the OAuth error code is all that may be kept.
            response = error.response
            raise TokenRefused(response.status_code, _oauth_error(response)) from None
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            raise TokenRefused(200, "unreadable") from None
        if not isinstance(token, str) or not token:
            raise TokenRefused(200, "unreadable")
        return token

    def encode_jwt(self, message: dict[str, Any], private_key: Any, headers: dict[str, str]) -> str:
        return jwt.encode(message, private_key, algorithm="RS256", headers=headers)

    def _scope_key(self, scopes: Any) -> str:
        # Short names keep the key within what every cache accepts.
        short = ",".join(sorted(scope.rsplit("/", 1)[-1] for scope in scopes))
        return f"lti-token:{self._row.pk}:{short}"

    def _get_cached_access_token(self, scope_key: str) -> str | None:
        kept: str | None = cache.get(scope_key)
        return kept

    def _cache_access_token(self, scope_key: str, access_token: str, expires_in: float) -> None:
        seconds = expires_in if isinstance(expires_in, int | float) else 0
        # A minute early, so that no token runs out on its way.
        if seconds > 60:
            cache.set(scope_key, access_token, min(seconds, 24 * 3600) - 60)


def _oauth_error(response: requests.Response) -> str:
    try:
        error = response.json().get("error", "")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return error[:60] if isinstance(error, str) and error.isprintable() else ""

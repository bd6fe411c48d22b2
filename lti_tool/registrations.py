"""Which VLEs we know: looked up at every login and launch, so kept in the process for a few seconds."""

import functools
import re
import time
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models.signals import post_delete, post_save
from django.urls import reverse

from lti_tool.models import Registration
from lti_tool.rejections import LaunchRejected

# A switched-off registration is refused everywhere within this time; in the process that did it, at once.
REREAD_SECONDS = 5
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")

_read_at = 0.0
_by_id: dict[int, Registration] = {}


def _registrations() -> dict[int, Registration]:
    global _read_at, _by_id
    if time.monotonic() - _read_at > REREAD_SECONDS:
        _by_id = {registration.pk: registration for registration in Registration.objects.all()}
        _read_at = time.monotonic()
    return _by_id


def forget(**kwargs: object) -> None:
    """Read anew at the next look-up."""
    global _read_at
    _read_at = float("-inf")


post_save.connect(forget, sender=Registration)
post_delete.connect(forget, sender=Registration)


def by_id(pk: int) -> Registration | None:
    return _registrations().get(pk)


def find(issuer: str, client_id: str) -> Registration:
    """The active registration a login or launch belongs to.

    A login may leave out `client_id` (it is optional there) as long as the issuer has one registration only.
    Raises LaunchRejected: registration_unknown, registration_ambiguous or registration_inactive.
    """
    of_issuer = [r for r in _registrations().values() if r.issuer == issuer]
    matching = [r for r in of_issuer if r.client_id == client_id] if client_id else of_issuer
    if not matching:
        raise LaunchRejected("registration_unknown")
    if len(matching) > 1:
        raise LaunchRejected("registration_ambiguous")
    if not matching[0].is_active:
        raise LaunchRejected("registration_inactive", registration=matching[0].pk)
    return matching[0]


def frame_hosts(registration: Registration) -> list[str]:
    """The origins that may show our pages in a frame: the VLE's own, and those an admin added."""
    return _origins(registration.issuer, registration.auth_url, *_added(registration))


def service_hosts(registration: Registration) -> list[str]:
    """The origins where the VLE's services may be: those of its registered endpoints, and those an admin added."""
    endpoints = (registration.issuer, registration.auth_url, registration.token_url, registration.jwks_url)
    return _origins(*endpoints, *_added(registration))


def _added(registration: Registration) -> list[str]:
    return [host if "//" in host else f"https://{host}" for host in registration.frame_hosts.split()]


def _wildcard(address: str) -> str:
    """`https://*.blackboard.com`: all of a hosted VLE's schools. Not all of a top-level domain."""
    scheme, _, domain = address.partition("://*.")
    named = origin(f"https://{domain}") if scheme == "https" and "." in domain else ""
    return named.replace("https://", "https://*.", 1)


def _origins(*urls: str) -> list[str]:
    return sorted({found for url in urls if (found := _wildcard(url) or origin(url))})


def origin(url: str) -> str:
    """Scheme and host of a web address; empty for anything else."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    # Anything else than a host and a port could write directives of its own into the page's policy.
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(parts.netloc):
        return ""
    return f"{parts.scheme}://{parts.netloc.lower()}"


@functools.cache
def tool_urls() -> dict[str, str]:
    """Our own addresses, as a VLE's admin pastes them."""
    return {
        "login_url": settings.PUBLIC_URL + reverse("lti:login"),
        "launch_url": settings.PUBLIC_URL + reverse("lti:launch"),
        "redirect_uri": settings.PUBLIC_URL + reverse("lti:launch"),
        "jwks_url": settings.PUBLIC_URL + reverse("lti:jwks"),
    }

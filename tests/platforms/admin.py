"""An admin who connects their VLE: pastes an invitation link into it, and reads what the tool says."""

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from lti_tool import invitations
from lti_tool.models import School
from tests.platforms.fake import FakePlatform
from tests.platforms.forms import read_forms
from tests.platforms.registration import ENDPOINT


def invite(**changes: Any) -> str:
    """An invitation's link."""
    said = {"name": "Riverside's VLE", "school": None, "expires_at": timezone.now() + timedelta(days=7)}
    return invitations.invite(**{**said, **changes})[1]


def open_page(address: str, method: str = "get", **form: str) -> HttpResponse:
    parts = urlsplit(address)
    client = Client(headers={"host": "tool.example"})
    return getattr(client, method)(f"{parts.path}?{parts.query}", form, secure=True)


def connect(platform: FakePlatform, link: str) -> HttpResponse:
    """Paste the link into the VLE, which opens it with what it adds."""
    return open_page(platform.begin_registration(link))


def connect_by_hand(platform: FakePlatform, link: str) -> HttpResponse:
    """Fill in the page behind the link with what the VLE shows of itself."""
    address = f"/lti/register/by-hand/{platform.profile.name}/?{urlsplit(link).query}"
    shown = {
        "issuer": platform.issuer,
        "client_id": platform.client_id,
        "deployment_id": platform.deployment_id,
        "auth_url": platform.auth_url,
        "token_url": platform.token_url,
        "jwks_url": platform.jwks_url,
        "pages": platform.url,
    }
    forms = read_forms(open_page(address).content.decode())
    (form,) = [form for form in forms if form.method == "post"]
    entered = {name: shown.get(name, values[0] if values else "") for name, values in form.fields.items()}
    return open_page(address, "post", **entered)


def set_up(platform: FakePlatform, *, school: School | None = None) -> HttpResponse:
    """All that an admin does before a course can use the tool, in the way that their VLE has for it."""
    link = invite(school=school)
    if platform.profile.registering is None:
        return connect_by_hand(platform, link)
    page = connect(platform, link)
    platform.activate()
    return page


def asked_of(platform: FakePlatform) -> dict[str, Any]:
    """The last registration that the VLE was asked for."""
    request = [r for r in platform.received if r.path == ENDPOINT][-1]
    document: dict[str, Any] = json.loads(request.body)
    return document


def heading(response: HttpResponse) -> str:
    found = re.search(r"<h1>(.*?)</h1>", response.content.decode(), re.S)
    return found[1] if found else ""


def frame_ancestors(response: HttpResponse) -> list[str]:
    policy = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
    return policy["frame-ancestors"].split()

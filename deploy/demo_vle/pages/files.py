"""Files that every page needs, and the key set that every tool needs."""

from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

ASSETS = Path(__file__).parent.parent / "assets"
ASSET_TYPES = {
    "vle.css": "text/css",
    "storage.js": "text/javascript",
    "auto_submit.js": "text/javascript",
    "badge.svg": "image/svg+xml",
}


@require_safe
def asset(request: HttpRequest, name: str) -> HttpResponse:
    if name not in ASSET_TYPES:
        raise Http404(name)
    content_type = f"{ASSET_TYPES[name]}; charset=utf-8"
    headers = {"Cache-Control": "no-cache"}
    return HttpResponse((ASSETS / name).read_bytes(), content_type=content_type, headers=headers)


@require_safe
def jwks(request: HttpRequest) -> HttpResponse:
    """RFC 7517, 5: the public half of the key that signs launches."""
    keys = {"keys": [settings.SIGNING_KEY.as_public_jwk()]}
    return JsonResponse(keys, headers={"Cache-Control": "public, max-age=300"})

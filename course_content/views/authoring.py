"""What authors look at: every variant of every pack on this server, and the shapes of a pack's files."""

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from course_content import content_schema, preview_pages, previews
from course_content.making import Form
from course_content.preview_pages import Page, Site
from course_content.previews import SECONDS, OpenPack
from course_content.variants import Variant
from lti_tool.doors import Door, door

Made = Callable[..., Page | None]


def for_operators(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Behind the admin site's sign-in."""
    entered: Callable[..., HttpResponse] = admin.site.admin_view(require_safe(view))
    return door(Door.OPERATOR)(entered)


def _page(make: Made) -> Callable[..., HttpResponse]:
    """A view of a page of one pack, which `make` is given as its files are now."""

    @wraps(make)
    def view(request: HttpRequest, pack: str, **named: Any) -> HttpResponse:
        opened = next((one for one in previews.open_packs() if one.key == pack), None)
        page = make(request, opened, timezone.localdate(), **named) if opened else None
        if page is None:
            raise Http404
        return HttpResponse(page.render(_site(pack)))

    return for_operators(view)


def _site(pack: str) -> Site:
    return Site(
        base=reverse("authoring:pack", args=[pack]) if pack else "",
        css=static("saferesponse.css"),
        icon=static("mark.svg"),
        index=reverse("authoring:index"),
        admin=reverse("admin:index"),
        help_now=reverse("help-now"),
    )


@for_operators
def index(request: HttpRequest) -> HttpResponse:
    """The packs of this server."""
    page = Page("", "index.html", {"packs": previews.open_packs(), "kinds": content_schema.KINDS})
    return HttpResponse(page.render(_site("")))


@_page
def pack(request: HttpRequest, opened: OpenPack, today: date) -> Page:
    return preview_pages.pack_page(opened, today, seconds=SECONDS)


@_page
def form(request: HttpRequest, opened: OpenPack, today: date, form: str) -> Page:
    return preview_pages.form_page(opened, _form(opened, form), today, seconds=SECONDS)


@_page
def variant(request: HttpRequest, opened: OpenPack, today: date, form: str, **who: str) -> Page:
    return preview_pages.variant_page(opened, *_variant(opened, form, **who), today)


@_page
def step(
    request: HttpRequest, opened: OpenPack, today: date, form: str, step: str, **who: str
) -> Page | None:
    return preview_pages.step_page(opened, *_variant(opened, form, **who), step, today)


@_page
def guidance(request: HttpRequest, opened: OpenPack, today: date, form: str, **who: str) -> Page | None:
    return preview_pages.guidance_page(opened, *_variant(opened, form, **who), today)


@_page
def differs(request: HttpRequest, opened: OpenPack, today: date, form: str, **who: str) -> Page:
    """`with` in the query names the other variant; without it, the form's usual one."""
    found, here = _variant(opened, form, **who)
    there = {str(one): one for one in found.variants}.get(request.GET.get("with", ""), found.usual)
    return preview_pages.differs_page(opened, found, here, there)


@door(Door.PUBLIC)
@require_safe
def schema(request: HttpRequest, kind: str) -> JsonResponse:
    """The shape of one kind of file, for an author's editor."""
    if kind not in content_schema.KINDS:
        raise Http404
    return JsonResponse(content_schema.schema_of(kind), content_type="application/schema+json")


def _form(opened: OpenPack, stem: str) -> Form:
    found = opened.form(stem)
    if found is None:
        raise Http404
    return found


def _variant(
    opened: OpenPack, stem: str, *, nation: str, audience: str, language: str
) -> tuple[Form, Variant]:
    found = _form(opened, stem)
    for one in found.variants:
        if (one.nation, one.audience, one.language) == (nation, audience, language):
            return found, one
    raise Http404

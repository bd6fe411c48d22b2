"""A lead's pages for their school's own details: to see, change and confirm them."""

import re

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from course_content import local_rules
from course_content.local_forms import LocalDetailsForm
from grading.access import led_place
from lti_tool import local_details
from lti_tool.doors import Door, door

SHOWN_CHANGES = 10
_VERSION = re.compile(r"[0-9]{1,9}")


@door(Door.SIGNED_IN)
@require_safe
def details(request: HttpRequest, link_pk: int) -> HttpResponse:
    """The details as staff read them, whether they are still right, and who wrote them."""
    link, _ = led_place(request, link_pk)
    return render(
        request,
        "course_content/local_details.html",
        {
            "link": link,
            "local": local_details.of_course(link.context_id, now=timezone.now()),
            "changes": local_details.changes_of(link.context_id)[:SHOWN_CHANGES],
            "said": request.GET.get("said", ""),
        },
    )


@door(Door.SIGNED_IN)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, link_pk: int) -> HttpResponse:
    """All details on one form. Whoever saves them has confirmed them."""
    link, lead = led_place(request, link_pk)
    local = local_details.of_course(link.context_id, now=timezone.now())
    form = LocalDetailsForm(request.POST or None, local=local)
    if form.is_valid():
        try:
            local_details.save(
                link.context_id, form.details, by=lead, seen=form.cleaned_data["seen"], now=timezone.now()
            )
        except local_details.ChangedMeanwhile:
            return _said(link_pk, "behind")
        return _said(link_pk, "saved")
    context = {
        "link": link,
        "local": local,
        "form": form,
        "trust_rules": local_rules.chosen(local.trust.rules),
    }
    return render(request, "course_content/local_details_form.html", context)


@door(Door.SIGNED_IN)
@require_POST
def confirm(request: HttpRequest, link_pk: int) -> HttpResponse:
    """A lead has looked at all of it: it is still right. A page that is behind confirms nothing."""
    link, lead = led_place(request, link_pk)
    seen = request.POST.get("seen", "")
    try:
        local_details.confirm(
            link.context_id, by=lead, seen=int(seen) if _VERSION.fullmatch(seen) else -1, now=timezone.now()
        )
    except local_details.ChangedMeanwhile:
        return _said(link_pk, "behind")
    return _said(link_pk, "confirmed")


def _said(link_pk: int, what: str) -> HttpResponse:
    return redirect(f"{reverse('learn:local', args=[link_pk])}?said={what}")

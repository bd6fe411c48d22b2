"""Coming in, and the module's own page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from course_content import arrivals, local
from course_content.access import taught_to
from course_content.forms import NameForm
from course_content.guidance import register_of
from course_content.refusals import explaining
from course_content.standing import standing_of
from grading import enrolments
from grading.access import enrolment_of, launch_of, led_place
from lti_tool.doors import Door, door


@door(Door.SIGNED_IN)
@require_GET
@explaining
def landing(request: HttpRequest, launch_pk: int) -> HttpResponse:
    """Where a verified launch arrives: leads go to their page, everybody else to the training."""
    return redirect(*arrivals.arrive(launch_of(request, launch_pk), now=timezone.now()))


@door(Door.SIGNED_IN)
@require_POST
@explaining
def take(request: HttpRequest, link_pk: int) -> HttpResponse:
    """A lead takes the training themselves."""
    link, user = led_place(request, link_pk)
    return redirect("learn:module", arrivals.take(link, user).pk)


@door(Door.SIGNED_IN)
@require_GET
@explaining
def module(request: HttpRequest, enrolment_pk: int) -> HttpResponse:
    """What this training is, how far one is, and the way on."""
    enrolment, taught = taught_to(request, enrolment_pk)
    return render(
        request,
        "course_content/module.html",
        {
            "enrolment": enrolment,
            "module": taught,
            "standing": standing_of(enrolment, taught),
            "local": local.of(enrolment),
            "overdue": taught.overdue_guidance(timezone.localdate()),
        },
    )


@door(Door.SIGNED_IN)
@require_GET
@explaining
def guidance(request: HttpRequest, enrolment_pk: int) -> HttpResponse:
    """What the training rests on: guidance in its edition, what has changed, and what is unchecked."""
    enrolment, taught = taught_to(request, enrolment_pk)
    context = {
        "enrolment": enrolment,
        "module": taught,
        "register": register_of(taught, timezone.localdate()),
    }
    return render(request, "course_content/guidance.html", context)


@door(Door.SIGNED_IN)
@require_GET
def leave(request: HttpRequest, enrolment_pk: int) -> HttpResponse:
    """Save and leave: back to the course, where the VLE said how; everything is saved already."""
    enrolment = enrolment_of(request, enrolment_pk)
    address = enrolments.way_back(enrolment)
    return (
        redirect(address)
        if address
        else render(request, "course_content/left.html", {"enrolment": enrolment})
    )


@door(Door.SIGNED_IN)
@require_http_methods(["GET", "POST"])
def name(request: HttpRequest, enrolment_pk: int) -> HttpResponse:
    """The name for the certificate: asked only where the VLE gives none."""
    enrolment = enrolment_of(request, enrolment_pk)
    user = enrolment.lti_user
    if user.name:
        return redirect("learn:quiz", enrolment_pk)
    posted = request.POST if request.method == "POST" else None
    form = NameForm(posted, initial={"name": user.person.certificate_name})
    if form.is_valid():
        enrolments.keep_certificate_name(user, name=form.cleaned_data["name"])
        begun = enrolment.attempts.filter(submitted_at=None).first()
        return redirect("learn:attempt", begun.pk) if begun else redirect("learn:quiz", enrolment_pk)
    return render(request, "course_content/name.html", {"enrolment": enrolment, "form": form})

"""Certificates: the holder's PDF, and the public page that says whether a number is good."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from grading import certificates
from grading.access import enrolment_of
from grading.throttle import verify_throttled
from lti_tool.doors import Door, door


@door(Door.SIGNED_IN)
@require_safe
def download(request: HttpRequest, enrolment_pk: int) -> HttpResponse:
    """The holder's certificate as a PDF.

    Links to it carry no `download` attribute: with one, Chromium leaves out the partitioned cookies of a page in
    a VLE's frame, and the holder would be a stranger here.
    """
    certificate = certificates.of_enrolment(enrolment_of(request, enrolment_pk))
    if certificate is None:
        raise Http404
    response = HttpResponse(certificates.pdf(certificate), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="certificate-{certificate.code}.pdf"'
    return response


@door(Door.PUBLIC)
@require_safe
def verify_form(request: HttpRequest) -> HttpResponse:
    """Type a number from a certificate."""
    code = certificates.normal_code(request.GET.get("code", ""))
    if code:
        return redirect("grading:verify", code)
    return render(request, "grading/verify_form.html")


@door(Door.PUBLIC)
@require_safe
def verify(request: HttpRequest, code: str) -> HttpResponse:
    """Whether a certificate is good: current, or due for renewal; and nothing that its holder does not show."""
    if verify_throttled(request):
        return render(request, "grading/verify_throttled.html", status=429)
    found = certificates.verification(code, today=timezone.localdate())
    return render(
        request,
        "grading/verify.html",
        {"found": found, "code": certificates.normal_code(code)},
        status=200 if found else 404,
    )

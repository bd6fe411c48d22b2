"""One change that somebody will make."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone, translation
from django.views.decorators.http import require_http_methods

from course_content import commitments
from course_content.access import step_of
from course_content.addresses import step_url
from course_content.refusals import explaining
from course_content.schema import Commitment
from course_content.step_forms import CommitmentForm
from course_content.views.steps import step_page
from lti_tool.doors import Door, door


@door(Door.SIGNED_IN)
@require_http_methods(["GET", "POST"])
@explaining
def commitment(request: HttpRequest, enrolment_pk: int, step: str) -> HttpResponse:
    """Choose it; once chosen, it is shown back and can be changed."""
    enrolment, module, asked = step_of(request, enrolment_pk, step, Commitment)
    form = CommitmentForm(request.POST if request.method == "POST" else None, commitment=asked)
    if form.is_valid():
        with translation.override(module.language):  # one sentence with the words that were chosen
            commitments.keep(enrolment, asked, **form.cleaned_data, now=timezone.now())
        return redirect(f"{step_url(enrolment, asked)}#kept")
    kept = commitments.kept(enrolment, module)
    asking = request.method == "POST" or "again" in request.GET or not kept
    more = {"form": form if asking else None, "kept": kept}
    return step_page(request, enrolment, module, asked, "course_content/commitment.html", more)

"""A risk assessment, walked through one question at a time."""

from functools import partial

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from course_content import assessments, local, walks
from course_content.access import step_of
from course_content.assessments import Assessment
from course_content.refusals import explaining
from course_content.schema import Module
from course_content.step_forms import ReasonsForm, TriggerForm
from course_content.views.steps import step_page
from grading.models import Enrolment
from lti_tool.doors import Door, door
from lti_tool.local_details import Local


@door(Door.SIGNED_IN)
@require_GET
@explaining
def assessment(request: HttpRequest, enrolment_pk: int, step: str) -> HttpResponse:
    """Where it stands: its note, the next question, the reasons, or the decision with all that led to it."""
    enrolment, module, assessed, school = _assessed_here(request, enrolment_pk, step)
    return _page(request, enrolment, module, assessed, school, walks.assessing_of(enrolment, assessed))


@door(Door.SIGNED_IN)
@require_http_methods(["GET", "POST"])
@explaining
def say(request: HttpRequest, enrolment_pk: int, step: str) -> HttpResponse:
    """One answer, or the reasons. A page that is behind changes nothing."""
    enrolment, module, assessed, school = _assessed_here(request, enrolment_pk, step)
    here = reverse("learn:assessment", args=[enrolment_pk, assessed.slug])
    if request.method == "GET":  # the address of a page that asked again, loaded anew
        return redirect(here)
    assessing = walks.assessing_of(enrolment, assessed)
    if assessing is None or request.POST.get("seen") != str(assessing.seen):
        return redirect(f"{here}?behind=1")
    form = _form(assessing, request.POST)
    if form is None:
        return redirect(here)
    if not form.is_valid():
        return _page(request, enrolment, module, assessed, school, assessing, form)
    if isinstance(form, TriggerForm):
        saying = partial(assessments.answer, words=form.cleaned_data["choice"])
    else:
        saying = partial(assessments.give_reasons, reason_ids=form.cleaned_data["reasons"])
    walks.say(enrolment, assessed, assessing, saying, now=timezone.now())
    return redirect(f"{here}#now")


def _assessed_here(
    request: HttpRequest, enrolment_pk: int, step: str
) -> tuple[Enrolment, Module, Assessment, Local]:
    """The assessment as it is asked in the person's school, and that school's details."""
    enrolment, module, written = step_of(request, enrolment_pk, step, Assessment)
    school = local.of(enrolment)
    return enrolment, module, local.tightened(written, school), school


def _form(assessing: walks.Assessing, data: QueryDict | None) -> TriggerForm | ReasonsForm | None:
    """What is asked now; None once it is decided."""
    standing = assessing.standing
    if standing.asked:
        return TriggerForm(data, trigger=standing.asked, seen=assessing.seen)
    if standing.reasons_asked:
        return ReasonsForm(data, reasons=standing.assessment.reasons, seen=assessing.seen)
    return None


def _page(
    request: HttpRequest,
    enrolment: Enrolment,
    module: Module,
    assessed: Assessment,
    school: Local,
    assessing: walks.Assessing | None,
    form: TriggerForm | ReasonsForm | None = None,
) -> HttpResponse:
    if assessing is not None and form is None:
        form = _form(assessing, None)
    more = {
        "assessing": assessing,
        "standing": assessing.standing if assessing else None,
        "form": form,
        "ours": assessments.our_decision(assessed),
        "behind": "behind" in request.GET,
        "local": school,
    }
    return step_page(request, enrolment, module, assessed, "course_content/assessment.html", more)

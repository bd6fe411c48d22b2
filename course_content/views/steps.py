"""Lessons and scenarios, and what all steps share."""

from collections.abc import Mapping

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from course_content import exercises, local, walks
from course_content.access import step_of, walked_of
from course_content.addresses import onwards_url, step_url
from course_content.answer_forms import AnswerForm
from course_content.forms import ChoiceForm
from course_content.journey import grounds
from course_content.refusals import explaining
from course_content.schema import Lesson, Module, Scenario, Step
from course_content.standing import journey_of
from grading import enrolments
from grading.models import Enrolment
from lti_tool.doors import Door, door


def onwards(enrolment: Enrolment, module: Module, slug: str) -> HttpResponse:
    return redirect(onwards_url(enrolment, journey_of(enrolment, module).after(slug)))


@door(Door.SIGNED_IN)
@require_GET
@explaining
def lesson(request: HttpRequest, enrolment_pk: int, step: str) -> HttpResponse:
    """One lesson."""
    enrolment, module, taught = step_of(request, enrolment_pk, step, Lesson)
    enrolments.begin_step(enrolment, taught.slug, now=timezone.now())
    return _lesson_page(request, enrolment, module, taught)


@door(Door.SIGNED_IN)
@require_http_methods(["GET", "POST"])
@explaining
def exercise(request: HttpRequest, enrolment_pk: int, step: str, exercise: str) -> HttpResponse:
    """An answer to an exercise of a lesson. It is kept, and the lesson then says why it is right or not."""
    enrolment, module, taught = step_of(request, enrolment_pk, step, Lesson)
    asked = taught.exercise(exercise)
    if asked is None:
        raise Http404
    here = f"{reverse('learn:lesson', args=[enrolment_pk, taught.slug])}#exercise-{asked.id}"
    if request.method == "GET":  # the address of a page that asked again, loaded anew
        return redirect(here)
    form = exercises.form_of(enrolment, taught, asked, request.POST)
    if not form.is_valid():
        return _lesson_page(request, enrolment, module, taught, form)
    answer = form.cleaned_data["value"]
    enrolments.keep_answer(enrolment, taught.slug, exercise=asked.id, answer=answer, now=timezone.now())
    return redirect(here)


@door(Door.SIGNED_IN)
@require_POST
@explaining
def lesson_done(request: HttpRequest, enrolment_pk: int, step: str) -> HttpResponse:
    """A lesson was read."""
    enrolment, module, taught = step_of(request, enrolment_pk, step, Lesson)
    enrolments.finish_step(enrolment, taught.slug, now=timezone.now())
    return onwards(enrolment, module, taught.slug)


@door(Door.SIGNED_IN)
@require_GET
@explaining
def scenario(request: HttpRequest, enrolment_pk: int, step: str) -> HttpResponse:
    """One scenario, where the walk through it stands; its content note before it is begun."""
    enrolment, module, told = step_of(request, enrolment_pk, step, Scenario)
    return _scenario_page(request, enrolment, module, told, walks.walk_of(enrolment, told))


@door(Door.SIGNED_IN)
@require_http_methods(["GET", "POST"])
@explaining
def scenario_decide(request: HttpRequest, enrolment_pk: int, step: str) -> HttpResponse:
    """One choice. A page that is behind changes nothing; the answer shows where the walk really is."""
    enrolment, module, told = step_of(request, enrolment_pk, step, Scenario)
    here = reverse("learn:scenario", args=[enrolment_pk, told.slug])
    if request.method == "GET":  # the address of a page that asked again, loaded anew
        return redirect(here)
    walk = walks.walk_of(enrolment, told)
    if walk is None or request.POST.get("seen") != str(walk.seen):
        return redirect(f"{here}?behind=1")
    form = _choice_form(request.POST, walk)
    if not form.is_valid():
        return _scenario_page(request, enrolment, module, told, walk, form)
    walks.decide(enrolment, told, walk, form.cleaned_data["choice"], now=timezone.now())
    return redirect(f"{here}#what-happened")


@door(Door.SIGNED_IN)
@require_POST
@explaining
def begin(request: HttpRequest, enrolment_pk: int, step: str) -> HttpResponse:
    """The content note was read, and the person goes on."""
    enrolment, _, walked = walked_of(request, enrolment_pk, step)
    enrolments.begin_step(enrolment, walked.slug, now=timezone.now())
    return redirect(step_url(enrolment, walked))


@door(Door.SIGNED_IN)
@require_POST
@explaining
def skip(request: HttpRequest, enrolment_pk: int, step: str) -> HttpResponse:
    """Skip a step that offers it, without any disadvantage."""
    enrolment, module, left = walked_of(request, enrolment_pk, step)
    if left.skippable:
        enrolments.finish_step(enrolment, left.slug, now=timezone.now(), skipped=True)
    return onwards(enrolment, module, left.slug)


@door(Door.SIGNED_IN)
@require_POST
@explaining
def again(request: HttpRequest, enrolment_pk: int, step: str) -> HttpResponse:
    """Walk through a step again."""
    enrolment, _, walked = walked_of(request, enrolment_pk, step)
    enrolments.walk_again(enrolment, walked.slug, now=timezone.now())
    return redirect(step_url(enrolment, walked))


def _lesson_page(
    request: HttpRequest,
    enrolment: Enrolment,
    module: Module,
    taught: Lesson,
    wrong: AnswerForm | None = None,
) -> HttpResponse:
    again = request.GET.get("again", "")
    pieces = exercises.pieces_of(enrolment, module, taught, again=again, wrong=wrong)
    more = {"pieces": pieces, "problems": wrong.problems if wrong else []}
    return step_page(request, enrolment, module, taught, "course_content/lesson.html", more)


def _choice_form(data: QueryDict | None, walk: walks.Walk) -> ChoiceForm:
    return ChoiceForm(data, choices=[(c.id, c.text) for c in walk.offered], seen=walk.seen)


def _scenario_page(
    request: HttpRequest,
    enrolment: Enrolment,
    module: Module,
    told: Scenario,
    walk: walks.Walk | None,
    form: ChoiceForm | None = None,
) -> HttpResponse:
    if walk is not None and form is None:
        form = _choice_form(None, walk)
    more = {"walk": walk, "form": form, "behind": "behind" in request.GET}
    return step_page(request, enrolment, module, told, "course_content/scenario.html", more)


def step_page(
    request: HttpRequest,
    enrolment: Enrolment,
    module: Module,
    step: Step,
    template: str,
    more: Mapping[str, object] | None = None,
) -> HttpResponse:
    way = journey_of(enrolment, module)
    context = {
        "enrolment": enrolment,
        "module": module,
        "step": step,
        "stop": way.stop(step.slug),
        "journey": way,
        "onwards_url": onwards_url(enrolment, way.after(step.slug)),
        "grounds": grounds(module, step),
        **(more or {}),
    }
    if "local" not in context:
        context["local"] = local.of(enrolment)
    return render(request, template, context)

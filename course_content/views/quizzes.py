"""The quiz: before it, its questions one by one, the check of all answers, the result."""

from functools import partial

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from course_content import catalogue, marking
from course_content.access import quiz_of
from course_content.addresses import question_url
from course_content.answer_forms import AnswerForm
from course_content.refusals import explaining
from course_content.reviews import answered
from course_content.standing import journey_of, outcome_of, standing_of
from grading import attempts
from grading.access import attempt_of
from grading.deliveries import delivery_of
from lti_tool.doors import Door, door


@door(Door.SIGNED_IN)
@require_GET
@explaining
def quiz(request: HttpRequest, enrolment_pk: int) -> HttpResponse:
    """What the quiz asks, before it begins."""
    enrolment, module, asked = quiz_of(request, enrolment_pk)
    return render(
        request,
        "course_content/quiz.html",
        {
            "enrolment": enrolment,
            "module": module,
            "quiz": asked,
            "standing": standing_of(enrolment, module),
        },
    )


@door(Door.SIGNED_IN)
@require_POST
@explaining
def start(request: HttpRequest, enrolment_pk: int) -> HttpResponse:
    """Begin an attempt, or go on with the open one. What stands in the way, the quiz's own page tells."""
    enrolment, module, _ = quiz_of(request, enrolment_pk)
    if not journey_of(enrolment, module).quiz_open:
        return redirect("learn:quiz", enrolment_pk)
    if not enrolment.lti_user.certificate_name:
        return redirect("learn:name", enrolment_pk)
    draw = partial(marking.draw_paper, module)
    try:
        begun = attempts.start(enrolment, draw=draw, module=catalogue.summary(module), now=timezone.now())
    except attempts.NoAttemptsLeft:
        return redirect("learn:quiz", enrolment_pk)
    return redirect("learn:attempt", begun.pk)


@door(Door.SIGNED_IN)
@require_GET
def attempt(request: HttpRequest, attempt_pk: int) -> HttpResponse:
    """On with an attempt: to its first question without an answer, or to the check."""
    opened = attempt_of(request, attempt_pk)
    saved = attempts.saved_answers(opened)
    numbers = (n for n, put in enumerate(opened.paper.questions, 1) if put.id not in saved)
    return redirect(question_url(opened, next(numbers, len(opened.paper.questions) + 1)))


@door(Door.SIGNED_IN)
@require_http_methods(["GET", "POST"])
def question(request: HttpRequest, attempt_pk: int, number: int) -> HttpResponse:
    """One question."""
    opened = attempt_of(request, attempt_pk)
    if not opened.is_open:
        return redirect("learn:result", attempt_pk)
    paper = opened.paper
    if not 1 <= number <= len(paper.questions):
        raise Http404
    put = marking.read_question(paper.questions[number - 1])
    posted = request.POST if request.method == "POST" else None
    form = AnswerForm(posted, question=put, saved=attempts.saved_answers(opened).get(put.id, []))
    checking = "check" in request.GET
    if form.is_valid():
        attempts.save(opened, put.id, form.cleaned_data["value"], now=timezone.now())
        return redirect(question_url(opened, len(paper.questions) + 1 if checking else number + 1))
    context = {"attempt": opened, "question": put, "number": number, "total": len(paper.questions)}
    more = {"next_url": question_url(opened, number + 1), "checking": checking, "form": form}
    return render(request, "course_content/question.html", context | more)


@door(Door.SIGNED_IN)
@require_GET
def check(request: HttpRequest, attempt_pk: int) -> HttpResponse:
    """Every answer at a glance, before they are submitted."""
    opened = attempt_of(request, attempt_pk)
    if not opened.is_open:
        return redirect("learn:result", attempt_pk)
    questions = answered(opened.paper, attempts.saved_answers(opened))
    missing = [one for one in questions if not one.chosen]
    return render(
        request,
        "course_content/check.html",
        {"attempt": opened, "questions": questions, "missing": missing},
    )


@door(Door.SIGNED_IN)
@require_POST
def submit(request: HttpRequest, attempt_pk: int) -> HttpResponse:
    """Submit all answers. A second time changes nothing."""
    opened = attempt_of(request, attempt_pk)
    try:
        attempts.submit(opened, mark=marking.mark_paper, now=timezone.now())
    except attempts.NameMissing:
        return redirect("learn:name", opened.enrolment_id)
    return redirect("learn:result", attempt_pk)


@door(Door.SIGNED_IN)
@require_GET
def result(request: HttpRequest, attempt_pk: int) -> HttpResponse:
    """How it went, and where the grade is."""
    marked = attempt_of(request, attempt_pk)
    if marked.is_open:
        return redirect("learn:attempt", attempt_pk)
    return render(
        request,
        "course_content/result.html",
        {"attempt": marked, "enrolment": marked.enrolment, "outcome": outcome_of(marked)},
    )


@door(Door.SIGNED_IN)
@require_GET
def delivery(request: HttpRequest, attempt_pk: int) -> HttpResponse:
    """The one line of the result's page that changes by itself."""
    marked = attempt_of(request, attempt_pk)
    return render(
        request,
        "course_content/_delivery.html",
        {"delivery": delivery_of(marked.enrolment), "attempt": marked},
    )

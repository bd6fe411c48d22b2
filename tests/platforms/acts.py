"""What people do with the tool once it is connected: an author chooses, a learner answers, a worker delivers."""

from functools import partial
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from course_content import catalogue, marking
from grading import attempts, outbox
from grading.models import Attempt, Enrolment
from lti_tool import rosters
from tests.platforms.browser import Visitor
from tests.platforms.deep_linking import Chosen
from tests.platforms.fake import FakePlatform
from tests.platforms.forms import form_of
from tests.platforms.people import TEACHER
from tests.platforms.terms import DEEP_LINKING


def author_at(vle: FakePlatform) -> Visitor:
    return Visitor(vle, person=TEACHER)


def choose(author: Visitor, *modules: str, course: str = "course-1", **settings: str) -> Chosen:
    """Choose modules for a course, by the picker's pages. `settings` are those of every module chosen.

    Where the VLE takes one at a time it is done as often as it takes.
    """
    rounds = [modules] if _takes_several(author.platform) else [(module,) for module in modules]
    chosen = [author.give_back(answer_of(author, *some, course=course, **settings)) for some in rounds]
    return Chosen(
        links=tuple(link for part in chosen for link in part.links),
        lost=tuple(lost for part in chosen for lost in part.lost),
        message=chosen[-1].message,
    )


def _takes_several(vle: FakePlatform) -> bool:
    said = vle.deep_linking_settings.get("accept_multiple", vle.profile.deep_linking.accept_multiple)
    return bool(said)


def answer_of(author: Visitor, *modules: str, course: str = "course-1", **settings: str) -> HttpResponse:
    """The page that takes the choice back to the VLE."""
    shelf = author.open(message=DEEP_LINKING, course=course)
    assert shelf.status_code == 200, shelf.content
    return fill_in(author.client, shelf, *modules, **settings)


def fill_in(browser: Client, shelf: HttpResponse, *modules: str, **settings: str) -> HttpResponse:
    """From the picker's first page to the one that takes the choice back."""
    step = browser.get(form_of(shelf, "choice").actions["Next: settings"], {"module": modules}, secure=True)
    form = form_of(step, "settings")
    sent: dict[str, Any] = {name: values for name, values in form.fields.items() if values}
    for module in modules:
        sent |= {f"{module}-{name}": value for name, value in settings.items()}
    answer = browser.post(step.wsgi_request.get_full_path(), sent, secure=True)
    assert answer.status_code == 200, answer.content
    return answer


def take_quiz(enrolment: Enrolment, *, unanswered: int = 0) -> Attempt:
    """One go at the quiz of the enrolment's module: everything right, but for so many questions left out."""
    module = catalogue.get_module(enrolment.activity.module)
    draw = partial(marking.draw_paper, module)
    attempt = attempts.start(enrolment, draw=draw, module=catalogue.summary(module), now=timezone.now())
    for put in attempt.paper.questions[unanswered:]:
        right = marking.read_question(put).answer
        attempts.save(attempt, put.id, list(right), now=timezone.now())
    return attempts.submit(attempt, mark=marking.mark_paper, now=timezone.now())


def deliver() -> None:
    """What the worker does with grades that are due."""
    outbox.drain()


def read_rosters() -> None:
    """What the worker does after a lead's launch."""
    rosters.drain()

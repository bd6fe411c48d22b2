"""The half-day course in a real Chromium: by keyboard from its beginning to the certificate, and all it shows."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from course_content import catalogue, marking, scenarios
from course_content.assessments import Assessment
from course_content.questions import AnyExercise, Unmarked
from course_content.schema import Commitment, Module, Quiz, Scenario
from grading import attempts, enrolments
from grading.models import Attempt, Enrolment
from lti_tool.models import Membership
from tests.journeys.learning import DESKTOP, PHONE, Learner, enrolled, kept_answer, learner

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MOST_BYTES = 150_000


@pytest.fixture(autouse=True)
def _asks_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    # The browser library runs an event loop in this thread, while the test asks the database.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def test_all_of_it_by_keyboard_alone(live_server: Any) -> None:
    """Every lesson, exercise, story and case, the commitment and the questions, to the certificate."""
    enrolment = enrolled("half-day")
    module = catalogue.taught_by(enrolment.activity)
    with learner(live_server, enrolment) as alice:
        alice.open("learn:module", enrolment.pk)
        alice.link("Begin")
        for step in module.steps:
            if not isinstance(step, Quiz):
                alice.take(step)
        alice.take_the_quiz(enrolment)
        assert alice.heading() == "You have passed"
        assert "100%" in alice.page.locator(".score").inner_text()
        alice.tab_to(alice.page.get_by_role("link", name="Download your certificate"))
        with alice.page.expect_download() as got:
            alice.page.keyboard.press("Enter")
        assert got.value.path().read_bytes()[:5] == b"%PDF-"
        alice.open("learn:module", enrolment.pk)
        assert alice.page.locator(".stop.done").count() == len(module.steps)


def test_a_story_begun_on_a_phone_goes_on_at_a_desk(live_server: Any) -> None:
    """The same place, the same facts, and the same way behind."""
    enrolment = enrolled("half-day")
    story = catalogue.taught_by(enrolment.activity).scenarios[0]
    half = len(story.recommended) // 2
    with learner(live_server, enrolment, viewport=PHONE, is_mobile=True, has_touch=True) as alice:
        alice.open("learn:scenario", enrolment.pk, story.slug)
        alice.walk(story, *story.recommended[:half])
        left = _where(alice)
        assert left["facts"]
    with learner(live_server, enrolment) as alice:
        alice.open("learn:scenario", enrolment.pk, story.slug)
        assert _where(alice) == left
        for choice in story.recommended[half:]:
            alice.decide(choice)
        assert alice.page.locator(".path li").count() == len(story.recommended)
        assert "You took the way we recommend" in alice.page.locator("main").inner_text()


def _where(alice: Learner) -> dict[str, list[str]]:
    """Where somebody stands in a story: what is told, what is known, what may be chosen."""
    parts = {"story": ".story", "facts": ".sheet li", "choices": ".choice"}
    return {name: alice.page.locator(part).all_text_contents() for name, part in parts.items()}


# --- every kind of page -----------------------------------------------------------------------------------


@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_and_everything_fits(live_server: Any, screen: dict[str, int]) -> None:
    enrolment = enrolled("half-day")
    with learner(live_server, enrolment, viewport=screen) as alice:
        for kind in _every_kind_of_page(alice, enrolment):
            alice.look(kind)
        for step in catalogue.taught_by(enrolment.activity).steps:
            if not isinstance(step, Quiz):
                alice.open(f"learn:{step.kind}", enrolment.pk, step.slug)
                alice.fits(step.slug)
        assert alice.problems == []


def test_no_page_is_heavy(live_server: Any) -> None:
    """Many read this on a phone, on the school's worst connection."""
    enrolment = enrolled("half-day")
    with learner(live_server, enrolment, viewport=PHONE) as alice:
        alice.weigh()
        weights: dict[str, int] = {}
        for kind in _every_kind_of_page(alice, enrolment):
            weights[kind] = alice.weight
    assert {kind: weight for kind, weight in weights.items() if weight >= MOST_BYTES} == {}
    assert min(weights.values()) > 5_000  # the stylesheet has been counted


def test_axe_finds_nothing_in_the_preview_and_it_fits(
    live_server: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What authors look at, as an operator who is signed in; at a desk, and no wider than a phone."""
    monkeypatch.setattr(
        "course_content.views.authoring.SECONDS", 0
    )  # to make every variant is another test's
    client.force_login(User.objects.create_user("alice", is_staff=True))
    enrolment = enrolled("half-day")
    with learner(live_server, enrolment) as alice:
        name = settings.SESSION_COOKIE_NAME
        alice.page.context.add_cookies(
            [{"name": name, "value": client.cookies[name].value, "url": live_server.url}]
        )
        for kind in _every_kind_of_preview(alice, catalogue.taught_by(enrolment.activity)):
            alice.look(kind)
            alice.page.set_viewport_size(PHONE)
            alice.fits(f"{kind} on a phone")
            alice.page.set_viewport_size(DESKTOP)
        assert alice.problems == []


def _every_kind_of_preview(alice: Learner, module: Module) -> Iterator[str]:
    here = ("responding", module.slug, module.nation, module.audience, module.language)
    for name, named in (("index", ()), ("pack", here[:1]), ("form", here[:2]), ("variant", here)):
        alice.open(f"authoring:{name}", *named)
        yield f"preview-{name}"
    alice.open("authoring:guidance", *here)
    yield "preview-guidance"
    alice.page.goto(f"{alice.site}{reverse('authoring:differs', args=here)}?with=scotland,+school")
    yield "preview-differs"
    seen: set[str] = set()
    for step in module.steps:
        if step.kind not in seen:
            seen.add(step.kind)
            alice.open("authoring:step", *here, step.slug)
            assert step.title in alice.page.locator("main").inner_text()
            yield f"preview-{step.kind}"


def _every_kind_of_page(alice: Learner, enrolment: Enrolment) -> Iterator[str]:
    """Open each kind of page of the course and say which it is. What leads there is put on record, not clicked."""
    module = catalogue.taught_by(enrolment.activity)
    alice.open("learn:module", enrolment.pk)
    yield "module"
    for name in ("learn:guidance", "learn:leave"):
        alice.open(name, enrolment.pk)
        yield name.removeprefix("learn:")
    yield from _lessons(alice, enrolment, module)
    yield from _stories(alice, enrolment, module)
    yield from _cases(alice, enrolment, module)
    yield from _commitment(alice, enrolment, module)
    yield from _questions(alice, enrolment, module)
    alice.open("learn:module", enrolment.pk)
    yield "module-passed"
    alice.page.get_by_role("link", name="Dealing with a real incident now?").click()
    alice.page.wait_for_load_state()
    yield "help-now"
    Membership.objects.update(is_lead=True)
    for name in ("learn:local", "learn:local-edit", "grading:lead"):
        alice.open(name, enrolment.resource_link_id)
        yield name.partition(":")[2]


def _lessons(alice: Learner, enrolment: Enrolment, module: Module) -> Iterator[str]:
    """As few lessons as show each kind of exercise, asked and answered; a break; what is asked again."""
    seen: set[tuple[str, bool]] = set()
    for lesson in module.lessons:
        kinds = {(asked.kind, _moves(asked)) for asked in lesson.exercises}
        if kinds <= seen and not lesson.rest and not lesson.recall:
            continue
        name = f"lesson-{lesson.slug}"
        alice.open("learn:lesson", enrolment.pk, lesson.slug)
        yield name
        if kinds and not seen:
            alice.page.locator(".exercise button").first.click()
            alice.page.wait_for_selector(".problems")
            yield f"{name}-wrong"
        seen |= kinds
        put = [a for _, a in lesson.pieces if a] or list(lesson.recalled)
        for number, asked in enumerate(put):
            answer = kept_answer(asked, right=number % 2 == 1)
            enrolments.keep_answer(
                enrolment, lesson.slug, exercise=asked.id, answer=answer, now=timezone.now()
            )
        if put:
            alice.open("learn:lesson", enrolment.pk, lesson.slug)
            yield f"{name}-answered"
    assert {kind for kind, _ in seen} >= {
        "single",
        "multiple",
        "sorting",
        "matching",
        "position",
        "confidence",
    }


def _moves(asked: AnyExercise) -> bool:
    return isinstance(asked, Unmarked) and asked.before is not None


def _stories(alice: Learner, enrolment: Enrolment, module: Module) -> Iterator[str]:
    """A story's note, its beginning, a moment in it; an ending that went well, and one with much to say."""
    first, second = module.scenarios[:2]
    alice.open("learn:scenario", enrolment.pk, first.slug)
    yield "story-note"
    enrolments.begin_step(enrolment, first.slug, now=timezone.now())
    alice.page.reload()
    yield "story-start"
    alice.page.get_by_role("button", name="Decide").click()
    alice.page.wait_for_selector(".problems")
    yield "story-wrong"
    for story, way, name in (
        (first, first.recommended[:4], "story-moment"),
        (first, first.recommended, "story-ending"),
        (second, _astray(second), "story-ending-astray"),
    ):
        seen = enrolment.progress.filter(step=story.slug).values_list("choices", flat=True).first() or ()
        enrolments.keep_choices(
            enrolment,
            story.slug,
            seen=len(seen),
            choices=way,
            done=scenarios.position(story, way).ended,
            now=timezone.now(),
        )
        alice.open("learn:scenario", enrolment.pk, story.slug)
        yield name


def _astray(story: Scenario) -> tuple[str, ...]:
    """A way through a story that leaves its debrief as much to say as some tries find."""
    chance = random.Random(1)

    def stroll() -> scenarios.Position:
        here = scenarios.position(story)
        while not here.ended:
            here = scenarios.take(story, here.choices, chance.choice(here.offered).id)
        return here

    found = max((stroll() for _ in range(40)), key=lambda here: len(here.findings))
    assert found.findings
    return found.choices


def _cases(alice: Learner, enrolment: Enrolment, module: Module) -> Iterator[str]:
    """A risk assessment at each of its stages, and each decision that the course's cases come to."""
    cases = [step for step in module.steps if isinstance(step, Assessment)]
    alice.open("learn:assessment", enrolment.pk, cases[0].slug)
    yield "case-note"
    for case in cases:
        told = [trigger for trigger in case.triggers if trigger.local is None]
        said = [f"{t.id}:{'not-known' if t.finding_out else t.answer}" for t in told]
        again = [f"{t.id}:{t.answer}" for t in told if t.finding_out]
        stages = {"question": said[:1], "asked-again": said, "all-answered": [*said, *again]}
        if all(trigger.answer == "no" for trigger in told):
            for holds, name in ((False, "poor-reasons"), (True, "in-school")):
                reasons = ",".join(reason.id for reason in case.reasons if reason.holds is holds)
                stages[name] = [*said, *again, f"because:{reasons}"]
        # Too cautious, or not enough: what the page says of it.
        stages["other-decision"] = [f"{t.id}:{'no' if t.answer == 'yes' else 'yes'}" for t in told]
        for name, words in stages.items():
            row = enrolments.begin_step(enrolment, case.slug, now=timezone.now())
            row.choices = words
            row.save()
            alice.open("learn:assessment", enrolment.pk, case.slug)
            yield f"case-{case.slug}-{name}"


def _commitment(alice: Learner, enrolment: Enrolment, module: Module) -> Iterator[str]:
    asked = next(step for step in module.steps if isinstance(step, Commitment))
    alice.open("learn:commitment", enrolment.pk, asked.slug)
    yield "commitment"
    alice.commit(asked)
    yield "commitment-kept"


def _questions(alice: Learner, enrolment: Enrolment, module: Module) -> Iterator[str]:
    """Before they open, each kind in a paper, the check, a result that is no pass and one that is."""
    alice.open("learn:quiz", enrolment.pk)
    yield "quiz-closed"
    for step in module.steps:
        enrolments.finish_step(enrolment, step.slug, now=timezone.now())
    alice.open("learn:quiz", enrolment.pk)
    yield "quiz"
    for right in (False, True):
        attempt = attempts.start(
            enrolment,
            draw=lambda: marking.draw_paper(module),
            module=catalogue.summary(module),
            now=timezone.now(),
        )
        if right:
            yield from _paper(alice, attempt)
        else:
            alice.open("learn:check", attempt.pk)
            yield "check-nothing-answered"
        attempts.submit(attempt, mark=marking.mark_paper, now=timezone.now())
        alice.open("learn:result", attempt.pk)
        yield "result-passed" if right else "result-not-passed"


def _paper(alice: Learner, attempt: Attempt) -> Iterator[str]:
    seen: set[str] = set()
    for number, put in enumerate(attempt.paper.questions, 1):
        question = marking.read_question(put)
        if question.kind not in seen:
            seen.add(question.kind)
            alice.open("learn:question", attempt.pk, number)
            yield f"question-{question.kind}"
        attempts.save(attempt, put.id, list(question.answer), now=timezone.now())
    alice.open("learn:check", attempt.pk)
    yield "check"

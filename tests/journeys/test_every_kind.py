"""Every kind of exercise and step, by keyboard alone, and again with JavaScript off."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from course_content import catalogue
from grading.models import Enrolment
from tests import factories
from tests.course_content import every_kind
from tests.course_content.every_kind import QUIZ, RIGHT
from tests.journeys.learning import DESKTOP, PHONE, Learner, learner

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _taught(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # The browser library runs an event loop in this thread, while the test asks the database.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    monkeypatch.setattr(catalogue, "BUILT_IN", every_kind.FOLDER)
    catalogue.reload()
    yield
    catalogue.reload()


@pytest.fixture
def enrolment() -> Enrolment:
    link = factories.make_link()
    activity = factories.make_activity(link, module="every-kind", title="Every kind of exercise")
    return factories.make_enrolment(activity, factories.make_member(link.context, "Alice"))


def field(card: Locator, exercise: str, name: str, value: str) -> Locator:
    return card.locator(f"[name='{exercise}-{name}'][value='{value}']")


def answer_exercises(alice: Learner, *, scripted: bool) -> None:
    for exercise, given in RIGHT.items():
        card = alice.page.locator(f"#exercise-{exercise}")
        for name, value in given.items():
            if exercise == "sure-before" and scripted:
                slider = card.get_by_role("slider")
                alice.tab_to(slider)
                alice.page.keyboard.press("Home")
                alice.page.keyboard.press("ArrowRight")
                assert slider.get_attribute("aria-valuetext") == "A little sure"
                continue
            chooser = card.locator(f"select[name='{exercise}-{name}']")
            if chooser.count():
                label = chooser.locator(f"option[value='{value}']").inner_text()
                alice.pick(chooser, label)
                continue
            for one in [value] if isinstance(value, str) else value:
                alice.choose(field(card, exercise, name, one))
        alice.press(card.get_by_role("button"))
        card = alice.page.locator(f"#exercise-{exercise}")
        if exercise == "sure-before":
            expect(card).to_contain_text("You said: A little sure")
        else:
            expect(card.locator(".tag.good")).to_have_text("Right")


def through_all_of_it(alice: Learner, enrolment: Enrolment, *, scripted: bool) -> None:
    page = alice.page
    alice.open("learn:module", enrolment.pk)
    alice.press(page.get_by_role("link", name="Begin"))
    answer_exercises(alice, scripted=scripted)
    alice.press(page.get_by_role("button", name="Done – continue"))
    walk(alice, "ask-age", "ask-threat", "wait", "go-on", "in-school")
    assert "A threat means that you refer." in page.locator("main").inner_text()
    alice.press(page.get_by_role("link", name="Continue"))
    assess(alice, "no", "not-known", "no", "no")
    give_reasons(alice, "contained", "both-fine")
    assert "It may be handled here, without a referral" in page.locator("main").inner_text()
    alice.press(page.get_by_role("link", name="Continue"))
    alice.press(page.get_by_role("button", name="Done – continue"))
    take_the_quiz(alice)
    alice.open("learn:commitment", enrolment.pk, "my-change")
    commit(alice)
    alice.press(page.get_by_role("link", name="All steps"))
    said = page.locator("main").inner_text()
    assert "I will listen before I ask, by the end of this week." in said
    assert "You have passed" in said


def walk(alice: Learner, *choices: str) -> None:
    page = alice.page
    alice.press(page.get_by_role("button", name="Begin the story"))
    for choice in choices:
        alice.choose(page.locator(f"[name='choice'][value='{choice}']"))
        alice.press(page.get_by_role("button", name="Decide"))


def test_by_keyboard_alone(live_server: Any, enrolment: Enrolment) -> None:
    with learner(live_server, enrolment) as alice:
        through_all_of_it(alice, enrolment, scripted=True)


def test_with_javascript_off(live_server: Any, enrolment: Enrolment) -> None:
    with learner(live_server, enrolment, viewport=PHONE, java_script_enabled=False) as alice:
        through_all_of_it(alice, enrolment, scripted=False)


def assess(alice: Learner, *answers: str) -> None:
    alice.press(alice.page.get_by_role("button", name="Begin"))
    for words in answers:
        alice.choose(alice.page.locator(f"[name='choice'][value='{words}']"))
        alice.press(alice.page.get_by_role("button", name="Save and continue"))


def give_reasons(alice: Learner, *reasons: str) -> None:
    for reason in reasons:
        alice.choose(alice.page.locator(f"[name='reasons'][value='{reason}']"))
    alice.press(alice.page.get_by_role("button", name="Decide"))


def take_the_quiz(alice: Learner) -> None:
    """Sort, match, spot and reason rightly."""
    page = alice.page
    alice.press(page.get_by_role("button", name="Start the questions"))
    while alice.heading() != "Check your answers":
        kind = (page.locator("fieldset.question").get_attribute("class") or "").split()[1]
        for name, value in QUIZ[kind].items():
            chooser = page.locator(f"select[name='{name}']")
            if chooser.count():
                alice.pick(chooser, chooser.locator(f"option[value='{value}']").inner_text())
                continue
            for one in [value] if isinstance(value, str) else value:
                alice.choose(page.locator(f"[name='{name}'][value='{one}']"))
        alice.press(page.get_by_role("button", name="Save and continue"))
    alice.press(page.get_by_role("button", name="Submit my answers"))
    assert alice.heading() == "You have passed"


def commit(alice: Learner) -> None:
    alice.choose(alice.page.get_by_role("radio", name="listen before I ask"))
    alice.choose(alice.page.get_by_role("radio", name="by the end of this week"))
    alice.press(alice.page.get_by_role("button", name="This is what I will do"))


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing(live_server: Any, enrolment: Enrolment, viewport: dict[str, int]) -> None:
    with learner(live_server, enrolment, viewport=viewport) as alice:
        page = alice.page
        alice.open("learn:lesson", enrolment.pk, "try")
        alice.look("exercises-asked")
        page.locator("#exercise-whose").get_by_role("button").click()
        page.wait_for_selector(".problems")
        alice.look("exercises-wrong")
        alice.open("learn:lesson", enrolment.pk, "try")
        answer_exercises(alice, scripted=True)
        alice.look("exercises-answered")
        alice.open("learn:scenario", enrolment.pk, "threads")
        walk(alice, "ask-age", "wait")
        alice.look("story-with-facts")
        for choice in ("go-on", "in-school"):
            page.locator(f"[name='choice'][value='{choice}']").check()
            alice.press(page.get_by_role("button", name="Decide"))
        alice.look("story-debrief")
        alice.open("learn:assessment", enrolment.pk, "two-pupils")
        alice.look("assessment-note")
        assess(alice, "no", "not-known")
        alice.look("assessment-question")
        alice.press(page.get_by_role("button", name="Save and continue"))
        alice.look("assessment-wrong")
        for words in ("no", "no"):
            page.locator(f"[name='choice'][value='{words}']").check()
            alice.press(page.get_by_role("button", name="Save and continue"))
        give_reasons(alice, "name")
        alice.look("assessment-reasons")
        give_reasons(alice, "contained")
        alice.look("assessment-in-school")
        alice.press(page.get_by_role("button", name="Assess it again"))
        for words in ("no", "yes", "no"):
            page.locator(f"[name='choice'][value='{words}']").check()
            alice.press(page.get_by_role("button", name="Save and continue"))
        alice.look("assessment-refer")
        alice.open("learn:commitment", enrolment.pk, "my-change")
        alice.press(page.get_by_role("button", name="This is what I will do"))
        alice.look("commitment-wrong")
        commit(alice)
        alice.look("commitment-kept")
        alice.open("learn:module", enrolment.pk)
        alice.look("module")
        assert alice.problems == []

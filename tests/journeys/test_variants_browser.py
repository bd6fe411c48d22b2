"""What the readers of other nations and other forms meet in a real Chromium."""

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from course_content import catalogue
from course_content.schema import Assessment, Lesson, Module, Quiz, Scenario
from grading import enrolments
from grading.models import Enrolment
from tests import factories
from tests.journeys.learning import PHONE, Learner, enrolled, kept_answer, learner

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _asks_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    # The browser library runs an event loop in this thread, while the test asks the database.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


# --- other nations ----------------------------------------------------------------------------------------


def test_scotland(live_server: Any) -> None:
    """Its own words, law and rule: a report is what is normally recommended. No English law as theirs."""
    enrolment = enrolled("half-day", "scotland")
    module = catalogue.taught_by(enrolment.activity)
    with learner(live_server, enrolment, viewport=PHONE) as alice:
        pages = _all_pages(alice, enrolment, module)
        first = next(step for step in module.steps if isinstance(step, Assessment))
        _assess(alice, enrolment, first)
        decided = alice.page.locator("main").inner_text()
    words = "\n".join(pages.values())
    assert "child protection co-ordinator" in words
    assert "Civic Government (Scotland) Act 1982" in pages["what-the-law-covers"]
    assert "There is no outcome 21" in pages["police-and-records"]
    assert "it is for England, not for Scotland" in words
    assert "will normally be what is recommended" in pages["initial-review"]
    assert "a report to Police Scotland or to social work, today" in decided
    assert "without a referral" not in decided
    not_theirs = (
        "DSL",
        "DSP",
        "designated safeguarding",
        "Protection of Children Act",
        "Criminal Justice Act",
        "Sexual Offences Act",
        "Keeping children safe in education",
        "Working together to safeguard",
        "Keeping learners safe",
        "UKCIS",
        "LADO",
        "children's social care",
    )
    assert _found(not_theirs, words) == []
    for name in ("Your child protection co-ordinator", "Childline", "NSPCC", "Report Remove"):
        assert name in pages["helplines"]
    assert "999" in pages["helplines"]


def test_wales(live_server: Any) -> None:
    """The law it shares with England, its own guidance and words, and none of the duties that are England's."""
    enrolment = enrolled("half-day", "wales")
    module = catalogue.taught_by(enrolment.activity)
    with learner(live_server, enrolment, viewport=PHONE) as alice:
        pages = _all_pages(alice, enrolment, module)
        first = next(step for step in module.steps if isinstance(step, Assessment))
        _assess(alice, enrolment, first)
        decided = alice.page.locator("main").inner_text()
    words = "\n".join(pages.values())
    assert "designated safeguarding person (DSP)" in words
    assert "England and Wales" in pages["what-the-law-covers"]
    assert "Protection of Children Act 1978" in pages["what-the-law-covers"]
    assert "is for England. It does not apply in Wales." in pages["duties-and-proportion"]
    assert "Keeping learners safe" in pages["duties-and-proportion"]
    assert "Then, and only then, it may be dealt with in the school" in pages["initial-review"]
    assert "without a referral" in decided
    not_theirs = (
        "DSL",
        "child protection co-ordinator",
        "Civic Government",
        "Police Scotland",
        "Keeping children safe in education",
        "Working together to safeguard",
        "UKCIS",
        "LADO",
        "children's social care",
    )
    assert _found(not_theirs, words) == []
    assert "Your DSP or deputy DSP" in pages["helplines"]


def test_elsewhere(live_server: Any) -> None:
    """Outside the UK nobody reads a British number, nor British law as theirs."""
    enrolment = enrolled("half-day", "elsewhere")
    with learner(live_server, enrolment, viewport=PHONE) as alice:
        pages = _all_pages(alice, enrolment, catalogue.taught_by(enrolment.activity))
    assert "Your country’s emergency number" in pages["helplines"].replace("'", "’")
    assert _found(("999", "101", "0800", "NSPCC"), pages["helplines"]) == []
    assert "Your own law comes first" in pages["what-the-law-covers"]
    words = "\n".join(pages.values())
    assert _found(("DSL", "DSP", "Outcome 21", "outcome 21", "Protection of Children Act"), words) == []


def _found(names: tuple[str, ...], words: str) -> list[str]:
    return [name for name in names if name in words]


def _all_pages(alice: Learner, enrolment: Enrolment, module: Module) -> dict[str, str]:
    """What the module says: its page, its lessons with every exercise answered, its stories, its register.

    Without what is asked again and the quiz: there another nation's law may stand to be told from one's own.
    """
    alice.open("learn:module", enrolment.pk)
    for more in alice.page.locator(".foot summary").all():
        more.click()
    pages = {
        "module": alice.page.locator("main").inner_text(),
        "helplines": alice.page.locator(".foot").inner_text(),
    }
    for step in module.steps:
        if isinstance(step, Lesson) and not step.recall:
            for asked in step.exercises:
                answer = kept_answer(asked, right=True)
                enrolments.keep_answer(
                    enrolment, step.slug, exercise=asked.id, answer=answer, now=timezone.now()
                )
        elif isinstance(step, Scenario):
            enrolments.keep_choices(
                enrolment, step.slug, seen=0, choices=step.recommended, done=True, now=timezone.now()
            )
        else:
            continue
        alice.open(f"learn:{step.kind}", enrolment.pk, step.slug)
        pages[step.slug] = " ".join(alice.page.locator("main").inner_text().split())
    alice.open("learn:guidance", enrolment.pk)
    pages["guidance"] = alice.page.locator("main").inner_text()
    return pages


def _assess(alice: Learner, enrolment: Enrolment, case: Assessment) -> None:
    alice.open("learn:assessment", enrolment.pk, case.slug)
    alice.assess(case)


# --- other forms ------------------------------------------------------------------------------------------


def test_a_short_form_with_javascript_off(live_server: Any) -> None:
    enrolment = enrolled("what-changed-2026")
    with learner(live_server, enrolment, viewport=PHONE, java_script_enabled=False) as alice:
        alice.open("learn:module", enrolment.pk)
        alice.link("Begin")
        for step in catalogue.taught_by(enrolment.activity).steps:
            if not isinstance(step, Quiz):
                alice.take(step)
        alice.take_the_quiz(enrolment)
        assert alice.heading() == "You have passed"
        assert alice.page.get_by_role("link", name="Download your certificate").count() == 1


def test_the_parents_briefing_asks_for_no_test(live_server: Any) -> None:
    enrolment = enrolled("parents-briefing", audience="parent")
    module = catalogue.taught_by(enrolment.activity)
    with learner(live_server, enrolment, viewport=PHONE) as alice:
        alice.open("learn:module", enrolment.pk)
        alice.look("parents-module")
        alice.link("Begin")
        assert module.quiz is None
        for step in module.lessons:
            alice.take(step)
        alice.look("parents-done")
        said = alice.page.locator("main").inner_text()
        assert "You have done every step. Thank you." in said
        assert "ertificate" not in said
        assert _found(("Your grade", "pass mark", "policy where you work"), said) == []
        alice.open("learn:quiz", enrolment.pk)
        assert alice.page.locator("form").filter(has_text="Start the questions").count() == 0
        assert alice.problems == []


def test_nobody_is_offered_a_grade_for_the_parents_briefing(live_server: Any) -> None:
    enrolment = enrolled("parents-briefing", audience="parent")
    grace = factories.make_member(enrolment.resource_link.context, "Grace", lead=True)
    request = factories.make_deep_linking_request(enrolment.resource_link.context, user=grace)
    lead = factories.make_enrolment(enrolment.activity, grace)
    with learner(live_server, lead) as alice:
        alice.page.goto(
            live_server.url
            + reverse("learn:picker-settings", args=[request.launch_id])
            + "?module=parents-briefing"
        )
        alice.look("picker-settings-parents")
        shown = alice.page.locator("[name^='parents-briefing']").evaluate_all(
            "found => found.map(field => field.name.split('-').pop())"
        )
        assert "title" in shown
        assert set(shown).isdisjoint({"graded", "pass_mark", "attempts_allowed", "keeps"})
        assert alice.problems == []

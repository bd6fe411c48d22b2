"""A learner in a real Chromium, signed in as after a launch, on the tool alone: no VLE around it."""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from django.core import signing
from django.db import connections
from django.urls import reverse
from playwright.sync_api import Locator, Page, Response, ViewportSize, sync_playwright

from course_content import marking
from course_content.assessments import Assessment
from course_content.questions import (
    AnyExercise,
    Confidence,
    MatchingQuestion,
    OrderingQuestion,
    Position,
    ReasonedQuestion,
    SortingQuestion,
    Unmarked,
)
from course_content.schema import Commitment, Lesson, Scenario
from grading.models import Enrolment
from tests import factories
from tests.journeys.browsing import FLAGS

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


def enrolled(module: str, nation: str = "england", audience: str = "school", **changes: Any) -> Enrolment:
    """Alice, who takes a module for a nation and an audience."""
    link = factories.make_link()
    activity = factories.make_activity(
        link, **{"module": module, "title": module, "nation": nation, "audience": audience, **changes}
    )
    return factories.make_enrolment(activity, factories.make_member(link.context, "Alice"))


def fields_of(asked: AnyExercise) -> dict[str, tuple[str, ...]]:
    """The right answer, as the fields of a form take it; where none is right, one that may be given."""
    if isinstance(asked, Confidence):
        return {"answer": ("2",)}
    if isinstance(asked, Position):
        return {"answer": (asked.options[-1].id,)}
    if isinstance(asked, ReasonedQuestion):
        return {"verdict": asked.answer[:1], "reason": asked.answer[1:]}
    if isinstance(asked, OrderingQuestion):
        return {f"place-{option}": (str(place),) for place, option in enumerate(asked.answer, 1)}
    if isinstance(asked, SortingQuestion | MatchingQuestion):
        return {f"card-{card.id}": (card.goes_to,) for card in asked.cards}
    return {"answer": asked.answer}


def kept_answer(asked: AnyExercise, *, right: bool) -> list[str]:
    """An answer as it is kept on record."""
    if isinstance(asked, Confidence):
        return ["2"]
    if isinstance(asked, Position):
        return [asked.views[0].option if asked.views else asked.options[0].id]
    if right:
        return list(asked.answer)
    if isinstance(asked, OrderingQuestion):
        return list(reversed(asked.answer))
    if isinstance(asked, ReasonedQuestion):
        verdicts, reasons = asked.verdicts, asked.reasons
        return [next(o.id for o in options if o.id not in asked.answer) for options in (verdicts, reasons)]
    if isinstance(asked, SortingQuestion):
        first, *others = asked.cards
        elsewhere = next(pile.id for pile in asked.piles if pile.id != first.goes_to)
        return [f"{first.id}:{elsewhere}", *(f"{card.id}:{card.goes_to}" for card in others)]
    if isinstance(asked, MatchingQuestion):
        first, second, *others = asked.cards
        swapped = [f"{first.id}:{second.goes_to}", f"{second.id}:{first.goes_to}"]
        return [*swapped, *(f"{card.id}:{card.goes_to}" for card in others)]
    return [next(option.id for option in asked.options if option.id not in asked.answer)]


class Learner:
    """Somebody in the training. Presses keys only, unless a test clicks."""

    def __init__(self, page: Page, site: str, shots: Path | None = None) -> None:
        self.page, self.site, self.shots = page, site, shots
        self.problems: list[str] = []
        self.fetched: list[Response] = []

    def open(self, name: str, *args: object) -> None:
        self.page.goto(self.site + reverse(name, args=args))

    def heading(self) -> str:
        return self.page.locator("h1").first.inner_text()

    def look(self, kind: str) -> None:
        """What axe finds on this page, and a picture of it where pictures are wanted."""
        found = Axe().run(self.page)
        for violation in found.response["violations"]:
            nodes = [node["html"] for node in violation["nodes"]]
            self.problems.append(f"{kind}: {violation['id']}: {nodes}")
        self.fits(kind)
        self.picture(kind)

    def fits(self, kind: str) -> None:
        """Whether the page is no wider than the screen."""
        if self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            self.problems.append(f"{kind}: stands out of the screen")

    def weigh(self) -> None:
        """From now on, fetch every page as somebody does who has never been here, and remember what comes."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        self.page.on("response", self._came)

    def _came(self, response: Response) -> None:
        if response.request.is_navigation_request():
            self.fetched.clear()
        self.fetched.append(response)

    @property
    def weight(self) -> int:
        """What this page has brought with it, in bytes as a server compresses them, without fonts."""
        counted = (one for one in self.fetched if one.ok and one.request.resource_type != "font")
        return sum(len(gzip.compress(one.body())) for one in counted)

    def picture(self, kind: str) -> None:
        if self.shots:
            width = (self.page.viewport_size or DESKTOP)["width"]
            self.page.screenshot(path=str(self.shots / f"{kind}-{width}.png"), full_page=True)

    def tab_to(self, target: Locator) -> None:
        """Press Tab until the control has the focus, from wherever the focus is."""
        for _ in range(150):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {target}")

    def choose(self, target: Locator) -> None:
        """Choose a radio, as a keyboard does: Tab into its group, then the arrows; or tick a checkbox."""
        if target.get_attribute("type") == "checkbox":
            self.tab_to(target)
            self.page.keyboard.press("Space")
            return
        name = target.get_attribute("name")
        group = self.page.locator(f"input[name='{name}']")
        way_in = self.page.locator(f"input[name='{name}']:checked")
        self.tab_to(way_in if way_in.count() else group.first)
        self.page.keyboard.press("Space")
        for _ in range(group.count()):
            if target.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
        assert target.is_checked()

    def pick(self, target: Locator, label: str) -> None:
        """Choose from a list by typing."""
        self.tab_to(target)
        options = target.locator("option").all_inner_texts()
        for _ in range(options.index(label)):
            self.page.keyboard.press("ArrowDown")
        assert target.locator("option:checked").inner_text() == label

    def press(self, target: Locator) -> None:
        """Press a button or follow a link, and wait for the page that comes."""
        self.tab_to(target)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def button(self, name: str) -> None:
        self.press(self.page.get_by_role("button", name=name))

    def link(self, name: str) -> None:
        self.press(self.page.get_by_role("link", name=name))

    # --- the steps of a module, taken rightly -------------------------------------------------------------

    def answer(self, form: Locator, asked: AnyExercise, prefix: str = "") -> None:
        """Fill in the right answer, from the top of the form to its end, as Tab goes."""
        if isinstance(asked, Confidence) and form.get_by_role("slider").count():
            self.tab_to(form.get_by_role("slider"))
            self.page.keyboard.press("Home")
            self.page.keyboard.press("ArrowRight")
            return
        wanted = {f"{prefix}{name}": values for name, values in fields_of(asked).items()}
        controls = "input[type=radio], input[type=checkbox], select"
        shown: list[list[str]] = form.locator(controls).evaluate_all(
            "found => found.map(control => [control.name, control.value, control.localName])"
        )
        for name, value, made_as in shown:
            if made_as == "select":
                chooser = form.locator(f"select[name='{name}']")
                option = chooser.locator(f"option[value='{wanted[name][0]}']")
                self.pick(chooser, option.inner_text())
            elif value in wanted[name]:
                self.choose(form.locator(f"[name='{name}'][value='{value}']"))

    def read(self, lesson: Lesson) -> None:
        """Every exercise of a lesson, those asked again from earlier too, and on."""
        for card in self.page.locator(".exercise").evaluate_all("found => found.map(card => card.id)"):
            asked = lesson.exercise(card.removeprefix("exercise-"))
            assert asked is not None
            form = self.page.locator(f"#{card}")
            self.answer(form, asked, f"{asked.id}-")
            self.press(form.get_by_role("button"))
            if isinstance(asked, Unmarked):
                assert "You said:" in form.inner_text()
            else:
                assert form.locator(".tags").inner_text() == "Right", asked.id
        self.button("Done – continue")

    def walk(self, story: Scenario, *choices: str) -> None:
        """The choices of a story from its beginning on; without any, the recommended ones."""
        self.button("Begin the story")
        for choice in choices or story.recommended:
            self.decide(choice)

    def decide(self, choice: str) -> None:
        self.choose(self.page.locator(f"[name='choice'][value='{choice}']"))
        self.button("Decide")

    def assess(self, assessment: Assessment) -> None:
        """As the pack has it. What can be found out is not known at first."""
        self.button("Begin")
        triggers = {trigger.question: trigger for trigger in assessment.triggers}
        asked: list[str] = []
        while (prompt := self.page.locator("#now .prompt").first).count() and (
            trigger := triggers.get(prompt.inner_text())
        ):
            first_time = trigger.id not in asked
            asked.append(trigger.id)
            words = "not-known" if trigger.finding_out and first_time else trigger.answer
            self.choose(self.page.locator(f"[name='choice'][value='{words}']"))
            self.button("Save and continue")
        if self.page.locator("[name='reasons']").count():
            for reason in assessment.reasons:
                if reason.holds:
                    self.choose(self.page.locator(f"[name='reasons'][value='{reason.id}']"))
            self.button("Decide")

    def commit(self, commitment: Commitment) -> None:
        for name, offered in (("change", commitment.changes), ("by_when", commitment.by_when)):
            self.choose(self.page.locator(f"[name='{name}'][value='{offered[0].id}']"))
        self.button("This is what I will do")

    def take(self, step: Lesson | Scenario | Assessment | Commitment) -> None:
        """One step, rightly, and on to the next."""
        assert self.heading() == step.title
        if isinstance(step, Lesson):
            self.read(step)
            return
        if isinstance(step, Scenario):
            self.walk(step)
        elif isinstance(step, Assessment):
            self.assess(step)
        else:
            self.commit(step)
        self.link("Continue")

    def take_the_quiz(self, enrolment: Enrolment) -> None:
        """Every question of the paper rightly, to the result."""
        self.button("Start the questions")
        paper = enrolment.attempts.get(submitted_at=None).paper
        for put in paper.questions:
            question = marking.read_question(put)
            assert self.heading() == question.prompt
            self.answer(self.page.locator("fieldset.question").first, question)
            self.button("Save and continue")
        assert self.heading() == "Check your answers"
        self.button("Submit my answers")


@contextmanager
def learner(live_server: Any, enrolment: Enrolment, **options: Any) -> Iterator[Learner]:
    """A browser signed in as the enrolment's person. `options` are Playwright's."""
    user = enrolment.lti_user
    signed = signing.TimestampSigner(salt="lti.user").sign(f"{user.registration_id}.{user.pk}")
    shots = os.environ.get("TEST_SHOTS")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["TEST_BROWSER"], args=FLAGS)
        context = browser.new_context(**{"viewport": DESKTOP, **options})
        context.set_default_timeout(15_000)
        name = f"sr-user-{user.registration_id}"
        context.add_cookies([{"name": name, "value": signed, "url": live_server.url}])
        yield Learner(context.new_page(), live_server.url, Path(shots) if shots else None)
        # What the test asked of the database while the browser's loop ran, it asked on a connection of its own.
        connections.close_all()
        browser.close()

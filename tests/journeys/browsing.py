"""A real Chromium with a person in front of it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Frame, Locator, Page, expect, sync_playwright

from course_content import catalogue
from course_content.schema import Commitment, OrderingQuestion, Scenario
from tests.journeys.demo import RunningDemo

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
MODULE = "all-staff-awareness"


class Cookies(StrEnum):
    """How a browser treats the cookies of a page inside another site's page."""

    ALLOWED = "allowed"
    PARTITIONED = "partitioned only"
    BLOCKED = "all blocked"


def _preferences(cookies: Cookies, tool: str, vle: str) -> dict[str, Any]:
    """Chromium's own settings, as its cookie page writes them."""
    if cookies is Cookies.ALLOWED:
        return {"profile": {"cookie_controls_mode": 0, "block_third_party_cookies": False}}
    if cookies is Cookies.PARTITIONED:
        return {"profile": {"cookie_controls_mode": 1, "block_third_party_cookies": True}}
    # A rule against this site's cookies inside that one takes partitioned ones too.
    blocked = {f"{tool},{vle}": {"setting": 2}}
    return {"profile": {"content_settings": {"exceptions": {"cookies": blocked}}}}


@contextmanager
def browser(
    profile: Path, demo: RunningDemo, cookies: Cookies = Cookies.PARTITIONED, **options: Any
) -> Iterator[BrowserContext]:
    """A browser with a fresh profile. `options` are Playwright's, such as java_script_enabled."""
    folder = profile / "Default"
    folder.mkdir(parents=True)
    (folder / "Preferences").write_text(json.dumps(_preferences(cookies, demo.tool, demo.vle)))
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(profile),
            executable_path=os.environ["TEST_BROWSER"],
            headless=True,
            args=FLAGS,
            **{"viewport": DESKTOP, **options},
        )
        context.set_default_timeout(15_000)
        yield context
        context.close()


class Person:
    """Somebody on the demo VLE's pages and in the training."""

    def __init__(self, context: BrowserContext, demo: RunningDemo, *, shots: Path | None = None) -> None:
        self.context, self.vle, self.tool, self.shots = context, demo.vle, demo.tool, shots
        self.page = context.new_page()
        self.training: Page | Frame = self.page
        self.problems: list[str] = []
        self.seen: set[str] = set()

    def sign_in(self, name: str) -> None:
        self.page.goto(self.vle)
        self.page.get_by_role("button", name=name).first.click()
        self.page.wait_for_load_state()

    def address_of(self, activity: str) -> str:
        """Where an activity on the course's page is."""
        address = self.page.get_by_role("link", name=activity, exact=True).get_attribute("href")
        assert address is not None
        return address

    def open_activity(self, address: str = "/courses/1/activities/1/") -> None:
        """The activity's page of the course; the training opens in its frame."""
        self.page.bring_to_front()
        self.page.goto(f"{self.vle}{address}")
        self.enter("activity-frame")

    def enter(self, name: str = "tool-frame") -> None:
        """Into the frame of the VLE's page, past the VLE's own pages there, to one of the tool's."""
        self.page.wait_for_selector(f"iframe[name={name}]")
        frame = self.page.frame(name=name)
        assert frame is not None
        self.training = frame
        frame.wait_for_url(f"{self.tool}/**")
        frame.wait_for_selector("h1")

    def gradebook_row(self, activity: str, name: str) -> Locator:
        """Somebody's row in an activity's column of the VLE's gradebook."""
        self.page.goto(f"{self.vle}/courses/1/grades/")
        return self.page.get_by_role("table", name=activity).get_by_role("row").filter(has_text=name)

    def continue_in_new_tab(self, *, role: Any = "button") -> None:
        """Go on in the tab that opens. What opened it works once, and says so from then on."""
        frame, way = self.training, self.training.get_by_role(role, name="Open in a new tab")
        with self.context.expect_page() as opened:
            way.click()
        expect(way).to_be_hidden()
        expect(frame.get_by_text("Closed the tab? Open the activity in your course again.")).to_be_visible()
        self.training = opened.value
        self.training.wait_for_load_state()

    def heading(self) -> str:
        return self.training.locator("h1").first.inner_text()

    def look(self, kind: str) -> None:
        """Check a kind of page with axe once, and keep a picture of it where pictures are wanted."""
        if kind in self.seen:
            return
        self.seen.add(kind)
        found = Axe().run(self.training)  # type: ignore[arg-type]
        self.problems += [f"{kind}: {v['id']}: {v['help']}" for v in found.response["violations"]]
        if self.shots:
            page = self.training if isinstance(self.training, Page) else self.page
            page.screenshot(path=str(self.shots / f"{kind}.png"), full_page=True)

    def click(self, name: str, *, role: Any = "button") -> None:
        """Click, and wait for the page that comes."""
        with self._next_page():
            self.training.get_by_role(role, name=name).first.click()

    def press(self, name: str) -> None:
        """Press a button by Enter: in a low dialogue, where a bar stays at hand, Chromium may give a click to the
        page around the frame while that still scrolls.
        """
        with self._next_page():
            self.training.get_by_role("button", name=name).first.press("Enter")

    @contextmanager
    def _next_page(self) -> Iterator[None]:
        with self.training.expect_navigation():
            yield

    # --- the training ---------------------------------------------------------------------------------------

    def take_lessons_and_stories(self) -> None:
        """Everything before the quiz, on the recommended way."""
        module = catalogue.get_module(MODULE)
        self.look("module")
        self.click("Begin", role="link")
        for step in module.steps:
            if step.kind == "lesson":
                assert self.heading() == step.title
                self.look("lesson")
                self.click("Done – continue")
            elif isinstance(step, Scenario):
                self.walk(step)
            elif isinstance(step, Commitment):
                self.commit(step)

    def walk(self, story: Scenario) -> None:
        assert self.heading() == story.title
        self.look("story-note")
        self.click("Begin the story")
        node = story.nodes[story.start]
        for choice_id in story.recommended:
            choice = next(c for c in node.choices if c.id == choice_id)
            self.look(f"story-{'first' if node.id == story.start else 'later'}-choice")
            self.training.get_by_role("radio", name=choice.text, exact=True).check()
            self.click("Decide")
            node = story.nodes[choice.goes_to]
        self.look("story-ending")
        self.click("Continue", role="link")

    def commit(self, commitment: Commitment) -> None:
        assert self.heading() == commitment.title
        self.look("commitment")
        for chosen in (commitment.changes[0], commitment.by_when[0]):
            self.training.get_by_role("radio", name=chosen.text, exact=True).check()
        self.click("This is what I will do")
        self.look("commitment-kept")
        self.click("Continue", role="link")

    def start_quiz(self) -> None:
        self.look("quiz")
        self.click("Start the questions")

    def answer_all(self, *, only_critical: bool = False) -> None:
        """Answer every question of the paper; or only those that must be right, and leave the others."""
        while self.heading() != "Check your answers":
            question = self.question()
            if only_critical and not question.critical:
                self.click("Leave it for now", role="link")
                continue
            self.answer(question)
            self.click("Save and continue")
        self.look("check")

    def question(self) -> Any:
        """The question of the pack that is on the page."""
        prompt = self.heading()
        quiz = catalogue.get_module(MODULE).quiz
        assert quiz is not None
        return next(q for q in quiz.questions if q.prompt == prompt)

    def answer(self, question: Any) -> None:
        """Fill in the right answer."""
        self.look(f"question-{question.kind}")
        if isinstance(question, OrderingQuestion):
            for place, option_id in enumerate(question.answer, 1):
                label = question.option(option_id).text
                self.training.get_by_label(label, exact=True).select_option(str(place))
            return
        role: Any = "radio" if question.kind == "single" else "checkbox"
        for option_id in question.answer:
            self.training.get_by_role(role, name=question.option(option_id).text, exact=True).check()

    def submit(self) -> None:
        self.click("Submit")
        self.look("result")

    def wait_for_delivery(self) -> None:
        """The result's page says by itself when the grade is in the gradebook."""
        self.training.get_by_text("In the gradebook").first.wait_for(timeout=60_000)


class Lead(Person):
    """Grace, who leads the course and adds to it."""

    def __init__(self, context: BrowserContext, demo: RunningDemo, **options: Any) -> None:
        super().__init__(context, demo, **options)
        self.sign_in("Grace Okafor")

    def add_training(self, tool: str = "SafeResponse") -> None:
        """From the course's page to the first page of ours, in the VLE's frame."""
        self.page.goto(f"{self.vle}/courses/1/")
        self.page.get_by_role("link", name=f"Add training from {tool}", exact=True).click()
        self.enter()

    def choose(self, *modules: str, title: str = "") -> None:
        for module in modules:
            self.training.get_by_label(module).check()
        self.look("picker")
        self.click("Next: settings")
        if title:
            self.training.get_by_label("Title").first.fill(title)
        self.look("picker-settings")

    def sees_it_added(self) -> None:
        """The VLE says so in its own frame, where the choice was begun."""
        frame = self.page.frame_locator("iframe[name=tool-frame]")
        expect(frame.get_by_role("heading", name="Added to the course")).to_be_visible()

    def courses_page(self) -> str:
        self.page.goto(f"{self.vle}/courses/1/")
        return self.page.locator("main").inner_text()

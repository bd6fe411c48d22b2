"""A learner in a real Chromium, signed in as after a launch, on the tool alone: no VLE around it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from django.core import signing
from django.urls import reverse
from playwright.sync_api import Locator, Page, sync_playwright

from grading.models import Enrolment
from tests.journeys.browsing import FLAGS

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


class Learner:
    """Somebody in the training. Presses keys only, unless a test clicks."""

    def __init__(self, page: Page, site: str, shots: Path | None = None) -> None:
        self.page, self.site, self.shots = page, site, shots
        self.problems: list[str] = []

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
        if self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            self.problems.append(f"{kind}: stands out of the screen")
        self.picture(kind)

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
        browser.close()

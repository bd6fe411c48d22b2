"""The switch between English and Welsh, in a real browser, inside the VLE's frame."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.browsing import PHONE, Cookies, Person, browser
from tests.journeys.demo import RunningDemo, running_demo

pytestmark = pytest.mark.browser


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[RunningDemo]:
    with running_demo(tmp_path / "data") as running:
        yield running


def language(person: Person) -> str | None:
    return person.training.locator("html").get_attribute("lang")


def test_by_keyboard_on_a_phone_and_it_stays(demo: RunningDemo, tmp_path: Path) -> None:
    with browser(tmp_path / "profile", demo, Cookies.PARTITIONED, viewport=PHONE) as context:
        amina = Person(context, demo)
        amina.sign_in("Amina Yusuf")
        amina.open_activity()
        assert language(amina) == "en-GB"

        with amina.training.expect_navigation():
            amina.training.get_by_role("button", name="Cymraeg").press("Enter")
        assert language(amina) == "cy"
        amina.look("module-in-welsh")
        amina.click("Dechrau", role="link")
        amina.look("lesson-in-welsh")
        assert language(amina) == "cy"
        # The VLE says "en" at each launch; what the reader chose goes before it.
        amina.open_activity()
        assert language(amina) == "cy"
        amina.click("English")
        assert language(amina) == "en-GB"
        assert amina.problems == []


def test_without_scripts_and_where_cookies_are_blocked(demo: RunningDemo, tmp_path: Path) -> None:
    """It leads back to the same page, which has forgotten it."""
    with browser(tmp_path / "profile", demo, Cookies.BLOCKED, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{demo.tool}/help-now/")
        page.get_by_role("button", name="Cymraeg").click()
        assert page.url == f"{demo.tool}/help-now/"
        assert page.locator("html").get_attribute("lang") == "cy"

        framed = context.new_page()
        framed.goto(demo.vle)
        framed.set_content(f'<iframe name="help" src="{demo.tool}/help-now/"></iframe>')
        frame = framed.frame(name="help")
        assert frame is not None
        frame.get_by_role("button", name="Cymraeg").click()
        frame.wait_for_url(f"{demo.tool}/help-now/")
        expect(frame.locator("h1")).to_have_count(1)

"""From a course page to its gradebook, in a real browser, as members of staff and their lead go."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.journeys.browsing import PHONE, Cookies, Person, browser
from tests.journeys.demo import RunningDemo, running_demo
from tests.journeys.processes import until

pytestmark = pytest.mark.browser


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[RunningDemo]:
    with running_demo(tmp_path / "data") as running:
        yield running


@pytest.mark.parametrize("cookies", list(Cookies))
def test_from_the_course_to_the_gradebook(demo: RunningDemo, tmp_path: Path, cookies: Cookies) -> None:
    with browser(tmp_path / "profile", demo, cookies) as context:
        amina = Person(context, demo)
        amina.sign_in("Amina Yusuf")
        amina.open_activity()
        if cookies is Cookies.BLOCKED:
            amina.training.get_by_role("heading", name="Your training is ready").wait_for()
            amina.look("new-tab")
            amina.continue_in_new_tab()
        assert {c["name"] for c in context.cookies(demo.tool) if c["name"].startswith("sr-user")}
        amina.take_lessons_and_stories()
        amina.start_quiz()
        amina.answer_all()
        amina.submit()
        assert amina.heading() == "You have passed"
        amina.wait_for_delivery()
        certificate = amina.training.get_by_role("link", name="Download your certificate")
        with (amina.training if isinstance(amina.training, Page) else amina.page).expect_download() as got:
            certificate.first.click()
        assert Path(got.value.path()).read_bytes()[:5] == b"%PDF-"

        row = amina.gradebook_row("Responding to shared nudes", "Amina Yusuf")
        grade, comment, _ = row.get_by_role("cell").all_inner_texts()
        assert grade == "100 / 100"
        verify_url = re.search(r"http\S+/verify/\S+", comment)
        assert verify_url is not None
        amina.training = amina.page
        amina.page.goto(verify_url[0])
        assert "Amina Yusuf" in amina.page.locator("main").inner_text()
        amina.look("verify")
        assert amina.problems == []


def test_the_lead_sees_who_has_passed(demo: RunningDemo, tmp_path: Path) -> None:
    with browser(tmp_path / "one", demo) as context:
        tomos = Person(context, demo)
        tomos.sign_in("Tomos")
        tomos.open_activity()
        tomos.take_lessons_and_stories()
        tomos.start_quiz()
        tomos.answer_all(only_critical=True)
        tomos.submit()
        assert tomos.heading() == "Not passed yet"
        tomos.wait_for_delivery()

        grace = Person(context, demo)
        grace.sign_in("Grace Okafor")
        grace.open_activity()
        row = grace.training.get_by_role("row").filter(has_text="Tomos")
        assert "Not passed yet" in row.inner_text()
        assert "In the gradebook" in row.inner_text()
        grace.look("lead")
        assert tomos.problems + grace.problems == []


def test_the_lead_sees_who_has_not_started(demo: RunningDemo, tmp_path: Path) -> None:
    """A worker reads the VLE's list of members after the lead's launch."""
    with browser(tmp_path / "one", demo) as context:
        grace = Person(context, demo)
        grace.sign_in("Grace Okafor")

        def says() -> str:
            grace.open_activity()
            return grace.training.locator("main").inner_text()

        until(lambda: "Your VLE’s list of members was read" in says())
        # Jo's name is not shared by the VLE.
        for name in ("Amina Yusuf", "Tomos", "Unnamed member of staff"):
            row = grace.training.get_by_role("row").filter(has_text=name)
            assert "Not started" in row.inner_text()
        grace.click("Refresh the list")
        assert "asked for a few minutes ago" in grace.training.locator("main").inner_text()
        grace.look("lead-refreshed")
        assert grace.problems == []


def test_on_another_device_it_goes_on_where_it_was(demo: RunningDemo, tmp_path: Path) -> None:
    with browser(tmp_path / "desk", demo) as context:
        desk = Person(context, demo)
        desk.sign_in("Amina Yusuf")
        desk.open_activity()
        desk.take_lessons_and_stories()
        desk.start_quiz()
        first = desk.question()
        desk.answer(first)
        desk.click("Save and continue")
        second = desk.heading()
    with browser(tmp_path / "phone", demo, viewport=PHONE) as context:
        phone = Person(context, demo)
        phone.sign_in("Amina Yusuf")
        phone.open_activity()
        phone.click("Continue", role="link")
        phone.click("Go on with the questions")
        assert phone.heading() == second
        phone.answer_all()
        phone.submit()
        assert phone.heading() == "You have passed"


def test_a_lost_connection_loses_no_saved_answer(demo: RunningDemo, tmp_path: Path) -> None:
    with browser(tmp_path / "bus", demo) as context:
        amina = Person(context, demo)
        amina.sign_in("Amina Yusuf")
        amina.open_activity()
        amina.take_lessons_and_stories()
        amina.start_quiz()
        amina.answer(amina.question())
        amina.click("Save and continue")
        kept = amina.heading()
        amina.answer(amina.question())
        context.set_offline(True)
        with amina.page.expect_event("requestfailed"):
            amina.training.get_by_role("button", name="Save and continue").click()
        context.set_offline(False)
        amina.open_activity()
        amina.click("Continue", role="link")
        amina.click("Go on with the questions")
        assert amina.heading() == kept
        amina.answer_all()
        amina.submit()
        assert amina.heading() == "You have passed"


def test_without_javascript(demo: RunningDemo, tmp_path: Path) -> None:
    with browser(tmp_path / "plain", demo, java_script_enabled=False, viewport=PHONE) as context:
        jo = Person(context, demo)
        jo.sign_in("Jo Marsh")
        jo.page.goto(f"{demo.vle}/courses/1/activities/1/")
        jo.page.get_by_role("link", name="Open it on its own").click()
        jo.training = jo.page
        while jo.page.get_by_role("button", name="Continue").count():
            jo.click("Continue")
        jo.seen = _every_kind()  # axe is a script
        jo.take_lessons_and_stories()
        jo.click("Next: the name for your certificate", role="link")
        jo.page.get_by_label("What name should be on your certificate?").fill("Jo Marsh")
        jo.page.locator("main button[type=submit]").click()
        jo.start_quiz()
        jo.answer_all()
        jo.submit()
        assert jo.heading() == "You have passed"


def test_by_keyboard_alone(demo: RunningDemo, tmp_path: Path) -> None:
    """A lesson, a story and a question of each kind that comes, with Tab, arrows, space and Enter only."""
    with browser(tmp_path / "keys", demo) as context:
        amina = Person(context, demo)
        amina.sign_in("Amina Yusuf")
        with context.expect_page() as opened:
            amina.page.goto(f"{demo.vle}/courses/1/activities/1/")
            amina.page.get_by_role("link", name="Open in a new window").click()
        page = amina.training = opened.value
        page.wait_for_url(re.compile(rf"{demo.tool}/learn/.*"))
        assert isinstance(page, Page)

        def press(name: str) -> None:
            """Tab until the control with this name has the focus, then press it."""
            for _ in range(60):
                page.keyboard.press("Tab")
                focused = page.evaluate(
                    "() => [document.activeElement.innerText || '', document.activeElement.type || '']"
                )
                if focused[0].strip().startswith(name):
                    break
            else:
                raise AssertionError(f"the keyboard does not reach {name!r}")
            with page.expect_navigation():
                page.keyboard.press("Enter")

        def choose_first() -> None:
            """Tab into the fieldset, and choose with the space bar or, in a list, the arrow keys."""
            for _ in range(60):
                page.keyboard.press("Tab")
                kind = page.evaluate("() => document.activeElement.type || ''")
                if kind in {"radio", "checkbox"}:
                    page.keyboard.press("Space")
                    return
                if kind == "select-one":
                    page.keyboard.press("ArrowDown")
                    return
            raise AssertionError("the keyboard reaches nothing to choose")

        press("Begin")
        while amina.heading() != "Can you keep a secret?":
            press("Done")
        press("Begin the story")
        while page.get_by_role("button", name="Decide").count():
            choose_first()
            press("Decide")
        press("Continue")
        onwards = ("Done", "Skip", "Not now")
        while way := next((n for n in onwards if page.get_by_role("button", name=n).count()), None):
            press(way)
        press("Start the questions")
        for number in range(1, 11):
            assert f"Question {number} of 10" in page.locator("main").inner_text()
            if page.locator("select").count():
                press("Leave it for now")
            else:
                choose_first()
                press("Save and continue")
        press("Submit" if page.get_by_role("button", name="Submit my answers").count() else "Submit as it is")
        assert amina.heading() in {"Not passed yet", "You have passed"}


def _every_kind() -> set[str]:
    class Everything(set[str]):
        def __contains__(self, kind: object) -> bool:
            return True

    return Everything()

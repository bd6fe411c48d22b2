"""A lead adds training to their course, in a real browser: from the demo VLE's course page and back to it."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest
from playwright.sync_api import Page, Route, expect

from tests.course_content.small_pack import MODULE, write_pack
from tests.journeys.browsing import DESKTOP, PHONE, Cookies, Lead, Person, browser
from tests.journeys.demo import RunningDemo, running_demo

pytestmark = pytest.mark.browser

MODAL = {"width": 770, "height": 578}  # the room that Moodle's dialogue gives
AWARENESS = "Nudes and semi-nudes: what every member of staff does first"
SCOTLAND = "A short form for Scotland"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """The demo, with one module more. Each test adds to its course, and looks for what it added itself."""
    folder = tmp_path_factory.mktemp("demo")
    module = MODULE.replace("slug: small", "slug: scotland").replace(
        "nations: [england]", "nations: [scotland]"
    )
    module = module.replace("title: A small module", f"title: {SCOTLAND}")
    write_pack(folder / "packs" / "scotland", **{"module.yaml": module})
    with running_demo(folder / "data", CONTENT_PACK_DIRS=str(folder / "packs")) as running:
        yield running


@pytest.mark.parametrize("cookies", list(Cookies))
def test_from_the_course_to_the_course(demo: RunningDemo, tmp_path: Path, cookies: Cookies) -> None:
    with browser(tmp_path / "profile", demo, cookies, viewport=DESKTOP) as context:
        grace = Lead(context, demo)
        grace.add_training()
        if cookies is Cookies.BLOCKED:
            grace.training.get_by_role("heading", name="Choose the training in a new tab").wait_for()
            grace.look("choose-in-new-tab")
            grace.continue_in_new_tab()
        grace.choose(AWARENESS, SCOTLAND, title=f"Cookies {cookies}")
        grace.training.get_by_role("button", name="Add to the course").click()
        grace.sees_it_added()
        if cookies is Cookies.BLOCKED:
            assert isinstance(grace.training, Page)
            if (
                not grace.training.is_closed()
            ):  # it closes itself a moment after the frame has sent the choice on
                grace.training.wait_for_event("close")
        page = grace.courses_page()
        assert f"Cookies {cookies}" in page
        assert AWARENESS in page
        assert grace.problems == []

        amina = Person(context, demo)
        amina.sign_in("Amina Yusuf")
        amina.open_activity(amina.address_of(f"Cookies {cookies}"))
        assert amina.heading() == ("Your training is ready" if cookies is Cookies.BLOCKED else SCOTLAND)


def without_storage(route: Route) -> None:
    """A VLE that offers no platform storage, as Moodle does not."""
    sent = dict(parse_qsl(route.request.post_data or ""))
    sent.pop("lti_storage_target", None)
    route.continue_(post_data=urlencode(sent))


def test_all_cookies_blocked_and_no_platform_storage(demo: RunningDemo, tmp_path: Path) -> None:
    with browser(tmp_path / "profile", demo, Cookies.BLOCKED) as context:
        context.route(f"{demo.tool}/lti/login/", without_storage)
        grace = Lead(context, demo)
        grace.add_training()
        assert grace.heading() == "Open the training in a new tab"
        grace.look("cookies-blocked")
        grace.continue_in_new_tab(role="link")
        tab = grace.training
        assert isinstance(tab, Page)
        tab.get_by_role("heading", name="Choose the training for your course").wait_for()
        grace.choose(AWARENESS)
        with tab.expect_event("close"):
            tab.get_by_role("button", name="Add to the course").click()
        grace.sees_it_added()
        assert AWARENESS in grace.courses_page()
        assert grace.problems == []


def test_a_low_dialogue_shows_modules_and_not_buttons_alone(demo: RunningDemo, tmp_path: Path) -> None:
    """Moodle gives 340 by 240 pixels on a phone (executed on 4.5)."""
    with browser(tmp_path / "profile", demo, Cookies.BLOCKED) as context:
        grace = Lead(context, demo)
        grace.add_training()
        grace.continue_in_new_tab()
        tab = grace.training
        assert isinstance(tab, Page)
        following = tab.get_by_role("button", name="Next: settings")
        expect(following).to_be_in_viewport()
        tab.set_viewport_size({"width": 340, "height": 240})
        expect(following).not_to_be_in_viewport()
        following.scroll_into_view_if_needed()
        expect(following).to_be_in_viewport()


def test_the_waiting_page_is_gone(demo: RunningDemo, tmp_path: Path) -> None:
    """The tab says so, and its button still brings the choice home."""
    with browser(tmp_path / "profile", demo, Cookies.BLOCKED) as context:
        grace = Lead(context, demo)
        grace.add_training()
        grace.continue_in_new_tab()
        tab = grace.training
        assert isinstance(tab, Page)
        grace.choose(SCOTLAND)
        grace.page.goto(f"{demo.vle}/courses/1/")
        grace.click("Add to the course")
        expect(
            tab.get_by_text("The page of your course that was waiting for this choice is gone.")
        ).to_be_visible()
        grace.look("no-way-back")
        tab.get_by_role("button", name="Add to the course").click()
        expect(tab.get_by_role("heading", name="Added to the course")).to_be_visible()
        assert grace.problems == []


def test_the_waiting_page_posts_to_its_vle_only(demo: RunningDemo, tmp_path: Path) -> None:
    with browser(tmp_path / "profile", demo, Cookies.BLOCKED) as context:
        grace = Lead(context, demo)
        grace.add_training()
        grace.continue_in_new_tab()
        tab, frame = grace.training, grace.page.frame(name="tool-frame")
        assert isinstance(tab, Page)
        assert frame is not None
        before = frame.url
        away: list[str] = []
        context.on("request", lambda request: away.append(request.url) if request.method == "POST" else None)
        for action in ("https://evil.example/", "javascript:alert(1)", f"{demo.tool}/learn/", "", 7):
            tab.evaluate(
                "action => opener.postMessage({subject: 'choice.made', action, jwt: 'x'}, location.origin)",
                action,
            )
        # From another origin: the VLE's own page.
        grace.page.evaluate(
            "action => frames['tool-frame'].postMessage({subject: 'choice.made', action, jwt: 'x'}, '*')",
            f"{demo.vle}/courses/1/add/1/return/",
        )
        tab.wait_for_timeout(500)
        assert (frame.url, away) == (before, [])


def test_cancelling_adds_nothing(demo: RunningDemo, tmp_path: Path) -> None:
    with browser(tmp_path / "profile", demo) as context:
        grace = Lead(context, demo)
        grace.add_training()
        grace.training.get_by_role("button", name="Cancel").click()
        frame = grace.page.frame_locator("iframe[name=tool-frame]")
        expect(frame.get_by_role("heading", name="Nothing was added")).to_be_visible()


def test_searching_looking_and_a_slip(demo: RunningDemo, tmp_path: Path) -> None:
    with browser(tmp_path / "profile", demo, viewport=MODAL) as context:
        grace = Lead(context, demo)
        grace.add_training()
        grace.training.get_by_label(AWARENESS).check()
        grace.training.get_by_label("Nation").select_option("Scotland")
        grace.click("Search")
        assert grace.training.get_by_label(AWARENESS).is_checked()
        grace.click(f"Preview {SCOTLAND}")
        grace.look("picker-preview")
        grace.press("Choose this module")
        assert sum(box.is_checked() for box in grace.training.get_by_role("checkbox").all()) == 2
        assert grace.training.get_by_label(AWARENESS).is_checked()
        assert grace.training.get_by_label(SCOTLAND).is_checked()
        grace.press("Next: settings")
        marks = grace.training.get_by_label("Pass mark")
        marks.nth(1).fill("120")
        grace.press("Add to the course")
        assert grace.training.get_by_role("alert").inner_text().startswith("There is a problem")
        grace.look("picker-slip")
        marks.nth(1).fill("60")
        grace.training.get_by_role("button", name="Add to the course").dblclick()
        grace.sees_it_added()
        assert grace.problems == []


def test_without_javascript(demo: RunningDemo, tmp_path: Path) -> None:
    with browser(tmp_path / "plain", demo, java_script_enabled=False, viewport=PHONE) as context:
        grace = Lead(context, demo)
        grace.page.goto(f"{demo.vle}/courses/1/")
        grace.page.get_by_role("link", name="Add training from SafeResponse").click()
        grace.page.get_by_role("link", name="Open it on its own").click()
        go_on(grace)
        grace.page.get_by_label(AWARENESS).check()
        grace.click("Next: settings")
        grace.click("Add to the course")
        assert grace.heading() == "Adding it to your course"
        grace.click("Add to the course")
        go_on(grace)
        assert "Added to the course" in grace.page.locator("main").inner_text()


def go_on(person: Person) -> None:
    """Past the forms that send themselves where there is JavaScript."""
    while person.page.get_by_role("button", name="Continue").count():
        person.click("Continue")


def test_by_keyboard_alone(demo: RunningDemo, tmp_path: Path) -> None:
    with browser(tmp_path / "keys", demo, viewport=MODAL) as context:
        grace = Lead(context, demo)
        grace.add_training()
        page, frame = grace.page, grace.training

        def tab_to(what: str) -> None:
            for _ in range(60):
                page.keyboard.press("Tab")
                if frame.evaluate(
                    "what => [document.activeElement.innerText, document.activeElement.value, "
                    "document.activeElement.name].some(said => (said ?? '').trim().startsWith(what))",
                    what,
                ):
                    # What has the focus is not hidden behind the bar at the bottom (WCAG 2.2, 2.4.11).
                    assert frame.evaluate(
                        "() => { const box = document.activeElement.getBoundingClientRect();"
                        "const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);"
                        "return document.activeElement.contains(top) || top.contains(document.activeElement) }"
                    ), f"{what!r} is hidden"
                    return
            raise AssertionError(f"the keyboard does not reach {what!r}")

        frame.locator("h1").click()
        tab_to("scotland")
        page.keyboard.press("Space")
        tab_to("Next: settings")
        with frame.expect_navigation():
            page.keyboard.press("Enter")
        frame.locator("h1").click()
        for field in ("title", "pass_mark", "attempts_allowed", "keeps", "due_at", "graded", "opens"):
            tab_to(f"scotland-{field}")
        tab_to("Add to the course")
        page.keyboard.press("Enter")
        grace.sees_it_added()


def test_a_link_that_says_nothing_is_set_up_by_its_lead(demo: RunningDemo, tmp_path: Path) -> None:
    with browser(tmp_path / "profile", demo) as context:
        grace = Lead(context, demo)
        grace.page.goto(f"{demo.vle}/courses/1/")
        grace.page.get_by_role("button", name="Add a plain link to SafeResponse").click()
        address = grace.address_of("SafeResponse")

        amina = Person(context, demo)
        amina.sign_in("Amina Yusuf")
        amina.open_activity(address)
        assert amina.heading() == "This activity is not ready yet"
        amina.look("not-set-up")

        grace.sign_in("Grace Okafor")
        grace.open_activity(address)
        assert grace.heading() == "Which training does this activity open?"
        grace.training.get_by_label(SCOTLAND).check()
        grace.look("picker-for-link")
        grace.click("Next: settings")
        grace.click("Save and open")
        assert grace.heading() == "Who has done the training"

        amina.sign_in("Amina Yusuf")
        amina.open_activity(address)
        assert amina.heading() == SCOTLAND
        assert grace.problems + amina.problems == []


def test_a_copied_course_keeps_working(demo: RunningDemo, tmp_path: Path) -> None:
    with browser(tmp_path / "profile", demo) as context:
        grace = Lead(context, demo)
        grace.add_training()
        grace.choose(SCOTLAND, title="Our day")
        grace.training.get_by_role("button", name="Add to the course").click()
        grace.sees_it_added()
        grace.courses_page()
        original = grace.address_of("Our day")
        grace.open_activity(original)
        grace.page.goto(f"{demo.vle}/courses/1/")
        grace.page.get_by_role("button", name="Copy the course").click()
        copy = grace.address_of("Our day")
        assert copy != original

        grace.open_activity(copy)

        said = grace.training.locator("main").inner_text()
        assert "Copied from “Our day” in Staff safeguarding training." in said
        grace.look("lead-of-a-copy")
        grace.open_activity(original)
        assert "Copied from" not in grace.training.locator("main").inner_text()
        assert grace.problems == []

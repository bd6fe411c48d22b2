"""The demo VLE in a real browser: the launch inside its frame, platform storage, its pages.

The VLE is `localhost` and the fake tool `127.0.0.1`, so for the browser they are two sites and
the tool in the frame is a third party, as it is in a school.

Playwright runs in a thread of its own: its event loop must not be the one of the test session,
where Django would take every later query for one made from asynchronous code.
"""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Frame, Page, sync_playwright

from tests.deploy.test_demo_vle import LTI, ServiceClient
from tests.deploy.test_demo_vle_deep_linking import DL, MODULE, answer
from tests.deploy.test_demo_vle_process import Answer, FakeTool, RunningVle, browser_session, running_vle
from tests.deploy.test_demo_vle_tools import registration_of

CHROMIUM = os.environ.get("TEST_BROWSER")
pytestmark = pytest.mark.browser

ACTIVITY = "/courses/1/activities/1/"
Scenario = Callable[[BrowserContext], Any]
InBrowser = Callable[..., Any]


def auth_fields(tool: FakeTool, initiation: dict[str, str]) -> dict[str, str]:
    return {
        "scope": "openid", "response_type": "id_token", "response_mode": "form_post",
        "prompt": "none", "client_id": initiation["client_id"], "state": "s", "nonce": "n",
        "redirect_uri": f"{tool.url}/lti/launch/", "login_hint": initiation["login_hint"],
        "lti_message_hint": initiation["lti_message_hint"],
    }  # fmt: skip


def html(body: str) -> Answer:
    page = f'<!doctype html><html lang="en"><head><title>Tool</title></head><body>{body}</body></html>'
    return Answer(headers={"Content-Type": "text/html; charset=utf-8"}, body=page)


class BrowserTool(FakeTool):
    """Sends the browser back to the VLE in each of the three ways that tools use, chooses a module
    where it is asked to, and registers itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self.way_back = "redirect"
        self.answers_in = "_self"  # the target of the form that a choice is sent with
        self.launches: list[dict[str, str]] = []
        self.routes["/lti/login/"] = self._login
        self.routes["/lti/launch/"] = self._launch
        self.routes["/lti/register/"] = self._register

    def _login(self, _method: str, form: dict[str, str]) -> Answer:
        fields, auth = auth_fields(self, form), f"{form['iss']}/auth/"
        location = f"{auth}?{urlencode(fields)}"
        if self.way_back == "redirect":
            return Answer(302, {"Location": location})
        if self.way_back == "script":
            return html(f"<script>location.replace({json.dumps(location)})</script>")
        inputs = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields.items()
        )
        return html(
            f'<form method="post" action="{auth}">{inputs}</form><script>document.forms[0].submit()</script>'
        )

    def _launch(self, _method: str, form: dict[str, str]) -> Answer:
        self.launches.append(form)
        if "id_token" not in form:
            return html(f"<h1>{form['error']}</h1>")
        claims = jwt.decode(form["id_token"], options={"verify_signature": False})
        if claims[LTI + "message_type"] == "LtiDeepLinkingRequest":
            return self._choose(claims)
        return html("<h1>Launched</h1>")

    def _choose(self, claims: dict[str, Any]) -> Answer:
        settings = claims[DL + "deep_linking_settings"]
        vle = RunningVle(port=int(claims["iss"].rpartition(":")[2]), data=Path(), tool_url=self.url)
        token = answer(vle, self, settings["data"], MODULE)
        return html(
            f'<h1>Choose</h1><form method="post" action="{settings["deep_link_return_url"]}"'
            f' target="{self.answers_in}"><input type="hidden" name="JWT" value="{token}">'
            "<button>Choose it</button></form>"
        )

    def _register(self, _method: str, form: dict[str, str]) -> Answer:
        platform = browser_session().get(form["openid_configuration"], timeout=10).json()
        registered = browser_session().post(
            platform["registration_endpoint"],
            json=registration_of(self),
            headers={"Authorization": f"Bearer {form['registration_token']}"},
            timeout=10,
        )
        return html(
            f"<h1>Registered: {registered.status_code}</h1><button "
            "onclick=\"(opener || parent).postMessage({subject: 'org.imsglobal.lti.close'}, '*')\">Done</button>"
        )


@pytest.fixture(scope="module")
def tool() -> Iterator[BrowserTool]:
    fake = BrowserTool()
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def vle(tool: BrowserTool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVle]:
    with running_vle(tmp_path_factory.mktemp("demo-vle"), tool.url) as running:
        yield running


@pytest.fixture(scope="module")
def in_browser() -> Iterator[InBrowser]:
    """Run a scenario with a fresh browser context, in the thread that owns the browser."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        playwright = thread.submit(sync_playwright().start).result(60)

        def launch() -> Browser:
            return playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        browser = thread.submit(launch).result(60)

        def with_context(scenario: Scenario, width: int) -> Any:
            context = browser.new_context(viewport={"width": width, "height": 850})
            context.set_default_timeout(15_000)
            try:
                return scenario(context)
            finally:
                context.close()

        yield lambda scenario, width=1280: thread.submit(with_context, scenario, width).result(90)
        thread.submit(browser.close).result(60)
        thread.submit(playwright.stop).result(60)


def sign_in(vle: RunningVle, context: BrowserContext, name: str = "Amina Yusuf") -> Page:
    page = context.new_page()
    page.goto(vle.url)
    page.get_by_role("button", name=name).click()
    page.get_by_role("button", name="Sign out").wait_for()
    return page


def launched_frame(page: Page) -> Frame:
    page.frame_locator("#activity-frame").get_by_role("heading", name="Launched").wait_for()
    frame = page.frame("activity-frame")
    assert frame is not None
    return frame


ASK = """
(message) => new Promise((resolve) => {
  const settle = (answer) => { removeEventListener("message", heard); resolve(answer); };
  const heard = (event) => settle({ ...event.data, origin: event.origin });
  addEventListener("message", heard);
  parent.postMessage(message, "*");
  setTimeout(() => settle(null), 1500);
})
"""


@pytest.mark.parametrize("way_back", ["redirect", "script", "post"])
def test_the_launch_works_in_its_frame_however_the_tool_comes_back(
    vle: RunningVle, tool: BrowserTool, in_browser: InBrowser, way_back: str
) -> None:
    def scenario(context: BrowserContext) -> str:
        page = sign_in(vle, context)
        page.get_by_role("link", name="Open the activity").click()
        return launched_frame(page).url

    tool.way_back = way_back
    assert in_browser(scenario) == f"{tool.url}/lti/launch/"
    assert "id_token" in tool.launches[-1]


@pytest.mark.parametrize("way_back", ["redirect", "script", "post"])
def test_the_launch_works_in_a_window_of_its_own(
    vle: RunningVle, tool: BrowserTool, in_browser: InBrowser, way_back: str
) -> None:
    def scenario(context: BrowserContext) -> bool:
        page = sign_in(vle, context)
        page.goto(vle.url + ACTIVITY)
        with context.expect_page() as opened:
            page.get_by_role("link", name="Open in a new window").click()
        opened.value.get_by_role("heading", name="Launched").wait_for()
        return opened.value.evaluate("window.opener === null")

    tool.way_back = way_back
    assert in_browser(scenario) is True


def test_platform_storage_keeps_what_the_tool_puts(
    vle: RunningVle, tool: BrowserTool, in_browser: InBrowser
) -> None:
    def scenario(context: BrowserContext) -> dict[str, Any]:
        page = sign_in(vle, context)
        page.goto(vle.url + ACTIVITY)
        frame = launched_frame(page)
        put = {"subject": "lti.put_data", "key": "state", "value": "abc", "message_id": "m2"}
        get = {"subject": "lti.get_data", "key": "state", "message_id": "m3"}
        heard = {
            "capabilities": frame.evaluate(ASK, {"subject": "lti.capabilities", "message_id": "m1"}),
            "put": frame.evaluate(ASK, put),
            "get": frame.evaluate(ASK, get),
        }
        frame.goto(f"{tool.url}/lti/launch/?error=again")  # the next page of the tool, same frame
        heard["get on the next page"] = frame.evaluate(ASK, get)
        frame.evaluate(ASK, {"subject": "lti.put_data", "key": "state", "message_id": "m4"})
        heard["get when cleared"] = frame.evaluate(ASK, get)
        return heard

    heard = in_browser(scenario)
    common = {"origin": vle.url, "message_id": "m3", "subject": "lti.get_data.response"}
    assert heard["capabilities"]["subject"] == "lti.capabilities.response"
    assert heard["capabilities"]["message_id"] == "m1"
    assert {"subject": "lti.put_data", "frame": "_parent"} in heard["capabilities"]["supported_messages"]
    assert heard["put"] == {
        "origin": vle.url, "subject": "lti.put_data.response", "message_id": "m2",
        "key": "state", "value": "abc",
    }  # fmt: skip
    assert heard["get"] == common | {"key": "state", "value": "abc"}
    assert heard["get on the next page"] == heard["get"]
    assert heard["get when cleared"] == common | {"key": "state", "value": None}


def test_platform_storage_refuses_with_the_specifications_codes(
    vle: RunningVle, in_browser: InBrowser
) -> None:
    asked: dict[str, dict[str, Any]] = {
        "no id": {"subject": "lti.put_data", "key": "k", "value": "v"},
        "no key": {"subject": "lti.get_data", "message_id": "m"},
        "value not text": {"subject": "lti.put_data", "message_id": "m", "key": "k", "value": 5},
        "too large": {
            "subject": "lti.put_data", "message_id": "m", "key": "k", "value": "v" * 5000,
        },
        "unknown": {"subject": "lti.fetch", "message_id": "m"},
    }  # fmt: skip

    def scenario(context: BrowserContext) -> dict[str, str]:
        page = sign_in(vle, context)
        page.goto(vle.url + ACTIVITY)
        frame = launched_frame(page)
        return {name: frame.evaluate(ASK, message)["error"]["code"] for name, message in asked.items()}

    assert in_browser(scenario) == {
        "no id": "bad_request",
        "no key": "bad_request",
        "value not text": "bad_request",
        "too large": "storage_exhaustion",
        "unknown": "unsupported_subject",
    }


def test_only_the_tools_frame_is_heard(vle: RunningVle, tool: BrowserTool, in_browser: InBrowser) -> None:
    ask = {"subject": "lti.capabilities", "message_id": "m"}

    def scenario(context: BrowserContext) -> list[Any]:
        page = sign_in(vle, context)
        page.goto(vle.url + ACTIVITY)
        launched_frame(page)
        # A second frame of the very same tool, which the VLE did not open as the activity.
        page.evaluate(
            """(url) => { const other = document.createElement("iframe");
                          other.name = "other"; other.src = url; document.body.append(other); }""",
            f"{tool.url}/lti/launch/?error=other",
        )
        page.frame_locator("iframe[name=other]").get_by_role("heading").wait_for()
        other = page.frame("other")
        assert other is not None
        from_another_frame = other.evaluate(ASK, ask)
        # The activity's frame after it has gone on to another site.
        launched_frame(page).evaluate("(url) => location.assign(url)", f"{vle.url}{ACTIVITY}return/")
        page.frame_locator("#activity-frame").get_by_text("You have left the activity").wait_for()
        frame = page.frame("activity-frame")
        assert frame is not None
        from_another_origin = frame.evaluate(ASK, ask)
        return [from_another_frame, from_another_origin["error"]["code"]]

    assert in_browser(scenario) == [None, "wrong_origin"]


def test_the_tool_may_resize_its_frame_and_close_itself(vle: RunningVle, in_browser: InBrowser) -> None:
    def scenario(context: BrowserContext) -> list[Any]:
        page = sign_in(vle, context)
        page.goto(vle.url + ACTIVITY)
        frame = launched_frame(page)
        heights = []
        for height in (1234, 1, 10**9):
            frame.evaluate(ASK, json.dumps({"subject": "lti.frameResize", "height": height}))
            heights.append(page.evaluate("document.getElementById('activity-frame').offsetHeight"))
        frame.evaluate("parent.postMessage({ subject: 'org.imsglobal.lti.close' }, '*')")
        page.wait_for_url(f"{vle.url}/courses/1/")
        return heights

    assert in_browser(scenario) == [1234, 320, 6000]


def test_a_tool_registers_itself_in_its_frame_and_closes_it(
    vle: RunningVle, tool: BrowserTool, in_browser: InBrowser
) -> None:
    def scenario(context: BrowserContext) -> str:
        page = sign_in(vle, context, "Piotr Nowak")
        page.get_by_role("link", name="Manage tools").click()
        page.get_by_label("Tool's registration link").fill(f"{tool.url}/lti/register/?invitation=abc")
        page.get_by_role("button", name="Connect").click()
        frame = page.frame_locator("#tool-frame")
        frame.get_by_role("heading", name="Registered: 200").wait_for()
        frame.get_by_role("button", name="Done").click()
        page.wait_for_url(f"{vle.url}/tools/")
        page.get_by_role("heading", name="Another tool Pending").wait_for()
        page.get_by_role("button", name="Activate Another tool").click()
        return page.get_by_role("heading", name="Another tool").inner_text()

    assert in_browser(scenario) == "Another tool Active"


@pytest.mark.parametrize("way_back", ["redirect", "script", "post"])
def test_what_is_chosen_in_the_frame_is_in_the_course(
    vle: RunningVle, tool: BrowserTool, in_browser: InBrowser, way_back: str
) -> None:
    def scenario(context: BrowserContext) -> int:
        page = sign_in(vle, context, "Grace Okafor")
        activities = page.get_by_role("heading", name="Leading the response")
        before = activities.count()
        page.get_by_role("link", name="Add training from SafeResponse").click()
        frame = page.frame_locator("#tool-frame")
        frame.get_by_role("button", name="Choose it").click()
        frame.get_by_role("heading", name="Added to the course").wait_for()
        frame.get_by_role("link", name="Go to the course").click()
        page.wait_for_url(f"{vle.url}/courses/1/")
        return activities.count() - before

    tool.way_back, tool.answers_in = way_back, "_self"
    assert in_browser(scenario) == 1


def test_what_is_chosen_in_a_tab_of_its_own_is_in_the_course(
    vle: RunningVle, tool: BrowserTool, in_browser: InBrowser
) -> None:
    """A tool without its cookies in the frame goes on in a new tab, and answers from there."""

    def scenario(context: BrowserContext) -> str:
        page = sign_in(vle, context, "Grace Okafor")
        page.get_by_role("link", name="Add training from SafeResponse").click()
        with context.expect_page() as opened:
            page.frame_locator("#tool-frame").get_by_role("button", name="Choose it").click()
        tab = opened.value
        tab.get_by_role("heading", name="Added to the course").wait_for()
        tab.get_by_role("link", name="Go to the course").click()
        tab.get_by_role("heading", name="Leading the response").first.wait_for()
        return tab.url

    tool.answers_in = "_blank"
    assert in_browser(scenario) == f"{vle.url}/courses/1/"


def test_platform_storage_is_there_while_choosing(
    vle: RunningVle, tool: BrowserTool, in_browser: InBrowser
) -> None:
    def scenario(context: BrowserContext) -> dict[str, Any]:
        page = sign_in(vle, context, "Grace Okafor")
        page.get_by_role("link", name="Add training from SafeResponse").click()
        page.frame_locator("#tool-frame").get_by_role("heading", name="Choose").wait_for()
        frame = page.frame("tool-frame")
        assert frame is not None
        put = {"subject": "lti.put_data", "key": "state", "value": "abc", "message_id": "m1"}
        frame.evaluate(ASK, put)
        return frame.evaluate(ASK, {"subject": "lti.get_data", "key": "state", "message_id": "m2"})

    assert in_browser(scenario)["value"] == "abc"


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_pages_are_accessible_fit_the_screen_and_stay_at_home(
    vle: RunningVle, tool: BrowserTool, in_browser: InBrowser, width: int, tmp_path: Path
) -> None:
    client = ServiceClient(vle, tool)
    long_comment = "Certificate: https://tool.example/verify/" + "ABCD-" * 30
    client.score(client.list()[0], comment=long_comment)
    problems: list[str] = []

    def check(page: Page, name: str) -> None:
        # Our own page only: what the tool shows in the frame is the tool's to answer for.
        found = Axe().run(
            page,
            context={"exclude": [["#activity-frame"]]},
            # WCAG 2.2's own success criterion, which axe leaves off unless asked.
            options={"rules": {"target-size": {"enabled": True}}},
        )
        assert len(found.response["passes"]) > 10
        problems.extend(f"{name}: {violation['id']}" for violation in found.response["violations"])
        if page.evaluate("document.documentElement.scrollWidth") > width:
            problems.append(f"{name}: wider than the screen")

    def scenario(context: BrowserContext) -> None:
        hosts: set[str] = set()
        context.on("request", lambda request: hosts.add("/".join(request.url.split("/")[:3])))
        # Chromium writes every refusal to the console; those below are meant.
        context.on(
            "console",
            lambda message: (
                any(meant in message.text for meant in ("400 (Bad Request)", "403 (Forbidden)"))
                or problems.append(f"console: {message.text}")
            ),
        )
        page = context.new_page()
        page.goto(vle.url)
        check(page, "signed out")
        page.goto(f"{vle.url}/auth/?redirect_uri=https://elsewhere.example/")
        check(page, "refused")
        page.goto(f"{vle.url}/courses/1/activities/1/return/?lti_msg=Saved")
        check(page, "returned")
        page.close()
        for name in ("Amina Yusuf", "Grace Okafor"):
            page = sign_in(vle, context, name)
            check(page, f"course, {name}")
            page.goto(f"{vle.url}/courses/1/grades/")
            for summary in page.locator("summary").all():
                summary.click()
            check(page, f"grades, {name}")
            page.goto(vle.url + ACTIVITY)
            launched_frame(page)
            check(page, f"activity, {name}")
            page.goto(f"{vle.url}/me/")
            check(page, f"about, {name}")
        page.goto(f"{vle.url}/courses/1/add/1/")
        page.frame_locator("#tool-frame").get_by_role("heading", name="Choose").wait_for()
        check(page, "choosing")
        page.goto(f"{vle.url}/courses/1/people/")
        check(page, "not yours")
        page = sign_in(vle, context, "Piotr Nowak")
        for path in ("", "courses/1/people/", "tools/"):
            page.goto(f"{vle.url}/{path}")
            for summary in page.locator("summary").all():
                summary.click()
            check(page, f"/{path}, administrator")
        page.get_by_label("Tool's registration link").fill("nonsense")
        page.get_by_role("button", name="Connect").click()
        check(page, "no address")
        assert hosts == {vle.url, tool.url}

    in_browser(scenario, width)
    assert problems == []

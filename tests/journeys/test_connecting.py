"""A VLE's admin connects it, and its course uses the training: from the pasted link to the grade, in a browser."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.journeys.browsing import Lead, Person, browser
from tests.journeys.demo import RunningDemo, running_demo
from tests.journeys.processes import until

pytestmark = pytest.mark.browser
AWARENESS = "Nudes and semi-nudes: what every member of staff does first"
# How the demo VLE calls the tool that is connected a second time: the demo has connected it once.
TOOL = "SafeResponse (2)"
TRAINING = "Our first training"

# Every press of a button or link, in the VLE's pages and in the frame. Who one is, which the demo asks for in place
# of a password, does not count.
PRESSES = """
addEventListener("mousedown", event => {
  const pressed = event.target.closest("a, button, input, label, summary");
  if (event.isTrusted && pressed && pressed.name !== "member") {
    notePress((pressed.innerText || pressed.closest("label, li, p")?.innerText || pressed.name).trim());
  }
}, true);
"""


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[RunningDemo]:
    with running_demo(tmp_path / "data") as running:
        yield running


def invitation(demo: RunningDemo) -> str:
    """The fresh link that the demo prints for its reader."""
    link = re.compile(rf"{demo.tool}/lti/register/\?invitation=\S+")
    until(lambda: link.search(demo.says()))
    return link.findall(demo.says())[0]


def presses_in(context: BrowserContext) -> list[str]:
    """What people press from now on, by its words."""
    pressed: list[str] = []
    context.expose_binding("notePress", lambda source, words: pressed.append(" ".join(words.split())))
    context.add_init_script(PRESSES)
    return pressed


class Admin(Person):
    """Piotr, who administers the VLE."""

    def __init__(self, context: BrowserContext, demo: RunningDemo) -> None:
        super().__init__(context, demo)
        self.sign_in("Piotr Nowak")

    def paste(self, link: str) -> None:
        """Into the VLE, up to the tool's page in its frame."""
        self.page.goto(f"{self.vle}/tools/")
        self.page.get_by_label("Tool's registration link").fill(link)
        self.page.get_by_role("button", name="Connect").click()
        self.enter()

    def finish(self) -> None:
        """The tool's page asks the VLE to close the frame."""
        self.training.get_by_role("button", name="Finish").click()
        self.page.wait_for_url(f"{self.vle}/tools/")

    def tools(self) -> list[str]:
        self.page.goto(f"{self.vle}/tools/")
        return self.page.get_by_role("heading", name="SafeResponse").all_inner_texts()


def connect(context: BrowserContext, demo: RunningDemo) -> Admin:
    """All that an admin does."""
    piotr = Admin(context, demo)
    piotr.paste(invitation(demo))
    assert piotr.heading() == "Connected"
    piotr.look("connected")
    piotr.finish()
    assert piotr.tools() == ["SafeResponse Active", f"{TOOL} Pending"]
    piotr.page.get_by_role("button", name=f"Activate {TOOL}").click()
    expect(piotr.page.get_by_role("heading", name=f"{TOOL} Active")).to_be_visible()
    return piotr


def test_from_the_invitation_to_the_gradebook(demo: RunningDemo, tmp_path: Path) -> None:
    with browser(tmp_path / "profile", demo) as context:
        pressed = presses_in(context)
        piotr = connect(context, demo)
        to_connect = len(pressed)

        grace = Lead(context, demo)
        grace.add_training(TOOL)
        to_launch = len(pressed)
        grace.choose(AWARENESS, title=TRAINING)
        grace.training.get_by_role("button", name="Add to the course").click()
        grace.sees_it_added()

        amina = Person(context, demo)
        amina.sign_in("Amina Yusuf")
        address = amina.address_of(TRAINING)
        amina.page.get_by_role("link", name=f"Open the activity {TRAINING}").click()
        amina.enter("activity-frame")
        print(f"\nFrom the pasted link: connected after {to_connect} clicks, first launch after {to_launch},")
        print(f"somebody in the training after {len(pressed)}: {', '.join(pressed)}.")
        amina.take_lessons_and_stories()
        amina.start_quiz()
        amina.answer_all()
        amina.submit()
        assert amina.heading() == "You have passed"
        amina.wait_for_delivery()

        grace.sign_in("Grace Okafor")
        row = grace.gradebook_row(TRAINING, "Amina Yusuf")
        grade, comment, _ = row.get_by_role("cell").all_inner_texts()
        assert grade.startswith("100 / 100")
        certificate = re.search(r"/verify/([^/\s]+)/", comment)
        assert certificate is not None
        row.get_by_role("link", name=f"Review Amina Yusuf, {TRAINING}").click()
        grace.enter()
        assert grace.heading() == "Amina Yusuf"
        assert certificate[1] in grace.training.locator("main").inner_text()
        grace.look("review")

        def standing(name: str) -> str:
            """On the lead's page, opened anew."""
            grace.open_activity(address)
            row = grace.training.get_by_role("row").filter(has_text=name)
            return row.first.inner_text() if row.count() else ""

        # The worker reads the course's list after the lead's launch.
        until(lambda: "Not started" in standing("Tomos"))
        assert "Passed" in standing("Amina Yusuf")
        assert piotr.problems + grace.problems + amina.problems == []


def test_somebody_reads_what_is_kept_of_them(demo: RunningDemo, tmp_path: Path) -> None:
    with browser(tmp_path / "profile", demo) as context:
        amina = Person(context, demo)
        for name in ("Tomos", "Amina Yusuf"):
            amina.sign_in(name)
            amina.open_activity()

        amina.page.get_by_role("link", name="About me").click()
        amina.page.get_by_role("link", name="My data in SafeResponse").click()
        amina.enter()

        assert amina.heading() == "Your data"
        assert "a.yusuf@riverside.example" in amina.training.locator("main").inner_text()
        amina.look("own-data")
        with amina.page.expect_download() as got:
            amina.training.get_by_role("link", name="Download all of it").click()
        taken = Path(got.value.path()).read_text()
        assert json.loads(taken)["identity"]["name"] == "Amina Yusuf"
        assert "Tomos" not in taken
        assert amina.problems == []


def test_an_invitation_is_good_once(demo: RunningDemo, tmp_path: Path) -> None:
    with browser(tmp_path / "profile", demo) as context:
        piotr = connect(context, demo)

        piotr.paste(invitation(demo))

        assert piotr.heading() == "Not connected"
        said = piotr.training.locator("main").inner_text()
        assert "This invitation link has been used: it connects one VLE, once." in said
        assert "What to do: If it was you a moment ago, all is well" in said
        piotr.look("used-invitation")
        assert piotr.tools() == ["SafeResponse Active", f"{TOOL} Active"]
        assert piotr.problems == []

"""A lead enters their school's details by keyboard, and staff meet them where they matter, on a phone too."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from course_content import catalogue, local_places
from grading.models import Enrolment
from tests import factories
from tests.course_content import every_kind
from tests.journeys.learning import DESKTOP, PHONE, Learner, learner
from tests.journeys.test_every_kind import assess, walk

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _taught(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    # The browser library runs an event loop in this thread, while the test asks the database.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    folder = every_kind.copy(tmp_path / "packs" / "every-kind")
    back = folder / "lessons" / "02-look-back.md"
    places = "\n\nSome words between them.\n\n".join(f"::: local {kind}" for kind in local_places.KINDS)
    back.write_text(f"{back.read_text()}\n{places}\n")
    monkeypatch.setattr(catalogue, "BUILT_IN", tmp_path / "packs")
    catalogue.reload()
    yield
    catalogue.reload()


@pytest.fixture
def enrolment() -> Enrolment:
    """Grace, who leads the course and takes the training."""
    school = factories.make_school("Hillside School")
    link = factories.make_link(factories.make_course(factories.make_deployment(school=school)))
    activity = factories.make_activity(link, module="every-kind", title="Every kind of exercise")
    return factories.make_enrolment(activity, factories.make_member(link.context, "Grace", lead=True))


FILLED = {
    "dsl_name": "Jo Reed",
    "dsl_phone": "01632 960123",
    "dsl_where": "Room 12, beside reception",
    "deputy_1_name": "Sam Poole",
    "deputy_1_phone": "ext 204",
    "deputy_2_name": "Ada Lindqvist-Montgomery",
    "deputy_2_phone": "01632 960124 ext 12",
    "front_door_name": "Area front door for children and families",
    "front_door_phone": "01632 960555",
    "out_of_hours_name": "Night team",
    "out_of_hours_phone": "01632 960666",
    "lado_phone": "01632 960777",
    "policy_url": "https://hillside.example/policy",
}


def enter(grace: Learner) -> None:
    page = grace.page
    grace.look("local-lead-missing")
    grace.press(page.get_by_role("link", name="Enter your school’s details"))
    grace.look("local-details-empty")
    grace.press(page.get_by_role("link", name="Enter the details"))
    for name, value in FILLED.items():
        field = page.locator(f"[name={name}]")
        grace.tab_to(field)
        page.keyboard.type("call me" if name == "dsl_phone" else value)
    for rule in ("under-13-referred", "two-decide"):
        grace.choose(page.locator(f"[name=rules][value={rule}]"))
    grace.press(page.get_by_role("button", name="Save: all of it is right"))
    grace.look("local-form-wrong")
    page.locator(".problems a").first.press("Enter")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(FILLED["dsl_phone"])
    grace.press(page.get_by_role("button", name="Save: all of it is right"))
    grace.look("local-details")
    assert "Saved. Staff see it from now on." in page.locator("main").inner_text()


def meet(grace: Learner, enrolment: Enrolment) -> None:
    """Everywhere that staff meet the details."""
    page = grace.page
    grace.open("learn:module", enrolment.pk)
    grace.look("local-module")
    grace.open("learn:lesson", enrolment.pk, "look-back")
    grace.look("local-lesson")
    assert page.locator("a[href='tel:01632960123']").count() == 1
    page.get_by_role("link", name="Dealing with a real incident now?").click()
    grace.look("local-help")
    assert "Jo Reed" in page.locator("main").inner_text()
    page.get_by_role("link", name="Back to where you were").click()
    assert grace.heading() == "Look back"
    grace.open("learn:scenario", enrolment.pk, "threads")
    walk(grace, "ask-age", "ask-threat", "wait", "go-on", "in-school")
    grace.look("local-scenario")
    grace.open("learn:assessment", enrolment.pk, "two-pupils")
    assess(grace, "yes", "no", "no")
    grace.look("local-assessment")


@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_lead_enters_them_and_staff_meet_them(
    live_server: Any, enrolment: Enrolment, screen: dict[str, int]
) -> None:
    with learner(live_server, enrolment, viewport=screen) as grace:
        grace.open("grading:lead", enrolment.resource_link_id)
        enter(grace)
        grace.open("grading:lead", enrolment.resource_link_id)
        grace.look("local-lead")
        meet(grace, enrolment)
        assert grace.problems == []

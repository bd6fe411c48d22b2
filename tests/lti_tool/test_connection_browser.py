"""The connection's page as an operator meets it, at a desk and on a phone."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from lti_tool import keys, tallies
from lti_tool.gradebook import SCORE
from lti_tool.models import ConnectionTally, Deployment, Registration, Roster
from tests import factories
from tests.journeys.browsing import DESKTOP, FLAGS, PHONE
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform, PlatformKey
from tests.platforms.profiles import MOODLE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Kind = ConnectionTally.Kind


@pytest.fixture
def troubled(vle: Any) -> Registration:
    """A Moodle on which something of everything happened."""
    platform: FakePlatform = vle(MOODLE)
    registration: Registration = platform.register(name="Riverside Moodle")
    visitor = Visitor(platform)
    visitor.launch()
    visitor.launch(key=PlatformKey(1))
    now = timezone.now()
    for reason in ("ungradable", "key_refused", "unreachable"):
        tallies.failed(registration.pk, Kind.SCORE, reason, now - timedelta(days=1))
    tallies.worked(registration.pk, Kind.SCORE, now)
    Roster.objects.update(problem="course_gone")
    Deployment.objects.update(school=factories.make_school("Riverside School"))
    for name in ("2", "a-deployment-with-a-long-name:3f2504e0-4f89-11d3-9a0c-0305e82c3301"):
        factories.make_deployment(registration, deployment_id=name, status=Deployment.Status.PENDING)
    keys.rotate(now)
    platform.permitted_scopes -= {SCORE}
    return registration


@pytest.fixture
def session(troubled: Registration) -> str:
    """What an operator's browser holds once they have signed in."""
    client = Client()
    client.force_login(User.objects.create_superuser("operator", password="a long password"))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def faults(page: Page) -> list[str]:
    """What axe finds on it, and whether it is too wide."""
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
    problems = [
        f"{it['id']}: {node['html'][:120]}" for it in found.response["violations"] for node in it["nodes"]
    ]
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*problems, *([f"{wide} px too wide"] if wide > 0 else [])]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_the_page_is_usable_for_everybody(
    live_server: LiveServer, troubled: Registration, session: str, size: dict[str, int], tmp_path: Path
) -> None:
    shots = Path(os.environ.get("SHOTS", tmp_path))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=os.environ["TEST_BROWSER"], args=FLAGS)
        context = chromium.new_context(viewport=size)
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
        )
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(f"{message.text} {message.location['url']}"))
        page.goto(f"{live_server.url}/admin/lti_tool/registration/")
        page.screenshot(path=str(shots / f"list-{size['width']}.png"), full_page=True)
        page.get_by_role("link", name="Needs attention").click()
        page.screenshot(path=str(shots / f"page-{size['width']}.png"), full_page=True)
        problems = faults(page)

        page.get_by_role("button", name="Test", exact=True).click()
        page.get_by_text("What the self-test found").wait_for()
        page.screenshot(path=str(shots / f"tested-{size['width']}.png"), full_page=True)
        problems += faults(page)

        page.get_by_label("2", exact=True).check()
        page.get_by_label("or to a new school, called").fill("Lakeside School")
        page.get_by_role("button", name="Accept").click()
        page.get_by_text("Deployment 2 accepted").wait_for()
        chromium.close()

    assert problems == []
    # Django's admin site has no icon of its own.
    assert [it for it in said if not it.endswith("/favicon.ico")] == []
    assert Deployment.objects.get(deployment_id="2").school.name == "Lakeside School"  # type: ignore[union-attr]

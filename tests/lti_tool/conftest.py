from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from lti_tool.models import Deployment, LineItem, Registration, Roster, ToolKey
from tests import factories
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform
from tests.platforms.profiles import Profile
from tests.platforms.terms import AGS, ALL_SCOPES


@pytest.fixture
def registration(platform: FakePlatform) -> Registration:
    return Registration.objects.get(issuer=platform.issuer, client_id=platform.client_id)


@pytest.fixture
def gradebook(platform: FakePlatform, tool_key: ToolKey) -> FakePlatform:
    """The platform, which knows our keys and so gives tokens."""
    published = [tool_key.public_jwk]
    platform.tool_keys = lambda: published  # type: ignore[method-assign]
    return platform


@pytest.fixture
def line_item(gradebook: FakePlatform) -> LineItem:
    """The gradebook column as a launch named it."""
    Visitor(gradebook).launch()
    return LineItem.objects.select_related("resource_link").get()


@pytest.fixture
def launched_with(gradebook: FakePlatform) -> Callable[..., LineItem]:
    """The gradebook of a launch whose AGS claim says so and no more."""

    def launch(**claim: Any) -> LineItem:
        said = {"scope": ALL_SCOPES, "lineitems": f"{gradebook.url}/lineitems?type_id=1", **claim}
        Visitor(gradebook).launch(lambda claims: claims.update({AGS: said}))
        return LineItem.objects.select_related("resource_link").get()

    return launch


@pytest.fixture
def roster(gradebook: FakePlatform) -> Roster:
    """The list of members of the platform's course, to be read now."""
    course = factories.make_course(Deployment.objects.get(), context_id="course-1")
    url = f"{gradebook.url}/memberships/course-1"
    return Roster.objects.create(context=course, url=url, due_at=timezone.now())


@pytest.fixture
def vle(_platform_server: FakePlatform, tool_key: ToolKey) -> Callable[[Profile], FakePlatform]:
    """A VLE of that make that does not know us yet."""

    def become(profile: Profile) -> FakePlatform:
        _platform_server.reset(profile)
        _platform_server.tool_keys = lambda: [tool_key.public_jwk]  # type: ignore[method-assign]
        return _platform_server

    return become

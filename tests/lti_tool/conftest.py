from collections.abc import Callable
from typing import Any

import pytest

from lti_tool.models import LineItem, Registration, ToolKey
from tests.platforms.browser import Visitor
from tests.platforms.fake import AGS, ALL_SCOPES, FakePlatform


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

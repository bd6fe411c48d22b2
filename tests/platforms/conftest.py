from pathlib import Path
from typing import Any

import pytest

from course_content import catalogue
from tests.course_content.small_pack import write_pack
from tests.platforms.fake import FakePlatform
from tests.platforms.profiles import Profile
from tests.platforms.tool_side import ToolAt, ToolSide


@pytest.fixture
def tool_at(_platform_server: FakePlatform) -> ToolAt:
    """A bare tool of the test's own at a platform of that make: nothing of ours takes part."""

    def connect(profile: Profile) -> ToolSide:
        _platform_server.reset(profile)
        return ToolSide(_platform_server)

    return connect


@pytest.fixture
def two_modules(settings: Any, tmp_path: Path) -> None:
    """What the tool teaches: `all-staff-awareness`, which comes with it, and `small`."""
    settings.CONTENT_PACK_DIRS = [write_pack(tmp_path / "small")]
    catalogue.reload()

from pathlib import Path

import pytest

from course_content.packs import read_pack
from course_content.schema import Module
from tests.course_content.small_pack import write_pack

PACKS = Path(__file__).parents[2] / "course_content" / "packs"


@pytest.fixture
def small(tmp_path: Path) -> Module:
    """The small pack, read."""
    return read_pack(write_pack(tmp_path / "small"))


@pytest.fixture(scope="session")
def awareness() -> Module:
    """The real all-staff module."""
    return read_pack(PACKS / "all-staff-awareness")

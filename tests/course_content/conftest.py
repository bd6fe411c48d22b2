from pathlib import Path

import pytest

from course_content import catalogue
from course_content.packs import read_pack
from course_content.schema import Module
from course_content.variants import Variant
from grading.models import Enrolment
from tests import factories
from tests.course_content import every_kind
from tests.course_content.small_pack import write_pack

PACKS = Path(__file__).parents[2] / "course_content" / "packs"


@pytest.fixture
def small(tmp_path: Path) -> Module:
    """The small pack, read."""
    return read_pack(write_pack(tmp_path / "small"))


@pytest.fixture(scope="session")
def awareness() -> Module:
    """The real all-staff module."""
    return read_pack(PACKS / "responding", "all-staff-awareness", Variant("england", "school"))


@pytest.fixture
def every_kind_enrolment(db: None, monkeypatch: pytest.MonkeyPatch) -> Enrolment:
    """Alice, in the pack with one of each kind; it is all that this server teaches."""
    monkeypatch.setattr(catalogue, "BUILT_IN", every_kind.FOLDER)
    catalogue.reload()
    link = factories.make_link()
    activity = factories.make_activity(link, module="every-kind")
    return factories.make_enrolment(activity, factories.make_member(link.context, "Alice"))

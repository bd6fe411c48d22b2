from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from course_content import catalogue
from course_content.packs import read_pack
from tests.course_content.small_pack import broken_pack, write_pack


@pytest.fixture(autouse=True)
def fresh_catalogue(settings: Settings) -> Iterator[None]:
    settings.CONTENT_PACK_DIRS = []
    catalogue.reload()
    yield
    catalogue.reload()


def test_the_built_in_pack_is_there() -> None:
    assert catalogue.get_module("all-staff-awareness").nation == "england"
    assert catalogue.problems() == ()


def test_an_unknown_module_is_not_found() -> None:
    with pytest.raises(catalogue.ModuleNotFound):
        catalogue.get_module("nothing-like-it")
    with pytest.raises(catalogue.ModuleNotFound):
        catalogue.get_module("all-staff-awareness", "99")


def test_extra_packs_are_read_from_the_settings(settings: Settings, tmp_path: Path) -> None:
    write_pack(tmp_path / "small")
    settings.CONTENT_PACK_DIRS = [tmp_path]
    catalogue.reload()
    slugs = [m.slug for m in catalogue.all_modules()]
    assert "small" in slugs
    assert "all-staff-awareness" in slugs


def test_a_folder_may_be_a_pack_itself(settings: Settings, tmp_path: Path) -> None:
    settings.CONTENT_PACK_DIRS = [str(write_pack(tmp_path / "small"))]
    catalogue.reload()
    assert catalogue.get_module("small").title == "A small module"


def test_the_newest_version_is_taught_and_the_older_can_be_asked_for(
    settings: Settings, tmp_path: Path
) -> None:
    write_pack(tmp_path / "a")
    broken_pack(tmp_path / "b", "module.yaml", 'version: "1.0"', 'version: "1.10"')
    broken_pack(tmp_path / "c", "module.yaml", 'version: "1.0"', 'version: "1.9"')
    settings.CONTENT_PACK_DIRS = [tmp_path]
    catalogue.reload()
    assert catalogue.get_module("small").version == "1.10"
    assert catalogue.get_module("small", "1.0").version == "1.0"
    assert [m.version for m in catalogue.all_modules() if m.slug == "small"] == ["1.10"]


def test_a_broken_pack_is_left_out_and_the_others_still_teach(settings: Settings, tmp_path: Path) -> None:
    broken_pack(tmp_path / "bad", "module.yaml", "slug: small", "slug: bad!")
    write_pack(tmp_path / "good")
    settings.CONTENT_PACK_DIRS = [tmp_path]
    catalogue.reload()
    assert catalogue.get_module("small").slug == "small"
    assert [p.file for p in catalogue.problems()] == [f"{tmp_path}/bad/module.yaml"]


def test_one_version_cannot_have_two_contents(tmp_path: Path) -> None:
    first = write_pack(tmp_path / "one")
    other = broken_pack(tmp_path / "two", "module.yaml", "A small module", "Another module")
    found = catalogue.load([first, other])
    assert [m.title for m in found.modules] == ["A small module"]
    assert "give this one a new version" in found.problems[0].message
    assert catalogue.load([first, write_pack(tmp_path / "same")]).problems == ()


def test_modules_are_read_once(settings: Settings, tmp_path: Path) -> None:
    settings.CONTENT_PACK_DIRS = [write_pack(tmp_path / "small")]
    catalogue.reload()
    before = catalogue.get_module("small")
    (tmp_path / "small" / "module.yaml").write_text("broken")
    assert catalogue.get_module("small") is before


def test_the_summary_holds_what_the_record_keeps(tmp_path: Path) -> None:
    module = read_pack(write_pack(tmp_path))
    summary = catalogue.summary(module)
    assert (summary.slug, summary.version, summary.minutes) == ("small", "1.0", 4)
    assert summary.content_hash == module.content_hash
    assert summary.guidance_edition == "Guidance, March 2024 (England)"
    assert summary.outcomes == ("Know who to tell",)
    assert (summary.nation, summary.audience, summary.language) == ("england", "school", "en")
    assert summary.review_status == "draft"


def test_hidden_folders_are_no_packs(tmp_path: Path) -> None:
    write_pack(tmp_path / ".old")
    write_pack(tmp_path / "__pycache__")
    write_pack(tmp_path / "small")
    assert catalogue.pack_folders([tmp_path]) == (tmp_path / "small",)

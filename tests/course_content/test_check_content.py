from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from course_content import catalogue, checks
from tests.course_content.small_pack import broken_pack, write_pack


@pytest.fixture(autouse=True)
def fresh_catalogue(settings: Settings) -> Iterator[None]:
    settings.CONTENT_PACK_DIRS = []
    catalogue.reload()
    yield
    catalogue.reload()


def run(*args: str) -> tuple[str, str]:
    """What check_content prints, and its error ("" if it passed)."""
    out = StringIO()
    try:
        call_command("check_content", *args, stdout=out)
    except CommandError as failed:
        return out.getvalue(), str(failed)
    return out.getvalue(), ""


def test_the_built_in_content_passes_even_when_strict() -> None:
    out, error = run("--strict")
    assert error == ""
    assert "all-staff-awareness" in out
    assert "variants, 0 errors" in out


def test_paths_given_are_checked_instead(tmp_path: Path) -> None:
    out, error = run(str(write_pack(tmp_path / "small")))
    row = next(line.split() for line in out.splitlines() if line.startswith("small"))
    assert row == ["small", "1.0", "england", "1", "1", "1", "0", "0", "6", "4", "0", "draft"]
    assert error == ""
    assert "all-staff-awareness" not in out


def test_an_error_is_printed_with_its_file_and_line_and_fails(tmp_path: Path) -> None:
    folder = broken_pack(tmp_path / "bad", "quiz.yaml", "answer: [dsl]", "answer: [x]")
    out, error = run(str(folder))
    assert f"error: {folder}/quiz.yaml:17: questions[1].answer: 'x' is not one of" in out
    assert error


def test_a_warning_fails_only_when_strict(tmp_path: Path) -> None:
    folder = broken_pack(tmp_path / "p", "lessons/01-first.md", "claims: [tell]\n", "")
    assert run(str(folder))[1] == ""
    assert run(str(folder), "--strict")[1]


def test_an_overdue_review_is_said_and_fails_only_when_strict(tmp_path: Path) -> None:
    folder = broken_pack(
        tmp_path / "p",
        "guidance.yaml",
        "checked_on: 2026-11-22\n    review_by: 2027-03-01",
        "checked_on: 2020-01-01\n    review_by: 2021-01-01",
    )
    out, error = run(str(folder))
    assert "overdue: small: 'overview' was to be reviewed by 2021-01-01" in out
    assert error == ""
    assert run(str(folder), "--strict")[1]


def test_unverified_claims_are_listed_when_asked_for(tmp_path: Path) -> None:
    folder = broken_pack(tmp_path / "p", "claims.yaml", "verified: true", "verified: false")
    line = "unverified: england: tell (overview): Tell the DSL."
    assert line in run(str(folder), "--unverified")[0].splitlines()
    assert line not in run(str(folder))[0].splitlines()


def test_no_pack_at_all_is_a_failure(tmp_path: Path) -> None:
    assert run(str(tmp_path))[1] == "there is no pack to check"


def test_the_system_check_reports_errors_and_warnings(settings: Settings, tmp_path: Path) -> None:
    broken_pack(tmp_path / "bad", "quiz.yaml", "answer: [dsl]", "answer: [x]")
    broken_pack(tmp_path / "so-so", "lessons/01-first.md", "claims: [tell]\n", "")
    settings.CONTENT_PACK_DIRS = [tmp_path]
    catalogue.reload()
    assert sorted(m.id or "" for m in checks.check_packs()) == [
        "course_content.E001",
        "course_content.W001",
    ]


def test_the_system_check_is_silent_on_good_content() -> None:
    assert checks.check_packs() == []

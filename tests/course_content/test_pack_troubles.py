"""Packs with something wrong in them stop as little as they can, and never the server."""

import os
from pathlib import Path

import pytest

from course_content import catalogue
from course_content.packs import check_pack
from course_content.variants import Readers, Variant, resolve
from tests.course_content.small_pack import write_pack
from tests.course_content.test_translations import translated
from tests.course_content.test_variants import FORM, source, variants_pack

GOOD = Variant("england", "school")


def taught(*folders: Path) -> list[tuple[str, str]]:
    """What the catalogue can teach of these packs: slug and version."""
    return [(module.slug, module.version) for module in catalogue.load(folders).modules]


def two_forms(folder: Path) -> Path:
    variants_pack(folder)
    other = FORM.replace("slug: form", "slug: other").replace("lessons/01-first.md", "lessons/02-second.md")
    lesson = (folder / "lessons" / "01-first.md").read_text(encoding="utf-8")
    second = lesson.replace("slug: first", "slug: second")
    (folder / "lessons" / "02-second.md").write_text(second, encoding="utf-8")
    (folder / "forms" / "other.yaml").write_text(other, encoding="utf-8")
    return folder


def test_a_slip_in_one_forms_file_leaves_the_others_alone(tmp_path: Path) -> None:
    folder = two_forms(tmp_path / "pack")
    (folder / "lessons" / "02-second.md").write_text("half a les", encoding="utf-8")
    assert taught(folder) == [("form", "1.0")]
    assert any(p.file == "lessons/02-second.md" for p in check_pack(folder).errors)


@pytest.mark.parametrize("stray", ["NOTES.txt", "lessons/09-draft.md", "picture.png"])
def test_a_file_that_no_form_needs_stops_none(tmp_path: Path, stray: str) -> None:
    folder = two_forms(tmp_path / "pack")
    (folder / stray).write_text("half a les", encoding="utf-8")
    assert taught(folder) == [("form", "1.0"), ("other", "1.0")]
    assert stray in {p.file for p in check_pack(folder).errors}


def test_a_slip_in_the_welsh_leaves_the_english_alone(tmp_path: Path) -> None:
    folder = translated(tmp_path / "pack", texts={"A form for $pupils": "Ffurflen"})
    assert taught(folder) == [("form", "1.0")]
    assert check_pack(folder).errors


def test_a_checkout_is_a_pack_whatever_its_hidden_folders_hold(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "pack")
    hidden = folder / ".git" / "objects"
    hidden.mkdir(parents=True)
    for number in range(450):
        (hidden / str(number)).write_text("x")
    assert check_pack(folder).problems == ()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("claims.yaml", "claims: !!omap [{for: england}]\n"),
        ("claims.yaml", "claims: !!pairs [{for: england}]\n"),
        ("claims.yaml", "- one\n"),
        ("claims.yaml", "claims: {england: [], otherwise: []}\n"),
        ("claims.yaml", "claims: [{for: england, use: x}, {id: {england: a, otherwise: b}}]\n"),
        ("terms.yaml", "terms: [1]\n"),
        ("forms/form.yaml", f"slug: form\nversion: 0x{'F' * 6000}\n"),
        (
            "languages/cy.po",
            'msgid ""\nmsgstr "Content-Type: text/plain; charset=hex\\n"\n\nmsgid "a"\nmsgstr "b"\n',
        ),
    ],
)
def test_nothing_in_a_pack_can_break_the_catalogue(tmp_path: Path, file: str, text: str) -> None:
    folder = variants_pack(tmp_path / "bad")
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(text, encoding="utf-8")
    good = write_pack(tmp_path / "good")
    assert ("small", "1.0") in taught(folder, good)
    assert check_pack(folder).errors


def test_a_file_name_that_is_no_text_is_told_and_can_be_shown(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "pack")
    Path(os.fsdecode(os.fsencode(folder) + b"/b\xff.yaml")).write_text("x")
    (problem,) = check_pack(folder).errors
    assert problem.file.encode() == b"b?.yaml"


def test_two_forms_of_one_slug_are_told(tmp_path: Path) -> None:
    folder = variants_pack(tmp_path / "pack")
    (folder / "forms" / "twin.yaml").write_text(FORM, encoding="utf-8")
    messages = [p.message for p in check_pack(folder).errors]
    assert "'form' is used by another form of this pack" in messages


@pytest.mark.parametrize(
    "line", ["slug: {england: form, otherwise: form}", 'version: {england: "1", otherwise: "1"}']
)
def test_a_form_is_called_the_same_by_all_its_readers(tmp_path: Path, line: str) -> None:
    form = FORM.replace("slug: form", line) if line.startswith("slug") else f"{FORM}{line}\n"
    messages = [p.message for p in check_pack(variants_pack(tmp_path, **{"forms/form.yaml": form})).errors]
    assert "must be the same for all readers" in messages


def test_a_text_of_spaces_costs_no_more_than_another() -> None:
    """Each space began a search of its own: a quarter of a million of them took minutes."""
    text = "a: '" + "x" + " " * 250_000 + "y [?tell]'\n"
    resolved = resolve(source(text), Readers(GOOD, verified={"tell": False}))
    assert resolved.source.data["a"].endswith("y (being checked)")


def test_a_review_of_the_english_is_none_of_a_machines_welsh(tmp_path: Path) -> None:
    folder = translated(tmp_path / "pack", fuzzy=True)
    common = folder / "common.yaml"
    common.write_text(common.read_text().replace("status: draft", "status: reviewed by Dr X on 2026-11-22"))
    known = catalogue.load([folder]).known[0]
    english, welsh = (known.module(Variant("england", "school", language)) for language in ("en", "cy"))
    assert english is not None
    assert welsh is not None
    assert catalogue.summary(english).review_status == "reviewed by Dr X on 2026-11-22"
    assert catalogue.summary(welsh).review_status == "draft"

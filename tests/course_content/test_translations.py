"""A pack in Welsh: what its readers get, what is missing, and what a translator is told."""

from io import StringIO
from pathlib import Path

import pytest
from babel.messages import pofile
from django.core.management import call_command

from course_content import catalogue
from course_content.packs import check_pack, read_pack
from course_content.variants import Variant
from tests.course_content.test_variants import FORM, variants_pack

WELSH = Variant("england", "school", "cy")


def translated(folder: Path, *, fuzzy: bool = False, texts: dict[str, str] | None = None) -> Path:
    """The pack with languages/cy.po: each text in capitals, unless it is given here by its English."""
    variants_pack(folder, **{"forms/form.yaml": FORM + "languages: [en, cy]\n"})
    call_command("translate_content", "cy", str(folder), stdout=StringIO())
    file = folder / "languages" / "cy.po"
    with file.open("rb") as opened:
        messages = pofile.read_po(opened, locale="cy")
    for message in messages:
        if message.id:
            message.string = (texts or {}).get(str(message.id), _loud(str(message.id)))
            message.flags |= {"fuzzy"} if fuzzy else set()
    with file.open("wb") as opened:
        pofile.write_po(opened, messages)
    return folder


def _loud(english: str) -> str:
    """In capitals, but for what must stay."""
    kept = ("$", "[", "(", "http")
    return " ".join(
        word if word.startswith(kept) or "](" in word else word.upper() for word in english.split(" ")
    )


def add_a_sentence(folder: Path) -> None:
    lesson = folder / "lessons" / "01-first.md"
    lesson.write_text(lesson.read_text(encoding="utf-8") + "\n\nOne more thing.\n", encoding="utf-8")


def test_a_reader_of_welsh_gets_it_where_it_is_there(tmp_path: Path) -> None:
    module = read_pack(translated(tmp_path), "form", WELSH)
    assert module.language == "cy"
    assert module.title == "A FORM FOR pupils"
    assert module.lessons[0].title == "THE FIRST LESSON"
    assert module.steps[0].slug == "first"
    assert not module.machine_drafted


def test_what_a_machine_drafted_is_shown_and_marked(tmp_path: Path) -> None:
    module = read_pack(translated(tmp_path, fuzzy=True), "form", WELSH)
    assert module.title == "A FORM FOR pupils"
    assert module.machine_drafted


def test_a_text_that_is_missing_is_told_with_its_file(tmp_path: Path) -> None:
    folder = translated(tmp_path)
    add_a_sentence(folder)
    found = {(p.file, p.message) for p in check_pack(folder).errors}
    assert found == {("lessons/01-first.md", "is not translated (cy): One more thing.")}


@pytest.mark.parametrize("text", ["Ffurflen", "Ffurflen i $pupil", "Ffurflen i $pupils [?tell]"])
def test_a_translation_keeps_terms_and_marks(tmp_path: Path, text: str) -> None:
    folder = translated(tmp_path, texts={"A form for $pupils": text})
    messages = [p.message for p in check_pack(folder).errors if p.file == "languages/cy.po"]
    assert len(messages) == 1
    assert messages[0].startswith("the translation must keep")


def test_a_translation_that_has_fallen_behind_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = translated(tmp_path / "packs" / "one")
    add_a_sentence(folder)
    monkeypatch.setattr(catalogue, "BUILT_IN", folder)
    catalogue.reload()
    module = catalogue.get_module("form", nation="england", audience="school", language="cy")
    assert (module.language, module.title) == ("en", "A form for pupils")
    catalogue.reload()


def test_a_broken_catalogue_is_told(tmp_path: Path) -> None:
    folder = translated(tmp_path)
    (folder / "languages" / "cy.po").write_text("nothing of the kind\n", encoding="utf-8")
    assert "is not a gettext catalogue" in {p.message.partition(":")[0] for p in check_pack(folder).errors}


def test_bringing_a_catalogue_up_to_date_keeps_what_was_translated(tmp_path: Path) -> None:
    folder = translated(tmp_path, fuzzy=True)
    add_a_sentence(folder)
    out = StringIO()
    call_command("translate_content", "cy", str(folder), stdout=out)
    assert ", 1 not translated," in out.getvalue()
    assert "THE FIRST LESSON" in (folder / "languages" / "cy.po").read_text(encoding="utf-8")


def test_the_parity_of_each_form_is_reported(tmp_path: Path) -> None:
    out = StringIO()
    folder = translated(tmp_path, fuzzy=True)
    call_command("check_content", str(folder), "--parity", "cy", stdout=out)
    assert "cy: form: 100 % (" in out.getvalue()
    assert " 0 drafted" not in out.getvalue()


def test_a_catalogue_may_be_of_one_form_alone_and_keeps_the_others_translations(tmp_path: Path) -> None:
    folder = variants_pack(tmp_path)
    other = FORM.replace("slug: form", "slug: other").replace("A form for", "Another for")
    (folder / "forms" / "other.yaml").write_text(other, encoding="utf-8")
    file = folder / "languages" / "cy.po"
    call_command("translate_content", "cy", str(folder), "--form=form", stdout=StringIO())
    assert "Another for" not in file.read_text(encoding="utf-8")
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace('"A form for $pupils"\nmsgstr ""', '"A form for $pupils"\nmsgstr "Un $pupils"')
    )
    call_command("translate_content", "cy", str(folder), "--form=other", stdout=StringIO())
    both = file.read_text(encoding="utf-8")
    assert "Another for" in both
    assert "Un $pupils" in both


def test_the_register_is_in_english_for_everybody_terms_and_all(tmp_path: Path) -> None:
    folder = translated(tmp_path)
    terms = "terms:\n  pupils: {cy: disgyblion, otherwise: pupils}\n"
    (folder / "terms.yaml").write_text(terms, encoding="utf-8")
    claims = folder / "claims.yaml"
    claims.write_text(
        claims.read_text().replace("Tell the DSL.", "Tell the DSL of $pupils."), encoding="utf-8"
    )
    module = read_pack(folder, "form", WELSH)
    assert module.title == "A FORM FOR disgyblion"
    assert module.claims[0].text == "Tell the DSL of pupils."

"""What is taught in one language on pages in another: each part of a page says which it is in."""

import re
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages import pofile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from course_content import catalogue, markdown, marking
from course_content.variants import Variant
from grading import attempts, certificate_pdf, certificates
from grading.models import Enrolment
from tests import factories
from tests.course_content.small_pack import write_pack
from tests.course_content.test_translations import _loud
from tests.course_content.test_views import sign_in

pytestmark = pytest.mark.django_db


def packs(folder: Path, monkeypatch: pytest.MonkeyPatch, *, languages: str) -> None:
    """The small pack is all that this server teaches; its Welsh, if it has any, is drafted by a machine."""
    pack = write_pack(folder / "packs" / "small") or folder / "packs" / "small"
    module = pack / "module.yaml"
    module.write_text(module.read_text(encoding="utf-8") + f"languages: {languages}\n", encoding="utf-8")
    if "cy" in languages:
        call_command("translate_content", "cy", str(pack), stdout=StringIO())
        file = pack / "languages" / "cy.po"
        with file.open("rb") as opened:
            messages = pofile.read_po(opened, locale="cy")
        for message in messages:
            if message.id:
                message.string = _loud(str(message.id))
                message.flags.add("fuzzy")
        with file.open("wb") as opened:
            pofile.write_po(opened, messages)
    monkeypatch.setattr(catalogue, "BUILT_IN", folder / "packs")
    catalogue.reload()


@pytest.fixture
def english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packs(tmp_path, monkeypatch, languages="[en]")


@pytest.fixture
def welsh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packs(tmp_path, monkeypatch, languages="[en, cy]")


@pytest.fixture
def enrolment() -> Enrolment:
    link = factories.make_link()
    user = factories.make_member(link.context, "Alice")
    return factories.make_enrolment(factories.make_activity(link, module="small"), user)


def reader(enrolment: Enrolment, language: str) -> Client:
    client = sign_in(enrolment.lti_user)
    client.cookies["sr-language"] = f"chosen.{language}"
    return client


def page(client: Client, name: str, *args: object) -> str:
    response: Any = client.get(reverse(f"learn:{name}", args=args))
    assert response.status_code == 200
    return str(response.content.decode())


def languages_of(text: str) -> set[str]:
    """The languages that parts of a page say they are in, but for the name of the other one in the switch."""
    body = re.sub(r'<form class="language".*?</form>', "", text.split("<body>")[1], flags=re.DOTALL)
    return set(re.findall(r' lang="([\w-]+)"', body))


@pytest.mark.usefixtures("english")
def test_an_english_module_says_so_on_a_welsh_page(enrolment: Enrolment) -> None:
    text = page(reader(enrolment, "cy"), "module", enrolment.pk)
    assert '<h1 lang="en">A small module</h1>' in text
    assert re.search(r'<a class="stop-title" lang="en" href="[^"]+">The first lesson</a>', text)
    assert "Y camau" in text
    assert "Cyfieithwyd gan beiriant" not in text


@pytest.mark.usefixtures("english")
def test_every_page_of_it_does(enrolment: Enrolment) -> None:
    client = reader(enrolment, "cy")
    said = {
        "lesson": page(client, "lesson", enrolment.pk, "first"),
        "scenario": page(client, "scenario", enrolment.pk, "door"),
        "quiz": page(client, "quiz", enrolment.pk),
        "guidance": page(client, "guidance", enrolment.pk),
    }
    assert {name: languages_of(text) for name, text in said.items()} == {name: {"en"} for name in said}
    assert '<div class="prose" lang="en"><p>Tell your <strong>DSL</strong>.' in said["lesson"]


@pytest.mark.usefixtures("english")
def test_on_a_page_of_its_own_language_nothing_needs_saying(enrolment: Enrolment) -> None:
    client = reader(enrolment, "en-gb")
    for name in ("module", "guidance"):
        assert languages_of(page(client, name, enrolment.pk)) == set()


@pytest.mark.usefixtures("welsh")
def test_a_reader_of_welsh_is_taught_in_welsh_and_told_that_a_machine_drafted_it(
    enrolment: Enrolment,
) -> None:
    client = reader(enrolment, "cy")
    for text in (page(client, "module", enrolment.pk), page(client, "lesson", enrolment.pk, "first")):
        assert '<span class="tag">Cyfieithwyd gan beiriant</span>' in text
    assert "<h1>THE FIRST LESSON</h1>" in text
    assert "Translated by machine" not in page(reader(enrolment, "en-gb"), "module", enrolment.pk)


@pytest.mark.usefixtures("welsh")
def test_a_paper_stays_in_the_language_it_was_put_in(enrolment: Enrolment) -> None:
    with translation.override("cy"):
        module = catalogue.taught_by(enrolment.activity)
        summary = catalogue.summary(module)
        put = attempts.start(
            enrolment, draw=lambda: marking.draw_paper(module), module=summary, now=timezone.now()
        )
    text = page(reader(enrolment, "en-gb"), "question", put.pk, 1)
    assert re.search(r'<h1 class="prompt" lang="cy">[^a-z]+</h1>', text)
    assert languages_of(text) == {"cy"}


def test_a_paper_keeps_no_words_of_the_interface() -> None:
    question = next(
        q for m in catalogue.all_modules() if m.quiz for q in m.quiz.questions if q.kind == "reasoned"
    )
    with translation.override("cy"):
        assert [o.text for o in question.options[:2]] == ["Cywir", "Anghywir"]
        kept = question.model_dump(mode="json")
    assert "Cywir" not in str(kept)
    assert [o.text for o in question.options[:2]] == ["True", "False"]


def test_a_pass_in_welsh_earns_a_certificate_in_welsh(enrolment: Enrolment) -> None:
    module = replace(factories.MODULE, language="cy", title="Ymateb i ddelweddau noeth", nation="wales")
    put = attempts.start(enrolment, draw=lambda: factories.PAPER, module=module, now=timezone.now())
    attempts.submit(put, mark=factories.marks(100), now=timezone.now())
    certificate = certificates.of_enrolment(enrolment)
    assert certificate is not None
    facts = certificates._pdf_facts(certificate)
    assert (facts.language, facts.nation, facts.audience) == ("cy", "wales", "school")
    assert certificate_pdf._document(facts)["words"]["heading"] == "Tystysgrif cwblhau"


def test_a_call_out_has_its_title_in_the_texts_own_language() -> None:
    welsh = markdown.opened_in("cy", "::: never")
    assert "Peidiwch byth</p>" in markdown.render(f"{welsh}\nEdrych.\n:::")
    assert "Never</p>" in markdown.render(f"{markdown.opened_in('en', '::: never')}\nLook.\n:::")
    assert markdown.opened_in("cy", "::: exercise one") == "::: exercise one"
    assert Variant("wales", "school", "cy").language == "cy"

"""The interface in English and Welsh: which is spoken, and that no word of it is missing in Welsh."""

import gettext
import re
from io import BytesIO
from typing import Any

import pytest
from babel.messages.catalog import Message
from django.test import Client
from django.utils import translation

from deploy import words
from lti_tool import languages
from lti_tool.models import Launch
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform
from tests.platforms.terms import CLAIM

CATALOGUE = words.read(words.WELSH.read_bytes())
# What a text and its translation must share: values, per cent signs, elements, and the addresses in them.
KEPT = re.compile(r"%\(\w+\)[sd]|%%|\{\w*\}|</?\w+[^>]*>")


# --- the words ------------------------------------------------------------------------------------


def texts(message: Message) -> tuple[list[str], list[str]]:
    """What a message says in English and in Welsh, its plural forms too."""
    english, welsh = message.id, message.string
    return (
        list(english) if isinstance(english, tuple | list) else [english],
        list(welsh) if isinstance(welsh, tuple | list) else [welsh],
    )


def test_the_catalogue_holds_what_is_marked_and_nothing_else() -> None:
    """`make words` was run since a page changed."""
    marked = {(str(m.id), m.context) for m in words.marked() if m.id}
    assert {(str(m.id), m.context) for m in CATALOGUE if m.id} == marked
    assert len(marked) > 800


def test_no_page_has_words_that_are_not_marked() -> None:
    # Names of products, of the languages, of a parameter; and what blocks and branches write into tags.
    same = {"Moodle", "Canvas", "Brightspace", "Blackboard", "Sakai", "Cymraeg", "English", "module"}
    in_tags = {"class", "wide", "back", "lang", "Englishvalue"}
    unmarked = []
    for file in words.sources():
        if file.suffix == ".html":
            text = file.read_text(encoding="utf-8")
            text = re.sub(r"{% blocktranslate.*?endblocktranslate %}|{#.*?#}", "", text, flags=re.DOTALL)
            text = re.sub(r"{%.*?%}|{{.*?}}", "", text, flags=re.DOTALL)
            text = re.sub(r"<[^<>]*>|&\w+;", " ", text)
            unmarked += [(file.name, w) for w in re.findall(r"[^\W\d_]{3,}", text) if w not in same | in_tags]
    assert unmarked == []


def test_everything_has_a_welsh_text() -> None:
    assert [m.id for m in CATALOGUE if m.id and not all(t.strip() for t in texts(m)[1])] == []


def test_every_plural_form_is_there() -> None:
    forms = {len(texts(m)[1]) for m in CATALOGUE if m.id and m.pluralizable}
    assert forms == {CATALOGUE.num_plurals} == {5}


def test_values_and_elements_are_kept() -> None:
    changed = []
    for message in CATALOGUE:
        english, welsh = texts(message)
        wanted = [sorted(KEPT.findall(text)) for text in english]
        changed += [text for text in welsh if message.id and sorted(KEPT.findall(text)) not in wanted]
    assert changed == []


def test_what_is_compiled_is_what_is_written() -> None:
    compiled = gettext.GNUTranslations(BytesIO(words.compiled(words.WELSH.read_bytes())))
    kept = gettext.GNUTranslations(BytesIO(words.WELSH.with_suffix(".mo").read_bytes()))
    assert kept._catalog == compiled._catalog  # type: ignore[attr-defined]
    assert len(kept._catalog) > len([m for m in CATALOGUE if m.id])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("number", "said"),
    [(1, "1 funud"), (2, "2 funud"), (3, "3 munud"), (6, "6 munud"), (40, "40 munud")],
)
def test_numbers_are_counted_in_welsh(number: int, said: str) -> None:
    with translation.override("cy"):
        one_or_more = translation.ngettext("%(minutes)s minute", "%(minutes)s minutes", number)
        assert one_or_more % {"minutes": number} == said


def test_a_new_message_waits_for_its_text_and_an_old_one_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    marked = words.marked()
    marked.delete("Cancel")
    marked.add("Something new")
    monkeypatch.setattr(words, "marked", lambda: marked)
    now = words.read(words.updated(words.WELSH.read_bytes()))
    assert now.get("Something new").string == ""
    assert now.get("Cancel") is None
    assert now.get("Back").string == "Yn ôl"


def test_operators_pages_are_not_translated(admin_client: Client) -> None:
    response = admin_client.get("/admin/", headers={"accept-language": "cy"})
    assert response["Content-Language"] == "en-gb"
    assert "Log out" in response.content.decode()


# --- which language is spoken ---------------------------------------------------------------------


def ask(path: str = "/help-now/", *, accept: str = "", **kept: str) -> Any:
    client = Client(headers={"accept-language": accept} if accept else {})
    for name, value in kept.items():
        client.cookies[name.replace("_", "-")] = value
    return client.get(path)


def spoken(response: Any) -> str:
    """The language that a page says it is in, in its header and its markup alike."""
    marked = re.search(r'<html lang="([\w-]+)">', response.content.decode())
    assert marked is not None
    assert response["Content-Language"] == marked[1].lower()
    return marked[1]


@pytest.mark.parametrize(
    ("accept", "language"),
    [("", "en-GB"), ("cy", "cy"), ("cy-GB,en;q=0.8", "cy"), ("en-US,cy;q=0.5", "en-GB"), ("fr", "en-GB")],
)
def test_the_browser_is_asked(accept: str, language: str) -> None:
    assert spoken(ask(accept=accept)) == language


@pytest.mark.parametrize(
    ("cookie", "language"),
    [
        ("chosen.cy", "cy"),
        ("told.cy", "cy"),
        ("told.en-gb", "en-GB"),
        ("chosen.fr", "en-GB"),
        ("forged.cy", "en-GB"),
        ("cy", "en-GB"),
        ("chosen." + "x" * 3000, "en-GB"),
    ],
)
def test_what_was_chosen_or_told_is_kept(cookie: str, language: str) -> None:
    assert spoken(ask(sr_language=cookie)) == language


def test_what_was_chosen_goes_before_the_browsers_language() -> None:
    assert spoken(ask(accept="cy", sr_language="chosen.en-gb")) == "en-GB"


def test_a_cache_keeps_the_languages_apart() -> None:
    assert {"Accept-Language", "Cookie"} <= set(ask()["Vary"].split(", "))


@pytest.mark.django_db
def test_what_is_no_page_says_no_language() -> None:
    response = Client().get("/lti/jwks/")
    assert "Content-Language" not in response
    assert "Cookie" not in response.get("Vary", "")


def test_no_request_leaves_its_language_to_the_next() -> None:
    ask(accept="cy")
    assert translation.get_language() == "en-gb"


@pytest.mark.parametrize(
    ("locale", "language"),
    [("cy", "cy"), ("cy-GB", "cy"), ("cy_GB", "cy"), ("CY", "cy"), ("en", "en-gb"), ("en_GB", "en-gb")],
)
def test_a_vles_locale_is_understood(locale: str, language: str) -> None:
    assert languages.understood(locale) == language


@pytest.mark.parametrize("locale", ["", "fr", "fr-FR", "cy; DROP", "\u0000", "../cy", "x" * 20])
def test_another_locale_is_not(locale: str) -> None:
    assert languages.understood(locale) == ""


def test_a_failure_is_said_in_welsh() -> None:
    response = ask("/nowhere/", accept="cy")
    assert response.status_code == 404
    assert "Nid yw’r dudalen hon yma i chi" in response.content.decode()


# --- the switch -----------------------------------------------------------------------------------


def switch(language: str = "cy", back: str = "/help-now/?back=/x/", **headers: str) -> Any:
    client = Client(headers={"host": "tool.example", **headers})
    return client.post("/language/", {"language": language, "next": back}, secure=True)


def test_each_page_offers_the_other_language() -> None:
    english, welsh = ask("/help-now/?back=/learn/"), ask(accept="cy")
    assert '<button class="as-link" type="submit" name="language" value="cy" lang="cy">Cymraeg</button>' in (
        english.content.decode()
    )
    assert 'name="next" value="/help-now/?back=/learn/"' in english.content.decode()
    assert 'value="en-gb" lang="en">English</button>' in welsh.content.decode()


def test_choosing_leads_back_and_is_kept_in_the_vles_own_jar() -> None:
    response = switch()
    cookie = response.cookies["sr-language"]
    assert response["Location"] == "/help-now/?back=/x/"
    assert cookie.value == "chosen.cy"
    assert cookie["secure"]
    assert cookie["httponly"]
    assert cookie["partitioned"]
    assert (cookie["samesite"], cookie["max-age"]) == ("None", languages.CHOSEN_SECONDS)


@pytest.mark.parametrize(
    "back", ["", "https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "help"]
)
def test_it_leads_nowhere_else(back: str) -> None:
    assert switch(back=back)["Location"] == "/"


@pytest.mark.parametrize("language", ["fr", "", "en", "cy\r\nSet-Cookie: x=y"])
def test_another_language_is_no_choice(language: str) -> None:
    assert "sr-language" not in switch(language).cookies


@pytest.mark.parametrize(
    ("origin", "is_kept"),
    [("https://tool.example", True), ("https://evil.example", False), ("null", False)],
)
def test_only_our_own_pages_may_choose(origin: str, is_kept: bool) -> None:
    assert ("sr-language" in switch(origin=origin).cookies) is is_kept


def test_choosing_is_a_post() -> None:
    assert Client().get("/language/").status_code == 405


def test_the_answer_to_a_form_offers_no_switch() -> None:
    """It could not be asked for again."""
    response = Client().post("/lti/launch/", {}, headers={"accept-language": "cy"})
    assert "Nid oedd modd agor y gweithgaredd" in response.content.decode()
    assert 'action="/language/"' not in response.content.decode()


def test_welsh_says_that_a_machine_drafted_it() -> None:
    note = "Drafftiwyd Cymraeg y tudalennau hyn gan beiriant"
    assert note in ask(accept="cy").content.decode()
    assert note not in ask().content.decode()
    assert "gan beiriant" not in ask().content.decode()


# --- the launch's locale --------------------------------------------------------------------------


def launch(visitor: Visitor, locale: str) -> Any:
    presentation = f"{CLAIM}launch_presentation"
    return visitor.launch(lambda claims: claims[presentation].update(locale=locale))


@pytest.mark.django_db
def test_a_launch_in_welsh_leads_to_pages_in_welsh(platform: FakePlatform) -> None:
    visitor = Visitor(platform)
    response = launch(visitor, "cy-GB")

    assert response.cookies["sr-language"].value == "told.cy"
    assert response.cookies["sr-language"]["partitioned"]
    page = visitor.client.get(response["Location"], secure=True, follow=True)
    assert spoken(page) == "cy"
    assert "Y camau" in page.content.decode()


@pytest.mark.django_db
def test_each_launch_tells_again(platform: FakePlatform) -> None:
    visitor = Visitor(platform)
    launch(visitor, "cy")
    assert launch(visitor, "en").cookies["sr-language"].value == "told.en-gb"


@pytest.mark.django_db
def test_a_launch_does_not_undo_what_was_chosen(platform: FakePlatform) -> None:
    visitor = Visitor(platform)
    visitor.client.cookies["sr-language"] = "chosen.en-gb"
    assert "sr-language" not in launch(visitor, "cy").cookies


@pytest.mark.django_db
def test_a_launch_in_another_language_forgets_the_last_one(platform: FakePlatform) -> None:
    visitor = Visitor(platform)
    launch(visitor, "cy")
    assert launch(visitor, "fr").cookies["sr-language"]["max-age"] == 0
    assert "sr-language" not in launch(Visitor(platform), "fr").cookies
    assert Launch.objects.count() == 3

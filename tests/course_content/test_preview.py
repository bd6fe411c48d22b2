"""An author's preview: all of a variant on its pages, on a server and in a folder, whatever state a pack is in."""

import os
import re
from datetime import date
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from playwright.sync_api import sync_playwright

from course_content import catalogue, packs
from course_content.comparison import compare
from course_content.packs import Pack, read_pack
from course_content.previews import open_pack
from course_content.variants import Variant
from tests.course_content import every_kind
from tests.course_content.small_pack import FILES, LESSON, MODULE, broken_pack, write_pack
from tests.journeys.browsing import DESKTOP, FLAGS, PHONE

CSS = Path(__file__).parents[2] / "deploy" / "static" / "saferesponse.css"
TWO_NATIONS = MODULE.replace("nations: [england]", "nations: [england, scotland]")
TWO_LESSONS = LESSON.replace(
    "Tell your **DSL**.", "Tell your **DSL**.\n\n::: only scotland\nIn Scotland, report it.\n::: /only"
)
ENGLAND = "/authoring/packs/small/module/england/school/en/"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small pack for two nations; it is all that this server teaches."""
    folder = write_pack(
        tmp_path / "packs" / "small", **{"module.yaml": TWO_NATIONS, "lessons/01-first.md": TWO_LESSONS}
    )
    monkeypatch.setattr(catalogue, "BUILT_IN", tmp_path / "packs")
    catalogue.reload()
    return folder


@pytest.fixture
def operator(folder: Path, admin_client: Client) -> Client:
    return admin_client


def page(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    # A file system may keep whole seconds only.
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 2_000_000_000))


# --- who comes in ---------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/authoring/", "/authoring/packs/small/", ENGLAND])
def test_only_staff_of_the_admin_site_come_in(folder: Path, db: None, client: Client, address: str) -> None:
    assert client.get(address)["Location"].startswith("/admin/login/")
    client.force_login(User.objects.create_user("bob"))
    assert client.get(address)["Location"].startswith("/admin/login/")
    client.force_login(User.objects.create_user("alice", is_staff=True))
    assert client.get(address).status_code == 200


def test_the_admin_site_leads_there(operator: Client) -> None:
    assert 'href="/authoring/"' in page(operator, "/admin/")


def test_a_page_keeps_to_the_policy_of_pages(operator: Client) -> None:
    response = operator.get(f"{ENGLAND}step/door/")
    assert "style-src 'self'" in response["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert not re.search(r"<script|\sstyle=|\son\w+=", response.content.decode())


# --- from the packs to a step ---------------------------------------------------------------------


def test_packs_forms_and_variants_are_listed(operator: Client) -> None:
    assert 'href="/authoring/packs/small/"' in page(operator, "/authoring/")
    assert 'href="/authoring/packs/small/module/"' in page(operator, "/authoring/packs/small/")
    listed = page(operator, "/authoring/packs/small/module/")
    assert f'href="{ENGLAND}"' in listed
    assert ENGLAND.replace("england", "scotland") in listed
    assert "not made yet" not in listed


def test_every_address_on_the_pages_leads_somewhere(operator: Client) -> None:
    waiting, seen = ["/authoring/"], set()
    while waiting:
        address = waiting.pop()
        seen.add(address)
        links = Links()
        links.feed(page(operator, address))
        assert links.fragments <= links.ids, address
        assert len(links.ids) == links.id_count, address
        found = {link for link in links.pages if link.startswith("/authoring/")}
        waiting += sorted(found - seen - set(waiting))
    assert len([address for address in seen if "/step/" in address]) == 6
    assert len([address for address in seen if address.endswith("/differs/")]) == 2


def test_a_step_shows_all_of_itself(operator: Client) -> None:
    door = page(operator, f"{ENGLAND}step/door/")
    assert '<svg role="img" aria-labelledby="graph-title graph-desc"' in door
    for words in ("Do you open?", "They will knock again.", "harmful: This could do harm", "Well done."):
        assert words in door
    quiz = page(operator, f"{ENGLAND}step/quiz/")
    assert "Must be right" in quiz
    assert "Listen, tell, write." in quiz
    assert "In Scotland" not in page(operator, f"{ENGLAND}step/first/")
    assert "In Scotland" in page(operator, f"{ENGLAND.replace('england', 'scotland')}step/first/")


@pytest.mark.parametrize(
    "address",
    [
        "/authoring/packs/nothing/",
        "/authoring/packs/small/nothing/",
        "/authoring/packs/small/module/wales/school/en/",
        "/authoring/packs/small/module/england/school/cy/",
        f"{ENGLAND}step/nothing/",
    ],
)
def test_what_is_not_there_is_not_found(operator: Client, address: str) -> None:
    assert operator.get(address).status_code == 404


def test_a_page_of_variants_stops_when_its_time_is_up(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("course_content.views.authoring.SECONDS", 0)
    assert "0 of 2 are made" in page(operator, "/authoring/packs/small/module/")
    page(operator, ENGLAND)
    assert "1 of 2 are made" in page(operator, "/authoring/packs/small/module/")


# --- an author at work ----------------------------------------------------------------------------


def test_a_saved_file_shows_at_the_next_look(operator: Client, folder: Path) -> None:
    assert "Tell your <strong>DSL</strong>" in page(operator, f"{ENGLAND}step/first/")
    rewrite(folder / "lessons/01-first.md", "Tell your **DSL**.", "Tell your **head**.")
    assert "Tell your <strong>head</strong>" in page(operator, f"{ENGLAND}step/first/")


def test_a_pack_is_read_once_while_nothing_changes(
    operator: Client, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    class Counted(Pack):
        def __init__(self, folder: Path) -> None:
            read.append(folder)
            super().__init__(folder)

    monkeypatch.setattr(packs, "Pack", Counted)
    page(operator, ENGLAND)
    page(operator, f"{ENGLAND}step/first/")
    assert read == [folder]
    (folder / "questions").mkdir()
    (folder / "questions/new.yaml").write_text("questions: []\n", encoding="utf-8")
    page(operator, ENGLAND)
    assert read == [folder, folder]


def test_a_broken_pack_says_all_that_is_wrong(operator: Client, folder: Path) -> None:
    rewrite(folder / "scenarios/01-door.yaml", "goes_to: inside", "goes_to: nowhere")
    rewrite(folder / "quiz.yaml", "draw: 2", "drow: 2")
    for address in ("/authoring/packs/small/", "/authoring/packs/small/module/", ENGLAND):
        shown = page(operator, address)
        line = FILES["scenarios/01-door.yaml"].splitlines().index("        goes_to: inside") + 1
        assert (
            f"<code>scenarios/01-door.yaml:{line}</code> <code>nodes.knock.choices[1].goes_to</code>" in shown
        )
        assert "there is no node &#x27;nowhere&#x27;" in shown
        assert "<pre><code>goes_to: nowhere</code></pre>" in shown
        assert "is not a field here; check the spelling" in shown
    assert operator.get(f"{ENGLAND}step/first/").status_code == 404
    assert "This variant cannot be made." in page(operator, ENGLAND)
    assert "cannot be made" in page(operator, f"{ENGLAND}differs/")


def test_a_file_that_is_not_yaml_stops_nothing(operator: Client, folder: Path) -> None:
    (folder / "quiz.yaml").write_text("slug: [", encoding="utf-8")
    assert "is not good YAML" in page(operator, "/authoring/packs/small/")
    assert "problem" in page(operator, "/authoring/")


def test_what_is_wrong_for_some_names_them(operator: Client, folder: Path) -> None:
    claims = folder / "claims.yaml"
    rewrite(claims, "nation: uk", "nation: {scotland: england, otherwise: uk}")
    shown = page(operator, "/authoring/packs/small/module/")
    assert "&#x27;tell&#x27; holds in england, not in scotland" in shown
    assert "For scotland, school" in shown


def test_what_is_not_checked_or_overdue_is_marked(operator: Client, folder: Path) -> None:
    rewrite(folder / "claims.yaml", "verified: true", "verified: false")
    rewrite(folder / "guidance.yaml", "checked_on: 2026-11-22", "checked_on: 2020-01-01")
    rewrite(folder / "guidance.yaml", "review_by: 2027-03-01", "review_by: 2020-03-01")
    shown = page(operator, ENGLAND)
    assert "Not yet checked by a reviewer" in shown
    assert "since 1 March 2020" in shown
    register = page(operator, f"{ENGLAND}guidance/")
    assert "Check due" in register
    assert "Check of its guidance is due" in register
    assert "Not yet checked" in page(operator, f"{ENGLAND}step/first/")


# --- comparing ------------------------------------------------------------------------------------


def test_the_steps_that_differ_are_listed(operator: Client) -> None:
    shown = page(operator, f"{ENGLAND}differs/?with=scotland, school")
    assert re.findall(r'<span class="tag[^"]*">([^<]+)</span>', shown) == [
        "The same",
        "Differs",
        "The same",
        "The same",
    ]
    assert "In Scotland, report it." in shown


def test_a_comparison_keeps_to_what_differs(tmp_path: Path) -> None:
    scenario = FILES["scenarios/01-door.yaml"].replace(
        "verdict: poor", "verdict: {scotland: best, otherwise: poor}"
    )
    steps = TWO_NATIONS.replace("  - quiz.yaml", "  - {for: england, use: quiz.yaml}").replace(
        "minutes: 4", "minutes: {scotland: 2, otherwise: 4}"
    )
    folder = write_pack(tmp_path, **{"module.yaml": steps, "scenarios/01-door.yaml": scenario})
    england = read_pack(folder, variant=Variant("england", "school"))
    scotland = read_pack(folder, variant=Variant("scotland", "school"))
    form, lesson, door, quiz = compare(england, scotland)
    assert [(d.field, d.here, d.there) for d in form.differences] == [("minutes", "4", "2")]
    assert lesson.standing == "same"
    assert [(d.field, d.here, d.there) for d in door.differences] == [
        ("nodes.knock.choices[ignore].verdict", "poor", "best")
    ]
    assert quiz.standing == "only here"
    assert compare(scotland, england)[-1].standing == "only there"


# --- pages in a folder ----------------------------------------------------------------------------


class Links(HTMLParser):
    """What a page links to, the places in it, and everything it loads."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: set[str] = set()
        self.fragments: set[str] = set()
        self.ids: set[str] = set()
        self.id_count = 0
        self.loads: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if identity := named.get("id"):
            self.ids.add(identity)
            self.id_count += 1
        address = named.get("href") or ""
        if tag == "link":
            self.loads.add(address)
        elif address.startswith("#"):
            self.fragments.add(address[1:])
        elif address:
            self.pages.add(address)
        self.loads |= {named["src"] or ""} if "src" in named else set()


def write(pack: Path, out: Path, **options: object) -> str:
    said = StringIO()
    call_command("preview_content", str(pack), out=out, stdout=said, **options)
    return said.getvalue()


def leads_somewhere(path: Path) -> None:
    """Every link of a page written to a folder leads to another there, without knowing where the folder is."""
    links = Links()
    links.feed(path.read_text(encoding="utf-8"))
    assert links.fragments <= links.ids, path
    assert len(links.ids) == links.id_count, path
    for link in links.pages | links.loads:
        if not link.startswith(("https://", "tel:")):
            assert not link.startswith(("/", "http:", "file:")), (path, link)
            assert (path.parent / link).resolve().is_file(), (path, link)


def test_the_same_pages_are_written_to_a_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = write(every_kind.FOLDER, out)
    css = CSS.read_bytes()
    assert (out / "saferesponse.css").read_bytes() == css
    pages = sorted(out.rglob("*.html"))
    assert said == f"{out / 'index.html'}: {len(pages)} pages\n"
    for path in pages:
        leads_somewhere(path)
    steps = {path.parent.name for path in pages if path.parent.parent.name == "step"}
    assert steps == {step.slug for step in read_pack(every_kind.FOLDER).steps}


def test_every_kind_of_exercise_shows_its_answer(tmp_path: Path) -> None:
    write(every_kind.FOLDER, tmp_path / "out")
    module = read_pack(every_kind.FOLDER)
    pages = {
        path.parent.name: path.read_text(encoding="utf-8")
        for path in (tmp_path / "out").rglob("*.html")
        if path.parent.parent.name == "step"
    }
    for lesson in module.lessons:
        for exercise in lesson.exercises:
            assert f'id="exercise-{exercise.id}"' in pages[lesson.slug]
    exercises = pages[module.lessons[0].slug]
    for words in ("In this order:", "The statement is <strong>false</strong>", "Went wrong", "→ <strong>"):
        assert words in exercises


def test_some_readers_alone_may_be_written(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "small", **{"module.yaml": TWO_NATIONS})
    write(pack, tmp_path / "out", nation=["scotland"])
    assert [path.name for path in (tmp_path / "out" / "module").iterdir() if path.is_dir()] == ["scotland"]
    for path in (tmp_path / "out").rglob("*.html"):
        leads_somewhere(path)
    with pytest.raises(CommandError, match="no such form"):
        write(pack, tmp_path / "none", nation=["wales"])


def test_one_form_alone_may_be_written(tmp_path: Path) -> None:
    forms = {f"forms/{name}.yaml": MODULE.replace("slug: small", f"slug: {name}") for name in ("one", "two")}
    pack = write_pack(tmp_path / "forms", **{"module.yaml": None}, **forms)
    write(pack, tmp_path / "out", form=["two"])
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_dir()) == ["two"]
    leads_somewhere(tmp_path / "out/index.html")


def test_a_broken_pack_is_written_with_its_problems(tmp_path: Path) -> None:
    pack = broken_pack(tmp_path / "broken", "quiz.yaml", "draw: 2", "drow: 2")
    write(pack, tmp_path / "out")
    assert "check the spelling" in (tmp_path / "out/index.html").read_text(encoding="utf-8")


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("Dear", encoding="utf-8")
    with pytest.raises(CommandError, match="holds other files"):
        write(every_kind.FOLDER, tmp_path / "mine")
    with pytest.raises(CommandError, match="is not a pack"):
        write(tmp_path, tmp_path / "out")


@pytest.mark.browser
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_pages_are_well_made_and_no_wider_than_the_screen(tmp_path: Path, viewport: Any) -> None:
    """A graph and a table scroll in boxes of their own; nothing is fetched from anywhere."""
    write(every_kind.FOLDER, tmp_path / "out")
    problems, asked = [], []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=os.environ["TEST_BROWSER"], args=FLAGS)
        page = chromium.new_page(viewport=viewport)
        page.on("request", lambda request: asked.append(request.url))
        for path in sorted((tmp_path / "out").rglob("*.html")):
            page.goto(path.as_uri())
            found = Axe().run(page).response["violations"]
            problems += [f"{path.parent.name}: {v['id']}: {v['help']}" for v in found]
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path
        chromium.close()
    assert problems == []
    assert {url.split(":")[0] for url in asked} == {"file"}


def test_a_folder_that_is_gone_is_said_to_be(operator: Client, tmp_path: Path, settings: Any) -> None:
    settings.CONTENT_PACK_DIRS = [tmp_path / "gone"]
    assert "there is no folder" in page(operator, "/authoring/packs/gone/")


def test_a_pack_opened_alone_counts_what_is_in_it() -> None:
    opened = open_pack(every_kind.FOLDER)
    form = opened.pack.forms[0]
    figures = opened.shown(form, form.usual).figures(date(2026, 11, 22))
    assert figures is not None
    assert figures.steps == len(read_pack(every_kind.FOLDER).steps)
    assert figures.scenarios == 1

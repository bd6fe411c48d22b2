"""manage.py preview_content: a pack as pages in a folder, to look at in a browser without a server."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from django.contrib.staticfiles import finders
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from course_content import preview_pages
from course_content.packs import is_pack
from course_content.preview_pages import Page, Site
from course_content.previews import open_pack
from course_content.variants import Variant

CSS = "saferesponse.css"
PAGE = "index.html"


class Command(BaseCommand):
    help = (
        "Write every variant of a pack as HTML pages: what learners read, with right answers, the graphs of"
        " stories, and every problem. Open index.html of the folder in a browser."
    )
    # The page of a broken pack says what is wrong with it.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("pack", type=Path, help="the folder of the pack")
        parser.add_argument(
            "--out", type=Path, required=True, help="the folder to write; made if it is not there"
        )
        parser.add_argument("--form", action="append", help="only this form; may be given again")
        parser.add_argument("--nation", action="append", help="only for this nation; may be given again")
        parser.add_argument("--audience", action="append", help="only for this audience; may be given again")
        parser.add_argument("--language", action="append", help="only in this language; may be given again")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["pack"]
        out: Path = options["out"]
        if not is_pack(folder):
            raise CommandError(f"{folder} is not a pack")
        if out.exists() and any(out.iterdir()) and not (out / CSS).exists():
            raise CommandError(f"{out} holds other files; name a folder of its own")
        opened = open_pack(folder)
        forms = [form for form in opened.pack.forms if not options["form"] or form.slug in options["form"]]
        wanted = [v for form in forms for v in form.variants if _wanted(v, options)]
        if not wanted:
            raise CommandError("the pack has no such form, or none for such readers")
        out.mkdir(parents=True, exist_ok=True)
        (out / CSS).write_bytes(_css())
        written = 0
        for page in preview_pages.pages(opened, forms, frozenset(wanted), timezone.localdate()):
            self._write(out, page)
            written += 1
        self.stdout.write(f"{out / PAGE}: {written} pages")

    def _write(self, out: Path, page: Page) -> None:
        up = "../" * page.path.count("/")
        path = out / unquote(page.path) / PAGE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page.render(Site(base=up, css=f"{up}{CSS}", suffix=PAGE)), encoding="utf-8")


def _wanted(variant: Variant, options: dict[str, Any]) -> bool:
    return all(
        not options[name] or getattr(variant, name) in options[name]
        for name in ("nation", "audience", "language")
    )


def _css() -> bytes:
    found = finders.find(CSS)
    if not isinstance(found, str):
        raise CommandError(f"{CSS} is not among the static files")
    return Path(found).read_bytes()

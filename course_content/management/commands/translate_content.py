"""manage.py translate_content: bring a pack's catalogue of a language up to date with its English."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from course_content.packs import Pack, is_pack
from course_content.translations import parity, read, updated
from course_content.variants import LANGUAGES


class Command(BaseCommand):
    help = (
        "Write every text of a pack into languages/LANGUAGE.po beside it, for a translator. What is translated"
        " stays; what the pack no longer says goes. Mark what a machine drafted as fuzzy until"
        " somebody has agreed to it."
    )
    # As for check_content: a broken pack is no reason not to help.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("language", choices=[language for language in LANGUAGES if language != "en"])
        parser.add_argument("pack", type=Path, help="the folder of the pack")
        parser.add_argument(
            "--form", action="append", default=[], help="only the texts of this form; may be repeated"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder, language = options["pack"], options["language"]
        folder = Path(folder)
        if not is_pack(folder):
            raise CommandError(f"{folder} is not a pack")
        pack = Pack(folder)
        file = folder / "languages" / f"{language}.po"
        forms = [form for form in pack.forms if form.slug in options["form"]]
        if len(forms) != len(set(options["form"])):
            raise CommandError(f"the forms of this pack are {', '.join(form.slug for form in pack.forms)}")
        wanted = {name for form in forms for name in pack.files_of(form)}
        before = file.read_bytes() if file.exists() else None
        content = updated(before, language, pack.sources, wanted=wanted)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        translation, faults = read(content)
        for fault in faults:
            self.stderr.write(f"{file}:{fault.line}: {fault.message}")
        told = parity(
            translation, (source for name, source in pack.sources.items() if not wanted or name in wanted)
        )
        missing = told.messages - told.translated
        self.stdout.write(
            f"{file}: {told.messages} texts, {missing} not translated, {told.drafted} machine-drafted"
        )

"""manage.py export_questions: a bank of questions, for a VLE's own question bank."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from course_content.exchange import gift, moodle_xml
from course_content.exchange.items import item_of
from course_content.pack_problems import PackError
from course_content.packs import Pack, bank_of, is_pack
from course_content.variants import AUDIENCES, NATIONS, Variant


class Command(BaseCommand):
    help = "Write a bank of a pack, as one nation and audience get it, in Moodle XML or GIFT."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("pack", type=Path, help="the folder of the pack")
        parser.add_argument("bank", help="the name of the bank, as in questions/NAME.yaml")
        parser.add_argument("--format", choices=["moodle", "gift"], default="moodle")
        parser.add_argument("--nation", choices=NATIONS, default=NATIONS[0])
        parser.add_argument("--audience", choices=AUDIENCES, default=AUDIENCES[0])
        parser.add_argument("--out", type=Path, required=True, help="the file to write")

    def handle(self, *args: Any, **options: Any) -> None:
        if not is_pack(options["pack"]):
            raise CommandError(f"{options['pack']} is not a pack")
        try:
            bank = bank_of(
                Pack(options["pack"]), options["bank"], Variant(options["nation"], options["audience"])
            )
        except PackError as wrong:
            raise CommandError(str(wrong)) from None
        items = [item_of(question) for question in bank.questions]
        if options["format"] == "moodle":
            content = moodle_xml.write(items, category=options["bank"])
        else:
            content = gift.write(items, category=options["bank"]).encode()
        out: Path = options["out"]
        out.write_bytes(content)
        self.stdout.write(f"{out}: {len(items)} questions")

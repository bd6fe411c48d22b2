"""manage.py content_schema: write the JSON Schema of every kind of file of a pack."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from course_content import content_schema


class Command(BaseCommand):
    help = "Write the JSON Schema of every kind of file of a pack into a folder, for the editors of authors."
    # A broken pack is no reason not to help its author.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, nargs="?", default=content_schema.FOLDER)

    def handle(self, *args: Any, **options: Any) -> None:
        for path in content_schema.write(options["folder"]):
            self.stdout.write(str(path))

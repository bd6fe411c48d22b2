"""manage.py check_content: read packs as the tool would, and report in an author's words."""

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from course_content import catalogue
from course_content.schema import Module


class Command(BaseCommand):
    help = (
        "Check the built-in packs and those of CONTENT_PACK_DIRS, or the pack folders given."
        " Exits 1 if a pack has errors (with --strict also on warnings and overdue reviews)."
    )
    # A broken pack also fails the system check, which would stop this command before it could help.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="*", type=Path, help="packs, or folders of packs")
        parser.add_argument("--strict", action="store_true", help="fail on warnings too")
        parser.add_argument("--unverified", action="store_true", help="list unverified claims")

    def handle(self, *args: Any, **options: Any) -> None:
        paths: list[Path] = options["paths"]
        folders = catalogue.pack_folders(paths) if paths else catalogue.configured_folders()
        found = catalogue.load(folders)
        for problem in found.problems:
            self.stdout.write(f"{problem.severity}: {problem}")
        self._table(found.modules)
        overdue = self._overdue(found.modules)
        if options["unverified"]:
            self._unverified(found.modules)
        errors = sum(p.is_error for p in found.problems)
        warnings = len(found.problems) - errors + overdue
        self.stdout.write(f"{len(found.modules)} modules, {errors} errors, {warnings} warnings")
        if not folders:
            raise CommandError("there is no pack to check")
        if errors or (warnings and options["strict"]):
            raise CommandError("the content did not pass its checks")

    def _table(self, modules: Sequence[Module]) -> None:
        row = "{:<28} {:>8} {:>7} {:>9} {:>9} {:>7} {:>10}  {}"
        self.stdout.write(
            row.format(
                "module",
                "version",
                "lessons",
                "scenarios",
                "questions",
                "minutes",
                "unverified",
                "status",
            )
        )
        for m in modules:
            questions = len(m.quiz.questions) if m.quiz else 0
            unverified = f"{len(m.unverified_claims)} of {len(m.claims)}"
            self.stdout.write(
                row.format(
                    m.slug,
                    m.version,
                    len(m.lessons),
                    len(m.scenarios),
                    questions,
                    m.minutes,
                    unverified,
                    m.status,
                )
            )

    def _overdue(self, modules: Sequence[Module]) -> int:
        """Says which guidance is past its review date; how many entries."""
        today = timezone.localdate()
        overdue = [(m, g) for m in modules for g in m.overdue_guidance(today)]
        for module, entry in overdue:
            self.stdout.write(f"overdue: {module.slug}: '{entry.id}' was to be reviewed by {entry.review_by}")
        return len(overdue)

    def _unverified(self, modules: Sequence[Module]) -> None:
        for module in modules:
            for claim in module.unverified_claims:
                sources = ", ".join(claim.sources)
                self.stdout.write(f"unverified: {module.slug}: {claim.id} ({sources}): {claim.text}")

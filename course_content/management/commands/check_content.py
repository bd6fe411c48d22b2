"""manage.py check_content: read packs as the tool would, and report in an author's words."""

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from course_content import catalogue, packs
from course_content.pack_problems import in_order
from course_content.packs import Pack
from course_content.schema import Assessment, Module
from course_content.translations import Translation, parity


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
        parser.add_argument(
            "--register", action="store_true", help="print the guidance register and its changes"
        )
        parser.add_argument(
            "--parity", metavar="LANGUAGE", help="how far each form is translated, such as cy"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        paths: list[Path] = options["paths"]
        folders = catalogue.pack_folders(paths) if paths else catalogue.configured_folders()
        found = catalogue.load(folders)
        reports = [packs.report_on(pack) for pack in found.packs]
        problems = in_order((*found.problems, *(p for report in reports for p in report.located())))
        for problem in problems:
            self.stdout.write(f"{problem.severity}: {problem}")
        modules = [module for report in reports for module in report.modules]
        self._table(modules)
        overdue = self._overdue(modules)
        if options["unverified"]:
            self._unverified(modules)
        if options["register"]:
            self._register(modules)
        if options["parity"]:
            self._parity(found.packs, options["parity"])
        errors = sum(p.is_error for p in problems)
        warnings = len(problems) - errors + overdue
        forms = len({(m.slug, m.version) for m in modules})
        self.stdout.write(f"{forms} forms, {len(modules)} variants, {errors} errors, {warnings} warnings")
        if not folders:
            raise CommandError("there is no pack to check")
        if errors or (warnings and options["strict"]):
            raise CommandError("the content did not pass its checks")

    def _table(self, modules: Sequence[Module]) -> None:
        """A row for each form and nation; where its audiences differ, the least and the most."""
        row = "{:<26} {:>7} {:<17} {:>9} {:>7} {:>9} {:>5} {:>9} {:>9} {:>7} {:>10}  {}"
        heads = "form version nation audiences lessons scenarios cases exercises questions minutes unverified"
        self.stdout.write(row.format(*heads.split(), "status"))
        rows: dict[tuple[str, str, str], list[Module]] = {}
        for module in modules:
            rows.setdefault((module.slug, module.version, module.nation), []).append(module)
        for key, variants in rows.items():
            figures = zip(*(_figures(module) for module in variants), strict=True)
            audiences = len({module.audience for module in variants})
            status = variants[0].status
            self.stdout.write(row.format(*key, audiences, *(_range(f) for f in figures), status))

    def _overdue(self, modules: Sequence[Module]) -> int:
        """Says which guidance is past its review date; how many entries."""
        today = timezone.localdate()
        overdue = {(m.slug, g.id): g for m in modules for g in m.overdue_guidance(today)}
        for (slug, entry_id), entry in overdue.items():
            self.stdout.write(f"overdue: {slug}: '{entry_id}' was to be reviewed by {entry.review_by}")
        return len(overdue)

    def _unverified(self, modules: Sequence[Module]) -> None:
        """Each claim once for every nation in which nobody has checked it."""
        unverified: dict[tuple[str, str], dict[str, None]] = {}
        for module in modules:
            for claim in module.unverified_claims:
                sources = ", ".join(claim.sources)
                unverified.setdefault((claim.id, f"({sources}): {claim.text}"), {})[module.nation] = None
        for (claim_id, text), nations in sorted(unverified.items()):
            self.stdout.write(f"unverified: {', '.join(nations)}: {claim_id} {text}")

    def _register(self, modules: Sequence[Module]) -> None:
        """Each piece of guidance that something rests on, and each changed edition with who must learn it anew."""
        today = timezone.localdate()
        used: dict[str, dict[str, None]] = {}
        entries = {g.id: g for m in modules for g in m.guidance}
        for module in modules:
            for entry in module.guidance:
                used.setdefault(entry.id, {})[module.slug] = None
        for entry_id, forms in sorted(used.items()):
            entry = entries[entry_id]
            state = "verified" if entry.verified else "unverified"
            late = ", OVERDUE" if entry.review_by < today else ""
            self.stdout.write(
                f"guidance: {entry.id}: {entry.title} ({entry.nation}, {entry.edition}): {state}, checked"
                f" {entry.checked_on} by {entry.checked_by}, review by {entry.review_by}{late};"
                f" in {', '.join(forms)}"
            )
        for change in {c.id: c for m in modules for c in m.changes}.values():
            old = f"{change.replaces} -> " if change.replaces else ""
            self.stdout.write(f"changed: {change.on} {change.nation}: {old}{change.guidance}")
            for one in change.reteach:
                how = f"{one.by} {one.form or ''}".strip()
                self.stdout.write(f"  {', '.join(one.audiences)}: {how} {one.why}".rstrip())

    def _parity(self, packs: Sequence[Pack], language: str) -> None:
        for pack in packs:
            translation = pack.translations.get(language, Translation({}))
            for form in pack.forms:
                told = parity(translation, (pack.sources[file] for file in pack.files_of(form)))
                self.stdout.write(
                    f"{language}: {form.slug}: {told.per_cent} % ({told.translated} of {told.messages} texts;"
                    f" {told.drafted} drafted by machine and not reviewed)"
                )


def _figures(module: Module) -> tuple[int, ...]:
    """What the table counts of a module, in the order of its heads."""
    return (
        len(module.lessons),
        len(module.scenarios),
        sum(isinstance(step, Assessment) for step in module.steps),
        sum(len(lesson.exercises) for lesson in module.lessons),
        len(module.quiz.questions) if module.quiz else 0,
        module.minutes,
        len(module.unverified_claims),
    )


def _range(figures: Sequence[int]) -> str:
    least, most = min(figures), max(figures)
    return str(least) if least == most else f"{least}-{most}"

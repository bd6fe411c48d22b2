from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from grading import register
from grading.models import RegisterChain


class Command(BaseCommand):
    help = "Prove that no line of the evidence register was changed, added between or removed, or name the first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("chain", nargs="*", help="Names of chains, such as school:12; all when left out")

    def handle(self, *args: Any, **options: Any) -> None:
        chains = RegisterChain.objects.order_by("name")
        if options["chain"]:
            chains = chains.filter(name__in=options["chain"])
            for name in sorted({*options["chain"]} - {chain.name for chain in chains}):
                raise CommandError(f"There is no chain {name}.")
        broken = 0
        for report in map(register.verify, chains):
            if report.broken_at is None:
                erased = f", personal part erased in {report.erased}" if report.erased else ""
                self.stdout.write(f"{report.name}: {report.lines} lines, whole{erased}")
            else:
                broken += 1
                self.stderr.write(f"{report.name}: broken at line {report.broken_at}: {report.why}")
        if broken:
            raise CommandError(f"{broken} of the chains do not verify.")

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from lti_tool import rosters, troubles
from lti_tool.models import ConnectionTally, Roster


class Command(BaseCommand):
    help = "Read every course's list of members that is due, here and now, without Celery."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="Of every course that is alive, due or not")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all"]:
            rosters.make_due(now=timezone.now())
        read = rosters.drain()
        troubled = Roster.objects.exclude(problem="").order_by("pk")
        self.stdout.write(f"{read} lists tried. {troubled.count()} could not be read.")
        for roster in troubled[:20]:
            trouble = troubles.of(ConnectionTally.Kind.ROSTER, roster.problem)
            self.stdout.write(f"  course {roster.context_id}: {trouble.what} {trouble.cure}")

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from grading import outbox
from grading.models import OutgoingScore
from lti_tool import troubles
from lti_tool.models import ConnectionTally


class Command(BaseCommand):
    help = "Send every score that is due, here and now, without Celery."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--parked", action="store_true", help="Try the parked ones again too")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["parked"]:
            again = outbox.send_again(OutgoingScore.objects.all(), now=timezone.now())
            self.stdout.write(f"{again} parked or ungraded scores are tried again.")
        sent = outbox.drain()
        waiting = OutgoingScore.objects.filter(state=OutgoingScore.State.WAITING).count()
        parked = OutgoingScore.objects.filter(state=OutgoingScore.State.PARKED)
        self.stdout.write(f"{sent} tries made. {waiting} wait for a later try, {parked.count()} are parked.")
        for score in parked.order_by("pk")[:20]:
            trouble = troubles.of(ConnectionTally.Kind.SCORE, score.reason)
            self.stdout.write(f"  score {score.pk} ({score.reason}): {trouble.what} {trouble.cure}")

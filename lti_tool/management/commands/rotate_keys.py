from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from lti_tool import keys
from lti_tool.models import ToolKey


class Command(BaseCommand):
    help = (
        "Publish a new tool key. It signs a day later, when every VLE knows it; the one before it stays published "
        "for a week, then the daily task deletes it. That task also rotates by itself, see KEY_ROTATION_DAYS."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument(
            "--now",
            action="store_true",
            help="A key got out: let the new one sign in two minutes, not in a day",
        )
        choice.add_argument(
            "--revoke", metavar="KID", help="Take this key out of the published set, and delete it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if options["revoke"]:
            self._revoke(options["revoke"])
            return
        before = keys.key_that_signs(now)
        made = keys.rotate(now, in_a_hurry=options["now"])
        self.stdout.write(f"{made.kid} is published, and signs from {made.signs_from:%Y-%m-%d %H:%M:%S %Z}.")
        if options["now"]:
            self.stdout.write(
                "A minute after that, take the other away, so that nobody else can sign with it:\n"
                f"  manage.py rotate_keys --revoke {before.kid}"
            )

    def _revoke(self, kid: str) -> None:
        try:
            keys.revoke(kid, timezone.now())
        except ToolKey.DoesNotExist:
            published = "\n".join(f"  {key['kid']}" for key in keys.public_keys()["keys"])
            raise CommandError(f"There is no key {kid}. Those that are published:\n{published}") from None
        except keys.KeyInUse as in_use:
            raise CommandError(str(in_use)) from None
        self.stdout.write(f"{kid} is deleted. VLEs forget it as they fetch the tool's keys anew.")

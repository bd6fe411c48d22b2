from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lti_tool import keys


class Command(BaseCommand):
    help = (
        "Encrypt the tool's private keys anew, with the first of KEY_ENCRYPTION_KEYS. Run it once every process "
        "has been started with the new list; then the older ones can be taken out of the list."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done, unreadable = keys.reencrypt()
        self.stdout.write(f"Tool keys encrypted with the first of KEY_ENCRYPTION_KEYS: {done}.")
        if unreadable:
            raise CommandError("\n".join(str(key) for key in unreadable))

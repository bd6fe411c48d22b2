from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from lti_tool import invitations
from lti_tool.models import School
from lti_tool.models.organisations import Nation


class Command(BaseCommand):
    help = (
        "Invite the admin of a VLE to connect it. Prints a link that works once; it is shown only now. Opened in a "
        "browser it says what to do with it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--name", required=True, help='How you call the VLE, such as "Riverside\'s Moodle"'
        )
        parser.add_argument(
            "--school",
            help="The school that its courses belong to",
        )
        parser.add_argument(
            "--nation",
            choices=Nation.values,
            default=Nation.ENGLAND,
            help="Where a new school is: its courses are offered that nation's law and guidance first",
        )
        parser.add_argument(
            "--days", type=int, default=invitations.DEFAULT_DAYS, help="How long the link works"
        )

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["days"] <= 365:
            raise CommandError("--days: from 1 to 365.")
        expires_at = timezone.now() + timedelta(days=options["days"])
        school = _school(options["school"], options["nation"]) if options["school"] else None
        _, link = invitations.invite(
            name=options["name"], school=school, expires_at=expires_at, by="invite_vle"
        )
        self.stdout.write(link)


def _school(name: str, nation: str) -> School:
    """A school of this name that has no VLE yet, as an earlier invitation made it; else a new one."""
    called = School.objects.filter(name=name)
    # Another St Mary's must not share its register.
    if called.filter(deployments__isnull=False).exists():
        raise CommandError(
            f"--school: there is a school called {name!r} with a VLE. If it is the same one, invite from the admin "
            "site and choose it there; if not, give this one a fuller name."
        )
    return called.first() or School.objects.create(name=name, nation=nation)

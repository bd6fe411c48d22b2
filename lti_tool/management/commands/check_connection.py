from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from lti_tool import self_test
from lti_tool.models import Context, Registration
from lti_tool.registrations import tool_urls
from lti_tool.self_test import Outcome


class Command(BaseCommand):
    help = (
        "Try everything that a launch, a grade and a list of members need of a VLE, and say what to do about what "
        "fails. Ends with status 1 when something failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("registration", type=int, help="Its number, as in the admin site's address")
        parser.add_argument(
            "--course",
            type=int,
            help="The course to test in, by its number; else the one that was opened last",
        )
        parser.add_argument(
            "--scratch-score",
            action="store_true",
            help="Also make a column in its gradebook, give one learner a grade there, and delete it again: people "
            "in the course may get a notice",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        registration = Registration.objects.filter(pk=options["registration"]).first()
        if registration is None:
            known = "\n".join(f"  {it.pk}  {it}" for it in Registration.objects.order_by("pk"))
            raise CommandError(f"There is no registration {options['registration']}. There are:\n{known}")
        course = None
        if options["course"] is not None:
            course = Context.objects.filter(
                pk=options["course"], deployment__registration=registration
            ).first()
            if course is None:
                raise CommandError(f"There is no course {options['course']} in this registration.")
        self.stdout.write(f"{registration}. The tool's keyset URL is {tool_urls()['jwks_url']}.")
        checks = self_test.run(registration, course=course, scratch_score=options["scratch_score"])
        for check in checks:
            self.stdout.write(f"{check.outcome.label:<13}{check.name}: {check.found}")
            if check.cure:
                self.stdout.write(f"{'':<13}What to do: {check.cure}")
        failed = sum(check.outcome == Outcome.FAILED for check in checks)
        if failed:
            raise CommandError(f"{failed} of {len(checks)} checks failed.")

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from deploy import demo
from lti_tool import invitations
from lti_tool.registration import Platform, register

CLICK = """
  SafeResponse is running. Open the demo VLE and click through:

      {vle_url}

  1. Choose who you are: a member of staff.
  2. Open the activity in the course, take the training, pass the quiz.
  3. Look at the gradebook: the grade and the certificate's address are there.
  4. Come back as the lead, Grace Okafor, open the same activity, and see who has passed and who has not started.
  5. As her, "Add training from SafeResponse": choose modules, and they are in the course and its gradebook.
  6. As the VLE's administrator, Piotr Nowak, "Manage tools": connect SafeResponse as a new VLE would, by this
     link, which is good once; then activate it, and the lead can add training from it too.

      {invitation}

  The tool itself: {tool_url}    Everything is kept in {data}
  Ctrl-C stops it all.
"""


class Command(BaseCommand):
    help = "Run the tool, its worker and beat, and a demo VLE to click through, on this machine."

    def add_arguments(self, parser: CommandParser) -> None:
        # Read by manage.py too, before Django starts: settings depend on them.
        demo.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        running = demo.Demo(options["port"], options["vle_port"], Path(options["data"]).resolve())
        if taken := demo.taken_port(running):
            flag = "--port" if taken == running.tool_port else "--vle-port"
            raise CommandError(
                f"Port {taken} is taken by another program. Stop that one, or choose another port: "
                f'make demo DEMO="{flag} {taken % 60000 + 1000}"'
            )
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        registration = register(
            Platform(
                issuer=running.vle_url,
                client_id=demo.CLIENT_ID,
                auth_url=f"{running.vle_url}/auth/",
                token_url=f"{running.vle_url}/token/",
                jwks_url=f"{running.vle_url}/jwks/",
                deployment_id=demo.DEPLOYMENT_ID,
                name="Demo VLE",
                school="Riverside School",
            )
        )
        _, invitation = invitations.invite(
            name="Demo VLE, connected by itself",
            school=registration.deployments.get(deployment_id=demo.DEPLOYMENT_ID).school,
            expires_at=timezone.now() + timedelta(days=invitations.DEFAULT_DAYS),
            by="make demo",
        )
        click = CLICK.format(
            vle_url=running.vle_url,
            invitation=invitation,
            tool_url=running.tool_url,
            data=os.path.relpath(settings.DATA_DIR, settings.BASE_DIR),
        )
        self.stdout.write("Starting …")
        raise SystemExit(demo.run(running, lambda: print(click, flush=True)))

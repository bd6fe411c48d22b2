import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from lti_tool.models import Family
from lti_tool.registration import Platform, register
from lti_tool.registrations import tool_urls


class Command(BaseCommand):
    help = (
        "Register a VLE with what it shows after the tool was added to it. Prints the tool's own addresses as "
        "JSON, for the VLE. Run again with the same issuer and client id to change the rest."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--issuer", required=True, help="Platform ID (Moodle), issuer")
        parser.add_argument("--client-id", required=True)
        parser.add_argument("--auth-url", required=True, help="Authentication request URL")
        parser.add_argument("--token-url", required=True, help="Access token URL")
        parser.add_argument("--jwks-url", required=True, help="Public keyset URL")
        parser.add_argument("--deployment-id", help="Accepted at once; others wait for an admin")
        parser.add_argument("--token-audience", help="Only where the VLE asks for one")
        parser.add_argument("--family", choices=Family.values)
        parser.add_argument("--name", help="How you call this VLE")
        parser.add_argument("--school", help="The school that the deployment's courses belong to")
        parser.add_argument("--frame-hosts", help="Further addresses of the VLE, separated by spaces")

    def handle(self, *args: Any, **options: Any) -> None:
        fields = Platform.__dataclass_fields__
        platform = Platform(**{name: options[name] for name in fields})
        try:
            registration = register(platform)
        except ValidationError as error:
            problems = [
                f"  --{field.replace('_', '-')}: {' '.join(texts)}"
                for field, texts in error.message_dict.items()
            ]
            raise CommandError("\n".join(["Not registered. Please correct:", *problems])) from None
        self.stdout.write(json.dumps({"registration": registration.pk, **tool_urls()}, indent=2))

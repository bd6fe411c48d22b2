"""What happens inside the tool while a journey watches from outside: run as a program in the tool's environment."""

import json
import shutil
import sys
from collections import Counter
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.utils import timezone  # noqa: E402

from grading import outbox  # noqa: E402
from grading.models import Activity, Enrolment, OutgoingScore  # noqa: E402
from lti_tool import keys, rosters  # noqa: E402
from lti_tool.models import Context, Deployment, Membership, Roster  # noqa: E402
from lti_tool.registration import Platform, register  # noqa: E402
from tests import factories  # noqa: E402


def prepare(url: str, people: str) -> None:
    """Register the platform, and enrol so many people whose latest attempt counts. Prints our public keys."""
    register(
        Platform(
            issuer=url,
            client_id="tool-at-fake",
            auth_url=f"{url}/auth",
            token_url=f"{url}/token",
            jwks_url=f"{url}/jwks",
            deployment_id="deployment-1",
        )
    )
    course = factories.make_course(Deployment.objects.get())
    link = factories.make_link(course, column=f"{url}/lineitems/1?type_id=1", resource_link_id="link-1")
    activity = factories.make_activity(link, keeps=Activity.Keeps.LATEST)
    for number in range(int(people)):
        factories.make_enrolment(activity, factories.make_member(course, sub=f"user-{number}"))
    print(json.dumps(keys.public_keys()["keys"]))


def submit(percentage: str, *people: str) -> None:
    """These people take the quiz, with that result."""
    for number in people:
        factories.take(Enrolment.objects.get(lti_user__sub=f"user-{number}"), int(percentage))


def submit_without_broker(percentage: str, *people: str) -> None:
    """The same, while the filesystem broker's folder is gone and nothing can be put in its place."""
    broker = Path(settings.DATA_DIR) / "broker"
    shutil.move(broker, broker.with_name("away"))
    broker.touch()
    submit(percentage, *people)
    broker.unlink()
    shutil.move(broker.with_name("away"), broker)


def submit_when_told(percentage: str, *people: str) -> None:
    """The same, by a process that is connected to its broker already and waits for a line of input."""
    outbox.ring()
    print("ready", flush=True)
    sys.stdin.readline()
    submit(percentage, *people)


def ask_for_roster(url: str) -> None:
    """A lead asks for the course's list of members, at this address."""
    Roster.objects.get_or_create(context=Context.objects.get(), defaults={"url": url})
    assert rosters.ask(Roster.objects.all(), now=timezone.now())


def let_roster_lease_run_out() -> None:
    """Time passes, and the doorbell rings, as beat has it ring."""
    Roster.objects.update(leased_until=timezone.now())
    rosters.ring()


def roster() -> None:
    """Prints how far the reading of the roster is."""
    found = Roster.objects.get()
    said = {
        "is_read": found.synced_at is not None,
        "is_leased": found.leased_until is not None,
        "members": Membership.objects.filter(left_at=None).count(),
    }
    print(json.dumps(said))


def states() -> None:
    """Prints how many scores are in which state."""
    print(json.dumps(Counter(OutgoingScore.objects.values_list("state", flat=True))))


if __name__ == "__main__":
    scores = (submit, submit_without_broker, submit_when_told, states)
    acts = {act.__name__: act for act in (prepare, *scores, ask_for_roster, let_roster_lease_run_out, roster)}
    acts[sys.argv[1]](*sys.argv[2:])

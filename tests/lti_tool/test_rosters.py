"""When rosters are read, by whom, and what becomes of one that cannot be."""

import logging
from datetime import datetime, timedelta
from typing import Any

import pytest
from celery import current_app
from django.conf import settings as deployed
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from lti_tool import nrps, rosters, tasks, troubles
from lti_tool.models import (
    ConnectionTally,
    Deployment,
    Launch,
    LtiUser,
    Membership,
    Registration,
    ResourceLink,
    Roster,
)
from lti_tool.rosters import FRESH, LEASE, MOST_TRIES, NIGHT
from tests import factories
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform, Fault
from tests.platforms.people import AMINA, COURSE, TEACHER, Person
from tests.platforms.terms import CLAIM, DEEP_LINKING, NRPS

pytestmark = pytest.mark.django_db

MEMBERSHIPS = "/memberships/course-1"


def rings() -> int:
    """How often the doorbell will be rung for rosters once the test's transaction ends."""
    return sum(call[1] is rosters.ring for call in connection.run_on_commit)


def launch(platform: FakePlatform, person: Person, **claim: Any) -> None:
    """A launch whose course has a roster."""
    said = {"context_memberships_url": f"{platform.url}{MEMBERSHIPS}", "service_versions": ["2.0"], **claim}
    response = Visitor(platform, person=person).launch(lambda claims: claims.update({NRPS: said}))
    assert response.status_code == 302


def another(roster: Roster, deployment: Deployment | None = None, **changes: Any) -> Roster:
    """The roster of another course, of the same VLE unless another is given."""
    course = factories.make_course(deployment or roster.context.deployment)
    return Roster.objects.create(**{"context": course, "url": roster.url, "due_at": roster.due_at, **changes})


def make_launch(roster: Roster, *, at: datetime) -> Launch:
    link = factories.make_link(roster.context)
    return Launch.objects.create(
        registration=link.deployment.registration,
        deployment=link.deployment,
        nonce=f"nonce-{link.pk}",
        lti_user=factories.make_user(link.deployment.registration),
        resource_link=link,
        target="/lti/launch/",
        launched_at=at,
    )


def waits(roster: Roster) -> float:
    """Seconds until it is due."""
    roster.refresh_from_db()
    assert roster.due_at is not None
    return (roster.due_at - timezone.now()).total_seconds()


# --- read -----------------------------------------------------------------------------------------------------


def test_it_works(roster: Roster, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "lti_tool.rosters")
    before = timezone.now()

    assert rosters.drain() == 1

    roster.refresh_from_db()
    assert (roster.due_at, roster.leased_until, roster.tries, roster.problem) == (None, None, 0, "")
    assert roster.synced_at is not None
    assert before <= roster.synced_at <= timezone.now()
    active = [person for person in COURSE if person.status == "Active"]
    assert roster.members == Membership.objects.filter(context=roster.context).count() == len(active)
    assert [line.message for line in caplog.records] == [
        f"roster.synced registration={roster.context.deployment.registration_id} course={roster.context_id} "
        f"members={len(active)} added={len(active)} changed=0 left=0 unreadable=0"
    ]
    assert tallied() == {"": 1}
    assert rosters.drain() == 0


def tallied() -> dict[str, int]:
    return dict(ConnectionTally.objects.filter(kind="roster").values_list("reason", "count"))


def test_the_command(roster: Roster, gradebook: FakePlatform, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sync_rosters")
    assert capsys.readouterr().out == "1 lists tried. 0 could not be read.\n"
    make_launch(roster, at=timezone.now())
    gradebook.fail(MEMBERSHIPS, Fault(status=403))

    call_command("sync_rosters", all=True)

    first, second = capsys.readouterr().out.splitlines()
    assert first == "1 lists tried. 1 could not be read."
    assert second.startswith(f"  course {roster.context_id}: The VLE forbids what the tool asked")


def test_what_beat_rings_for_is_there() -> None:
    current_app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in deployed.CELERY_BEAT_SCHEDULE.values()}
    assert {rosters.TASK, "lti_tool.plan_rosters"} <= scheduled <= set(current_app.tasks)


def test_the_task_reads_what_is_due(roster: Roster) -> None:
    tasks.sync_rosters()

    roster.refresh_from_db()
    assert roster.synced_at is not None


# --- when: after a lead's launch --------------------------------------------------------------------------------


def test_a_leads_launch_has_the_roster_read(gradebook: FakePlatform) -> None:
    launch(gradebook, TEACHER)

    roster = Roster.objects.get()
    assert roster.due_at is not None
    assert roster.due_at <= timezone.now()
    assert rings() == 1


def test_a_learners_launch_does_not(gradebook: FakePlatform) -> None:
    launch(gradebook, AMINA)

    assert Roster.objects.get().due_at is None
    assert rings() == 0


def test_a_learners_launch_costs_no_query_more(gradebook: FakePlatform) -> None:
    def queries(**claim: Any) -> int:
        with CaptureQueriesContext(connection) as made:
            launch(gradebook, AMINA, **claim)
        return len(made)

    queries()
    with_roster = queries()
    Visitor(gradebook).launch()
    with CaptureQueriesContext(connection) as without:
        Visitor(gradebook).launch()

    assert with_roster == len(without)


def test_a_leads_launch_soon_after_does_not(gradebook: FakePlatform) -> None:
    for _ in range(3):
        launch(gradebook, TEACHER)

    assert rings() == 1


def test_a_leads_launch_soon_after_it_was_read_does_not(gradebook: FakePlatform) -> None:
    launch(gradebook, TEACHER)
    rosters.drain()
    cache.clear()

    launch(gradebook, TEACHER)

    assert Roster.objects.get().due_at is None
    assert rings() == 1


def test_a_leads_launch_later_does_again(gradebook: FakePlatform) -> None:
    launch(gradebook, TEACHER)
    rosters.drain()
    cache.clear()
    Roster.objects.update(synced_at=timezone.now() - FRESH)

    launch(gradebook, TEACHER)

    assert Roster.objects.get().due_at is not None
    assert rings() == 2


def test_choosing_content_has_the_roster_read(gradebook: FakePlatform) -> None:
    def choosing(claims: dict[str, Any]) -> None:
        said = {"nonce": claims["nonce"], "target": claims[f"{CLAIM}target_link_uri"], "person": TEACHER}
        claims.update(gradebook.claims(message=DEEP_LINKING, **said))
        claims[NRPS] = {"context_memberships_url": gradebook.url + MEMBERSHIPS}

    Visitor(gradebook, person=TEACHER).launch(choosing)

    assert Launch.objects.get().message == DEEP_LINKING
    assert Roster.objects.get().due_at is not None
    assert rings() == 1


def test_a_course_without_a_roster(gradebook: FakePlatform) -> None:
    Visitor(gradebook, person=TEACHER).launch()

    assert not Roster.objects.exists()
    assert rings() == 0


# --- when: asked for by a lead ----------------------------------------------------------------------------------


def test_asking(roster: Roster) -> None:
    Roster.objects.update(due_at=None, tries=5)
    now = timezone.now()

    assert rosters.ask(Roster.objects.all(), now=now)

    roster.refresh_from_db()
    assert (roster.due_at, roster.tries) == (now, 0)
    assert rings() == 1


def test_asking_again_and_again(roster: Roster) -> None:
    """Also where it fails each time: a VLE in trouble is not helped by somebody who presses a button."""
    now = timezone.now()
    assert rosters.ask(Roster.objects.all(), now=now)
    Roster.objects.update(due_at=now + timedelta(hours=1))

    assert not rosters.ask(Roster.objects.all(), now=now)

    roster.refresh_from_db()
    assert roster.due_at == now + timedelta(hours=1)


def test_asking_where_there_is_none() -> None:
    assert not rosters.ask(Roster.objects.all(), now=timezone.now())


# --- when: every night ------------------------------------------------------------------------------------------


def test_every_night_the_courses_that_are_alive(roster: Roster) -> None:
    now = timezone.now()
    alive = [another(roster, due_at=None, tries=3) for _ in range(3)]
    asleep, off, new = (another(roster, due_at=None) for _ in range(3))
    for one in (*alive, off):
        make_launch(one, at=now - timedelta(days=399))
    make_launch(asleep, at=now - timedelta(days=401))
    off.context.deployment = factories.make_deployment(status=Deployment.Status.REFUSED)
    off.context.save()

    assert rosters.plan_night(now=now) == 3

    found = dict(Roster.objects.values_list("pk", "due_at"))
    assert found == {
        roster.pk: roster.due_at,  # waits already
        **{one.pk: now + timedelta(minutes=minute) for minute, one in enumerate(alive)},
        asleep.pk: None,
        off.pk: None,
        new.pk: None,
    }
    assert set(Roster.objects.values_list("tries", flat=True)) == {0}


def test_a_thousand_courses_are_spread_over_the_night(roster: Roster) -> None:
    now = timezone.now()
    course = roster.context
    Roster.objects.all().delete()
    contexts = [factories.make_course(course.deployment) for _ in range(500)]
    Roster.objects.bulk_create([Roster(context=one, url=roster.url) for one in contexts])
    links = ResourceLink.objects.bulk_create(
        [
            ResourceLink(context=one, deployment=course.deployment, resource_link_id=f"r-{one.pk}")
            for one in contexts
        ]
    )
    user = factories.make_user(course.deployment.registration)
    Launch.objects.bulk_create(
        [
            Launch(
                registration=user.registration,
                deployment=course.deployment,
                nonce=f"n-{link.pk}",
                lti_user=user,
                resource_link=link,
                launched_at=now,
            )
            for link in links
        ]
    )

    tasks.plan_rosters()

    due = sorted(roster.due_at for roster in Roster.objects.all() if roster.due_at)
    assert len(due) == 500
    assert NIGHT - timedelta(minutes=2) < due[-1] - due[0] < NIGHT
    assert max(due.count(moment) for moment in due) == 3


# --- by whom: workers -------------------------------------------------------------------------------------------


def test_a_roster_is_leased(roster: Roster) -> None:
    now = timezone.now()

    claimed = rosters.claim(now=now)

    assert claimed == roster
    assert claimed is not None
    assert (claimed.leased_until, claimed.tries) == (now + LEASE, 1)
    roster.refresh_from_db()
    assert (roster.leased_until, roster.tries) == (now + LEASE, 1)
    assert rosters.claim(now=now + LEASE) is None


def test_a_dead_workers_lease_runs_out(roster: Roster) -> None:
    now = timezone.now()
    rosters.claim(now=now)

    again = rosters.claim(now=now + LEASE + timedelta(seconds=1))

    assert again is not None
    assert again.tries == 2


def test_the_one_that_is_due_for_longest_is_first(roster: Roster) -> None:
    now = timezone.now()
    another(roster, due_at=now - timedelta(minutes=1))
    oldest = another(roster, due_at=now - timedelta(hours=1))
    another(roster, due_at=now + timedelta(minutes=1))
    another(roster, due_at=None)

    assert rosters.claim(now=now) == oldest


def test_a_worker_is_left_for_grades(roster: Roster, settings: Settings) -> None:
    another(roster)
    another(roster)
    now = timezone.now()
    assert settings.ROSTERS_AT_ONCE == 1
    assert rosters.claim(now=now) is not None
    assert rosters.claim(now=now) is None

    settings.ROSTERS_AT_ONCE = 2

    assert rosters.claim(now=now) is not None
    assert rosters.claim(now=now) is None


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once(roster: Roster, settings: Settings) -> None:
    settings.ROSTERS_AT_ONCE = 9
    now = timezone.now()

    claimed = factories.at_once(*[lambda: rosters.claim(now=now)] * 6)

    assert sorted(str(one) for one in claimed) == ["None"] * 5 + [str(roster)]


@pytest.mark.parametrize("off", ["registration", "pending", "refused"])
def test_what_is_switched_off_is_left_alone(roster: Roster, gradebook: FakePlatform, off: str) -> None:
    if off == "registration":
        Registration.objects.update(is_active=False)
    else:
        Deployment.objects.update(status=off)

    assert rosters.drain() == 0
    assert gradebook.received == []

    Registration.objects.update(is_active=True)
    Deployment.objects.update(status=Deployment.Status.ACCEPTED)
    assert rosters.drain() == 1


def test_a_roster_that_kills_its_workers(roster: Roster) -> None:
    """After so many it waits for the night; until then it would be the first that every worker takes."""
    now = timezone.now()
    other = another(roster, due_at=now)
    Roster.objects.filter(pk=roster.pk).update(tries=MOST_TRIES, leased_until=now - timedelta(seconds=1))

    assert rosters.claim(now=now) == other

    roster.refresh_from_db()
    assert (roster.due_at, roster.leased_until) == (None, None)
    assert roster.problem


def test_the_lease_is_renewed_while_pages_come(roster: Roster) -> None:
    now = timezone.now()
    Roster.objects.update(due_at=now - LEASE)
    claimed = rosters.claim(now=now - LEASE * 0.6)
    assert claimed is not None

    rosters.sync(claimed)

    roster.refresh_from_db()
    assert roster.synced_at is not None
    assert claimed.leased_until is not None
    assert claimed.leased_until >= now + LEASE


def test_whoever_lost_the_lease_leaves_the_roster_to_the_other(
    roster: Roster, gradebook: FakePlatform
) -> None:
    now = timezone.now()
    Roster.objects.update(due_at=now - LEASE * 3)
    slow, quick = rosters.claim(now=now - LEASE * 2), rosters.claim(now=now)
    assert slow is not None
    assert quick is not None

    rosters.sync(slow)

    roster.refresh_from_db()
    assert (roster.leased_until, roster.synced_at, roster.problem) == (quick.leased_until, None, "")
    assert gradebook.received == []


def test_whoever_lost_the_lease_at_the_end_settles_nothing(roster: Roster) -> None:
    slow = rosters.claim(now=timezone.now())
    assert slow is not None
    other = timezone.now() + LEASE * 2
    Roster.objects.update(leased_until=other)

    rosters.sync(slow)

    roster.refresh_from_db()
    assert (roster.leased_until, roster.synced_at) == (other, None)


# --- what becomes of one that cannot be read --------------------------------------------------------------------


def test_a_failure_is_said_and_tried_again(
    roster: Roster, gradebook: FakePlatform, caplog: pytest.LogCaptureFixture
) -> None:
    gradebook.fail(MEMBERSHIPS, Fault(status=403, body=b"secret"))

    assert rosters.drain() == 1

    assert 29 < waits(roster) < 61
    assert (roster.leased_until, roster.tries, roster.synced_at) == (None, 1, None)
    assert roster.problem == "not_allowed"
    assert [line.message for line in caplog.records] == [
        f"roster.refused registration={roster.context.deployment.registration_id} course={roster.context_id} "
        "tries=1 reason=not_allowed"
    ]
    assert tallied() == {"not_allowed": 1}


@pytest.mark.parametrize(
    "reason",
    [
        *(
            "unreachable",
            "key_refused",
            "scope_refused",
            "token_refused",
            "not_allowed",
            "course_gone",
            "slow_down",
        ),
        *(
            "platform_fault",
            "unreadable",
            "too_large",
            "foreign_address",
            "endless",
            "roster_empty",
            "our_fault",
        ),
    ],
)
def test_every_reason_has_its_words(reason: str) -> None:
    assert reason in troubles.SERVICES


def test_the_next_success_takes_the_problem_away(roster: Roster, gradebook: FakePlatform) -> None:
    gradebook.fail(MEMBERSHIPS, Fault(status=403))
    rosters.drain()
    Roster.objects.update(due_at=timezone.now())

    rosters.drain()

    roster.refresh_from_db()
    assert (roster.problem, roster.tries, roster.due_at) == ("", 0, None)


def test_each_failure_waits_longer(roster: Roster, gradebook: FakePlatform) -> None:
    gradebook.fail(MEMBERSHIPS, *[Fault(status=404)] * MOST_TRIES)
    longest = []
    for _ in range(MOST_TRIES - 1):
        rosters.drain()
        longest.append(waits(roster))
        Roster.objects.update(due_at=timezone.now())

    doubled = [60 * 2**tries for tries in range(MOST_TRIES - 1)]
    assert all(most / 2 - 1 < wait <= most for wait, most in zip(longest, doubled, strict=True))

    # Then it is the next night's.
    rosters.drain()
    roster.refresh_from_db()
    assert (roster.due_at, roster.leased_until) == (None, None)
    assert roster.problem
    make_launch(roster, at=timezone.now())
    assert rosters.plan_night(now=timezone.now()) == 1
    roster.refresh_from_db()
    assert roster.tries == 0


def test_we_wait_as_long_as_the_vle_asks(roster: Roster, gradebook: FakePlatform) -> None:
    gradebook.fail(MEMBERSHIPS, Fault(status=429, headers={"Retry-After": "900"}))

    rosters.drain()

    assert 899 < waits(roster) < 1081


SILENT = {
    "429": (Fault(status=429, headers={"Retry-After": "900"}), 900),
    "reset": (Fault(reset=True), rosters.SILENCE_SECONDS),
}


@pytest.mark.parametrize("what", SILENT)
def test_a_vle_that_does_not_answer_is_not_asked_for_its_other_courses(
    roster: Roster, gradebook: FakePlatform, what: str
) -> None:
    fault, seconds = SILENT[what]
    gradebook.fail(MEMBERSHIPS, fault)
    others = [another(roster, due_at=timezone.now()) for _ in range(3)]
    later = another(roster, due_at=timezone.now() + timedelta(hours=5))

    assert rosters.drain() == 1

    assert all(seconds - 1 < waits(one) <= seconds for one in others)
    assert all(one.tries == 0 for one in others)
    assert waits(later) > 4 * 3600


ENDLESS = {
    # The second page names itself as the next.
    "endless": [Fault(status=200, body=b'{"members": []}', headers={"Link": "<?at=2>; rel=next"})] * 2,
    "too_large": [Fault(status=200, body=b"x" * (nrps.MAX_BYTES + 1))],
}


@pytest.mark.parametrize("reason", ENDLESS)
def test_a_vle_that_wears_us_out_waits_for_long_with_all_its_courses(
    roster: Roster, gradebook: FakePlatform, reason: str
) -> None:
    gradebook.fail(MEMBERSHIPS, *ENDLESS[reason])
    other = another(roster)

    assert rosters.drain() == 1

    # The next night it would be the same, but not before: meanwhile it would hold up its VLE's other courses.
    roster.refresh_from_db()
    assert (roster.problem, roster.due_at, roster.leased_until) == (reason, None, None)
    assert rosters.CALM_SECONDS - 5 < waits(other) <= rosters.CALM_SECONDS


def test_nobody_calls_us_back_to_a_vle_that_wears_us_out(roster: Roster, gradebook: FakePlatform) -> None:
    gradebook.fail(MEMBERSHIPS, *ENDLESS["endless"])
    rosters.drain()
    other, vle = another(roster, due_at=None), gradebook.register(client_id="another")
    elsewhere = another(roster, Deployment.objects.get(registration=vle), due_at=None)

    asked = [rosters.ask(Roster.objects.filter(pk=one.pk), now=timezone.now()) for one in (other, elsewhere)]

    assert asked == [False, True]
    assert rings() == 1


def test_a_course_that_is_gone_is_no_sign_for_the_others(roster: Roster, gradebook: FakePlatform) -> None:
    gradebook.fail(MEMBERSHIPS, Fault(status=404))
    other = another(roster)

    assert rosters.drain() == 2

    other.refresh_from_db()
    assert other.synced_at is not None


def test_a_silent_vle_holds_up_no_other(roster: Roster, gradebook: FakePlatform) -> None:
    gradebook.fail(MEMBERSHIPS, Fault(reset=True))
    registration = gradebook.register(client_id="another")
    gradebook_of_another = Deployment.objects.get(registration=registration)
    other = another(roster, gradebook_of_another)

    assert rosters.drain() == 2

    other.refresh_from_db()
    assert other.tries == 1  # it had its turn


def test_what_nobody_foresaw(roster: Roster, caplog: pytest.LogCaptureFixture) -> None:
    Registration.objects.update(family="unheard of")

    assert rosters.drain() == 1

    assert 29 < waits(roster) < 61
    assert roster.problem == "our_fault"
    assert [line.levelname for line in caplog.records] == ["ERROR"]
    assert tallied() == {"our_fault": 1}


def test_entries_that_make_no_sense_are_counted(
    roster: Roster, gradebook: FakePlatform, caplog: pytest.LogCaptureFixture
) -> None:
    """Also such as no database could keep."""
    caplog.set_level(logging.INFO, "lti_tool.rosters")
    ann, bob = factories.make_member(roster.context, sub="ann"), factories.make_member(roster.context)
    page = rb"""{"members": [null, {"user_id": "x\u0000", "roles": []}, {"user_id": "\ud800", "roles": []},
                 {"user_id": "ann", "roles": 1}, {"user_id": "carl", "roles": ["Learner"]}]}"""
    gradebook.fail(MEMBERSHIPS, Fault(status=200, body=page))

    rosters.drain()

    assert caplog.records[-1].message.endswith("members=1 added=1 changed=0 left=1 unreadable=4")
    assert set(Membership.objects.filter(left_at=None).values_list("lti_user__sub", flat=True)) == {
        "ann",
        "carl",
    }
    assert {ann.sub, bob.sub, "carl"} == set(LtiUser.objects.values_list("sub", flat=True))


def test_what_was_read_before_it_failed_is_kept(roster: Roster, gradebook: FakePlatform) -> None:
    bob = factories.make_member(roster.context, "Bob")
    page = b'{"members": [{"user_id": "ann", "roles": ["Learner"]}]}'
    gradebook.fail(
        MEMBERSHIPS,
        Fault(status=200, body=page, headers={"Link": f"<{MEMBERSHIPS}?at=2>; rel=next"}),
        Fault(status=404),
    )

    rosters.drain()

    assert set(LtiUser.objects.values_list("sub", flat=True)) == {bob.sub, "ann"}
    assert not Membership.objects.exclude(left_at=None).exists()
    roster.refresh_from_db()
    assert (roster.synced_at, roster.members) == (None, None)

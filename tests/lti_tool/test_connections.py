"""How a connection does: what is counted, when somebody must look, and in which words."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from lti_tool import connections, cures, keys, platform_keys, tallies, troubles
from lti_tool.connections import Counts, State, Traffic
from lti_tool.models import ConnectionTally, Deployment, Family, Registration, Roster, ToolKey
from tests import factories
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform

pytestmark = pytest.mark.django_db
Kind = ConnectionTally.Kind
NOON = timezone.make_aware(datetime(2026, 11, 20, 12))
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def vle() -> Registration:
    """A connection that launches work on."""
    registration = factories.make_registration(family="moodle")
    launched(registration, NOON - 2 * DAY)
    return registration


def launched(registration: Registration, *moments: datetime) -> None:
    deployment = Deployment.objects.filter(registration=registration).first() or factories.make_deployment(
        registration
    )
    link = factories.make_link(factories.make_course(deployment))
    user = factories.make_member(link.context)
    for moment in moments:
        factories.make_launch(user, link, launched_at=moment)


def summary(registration: Registration, now: datetime = NOON) -> connections.Summary:
    return connections.summaries([registration], now)[registration.pk]


def activity(registration: Registration, kind: Kind) -> Traffic:
    found = {it.kind: it for it in connections.connection(registration, NOON).traffic}
    return found[kind]


# --- what is counted ----------------------------------------------------------------------------------------


def test_launches_are_counted_from_their_rows(vle: Registration) -> None:
    midnight = NOON - timedelta(hours=12)
    launched(
        vle, midnight, midnight - MINUTE, NOON - 6 * DAY, NOON - 7 * DAY, NOON - 29 * DAY, NOON - 30 * DAY
    )
    launched(factories.make_registration(), NOON)
    tallies.failed(vle.pk, Kind.LAUNCH, "kid_unknown", NOON - 8 * DAY)

    launches = activity(vle, Kind.LAUNCH)

    assert launches.worked == Counts(today=1, week=4, month=6)
    assert launches.failed == Counts(today=0, week=0, month=1)
    assert launches.last_at == midnight


def test_grades_are_counted_from_their_tallies(vle: Registration) -> None:
    for days in (40, 20, 3, 0):
        tallies.worked(vle.pk, Kind.SCORE, NOON - days * DAY)
        tallies.forget()
    for reason in ("ungradable", "ungradable", "unreachable"):
        tallies.failed(vle.pk, Kind.SCORE, reason, NOON - DAY)

    grades = activity(vle, Kind.SCORE)

    assert grades == Traffic(Kind.SCORE, NOON, Counts(1, 2, 3), Counts(0, 3, 3))


def test_the_last_of_each_is_known_however_long_ago(vle: Registration) -> None:
    tallies.worked(vle.pk, Kind.SCORE, NOON - 100 * DAY)
    course = factories.make_course(Deployment.objects.get())
    Roster.objects.create(context=course, url="https://vle.example/roster", synced_at=NOON - 50 * DAY)

    assert summary(vle).last == {
        Kind.LAUNCH: NOON - 2 * DAY,
        Kind.SCORE: NOON - 100 * DAY,
        Kind.ROSTER: NOON - 50 * DAY,
    }


def test_failures_are_grouped_with_words_the_newest_first(vle: Registration) -> None:
    for days in (20, 2, 2):
        tallies.failed(vle.pk, Kind.SCORE, "ungradable", NOON - days * DAY)
    tallies.failed(vle.pk, Kind.LAUNCH, "kid_unknown", NOON - 5 * DAY)
    tallies.failed(vle.pk, Kind.ROSTER, "not_allowed", NOON - 31 * DAY)
    tallies.failed(factories.make_registration().pk, Kind.SCORE, "unreachable", NOON)

    failures = connections.connection(vle, NOON).failures

    assert [(it.kind, it.reason, it.count, it.last_at) for it in failures] == [
        (Kind.SCORE, "ungradable", 3, NOON - 2 * DAY),
        (Kind.LAUNCH, "kid_unknown", 1, NOON - 5 * DAY),
    ]
    assert failures[0].trouble == troubles.SERVICES["ungradable"]
    assert failures[1].trouble.what == "Your VLE's message is signed with a key that it does not publish."


# --- when somebody must look --------------------------------------------------------------------------------


def test_a_connection_that_works(vle: Registration) -> None:
    assert (summary(vle).state, summary(vle).why) == (State.WORKS, [])


@pytest.mark.parametrize(
    ("is_active", "reason"), [(True, "target_foreign"), (False, "registration_inactive")]
)
def test_what_anybody_can_bring_about_is_counted_and_calls_nobody(
    platform: FakePlatform, is_active: bool, reason: str
) -> None:
    """A login is not signed: who begins one is not known to be the VLE."""
    registration = Registration.objects.get()
    Registration.objects.update(is_active=is_active)
    Visitor(platform).login(target_link_uri="https://x.example")
    Registration.objects.update(is_active=True)

    found = connections.connection(registration, timezone.now())

    assert [(it.reason, it.count) for it in found.failures] == [(reason, 1)]
    assert (found.summary.state, found.summary.why) == (State.UNUSED, [])


def test_one_that_nobody_has_used() -> None:
    assert summary(factories.make_registration()).state == State.UNUSED


def test_one_that_is_switched_off(vle: Registration) -> None:
    vle.is_active = False
    vle.save()

    assert summary(vle).state == State.OFF


def test_a_deployment_that_waits_needs_somebody(vle: Registration) -> None:
    factories.make_deployment(vle, status=Deployment.Status.PENDING)
    factories.make_deployment(vle, status=Deployment.Status.REFUSED)

    assert (summary(vle).state, summary(vle).why) == (
        State.ATTENTION,
        ["A deployment waits to be accepted."],
    )


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(Kind.LAUNCH, "signature_invalid"), (Kind.SCORE, "key_refused"), (Kind.ROSTER, "not_allowed")],
)
def test_what_fails_needs_somebody_until_it_works_again(vle: Registration, kind: Kind, reason: str) -> None:
    tallies.failed(vle.pk, kind, reason, NOON)
    assert (summary(vle).state, summary(vle).why) == (
        State.ATTENTION,
        [f"{kind.label}: {troubles.of(kind, reason).what}"],
    )

    if kind == Kind.LAUNCH:
        launched(vle, NOON + MINUTE)
    elif kind == Kind.SCORE:
        tallies.worked(vle.pk, kind, NOON + MINUTE)
    else:
        course = factories.make_course(Deployment.objects.get())
        Roster.objects.create(context=course, url="https://vle.example/r", synced_at=NOON + MINUTE)
    assert summary(vle).state == State.WORKS


def test_what_works_of_another_kind_mends_nothing(vle: Registration) -> None:
    tallies.failed(vle.pk, Kind.SCORE, "key_refused", NOON)
    launched(vle, NOON + MINUTE)

    assert summary(vle).state == State.ATTENTION


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(Kind.LAUNCH, "nonce_replayed"), (Kind.LAUNCH, "browser_mismatch"), (Kind.SCORE, "ungradable")],
)
def test_one_persons_moment_needs_nobody(vle: Registration, kind: Kind, reason: str) -> None:
    tallies.failed(vle.pk, kind, reason, NOON)

    assert summary(vle).state == State.WORKS


def test_after_a_week_it_is_forgotten(vle: Registration) -> None:
    tallies.failed(vle.pk, Kind.SCORE, "key_refused", NOON)

    assert summary(vle, NOON + 6 * DAY).state == State.ATTENTION
    assert summary(vle, NOON + 7 * DAY).state == State.WORKS


@pytest.mark.parametrize("many", [1, 5])
def test_a_list_of_any_length_is_two_queries(
    vle: Registration, many: int, django_assert_num_queries: Callable[[int], Any]
) -> None:
    listed = [vle, *(factories.make_registration() for _ in range(many))]
    for registration in listed:
        tallies.failed(registration.pk, Kind.SCORE, "key_refused", NOON)

    with django_assert_num_queries(2):
        found = connections.summaries(listed, NOON)

    assert {it.state for it in found.values()} == {State.ATTENTION}


# --- deployments, rosters, keys -----------------------------------------------------------------------------


def test_deployments_that_wait_stand_apart(vle: Registration) -> None:
    school = factories.make_school()
    accepted = Deployment.objects.get()
    Deployment.objects.update(school=school)
    refused = factories.make_deployment(vle, status=Deployment.Status.REFUSED)
    waiting = factories.make_deployment(vle, status=Deployment.Status.PENDING)
    factories.make_deployment(status=Deployment.Status.PENDING)

    page = connections.connection(vle, NOON)

    assert page.waiting == [waiting]
    assert [(it.pk, it.school) for it in page.decided] == [(accepted.pk, school), (refused.pk, None)]


def test_the_cure_is_in_the_words_of_this_make_of_vle(vle: Registration) -> None:
    Registration.objects.update(family=Family.CANVAS)
    vle.refresh_from_db()
    course = factories.make_course(Deployment.objects.get())
    Roster.objects.create(context=course, url="https://vle.example/r", problem="not_allowed")
    tallies.failed(vle.pk, Kind.SCORE, "not_allowed", NOON)

    page = connections.connection(vle, NOON)

    assert {page.failures[0].cure, page.rosters[0].cure} == {cures.of("not_allowed", Family.CANVAS)}
    assert "the app is installed in this course" in page.failures[0].cure


def test_rosters_that_could_not_be_read_are_named(vle: Registration) -> None:
    for problem in ("", "course_gone"):
        course = factories.make_course(Deployment.objects.get())
        Roster.objects.create(context=course, url="https://vle.example/r", problem=problem)

    assert [it.what for it in connections.connection(vle, NOON).rosters] == [
        "The VLE has no such course any more."
    ]


def test_our_keys_stand_as_vles_see_them(vle: Registration, tool_key: ToolKey) -> None:
    now = timezone.now()
    ToolKey.objects.update(signs_from=now - 200 * DAY)
    second = keys.make_key(signs_from=now - DAY)
    third = keys.rotate(now)

    shown = connections.published_keys(now)

    assert [(it.key.kid, it.signs, it.until) for it in shown] == [
        (third.kid, False, None),
        (second.kid, True, third.signs_from),
        (tool_key.kid, False, second.signs_from),
    ]


def test_what_is_held_of_the_vles_keys(platform: FakePlatform, registration: Registration) -> None:
    assert connections.connection(registration, timezone.now()).vle_keys is None

    Visitor(platform).launch()
    platform_keys.forget()  # another process

    held = connections.connection(registration, timezone.now()).vle_keys
    assert held is not None
    assert held.count == 1
    assert held.fresh_until > timezone.now()


def test_the_page_asks_nobody_outside(platform: FakePlatform, registration: Registration) -> None:
    Visitor(platform).launch()
    platform.received.clear()

    connections.connection(registration, timezone.now())

    assert platform.received == []


def test_each_make_has_its_guide() -> None:
    from lti_tool.models import Family
    from tests.bench.measure import ROOT

    for family in Family:
        page = connections.connection(factories.make_registration(family=family), NOON)
        assert (ROOT / page.guide).exists()

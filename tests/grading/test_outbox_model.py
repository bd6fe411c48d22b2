"""Anything that can happen to scores, in any order, against a model that says what must come of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from grading import outbox
from grading.models import Activity, Enrolment, OutgoingScore
from lti_tool.models import ResourceLink
from tests import factories
from tests.platforms.fake import FakePlatform, Fault

pytestmark = pytest.mark.django_db

State = OutgoingScore.State
EXAMPLES = 200
PEOPLE = st.integers(0, 1)
# What a platform may do to one request, and whether it kept the score all the same.
FAULTS = st.sampled_from(
    [
        Fault(503),
        Fault(429, headers={"Retry-After": "1"}),
        Fault(400),
        Fault(409),
        Fault(reset=True),
        Fault(reset=True, after=True),
        Fault(500, after=True),
        Fault(409, after=True),
        Fault(200, b"<html>"),
    ]
)


class Killed(BaseException):
    """The worker's process ends here."""


class Home(RuleBasedStateMachine):
    """Two people retake a quiz whose latest attempt counts, while workers work, die and come back."""

    leases = Bundle("leases")

    def __init__(self, gradebook: FakePlatform, link: ResourceLink) -> None:
        super().__init__()
        self.gradebook = gradebook
        gradebook.faults.clear()
        activity = Activity.objects.filter(resource_link=link).first() or factories.make_activity(
            link, keeps=Activity.Keeps.LATEST
        )
        self.people = [factories.make_enrolment(activity) for _ in range(2)]
        # Every figure queued for each, oldest first. No figure twice, so that each is known by its number.
        self.queued: list[list[int]] = [[], []]
        # What workers hold, as each remembers it.
        self.held: list[OutgoingScore] = []

    def scores(self) -> Any:
        return OutgoingScore.objects.filter(enrolment__in=self.people)

    def pass_time(self, time: Any) -> None:
        for score in self.held:
            score.leased_until -= time
        for score in self.scores():
            score.due_at -= time
            if score.leased_until:
                score.leased_until -= time
            score.save()

    # --- what people do

    @rule(person=PEOPLE, percentage=st.integers(0, 100))
    def submit(self, person: int, percentage: int) -> None:
        if percentage not in self.queued[person]:
            factories.take(self.people[person], percentage)
            self.queued[person].append(percentage)

    @rule()
    def send_again(self) -> None:
        outbox.send_again(self.scores(), now=timezone.now())

    # --- what workers do

    @rule(target=leases, most=st.integers(1, 3))
    def claim(self, most: int) -> list[OutgoingScore]:
        """And perhaps die before sending, or sleep."""
        leased = outbox.claim(now=timezone.now(), most=most)
        self.held += leased
        return leased

    @rule(lease=consumes(leases))
    def deliver(self, lease: list[OutgoingScore]) -> None:
        """At once, late, or by a worker that slept through everything."""
        for score in lease:
            outbox.deliver(score)

    @rule(lease=consumes(leases))
    def die_after_sending(self, lease: list[OutgoingScore]) -> None:
        """The score is sent; the process ends before the database hears of it."""

        def die(execute: Any, sql: str, *rest: Any) -> Any:
            if sql.startswith(("UPDATE", "SAVEPOINT", "BEGIN")) and "line" not in sql:
                raise Killed
            return execute(sql, *rest)

        try:
            with connection.execute_wrapper(die):
                for score in lease:
                    outbox.deliver(score)
        except Killed:
            pass

    @rule(person=PEOPLE, percentage=st.integers(0, 100))
    def submit_and_work(self, person: int, percentage: int) -> None:
        self.submit(person, percentage)
        self.work()

    @rule()
    def work(self) -> None:
        for score in outbox.claim(now=timezone.now()):
            outbox.deliver(score)

    # --- what the world does

    @rule(faults=st.lists(FAULTS, min_size=1, max_size=3))
    def break_down(self, faults: list[Fault]) -> None:
        self.gradebook.fail("/lineitems/1/scores", *faults)

    @rule(part_of_a_lease=st.sampled_from([0.1, 0.6, 1.01, 30]))
    def time_passes(self, part_of_a_lease: float) -> None:
        self.pass_time(outbox.LEASE * part_of_a_lease)

    # --- what must always be so

    @invariant()
    def what_is_not_settled_is_the_newest_or_in_flight(self) -> None:
        newest: dict[int, str] = {}
        for enrolment, state in self.scores().order_by("pk").values_list("enrolment", "state"):
            assert newest.get(enrolment, State.DELIVERED) in {
                State.DELIVERED,
                State.SUPERSEDED,
                State.SENDING,
            }
            newest[enrolment] = state

    @invariant()
    def nothing_older_came_after_anything_newer(self) -> None:
        for person, queued in zip(self.people, self.queued, strict=True):
            taken = self.gradebook.columns["1"].scores.get(person.lti_user.sub, [])
            order = [queued.index(score["scoreGiven"]) for score in taken]
            assert order == sorted(order)

    def teardown(self) -> None:
        """The platform is well again, and time passes: the newest arrives."""
        self.gradebook.faults.clear()
        outbox.send_again(self.scores(), now=timezone.now())
        for _ in range(4):
            self.pass_time(timedelta(days=1))
            self.work()
        self.nothing_older_came_after_anything_newer()
        for person, queued in zip(self.people, self.queued, strict=True):
            standing = self.gradebook.score_of(person.lti_user.sub)
            assert (standing and standing["scoreGiven"]) == (queued[-1] if queued else None)
            newest = person.scores.order_by("-pk").first()
            assert newest is None or newest.state == State.DELIVERED


@pytest.mark.slow
def test_whatever_happens_the_newest_score_gets_home(gradebook: FakePlatform, link: ResourceLink) -> None:
    run_state_machine_as_test(
        lambda: Home(gradebook, link),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=12,
            phases=[Phase.generate],
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Enrolment.objects.count() > 0

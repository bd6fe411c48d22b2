"""Stale or missing details are chased: the right people, not too often, and never twice for a restart."""

import re
from datetime import UTC, datetime, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from lti_tool import local_details, local_reminders, tasks
from lti_tool.local_details import Contact, Details
from lti_tool.models import (
    Context,
    Deployment,
    LocalReminder,
    LtiUser,
    Membership,
    Registration,
    ResourceLink,
)
from tests import factories
from tests.factories import at_once

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def link() -> ResourceLink:
    course = factories.make_course(factories.make_deployment(school=factories.make_school()))
    return factories.make_link(course)


def lead(link: ResourceLink, name: str, *, came: datetime | None = NOON - DAY, **changes: Any) -> LtiUser:
    """Somebody who leads the link's course and has opened it."""
    email = changes.pop("email", f"{name.lower()}@school.example")
    user = factories.make_member(link.context, name, lead=True, email=email, **changes)
    if came:
        factories.make_launch(user, link, launched_at=came)
    return user


def write(link: ResourceLink, by: LtiUser, *, now: datetime) -> None:
    details = Details(dsl=Contact("Jo Reed", "01632 960123"))
    seen = local_details.of_course(link.context_id, now=now).version
    local_details.save(link.context_id, details, by=by, seen=seen, now=now)


def chase(now: datetime = NOON) -> list[str]:
    """To whom this run writes."""
    mail.outbox.clear()
    local_reminders.chase(now=now)
    return [address for message in mail.outbox for address in message.to]


# --- whom -------------------------------------------------------------------------------------------------------


def test_where_nobody_has_entered_anything_leads_are_asked(link: ResourceLink) -> None:
    lead(link, "Grace")
    factories.make_member(link.context, "Alice", email="alice@school.example")

    assert chase() == ["grace@school.example"]
    (message,) = mail.outbox
    assert message.subject == "Please check your school’s safeguarding contacts"
    assert "Staff of Hillside School take safeguarding training" in message.body
    assert "Nobody has entered yet who that is" in message.body
    assert message.from_email == settings.DEFAULT_FROM_EMAIL == "no-reply@tool.example"


def test_what_is_current_is_left_alone_and_what_is_stale_is_asked_of_whoever_confirmed_it(
    link: ResourceLink,
) -> None:
    grace, _noor = lead(link, "Grace", came=NOON - 200 * DAY), lead(link, "Noor")
    write(link, grace, now=NOON - 180 * DAY + DAY)
    assert chase() == []

    assert chase(NOON + DAY) == ["grace@school.example"]
    assert "Nobody has checked since 25 May 2026" in mail.outbox[0].body
    # Names and numbers stay where only the school sees them.
    assert not re.search("Jo Reed|01632", mail.outbox[0].body)


@pytest.mark.parametrize("gone", ["left", "no lead any more", "switched off", "no address", "bad address"])
def test_whoever_confirmed_and_leads_no_more_is_not_asked(link: ResourceLink, gone: str) -> None:
    grace = lead(link, "Grace")
    lead(link, "Noor")
    write(link, grace, now=NOON - 300 * DAY)
    memberships, users = Membership.objects.filter(lti_user=grace), LtiUser.objects.filter(pk=grace.pk)
    if gone == "left":
        memberships.update(left_at=NOON)
    elif gone == "no lead any more":
        memberships.update(is_lead=False, is_learner=True)
    elif gone == "switched off":
        users.update(is_active=False)
    else:
        users.update(email="" if gone == "no address" else "grace\nBcc: all@school.example")

    assert chase() == ["noor@school.example"]


def test_of_many_leads_the_five_who_came_last_are_asked(link: ResourceLink) -> None:
    for number in range(8):
        lead(link, f"Lead{number}", came=NOON - number * DAY)
    lead(link, "Listed", came=None)
    # The same human in another of the VLE's accounts.
    lead(link, "Lead0 again", came=NOON - DAY / 2, email="LEAD0@school.example")

    assert chase() == [f"lead{number}@school.example" for number in range(5)]


def test_each_school_has_its_own_leads_asked(link: ResourceLink) -> None:
    lead(link, "Grace")
    other = factories.make_link(factories.make_course(school=factories.make_school("Valley School")))
    lead(other, "Ali")
    # A second course of the first school brings nobody a second letter.
    second = factories.make_link(factories.make_course(link.deployment))
    Membership.objects.create(
        context=second.context, lti_user=LtiUser.objects.get(name="Grace"), is_lead=True
    )
    factories.make_launch(LtiUser.objects.get(name="Grace"), second, launched_at=NOON)

    assert sorted(chase()) == ["ali@school.example", "grace@school.example"]


@pytest.mark.parametrize("shut", ["pending", "switched off", "unused"])
def test_what_nobody_uses_is_left_alone(link: ResourceLink, shut: str) -> None:
    lead(link, "Grace", came=NOON - (401 if shut == "unused" else 1) * DAY)
    if shut == "pending":
        Deployment.objects.update(status=Deployment.Status.PENDING)
    if shut == "switched off":
        Registration.objects.update(is_active=False)

    assert chase() == []


# --- how often --------------------------------------------------------------------------------------------------


def test_nobody_is_asked_twice_in_thirty_days_however_often_it_runs(link: ResourceLink) -> None:
    lead(link, "Grace")
    assert chase() == ["grace@school.example"]
    assert chase() == []
    for days in (1, 15, 29):
        assert chase(NOON + days * DAY) == []
    # Nor is the school, by way of another lead who came in between.
    lead(link, "Noor", came=NOON + DAY)
    assert chase(NOON + 29 * DAY) == []

    assert chase(NOON + 30 * DAY) == ["noor@school.example", "grace@school.example"]


def test_no_more_once_it_is_done(link: ResourceLink) -> None:
    grace = lead(link, "Grace")
    chase()
    write(link, grace, now=NOON + DAY)

    assert chase(NOON + 31 * DAY) == []


def test_what_was_entered_before_a_school_was_named_is_still_shown_after_a_reminder() -> None:
    link = factories.make_link()
    grace = lead(link, "Grace")
    write(link, grace, now=NOON - 300 * DAY)
    Deployment.objects.update(school=factories.make_school())

    assert chase() == ["grace@school.example"]
    assert local_details.of_course(link.context_id, now=NOON).details.dsl.name == "Jo Reed"


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_one_asks() -> None:
    lead(factories.make_link(), "Grace")

    said = at_once(*[lambda: local_reminders.chase(now=NOON)] * 2)

    assert sorted(said) == [0, 1]
    assert len(mail.outbox) == 1


class Failing(EmailBackend):
    """A mail server that refuses, or breaks off: as smtplib says it."""

    error: SMTPException = SMTPServerDisconnected("gone")
    tried: list[str] = []

    def send_messages(self, messages: Any) -> int:
        self.tried.extend(address for message in messages for address in message.to)
        raise self.error


class Unreachable(EmailBackend):
    """A mail server that nobody can connect to."""

    def open(self) -> bool:
        raise ConnectionRefusedError("nobody is there")


@pytest.fixture
def failing(settings: Any) -> Any:
    Failing.tried, Failing.error = [], SMTPServerDisconnected("gone")
    settings.EMAIL_BACKEND = f"{__name__}.Failing"
    return settings


def test_a_mail_server_that_fails_is_tried_again_the_next_day(link: ResourceLink, failing: Any) -> None:
    lead(link, "Grace")
    lead(link, "Noor", came=NOON - 2 * DAY)
    assert local_reminders.chase(now=NOON) == 0
    # One failure is enough: it would fail them all.
    assert Failing.tried == ["grace@school.example"]
    assert not LocalReminder.objects.exclude(sent_at=None).exists()

    failing.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    # A worker that was restarted at once does not know whether the first letter went out.
    assert chase(NOON + timedelta(minutes=5)) == ["noor@school.example"]
    assert chase(NOON + DAY) == []


def test_a_mail_server_that_is_not_there_is_no_error(link: ResourceLink, settings: Any) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Unreachable"
    assert local_reminders.chase(now=NOON) == 0
    lead(link, "Grace")
    assert local_reminders.chase(now=NOON) == 0
    assert not LocalReminder.objects.exclude(sent_at=None).exists()


def test_an_address_that_is_refused_keeps_nobody_else_from_being_asked(
    link: ResourceLink, failing: Any
) -> None:
    Failing.error = SMTPRecipientsRefused({})
    lead(link, "Grace")
    lead(link, "Noor", came=NOON - 2 * DAY)

    local_reminders.chase(now=NOON)

    assert Failing.tried == ["grace@school.example", "noor@school.example"]


def test_without_mail_nobody_is_asked_and_nothing_is_printed(
    link: ResourceLink, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    lead(link, "Grace")
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

    assert local_reminders.chase(now=NOON) == 0
    assert capsys.readouterr().out == ""
    assert not LocalReminder.objects.exists()


def test_when_time_is_up_the_rest_is_the_next_days(link: ResourceLink) -> None:
    lead(link, "Grace")

    assert local_reminders.chase(now=NOON, until=0) == 0
    assert chase(NOON) == ["grace@school.example"]


def test_beat_rings_once_a_day_for_the_task_that_does_it() -> None:
    link = factories.make_link()
    lead(link, "Grace", came=datetime.now(UTC))
    mail.outbox.clear()
    planned = settings.CELERY_BEAT_SCHEDULE["chase-local-details"]

    assert planned["task"] == tasks.chase_local_details.name
    assert len(planned["schedule"].hour) == len(planned["schedule"].minute) == 1
    tasks.chase_local_details()
    assert [message.to for message in mail.outbox] == [["grace@school.example"]]


def test_a_course_without_a_school_is_asked_for_its_vle(link: ResourceLink) -> None:
    Deployment.objects.update(school=None)
    Context.objects.update(school=None)
    lead(link, "Grace")

    chase()

    assert "Staff in your course take safeguarding training" in mail.outbox[0].body

"""Stale or missing details are chased: the right people, not too often, and never twice for a restart."""

import re
from datetime import UTC, datetime, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any
from unittest.mock import Mock

import pytest
from django.conf import settings
from django.core import mail
from django.core.mail.backends import smtp
from django.core.mail.backends.locmem import EmailBackend

from lti_tool import local_details, local_reminders, tasks
from lti_tool.local_details import Contact, Details
from lti_tool.models import (
    Context,
    Deployment,
    LocalDetails,
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


def test_where_whoever_confirmed_cannot_be_reached_others_are_asked_too(
    link: ResourceLink, failing: Any
) -> None:
    grace = lead(link, "Grace", came=NOON - 200 * DAY)
    for number in range(5):
        lead(link, f"Lead{number}", came=NOON - number * DAY)
    write(link, grace, now=NOON - 300 * DAY)
    Failing.error = SMTPRecipientsRefused({})
    local_reminders.chase(now=NOON)
    assert Failing.tried == ["grace@school.example"]

    local_reminders.chase(now=NOON + DAY)
    assert Failing.tried[1:] == ["grace@school.example", *(f"lead{n}@school.example" for n in range(4))]


def test_where_whoever_confirmed_does_not_answer_others_are_asked_too(link: ResourceLink) -> None:
    grace = lead(link, "Grace")
    lead(link, "Noor")
    write(link, grace, now=NOON - 300 * DAY)
    assert chase() == ["grace@school.example"]
    assert chase(NOON + 30 * DAY) == ["grace@school.example", "noor@school.example"]

    # Once it is confirmed again, it begins again with whoever did.
    write(link, grace, now=NOON + 31 * DAY)
    assert chase(NOON + 300 * DAY) == ["grace@school.example"]


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


def test_one_course_that_was_looked_after_before_a_school_was_named_does_not_hide_the_others() -> None:
    link = factories.make_link()
    write(link, lead(link, "Grace"), now=NOON)
    other = factories.make_link(factories.make_course(link.deployment))
    lead(other, "Noor", came=NOON - 2 * DAY)
    Deployment.objects.update(school=factories.make_school())

    assert chase() == ["grace@school.example", "noor@school.example"]
    assert "Nobody has entered yet" in mail.outbox[0].body


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


class Posting(smtp.EmailBackend):
    """Django's own way to a mail server, as far as the wire."""

    posted: list[str] = []

    def open(self) -> bool:
        self.connection = Mock()
        self.connection.sendmail.side_effect = lambda sender, to, message: self.posted.extend(to)
        return True


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


@pytest.mark.parametrize("odd", ["a@" + "ü" * 60 + ".de", '"=?utf-8?q?a=0ABcc:x?="@x.de'])
def test_an_address_that_cannot_be_written_keeps_nobody_else_from_being_asked(
    link: ResourceLink, settings: Any, odd: str
) -> None:
    Posting.posted = []
    settings.EMAIL_BACKEND = f"{__name__}.Posting"
    lead(link, "Grace", email=odd)
    lead(link, "Noor", came=NOON - 2 * DAY)

    assert local_reminders.chase(now=NOON) == 1
    assert Posting.posted == ["noor@school.example"]


def test_the_connection_is_closed_whatever_happens(link: ResourceLink, monkeypatch: Any) -> None:
    closed: list[bool] = []
    monkeypatch.setattr(EmailBackend, "close", lambda self: closed.append(True))
    monkeypatch.setattr(EmailBackend, "send_messages", lambda self, messages: 1 / 0)
    lead(link, "Grace")

    with pytest.raises(ZeroDivisionError):
        chase()
    assert closed == [True]


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


def test_a_course_without_a_school_is_asked_for_itself(link: ResourceLink) -> None:
    Deployment.objects.update(school=None)
    Context.objects.update(school=None)
    lead(link, "Grace")

    chase()

    assert "Staff in your course take safeguarding training" in mail.outbox[0].body


def test_who_leads_many_courses_without_a_school_gets_one_letter() -> None:
    """Each such course has details of its own; its other leads are asked."""
    first = factories.make_link()
    grace = lead(first, "Grace")
    second = factories.make_link(factories.make_course(first.deployment))
    Membership.objects.create(context=second.context, lti_user=grace, is_lead=True)
    factories.make_launch(grace, second, launched_at=NOON - DAY)

    assert chase() == ["grace@school.example"]
    lead(second, "Noor")
    assert chase(NOON + DAY) == ["noor@school.example"]


def test_a_reminder_keeps_nobody_from_being_erased(link: ResourceLink) -> None:
    grace = factories.make_member(link.context, "Grace", lead=True)
    details = LocalDetails.objects.create(school=link.deployment.school)
    LocalReminder.objects.create(details=details, lti_user=grace, sent_at=NOON)
    Membership.objects.all().delete()

    grace.delete()
    # That the school was asked is remembered.
    lead(link, "Noor")
    assert chase(NOON + DAY) == []
    assert chase(NOON + 30 * DAY) == ["noor@school.example"]

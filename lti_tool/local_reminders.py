"""Asking leads by e-mail to look after their school's details: nobody has for long, or there is nobody to tell.

Whoever confirmed last is asked if they still lead a course there, else a few of those who do; a few, too, once we
have tried in vain with the one. A `LocalReminder` row says whom we asked when: at most every thirty days, of one
school and of one person, however often the task runs. Where nobody could be reached, the next day's run tries
again.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from smtplib import SMTPRecipientsRefused

from django.conf import settings
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.mail.backends.base import BaseEmailBackend
from django.core.validators import validate_email
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from lti_tool import local_details
from lti_tool.local_details import Local, Owner
from lti_tool.models import Context, Deployment, Launch, LocalDetails, LocalReminder, LtiUser, Membership

logger = logging.getLogger(__name__)

TASK = "lti_tool.chase_local_details"
EVERY = timedelta(days=30)
# Less than a day, so that the next morning's run may try again what broke off.
TRY_AGAIN_AFTER = timedelta(hours=20)
# Courses that nobody has opened for so long need nobody's phone number.
ALIVE = timedelta(days=400)
MOST_ASKED = 5


def chase(*, now: datetime, until: float | None = None) -> int:
    """Ask whoever is due to be asked, beginning nobody after `until` (monotonic seconds). Returns how many."""
    if settings.EMAIL_BACKEND == "django.core.mail.backends.console.EmailBackend":
        # No mail is set up: it would be printed, with names, to a log.
        logger.info("local_details.not_chased why=no_mail")
        return 0
    asked = 0
    connection = mail.get_connection()
    try:
        for local, details, lead in _due(now):
            if until is not None and time.monotonic() >= until:
                break
            try:
                asked += _ask(local, details, lead, connection, now)
            # SMTPException is an OSError; an address that cannot be written is a ValueError.
            except (OSError, ValueError) as error:
                logger.warning("local_details.reminder_failed why=%s", type(error).__name__)
                if isinstance(error, OSError) and not isinstance(error, SMTPRecipientsRefused):
                    break  # the mail server's fault, not the address's: it would fail them all
    finally:
        connection.close()
    return asked


def _due(now: datetime) -> Iterator[tuple[Local, LocalDetails, LtiUser]]:
    """Everybody who should look after their school's details, with the row that says when they were asked."""
    for owner, its_courses in _owners(now).items():
        # Until the school's are written its courses may read different ones.
        read = [local_details.of_known(course, now=now) for course in its_courses]
        local = next((one for one in read if one.state is not local_details.State.CURRENT), None)
        leads = _leads(local, owner, its_courses) if local else []
        if not local or not leads:
            continue
        details, _made = LocalDetails.objects.get_or_create(**owner.columns)
        if not details.reminders.filter(sent_at__gt=now - EVERY).exists():
            yield from ((local, details, lead) for lead in leads)


def _owners(now: datetime) -> dict[Owner, list[Context]]:
    """Whose details there are to look after, each with its courses that are alive."""
    launched = Launch.objects.filter(resource_link__context=OuterRef("pk"), launched_at__gte=now - ALIVE)
    alive = local_details.courses().filter(
        Exists(launched),
        deployment__status=Deployment.Status.ACCEPTED,
        deployment__registration__is_active=True,
    )
    owners: defaultdict[Owner, list[Context]] = defaultdict(list)
    for course in alive.order_by("pk"):
        owners[local_details.owner_of(course)].append(course)
    return owners


def _leads(local: Local, owner: Owner, its_courses: list[Context]) -> list[LtiUser]:
    """Whom to ask: whoever confirmed last; once that was tried also those who came last, each address once."""
    leading = Membership.objects.leading().filter(
        lti_user=OuterRef("pk"), context__in=[course.pk for course in its_courses]
    )
    newest = Launch.objects.filter(lti_user=OuterRef("pk")).order_by("-launched_at").values("launched_at")
    found = LtiUser.objects.filter(Exists(leading), is_active=True).exclude(email="")
    found = found.annotate(came_at=Subquery(newest[:1])).order_by(F("came_at").desc(nulls_last=True), "pk")
    leads: list[LtiUser] = [lead for lead in found if _is_address(lead.email)]
    leads.sort(key=lambda lead: lead.pk != local.confirmed_by)
    if leads and leads[0].pk == local.confirmed_by and not _tried(leads[0], owner, since=local.confirmed_on):
        return leads[:1]
    by_address: dict[str, LtiUser] = {}
    for lead in leads:
        by_address.setdefault(lead.email.casefold(), lead)
    return list(by_address.values())[:MOST_ASKED]


def _tried(lead: LtiUser, owner: Owner, *, since: date | None) -> bool:
    """Whether a letter went to the lead, or should have, since they confirmed the details: nothing came of it."""
    of_owner = {f"details__{key}": value for key, value in owner.columns.items()}
    return lead.local_reminders.filter(tried_at__date__gt=since, **of_owner).exists()


def _is_address(email: str) -> bool:
    try:
        validate_email(email)
    except ValidationError:
        return False
    return True


def _ask(
    local: Local, details: LocalDetails, lead: LtiUser, connection: BaseEmailBackend, now: datetime
) -> bool:
    """Ask one lead, unless they were asked not long ago. Raises OSError where the mail cannot be sent."""
    reminder, _made = LocalReminder.objects.get_or_create(details=details, lti_user=lead)
    ours = LocalReminder.objects.filter(pk=reminder.pk)
    lately = Q(sent_at__gt=now - EVERY) | Q(tried_at__gt=now - TRY_AGAIN_AFTER)
    free = ours.exclude(lately)
    if details.context_id:
        # Courses without a school have details of their own: who leads many gets one letter all the same.
        free = free.exclude(
            Exists(LocalReminder.objects.filter(lately, lti_user=lead, details__context__isnull=False))
        )
    # Claimed before it is sent: of two workers one asks, and one that is restarted asks nobody twice.
    if not free.update(tried_at=now):
        return False
    words = render_to_string(
        "lti_tool/local_reminder.txt",
        {
            "local": local,
            "every": EVERY.days,
            "provider": settings.PROVIDER_NAME,
            "address": settings.PUBLIC_URL,
        },
    )
    connection.open()  # the first time; the others go the same way
    mail.EmailMessage(
        subject=_("Please check your school’s safeguarding contacts"),
        body=words,
        to=[lead.email],
        connection=connection,
    ).send()
    ours.update(sent_at=now)
    logger.info("local_details.reminder_sent details=%s user=%s", details.pk, lead.pk)
    return True

"""What all rows that are queues share: the doorbell, how long a worker holds one, and how long it waits after a
failure (design §1).
"""

import logging
import random
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.db.models import QuerySet
from django.utils import timezone

logger = logging.getLogger(__name__)

RING_SECONDS = 2
# So often we come back as soon as the platform says, for what passes in a moment; then we back off all the same.
PROMPT_TRIES = 3


def ring(task: str) -> None:
    """Ring the doorbell. If nobody hears it, beat's sweep finds the row within a minute."""
    try:
        current_app.send_task(
            task, ignore_result=True, retry=False, timeout=RING_SECONDS, confirm_timeout=RING_SECONDS
        )
    except Exception as error:
        # Whatever is wrong with the broker (gone, full, mute, set up otherwise), the row waits safely.
        logger.warning("doorbell.unheard why=%s", type(error).__name__)


def hold(ours: QuerySet[Any], leased_until: datetime, lease: timedelta) -> datetime | None:
    """Until when we hold the row after this: a lease is renewed once half of it is over.

    `ours` is the row as long as nobody has taken it over. None: somebody has.
    """
    now = timezone.now()
    if leased_until - now > lease / 2:
        return leased_until
    return now + lease if ours.update(leased_until=now + lease) else None


def back_off(tries: int, retry_after: float | None, *, first: float, longest: float) -> float:
    """Seconds to wait after so many tries: doubling, with jitter so that a term's work does not return
    together; never less than the platform asked for.
    """
    most = min(first * 2 ** (tries - 1), longest)
    wait = random.uniform(most / 2, most)  # noqa: S311 (jitter, no secret)
    if retry_after is None:
        return wait
    asked = retry_after * random.uniform(1, 1.2)  # noqa: S311
    # A VLE that says "in a second" for hours is down all the same.
    return asked if tries <= PROMPT_TRIES else max(asked, wait)

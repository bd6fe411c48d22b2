"""How a connection is doing, counted as it happens: one row a day for each kind and reason.

Counting never fails whom it counts, and a flood costs a process a few writes a minute: what is over waits in the
process and goes with the next write. A process that ends loses what waited.
"""

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import Error, transaction
from django.db.models import F
from django.utils import timezone

from lti_tool import registrations
from lti_tool.models import ConnectionTally

logger = logging.getLogger(__name__)

MINUTE = 60.0
# Grades that work come by the thousand (launches have rows of their own); each failure is worth its row until
# there is a flood of them.
WORKED_WRITES, FAILED_WRITES = 1, 60
KEPT = timedelta(days=400)


def worked(registration_id: int, kind: ConnectionTally.Kind, now: datetime) -> None:
    """Something of this kind worked. Written about once a minute by each process. Never raises."""
    _count((registration_id, kind, ""), now, WORKED_WRITES)


def failed(registration_id: int, kind: ConnectionTally.Kind, reason: str, now: datetime) -> None:
    """Something of this kind failed, for a reason whose words are in `troubles`. Never raises."""
    _count((registration_id, kind, reason[:60]), now, FAILED_WRITES)
    # What works next is written at once: it says that this has passed.
    if works := _counts.get((registration_id, kind, "")):
        works.writes = 0


def sweep(now: datetime) -> int:
    """Delete what is older than anybody looks back. Returns how many rows."""
    return ConnectionTally.objects.filter(day__lt=timezone.localdate(now) - KEPT).delete()[0]


_What = tuple[int, str, str]  # registration, kind, reason


@dataclass(slots=True)
class _Count:
    """What this process has counted of one thing, and how often it was written in the minute that runs."""

    minute_began: float = float("-inf")
    writes: int = 0
    waiting: Counter[date] = field(default_factory=Counter)


_counts: dict[_What, _Count] = {}
_lock = threading.Lock()


def forget() -> None:
    """Drop what waits in this process (for tests)."""
    _counts.clear()


def _count(what: _What, now: datetime, most_writes: int) -> None:
    with _lock:
        count = _counts.setdefault(what, _Count())
        count.waiting[timezone.localdate(now)] += 1
        if time.monotonic() - count.minute_began >= MINUTE:
            count.minute_began, count.writes = time.monotonic(), 0
        if count.writes >= most_writes:
            return
        count.writes += 1
        due, count.waiting = count.waiting, Counter()
    try:
        for day, times in due.items():
            _write(what, day, times, now)
    except Error as error:
        logger.warning("tally.lost registration=%s kind=%s why=%s", *what[:2], type(error).__name__)


def _write(what: _What, day: date, times: int, now: datetime) -> None:
    registration_id, kind, reason = what
    if registrations.by_id(registration_id) is None:
        return  # deleted: the foreign key would fail, and only when the caller's transaction ends
    counted = {"registration_id": registration_id, "day": day, "kind": kind, "reason": reason}
    rows = ConnectionTally.objects.filter(**counted)
    # A savepoint where the caller is in a transaction: theirs goes on whatever becomes of this.
    with transaction.atomic():
        if rows.update(count=F("count") + times, last_at=now):
            return
        _, is_first = ConnectionTally.objects.get_or_create(
            **counted, defaults={"count": times, "last_at": now}
        )
        if not is_first:  # another process was
            rows.update(count=F("count") + times, last_at=now)

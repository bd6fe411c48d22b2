"""Gradebook columns (AGS 2.0 §3.2): the one of a link, found before it is made, and the self-test's scratch one.

A column of a course is never deleted: it may be a link's own, and in Moodle later launches would then lose it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from lti_tool import http
from lti_tool.gradebook import (
    LINE_ITEM,
    LINE_ITEM_READONLY,
    Gradebook,
    Reason,
    ScoreRefused,
    stamp,
)
from lti_tool.models import LineItem, Registration
from lti_tool.pylti import ServiceResponse, add_query

# Moodle finds its handler by these exact types: application/json is answered "No handler found".
LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"

# Moodle takes whole numbers from 1 to 100 only; so does every other platform.
SCORE_MAXIMUM = 100
# Open edX keeps no longer one (lti-consumer-xblock).
MOST_LABEL = 100
# Renewed before each request, so it outlasts the slowest.
LEASE = timedelta(seconds=http.SLOWEST_CALL_SECONDS + 10)
SCRATCH = "saferesponse-self-test"


@dataclass(frozen=True, slots=True)
class Column:
    """What is asked of a link's column. `resource_id` is the activity's id, which deep linking gave it too."""

    label: str
    resource_id: str
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Item:
    """A column as the VLE describes it. `url` is empty where it names none that can be kept."""

    url: str
    resource_link_id: str
    resource_id: str
    tag: str


def _read(document: Any) -> _Item:
    said = document if isinstance(document, dict) else {}
    names = (said.get(name) for name in ("id", "resourceLinkId", "resourceId", "tag"))
    url, link, resource, tag = (value if isinstance(value, str) else "" for value in names)
    return _Item(url if url.isprintable() and len(url) <= 1000 else "", link, resource, tag)


def _items(gradebook: Gradebook, container_url: str, scopes: Sequence[str], **query: str) -> Iterator[_Item]:
    scope = LINE_ITEM_READONLY if LINE_ITEM_READONLY in scopes else LINE_ITEM
    found = gradebook.entries(add_query(container_url, query), scope, accept=LINE_ITEMS_TYPE)
    return (_read(document) for document in found)


def _make(gradebook: Gradebook, container_url: str, document: dict[str, Any]) -> str:
    response = gradebook.ask(
        "POST",
        container_url,
        LINE_ITEM,
        content=json.dumps({"scoreMaximum": SCORE_MAXIMUM, **document}, separators=(",", ":")),
        content_type=LINE_ITEM_TYPE,
        accept=LINE_ITEM_TYPE,
    )
    if not response.ok:
        raise gradebook.refusal(response)
    return _address(gradebook, _described(response))


def _described(response: ServiceResponse) -> _Item:
    try:
        return _read(response.json())
    except ValueError:
        return _read(None)


def _address(gradebook: Gradebook, item: _Item) -> str:
    """Where the column is. Raises ScoreRefused for an address that cannot be kept, or is not this VLE's."""
    if not item.url:
        raise ScoreRefused(Reason.UNREADABLE)
    if not gradebook.quirks.may_serve(gradebook.registration, item.url):
        raise ScoreRefused(Reason.FOREIGN_ADDRESS, permanent=True)
    return item.url


# --- a link's column ----------------------------------------------------------------------------------------


def find_or_make(gradebook: Gradebook, line_item: LineItem, column: Column) -> None:
    """Fill in `line_item.url`: the link's column as it is found, or a new one.

    Making one twice makes two, everywhere; so one worker at a time may look. Raises ScoreRefused.
    """
    lease = _Lease(line_item)
    if not lease.take():
        line_item.refresh_from_db()
        if not line_item.url:
            raise ScoreRefused(Reason.COLUMN_BUSY, retry_after=2)
        return

    def ours_still() -> None:
        gradebook.before_asking()
        lease.renew()

    ours = Gradebook(gradebook.registration, ours_still)
    try:
        url = _find(ours, line_item, column) or _make_for(ours, line_item, column)
        # Unless a launch named it meanwhile: that is first-hand.
        LineItem.objects.filter(pk=line_item.pk, url="").update(url=url)
    finally:
        lease.give_back()
    line_item.refresh_from_db()


class _Lease:
    """The right to look for, and make, the column of a link."""

    def __init__(self, line_item: LineItem) -> None:
        self._row = LineItem.objects.filter(pk=line_item.pk)
        self._until: datetime | None = None

    def take(self) -> bool:
        now = timezone.now()
        free = Q(leased_until=None) | Q(leased_until__lt=now)
        self._until = now + LEASE
        return bool(self._row.filter(free, url="").update(leased_until=self._until))

    def renew(self) -> None:
        """Raises ScoreRefused when it ran out and another has it, or when a launch has named the column."""
        until = timezone.now() + LEASE
        if not self._row.filter(leased_until=self._until, url="").update(leased_until=until):
            raise ScoreRefused(Reason.COLUMN_BUSY, retry_after=2)
        self._until = until

    def give_back(self) -> None:
        """Unless another has it by now."""
        self._row.filter(leased_until=self._until).update(leased_until=None)


def _tag(line_item: LineItem) -> str:
    return f"saferesponse-{line_item.resource_link_id}"


def _find(gradebook: Gradebook, line_item: LineItem, column: Column) -> str:
    """The address of the link's column; empty where there is none yet."""
    link_id = line_item.resource_link.resource_link_id
    for query in (
        {"resource_link_id": link_id},
        {"resource_id": column.resource_id},
        {"tag": _tag(line_item)},
    ):
        named: list[_Item] = []
        of_link: list[_Item] = []
        # The filter is asked for, not trusted.
        for item in _items(gradebook, line_item.container_url, line_item.scopes, **query):
            is_named = item.resource_id == column.resource_id or item.tag == _tag(line_item)
            if item.resource_link_id == link_id:
                (named if is_named else of_link).append(item)
            elif is_named and not item.resource_link_id and not _is_anothers(item, line_item):
                named.append(item)
        if found := [*named, *of_link]:
            return _address(gradebook, found[0])
    return ""


def _is_anothers(item: _Item, line_item: LineItem) -> bool:
    """Whether another link of the course has this column: copies of an activity share the id that it was given."""
    others = LineItem.objects.exclude(pk=line_item.pk)
    course = line_item.resource_link.context_id
    return others.filter(url=item.url, resource_link__context=course).exclude(url="").exists()


def _make_for(gradebook: Gradebook, line_item: LineItem, column: Column) -> str:
    if LINE_ITEM not in line_item.scopes:
        raise ScoreRefused(Reason.NO_COLUMN, permanent=True)
    document = {
        "label": column.label[:MOST_LABEL],
        "resourceId": column.resource_id,
        "tag": _tag(line_item),
        "resourceLinkId": line_item.resource_link.resource_link_id,
    }
    if column.due_at:
        document["endDateTime"] = stamp(column.due_at)
    return _make(gradebook, line_item.container_url, document)


# --- the self-test's ----------------------------------------------------------------------------------------


class NotScratch(Exception):
    """The column that was to be deleted is not the self-test's."""


def make_scratch_column(registration: Registration, container_url: str, scopes: Sequence[str]) -> str:
    """The address of the self-test's own column in a course: one that an earlier test left behind, or a new one.

    Raises ScoreRefused.
    """
    gradebook = Gradebook(registration)
    left = _items(gradebook, container_url, scopes, tag=SCRATCH)
    found = next((item for item in left if _is_scratch(item)), None)
    if found:
        return _address(gradebook, found)
    if LINE_ITEM not in scopes:
        raise ScoreRefused(Reason.NO_COLUMN, permanent=True)
    document = {"label": "SafeResponse self-test", "resourceId": SCRATCH, "tag": SCRATCH}
    return _make(gradebook, container_url, document)


def delete_scratch_column(registration: Registration, url: str) -> None:
    """Delete the self-test's column. What the VLE describes as any other is left alone.

    Raises NotScratch, ScoreRefused.
    """
    gradebook = Gradebook(registration)
    described = gradebook.ask("GET", url, LINE_ITEM, accept=LINE_ITEM_TYPE)
    if described.status == 404:
        return
    if not described.ok:
        raise gradebook.refusal(described)
    if not _is_scratch(_described(described)):
        raise NotScratch
    deleted = gradebook.ask("DELETE", url, LINE_ITEM)
    if not deleted.ok and deleted.status != 404:
        raise gradebook.refusal(deleted)


def _is_scratch(item: _Item) -> bool:
    return (item.tag, item.resource_id, item.resource_link_id) == (SCRATCH, SCRATCH, "")

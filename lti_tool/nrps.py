"""Names and Role Provisioning Services 2.0: everybody in a course, page by page.

A course may have a hundred thousand members, so nothing here holds more than a page. What a make of VLE does
differently is `platform_quirks`'s; what a reading changes with us is `memberships`'s.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, NoReturn

import requests
from pydantic import Field, TypeAdapter, ValidationError

from lti_tool import platform_quirks
from lti_tool.claims import Identifier, Identity, Role, Text, roles_of
from lti_tool.http import AnswerTooLarge
from lti_tool.links import next_page
from lti_tool.models import Registration
from lti_tool.platform_quirks import Quirks
from lti_tool.pylti import Connector, ServiceResponse, TokenRefused, add_query

SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
# Moodle finds its handler by this exact type.
MEDIA_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"

# Some VLEs send everybody on one page, whatever `limit` says: about 25,000 members fit.
MAX_BYTES = 8 * 1024 * 1024
# Canvas gives 50 on a page.
MOST_PAGES, MOST_MEMBERS = 5_000, 250_000
# So many pages in a row may have nobody on them: a VLE may leave people out after it has cut its pages.
MOST_EMPTY = 3
# A roster takes minutes, or as long as its members need (25 s for 300 on a Canvas, webwork2#3182): slow pages with
# next to nobody on them would hold up every other VLE's.
BASE_SECONDS, SECONDS_PER_MEMBER = 300.0, 0.09
MOST_SECONDS = 2 * 3600.0
# A further page is asked for again in place: to begin anew would cost all the pages before it.
PAGE_TRIES = 4
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 20.0


class RosterRefused(Exception):
    """A roster could not be read, or not to its end. `reason` is a code whose words are in `troubles`.

    `retry_after` is how many seconds the platform asked us to wait, where it did.
    """

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after

    @property
    def passes(self) -> bool:
        """Whether the same request may well be answered in a moment."""
        return self.reason in {"unreachable", "slow_down", "platform_fault", "unreadable"}

    @property
    def is_of_all_courses(self) -> bool:
        """Whether the VLE would say the same of every other course just now."""
        asking = {"unreachable", "slow_down", "key_refused", "scope_refused", "token_refused"}
        return self.reason in asking or self.wears_us_out

    @property
    def wears_us_out(self) -> bool:
        """Whether it cost us much, and would again."""
        return self.reason in {"endless", "too_large"}


class Member(Identity):
    """Somebody in a course (NRPS 2.0 §2.2). `roles` may be short names or URIs."""

    user_id: Identifier
    role_uris: Annotated[list[str], Field(alias="roles", max_length=200)]
    status: str | None = None
    sourcedid: Annotated[Text, Field(alias="lis_person_sourcedid")] = ""

    @property
    def is_active(self) -> bool:
        # Without a status they are (§2.2).
        return self.status not in {"Inactive", "Deleted"}

    @property
    def roles(self) -> frozenset[Role]:
        return roles_of(self.role_uris)


_USER_ID: TypeAdapter[str] = TypeAdapter(Identifier)


@dataclass(frozen=True, slots=True)
class Page:
    """`unreadable`: the user ids of entries that make no sense otherwise; "" for one that has not even that."""

    members: list[Member] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.members) + len(self.unreadable)


def pages(
    registration: Registration, url: str, *, before_asking: Callable[[], None] = lambda: None
) -> Iterator[Page]:
    """Everybody on the roster at `url`, page by page. Whoever takes the last one has seen them all.

    `before_asking` is called before each request, and stops the reading by raising. Raises RosterRefused.
    """
    quirks = platform_quirks.of(registration)
    connector = Connector(registration)

    def ask(address: str) -> tuple[Page, str]:
        before_asking()
        return _ask(connector, address, quirks, most=MOST_MEMBERS - entries)

    address = add_query(url, {"limit": str(quirks.roster_page)})
    asked: set[str] = set()
    entries, empty, begun = 0, 0, time.monotonic()
    while address:
        # The next page's address is the answer's to name: at a foreign host it would collect our token.
        if not quirks.may_serve(registration, address):
            raise RosterRefused("foreign_address")
        if address in asked or len(asked) >= MOST_PAGES:
            raise RosterRefused("endless")
        page, following = _get(ask, address, tries=PAGE_TRIES if asked else 1)
        entries += len(page)
        yield page
        empty = 0 if page else empty + 1
        if following and (empty > MOST_EMPTY or time.monotonic() - begun > _seconds_for(entries)):
            raise RosterRefused("endless")
        asked.add(address)
        address = following


def _seconds_for(members: int) -> float:
    return min(BASE_SECONDS + members * SECONDS_PER_MEMBER, MOST_SECONDS)


def _get(ask: Callable[[str], tuple[Page, str]], address: str, *, tries: int) -> tuple[Page, str]:
    """The page at `address`, and the address of the one after it. Raises RosterRefused."""
    for pause in (FIRST_PAUSE_SECONDS * 2**n for n in range(tries - 1)):
        try:
            return ask(address)
        except RosterRefused as refused:
            if not refused.passes or (refused.retry_after or 0) > LONGEST_PAUSE_SECONDS:
                raise
            time.sleep(max(pause, refused.retry_after or 0))
    return ask(address)


def _ask(connector: Connector, address: str, quirks: Quirks, *, most: int) -> tuple[Page, str]:
    try:
        response = connector.request("GET", address, [SCOPE], accept=MEDIA_TYPE, max_bytes=MAX_BYTES)
    except TokenRefused as refused:
        raise RosterRefused(refused.reason) from None
    except AnswerTooLarge:
        raise RosterRefused("too_large") from None
    except requests.RequestException:
        raise RosterRefused("unreachable") from None
    if not response.ok:
        _refuse(response, quirks)
    return _read(response, quirks, most=most), next_page(response.headers, address)


def _refuse(response: ServiceResponse, quirks: Quirks) -> NoReturn:
    """What an error status means. The body is never kept."""
    if quirks.asks_to_wait(response.status, response.body):
        raise RosterRefused("slow_down", retry_after=response.retry_after)
    if response.status == 401:
        raise RosterRefused("token_refused")
    if response.status in {404, 410}:
        raise RosterRefused("course_gone")
    if response.status >= 500:
        raise RosterRefused("platform_fault", retry_after=response.retry_after)
    # Sakai answers 400 to a tool that may not read rosters.
    raise RosterRefused("not_allowed" if response.status in {400, 403} else "unreadable")


def _read(response: ServiceResponse, quirks: Quirks, *, most: int) -> Page:
    """The members on a page, each checked for itself: one that makes no sense spoils nobody else's.

    More than `most` are not even looked at.
    """
    try:
        document = response.json()
    except ValueError:
        raise RosterRefused("unreadable") from None
    entries = document.get("members") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise RosterRefused("unreadable")
    if len(entries) > most:
        raise RosterRefused("endless")
    page = Page()
    for entry in entries:
        try:
            page.members.append(Member.model_validate(quirks.member(entry)))
        except ValidationError:
            page.unreadable.append(_user_id(entry))
    return page


def _user_id(entry: Any) -> str:
    try:
        return _USER_ID.validate_python(entry["user_id"], strict=True)
    except (KeyError, TypeError, ValidationError):
        return ""

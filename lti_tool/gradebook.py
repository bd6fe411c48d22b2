"""Talking to a VLE's gradebook: every request of the Assignment and Grade Services, and how each may fail.

Failures come back as one exception with a reason, which says whether trying again can help. The words for a reason
are `troubles`'s for an operator, and `grading.problems`'s for leads and learners.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests

from lti_tool import platform_quirks
from lti_tool.http import AnswerTooLarge
from lti_tool.links import next_page
from lti_tool.models import Registration
from lti_tool.pylti import Connector, ServiceResponse, TokenRefused

_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/"
SCORE, LINE_ITEM = f"{_SCOPE}score", f"{_SCOPE}lineitem"
LINE_ITEM_READONLY, RESULT_READONLY = f"{_SCOPE}lineitem.readonly", f"{_SCOPE}result.readonly"

# A list that goes on for longer is not read to its end.
MAX_PAGES = 50


class Reason(StrEnum):
    """Why a grade did not get through."""

    UNREACHABLE = "unreachable"
    KEY_REFUSED = "key_refused"
    SCOPE_REFUSED = "scope_refused"
    TOKEN_REFUSED = "token_refused"  # noqa: S105
    NOT_ALLOWED = "not_allowed"
    UNGRADABLE = "ungradable"
    NO_ATTEMPTS_LEFT = "no_attempts_left"
    REJECTED = "rejected"
    NO_COLUMN = "no_column"
    COLUMN_GONE = "column_gone"
    COLUMN_BUSY = "column_busy"
    COURSE_GONE = "course_gone"
    NEWER_GRADE = "newer_grade"
    SLOW_DOWN = "slow_down"
    PLATFORM_FAULT = "platform_fault"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    FOREIGN_ADDRESS = "foreign_address"
    SWITCHED_OFF = "switched_off"
    OVERTAKEN = "overtaken"
    OUR_FAULT = "our_fault"


class ScoreRefused(Exception):
    """A score, or what has to be known for it, did not get through.

    `permanent`: trying again cannot help until somebody acts. `retry_after` is how many seconds the platform asked
    us to wait, where it did.
    """

    def __init__(self, reason: Reason, *, permanent: bool = False, retry_after: float | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.permanent = permanent
        self.retry_after = retry_after


def _nothing() -> None:
    return None


class Gradebook:
    """One registration's gradebook, for the length of one act.

    `before_asking` is called before every request, and stops the act by raising ScoreRefused.
    """

    def __init__(self, registration: Registration, before_asking: Callable[[], None] = _nothing) -> None:
        self.registration = registration
        self.quirks = platform_quirks.of(registration)
        self.before_asking = before_asking
        self._connector = Connector(registration)

    def ask(
        self,
        method: str,
        url: str,
        scope: str,
        *,
        accept: str = "*/*",
        content: str | None = None,
        content_type: str = "",
    ) -> ServiceResponse:
        """Make one request with a token of this scope. Raises ScoreRefused where there is no answer to it."""
        # A launch's addresses were checked as it came. Since then the VLE may have moved, and its old name may be
        # somebody else's; the next launch of anybody there puts it right.
        if not self.quirks.may_serve(self.registration, url):
            raise ScoreRefused(Reason.FOREIGN_ADDRESS)
        self.before_asking()
        try:
            return self._connector.request(
                method, url, [scope], data=content, content_type=content_type, accept=accept
            )
        except TokenRefused as refused:
            # Never permanent: a VLE that could not fetch our keys a moment ago says the same as one set up wrongly.
            raise ScoreRefused(Reason(refused.reason)) from None
        except AnswerTooLarge:
            raise ScoreRefused(Reason.TOO_LARGE) from None
        except requests.RequestException:
            raise ScoreRefused(Reason.UNREACHABLE) from None

    def entries(self, url: str, scope: str, *, accept: str) -> Iterator[Any]:
        """The entries of a list, page after page. Never with `limit`: Moodle 4.5 then answers with a next page
        that is not to be read, or with a fault. Raises ScoreRefused.
        """
        read: set[str] = set()
        while url and url not in read:
            if len(read) == MAX_PAGES:
                raise ScoreRefused(Reason.UNREADABLE)
            read.add(url)
            response = self.ask("GET", url, scope, accept=accept)
            if not response.ok:
                raise self.refusal(response)
            yield from _list(response)
            url = next_page(response.headers, url)

    def refusal(self, response: ServiceResponse) -> ScoreRefused:
        """What an error status means. The body is never kept: VLEs echo what they were sent."""
        if self.quirks.asks_to_wait(response.status, response.body):
            return ScoreRefused(Reason.SLOW_DOWN, retry_after=response.retry_after or 30)
        match response.status:
            case 401:
                return ScoreRefused(Reason.TOKEN_REFUSED)
            case 403:
                return ScoreRefused(Reason.NOT_ALLOWED, permanent=True)
            case 404 | 410:
                return ScoreRefused(Reason.COURSE_GONE)
            case status if 400 <= status < 500 and status != 408:
                return ScoreRefused(Reason.REJECTED, permanent=True)
        return ScoreRefused(Reason.PLATFORM_FAULT, retry_after=response.retry_after)


def _list(response: ServiceResponse) -> list[Any]:
    try:
        entries = response.json()
    except ValueError:
        raise ScoreRefused(Reason.UNREADABLE) from None
    return entries if isinstance(entries, list) else []


def below(url: str, name: str) -> str:
    """`url` with `/name` on its path. Moodle's line item URLs carry a query, which must stay behind it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))


def stamp(moment: datetime) -> str:
    """A moment as AGS writes it, in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

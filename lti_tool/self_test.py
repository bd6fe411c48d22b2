"""The self-test of a connection: everything that a launch, a grade and a roster need, tried in order.

Each check says what was found, and what to do about it at this make of VLE (`cures`). Nothing that the VLE answered
is repeated, and nobody is named.
"""

import logging
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import islice
from typing import NoReturn
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import cache
from django.db.models import TextChoices
from django.utils import timezone

from lti_tool import ags, cures, http, keys, nrps, platform_keys, platform_quirks, troubles
from lti_tool.claims import Role
from lti_tool.gradebook import LINE_ITEM, LINE_ITEM_READONLY, RESULT_READONLY, SCORE, Gradebook, ScoreRefused
from lti_tool.http import PlatformUnreachable, Unreachable
from lti_tool.line_items import (
    LINE_ITEMS_TYPE,
    Column,
    NotScratch,
    delete_scratch_column,
    make_scratch_column,
)
from lti_tool.models import ConnectionTally, Context, Launch, LineItem, LtiUser, Registration, Roster
from lti_tool.platform_keys import KeysUnavailable
from lti_tool.pylti import LEEWAY_SECONDS, Connector, TokenRefused
from lti_tool.registrations import tool_urls

logger = logging.getLogger(__name__)

# The library dates what we sign so many seconds back; a VLE whose clock is further behind sees the future.
SIGNED_SECONDS_BACK = 5
MOST_LISTED = 200
COURSES_OFFERED, LAUNCHES_LOOKED_AT = 20, 500
SCRATCH_PERCENTAGE = 50

SCOPES = {
    LINE_ITEM: "Access: make gradebook columns",
    LINE_ITEM_READONLY: "Access: see gradebook columns",
    SCORE: "Access: send grades",
    RESULT_READONLY: "Access: read grades back",
    nrps.SCOPE: "Access: list of members",
}
UNREACHABLE = "The VLE could not be reached, see above."
TOO_SLOW = (
    "The VLE answers slowly, and the time for one test was over. Run manage.py check_connection, which waits."
)
RUNNING = "A self-test of this connection is running. Wait until it has ended, then try again."
# Of one whose process died: after that another may begin.
LONGEST_SECONDS = 300


class Outcome(TextChoices):
    PASSED = "passed", "Passed"
    FAILED = "failed", "Failed"
    NOT_POSSIBLE = "not possible", "Not possible"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried. `cure` is empty unless it failed."""

    name: str
    outcome: Outcome
    found: str
    cure: str = ""


class _Failed(Exception):
    """`problem` is one that `cures` knows."""

    def __init__(self, found: str, problem: str) -> None:
        super().__init__(found)
        self.found = found
        self.problem = problem


class _NotPossible(Exception):
    """Something else must be so first, or the VLE does not offer it. In a sentence."""


def run(
    registration: Registration,
    *,
    course: Context | None = None,
    scratch_score: bool = False,
    seconds: float | None = None,
) -> list[Check]:
    """Try everything, in the course given or else the one that was opened last. Of each connection one at a time:
    who else asks meanwhile is told so.

    Checks that have not begun after `seconds` are not possible; one that has goes on to its end, as long as the VLE
    may take to answer.

    `scratch_score` makes a column in the course's gradebook, gives one member a grade there and deletes it again:
    people in the course may get a notice.
    """
    running = f"self-test:{registration.pk}"
    if not cache.add(running, 1, LONGEST_SECONDS):
        return [Check("Self-test", Outcome.NOT_POSSIBLE, RUNNING)]
    try:
        test = _SelfTest(registration, course or next(iter(courses(registration)), None), seconds)
        return [*test.connection(), *test.services(), *(test.scratch_score() if scratch_score else [])]
    finally:
        cache.delete(running)


def courses(registration: Registration) -> list[Context]:
    """The courses that somebody opened an activity in, the latest first; no more than a list can show."""
    opened = Launch.objects.filter(registration=registration).exclude(resource_link=None)
    # Of the latest launches, as the index gives them: those of a large VLE are millions.
    latest = opened.order_by("-launched_at").values_list("resource_link__context", flat=True)
    pks = list(dict.fromkeys(latest[:LAUNCHES_LOOKED_AT]))[:COURSES_OFFERED]
    found = Context.objects.in_bulk(pks)
    return [found[pk] for pk in pks]


Step = Callable[[], str]  # what was found, for a check that passed


class _SelfTest:
    def __init__(self, registration: Registration, course: Context | None, seconds: float | None) -> None:
        self.registration = registration
        self.course = course
        self._until = None if seconds is None else time.monotonic() + seconds
        self._connector = Connector(registration)
        # Why nothing further can be tried.
        self._stopped = ""
        self._clock_is_wrong = self._own_keys_are_wrong = self._gives_no_token = False
        self._granted: set[str] = set()
        self._scratch = ""

    def connection(self) -> Iterator[Check]:
        yield self._try("Registration", self._is_active)
        yield self._try("The tool's keys", self._own_keys)
        yield self._try("The VLE's sign-in address", self._auth_address)
        yield self._try("The VLE's keys", self._vle_keys)
        yield self._try("The VLE's token address and clock", self._clock)

    def services(self) -> Iterator[Check]:
        for scope, name in SCOPES.items():
            yield self._try(name, partial(self._token, scope))
        yield self._try("List of members", self._roster)
        yield self._try("Gradebook columns", self._columns)

    def scratch_score(self) -> list[Check]:
        checks = []
        try:
            for name, step in (
                ("Scratch column made", self._make_scratch),
                ("Scratch score sent", self._send_scratch),
                ("Scratch score read back", self._read_scratch),
            ):
                checks.append(self._try(name, step))
        finally:
            # Whatever went wrong, and however long it took: no column of ours stays.
            if self._scratch:
                checks.append(self._try("Scratch column deleted", self._delete_scratch, come_what_may=True))
        return checks

    def _try(self, name: str, step: Step, *, come_what_may: bool = False) -> Check:
        if self._until is not None and time.monotonic() > self._until:
            self._stopped = self._stopped or TOO_SLOW
        if self._stopped and not come_what_may:
            return Check(name, Outcome.NOT_POSSIBLE, self._stopped)
        try:
            return Check(name, Outcome.PASSED, step())
        except _NotPossible as why:
            return Check(name, Outcome.NOT_POSSIBLE, str(why))
        except _Failed as failed:
            found, problem = failed.found, failed.problem
        except Exception:
            # An answer that nobody foresaw must not hide what the other checks found.
            logger.exception("self_test.failed registration=%s check=%s", self.registration.pk, name)
            found, problem = "Something went wrong in the tool itself.", "our_fault"
        return Check(name, Outcome.FAILED, found, cures.of(problem, self.registration.family))

    # --- addresses, keys and clocks ---------------------------------------------------------------------

    def _is_active(self) -> str:
        if not self.registration.is_active:
            raise _Failed("The registration is switched off: nobody comes in, no grade goes out.", "inactive")
        return "The registration is switched on."

    def _own_keys(self) -> str:
        url = tool_urls()["jwks_url"]
        if not settings.ON_HTTPS and not settings.ALLOW_PRIVATE_PLATFORMS:
            raise _Failed("The tool's address is not https.", "not_https")
        try:
            response = http.session().get(url, headers={"Accept": "application/json"})
        except PlatformUnreachable as error:
            raise _NotPossible(
                f"This server cannot ask its own outside address: {_WORDS[error.why]}. Open {url} from another "
                "network: it must show the tool's keys."
            ) from None
        try:
            published = (
                {key["kid"] for key in response.json()["keys"]} if response.status_code == 200 else set()
            )
        except (ValueError, TypeError, KeyError, RecursionError):
            published = set()
        if keys.signing_key().kid not in published:
            self._own_keys_are_wrong = True
            raise _Failed("At the tool's outside address its keys are not found.", "own_keys")
        return "The tool's keys are published at its outside address, with the one that signs."

    def _auth_address(self) -> str:
        address = self.registration.auth_url
        try:
            http.check_address(address)
            socket.getaddrinfo(urlsplit(address).hostname, None)
        except (PlatformUnreachable, OSError, ValueError) as error:
            why = _WORDS[error.why] if isinstance(error, PlatformUnreachable) else "its name is not known"
            raise _Failed(f"The VLE's sign-in address cannot be used: {why}.", "auth_address") from None
        return "The VLE's sign-in address can be found."

    def _vle_keys(self) -> str:
        try:
            found = platform_keys.fetch(self.registration)
        except KeysUnavailable as error:
            if error.unreadable:
                raise _Failed(
                    f"What the VLE's keyset address answers is {error}.", "keys_unreadable"
                ) from None
            why = _WORDS[error.unreachable] if error.unreachable else str(error)
            raise _Failed(f"The VLE's keys cannot be fetched: {why}.", "keys_unreachable") from None
        if not found.keys:
            raise _Failed("None of the VLE's keys can verify a launch (RS256, 2048 bits).", "keys_unreadable")
        return f"The VLE publishes keys that verify launches: {len(found.keys)}."

    def _clock(self) -> str:
        """By the date of any answer at all: to a bare GET most token endpoints say no."""
        asked = time.time()
        try:
            response = http.session().get(self.registration.token_url)
        except PlatformUnreachable as error:
            self._stopped = UNREACHABLE
            raise _Failed(
                f"The VLE's token address cannot be reached: {_WORDS[error.why]}.", "token_address"
            ) from None
        try:
            stamped = parsedate_to_datetime(response.headers.get("Date", ""))
        except (TypeError, ValueError):
            raise _NotPossible("The VLE answers, but does not say what time it is there.") from None
        # A date of whole seconds is half a second early on average, and was written while we waited.
        ahead = stamped.replace(tzinfo=stamped.tzinfo or UTC).timestamp() + 0.5 - (asked + time.time()) / 2
        doubt = 0.5 + (time.time() - asked) / 2
        if ahead - doubt > LEEWAY_SECONDS or -ahead - doubt > SIGNED_SECONDS_BACK:
            self._clock_is_wrong = True
            word = "ahead of" if ahead > 0 else "behind"
            raise _Failed(f"The VLE's clock is {abs(ahead):.0f} seconds {word} this server's.", "clock")
        return "The VLE's token address answers, and its clock agrees with this server's."

    # --- tokens -----------------------------------------------------------------------------------------

    def _token(self, scope: str) -> str:
        if self._gives_no_token:
            raise _NotPossible("The VLE gives the tool no token, see above.")
        try:
            self._connector.fresh_token([scope])
        except TokenRefused as refused:
            if refused.reason == "scope_refused":
                raise _Failed(
                    "The VLE accepts the tool, and does not allow it this.", scope.rsplit("/", 1)[-1]
                ) from None
            self._gives_no_token = True
            raise self._no_token(refused) from None
        except PlatformUnreachable as error:
            self._stopped = UNREACHABLE
            raise _Failed(f"The VLE gave no answer: {_WORDS[error.why]}.", "unreachable") from None
        self._granted.add(scope)
        return "The VLE allows it."

    def _no_token(self, refused: TokenRefused) -> _Failed:
        """Which of the many things behind a refused token it was, as far as can be told."""
        if refused.status == 429:
            return _Failed("The VLE asked the tool to slow down.", "slow_down")
        if refused.status >= 500:
            return _Failed(f"The VLE had a fault of its own (status {refused.status}).", "platform_fault")
        if refused.status not in {400, 401, 403}:
            return _Failed("The VLE's token address answers, but not with a token.", "token_address")
        refuses = "The VLE does not accept what the tool signed"
        if self._clock_is_wrong:
            return _Failed(f"{refuses}: the clocks differ, see above.", "clock")
        if self._own_keys_are_wrong:
            return _Failed(f"{refuses}: it cannot find the tool's keys, see above.", "own_keys")
        if platform_quirks.of(self.registration).token_audience and not self.registration.token_audience:
            return _Failed(f"{refuses}: its audience is not set.", "audience")
        return _Failed(f"{refuses} with its key {keys.signing_key().kid}.", "client")

    def _need(self, *scopes: str) -> None:
        missing = [SCOPES[scope] for scope in scopes if scope not in self._granted]
        if missing:
            raise _NotPossible(f"It needs what was not given above: {'; '.join(missing)}.")

    # --- a course ---------------------------------------------------------------------------------------

    def _known_course(self) -> Context:
        if self.course is None:
            raise _NotPossible("Nobody has opened an activity from this VLE yet. Open one, then test again.")
        return self.course

    def _roster(self) -> str:
        course = self._known_course()
        self._need(nrps.SCOPE)
        roster = Roster.objects.filter(context=course).first()
        if roster is None:
            raise _NotPossible(
                f"The launches from {course} do not say where its members are listed. Open an activity there "
                "again; if that does not help, the VLE does not offer the list to this tool."
            )
        try:
            page = next(nrps.pages(self.registration, roster.url), nrps.Page())
        except nrps.RosterRefused as refused:
            self._fail(ConnectionTally.Kind.ROSTER, refused.reason)
        if not page.members:
            raise _Failed(f"The list of members of {course} is empty.", "empty")
        learners = sum(Role.LEARNER in member.roles for member in page.members)
        named = sum(bool(member.name) for member in page.members)
        return (
            f"The first page of the members of {course} lists {len(page.members)}, of them {learners} as learners "
            f"and {named} by name."
        )

    def _container(self) -> str:
        course = self._known_course()
        line_items = LineItem.objects.filter(resource_link__context=course).exclude(container_url="")
        url = line_items.order_by("-pk").values_list("container_url", flat=True).first()
        if not url:
            raise _NotPossible(
                f"The launches from {course} do not say where its gradebook is. Open a graded activity there "
                "again; if that does not help, the VLE does not offer its gradebook to this tool."
            )
        return url

    def _columns(self) -> str:
        url = self._container()
        scope = LINE_ITEM_READONLY if LINE_ITEM_READONLY in self._granted else LINE_ITEM
        self._need(scope)
        try:
            listed = Gradebook(self.registration).entries(url, scope, accept=LINE_ITEMS_TYPE)
            count = sum(1 for _ in islice(listed, MOST_LISTED))
        except ScoreRefused as refused:
            self._fail(ConnectionTally.Kind.SCORE, refused.reason)
        more = " or more" if count == MOST_LISTED else ""
        return f"Gradebook columns that the tool may see in {self.course}: {count}{more}."

    def _fail(self, kind: ConnectionTally.Kind, reason: str) -> NoReturn:
        if reason == "unreachable":
            self._stopped = UNREACHABLE
        raise _Failed(troubles.of(kind, reason).what, reason)

    # --- a score, and no trace of it --------------------------------------------------------------------

    def _make_scratch(self) -> str:
        url = self._container()
        self._need(LINE_ITEM, SCORE, RESULT_READONLY)
        self._learner()  # before anything is made
        try:
            self._scratch = make_scratch_column(self.registration, url, sorted(self._granted))
        except ScoreRefused as refused:
            self._fail(ConnectionTally.Kind.SCORE, refused.reason)
        return f"A column “SafeResponse self-test” stands in the gradebook of {self.course}."

    def _learner(self) -> LtiUser:
        learners = LtiUser.objects.filter(
            memberships__context=self.course,
            memberships__is_learner=True,
            memberships__is_lead=False,
            memberships__left_at=None,
            is_active=True,
        )
        learner = learners.order_by("-pk").first()
        if learner is None:
            raise _NotPossible(f"No learner of {self.course} is known. Open an activity there as one.")
        return learner

    def _line_item(self) -> LineItem:
        if not self._scratch:
            raise _NotPossible("There is no scratch column, see above.")
        return LineItem(url=self._scratch, scopes=sorted(self._granted))

    def _send_scratch(self) -> str:
        score = ags.Score(
            user_id=self._learner().sub,
            percentage=SCRATCH_PERCENTAGE,
            comment="A test of the connection. It will be gone in a moment.",
            submitted_at=timezone.now(),
        )
        try:
            ags.send(self._line_item(), self.registration, score, Column("SafeResponse self-test", ""))
        except ScoreRefused as refused:
            self._fail(ConnectionTally.Kind.SCORE, refused.reason)
        return "The VLE took a score for one learner of the course."

    def _read_scratch(self) -> str:
        learner = self._learner().sub
        try:
            found = [it.share for it in ags.results(self._line_item(), self.registration, learner)]
        except ScoreRefused as refused:
            self._fail(ConnectionTally.Kind.SCORE, refused.reason)
        if not any(share is not None and abs(share - SCRATCH_PERCENTAGE / 100) < 0.01 for share in found):
            raise _Failed("The score cannot be read back as it was sent.", "not_kept")
        return "The score is read back as it was sent."

    def _delete_scratch(self) -> str:
        try:
            delete_scratch_column(self.registration, self._scratch)
        except (NotScratch, ScoreRefused):
            raise _Failed("The column could not be deleted.", "scratch_left") from None
        return "The column is deleted, and the score with it."


# In words that follow a colon.
_WORDS = {
    Unreachable.NOT_HTTPS: "the address is not https",
    Unreachable.NOT_RESOLVED: "the name cannot be resolved",
    Unreachable.PRIVATE: "the address is on a private network",
    Unreachable.NOTHING_THERE: "nothing answers there",
    Unreachable.BAD_CERTIFICATE: "its certificate is not valid for this address",
    Unreachable.LATE: "it does not answer in time",
    Unreachable.TOO_SLOW: "the answer is too slow",
    Unreachable.TOO_LARGE: "the answer is too large",
    Unreachable.BROKEN_OFF: "the connection broke off",
}

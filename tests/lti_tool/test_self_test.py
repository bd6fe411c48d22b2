"""The self-test: what works passes, and each thing that may be wrong is named, with its cure for that VLE."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from time import time
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from lti_tool import cures, nrps, registrations, self_test, troubles
from lti_tool.gradebook import LINE_ITEM, LINE_ITEM_READONLY, RESULT_READONLY, SCORE
from lti_tool.models import ConnectionTally, Context, Family, Membership, Registration
from lti_tool.self_test import Check, Outcome
from tests import factories
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform, Fault
from tests.platforms.people import TEACHER
from tests.platforms.profiles import BRIGHTSPACE, CANVAS, EVERY_VLE, GENERIC, MOODLE, Profile

pytestmark = pytest.mark.django_db
Vle = Callable[[Profile], FakePlatform]

PASSED, FAILED, NOT_POSSIBLE = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_POSSIBLE
CONNECTION = [
    "Registration",
    "The tool's keys",
    "The VLE's sign-in address",
    "The VLE's keys",
    "The VLE's token address and clock",
]
SERVICES = [*self_test.SCOPES.values(), "List of members", "Gradebook columns"]
SCRATCH = [
    "Scratch column made",
    "Scratch score sent",
    "Scratch score read back",
    "Scratch column deleted",
]
# Its own outside address is not to be had from within a test.
UNSEEN = "The tool's keys"


@pytest.fixture(autouse=True)
def _no_name_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """tool.example is nobody's; some networks answer that quickly, others not at all."""
    real = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in {"127.0.0.1", "localhost"}:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture
def connected(vle: Vle) -> Callable[..., tuple[FakePlatform, Registration]]:
    """A VLE of that make, registered, with an activity opened by a learner."""

    def connect(profile: Profile = MOODLE, **changes: Any) -> tuple[FakePlatform, Registration]:
        platform = vle(profile)
        registration = platform.register(**changes)
        assert Visitor(platform).launch().status_code == 302
        return platform, registration

    return connect


Connected = Callable[..., tuple[FakePlatform, Registration]]


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def outcomes(checks: list[Check]) -> dict[str, Outcome]:
    return {check.name: check.outcome for check in checks if check.name != UNSEEN}


def all_passed(names: list[str]) -> dict[str, Outcome]:
    return {name: PASSED for name in names if name != UNSEEN}


# --- what works ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", EVERY_VLE, ids=str)
def test_at_every_vle_all_of_it_passes_and_nothing_is_left(connected: Connected, profile: Profile) -> None:
    platform, registration = connected(profile)
    columns = dict(platform.columns)

    checks = self_test.run(registration, scratch_score=True)

    assert outcomes(checks) == all_passed([*CONNECTION, *SERVICES, *SCRATCH]), checks
    assert [check.cure for check in checks] == [""] * len(checks)
    assert platform.columns == columns
    assert [column.label for column in platform.deleted] == ["SafeResponse self-test"]
    assert platform.score_of("user-1") is None  # in the activity's own column


def test_without_the_tick_nothing_is_written_in_the_vle(connected: Connected) -> None:
    platform, registration = connected()
    platform.received.clear()

    checks = self_test.run(registration)

    assert [check.name for check in checks] == [*CONNECTION, *SERVICES]
    assert {(asked.method, asked.path) for asked in platform.received if asked.method != "GET"} == {
        ("POST", "/token")
    }


def test_only_one_at_a_time_of_a_connection(connected: Connected) -> None:
    platform, registration = connected()
    published, meanwhile = platform.jwks_document(), []

    def begin_another() -> dict[str, Any]:
        meanwhile.extend(self_test.run(registration))
        return published

    platform.jwks_document = begin_another

    checks = self_test.run(registration)

    assert [(check.outcome, check.found) for check in meanwhile] == [(NOT_POSSIBLE, self_test.RUNNING)]
    assert outcomes(checks) == all_passed([*CONNECTION, *SERVICES])
    platform.jwks_document = lambda: published
    assert outcomes(self_test.run(registration)) == all_passed([*CONNECTION, *SERVICES])


def test_what_was_found_counts_and_names_nobody(connected: Connected) -> None:
    _, registration = connected()

    found = by_name(self_test.run(registration, scratch_score=True))

    assert found["List of members"].found == (
        "The first page of the members of Safeguarding lists 4, of them 3 as learners and 4 by name."
    )
    assert found["Gradebook columns"].found == "Gradebook columns that the tool may see in Safeguarding: 1."
    told = " ".join(f"{check.found} {check.cure}" for check in found.values())
    for personal in ("Amina", "Yusuf", "user-1", "@"):
        assert personal not in told


def test_the_course_is_the_one_that_was_opened_last_or_the_one_given(connected: Connected) -> None:
    _, registration = connected()
    first = Context.objects.get()
    other = factories.make_course(first.deployment, title="Fire safety", context_id="other")
    user = factories.make_member(other)
    factories.make_launch(user, factories.make_link(other))

    assert self_test.courses(registration) == [other, first]
    assert "Fire safety" in by_name(self_test.run(registration))["Gradebook columns"].found
    assert "Safeguarding" in by_name(self_test.run(registration, course=first))["Gradebook columns"].found


@pytest.mark.django_db(transaction=True)
def test_the_tools_own_keys_are_looked_for_at_its_outside_address(
    connected: Connected, live_server: LiveServer, settings: Settings
) -> None:
    _, registration = connected()
    settings.PUBLIC_URL = live_server.url
    registrations.tool_urls.cache_clear()
    try:
        own = by_name(self_test.run(registration))[UNSEEN]
    finally:
        registrations.tool_urls.cache_clear()

    assert (own.outcome, own.found) == (
        PASSED,
        "The tool's keys are published at its outside address, with the one that signs.",
    )


def test_an_outside_address_that_cannot_be_asked_from_here_is_no_failure(connected: Connected) -> None:
    own = by_name(self_test.run(connected()[1]))[UNSEEN]

    assert (own.outcome, own.found) == (
        NOT_POSSIBLE,
        "This server cannot ask its own outside address: nothing answers there. Open "
        "https://tool.example/lti/jwks/ from another network: it must show the tool's keys.",
    )


# --- what is wrong with the connection ----------------------------------------------------------------------


def test_a_registration_that_is_switched_off(connected: Connected) -> None:
    _, registration = connected()
    registration.is_active = False

    assert by_name(self_test.run(registration))["Registration"].outcome == FAILED


def test_a_sign_in_address_that_is_nobodys(connected: Connected) -> None:
    _, registration = connected(auth_url="https://gone.example/auth")
    found = by_name(self_test.run(registration))["The VLE's sign-in address"]

    assert (found.outcome, found.found) == (
        FAILED,
        "The VLE's sign-in address cannot be used: its name is not known.",
    )


@pytest.mark.parametrize(
    ("fault", "found", "problem"),
    [
        (Fault(status=503), "The VLE's keys cannot be fetched: status 503.", "keys_unreachable"),
        (Fault(reset=True), "The VLE's keys cannot be fetched: nothing answers there.", "keys_unreachable"),
        (
            Fault(status=200, body=b"<html>Please sign in, Amina</html>"),
            "What the VLE's keyset address answers is not JSON.",
            "keys_unreadable",
        ),
        (
            Fault(status=200, body=b'{"error": "secret"}'),
            "What the VLE's keyset address answers is not a key set.",
            "keys_unreadable",
        ),
        (
            Fault(status=200, body=b'{"keys": [{"kty": "EC", "kid": "1"}]}'),
            "None of the VLE's keys can verify a launch (RS256, 2048 bits).",
            "keys_unreadable",
        ),
    ],
    ids=["503", "reset", "html", "not-a-set", "no-rsa"],
)
def test_a_key_set_that_cannot_be_used(connected: Connected, fault: Fault, found: str, problem: str) -> None:
    platform, registration = connected()
    platform.fail("/jwks", fault)

    checks = by_name(self_test.run(registration))

    assert checks["The VLE's keys"] == Check("The VLE's keys", FAILED, found, cures.of(problem, "moodle"))
    # Another address: the rest is tried all the same.
    assert checks["Access: send grades"].outcome == PASSED


@contextmanager
def clock_server(seconds: float, date: bool = True) -> Iterator[str]:
    """A token address where it is that much later, or that says nothing of the time."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(405)
            if date:
                self.send_header("Date", formatdate(time() + seconds, usegmt=True))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = b'{"error": "invalid_client"}'
            self.send_response(400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/token"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("seconds", "outcome"), [(0, PASSED), (45, PASSED), (-4, PASSED), (120, FAILED), (-30, FAILED)]
)
def test_clocks_that_differ_by_more_than_launches_and_tokens_bear(
    connected: Connected, seconds: int, outcome: Outcome
) -> None:
    with clock_server(seconds) as token_url:
        _, registration = connected(token_url=token_url)
        checks = by_name(self_test.run(registration))

    clock = checks["The VLE's token address and clock"]
    assert clock.outcome == outcome
    if outcome == FAILED:
        word = "ahead of" if seconds > 0 else "behind"
        assert clock.found.endswith(f"seconds {word} this server's.")
        assert clock.cure == cures.of("clock", "moodle")
        # And what the VLE then says of our signature is explained by it.
        assert checks["Access: make gradebook columns"].cure == cures.of("clock", "moodle")


def test_a_vle_that_does_not_say_what_time_it_is(connected: Connected) -> None:
    with clock_server(0, date=False) as token_url:
        _, registration = connected(token_url=token_url)
        clock = by_name(self_test.run(registration))["The VLE's token address and clock"]

    assert clock.outcome == NOT_POSSIBLE


def test_after_a_vle_that_cannot_be_reached_the_rest_is_not_possible(connected: Connected) -> None:
    with clock_server(0) as token_url:
        pass  # and nobody listens there any more
    platform, registration = connected(token_url=token_url)
    platform.received.clear()

    checks = self_test.run(registration, scratch_score=True)

    assert outcomes(checks)["The VLE's token address and clock"] == FAILED
    rest = [check for check in checks if check.name in {*SERVICES, *SCRATCH}]
    assert {(check.outcome, check.found) for check in rest} == {(NOT_POSSIBLE, self_test.UNREACHABLE)}
    assert len(rest) == len(SERVICES) + 3  # nothing was made, so nothing is deleted
    assert [asked.path for asked in platform.received] == ["/jwks"]


# --- tokens -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", [MOODLE, CANVAS, GENERIC], ids=str)
def test_a_key_that_the_vle_does_not_know(connected: Connected, profile: Profile) -> None:
    platform, registration = connected(profile)
    platform.tool_keys = lambda: []  # type: ignore[method-assign]

    checks = by_name(self_test.run(registration))

    refused = checks["Access: make gradebook columns"]
    assert refused.found.startswith("The VLE does not accept what the tool signed with its key ")
    assert refused.cure == cures.of("client", profile.name)
    # Said once; the other scopes say the same of themselves.
    assert checks["Access: send grades"].found == "The VLE gives the tool no token, see above."
    assert checks["List of members"].outcome == NOT_POSSIBLE


def test_brightspace_wants_an_audience(connected: Connected) -> None:
    _, registration = connected(BRIGHTSPACE, token_audience="")

    refused = by_name(self_test.run(registration))["Access: make gradebook columns"]

    assert (
        refused.cure
        == "Enter https://api.brightspace.com/auth/token as “Token audience” in the registration."
    )


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (Fault(status=404, body=b"<html>"), "token_address"),
        (Fault(status=200, body=b"<html>"), "token_address"),
        (Fault(status=503), "platform_fault"),
        (Fault(status=429), "slow_down"),
        (Fault(reset=True), "unreachable"),
    ],
    ids=["404", "html", "503", "429", "reset"],
)
def test_a_token_address_that_answers_something_else(
    connected: Connected, fault: Fault, problem: str
) -> None:
    platform, registration = connected()
    platform.fail("/token", Fault(status=405), fault)  # the first answers the look at the clock

    refused = by_name(self_test.run(registration))["Access: make gradebook columns"]

    assert (refused.outcome, refused.cure) == (FAILED, cures.of(problem, "moodle"))


@pytest.mark.parametrize("scope", [LINE_ITEM, LINE_ITEM_READONLY, SCORE, RESULT_READONLY, nrps.SCOPE])
@pytest.mark.parametrize("profile", [MOODLE, CANVAS], ids=str)
def test_each_scope_that_is_not_granted_is_named_with_its_cure(
    connected: Connected, profile: Profile, scope: str
) -> None:
    platform, registration = connected(profile)
    platform.permitted_scopes -= {scope}

    checks = by_name(self_test.run(registration))

    refused = checks[self_test.SCOPES[scope]]
    assert refused == Check(
        self_test.SCOPES[scope],
        FAILED,
        "The VLE accepts the tool, and does not allow it this.",
        cures.of(scope.rsplit("/", 1)[-1], profile.name),
    )
    others = [checks[name].outcome for it, name in self_test.SCOPES.items() if it != scope]
    assert others == [PASSED] * 4
    assert (checks["List of members"].outcome == PASSED) == (scope != nrps.SCOPE)
    # Whoever may change columns may see them.
    assert checks["Gradebook columns"].outcome == PASSED


def test_a_token_that_is_kept_proves_nothing(connected: Connected) -> None:
    """Each scope is asked for now: a token from before would hide that it was taken away."""
    platform, registration = connected()
    self_test.run(registration)
    platform.permitted_scopes -= {SCORE}

    assert by_name(self_test.run(registration))["Access: send grades"].outcome == FAILED
    assert cache.get(f"lti-token:{registration.pk}:score") is None


# --- a course -----------------------------------------------------------------------------------------------


def test_before_anybody_has_opened_an_activity(vle: Vle) -> None:
    registration = vle(MOODLE).register()

    checks = by_name(self_test.run(registration))

    assert checks["List of members"].found == (
        "Nobody has opened an activity from this VLE yet. Open one, then test again."
    )
    assert checks["Access: send grades"].outcome == PASSED


@pytest.mark.parametrize(
    ("path", "name", "fault", "problem"),
    [
        ("/memberships", "List of members", Fault(status=403, body=b"Amina may not"), "not_allowed"),
        ("/memberships", "List of members", Fault(status=404), "course_gone"),
        ("/memberships", "List of members", Fault(status=200, body=b"<html>"), "unreadable"),
        ("/memberships", "List of members", Fault(status=200, body=b'{"members": []}'), "empty"),
        ("/lineitems", "Gradebook columns", Fault(status=403), "not_allowed"),
        ("/lineitems", "Gradebook columns", Fault(status=500), "platform_fault"),
        ("/lineitems", "Gradebook columns", Fault(status=200, body=b"<html>"), "unreadable"),
    ],
)
def test_a_service_that_fails(connected: Connected, path: str, name: str, fault: Fault, problem: str) -> None:
    platform, registration = connected()
    platform.fail(path, fault)

    found = by_name(self_test.run(registration))[name]

    assert (found.outcome, found.cure) == (FAILED, cures.of(problem, "moodle"))
    assert "Amina" not in found.found


def test_a_service_that_breaks_off_ends_the_test(connected: Connected) -> None:
    platform, registration = connected()
    platform.fail("/memberships", Fault(reset=True))

    checks = by_name(self_test.run(registration))

    assert checks["List of members"].cure == cures.of("unreachable", "moodle")
    assert checks["Gradebook columns"].found == self_test.UNREACHABLE


def test_the_time_for_one_test_is_bounded(connected: Connected) -> None:
    platform, registration = connected()
    platform.received.clear()

    checks = self_test.run(registration, scratch_score=True, seconds=-1)

    assert {(check.outcome, check.found) for check in checks} == {(NOT_POSSIBLE, self_test.TOO_SLOW)}
    assert platform.received == []


def test_what_nobody_foresaw_hides_nothing_else(
    connected: Connected, caplog: pytest.LogCaptureFixture
) -> None:
    """An address that no check of ours lets through, put into the database by hand."""
    _, registration = connected()
    registration.auth_url = "https://[half/auth"

    checks = by_name(self_test.run(registration))

    assert checks["The VLE's sign-in address"].outcome == FAILED
    assert checks["Access: send grades"].outcome == PASSED


# --- the scratch score --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "fault", "failed", "problem"),
    [
        ("/scores", Fault(status=500), "Scratch score sent", "platform_fault"),
        ("/scores", Fault(reset=True), "Scratch score sent", "unreachable"),
        ("/results", Fault(status=500), "Scratch score read back", "platform_fault"),
        ("/results", Fault(status=200, body=b"[]"), "Scratch score read back", "not_kept"),
    ],
)
def test_whatever_fails_in_between_the_column_goes(
    connected: Connected, path: str, fault: Fault, failed: str, problem: str
) -> None:
    platform, registration = connected()
    columns = dict(platform.columns)
    number = str(len(columns) + 1)
    platform.fail(f"/lineitems/{number}{path}", fault)

    checks = by_name(self_test.run(registration, scratch_score=True))

    assert checks[failed].outcome == FAILED
    assert checks[failed].cure == cures.of(problem, "moodle")
    assert checks["Scratch column deleted"].outcome == PASSED
    assert platform.columns == columns


def test_a_column_that_stays_is_said_with_what_to_do(connected: Connected) -> None:
    platform, registration = connected()
    platform.after_score = lambda score: platform.fail(
        "/lineitems", Fault(status=200, body=b"[]"), Fault(status=500)
    )

    checks = by_name(self_test.run(registration, scratch_score=True))

    assert checks["Scratch column deleted"].cure == (
        "Delete the column “SafeResponse self-test” in the course's gradebook by hand."
    )
    assert len(platform.columns) == 2
    platform.after_score = lambda score: None
    # The next test finds it, uses it and deletes it.
    self_test.run(registration, scratch_score=True)
    assert len(platform.columns) == 1


@pytest.mark.parametrize("missing", [LINE_ITEM, SCORE, RESULT_READONLY])
def test_nothing_is_made_that_could_not_be_finished(connected: Connected, missing: str) -> None:
    platform, registration = connected()
    platform.permitted_scopes -= {missing}

    checks = self_test.run(registration, scratch_score=True)

    made = by_name(checks)["Scratch column made"]
    assert (made.outcome, made.found) == (
        NOT_POSSIBLE,
        f"It needs what was not given above: {self_test.SCOPES[missing]}.",
    )
    assert "Scratch column deleted" not in by_name(checks)
    assert len(platform.columns) == 1


def test_a_teacher_gets_no_scratch_score(vle: Vle) -> None:
    """No VLE would take one, and it would look as if none ever could."""
    platform = vle(MOODLE)
    registration = platform.register()
    assert Visitor(platform, person=TEACHER).launch().status_code == 302
    assert Membership.objects.get().is_lead

    checks = by_name(self_test.run(registration, scratch_score=True))

    assert checks["Scratch column made"].found == (
        "No learner of Safeguarding is known. Open an activity there as one."
    )
    assert len(platform.columns) == 1


def test_somebody_who_cannot_be_graded_there(connected: Connected) -> None:
    platform, registration = connected(BRIGHTSPACE)
    platform.ungradable.add("user-1")

    sent = by_name(self_test.run(registration, scratch_score=True))["Scratch score sent"]

    assert sent.cure == cures.of("ungradable", "brightspace")
    assert "Can be graded in Grades" in sent.cure


# --- words, and the command ---------------------------------------------------------------------------------


def test_every_problem_has_a_cure_for_every_make() -> None:
    for problem in cures.CURES:
        for family in Family:
            assert cures.of(problem, family)


@pytest.mark.parametrize("reason", sorted(troubles.SERVICES))
@pytest.mark.parametrize("family", Family)
def test_every_reason_of_a_service_has_a_cure_that_is_no_test(family: Family, reason: str) -> None:
    assert cures.of(reason, family) not in {cures.of("of no name", family), troubles.TEST}


def test_the_command_says_it_all_and_fails_when_something_did(connected: Connected) -> None:
    platform, registration = connected()
    out = StringIO()
    call_command("check_connection", registration.pk, "--scratch-score", stdout=out)
    assert (
        "Passed       Scratch column deleted: The column is deleted, and the score with it." in out.getvalue()
    )

    platform.permitted_scopes -= {SCORE}
    out = StringIO()
    with pytest.raises(CommandError, match=r"^1 of 12 checks failed\.$"):
        call_command("check_connection", registration.pk, stdout=out)

    assert (
        "Failed       Access: send grades: The VLE accepts the tool, and does not allow it this."
        in out.getvalue()
    )
    assert f"What to do: {cures.of('score', 'moodle')}" in out.getvalue()


def test_the_command_says_which_there_are(connected: Connected) -> None:
    _, registration = connected()
    elsewhere = factories.make_course()
    with pytest.raises(CommandError, match=f"There is no registration 0. There are:\n  {registration.pk}  "):
        call_command("check_connection", 0)
    with pytest.raises(CommandError, match=f"There is no course {elsewhere.pk} in this registration."):
        call_command("check_connection", registration.pk, "--course", str(elsewhere.pk))


def test_a_test_is_not_counted_as_what_people_do(connected: Connected) -> None:
    platform, registration = connected()
    platform.fail("/memberships", Fault(status=403))
    self_test.run(registration, scratch_score=True)

    assert not ConnectionTally.objects.exists()

"""One score into one gradebook column: what is sent, and every way in which a platform may fail to take it."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from lti_tool import ags, http, line_items
from lti_tool.gradebook import LINE_ITEM_READONLY, SCORE, Reason, ScoreRefused
from lti_tool.line_items import NotScratch, delete_scratch_column, make_scratch_column
from lti_tool.models import LineItem, Registration
from tests import factories
from tests.platforms.browser import Visitor, clock_moved
from tests.platforms.fake import Column, FakePlatform, Fault
from tests.platforms.people import CHLOE, TEACHER
from tests.platforms.profiles import EVERY_VLE, Profile
from tests.platforms.terms import AGS, ALL_SCOPES, SCOPE

pytestmark = pytest.mark.django_db
SUBMITTED = datetime(2026, 11, 20, 9, 30, 15, 250_000, tzinfo=UTC)
ACTIVITY = "6f1c1d0e-0000-4000-8000-5afe5afe5afe"
COLUMN = line_items.Column("All-staff awareness", resource_id=ACTIVITY)


def score(percentage: int = 85, user_id: str = "user-1", **changes: Any) -> ags.Score:
    return ags.Score(
        **{
            "user_id": user_id,
            "percentage": percentage,
            "comment": "Passed with 85 %. Certificate ABC:\nhttps://tool.example/verify/ABC/",
            "submitted_at": SUBMITTED,
            "verify_url": "https://tool.example/verify/ABC/",
            **changes,
        }
    )


def send(line_item: LineItem | None, registration: Registration, sent: ags.Score | None = None) -> None:
    ags.send(line_item, registration, sent or score(), COLUMN)


def refused(line_item: LineItem, registration: Registration) -> ScoreRefused:
    with pytest.raises(ScoreRefused) as caught:
        send(line_item, registration)
    return caught.value


# --- what is sent -------------------------------------------------------------------------------------------


def test_a_score_arrives(gradebook: FakePlatform, line_item: LineItem, registration: Registration) -> None:
    send(line_item, registration)

    arrived = gradebook.score_of("user-1")
    assert arrived is not None
    stamp = datetime.fromisoformat(arrived.pop("timestamp"))
    assert abs(stamp - timezone.now()) < timedelta(minutes=1)
    assert arrived == {
        "userId": "user-1",
        "scoreGiven": 85,
        "scoreMaximum": 100,
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
        "comment": "Passed with 85 %. Certificate ABC:\nhttps://tool.example/verify/ABC/",
    }


def test_the_request_that_carries_it(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    send(line_item, registration)

    request = gradebook.received[-1]
    assert (request.method, request.path, request.query) == (
        "POST",
        "/lineitems/1/scores",
        {"type_id": "1"},
    )
    assert request.headers["content-type"] == "application/vnd.ims.lis.v1.score+json"
    assert request.headers["user-agent"].startswith("SafeResponse/")
    # One line: Moodle answers 200 to a pretty-printed score and stores nothing.
    assert b"\n" not in request.body
    assert b": " not in request.body.replace(b"Certificate ABC: ", b"")


def test_the_token_is_asked_for_with_no_more_than_the_scope_that_is_needed(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    send(line_item, registration)

    token_request = next(r for r in gradebook.received if r.path == "/token")
    assert b"scope=https%3A%2F%2Fpurl.imsglobal.org%2Fspec%2Flti-ags%2Fscope%2Fscore" in token_request.body
    assert [sorted(scopes) for scopes, _ in gradebook.tokens.values()] == [[f"{SCOPE}score"]]


def test_a_launch_without_a_gradebook(registration: Registration, line_item: LineItem) -> None:
    line_item.url = line_item.container_url = ""
    for nowhere in (None, line_item):
        with pytest.raises(ags.NoGradebook):
            send(nowhere, registration)


# --- tokens -------------------------------------------------------------------------------------------------


def test_ten_scores_need_one_token(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    for number in range(10):
        send(line_item, registration, score(user_id=f"user-{number}"))

    assert gradebook.count("POST", "/token") == 1
    assert gradebook.count("POST", "/lineitems/1/scores") == 10


def test_a_token_is_asked_for_anew_a_minute_before_it_ends(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    gradebook.token_lifetime = 600
    send(line_item, registration, score(user_id="user-1"))
    with clock_moved(530):
        send(line_item, registration, score(user_id="user-2"))
    assert gradebook.count("POST", "/token") == 1
    with clock_moved(550), pytest.raises(ScoreRefused):  # the fake's own clock has not moved
        send(line_item, registration, score(user_id="user-3"))
    assert gradebook.count("POST", "/token") == 2


def test_a_token_of_half_a_minute_is_not_kept(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    gradebook.token_lifetime = 30
    send(line_item, registration, score(user_id="user-1"))
    send(line_item, registration, score(user_id="user-2"))

    assert gradebook.count("POST", "/token") == 2


def test_a_token_that_was_taken_back_is_asked_for_once_more(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    send(line_item, registration, score(user_id="user-1"))
    gradebook.tokens.clear()

    send(line_item, registration, score(user_id="user-2"))

    assert gradebook.score_of("user-2") is not None
    assert gradebook.count("POST", "/token") == 2


def test_a_platform_that_takes_no_token_is_not_asked_for_ever(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    gradebook.fail("/lineitems", *[Fault(status=401)] * 10)

    error = refused(line_item, registration)

    assert (error.reason, error.permanent) == ("token_refused", False)
    assert gradebook.count("POST", "/token") == 2
    assert gradebook.count("POST", "/lineitems/1/scores") == 2


def test_each_registration_has_tokens_of_its_own(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    second = gradebook.register(client_id="second-client")
    send(line_item, registration)

    with pytest.raises(ScoreRefused):  # the fake knows one client id only
        send(line_item, second)

    assert gradebook.count("POST", "/token") == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"junk",
        b"null",
        b"[]",
        b"7",
        b"{}",
        b'{"access_token": null}',
        b'{"access_token": ""}',
        b'{"access_token": 7}',
        b'{"access_token": ["t"]}',
        b'{"access_token": "t", "expires_in": "soon"}',
        b'{"access_token": "t", "expires_in": NaN}',
        b'{"access_token": "t\\r\\nX: y", "expires_in": 3600}',
        b'{"access_token": "\\u2028", "expires_in": 3600}',
        b"<html>Wartung</html>",
        b"[" * 100_000,
    ],
    ids=lambda body: ascii(body[:40]),
)
def test_an_answer_that_is_no_token(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration, body: bytes
) -> None:
    gradebook.fail("/token", *[Fault(status=200, body=body)] * 2)

    error = refused(line_item, registration)

    assert error.permanent is False
    assert gradebook.score_of("user-1") is None


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, b'{"error": "invalid_client"}', "key_refused"),
        (401, b'{"error": "unauthorized_client"}', "key_refused"),
        (400, b'{"error": "invalid_scope"}', "scope_refused"),
        (400, b'{"error": ""kid" invalid"}', "token_refused"),
        (404, b"<html>", "token_refused"),
        (500, b"", "token_refused"),
        (302, b"", "token_refused"),
        (400, b'{"error": ["invalid_client"]}', "token_refused"),
        (400, b"[" * 100_000, "token_refused"),
    ],
)
def test_a_token_that_is_refused(
    gradebook: FakePlatform,
    line_item: LineItem,
    registration: Registration,
    status: int,
    body: bytes,
    reason: str,
) -> None:
    gradebook.fail("/token", Fault(status=status, body=body))

    error = refused(line_item, registration)

    # A VLE that could not fetch our keys a moment ago says the same as one that is set up wrongly.
    assert (error.reason, error.permanent) == (reason, False)


# --- which column -------------------------------------------------------------------------------------------


def test_a_column_that_the_claim_leaves_out_is_found_by_the_link(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    gradebook.column("7", resource_link_id="another-link")

    send(line_item, registration)

    assert gradebook.score_of("user-1") is not None
    assert LineItem.objects.get().url == f"{gradebook.url}/lineitems/1?type_id=1"
    assert gradebook.count("POST", "/lineitems") == 1  # the score; nothing was made


def test_a_column_is_found_by_the_tag_we_gave_it(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    gradebook.columns.clear()
    gradebook.column("9", tag=f"saferesponse-{line_item.resource_link_id}")

    send(line_item, registration)

    assert gradebook.score_of("user-1", "9") is not None


def test_a_column_that_deep_linking_made_is_found_by_the_activity(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    gradebook.columns.clear()
    gradebook.column("8", resource_id="another-activity")
    gradebook.column("9", resource_id=ACTIVITY)

    send(line_item, registration)

    assert gradebook.score_of("user-1", "9") is not None


def test_of_a_links_two_columns_the_one_that_we_named_is_taken(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    gradebook.column("2", resource_link_id="link-1", resource_id=ACTIVITY)

    send(line_item, registration)

    assert gradebook.score_of("user-1", "1") is None
    assert gradebook.score_of("user-1", "2") is not None


def test_a_copy_in_the_same_course_does_not_take_its_originals_column(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    """Moodle duplicates an activity with the id that we gave it: two columns of one name."""
    line_item = launched_with()
    gradebook.columns.clear()
    gradebook.column("7", resource_id=ACTIVITY, resource_link_id="link-0")
    taken = gradebook.column("8", resource_id=ACTIVITY)
    factories.make_link(line_item.resource_link.context, column=taken.id, resource_link_id="link-8")

    send(line_item, registration)

    (made,) = [column for number, column in gradebook.columns.items() if number not in {"7", "8"}]
    assert (made.id, made.resource_link_id) == (LineItem.objects.get(pk=line_item.pk).url, "link-1")


def test_a_column_far_down_the_list_is_found(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    """A VLE that passes over our filters, and cuts its list into pages."""
    line_item = launched_with()
    first = [{"id": f"{gradebook.url}/lineitems/7", "resourceLinkId": "another"}] * 5
    following = f'<{gradebook.url}/lineitems?bookmark=WyJBYk>; title="on, and on"; rel=next'
    gradebook.fail(
        "/lineitems",
        Fault(status=200, body=json.dumps(first).encode(), headers={"Link": following}),
    )

    send(line_item, registration)

    assert LineItem.objects.get().url == gradebook.columns["1"].id
    pages = [r.query for r in gradebook.received if r.method == "GET" and r.path == "/lineitems"]
    assert pages == [{"type_id": "1", "resource_link_id": "link-1"}, {"bookmark": "WyJBYk"}]


def test_no_list_is_asked_for_with_a_limit(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    """Moodle's next page cannot be read then, and its results end in a fault."""
    line_item = launched_with()
    gradebook.columns.clear()
    send(line_item, registration)
    gradebook.fail("/lineitems/1/scores", Fault(status=409))
    send(line_item, registration)

    assert [r.path for r in gradebook.received if "limit" in r.query] == []


def test_a_next_page_at_a_foreign_address_gets_no_token_of_ours(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    link = {"Link": "<https://evil.example/lineitems>; rel=next"}
    gradebook.fail("/lineitems", Fault(status=200, body=b"[]", headers=link))

    error = refused(line_item, registration)

    assert (error.reason, error.permanent) == ("foreign_address", False)


def test_a_list_that_goes_round_in_circles_is_read_once(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    gradebook.columns.clear()
    here = {"Link": f"<{gradebook.url}/lineitems?page=1>; rel=next"}
    gradebook.fail("/lineitems", *[Fault(status=200, body=b"[]", headers=here)] * 2)

    send(line_item, registration)

    assert gradebook.score_of("user-1") is not None


def test_a_list_without_an_end_is_not_read_to_it(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    pages = [{"Link": f"<{gradebook.url}/lineitems?page={n}>; rel=next"} for n in range(100)]
    gradebook.fail("/lineitems", *[Fault(status=200, body=b"[]", headers=page) for page in pages])

    error = refused(line_item, registration)

    assert (error.reason, error.permanent) == ("unreadable", False)
    assert gradebook.count("GET", "/lineitems") == 50
    assert len(gradebook.columns) == 1


def test_a_platform_that_ignores_the_filter_is_not_believed(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    foreign = [
        {"id": f"{gradebook.url}/lineitems/1?type_id=1", "resourceLinkId": "somebody-elses"},
        "x",
        None,
    ]
    gradebook.fail("/lineitems", *[Fault(status=200, body=json.dumps(foreign).encode())] * 3)

    send(line_item, registration)

    assert gradebook.score_of("user-1", "1") is None
    assert gradebook.score_of("user-1", "2") is not None


def test_a_column_is_made_where_there_is_none(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    gradebook.columns.clear()

    send(line_item, registration)

    made = gradebook.columns["1"]
    tag = f"saferesponse-{line_item.resource_link_id}"
    assert (made.label, made.maximum, made.resource_link_id, made.tag) == (
        "All-staff awareness",
        100,
        "link-1",
        tag,
    )
    assert b"endDateTime" not in gradebook.received[-2].body
    assert LineItem.objects.get().url == made.id
    send(line_item, registration, score(user_id="user-2"))
    assert len(gradebook.columns) == 1


def test_a_new_column_says_what_it_is_for_and_until_when(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    gradebook.columns.clear()
    due = datetime(2027, 7, 1, 17, 0, tzinfo=timezone.get_fixed_timezone(60))
    ags.send(line_item, registration, score(), line_items.Column("All staff", ACTIVITY, due_at=due))

    request = next(r for r in gradebook.received if r.method == "POST" and r.path == "/lineitems")
    assert json.loads(request.body) == {
        "scoreMaximum": 100,
        "label": "All staff",
        "resourceId": ACTIVITY,
        "tag": f"saferesponse-{line_item.resource_link_id}",
        "resourceLinkId": "link-1",
        "endDateTime": "2027-07-01T16:00:00.000Z",
    }


def test_a_lost_answer_to_a_new_column_makes_no_second_one(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    gradebook.columns.clear()
    gradebook.after_answer = lambda fault: None
    looked_up = [Fault(status=200, body=b"[]")] * 3
    gradebook.fail("/lineitems", *looked_up, Fault(reset=True, after=True))
    assert refused(line_item, registration).reason == "unreachable"

    send(line_item, registration)

    assert len(gradebook.columns) == 1
    assert gradebook.score_of("user-1") is not None


def test_a_column_may_not_be_made_without_the_scope(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with(scope=[f"{SCOPE}lineitem.readonly", f"{SCOPE}score"])
    gradebook.columns.clear()

    error = refused(line_item, registration)

    assert (error.reason, error.permanent) == ("no_column", True)
    assert LineItem.objects.get().leased_until is None


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_make_one_column(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    gradebook.columns.clear()
    start = threading.Barrier(2)
    outcomes: list[str] = []

    def work(user: str) -> None:
        mine = LineItem.objects.select_related("resource_link").get(pk=line_item.pk)
        start.wait()
        while True:
            try:
                send(mine, registration, score(user_id=user))
            except ScoreRefused as waiting:
                outcomes.append(waiting.reason)
                threading.Event().wait(0.02)
            else:
                break
        connections.close_all()
        http.session().close()

    workers = [threading.Thread(target=work, args=(user,)) for user in ("user-1", "user-2")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(gradebook.columns) == 1
    assert set(outcomes) <= {"column_busy"}
    assert [gradebook.score_of(user) is not None for user in ("user-1", "user-2")] == [True, True]


def test_a_lease_that_its_holder_never_gave_back_runs_out(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    LineItem.objects.update(leased_until=timezone.now() + timedelta(seconds=30))
    error = refused(line_item, registration)
    assert (error.reason, error.permanent, error.retry_after) == ("column_busy", False, 2)

    LineItem.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    send(line_item, registration)

    assert gradebook.score_of("user-1") is not None


class Meanwhile(threading.Event):
    """Holds an answer back until something has happened meanwhile."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self.act = act

    def wait(self, timeout: float | None = None) -> bool:
        try:
            self.act()
        finally:
            connections.close_all()
        return True


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_overslept_its_lease_makes_no_column_and_leaves_anothers_lease(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    """Its lookup took so long that somebody else is at it by now."""
    line_item = launched_with()
    gradebook.columns.clear()
    anothers = timezone.now() + timedelta(minutes=5)
    meanwhile = Meanwhile(lambda: LineItem.objects.update(leased_until=anothers))
    gradebook.fail("/lineitems", Fault(status=200, body=b"[]", held=meanwhile))

    error = refused(line_item, registration)

    assert (error.reason, error.retry_after) == ("column_busy", 2)
    assert gradebook.columns == {}
    assert LineItem.objects.get().leased_until == anothers


@pytest.mark.django_db(transaction=True)
def test_no_column_is_made_where_a_launch_names_one_meanwhile(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    named = gradebook.columns.pop("1")
    meanwhile = Meanwhile(lambda: LineItem.objects.update(url=named.id))
    gradebook.fail("/lineitems", Fault(status=200, body=b"[]", held=meanwhile))

    assert refused(line_item, registration).reason == "column_busy"

    assert gradebook.columns == {}
    kept = LineItem.objects.get()
    assert (kept.url, kept.leased_until) == (named.id, None)


def test_the_lease_is_renewed_while_the_column_is_looked_for(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    gradebook.columns.clear()
    leases: list[datetime | None] = []

    def note() -> None:
        leases.append(LineItem.objects.get().leased_until)

    ags.send(line_item, registration, score(), COLUMN, before_asking=note)

    # Three lookups, the making, the score. Each request meets the lease that was renewed for the one before it.
    looking, sending = leases[:4], leases[4:]
    assert all(lease is not None for lease in looking)
    assert sorted(looking, key=str) == looking
    assert len(set(looking)) >= 3
    assert sending == [None]


def test_a_new_column_at_a_foreign_address_gets_no_token_of_ours(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    item = {"id": "https://evil.example/lineitems/1", "resourceLinkId": "link-1"}
    gradebook.fail("/lineitems", Fault(status=200, body=json.dumps([item]).encode()))

    error = refused(line_item, registration)

    assert (error.reason, error.permanent) == ("foreign_address", True)
    assert LineItem.objects.get().url == ""


@pytest.mark.parametrize("body", [b"", b"junk", b"<html>", b"[" * 100_000], ids=lambda body: ascii(body[:6]))
def test_a_list_of_columns_that_cannot_be_read(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration, body: bytes
) -> None:
    line_item = launched_with()
    gradebook.fail("/lineitems", Fault(status=200, body=body))

    error = refused(line_item, registration)

    assert (error.reason, error.permanent) == ("unreadable", False)
    assert LineItem.objects.get().leased_until is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"id": 7}', b"[" * 100_000], ids=lambda b: ascii(b[:9])
)
def test_an_answer_about_a_new_column_that_cannot_be_read(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration, body: bytes
) -> None:
    line_item = launched_with()
    empty = Fault(status=200, body=b"[]")
    gradebook.fail("/lineitems", empty, empty, empty, Fault(status=201, body=body))

    error = refused(line_item, registration)

    assert (error.reason, error.permanent) == ("unreadable", False)
    assert LineItem.objects.get().url == ""


# --- how a platform fails -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "permanent", "reason"),
    [
        (400, True, "rejected"),
        (415, True, "rejected"),
        (422, True, "ungradable"),
        (403, True, "not_allowed"),
        (404, False, "column_gone"),
        (410, False, "column_gone"),
        (408, False, "platform_fault"),
        (500, False, "platform_fault"),
        (503, False, "platform_fault"),
        (302, False, "platform_fault"),
        (429, False, "slow_down"),
    ],
)
def test_a_score_that_is_refused(
    gradebook: FakePlatform,
    line_item: LineItem,
    registration: Registration,
    status: int,
    permanent: bool,
    reason: str,
) -> None:
    fault = Fault(status=status, body=b"userId=user-1 Amina", headers={"Location": "https://evil.example/"})
    gradebook.fail("/lineitems", fault)

    error = refused(line_item, registration)

    assert (error.reason, error.permanent) == (reason, permanent)
    assert "Amina" not in str(error)


def test_course_staff_cannot_be_graded(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    gradebook.ungradable.add("user-1")

    error = refused(line_item, registration)

    assert (error.reason, error.permanent) == ("ungradable", True)


@pytest.mark.parametrize(
    ("family", "status", "body", "reason"),
    [
        # A proxy put the status line in its own words.
        ("moodle", 400, b"[]", "ungradable"),
        ("moodle", 400, b'{"status": 400, "reason": "Bad Request"}', "rejected"),
        ("moodle", 400, b'{"status": 400, "reason": "No handler found for /lineitem"}', "rejected"),
        ("canvas", 422, b'{"error": "User not found in course or is not a student"}', "ungradable"),
        (
            "canvas",
            422,
            b'{"error": "The maximum number of allowed attempts has been reached for this submission"}',
            "no_attempts_left",
        ),
        (
            "brightspace",
            403,
            b'{"detail": "User in requested score is not enrolled in the org unit"}',
            "ungradable",
        ),
        ("brightspace", 403, b'{"detail": "Insufficient scope"}', "not_allowed"),
        ("brightspace", 404, b'{"detail": "User in requested score does not exist"}', "ungradable"),
        ("brightspace", 404, b'{"detail": "Line item not found"}', "column_gone"),
        ("blackboard", 400, b'{"message": "User could not be found: 7f3a"}', "ungradable"),
        ("blackboard", 400, b'{"message": "scoreMaximum"}', "rejected"),
        ("sakai", 400, b"User does not belong to site", "ungradable"),
        # Registered as another make, or as none.
        ("generic", 400, b"User could not be found", "ungradable"),
        ("generic", 400, b"[]", "rejected"),
    ],
)
def test_who_cannot_be_graded_is_told_from_what_else_is_wrong(
    gradebook: FakePlatform,
    line_item: LineItem,
    registration: Registration,
    family: str,
    status: int,
    body: bytes,
    reason: str,
) -> None:
    registration.family = family
    gradebook.fail("/lineitems", Fault(status=status, body=body))

    error = refused(line_item, registration)

    assert (error.reason, error.permanent) == (reason, reason != "column_gone")
    # The column is looked up afresh only where it is the column that is gone.
    assert (LineItem.objects.get().url == "") is (reason == "column_gone")


def test_a_column_that_is_gone_is_looked_up_afresh(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    gradebook.columns.clear()
    gradebook.column("5", resource_link_id="link-1")
    refused(line_item, registration)
    assert LineItem.objects.get().url == ""

    send(LineItem.objects.get(), registration)

    assert gradebook.score_of("user-1", "5") is not None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0", 30),
        ("999999999", 30),
        ("99999999", 86400),
        ("soon", 30),
        ("", 30),
        ("-5", 30),
        ("\xb2", 30),
        ("Mon, 99 Foo 2026 99:99:99 GMT", 30),
        ("Mon, 1 Jan 99999999999999999999 00:00:00 GMT", 30),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 30),
    ],
)
def test_how_long_a_platform_asks_us_to_wait(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration, header: str, seconds: float
) -> None:
    gradebook.fail("/lineitems", Fault(status=429, headers={"Retry-After": header}))

    assert refused(line_item, registration).retry_after == seconds


def test_until_when_a_platform_asks_us_to_wait(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)
    gradebook.fail("/lineitems", Fault(status=503, headers={"Retry-After": until}))

    wait = refused(line_item, registration).retry_after

    assert wait is not None
    assert 200 < wait <= 300


def test_a_web_page_is_no_success(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    gradebook.fail("/lineitems", Fault(status=200, body=b"\n<!DOCTYPE html><p>Please log in"))

    error = refused(line_item, registration)

    assert (error.reason, error.permanent) == ("unreadable", False)


@pytest.mark.parametrize(("family", "arrives"), [("moodle", False), ("generic", True), ("canvas", True)])
def test_moodles_empty_list_is_no_success(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration, family: str, arrives: bool
) -> None:
    registration.family = family
    gradebook.fail("/lineitems", Fault(status=200, body=b"[]"))

    if arrives:
        send(line_item, registration)
    else:
        assert refused(line_item, registration).permanent is False


@pytest.mark.parametrize(
    "fault",
    [
        Fault(reset=True),
        Fault(reset=True, after=True),
        Fault(status=200, body=b"x" * (http.MAX_BYTES + 1)),
        Fault(status=200, headers={"Content-Encoding": "gzip"}, body=b"no gzip"),
    ],
)
@pytest.mark.parametrize("path", ["/token", "/lineitems"])
def test_an_answer_that_is_lost(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration, path: str, fault: Fault
) -> None:
    gradebook.fail(path, Fault(**vars(fault)))

    assert refused(line_item, registration).permanent is False


def test_an_answer_that_comes_too_late(
    gradebook: FakePlatform,
    line_item: LineItem,
    registration: Registration,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.2)
    never = threading.Event()
    gradebook.fail("/lineitems", Fault(held=never))

    error = refused(line_item, registration)
    never.set()

    assert error.permanent is False


@pytest.mark.parametrize("host", ["127.0.0.1:9", "a" * 64 + ".example", "nowhere.invalid"])
def test_a_gradebook_that_cannot_be_reached(
    line_item: LineItem, registration: Registration, gradebook: FakePlatform, host: str
) -> None:
    registration.frame_hosts = f"http://{host}"
    line_item.url = f"http://{host}/lineitems/1"

    assert refused(line_item, registration).permanent is False


# --- 409: something as new or newer is there ------------------------------------------------------------------


def test_a_conflict_with_the_very_same_score_means_that_it_arrived(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    """The answer to the first try was lost; the second meets its own score."""
    gradebook.fail("/lineitems", Fault(reset=True, after=True))
    refused(line_item, registration)
    gradebook.fail("/lineitems", Fault(status=409))

    send(line_item, registration)

    assert gradebook.count("GET", "/lineitems/1/results") == 1


def test_a_conflict_counts_per_cent_of_the_columns_own_maximum(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    gradebook.columns["1"].maximum = 20
    send(line_item, registration)
    gradebook.fail("/lineitems", Fault(status=409))

    send(line_item, registration)

    assert gradebook.count("POST", "/lineitems/1/scores") == 2


def test_a_conflict_with_another_score_is_tried_again(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    send(line_item, registration, score(percentage=40))
    gradebook.fail("/lineitems", Fault(status=409))

    error = refused(line_item, registration)

    assert (error.reason, error.permanent, error.retry_after) == ("newer_grade", False, 2)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"junk",
        b"{}",
        b"[7]",
        b'[{"userId": "user-2", "resultScore": 85}]',
        b'[{"userId": "user-1"}]',
        b'[{"userId": "user-1", "resultScore": "85"}]',
        b'[{"userId": "user-1", "resultScore": 85, "resultMaximum": "100"}]',
        b'[{"userId": "user-1", "resultScore": NaN}]',
        b'[{"userId": "user-1", "resultScore": 1%s}]' % (b"0" * 400),
        b'[{"userId": "user-1", "resultScore": 85, "resultMaximum": -100}]',
        b"[" * 100_000,
    ],
    ids=lambda body: ascii(body[:60]),
)
def test_a_conflict_with_results_that_do_not_show_our_score(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration, body: bytes
) -> None:
    gradebook.fail("/lineitems", Fault(status=409), Fault(status=200, body=body))

    assert refused(line_item, registration).reason == "newer_grade"


def test_the_same_grade_with_an_earlier_certificate_has_not_arrived(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    send(line_item, registration, score(comment="Certificate OLD: https://tool.example/verify/OLD/"))
    gradebook.fail("/lineitems", Fault(status=409))

    assert refused(line_item, registration).reason == "newer_grade"


def test_a_conflict_where_results_may_not_be_read(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    LineItem.objects.update(scopes=[SCORE])
    line_item.refresh_from_db()
    gradebook.fail("/lineitems", Fault(status=409))

    assert refused(line_item, registration).reason == "newer_grade"
    assert gradebook.count("GET", "/lineitems/1/results") == 0


def test_a_vle_that_goes_silent_over_a_conflict_is_not_asked_for_anybody_else(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    gradebook.fail("/lineitems", Fault(status=409), Fault(reset=True))

    assert refused(line_item, registration).reason == "unreachable"


# --- what stands in the gradebook ---------------------------------------------------------------------------


def standing(line_item: LineItem, registration: Registration, user_id: str = "") -> list[ags.Result]:
    return list(ags.results(line_item, registration, user_id))


def test_what_stands_there_is_read_back(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    gradebook.columns["1"].maximum = 20
    send(line_item, registration, score(percentage=40, comment="Not yet."))
    send(line_item, registration, score(user_id="user-2", comment="Well done."))

    assert standing(line_item, registration, "user-1") == [ags.Result("user-1", 0.4, "Not yet.")]
    assert standing(line_item, registration) == [
        ags.Result("user-1", 0.4, "Not yet."),
        ags.Result("user-2", 0.85, "Well done."),
    ]


def test_everybodys_results_are_read_page_by_page(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    people = [f"user-{number}" for number in range(120)]
    for user in people:
        gradebook.columns["1"].scores[user] = [
            {"scoreGiven": 1, "scoreMaximum": 2, "gradingProgress": "FullyGraded"}
        ]

    assert [result.user_id for result in standing(line_item, registration)] == people
    assert gradebook.count("GET", "/lineitems/1/results") == 3


def test_a_blank_grade_is_no_grade(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    blank = [{"userId": "user-1", "resultMaximum": 100, "comment": None}]
    gradebook.fail("/lineitems", Fault(status=200, body=json.dumps(blank).encode()))

    assert standing(line_item, registration) == [ags.Result("user-1", None, "")]


def test_blackboard_is_asked_for_everybody_since_it_leaves_the_comment_out_otherwise(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    registration.family = "blackboard"
    registration.frame_hosts = gradebook.url
    send(line_item, registration)
    send(line_item, registration, score(user_id="user-2"))

    (mine,) = standing(line_item, registration, "user-1")

    assert mine.user_id == "user-1"
    assert gradebook.received[-1].query == {"type_id": "1"}


def test_results_that_may_not_be_read(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    gradebook.fail("/lineitems", Fault(status=403))

    with pytest.raises(ScoreRefused) as caught:
        standing(line_item, registration)
    assert caught.value.reason == "not_allowed"


# --- on every make of VLE -----------------------------------------------------------------------------------


@pytest.fixture(params=EVERY_VLE, ids=str)
def vle(request: pytest.FixtureRequest, gradebook: FakePlatform) -> FakePlatform:
    """A VLE of each make in turn, that the tool is registered with."""
    profile: Profile = request.param
    keys = gradebook.tool_keys
    gradebook.reset(profile)
    gradebook.tool_keys = keys  # type: ignore[method-assign]
    gradebook.register(frame_hosts=gradebook.url)
    return gradebook


@pytest.fixture
def launched(vle: FakePlatform) -> LineItem:
    Visitor(vle).open()
    return LineItem.objects.select_related("resource_link__deployment__registration").get()


def its_registration(line_item: LineItem) -> Registration:
    return line_item.resource_link.deployment.registration


def test_a_score_is_the_grade_with_the_certificate_beside_it(vle: FakePlatform, launched: LineItem) -> None:
    send(launched, its_registration(launched))

    grade = vle.grade_of("user-1")
    assert grade.points == 85
    assert "https://tool.example/verify/ABC/" in grade.comments[-1]


def test_a_teacher_cannot_be_graded_anywhere(vle: FakePlatform, launched: LineItem) -> None:
    registration = its_registration(launched)
    with pytest.raises(ScoreRefused) as caught:
        send(launched, registration, score(user_id=TEACHER.id))

    assert (caught.value.reason, caught.value.permanent) == ("ungradable", True)


def test_a_score_that_has_arrived_already_is_not_sent_for_ever(vle: FakePlatform, launched: LineItem) -> None:
    """Its answer was lost, and the VLE's clock is ahead of ours: it has something newer, which is ours."""
    registration = its_registration(launched)
    send(launched, registration)
    column = vle.columns["1"]
    ahead = (timezone.now() + timedelta(seconds=90)).isoformat()
    column.scores["user-1"][-1]["timestamp"] = ahead
    column.received_at["user-1"] += 90

    send(launched, registration)

    assert len(column.scores["user-1"]) == 1


def test_something_newer_that_is_not_ours_is_left_alone(vle: FakePlatform, launched: LineItem) -> None:
    test_a_score_that_has_arrived_already_is_not_sent_for_ever(vle, launched)

    with pytest.raises(ScoreRefused) as caught:
        send(launched, its_registration(launched), score(percentage=40))

    assert (caught.value.reason, caught.value.permanent) == ("newer_grade", False)


def test_a_column_is_made_once_and_found_again(vle: FakePlatform, launched: LineItem) -> None:
    vle.columns.clear()
    for number in range(25):
        vle.column(f"other-{number}", resource_link_id=f"other-{number}", label="Another's")
    LineItem.objects.update(url="")
    for user in ("user-1", CHLOE.id):
        LineItem.objects.update(url="")
        launched.refresh_from_db()
        send(launched, its_registration(launched), score(user_id=user))

    (ours,) = [column for column in vle.columns.values() if column.resource_link_id == "link-1"]
    assert (ours.resource_id, ours.label) == (ACTIVITY, "All-staff awareness")
    assert list(ours.scores) == ["user-1", CHLOE.id]
    assert vle.deleted == []


# --- the self-test's column ---------------------------------------------------------------------------------


def scratch(registration: Registration, gradebook: FakePlatform) -> str:
    return make_scratch_column(registration, gradebook.lineitems_url, ALL_SCOPES)


def test_a_scratch_column_is_made_found_again_and_deleted(
    gradebook: FakePlatform, registration: Registration
) -> None:
    url = scratch(registration, gradebook)
    assert scratch(registration, gradebook) == url
    (made,) = [column for column in gradebook.columns.values() if column.id == url]
    assert (made.tag, made.resource_id, made.resource_link_id) == ("saferesponse-self-test",) * 2 + ("",)

    delete_scratch_column(registration, url)
    delete_scratch_column(registration, url)  # gone already

    assert list(gradebook.columns) == ["1"]


@pytest.mark.parametrize(
    "described",
    [
        {"resource_link_id": "link-1"},
        {"tag": "saferesponse-self-test"},
        {"resource_id": "saferesponse-self-test"},
        {
            "tag": "saferesponse-self-test",
            "resource_id": "saferesponse-self-test",
            "resource_link_id": "link-1",
        },
        {"tag": "saferesponse-1", "resource_id": "saferesponse-self-test"},
        {},
    ],
)
def test_no_column_but_the_scratch_one_is_deleted(
    gradebook: FakePlatform, registration: Registration, described: dict[str, str]
) -> None:
    column: Column = gradebook.column("5", **described)

    with pytest.raises(NotScratch):
        delete_scratch_column(registration, column.id)

    assert gradebook.count("DELETE", "/") == 0
    assert "5" in gradebook.columns


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"tag": ["saferesponse-self-test"]}'])
def test_a_column_that_cannot_be_read_is_not_deleted(
    gradebook: FakePlatform, registration: Registration, body: bytes
) -> None:
    url = scratch(registration, gradebook)
    gradebook.fail("/lineitems", Fault(status=200, body=body))

    with pytest.raises(NotScratch):
        delete_scratch_column(registration, url)

    assert gradebook.count("DELETE", "/") == 0


@pytest.mark.parametrize(
    ("status", "reason"), [(403, "not_allowed"), (500, "platform_fault"), (405, "rejected")]
)
def test_a_scratch_column_that_may_not_be_deleted(
    gradebook: FakePlatform, registration: Registration, status: int, reason: str
) -> None:
    url = scratch(registration, gradebook)
    described = {"id": url, "tag": "saferesponse-self-test", "resourceId": "saferesponse-self-test"}
    answer = Fault(status=200, body=json.dumps(described).encode())
    gradebook.fail("/lineitems", answer, Fault(status=status))

    with pytest.raises(ScoreRefused) as caught:
        delete_scratch_column(registration, url)
    assert caught.value.reason == reason


def test_a_scratch_column_needs_the_scope(gradebook: FakePlatform, registration: Registration) -> None:
    with pytest.raises(ScoreRefused) as caught:
        make_scratch_column(registration, gradebook.lineitems_url, [LINE_ITEM_READONLY])
    assert (caught.value.reason, caught.value.permanent) == ("no_column", True)


# --- where we may ask ---------------------------------------------------------------------------------------


def test_the_scopes_of_a_launch_are_kept(line_item: LineItem) -> None:
    assert line_item.scopes == sorted(ALL_SCOPES)


@pytest.mark.parametrize("column", ["url", "container_url"])
def test_no_token_goes_to_the_address_that_a_vle_moved_away_from(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration, column: str
) -> None:
    """The old name may be somebody else's by now; the next launch says where the gradebook is."""
    LineItem.objects.update(url="", container_url="")
    LineItem.objects.update(**{column: "https://old.vle.example/lineitems"})
    line_item.refresh_from_db()

    error = refused(line_item, registration)

    assert (error.reason, error.permanent) == ("foreign_address", False)
    assert gradebook.count("POST", "/token") == 0


@pytest.mark.parametrize(
    "address",
    ["ftp://{host}/lineitems/1", "file:///etc/passwd", "gopher://{host}/1", "//{host}/lineitems/1", "x"],
)
@pytest.mark.parametrize("family", ["generic", "canvas"])
def test_nothing_but_the_web_is_asked(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration, address: str, family: str
) -> None:
    registration.family = family
    line_item.url = address.format(host=gradebook.url.removeprefix("http://"))

    assert refused(line_item, registration).reason == "foreign_address"


def test_a_launch_that_names_such_an_address_is_refused(gradebook: FakePlatform) -> None:
    address = gradebook.url.replace("http://", "ftp://")
    claim = {"scope": ALL_SCOPES, "lineitem": f"{address}/lineitems/1"}

    response = Visitor(gradebook).launch(lambda claims: claims.update({AGS: claim}))

    assert (response.status_code, b"service_host_foreign" in response.content) == (403, True)
    assert not LineItem.objects.exists()


def test_canvas_says_slow_down_in_its_own_way(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    registration.family = "canvas"
    registration.frame_hosts = gradebook.url
    gradebook.fail("/lineitems", Fault(status=403, body=b"403 Forbidden (Rate Limit Exceeded)"))

    error = refused(line_item, registration)

    assert (error.reason, error.permanent, error.retry_after) == ("slow_down", False, 30)


def test_an_act_is_stopped_before_a_request(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    def overtaken() -> None:
        raise ScoreRefused(Reason.OVERTAKEN)

    with pytest.raises(ScoreRefused) as caught:
        ags.send(line_item, registration, score(), COLUMN, before_asking=overtaken)

    assert caught.value.reason == "overtaken"
    assert gradebook.count("POST", "/") == 0

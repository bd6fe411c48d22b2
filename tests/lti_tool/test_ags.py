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

from lti_tool import ags, http
from lti_tool.models import LineItem, Registration
from tests.platforms.browser import clock_moved
from tests.platforms.fake import ALL_SCOPES, SCOPE, FakePlatform, Fault

pytestmark = pytest.mark.django_db
SUBMITTED = datetime(2026, 11, 20, 9, 30, 15, 250_000, tzinfo=UTC)


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
    ags.send(line_item, registration, sent or score(), label="All-staff awareness")


def refused(line_item: LineItem, registration: Registration) -> ags.ScoreRefused:
    with pytest.raises(ags.ScoreRefused) as caught:
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
    with clock_moved(550), pytest.raises(ags.ScoreRefused):  # the fake's own clock has not moved
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

    assert error.permanent is False
    assert gradebook.count("POST", "/token") == 2
    assert gradebook.count("POST", "/lineitems/1/scores") == 2


def test_each_registration_has_tokens_of_its_own(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    second = gradebook.register(client_id="second-client")
    send(line_item, registration)

    with pytest.raises(ags.ScoreRefused):  # the fake knows one client id only
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
    ("status", "body", "says"),
    [
        (400, b'{"error": "invalid_client"}', "check the tool's keyset address"),
        (401, b'{"error": "unauthorized_client"}', "check the tool's keyset address"),
        (400, b'{"error": "invalid_scope"}', "check the tool's keyset address"),
        (400, b'{"error": ""kid" invalid"}', "gave no access to its gradebook (status 400)"),
        (404, b"<html>", "gave no access to its gradebook (status 404)"),
        (500, b"", "gave no access to its gradebook (status 500)"),
        (302, b"", "gave no access to its gradebook (status "),
        (400, b'{"error": ["invalid_client"]}', "gave no access to its gradebook (status 400)"),
        (400, b"[" * 100_000, "gave no access to its gradebook (status 400)"),
    ],
)
def test_a_token_that_is_refused(
    gradebook: FakePlatform,
    line_item: LineItem,
    registration: Registration,
    status: int,
    body: bytes,
    says: str,
) -> None:
    gradebook.fail("/token", Fault(status=status, body=body))

    error = refused(line_item, registration)

    # A VLE that could not fetch our keys a moment ago says the same as one that is set up wrongly.
    assert (error.permanent, says in error.problem) == (False, True)


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


def test_a_platform_that_ignores_the_filter_is_not_believed(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    foreign = [
        {"id": f"{gradebook.url}/lineitems/1?type_id=1", "resourceLinkId": "somebody-elses"},
        "x",
        None,
    ]
    gradebook.fail("/lineitems", *[Fault(status=200, body=json.dumps(foreign).encode())] * 2)

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
    assert LineItem.objects.get().url == made.id
    send(line_item, registration, score(user_id="user-2"))
    assert len(gradebook.columns) == 1


def test_a_column_may_not_be_made_without_the_scope(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with(scope=[f"{SCOPE}lineitem.readonly", f"{SCOPE}score"])
    gradebook.columns.clear()

    error = refused(line_item, registration)

    assert error.permanent is True
    assert "has no column in the gradebook" in error.problem
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
            except ags.ScoreRefused as waiting:
                outcomes.append(waiting.problem)
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
    assert set(outcomes) <= {"The gradebook column is being looked up."}
    assert [gradebook.score_of(user) is not None for user in ("user-1", "user-2")] == [True, True]


def test_a_lease_that_its_holder_never_gave_back_runs_out(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    LineItem.objects.update(leased_until=timezone.now() + timedelta(seconds=30))
    error = refused(line_item, registration)
    assert (error.permanent, error.retry_after) == (False, 2)

    LineItem.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    send(line_item, registration)

    assert gradebook.score_of("user-1") is not None


def test_a_new_column_at_a_foreign_address_gets_no_token_of_ours(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration
) -> None:
    line_item = launched_with()
    item = {"id": "https://evil.example/lineitems/1", "resourceLinkId": "link-1"}
    gradebook.fail("/lineitems", Fault(status=200, body=json.dumps([item]).encode()))

    error = refused(line_item, registration)

    assert error.permanent is True
    assert LineItem.objects.get().url == ""


@pytest.mark.parametrize("body", [b"", b"junk", b"<html>", b"[" * 100_000], ids=lambda body: ascii(body[:6]))
def test_a_list_of_columns_that_cannot_be_read(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration, body: bytes
) -> None:
    line_item = launched_with()
    gradebook.fail("/lineitems", Fault(status=200, body=body))

    assert refused(line_item, registration).permanent is False
    assert LineItem.objects.get().leased_until is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"id": 7}', b"[" * 100_000], ids=lambda b: ascii(b[:9])
)
def test_an_answer_about_a_new_column_that_cannot_be_read(
    gradebook: FakePlatform, launched_with: Callable[..., LineItem], registration: Registration, body: bytes
) -> None:
    line_item = launched_with()
    empty = Fault(status=200, body=b"[]")
    gradebook.fail("/lineitems", empty, empty, Fault(status=201, body=body))

    assert refused(line_item, registration).permanent is False
    assert LineItem.objects.get().url == ""


# --- how a platform fails -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "permanent", "says"),
    [
        (400, True, "give them the Student role"),
        (422, True, "give them the Student role"),
        (403, True, "does not let the training send grades"),
        (404, False, "is gone"),
        (500, False, "a fault of its own (status 500)"),
        (503, False, "a fault of its own (status 503)"),
        (302, False, "a fault of its own (status 302)"),
        (429, False, "slow down"),
    ],
)
def test_a_score_that_is_refused(
    gradebook: FakePlatform,
    line_item: LineItem,
    registration: Registration,
    status: int,
    permanent: bool,
    says: str,
) -> None:
    fault = Fault(status=status, body=b"userId=user-1 Amina", headers={"Location": "https://evil.example/"})
    gradebook.fail("/lineitems", fault)

    error = refused(line_item, registration)

    assert (error.permanent, says in error.problem) == (permanent, True)
    assert "Amina" not in error.problem


def test_course_staff_cannot_be_graded(
    gradebook: FakePlatform, line_item: LineItem, registration: Registration
) -> None:
    gradebook.ungradable.add("user-1")

    assert refused(line_item, registration).permanent is True


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

    assert refused(line_item, registration).permanent is False


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

    assert (error.permanent, error.retry_after) == (False, 2)


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

    assert refused(line_item, registration).permanent is False


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

    assert (error.permanent, "open the activity" in error.problem) == (False, True)
    assert gradebook.count("POST", "/token") == 0

"""Assignment and Grade Services 2.0: one score into one gradebook column.

Only what the specification names is sent; how a make of VLE wants it is `platform_quirks`'s. Every failure
comes back as one exception that says whether trying again can help, and what a person could do.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import requests
from django.db.models import Q
from django.utils import timezone

from lti_tool import platform_quirks
from lti_tool.models import LineItem, Registration
from lti_tool.pylti import Connector, ServiceResponse, TokenRefused

_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/"
SCORE, LINE_ITEM = f"{_SCOPE}score", f"{_SCOPE}lineitem"
LINE_ITEM_READONLY, RESULT_READONLY = f"{_SCOPE}lineitem.readonly", f"{_SCOPE}result.readonly"

# Moodle finds its handler by these exact types: application/json is answered "No handler found".
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"

# Moodle takes whole numbers from 1 to 100 only; so does every other platform.
SCORE_MAXIMUM = 100
LEASE_SECONDS = 60


class NoGradebook(Exception):
    """The launch named no gradebook: there is nowhere to send a score to."""


class ScoreRefused(Exception):
    """A score did not get through.

    `permanent`: trying again cannot help until somebody acts. `problem` says what happened and what to do, for a
    lead. `retry_after` is how many seconds the platform asked us to wait, where it did. `unreachable`: it did not
    answer at all, so it will not answer for anybody else just now.
    """

    def __init__(
        self,
        problem: str,
        *,
        permanent: bool,
        retry_after: float | None = None,
        unreachable: bool = False,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.permanent = permanent
        self.retry_after = retry_after
        self.unreachable = unreachable


@dataclass(frozen=True, slots=True)
class Score:
    """A final score: per cent of the column's maximum, with the comment that goes beside it."""

    user_id: str
    percentage: int
    comment: str
    submitted_at: datetime
    verify_url: str = ""


def send(line_item: LineItem | None, registration: Registration, score: Score, *, label: str) -> None:
    """Bring one score home. Returns when the platform has it.

    Raises NoGradebook, or ScoreRefused.
    """
    if line_item is None or not (line_item.url or line_item.container_url):
        raise NoGradebook
    may_serve = platform_quirks.of(registration).may_serve
    if not all(may_serve(registration, url) for url in (line_item.url, line_item.container_url) if url):
        # A launch's addresses were checked as it came. Since then the VLE may have moved, and its old name may be
        # somebody else's.
        raise ScoreRefused(
            "The gradebook is at an address that is not your VLE's any more. Please open the activity from the "
            "course once.",
            permanent=False,  # the next launch of anybody there puts it right
        )
    connector = Connector(registration)
    # Stamped before anything that may take its time: whoever took this score over meanwhile, and sent a newer one,
    # has the later stamp, and the platform refuses ours.
    payload = _payload(registration, score)
    try:
        if not line_item.url:
            _find_or_create(connector, line_item, registration, label)
        response = connector.request(
            "POST",
            _below(line_item.url, "scores"),
            [SCORE],
            # One line: Moodle 4.5 answers 200 to a pretty-printed score and stores nothing.
            data=json.dumps(payload, separators=(",", ":")),
            content_type=SCORE_TYPE,
            accept="*/*",
        )
        if response.status == 409:
            _reconcile(connector, line_item, score)
        elif not response.ok:
            _refuse(response, registration, line_item)
        elif _is_web_page(response) or (
            platform_quirks.of(registration).answers_scores_with_nothing
            and response.body.strip() not in {b"", b"null"}
        ):
            raise ScoreRefused(
                "The VLE answered with a web page instead of taking the grade.", permanent=False
            )
    except TokenRefused as refused:
        _refuse_token(refused)
    except requests.RequestException:
        raise ScoreRefused(
            "The VLE could not be reached, or did not answer in time.", permanent=False, unreachable=True
        ) from None


def _payload(registration: Registration, score: Score) -> dict[str, Any]:
    """AGS §3.4.5. `now` as timestamp, whenever the work was done: Moodle compares it with the time of its own
    last write, and would refuse the earlier moment of submission.
    """
    plain = {
        "userId": score.user_id,
        "scoreGiven": score.percentage,
        "scoreMaximum": SCORE_MAXIMUM,
        "activityProgress": "Completed",
        # Anything else than FullyGraded erases the grade that is there (Moodle, Canvas).
        "gradingProgress": "FullyGraded",
        "timestamp": _stamp(timezone.now()),
        # Sent every time: Moodle erases the comment that is not repeated.
        "comment": score.comment,
    }
    return platform_quirks.of(registration).score(
        plain, verify_url=score.verify_url, submitted_at=_stamp(score.submitted_at)
    )


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _reconcile(connector: Connector, line_item: LineItem, score: Score) -> None:
    """409: the platform has something as new or newer. If that is our score, it has arrived already."""
    response = connector.request(
        "GET",
        _with_query(_below(line_item.url, "results"), user_id=score.user_id),
        [RESULT_READONLY],
        accept=RESULTS_TYPE,
    )
    try:
        results = response.json() if response.ok else []
    except ValueError:
        results = []
    if any(_shows(result, score) for result in (results if isinstance(results, list) else [])):
        return
    raise ScoreRefused(
        "The gradebook already holds something newer, perhaps a grade that a teacher entered.",
        permanent=False,
        retry_after=2,
    )


def _shows(result: Any, score: Score) -> bool:
    """Whether a result that the platform holds is this score, by the column's own maximum."""
    try:
        # Without a maximum it is 1 (AGS §3.3.4).
        share = result["resultScore"] / (result.get("resultMaximum") or 1)
        return bool(
            result["userId"] == score.user_id and abs(share - score.percentage / SCORE_MAXIMUM) < 0.005
        )
    except (KeyError, TypeError, AttributeError, OverflowError):
        return False  # not readable, and so not ours


def _find_or_create(
    connector: Connector, line_item: LineItem, registration: Registration, label: str
) -> None:
    """Fill in `line_item.url`: the link's column as it is found, or a new one.

    Creating is not idempotent anywhere, so one worker at a time may look. Raises ScoreRefused.
    """
    now = timezone.now()
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    leased = LineItem.objects.filter(free, pk=line_item.pk, url="").update(
        leased_until=now + timedelta(seconds=LEASE_SECONDS)
    )
    line_item.refresh_from_db()
    if not leased:
        if line_item.url:
            return
        raise ScoreRefused("The gradebook column is being looked up.", permanent=False, retry_after=2)
    try:
        url = _find(connector, line_item) or _create(connector, line_item, registration, label)
        if not platform_quirks.of(registration).may_serve(registration, url):
            raise ScoreRefused("The VLE named a gradebook column at a foreign address.", permanent=True)
        # Unless a launch named it meanwhile: that is first-hand.
        LineItem.objects.filter(pk=line_item.pk, url="").update(url=url)
    finally:
        LineItem.objects.filter(pk=line_item.pk).update(leased_until=None)
    line_item.refresh_from_db()


def _tag(line_item: LineItem) -> str:
    return f"saferesponse-{line_item.resource_link_id}"


def _find(connector: Connector, line_item: LineItem) -> str:
    link_id = line_item.resource_link.resource_link_id
    scope = LINE_ITEM_READONLY if LINE_ITEM_READONLY in line_item.scopes else LINE_ITEM
    for query in ({"resource_link_id": link_id}, {"tag": _tag(line_item)}):
        # No `limit`: with one, Moodle's next-page link cannot be read.
        url = _with_query(line_item.container_url, **query)
        response = connector.request("GET", url, [scope], accept=LINE_ITEMS_TYPE)
        if not response.ok:
            _refuse(response, connector._row, line_item)
        for item in _json_list(response):
            # The filter is asked for, not trusted.
            ours = item.get("resourceLinkId") == link_id or item.get("tag") == _tag(line_item)
            if ours:
                return _address(item)
    return ""


def _address(item: Any) -> str:
    """The URL of a line item as the platform names it. Raises ScoreRefused for one that cannot be kept."""
    url = item.get("id") if isinstance(item, dict) else None
    if not isinstance(url, str) or not url.isprintable() or not 0 < len(url) <= 1000:
        raise ScoreRefused("The VLE's answer about the gradebook column cannot be read.", permanent=False)
    return url


def _create(connector: Connector, line_item: LineItem, registration: Registration, label: str) -> str:
    if LINE_ITEM not in line_item.scopes:
        raise ScoreRefused(
            "The activity has no column in the gradebook, and the VLE does not let the training make one. Ask "
            "whoever looks after your VLE to give the activity a grade, then send the grade again.",
            permanent=True,
        )
    link_id = line_item.resource_link.resource_link_id
    response = connector.request(
        "POST",
        line_item.container_url,
        [LINE_ITEM],
        data=json.dumps(
            {
                "scoreMaximum": SCORE_MAXIMUM,
                "label": label,
                "resourceId": _tag(line_item),
                "tag": _tag(line_item),
                "resourceLinkId": link_id,
            },
            separators=(",", ":"),
        ),
        content_type=LINE_ITEM_TYPE,
        accept=LINE_ITEM_TYPE,
    )
    if not response.ok:
        _refuse(response, registration, line_item)
    try:
        return _address(response.json())
    except ValueError:
        return _address(None)


def _json_list(response: ServiceResponse) -> list[dict[str, Any]]:
    try:
        items = response.json()
    except ValueError:
        raise ScoreRefused("The VLE's list of gradebook columns cannot be read.", permanent=False) from None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _refuse(response: ServiceResponse, registration: Registration, line_item: LineItem) -> NoReturn:
    """What an error status means, in words. The body is never kept: VLEs echo what they were sent."""
    status = response.status
    if status in {400, 422}:
        # Moodle answers 400 and Canvas 422 for somebody who cannot be graded: course staff, above all.
        raise ScoreRefused(
            "The VLE takes no grade for this person, most often because they are in the course as a teacher. Ask "
            "whoever looks after your VLE to give them the Student role in this course, then send the grade "
            "again.",
            permanent=True,
        )
    if status == 403:
        raise ScoreRefused(
            "The VLE does not let the training send grades. Ask whoever looks after your VLE to allow it in the "
            "tool's settings, then send the grade again.",
            permanent=True,
        )
    if status == 404:
        # The column is gone. Look it up afresh at the next try; we never delete one ourselves.
        LineItem.objects.filter(pk=line_item.pk, url=line_item.url).exclude(container_url="").update(url="")
        raise ScoreRefused("The activity's column in the gradebook is gone.", permanent=False)
    wait = _retry_after(response.headers.get("retry-after", ""))
    if status == 429:
        raise ScoreRefused("The VLE asked us to slow down.", permanent=False, retry_after=wait or 30)
    raise ScoreRefused(
        f"The VLE had a fault of its own (status {status}).", permanent=False, retry_after=wait
    )


def _refuse_token(refused: TokenRefused) -> NoReturn:
    if refused.status in {400, 401, 403} and refused.error in {
        "invalid_client",
        "invalid_scope",
        "unauthorized_client",
    }:
        problem = (
            "The VLE does not accept the training's key or does not allow it to send grades. Ask whoever looks "
            "after your VLE to check the tool's keyset address and its grade permission."
        )
    else:
        problem = f"The VLE gave no access to its gradebook (status {refused.status})."
    # Not permanent: a VLE that could not fetch our keys a moment ago says the same as one set up wrongly.
    raise ScoreRefused(problem, permanent=False) from None


def _retry_after(value: str) -> float | None:
    """Seconds from a Retry-After header (RFC 9110 §10.2.3), in either form; at most a day."""
    value = value.strip()
    if value.isdecimal() and len(value) < 9:
        return float(min(int(value), 86400))
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - timezone.now()).total_seconds(), 0.0), 86400.0)


def _is_web_page(response: ServiceResponse) -> bool:
    return response.body.lstrip()[:1] == b"<"


def _below(url: str, name: str) -> str:
    """`url` with `/name` on its path. Moodle's line item URLs carry a query, which must stay behind it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))


def _with_query(url: str, **parameters: str) -> str:
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *parameters.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))

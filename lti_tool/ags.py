"""Assignment and Grade Services 2.0: one score into one gradebook column, and what stands there.

Only what the specification names is sent; how a make of VLE wants it is `platform_quirks`'s.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from pydantic import BaseModel, ConfigDict, ValidationError

from lti_tool import platform_quirks
from lti_tool.gradebook import RESULT_READONLY, SCORE, Gradebook, Reason, ScoreRefused, below, stamp
from lti_tool.line_items import SCORE_MAXIMUM, Column, find_or_make
from lti_tool.models import LineItem, Registration
from lti_tool.pylti import ServiceResponse, add_query

# Moodle finds its handler by these exact types: application/json is answered "No handler found".
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"


class NoGradebook(Exception):
    """The launch named no gradebook: there is nowhere to send a score to."""


@dataclass(frozen=True, slots=True)
class Score:
    """A final score: per cent of the column's maximum, with the comment that goes beside it."""

    user_id: str
    percentage: int
    comment: str
    submitted_at: datetime
    verify_url: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What stands in a column for somebody. `share`: of the column's maximum; None where there is no grade."""

    user_id: str
    share: float | None
    comment: str

    def shows(self, score: Score) -> bool:
        """Whether this is that score. A comment is shown in many ways, so only the certificate's address counts;
        some VLEs show none at all.
        """
        same_grade = self.share is not None and abs(self.share - score.percentage / SCORE_MAXIMUM) < 0.005
        is_proven = not self.comment or score.verify_url in self.comment
        return self.user_id == score.user_id and same_grade and is_proven


def send(
    line_item: LineItem | None,
    registration: Registration,
    score: Score,
    column: Column,
    *,
    before_asking: Callable[[], None] = lambda: None,
) -> None:
    """Bring one score home. Returns when the platform has it.

    `column` is what the link's is called where it has none yet. `before_asking` is called before each request, and
    stops the sending by raising ScoreRefused. Raises NoGradebook, or ScoreRefused.
    """
    if line_item is None or not (line_item.url or line_item.container_url):
        raise NoGradebook
    gradebook = Gradebook(registration, before_asking)
    # Stamped before anything that may take its time: whoever took this score over meanwhile, and sent a newer one,
    # has the later stamp, and the platform refuses ours.
    payload = _payload(registration, score)
    if not line_item.url:
        find_or_make(gradebook, line_item, column)
    response = gradebook.ask(
        "POST",
        below(line_item.url, "scores"),
        SCORE,
        # One line: Moodle 4.5 answers 200 to a pretty-printed score and stores nothing.
        content=json.dumps(payload, separators=(",", ":")),
        content_type=SCORE_TYPE,
    )
    if response.status in gradebook.quirks.conflict_statuses:
        _reconcile(gradebook, line_item, score)
    elif not response.ok:
        raise _refusal(response, gradebook, line_item)
    elif _is_web_page(response) or (
        gradebook.quirks.answers_scores_with_nothing and response.body.strip() not in {b"", b"null"}
    ):
        raise ScoreRefused(Reason.UNREADABLE)


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
        "timestamp": stamp(timezone.now()),
        # Sent every time: Moodle erases the comment that is not repeated.
        "comment": score.comment,
    }
    return platform_quirks.of(registration).score(
        plain, verify_url=score.verify_url, submitted_at=stamp(score.submitted_at)
    )


def _refusal(response: ServiceResponse, gradebook: Gradebook, line_item: LineItem) -> ScoreRefused:
    """What an error status means in answer to a score."""
    quirks = gradebook.quirks
    if quirks.has_no_attempts_left(response.status, response.body):
        return ScoreRefused(Reason.NO_ATTEMPTS_LEFT, permanent=True)
    if quirks.is_ungradable(response.status, response.reason, response.body):
        return ScoreRefused(Reason.UNGRADABLE, permanent=True)
    if response.status in {404, 410}:
        # Look it up afresh at the next try; we never delete one ourselves.
        LineItem.objects.filter(pk=line_item.pk, url=line_item.url).exclude(container_url="").update(url="")
        return ScoreRefused(Reason.COLUMN_GONE)
    return gradebook.refusal(response)


def _is_web_page(response: ServiceResponse) -> bool:
    return response.body.lstrip()[:1] == b"<"


def _reconcile(gradebook: Gradebook, line_item: LineItem, score: Score) -> None:
    """The platform has something as new or newer. If that is our score, it has arrived already."""
    try:
        is_there = RESULT_READONLY in line_item.scopes and any(
            result.shows(score) for result in _results(gradebook, line_item, score.user_id)
        )
    except ScoreRefused as refused:
        if refused.reason is Reason.UNREACHABLE:
            raise
        is_there = False
    if not is_there:
        raise ScoreRefused(Reason.NEWER_GRADE, retry_after=2)


# --- what stands there --------------------------------------------------------------------------------------


class _Document(BaseModel):
    """A result as the platform describes it (AGS §3.3)."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    userId: str
    resultScore: float | None = None
    # Without one it is 1 (AGS §3.3.4).
    resultMaximum: float | None = None
    comment: str | None = None


def results(line_item: LineItem, registration: Registration, user_id: str = "") -> Iterator[Result]:
    """What stands in a column: for one person, or for everybody. Raises ScoreRefused."""
    return _results(Gradebook(registration), line_item, user_id)


def _results(gradebook: Gradebook, line_item: LineItem, user_id: str) -> Iterator[Result]:
    only = {"user_id": user_id} if user_id and gradebook.quirks.filters_results else {}
    url = add_query(below(line_item.url, "results"), only)
    for entry in gradebook.entries(url, RESULT_READONLY, accept=RESULTS_TYPE):
        try:
            said = _Document.model_validate(entry)
        except ValidationError:
            continue  # not readable, and so not ours
        if user_id in {"", said.userId}:
            share = None if said.resultScore is None else said.resultScore / (said.resultMaximum or 1)
            yield Result(said.userId, share, said.comment or "")

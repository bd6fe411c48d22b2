"""What a certification reviewer looks for after each launch: the page, the log line, and what was kept."""

import logging
import re

import pytest
from django.http import HttpResponse

from lti_tool.models import Launch

# Of the token and its person; none of it may stand on an error page or in the log.
TOKENS_CONTENT = ("Amina", "Yusuf", "amina@school.example", "user-1", "course-1", "link-1", "eyJ")


class Log:
    """The lines about launches, and everything else that was logged."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        caplog.set_level(logging.INFO, logger="lti_tool.launch")

    @property
    def lines(self) -> list[str]:
        return [r.getMessage() for r in self._caplog.records if r.name == "lti_tool.launch"]

    @property
    def everything(self) -> str:
        return self._caplog.text

    def clear(self) -> None:
        self._caplog.clear()


def reason_on_page(response: HttpResponse) -> str:
    """The code that the page gives to whoever looks after the VLE."""
    found = re.findall(r"<code>(.*?)</code>", response.content.decode())
    assert len(found) == 1, response.content.decode()
    return found[0]


def assert_refused(
    response: HttpResponse,
    log: Log,
    reason: str,
    *,
    detail: str = "",
    registration: object,
    launches: int = 0,
) -> None:
    """Refused with this reason: said once on the page, once in the log, and nothing kept or given away."""
    assert log.lines == [
        f"launch.rejected reason={reason} detail={detail or '-'} registration={registration or '-'}"
    ]
    assert reason_on_page(response) == (f"{reason} ({detail})" if detail else reason)
    assert 400 <= response.status_code < 500
    assert Launch.objects.count() == launches
    page = response.content.decode()
    assert [content for content in TOKENS_CONTENT if content in page] == []
    assert [content for content in TOKENS_CONTENT if content in log.everything] == []
    log.clear()

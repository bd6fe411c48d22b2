"""Pages that cannot be shown, in words for the person in front of them."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

log = logging.getLogger(__name__)


class PageRefused(Exception):
    """What happened, and the one thing to do next. `reason` is for the log and for whoever helps."""

    def __init__(self, *, reason: str, title: Any, what: Any, next_step: Any, status: int = 404) -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status
        self.title, self.what, self.next_step = title, what, next_step


def explaining(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Turn a refusal into its page and its one log line."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except PageRefused as refused:
            log.info("page.refused reason=%s", refused.reason)
            return render(request, "course_content/refused.html", {"refused": refused}, status=refused.status)

    return wrapped

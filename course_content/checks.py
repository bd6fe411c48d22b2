"""Django's own check: no server should start quietly with a pack that cannot be taught."""

from collections.abc import Sequence
from typing import Any

from django.core import checks

from course_content import catalogue
from course_content.pack_problems import PackProblem


@checks.register("content")
def check_packs(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Every problem in the built-in packs and those of CONTENT_PACK_DIRS.

    E001: a pack is left out because of this. W001: it teaches, but look again.
    """
    return [_message(problem) for problem in catalogue.problems()]


def _message(problem: PackProblem) -> checks.CheckMessage:
    if problem.is_error:
        return checks.Error(str(problem), hint=_HINT, id="course_content.E001")
    return checks.Warning(str(problem), hint=_HINT, id="course_content.W001")


_HINT = "manage.py check_content says everything that is wrong with a pack."

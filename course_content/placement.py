"""Which activity a link teaches: named by its `activity`, or made from `module` and what goes with it.

Parameters come from the link's custom parameters, else from the query of its address.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from course_content import catalogue
from course_content.refusals import PageRefused
from course_content.schema import Module
from grading import enrolments
from grading.models import Activity
from lti_tool.models import Launch

MOST_ATTEMPTS = 100


@dataclass(frozen=True, slots=True)
class Placement:
    """A module as the author of a link made by hand placed it."""

    module: Module
    pass_mark: int
    attempts_allowed: int | None
    keeps: str


class BadParameter(ValueError):
    """A parameter that cannot be used; `allowed` says what can, for the author."""

    def __init__(self, name: str, value: str, allowed: Any) -> None:
        super().__init__(name)
        self.name, self.value, self.allowed = name, value, allowed


class NotSetUp(PageRefused):
    """The link does not yet say, or not rightly, what it teaches. Authors are told how it does."""

    template = "course_content/set_up.html"

    def __init__(self, bad: BadParameter | None = None) -> None:
        super().__init__(
            reason=f"parameter_{bad.name}" if bad else "module_missing",
            title=_("This activity is not ready yet"),
            what=_("The author of your course has to finish setting it up. You have done nothing wrong."),
            next_step=_("Please tell the author of your course. Then open the activity again from there."),
        )
        self.bad = bad
        self.for_lead = False
        self.modules: tuple[Module, ...] = ()

    def tell_lead(self, modules: tuple[Module, ...]) -> None:
        """Whoever reads this can set it up: say how, with the modules there are."""
        self.for_lead, self.modules = True, modules


class ForeignActivity(PageRefused):
    """The activity named by the link is not this tenant's (design decision 13)."""

    def __init__(self) -> None:
        super().__init__(
            reason="activity_foreign",
            title=_("This activity belongs to another VLE"),
            what=_("The link was made in another VLE, or in another part of yours. It was probably copied."),
            next_step=_("Ask the author of your course to add the training again, here in this course."),
        )


def parameters(launch: Launch) -> dict[str, str]:
    """What the link says: its custom parameters, else the query of its address. Empty ones say nothing."""
    said = {**dict(parse_qsl(urlsplit(launch.target).query)), **launch.custom}
    return {name: value.strip() for name, value in said.items() if value.strip()}


def activity_of(launch: Launch) -> Activity:
    """The activity that the launched link teaches; of a link made by hand it is made at the first launch.

    Once a link has its activity, the activity's own settings count and a later slip in a parameter shuts
    nobody out. Raises NotSetUp, ForeignActivity.
    """
    said, link = parameters(launch), launch.link
    if "activity" in said:
        return _named(said["activity"], launch)
    made = Activity.objects.filter(resource_link=link).first()
    if made is not None:
        return made
    try:
        placed = read(said)
    except BadParameter as bad:
        raise NotSetUp(bad) from None
    if placed is None:
        raise NotSetUp
    return enrolments.activity_at(
        link,
        module=catalogue.summary(placed.module),
        pass_mark=placed.pass_mark,
        attempts_allowed=placed.attempts_allowed,
        keeps=placed.keeps,
    )


def _named(name: str, launch: Launch) -> Activity:
    try:
        found = Activity.objects.filter(pk=UUID(name), deployment=launch.link.deployment).first()
    except ValueError:
        found = None
    if found is None:
        raise ForeignActivity
    return found


def read(said: Mapping[str, str]) -> Placement | None:
    """The placement that the parameters of a link describe; None without `module`. Raises BadParameter."""
    if "module" not in said:
        return None
    try:
        module = catalogue.get_module(said["module"])
    except catalogue.ModuleNotFound:
        slugs = ", ".join(known.slug for known in catalogue.all_modules())
        raise BadParameter("module", said["module"], slugs) from None
    return Placement(
        module=module,
        pass_mark=_read(
            said, "pass_mark", _whole(1, 100), module.pass_mark, _("a whole number from 1 to 100")
        ),
        attempts_allowed=_read(
            said, "attempts", _attempts, None, _("a whole number from 1 to 100, or unlimited")
        ),
        keeps=_read(said, "keeps", Activity.Keeps, Activity.Keeps.BEST, _("best or latest")),
    )


def _read(
    said: Mapping[str, str], name: str, reader: Callable[[str], Any], default: Any, allowed: Any
) -> Any:
    if name not in said:
        return default
    try:
        return reader(said[name])
    except ValueError:
        raise BadParameter(name, said[name], allowed) from None


def _whole(least: int, most: int) -> Callable[[str], int]:
    def reader(text: str) -> int:
        # int() alone would also take "8_0", "+80" and the digits of other scripts.
        if not (text.isascii() and text.isdigit() and len(text) <= 3 and least <= int(text) <= most):
            raise ValueError(text)
        return int(text)

    return reader


def _attempts(text: str) -> int | None:
    return None if text == "unlimited" else _whole(1, MOST_ATTEMPTS)(text)

"""Which activity a link teaches: named by its `activity`, made from `module` and what goes with it, or copied.

Parameters come from the link's custom parameters, else from the query of its address.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from course_content import catalogue
from course_content.refusals import PageRefused
from course_content.schema import Module
from grading import activities
from grading.activities import Settings
from grading.models import Activity
from lti_tool import deep_linking
from lti_tool.models import Context, Deployment, Launch, ResourceLink

# What the record keeps of a title; VLEs take 255 characters.
MOST_TITLE = 200


@dataclass(frozen=True, slots=True)
class Placement:
    """A module as an author places it."""

    module: Module
    settings: Settings


class BadParameter(ValueError):
    """A parameter that cannot be used; `allowed` says what can, for the author."""

    def __init__(self, name: str, value: str, allowed: Any) -> None:
        super().__init__(name)
        self.name, self.value, self.allowed = name, value, allowed


class NotSetUp(PageRefused):
    """The link does not yet say, or not rightly, what it teaches. Whoever leads the course may choose it."""

    def __init__(self, bad: BadParameter | None = None) -> None:
        super().__init__(
            reason=f"parameter_{bad.name}" if bad else "module_missing",
            title=_("This activity is not ready yet"),
            what=_("The author of your course has to finish setting it up. You have done nothing wrong."),
            next_step=_("Please tell the author of your course. Then open the activity again from there."),
        )
        self.bad = bad


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
    """The activity that the launched link teaches: each link has one of its own.

    - `activity` names it; the link's own, or a copy, it becomes at the link's first launch, and again when the
      author has chosen another one for the link since (`grading.activities.settle`). An old launch, its page
      loaded anew, changes nothing.
    - Of a link made by hand it is made from `module` at the first launch. From then on the activity's own
      settings count, and a later slip in a parameter shuts nobody out.
    - A link that says nothing, and was copied from one that has an activity, gets a copy of that.

    Raises NotSetUp, ForeignActivity.
    """
    said, link = parameters(launch), launch.link
    own = Activity.objects.filter(resource_link=link).first()
    if "activity" in said:
        return _named(said, launch, own)
    if own is not None:
        return own
    try:
        placed = read(said, nation=nation_of(link.context, link.deployment))
    except BadParameter as bad:
        raise NotSetUp(bad) from None
    if placed is not None:
        return activities.at(link, module=placed.module.slug, settings=placed.settings)
    original = _original(said, link)
    if original is None:
        raise NotSetUp
    return activities.settle(link, original, is_copy=True, now=launch.launched_at)


def _named(said: Mapping[str, str], launch: Launch, own: Activity | None) -> Activity:
    try:
        pk = UUID(said["activity"])
    except ValueError:
        raise ForeignActivity from None
    if own is not None and pk in (own.pk, own.copied_from_id):
        return own
    named = activities.named(pk, launch.link)
    if named is None:
        raise ForeignActivity
    if own is not None and (activities.stands_for(own, named) or _is_old(launch)):
        return own
    is_copy = deep_linking.LINK_HISTORY in said
    return activities.settle(launch.link, named, is_copy=is_copy, now=launch.launched_at)


def _is_old(launch: Launch) -> bool:
    """Whether the link was launched again since, maybe with other parameters."""
    return Launch.objects.filter(
        resource_link=launch.resource_link_id, launched_at__gt=launch.launched_at
    ).exists()


def _original(said: Mapping[str, str], link: ResourceLink) -> Activity | None:
    """The activity of the link that this one was copied from, where the VLE tells: the nearest comes first."""
    earlier = [unquote(pk) for pk in said.get(deep_linking.LINK_HISTORY, "").split(",")]
    known = Activity.objects.filter(
        resource_link__deployment=link.deployment, resource_link__resource_link_id__in=earlier
    ).select_related("resource_link")
    by_link = {
        activity.resource_link.resource_link_id: activity for activity in known if activity.resource_link
    }
    return next((by_link[pk] for pk in earlier if pk in by_link), None)


def nation_of(course: Context | None, deployment: Deployment) -> str:
    """The nation of the school that a course belongs to; empty where no school is known."""
    school = (course.school if course else None) or deployment.school
    return school.nation if school else ""


def read(said: Mapping[str, str], *, nation: str = "") -> Placement | None:
    """The placement that the parameters of a link describe; None without `module`. `nation` is the school's.

    Raises BadParameter.
    """
    if "module" not in said:
        return None
    try:
        module = catalogue.get_module(said["module"])
    except catalogue.ModuleNotFound:
        slugs = ", ".join(known.slug for known in catalogue.all_modules())
        raise BadParameter("module", said["module"], slugs) from None
    usual = usual_settings(module, nation=nation)
    settings = replace(
        usual,
        nation=_read(said, "nation", _one_of(module.nations), usual.nation, ", ".join(module.nations)),
        audience=_read(
            said, "audience", _one_of(module.audiences), usual.audience, ", ".join(module.audiences)
        ),
        pass_mark=_read(
            said,
            "pass_mark",
            _whole(*Activity.PASS_MARKS),
            usual.pass_mark,
            _("a whole number from 1 to 100"),
        ),
        attempts_allowed=_read(
            said,
            "attempts",
            _attempts,
            usual.attempts_allowed,
            _("a whole number from 1 to 100, or unlimited"),
        ),
        keeps=_read(said, "keeps", Activity.Keeps, usual.keeps, _("best or latest")),
    )
    try:
        catalogue.get_module(module.slug, nation=settings.nation, audience=settings.audience)
    except catalogue.ModuleNotFound:
        raise BadParameter(
            "nation", settings.nation, _("another nation: this one cannot be taught now")
        ) from None
    return Placement(module, settings)


def usual_settings(module: Module, *, nation: str = "", audience: str = "") -> Settings:
    """How a module is placed unless its author says otherwise: for this nation and audience, if it is written
    for them.
    """
    return Settings(
        title=module.title[:MOST_TITLE],
        nation=nation if nation in module.nations else module.nation,
        audience=audience if audience in module.audiences else module.audience,
        pass_mark=module.pass_mark,
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


def _one_of(known: Sequence[str]) -> Callable[[str], str]:
    def reader(text: str) -> str:
        if text not in known:
            raise ValueError(text)
        return text

    return reader


def _attempts(text: str) -> int | None:
    return None if text == "unlimited" else _whole(*Activity.ATTEMPTS)(text)

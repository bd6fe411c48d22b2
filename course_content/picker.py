"""Choosing modules for a course: what there is, what is wanted, and what becomes of the choice.

The choice travels in the address and the forms of the picker's pages; nothing is kept until it is made.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from urllib.parse import urlencode

from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext

from course_content import catalogue
from course_content.placement import BadParameter, Placement, nation_of
from course_content.schema import Lesson, Module
from course_content.templatetags.content import audience_name, nation_name
from grading import activities
from grading.models import Activity
from lti_tool import deep_linking
from lti_tool.models import DeepLinkingRequest, Launch

MOST_TEXT = 100


@dataclass(frozen=True, slots=True)
class Place:
    """What modules are chosen for: the course of a deep linking request, or a link that says nothing yet."""

    launch: Launch
    # None: for the link alone.
    request: DeepLinkingRequest | None
    # Why the link's own parameters say nothing, when they say something.
    bad: BadParameter | None = None

    @property
    def title(self) -> str:
        """What the VLE calls it."""
        if self.request is None:
            return str(self.launch.link)
        return str(self.request.context or "")

    @property
    def nation(self) -> str:
        """The school's, as far as it is known."""
        course = self.request.context if self.request else self.launch.link.context
        return nation_of(course, self.launch.deployment)

    @property
    def takes_activities(self) -> bool:
        return self.request is None or deep_linking.takes_activities(self.request)

    @property
    def takes_several(self) -> bool:
        return self.request is not None and self.request.accept_multiple

    @property
    def offers_grade(self) -> bool:
        """Whether the author decides about a gradebook column. None said (None) may well be taken."""
        return self.request is not None and self.request.accept_line_item is not False

    @property
    def offers_window(self) -> bool:
        return self.request is not None and deep_linking.offers_window(self.request)

    @property
    def minds_due_date(self) -> bool:
        return self.request is not None and deep_linking.minds_due_date(self.request)

    @property
    def is_answered(self) -> bool:
        return self.request is not None and self.request.answered_at is not None


# --- what there is --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an author looks for, and the modules they have chosen so far, by slug."""

    text: str = ""
    nation: str = ""
    audience: str = ""
    chosen: tuple[str, ...] = ()

    @classmethod
    def read(cls, query: QueryDict, *, several: bool) -> "Wanted":
        """From a page's address. Whatever is not in the catalogue is passed over."""
        known = {module.slug for module in catalogue.all_modules()}
        chosen = tuple(dict.fromkeys(slug for slug in query.getlist("module") if slug in known))
        return cls(
            text=query.get("q", "").strip()[:MOST_TEXT],
            nation=query.get("nation", ""),
            audience=query.get("audience", ""),
            chosen=chosen if several else chosen[-1:],
        )

    @property
    def query(self) -> str:
        """The same as the query of an address."""
        filters = {"q": self.text, "nation": self.nation, "audience": self.audience}
        said = [(name, value) for name, value in filters.items() if value]
        return urlencode([*said, *(("module", slug) for slug in self.chosen)])

    def finds(self, module: Module) -> bool:
        words = f"{module.title} {module.summary} {' '.join(module.outcomes)} {module.slug}".casefold()
        return (
            all(word in words for word in self.text.casefold().split())
            and self.nation in ("", *module.nations)
            and self.audience in ("", *module.audiences)
        )

    def as_wanted(self, module: Module) -> Module:
        """The module for the nation and audience that are looked for, where it is written for them."""
        nation = self.nation if self.nation in module.nations else None
        audience = self.audience if self.audience in module.audiences else None
        try:
            return catalogue.get_module(module.slug, nation=nation, audience=audience)
        except catalogue.ModuleNotFound:  # these readers' variant has an error; the others can be chosen
            return module


NOTHING_YET = Wanted()


@dataclass(frozen=True, slots=True)
class Card:
    """A module as an author sees it before choosing it."""

    module: Module
    is_chosen: bool
    # How many pieces of guidance behind it are due to be checked again.
    overdue: int


class Named(NamedTuple):
    """A value to filter by, with its name."""

    value: str
    name: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """The modules that were found; and those chosen before that were not, so that no choice is lost."""

    found: tuple[Card, ...]
    also_chosen: tuple[Card, ...]
    nations: tuple[Named, ...]
    audiences: tuple[Named, ...]
    total: int


def shelf(wanted: Wanted, *, today: date) -> Shelf:
    """What there is of what is wanted, by title."""
    modules = [wanted.as_wanted(module) for module in catalogue.all_modules()]
    cards = {
        module.slug: Card(module, module.slug in wanted.chosen, len(module.overdue_guidance(today)))
        for module in modules
    }
    found = tuple(card for card in cards.values() if wanted.finds(card.module))
    nations = {nation for module in modules for nation in module.nations}
    audiences = {audience for module in modules for audience in module.audiences}
    return Shelf(
        found=found,
        also_chosen=tuple(card for card in cards.values() if card.is_chosen and card not in found),
        nations=tuple(sorted(Named(value, nation_name(value)) for value in nations)),
        audiences=tuple(sorted(Named(value, audience_name(value)) for value in audiences)),
        total=len(modules),
    )


def sample(module: Module) -> Lesson | None:
    """A page of the module that an author may read before choosing it: its first lesson."""
    return next(iter(module.lessons), None)


# --- what becomes of the choice -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chosen:
    """A module with its author's settings, and how its link is to stand in the course."""

    placement: Placement
    graded: bool = True
    # None: as the VLE likes.
    in_new_window: bool | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """The answer to a deep linking request, ready to be posted. `again`: the request has had one before."""

    answer: deep_linking.Answer
    titles: tuple[str, ...]
    again: bool = False


@transaction.atomic
def place(request: DeepLinkingRequest, chosen: Sequence[Chosen], *, now: datetime) -> Given:
    """Make an activity of each module, and answer the VLE with links to them.

    The ids are made from the request and the module: a form that is sent twice places nothing twice. A request may
    be answered again, for the first answer may have been lost on its way; whoever does so must be told.
    """
    unanswered = DeepLinkingRequest.objects.filter(pk=request.pk, answered_at=None)
    is_first = unanswered.update(answered_at=now) == 1
    items = [_item(_activity(request, one), one) for one in chosen]
    titles = tuple(item.title for item in items)
    message = gettext("Chosen: %(titles)s") % {"titles": ", ".join(titles)}
    return Given(deep_linking.answer(request, items, message=message), titles, again=not is_first)


def cancel(request: DeepLinkingRequest) -> Given:
    """Answer the VLE with nothing."""
    return Given(deep_linking.answer(request, []), ())


def _activity(request: DeepLinkingRequest, chosen: Chosen) -> Activity:
    slug = chosen.placement.module.slug
    return activities.place(
        uuid.uuid5(uuid.NAMESPACE_URL, f"{request.launch.nonce}/{slug}"),
        deployment=request.launch.deployment,
        course=request.context,
        module=slug,
        settings=chosen.placement.settings,
    )


def _item(activity: Activity, chosen: Chosen) -> deep_linking.Item:
    return deep_linking.Item(
        activity=str(activity.pk),
        title=activity.title,
        text=chosen.placement.module.summary,
        tag=activity.module,
        graded=chosen.graded,
        due_at=activity.due_at,
        in_new_window=chosen.in_new_window,
    )


def set_up(launch: Launch, placement: Placement) -> Activity:
    """Make the activity of a link that says nothing. Of two who do so at once the first one's settings count."""
    return activities.at(launch.link, module=placement.module.slug, settings=placement.settings)

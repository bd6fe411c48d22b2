"""What every part of a pack is built from: frozen shapes, and the kinds of text and number in them."""

from collections.abc import Mapping, Set
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from course_content.hosts import is_allowed_url

Nation = Literal["england", "wales", "scotland", "northern-ireland", "elsewhere"]
Audience = Literal[
    "school",
    "college",
    "early-years",
    "youth-work",
    "police",
    "social-care",
    "health",
    "governor",
    "parent",
]
Language = Literal["en", "cy"]
# Where guidance or a claim holds: in one nation, in several, or as practice that we stand by everywhere.
Reach = Nation | Literal["england-and-wales", "uk", "international", "anywhere"]

_REACHES: Mapping[str, Set[str]] = {
    "england-and-wales": {"england", "wales"},
    "uk": {"england", "wales", "scotland", "northern-ireland"},
    "international": {"england", "wales", "scotland", "northern-ireland", "elsewhere"},
    "anywhere": {"england", "wales", "scotland", "northern-ireland", "elsewhere"},
}


def holds_in(reach: Reach, nation: Nation) -> bool:
    """Whether what holds there holds in this nation."""
    return nation in _REACHES.get(reach, {reach})


Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
# Markdown is Text too; the name tells views which fields go through `markdown.render`.
Markdown = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Minutes = Annotated[int, Field(ge=1, le=240)]


def _official(url: str) -> str:
    if not is_allowed_url(url):
        raise ValueError("must be an https link to one of the bodies in course_content/hosts.py")
    return url


OfficialUrl = Annotated[str, AfterValidator(_official)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


# --- what the teaching rests on -------------------------------------------------------------------


class GuidanceEntry(Part):
    """One edition of one piece of guidance or law, and when somebody last looked at it.

    `replaces` names the entry of the edition before it.
    """

    id: Slug
    title: Text
    publisher: Text
    nation: Reach
    edition: Text
    url: OfficialUrl | None = None
    in_force_from: date | None = None
    in_force_to: date | None = None
    replaces: Slug | None = None
    checked_on: date
    checked_by: Text = "SafeResponse authors"
    review_by: date
    verified: bool
    note: str = ""


class Claim(Part):
    """One thing the module says is so, and the guidance it rests on.

    `verified: false` means that no qualified reviewer has yet checked it against the source. `audiences` are
    those who alone may be told it (a power, say, that only schools hold); empty, everybody.
    """

    id: Slug
    text: Text
    sources: tuple[Slug, ...] = Field(min_length=1)
    nation: Reach
    audiences: tuple[Audience, ...] = ()
    verified: bool
    note: str = ""


class Helpline(Part):
    """Somewhere to turn: shown beside the wellbeing text and on every page of help."""

    name: Text
    for_whom: Text
    phone: str | None = None
    hours: str = ""
    url: OfficialUrl | None = None
    claims: tuple[Slug, ...] = ()

"""What a module is made of: the shapes of a content pack, frozen once read.

These classes say what each *field* may hold. What only shows when pieces are put together (a choice
that leads nowhere, an answer that names no option) is checked in `pack_rules`, where it can be
reported with the line an author has to mend.

Room is left on purpose: a new kind of question is one more class in the `Question` union, a new
kind of step one more in `Step`; flags, scores and variants by nation or audience are new fields
with a default, so that packs and papers written before them still read.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from course_content.hosts import is_allowed_url

Nation = Literal["england", "wales", "scotland", "northern-ireland"]
Audience = Literal["school"]
Language = Literal["en", "cy"]
Verdict = Literal["best", "acceptable", "poor", "harmful"]
Outcome = Literal["good", "mixed", "poor"]

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
    """One edition of one piece of guidance or law, and when somebody last looked at it."""

    id: Slug
    title: Text
    publisher: Text
    nation: Nation | Literal["uk", "england-and-wales"]
    edition: Text
    url: OfficialUrl | None = None
    in_force_from: date | None = None
    checked_on: date
    review_by: date
    verified: bool
    note: str = ""


class Claim(Part):
    """One thing the module says is so, and the guidance it rests on.

    `verified: false` means that no qualified reviewer has yet checked it against the source.
    """

    id: Slug
    text: Text
    sources: tuple[Slug, ...] = Field(min_length=1)
    nation: Nation | Literal["uk", "england-and-wales"]
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


# --- steps ----------------------------------------------------------------------------------------


class Lesson(Part):
    kind: Literal["lesson"] = "lesson"
    slug: Slug
    title: Text
    minutes: Minutes
    claims: tuple[Slug, ...] = ()
    content_note: str = ""
    body: Markdown


class Choice(Part):
    """One thing a member of staff could do next, what we say about it, and where it leads."""

    id: Slug
    text: Text
    verdict: Verdict
    reason: Markdown
    goes_to: Slug


class Ending(Part):
    outcome: Outcome
    title: Text
    debrief: Markdown


class Node(Part):
    """A moment in a scenario: text and choices, or else an ending. `id` is its key in the file."""

    id: Slug
    text: str = ""
    choices: tuple[Choice, ...] = ()
    ending: Ending | None = None


class Scenario(Part):
    """A short branching story. `recommended` lists the choice ids of the path we would walk."""

    kind: Literal["scenario"] = "scenario"
    slug: Slug
    title: Text
    minutes: Minutes
    intro: Markdown
    content_note: str = ""
    skippable: bool = True
    claims: tuple[Slug, ...] = ()
    start: Slug
    nodes: dict[str, Node] = Field(min_length=1)
    recommended: tuple[Slug, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _name_nodes(cls, data: Any) -> Any:
        """Give every node its key as id, so that a node can be passed about on its own."""
        if not isinstance(data, Mapping) or not isinstance(data.get("nodes"), Mapping):
            return data
        nodes = {
            key: {**node, "id": key} if isinstance(node, Mapping) else node
            for key, node in data["nodes"].items()
        }
        return {**data, "nodes": nodes}


class Option(Part):
    """One possible answer. `feedback` is shown after marking to the person who chose it."""

    id: Slug
    text: Text
    feedback: str = ""


class _Question(Part):
    id: Slug
    topic: Slug
    prompt: Text
    options: tuple[Option, ...] = Field(min_length=2, max_length=12)
    answer: tuple[Slug, ...] = Field(min_length=1)
    explanation: Markdown
    # A critical question missed fails the paper whatever the total: these are the "never" items.
    critical: bool = False
    claims: tuple[Slug, ...] = ()

    def option(self, option_id: str) -> Option | None:
        return next((o for o in self.options if o.id == option_id), None)


class SingleQuestion(_Question):
    """One right answer."""

    kind: Literal["single"]


class MultipleQuestion(_Question):
    """Choose all that are right; `answer` lists them in any order."""

    kind: Literal["multiple"]


class OrderingQuestion(_Question):
    """Put the options in order; `answer` is the right order of all of them."""

    kind: Literal["ordering"]


Question = Annotated[SingleQuestion | MultipleQuestion | OrderingQuestion, Field(discriminator="kind")]


class Quiz(Part):
    """The bank of questions, and how many of them make one paper."""

    kind: Literal["quiz"] = "quiz"
    slug: Slug
    title: Text
    minutes: Minutes
    intro: Markdown
    draw: Annotated[int, Field(ge=1, le=100)]
    critical_at_least: Annotated[int, Field(ge=0)] = 0
    questions: tuple[Question, ...] = Field(min_length=1)


Step = Lesson | Scenario | Quiz


# --- the module -----------------------------------------------------------------------------------


class ModuleFacts(Part):
    """What module.yaml says about the module as a whole."""

    slug: Slug
    version: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+){0,2}$")]
    title: Text
    summary: Text
    minutes: Minutes
    languages: tuple[Language, ...] = Field(default=("en",), min_length=1)
    nation: Nation
    audience: Audience
    outcomes: tuple[Text, ...] = Field(min_length=1)
    # "draft" until a named person has checked it; a certificate repeats this word for word.
    status: Annotated[str, StringConstraints(pattern=r"^(draft|reviewed by .+ on \d{4}-\d{2}-\d{2})$")]
    guidance_edition: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    pass_mark: Annotated[int, Field(ge=1, le=100)] = 80
    content_note: Markdown
    wellbeing: Markdown
    helplines: tuple[Helpline, ...] = ()


class ModuleFile(ModuleFacts):
    """module.yaml: the facts, and the files of the steps in the order they are taken."""

    steps: tuple[str, ...] = Field(min_length=1)


class Module(ModuleFacts):
    """A whole pack, read and checked."""

    steps: tuple[Step, ...]
    guidance: tuple[GuidanceEntry, ...]
    claims: tuple[Claim, ...]
    content_hash: str

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        return tuple(s for s in self.steps if isinstance(s, Lesson))

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        return tuple(s for s in self.steps if isinstance(s, Scenario))

    @property
    def quiz(self) -> Quiz | None:
        return next((s for s in self.steps if isinstance(s, Quiz)), None)

    @property
    def is_draft(self) -> bool:
        return self.status == "draft"

    @property
    def unverified_claims(self) -> tuple[Claim, ...]:
        return tuple(c for c in self.claims if not c.verified)

    def step(self, slug: str) -> Step | None:
        """The step with this slug, or None."""
        return next((s for s in self.steps if s.slug == slug), None)

    def claim(self, claim_id: str) -> Claim | None:
        return next((c for c in self.claims if c.id == claim_id), None)

    def overdue_guidance(self, today: date) -> tuple[GuidanceEntry, ...]:
        """Guidance whose review-by date has passed: a banner is due, then withdrawal."""
        return tuple(g for g in self.guidance if g.review_by < today)

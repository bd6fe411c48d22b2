"""A branching scenario: moments, choices, what they set and reveal, and how it can end.

A story remembers two things: the flags that choices have set, and a score. What is offered, told or led
to may depend on them by a `Condition`, which is a list of names and numbers and never a formula.
"""

from collections.abc import Iterator, Mapping, Set
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from course_content.parts import Markdown, Minutes, Part, Slug, Text

Verdict = Literal["best", "acceptable", "poor", "harmful"]
Outcome = Literal["good", "mixed", "poor"]
FindingKind = Literal[
    "over-referral", "under-referral", "delay", "viewing", "evidence", "confidentiality", "blame"
]

# What a choice scores where its author does not say.
POINTS: Mapping[Verdict, int] = {"best": 2, "acceptable": 1, "poor": 0, "harmful": -1}
# A score is kept within these, so that going round in circles neither gains nor loses without end.
LOWEST_SCORE, HIGHEST_SCORE = -20, 20


class Condition(Part):
    """Holds when all flags of `has` are set, none of `lacks` is, and the score is within its bounds."""

    has: tuple[Slug, ...] = ()
    lacks: tuple[Slug, ...] = ()
    score_at_least: int | None = None
    score_at_most: int | None = None

    @property
    def asks_score(self) -> bool:
        return self.score_at_least is not None or self.score_at_most is not None

    def holds(self, flags: Set[str], score: int) -> bool:
        return (
            flags >= set(self.has)
            and not flags & set(self.lacks)
            and (self.score_at_least is None or score >= self.score_at_least)
            and (self.score_at_most is None or score <= self.score_at_most)
        )


class Choice(Part):
    """One thing a member of staff could do next, what we say about it, and where it leads.

    With `if`, it is offered only when that holds. `reveals` names facts, `finding` what the debrief says.
    """

    id: Slug
    text: Text
    verdict: Verdict
    reason: Markdown
    goes_to: Slug
    when: Condition | None = Field(default=None, alias="if")
    sets: tuple[Slug, ...] = ()
    clears: tuple[Slug, ...] = ()
    score: Annotated[int, Field(ge=-5, le=5)] | None = None
    reveals: tuple[Slug, ...] = ()
    finding: Slug | None = None

    @property
    def points(self) -> int:
        return POINTS[self.verdict] if self.score is None else self.score


class Ending(Part):
    outcome: Outcome
    title: Text
    debrief: Markdown
    finding: Slug | None = None


class Route(Part):
    """One way on from a junction: taken if it holds and none above it does."""

    when: Condition | None = Field(default=None, alias="if")
    goes_to: Slug


class Aside(Part):
    """What a moment also tells, when it holds."""

    when: Condition = Field(alias="if")
    text: Markdown


class Node(Part):
    """A moment in a scenario: text and choices; or an ending; or a junction, passed without a choice by
    the first of its `routes` that holds. `id` is its key in the file.
    """

    id: Slug
    text: str = ""
    asides: tuple[Aside, ...] = ()
    reveals: tuple[Slug, ...] = ()
    choices: tuple[Choice, ...] = ()
    routes: tuple[Route, ...] = ()
    ending: Ending | None = None


class Fact(Part):
    """One line of the fact sheet, and the stage of the story (from 1) at which it comes to light."""

    id: Slug
    stage: Annotated[int, Field(ge=1, le=9)]
    text: Text


class DebriefFinding(Part):
    """What the debrief says once to whoever made a choice, or came to an ending, that carries it."""

    id: Slug
    kind: FindingKind
    text: Markdown


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
    # When the facts of each stage come: "At first", "After break" …
    stages: tuple[Text, ...] = ()
    facts: tuple[Fact, ...] = ()
    findings: tuple[DebriefFinding, ...] = ()
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

    @property
    def conditions(self) -> Iterator[Condition]:
        """Every condition of the story."""
        for node in self.nodes.values():
            parts: tuple[Choice | Route | Aside, ...] = (*node.choices, *node.routes, *node.asides)
            yield from (part.when for part in parts if part.when)

    @property
    def scores(self) -> bool:
        """Whether its author speaks of a score at all."""
        chosen = (choice.score for node in self.nodes.values() for choice in node.choices)
        return any(score is not None for score in chosen) or any(c.asks_score for c in self.conditions)

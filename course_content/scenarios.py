"""Walking a scenario: pure functions from the choices made to where a person now stands.

Only choice ids are recorded. Where they lead is looked up each time, so a pack may be mended under
somebody half-way through; whatever of the path no longer exists is dropped from there on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from course_content.schema import Choice, Ending, Node, Outcome, Scenario, Verdict

# Longer than any sane walk; a recorded path is data from outside and is not replayed for ever.
LONGEST_WALK = 100


class NotOnOffer(ValueError):
    """The choice is not offered where the person stands: a stale page, or a made-up id."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One step taken: where, and what was chosen."""

    node: Node
    choice: Choice

    @property
    def verdict(self) -> Verdict:
        return self.choice.verdict

    @property
    def reason(self) -> str:
        return self.choice.reason


@dataclass(frozen=True, slots=True)
class Position:
    """Where a walk has got to. `choices` holds the ids that still count; save these."""

    node: Node
    taken: tuple[Taken, ...]

    @property
    def choices(self) -> tuple[str, ...]:
        return tuple(step.choice.id for step in self.taken)

    @property
    def last(self) -> Taken | None:
        return self.taken[-1] if self.taken else None

    @property
    def ending(self) -> Ending | None:
        return self.node.ending

    @property
    def ended(self) -> bool:
        return self.node.ending is not None

    @property
    def outcome(self) -> Outcome | None:
        return self.node.ending.outcome if self.node.ending else None


def position(scenario: Scenario, choices: Sequence[str] = ()) -> Position:
    """Replay recorded choice ids from the start.

    Stops at the last choice that still exists, so a path recorded under an older pack gives the
    longest part of it that still makes sense. Never raises for a scenario that passed its checks.
    """
    node = scenario.nodes[scenario.start]
    taken: list[Taken] = []
    for choice_id in choices[:LONGEST_WALK]:
        choice = next((c for c in node.choices if c.id == choice_id), None)
        if choice is None:
            break
        taken.append(Taken(node, choice))
        node = scenario.nodes[choice.goes_to]
    return Position(node, tuple(taken))


def take(scenario: Scenario, choices: Sequence[str], choice_id: str) -> Position:
    """Take one more step from where `choices` lead. Raises NotOnOffer."""
    here = position(scenario, choices)
    if len(here.taken) >= LONGEST_WALK or all(c.id != choice_id for c in here.node.choices):
        raise NotOnOffer(f"'{choice_id}' is not a choice at '{here.node.id}' of '{scenario.slug}'")
    return position(scenario, (*here.choices, choice_id))

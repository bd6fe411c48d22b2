"""Walking a scenario: pure functions from the choices made to where a person now stands.

Only choice ids are recorded. Where they lead, and what they set and reveal, is looked up each time, so a
pack may be mended under somebody half-way through; whatever of the path no longer exists, or is no longer
on offer, is dropped from there on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from course_content.stories import (
    HIGHEST_SCORE,
    LOWEST_SCORE,
    Choice,
    Condition,
    DebriefFinding,
    Ending,
    Fact,
    Node,
    Outcome,
    Scenario,
    Verdict,
)

# Longer than any sane walk; a recorded path is data from outside and is not replayed for ever.
LONGEST_WALK = 100


class NotOnOffer(ValueError):
    """The choice is not offered where the person stands: a stale page, or a made-up id."""


class NoWayOn(ValueError):
    """A junction none of whose routes holds, or that leads round to itself. No checked pack has one."""

    def __init__(self, state: "State", why: str) -> None:
        super().__init__(f"'{state.node}' {why}")
        self.state = state
        self.why = why


# --- state ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class State:
    """All that decides what can happen next: where, and what the story remembers."""

    node: str
    flags: frozenset[str] = frozenset()
    score: int = 0

    def meets(self, condition: Condition | None) -> bool:
        return condition is None or condition.holds(self.flags, self.score)


def beginning(scenario: Scenario) -> State:
    return _past_junctions(scenario, State(scenario.start))


def offered(scenario: Scenario, state: State) -> tuple[Choice, ...]:
    """The choices that somebody in this state has."""
    return tuple(choice for choice in scenario.nodes[state.node].choices if state.meets(choice.when))


def after(scenario: Scenario, state: State, choice: Choice) -> State:
    """Where a choice leads. Raises NoWayOn."""
    return _past_junctions(scenario, chosen(state, choice))


def chosen(state: State, choice: Choice) -> State:
    """What a choice sets, clears and scores, and the node it names."""
    flags = (state.flags - set(choice.clears)) | set(choice.sets)
    score = min(HIGHEST_SCORE, max(LOWEST_SCORE, state.score + choice.points))
    return State(choice.goes_to, flags, score)


def junctions_passed(scenario: Scenario, state: State) -> Iterator[tuple[str, int, State]]:
    """Each junction passed from here on: its name, which of its routes, and where that leads. Raises NoWayOn."""
    seen: set[str] = set()
    while (node := scenario.nodes[state.node]).routes:
        if node.id in seen:
            raise NoWayOn(state, "leads round to itself without a choice")
        seen.add(node.id)
        taken = next((i for i, route in enumerate(node.routes) if state.meets(route.when)), None)
        if taken is None:
            raise NoWayOn(state, "has no route that holds")
        state = replace(state, node=node.routes[taken].goes_to)
        yield node.id, taken, state


def _past_junctions(scenario: Scenario, state: State) -> State:
    for _name, _route, beyond in junctions_passed(scenario, state):
        state = beyond
    return state


# --- a walk ---------------------------------------------------------------------------------------


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
class KnownFact:
    """A fact that has come to light; new when the last choice brought it."""

    fact: Fact
    new: bool


@dataclass(frozen=True, slots=True)
class StageOfFacts:
    number: int
    title: str
    facts: tuple[KnownFact, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a walk has got to. `choices` holds the ids that still count; save these."""

    scenario: Scenario
    state: State
    taken: tuple[Taken, ...]
    # Ids of facts in the order they came to light, and how many were known before the last choice.
    revealed: tuple[str, ...]
    known_before: int

    @property
    def node(self) -> Node:
        return self.scenario.nodes[self.state.node]

    @property
    def choices(self) -> tuple[str, ...]:
        return tuple(step.choice.id for step in self.taken)

    @property
    def offered(self) -> tuple[Choice, ...]:
        return offered(self.scenario, self.state)

    @property
    def story(self) -> str:
        """What is told here, to somebody who came this way."""
        asides = (aside.text for aside in self.node.asides if self.state.meets(aside.when))
        return "\n\n".join((self.node.text, *asides))

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

    @property
    def fact_sheet(self) -> tuple[StageOfFacts, ...]:
        """What is known so far, by the stage at which it came."""
        new = set(self.revealed[self.known_before :]) if self.taken else set()
        sheet = []
        for number, title in enumerate(self.scenario.stages, 1):
            facts = [f for f in self.scenario.facts if f.stage == number and f.id in self.revealed]
            if facts:
                known = tuple(KnownFact(fact, fact.id in new) for fact in facts)
                sheet.append(StageOfFacts(number, title, known))
        return tuple(sheet)

    @property
    def findings(self) -> tuple[DebriefFinding, ...]:
        """What the debrief has to say of this walk, each once, in the order of the pack."""
        carried = {step.choice.finding for step in self.taken}
        if self.node.ending:
            carried.add(self.node.ending.finding)
        return tuple(finding for finding in self.scenario.findings if finding.id in carried)


def position(scenario: Scenario, choices: Sequence[str] = ()) -> Position:
    """Replay recorded choice ids from the start.

    Stops at the last choice that is still on offer, so a path recorded under an older pack gives the
    longest part of it that still makes sense. Never raises for a scenario that passed its checks.
    """
    state = beginning(scenario)
    taken: list[Taken] = []
    # A dict keeps the order in which facts came, and each once.
    revealed = dict.fromkeys(scenario.nodes[state.node].reveals)
    known_before = 0
    for choice_id in choices[:LONGEST_WALK]:
        choice = next((c for c in offered(scenario, state) if c.id == choice_id), None)
        if choice is None:
            break
        taken.append(Taken(scenario.nodes[state.node], choice))
        state = after(scenario, state, choice)
        known_before = len(revealed)
        revealed.update(dict.fromkeys((*choice.reveals, *scenario.nodes[state.node].reveals)))
    return Position(scenario, state, tuple(taken), tuple(revealed), known_before)


def take(scenario: Scenario, choices: Sequence[str], choice_id: str) -> Position:
    """Take one more step from where `choices` lead. Raises NotOnOffer."""
    here = position(scenario, choices)
    if len(here.taken) >= LONGEST_WALK or all(c.id != choice_id for c in here.offered):
        raise NotOnOffer(f"'{choice_id}' is not a choice at '{here.node.id}' of '{scenario.slug}'")
    return position(scenario, (*here.choices, choice_id))

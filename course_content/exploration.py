"""Everywhere that a scenario can lead: each reachable state, and each choice on offer in it.

A state is node × flags × score, as far as anything in the story asks about them: flags that no condition
names and a score that none asks for do not tell two states apart. What comes out is therefore exact and
small enough to look through whole; a story that is too large is refused.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from course_content.scenarios import NoWayOn, State, chosen, junctions_passed, offered
from course_content.stories import Choice, Scenario

# Twelve nodes, eight flags in every mix and a score in five bands are 15,000; no story needs as much.
MOST_STATES = 20_000


class TooManyStates(ValueError):
    """The scenario has more states than can be looked through."""


@dataclass(frozen=True)
class Exploration:
    """`ways` holds every reachable state, and where each choice on offer there leads.

    `passed` are the junctions and routes that are taken by some walk; `no_way_on` the walks that end in none.
    """

    scenario: Scenario
    ways: Mapping[State, Mapping[str, State]]
    passed: frozenset[tuple[str, int]]
    no_way_on: tuple[NoWayOn, ...]

    @property
    def edges(self) -> int:
        return sum(len(ways) for ways in self.ways.values())

    @cached_property
    def nodes(self) -> frozenset[str]:
        """The nodes that some walk comes to or passes."""
        return frozenset({s.node for s in self.ways} | {name for name, _ in self.passed})

    @cached_property
    def choices(self) -> frozenset[tuple[str, str]]:
        """The choices that are on offer in some state, each with its node."""
        return frozenset((s.node, choice) for s, ways in self.ways.items() for choice in ways)

    @cached_property
    def stuck(self) -> tuple[State, ...]:
        """States with nothing on offer that are no ending."""
        broken = {failed.state.node for failed in self.no_way_on}
        return tuple(
            s for s, ways in self.ways.items() if not ways and not self._ends(s) and s.node not in broken
        )

    @cached_property
    def endless(self) -> tuple[State, ...]:
        """States from which no ending can be reached, though there is always something to choose."""
        back: dict[State, set[State]] = {state: set() for state in self.ways}
        for state, ways in self.ways.items():
            for target in ways.values():
                back[target].add(state)
        queue = deque(s for s in self.ways if self._ends(s))
        can_end = set(queue)
        while queue:
            for before in back[queue.popleft()] - can_end:
                can_end.add(before)
                queue.append(before)
        return tuple(s for s, ways in self.ways.items() if s not in can_end and ways)

    def _ends(self, state: State) -> bool:
        return self.scenario.nodes[state.node].ending is not None


def explore(scenario: Scenario, *, most: int = MOST_STATES) -> Exploration:
    """Walk every way through a scenario whose nodes all exist. Raises TooManyStates."""
    asked = {flag for c in scenario.conditions for flag in (*c.has, *c.lacks)}
    asks_score = any(c.asks_score for c in scenario.conditions)
    ways: dict[State, dict[str, State]] = {}
    passed: set[tuple[str, int]] = set()
    no_way_on: dict[tuple[str, str], NoWayOn] = {}

    def told_apart(state: State) -> State:
        return replace(state, flags=state.flags & asked, score=state.score if asks_score else 0)

    def settled(state: State) -> State:
        try:
            for name, route, beyond in junctions_passed(scenario, state):
                passed.add((name, route))
                state = beyond
        except NoWayOn as failed:
            no_way_on[failed.state.node, failed.why] = failed
            state = failed.state
        return told_apart(state)

    def onwards(state: State) -> dict[str, State]:
        choices: tuple[Choice, ...] = offered(scenario, state)
        return {choice.id: settled(chosen(state, choice)) for choice in choices}

    queue = deque([settled(State(scenario.start))])
    while queue:
        state = queue.popleft()
        if state in ways:
            continue
        if len(ways) >= most:
            raise TooManyStates(f"'{scenario.slug}' has more than {most} states")
        ways[state] = onwards(state)
        queue.extend(target for target in ways[state].values() if target not in ways)
    return Exploration(scenario, ways, frozenset(passed), tuple(no_way_on.values()))

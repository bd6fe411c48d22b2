"""What must hold in a scenario: first between its pieces, then on every way through it."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from course_content.exploration import MOST_STATES, Exploration, TooManyStates, explore
from course_content.pack_rules import Finding, repeated
from course_content.scenarios import State, after, beginning, offered
from course_content.sources import Loc
from course_content.stories import Condition, Node, Scenario


def scenario_findings(scenario: Scenario) -> tuple[Finding, ...]:
    """Loose ends, places that cannot be reached or left, and a recommended path that cannot be walked.

    None of it hangs on what the texts say. Variants that differ in their words alone are explored once.
    """
    return _findings(_Story(scenario))


class _Story:
    """A scenario that is the same as another one with the same ways through it, whatever either says."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        silent = [name for name, node in scenario.nodes.items() if not node.text.strip()]
        self._ways = (scenario.model_dump_json(exclude=_WORDS), len(scenario.stages), tuple(silent))

    def __hash__(self) -> int:
        return hash(self._ways)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Story) and self._ways == other._ways


_CHOICE_WORDS = {"text": True, "reason": True}
_WORDS: Any = {
    **dict.fromkeys(("title", "intro", "content_note", "stages", "claims"), True),
    "facts": {"__all__": {"text": True}},
    "findings": {"__all__": {"text": True}},
    "nodes": {
        "__all__": {
            "text": True,
            "choices": {"__all__": _CHOICE_WORDS},
            "asides": {"__all__": {"text": True}},
            "ending": {"title": True, "debrief": True},
        }
    },
}


@lru_cache(maxsize=512)
def _findings(story: _Story) -> tuple[Finding, ...]:
    return tuple(_all_findings(story.scenario))


def _all_findings(scenario: Scenario) -> Iterator[Finding]:
    loose = [*_piece_findings(scenario), *_condition_findings(scenario), *_sheet_findings(scenario)]
    yield from loose
    if any(finding.severity == "error" for finding in loose):
        return  # What only shows on the way is looked for once every piece is in its place.
    try:
        explored = explore(scenario)
    except TooManyStates:
        message = (
            f"can be in more than {MOST_STATES} states; use fewer flags, clear those that are done with,"
            " or ask for the score in fewer places"
        )
        yield Finding(("nodes",), message)
        return
    yield from _way_findings(scenario, explored)
    if not explored.no_way_on:
        yield from _recommended_findings(scenario)


# --- the pieces -----------------------------------------------------------------------------------


def _piece_findings(scenario: Scenario) -> Iterator[Finding]:
    if scenario.start not in scenario.nodes:
        yield Finding(("start",), f"there is no node '{scenario.start}'")
    for name, node in scenario.nodes.items():
        yield from _node_findings(scenario, name, node)


def _node_findings(scenario: Scenario, name: str, node: Node) -> Iterator[Finding]:
    here: Loc = ("nodes", name)
    if node.ending is not None:
        if node.choices:
            yield Finding((*here, "choices"), "an ending offers no choices")
        if node.routes:
            yield Finding((*here, "routes"), "an ending leads nowhere")
        return
    if node.routes:
        yield from _junction_findings(scenario, node, here)
        return
    if not node.text.strip():
        yield Finding(here, "needs 'text' (or an 'ending', or 'routes')")
    if not node.choices:
        yield Finding(here, "is a dead end: it has neither choices nor an ending")
    elif len(node.choices) == 1:
        yield Finding((*here, "choices"), "a decision needs at least two choices")
    yield from repeated([c.id for c in node.choices], (*here, "choices"))
    for i, choice in enumerate(node.choices):
        if choice.goes_to not in scenario.nodes:
            message = f"there is no node '{choice.goes_to}'"
            yield Finding((*here, "choices", i, "goes_to"), message)


def _junction_findings(scenario: Scenario, node: Node, here: Loc) -> Iterator[Finding]:
    if node.choices or node.text.strip() or node.asides or node.reveals:
        yield Finding((*here, "routes"), "is passed at once: a node with 'routes' has nothing else")
    for i, route in enumerate(node.routes):
        if route.goes_to not in scenario.nodes:
            message = f"there is no node '{route.goes_to}'"
            yield Finding((*here, "routes", i, "goes_to"), message)
        if route.when is None and i + 1 < len(node.routes):
            yield Finding((*here, "routes", i), "has no 'if', so the routes below it are never taken")


# --- flags ----------------------------------------------------------------------------------------


def _located_conditions(scenario: Scenario) -> Iterator[tuple[Loc, Condition]]:
    for name, node in scenario.nodes.items():
        conditions: dict[str, list[Condition | None]] = {
            "choices": [choice.when for choice in node.choices],
            "routes": [route.when for route in node.routes],
            "asides": [*(aside.when for aside in node.asides)],
        }
        for field, asked in conditions.items():
            for i, condition in enumerate(asked):
                if condition is not None:
                    yield ("nodes", name, field, i, "if"), condition


def _condition_findings(scenario: Scenario) -> Iterator[Finding]:
    choices = [
        (("nodes", name, "choices", i), choice)
        for name, node in scenario.nodes.items()
        for i, choice in enumerate(node.choices)
    ]
    ever_set = {flag for _, choice in choices for flag in choice.sets}
    asked: set[str] = set()
    for loc, condition in _located_conditions(scenario):
        if not (condition.has or condition.lacks or condition.asks_score):
            yield Finding(loc, "asks nothing; leave it out")
        asked |= {*condition.has, *condition.lacks}
        for field, flags in (("has", condition.has), ("lacks", condition.lacks)):
            for i, flag in enumerate(flags):
                if flag not in ever_set:
                    yield Finding((*loc, field, i), f"no choice sets '{flag}'")
    for loc, choice in choices:
        for i, flag in enumerate(choice.sets):
            if flag not in asked:
                yield Finding((*loc, "sets", i), f"nothing asks whether '{flag}' is set", "warning")
        for i, flag in enumerate(choice.clears):
            if flag not in ever_set:
                yield Finding((*loc, "clears", i), f"no choice sets '{flag}'")


# --- the fact sheet and the findings of the debrief -----------------------------------------------


def _sheet_findings(scenario: Scenario) -> Iterator[Finding]:
    yield from repeated([f.id for f in scenario.facts], ("facts",))
    yield from repeated([f.id for f in scenario.findings], ("findings",))
    facts, findings = {f.id for f in scenario.facts}, {f.id for f in scenario.findings}
    revealed: set[str] = set()
    carried: set[str] = set()
    for loc, names in _revealing(scenario):
        for i, name in enumerate(names):
            if name not in facts:
                yield Finding((*loc, i), f"there is no fact '{name}'")
        revealed |= set(names)
    for loc, name in _carrying(scenario):
        if name not in findings:
            yield Finding(loc, f"there is no finding '{name}'")
        carried.add(name)
    for i, fact in enumerate(scenario.facts):
        if fact.id not in revealed:
            yield Finding(("facts", i), f"nothing reveals '{fact.id}'")
        if fact.stage > len(scenario.stages):
            message = f"there are {len(scenario.stages)} stages; name this one under 'stages'"
            yield Finding(("facts", i, "stage"), message)
    for i, finding in enumerate(scenario.findings):
        if finding.id not in carried:
            yield Finding(("findings", i), f"no choice and no ending carries '{finding.id}'")


def _revealing(scenario: Scenario) -> Iterator[tuple[Loc, tuple[str, ...]]]:
    for name, node in scenario.nodes.items():
        yield ("nodes", name, "reveals"), node.reveals
        for i, choice in enumerate(node.choices):
            yield ("nodes", name, "choices", i, "reveals"), choice.reveals


def _carrying(scenario: Scenario) -> Iterator[tuple[Loc, str]]:
    for name, node in scenario.nodes.items():
        if node.ending and node.ending.finding:
            yield ("nodes", name, "ending", "finding"), node.ending.finding
        for i, choice in enumerate(node.choices):
            if choice.finding:
                yield ("nodes", name, "choices", i, "finding"), choice.finding


# --- every way through ----------------------------------------------------------------------------


def _way_findings(scenario: Scenario, explored: Exploration) -> Iterator[Finding]:
    for failed in explored.no_way_on:
        yield Finding(("nodes", failed.state.node, "routes"), f"{failed.why}{_when(failed.state)}")
    for name in scenario.nodes:
        if name not in explored.nodes:
            yield Finding(("nodes", name), "cannot be reached from the start")
    for state in _first_of_each_node(explored.stuck):
        yield Finding(("nodes", state.node, "choices"), f"offers nothing{_when(state)}")
    if not explored.stuck and not explored.no_way_on:
        for state in _first_of_each_node(explored.endless):
            message = f"is in a loop with no way out: no ending can be reached{_when(state)}"
            yield Finding(("nodes", state.node), message)
    yield from _never_findings(scenario, explored)


def _never_findings(scenario: Scenario, explored: Exploration) -> Iterator[Finding]:
    """What stands in the story but on no way through it."""
    for name in explored.nodes & set(scenario.nodes):
        node = scenario.nodes[name]
        states = [s for s in explored.ways if s.node == name]
        for i, choice in enumerate(node.choices):
            if (name, choice.id) not in explored.choices:
                yield Finding(("nodes", name, "choices", i), f"'{choice.id}' is never on offer")
        for i, aside in enumerate(node.asides):
            if not any(state.meets(aside.when) for state in states):
                yield Finding(("nodes", name, "asides", i), "is never told")
        for i, _route in enumerate(node.routes):
            if (name, i) not in explored.passed:
                yield Finding(("nodes", name, "routes", i), "is never taken")


def _first_of_each_node(states: tuple[State, ...]) -> Iterator[State]:
    seen: set[str] = set()
    for state in states:
        if state.node not in seen:
            seen.add(state.node)
            yield state


def _when(state: State) -> str:
    """The state in words, where it is more than its node."""
    said = [f"'{flag}' is set" for flag in sorted(state.flags)]
    if state.score:
        said.append(f"the score is {state.score}")
    return f" when {' and '.join(said)}" if said else ""


def _recommended_findings(scenario: Scenario) -> Iterator[Finding]:
    state = beginning(scenario)
    for i, choice_id in enumerate(scenario.recommended):
        choice = next((c for c in offered(scenario, state) if c.id == choice_id), None)
        if choice is None:
            yield Finding(("recommended", i), f"'{choice_id}' is not a choice at '{state.node}'")
            return
        if choice.verdict not in ("best", "acceptable"):
            message = f"recommends '{choice_id}', which is marked '{choice.verdict}'"
            yield Finding(("recommended", i), message)
        if choice.finding is not None:
            yield Finding(("recommended", i), f"recommends '{choice_id}', which carries a finding")
        state = after(scenario, state, choice)
    ending = scenario.nodes[state.node].ending
    if ending is None:
        yield Finding(("recommended",), "stops before an ending")
    elif ending.outcome != "good":
        message = f"ends at '{state.node}', whose outcome is '{ending.outcome}', not 'good'"
        yield Finding(("recommended",), message)

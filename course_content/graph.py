"""A scenario drawn: its moments, junctions and endings as boxes, and the ways between them as arrows."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from course_content.layout import BOX_HEIGHT, BOX_WIDTH, Point, lay_out
from course_content.scenarios import State, chosen, junctions_passed, offered
from course_content.stories import Choice, Condition, Node, Route, Scenario

# What fits into a box.
LINE_LENGTH, MOST_LINES = 21, 2
LEGEND = {
    "best": "best",
    "acceptable": "acceptable",
    "poor": "poor",
    "harmful": "harmful",
    "route": "a junction’s way, taken without a choice",
}
KINDS = {
    "moment": "Moment",
    "junction": "Junction",
    "good": "Ending: good",
    "mixed": "Ending: mixed",
    "poor": "Ending: poor",
}


@dataclass(frozen=True, slots=True)
class Way:
    """One choice, or one route of a junction: where from, where to, when, and whether we recommend it.

    `verdict` is empty for a route. `number` counts the ways of its node from 1.
    """

    node: Node
    number: int
    goes_to: str
    verdict: str
    condition: str
    recommended: bool
    choice: Choice | None = None

    @property
    def words(self) -> str:
        return self.choice.text if self.choice else "passed without a choice"

    @property
    def anchor(self) -> str:
        return f"way-{self.node.id}-{self.number}"


@dataclass(frozen=True, slots=True)
class Box:
    """A node as drawn. `lines` are its name, cut to fit."""

    node: Node
    kind: str
    x: float
    y: float
    lines: tuple[str, ...]
    is_start: bool

    @property
    def kind_words(self) -> str:
        return ("Start · " if self.is_start else "") + KINDS[self.kind]

    @property
    def title(self) -> str:
        said = self.node.ending.title if self.node.ending else textwrap.shorten(self.node.text, 200)
        return f"{self.node.id} ({KINDS[self.kind]}){': ' if said else ''}{said}"

    @property
    def middle(self) -> float:
        return self.x + BOX_WIDTH / 2

    @property
    def kind_at(self) -> float:
        return self.y + 20

    @property
    def baselines(self) -> tuple[tuple[float, str], ...]:
        first = self.y + (46 if len(self.lines) == 1 else 38)
        return tuple((first + 16 * i, line) for i, line in enumerate(self.lines))

    @property
    def outline(self) -> str:
        """The shape, which tells a junction and an ending from a moment without colour."""
        x, y, w, h = self.x, self.y, BOX_WIDTH, BOX_HEIGHT
        if self.kind == "junction":
            return (
                f"M{x + 14:.0f} {y:.0f}h{w - 28}l14 {h / 2:.0f}l-14 {h / 2:.0f}h-{w - 28}l-14 -{h / 2:.0f}z"
            )
        r = 8 if self.kind == "moment" else 28
        turns = f"a{r} {r} 0 0 1 "
        return (
            f"M{x + r:.0f} {y:.0f}h{w - 2 * r}{turns}{r} {r}v{h - 2 * r}{turns}-{r} {r}h-{w - 2 * r}"
            f"{turns}-{r} -{r}v-{h - 2 * r}{turns}{r} -{r}z"
        )


@dataclass(frozen=True, slots=True)
class Arrow:
    """The ways between two nodes that have one verdict, as one line. A route has none."""

    ways: tuple[Way, ...]
    d: str
    at: Point

    @property
    def verdict(self) -> str:
        return self.ways[0].verdict or "route"

    @property
    def recommended(self) -> bool:
        return self.ways[0].recommended

    @property
    def label(self) -> str:
        """How many ways it stands for, and whether all of them are there only at times."""
        many = f"×{len(self.ways)}" if len(self.ways) > 1 else ""
        return " ".join(filter(None, (many, "if" if all(way.condition for way in self.ways) else "")))

    @property
    def title(self) -> str:
        said = (
            f"{way.node.id} → {way.goes_to}: {way.words}"
            + (f" ({way.verdict})" if way.verdict else "")
            + (f" – if {way.condition}" if way.condition else "")
            + (" – recommended" if way.recommended else "")
            for way in self.ways
        )
        return "\n".join(said)


@dataclass(frozen=True, slots=True)
class Graph:
    scenario: Scenario
    width: int
    height: int
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    ways: tuple[Way, ...]
    # The choices that we recommend, in the order in which they are made.
    recommended: tuple[Way, ...]

    @property
    def legend(self) -> tuple[tuple[str, str], ...]:
        """Each kind of arrow that there is, in words."""
        drawn = {arrow.verdict for arrow in self.arrows}
        return tuple((verdict, words) for verdict, words in LEGEND.items() if verdict in drawn)

    @property
    def nodes(self) -> tuple[tuple[Box, tuple[Way, ...]], ...]:
        """Every node with the ways that leave it, from the beginning on."""
        return tuple(
            (box, tuple(way for way in self.ways if way.node.id == box.node.id)) for box in self.boxes
        )

    @property
    def figures(self) -> str:
        """What there is, in words."""
        kinds = [box.kind for box in self.boxes]
        endings = sum(kind not in {"moment", "junction"} for kind in kinds)
        choices = sum(way.choice is not None for way in self.ways)
        said = (
            _counted(kinds.count("moment"), "moment"),
            _counted(kinds.count("junction"), "junction"),
            _counted(endings, "ending"),
            _counted(choices, "choice"),
        )
        return ", ".join(said)


def graph_of(scenario: Scenario) -> Graph:
    """A scenario that passed its checks, drawn."""
    ways = tuple(_ways(scenario))
    bundles: dict[tuple[str, str, str, bool], list[Way]] = {}
    for way in ways:
        bundles.setdefault((way.node.id, way.goes_to, way.verdict, way.recommended), []).append(way)
    names = [scenario.start, *(name for name in scenario.nodes if name != scenario.start)]
    layout = lay_out(names, [(source, target) for source, target, _, _ in bundles])
    arrows = (
        Arrow(tuple(bundle), path.d, path.label)
        for bundle, path in zip(bundles.values(), layout.paths, strict=True)
    )
    boxes = (
        Box(
            node=scenario.nodes[name],
            kind=_kind(scenario.nodes[name]),
            x=layout.corners[name][0],
            y=layout.corners[name][1],
            lines=_lines(name),
            is_start=name == scenario.start,
        )
        for name in layout.reading
    )
    # What we recommend is drawn last, so that it lies on top.
    drawn = tuple(sorted(arrows, key=lambda arrow: arrow.recommended))
    by_number = {(way.node.id, way.number): way for way in ways if way.choice}
    walked = tuple(by_number[one] for one in _recommended(scenario) if one in by_number)
    return Graph(scenario, layout.width, layout.height, tuple(boxes), drawn, ways, walked)


def condition_words(condition: Condition | None) -> str:
    """A condition as an author reads it."""
    if condition is None:
        return ""
    said = [
        *condition.has,
        *(f"not {flag}" for flag in condition.lacks),
        f"score ≥ {condition.score_at_least}" if condition.score_at_least is not None else "",
        f"score ≤ {condition.score_at_most}" if condition.score_at_most is not None else "",
    ]
    return " and ".join(filter(None, said))


def _ways(scenario: Scenario) -> Iterator[Way]:
    recommended = set(_recommended(scenario))
    for node in scenario.nodes.values():
        leaving: tuple[Choice | Route, ...] = (*node.choices, *node.routes)
        for n, one in enumerate(leaving, 1):
            choice = one if isinstance(one, Choice) else None
            yield Way(
                node=node,
                number=n,
                goes_to=one.goes_to,
                verdict=choice.verdict if choice else "",
                condition=condition_words(one.when),
                recommended=(node.id, n) in recommended,
                choice=choice,
            )


def _recommended(scenario: Scenario) -> list[tuple[str, int]]:
    """The ways of the recommended walk in order, junctions and all, each as its node and number."""
    walked: list[tuple[str, int]] = []
    state = State(scenario.start)
    for choice_id in (None, *scenario.recommended):
        if choice_id is not None:
            choices = scenario.nodes[state.node].choices
            choice = next((c for c in offered(scenario, state) if c.id == choice_id), None)
            if choice is None:
                break
            walked.append((state.node, choices.index(choice) + 1))
            state = chosen(state, choice)
        for name, route, beyond in junctions_passed(scenario, state):
            walked.append((name, route + 1))
            state = beyond
    return walked


def _kind(node: Node) -> str:
    if node.ending:
        return node.ending.outcome
    return "junction" if node.routes else "moment"


def _lines(name: str) -> tuple[str, ...]:
    lines = textwrap.wrap(name, LINE_LENGTH)
    if len(lines) <= MOST_LINES:
        return tuple(lines)
    return (*lines[: MOST_LINES - 1], f"{lines[MOST_LINES - 1][: LINE_LENGTH - 1]}…")


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")

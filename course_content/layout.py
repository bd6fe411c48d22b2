"""Where to draw the boxes and arrows of a graph, from top to bottom.

Layers by the longest way from the start; an arrow that leads back is laid out as if it led on, and drawn from
its lower end; an arrow that passes layers gets a place in each, so that it runs between the boxes; and the
order within a layer is the one with the fewest crossings that a few sweeps of barycentres find.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

Arrow = tuple[str, str]
Point = tuple[float, float]
# A box, by its name; or the place in a layer of the arrow with this number.
Vertex = str | tuple[int, int]
Joints = Mapping[Vertex, Sequence[Vertex]]

BOX_WIDTH, BOX_HEIGHT = 168, 62
ARROW_WIDTH = 10
GAP = 22
MARGIN = 16
# Between two layers: more where more arrows have to find their way.
LEAST_BETWEEN, MOST_BETWEEN, PER_ARROW = 52, 120, 5
LOOP_WIDTH, LOOP_LABEL_WIDTH = 26, 32
LINE = 13
SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Path:
    """An arrow as drawn: what `d` of an SVG path is, and where a word about it may stand."""

    d: str
    label: Point


@dataclass(frozen=True, slots=True)
class Layout:
    """The left upper corners of boxes, all of one size, and the arrows in the order they were given."""

    width: int
    height: int
    corners: Mapping[str, Point]
    paths: tuple[Path, ...]
    # The boxes from top to bottom, each layer from left to right.
    reading: tuple[str, ...]


def lay_out(boxes: Sequence[str], arrows: Sequence[Arrow]) -> Layout:
    """Draw boxes, the one to begin with first, and the arrows between them."""
    return _Drawing(boxes, arrows).layout()


class _Drawing:
    def __init__(self, boxes: Sequence[str], arrows: Sequence[Arrow]) -> None:
        self.boxes = boxes
        self.arrows = arrows
        self.loops: dict[str, int] = defaultdict(int)
        for source, target in arrows:
            self.loops[source] += source == target
        # Arrows as laid out, all leading on; those that lead back are turned round.
        self.turned = _leading_back(boxes, arrows)
        self.rank = _ranks(boxes, [self._onwards(i) for i in self._between()])
        self.chains = {i: self._chain(i) for i in self._between()}
        self.layers = self._ordered()
        self.x = self._columns()
        self.tops = self._rows()

    def layout(self) -> Layout:
        ports = self._ports()
        drawn: dict[str, int] = defaultdict(int)
        paths = []
        for i, (source, target) in enumerate(self.arrows):
            if source == target:
                drawn[source] += 1
                paths.append(self._loop(source, drawn[source]))
            else:
                paths.append(self._path(i, ports))
        rights = (self.x[box] + self._half(box) + self._beside(box) for box in self.boxes)
        width = max([*rights, *(self.x[v] for layer in self.layers for v in layer)]) + MARGIN
        corners = {box: (self.x[box] - BOX_WIDTH / 2, self.tops[self.rank[box]]) for box in self.boxes}
        reading = tuple(v for layer in self.layers for v in layer if isinstance(v, str))
        return Layout(round(width), round(self.tops[-1]), corners, tuple(paths), reading)

    # -- layers

    def _between(self) -> list[int]:
        return [i for i, (source, target) in enumerate(self.arrows) if source != target]

    def _onwards(self, i: int) -> Arrow:
        source, target = self.arrows[i]
        return (target, source) if i in self.turned else (source, target)

    def _chain(self, i: int) -> list[Vertex]:
        """An arrow with its place in every layer that it passes."""
        upper, lower = self._onwards(i)
        return [upper, *((i, rank) for rank in range(self.rank[upper] + 1, self.rank[lower])), lower]

    def _ordered(self) -> list[list[Vertex]]:
        layers: list[list[Vertex]] = [[] for _ in range(max(self.rank.values()) + 1)]
        for box in self.boxes:
            layers[self.rank[box]].append(box)
        for chain in self.chains.values():
            for vertex in chain[1:-1]:
                assert isinstance(vertex, tuple)
                layers[vertex[1]].append(vertex)
        above, below = self._joints()
        best, fewest = [list(layer) for layer in layers], _crossings(layers, below)
        for sweep in range(SWEEPS):
            down = sweep % 2 == 0
            for layer, other in pairwise(layers if down else layers[::-1]):
                _by_barycentre(other, layer, above if down else below)
            crossed = _crossings(layers, below)
            if crossed < fewest:
                best, fewest = [list(layer) for layer in layers], crossed
        return best

    def _joints(self) -> tuple[Joints, Joints]:
        above: dict[Vertex, list[Vertex]] = defaultdict(list)
        below: dict[Vertex, list[Vertex]] = defaultdict(list)
        for chain in self.chains.values():
            for upper, lower in pairwise(chain):
                below[upper].append(lower)
                above[lower].append(upper)
        return above, below

    # -- places

    def _half(self, vertex: Vertex) -> float:
        return (BOX_WIDTH if isinstance(vertex, str) else ARROW_WIDTH) / 2

    def _apart(self, left: Vertex, right: Vertex) -> float:
        return self._half(left) + self._beside(left) + GAP + self._half(right)

    def _beside(self, vertex: Vertex) -> float:
        """The room that the arrows from a box to itself need at its right."""
        loops = self.loops[vertex] if isinstance(vertex, str) else 0
        return loops * LOOP_WIDTH * 0.75 + LOOP_LABEL_WIDTH if loops else 0

    def _columns(self) -> dict[Vertex, float]:
        """The middle of everything: as near to what it is joined to as its neighbours allow."""
        above, below = self._joints()
        x: dict[Vertex, float] = {}
        for layer in self.layers:
            for i, vertex in enumerate(layer):
                x[vertex] = x[layer[i - 1]] + self._apart(layer[i - 1], vertex) if i else 0.0
        for sweep in range(SWEEPS * 2):
            joints = above if sweep % 2 == 0 else below
            for layer in self.layers if sweep % 2 == 0 else self.layers[::-1]:
                wanted = [fmean([x[v] for v in joints.get(vertex, [vertex])]) for vertex in layer]
                # A long arrow is kept straight before anything else.
                weights = [4.0 if isinstance(vertex, tuple) else 1.0 for vertex in layer]
                apart = [self._apart(a, b) for a, b in pairwise(layer)]
                x.update(zip(layer, _spread(wanted, weights, apart), strict=True))
        left = min(x[v] - self._half(v) for layer in self.layers for v in layer)
        return {vertex: at - left + MARGIN for vertex, at in x.items()}

    def _rows(self) -> list[float]:
        """The upper edge of every layer, and last the lower edge of all."""
        passing = [0] * len(self.layers)
        for chain in self.chains.values():
            for rank in range(self.rank[str(chain[0])], self.rank[str(chain[-1])]):
                passing[rank] += 1
        tops = [float(MARGIN)]
        for arrows in passing[:-1]:
            between = min(MOST_BETWEEN, LEAST_BETWEEN + PER_ARROW * arrows)
            tops.append(tops[-1] + BOX_HEIGHT + between)
        return [*tops, tops[-1] + BOX_HEIGHT + MARGIN]

    # -- arrows

    def _ports(self) -> dict[tuple[int, bool], float]:
        """Where each arrow meets the lower (True) edge of its upper box, and the upper edge of its lower box."""
        meeting: dict[tuple[Vertex, bool], list[int]] = defaultdict(list)
        for i, chain in self.chains.items():
            meeting[chain[0], True].append(i)
            meeting[chain[-1], False].append(i)
        ports = {}
        for (box, lower), arrows in meeting.items():
            # Several between the same two boxes keep one order at both ends.
            arrows.sort(key=lambda i: (self.x[self.chains[i][1 if lower else -2]], i))
            step = BOX_WIDTH / (len(arrows) + 1)
            for n, i in enumerate(arrows, 1):
                ports[i, lower] = self.x[box] - BOX_WIDTH / 2 + n * step
        return ports

    def _path(self, i: int, ports: Mapping[tuple[int, bool], float]) -> Path:
        chain = self.chains[i]
        ranks = range(self.rank[str(chain[0])], self.rank[str(chain[-1])] + 1)
        middle = [self.x[vertex] for vertex in chain[1:-1]]
        columns = [ports[i, True], *middle, ports[i, False]]
        points: list[Point] = [(columns[0], self.tops[ranks[0]] + BOX_HEIGHT)]
        for column, rank in zip(columns[1:-1], ranks[1:-1], strict=True):
            points += [(column, self.tops[rank]), (column, self.tops[rank] + BOX_HEIGHT)]
        points.append((columns[-1], self.tops[ranks[-1]]))
        back = i in self.turned
        label = (points[-1][0] + 3, points[-1][1] - 8) if back else (points[0][0] + 3, points[0][1] + 13)
        return Path(_curve(points[::-1] if back else points), label)

    def _loop(self, box: str, number: int) -> Path:
        """An arrow from a box to itself, at its right; the next one farther out."""
        right, top = self.x[box] + BOX_WIDTH / 2, self.tops[self.rank[box]]
        out = right + number * LOOP_WIDTH
        first, last = top + 8 + 3 * number, top + BOX_HEIGHT - 8 - 3 * number
        d = f"M{right:.0f} {first:.0f}C{out:.0f} {first - 6:.0f} {out:.0f} {last + 6:.0f} {right:.0f} {last:.0f}"
        beside = right + self.loops[box] * LOOP_WIDTH * 0.75 + 4
        return Path(d, (beside, top + BOX_HEIGHT / 2 + LINE * (number - self.loops[box] / 2)))


def _leading_back(boxes: Sequence[str], arrows: Sequence[Arrow]) -> set[int]:
    """The arrows that lead to a box on the way to their own, as somebody finds who follows all in order."""
    leaving: dict[str, list[int]] = defaultdict(list)
    for i, (source, target) in enumerate(arrows):
        if source != target:
            leaving[source].append(i)
    back: set[int] = set()
    seen: set[str] = set()
    for root in boxes:
        if root in seen:
            continue
        seen.add(root)
        way = [(root, iter(leaving[root]))]
        while way:
            arrow = next(way[-1][1], None)
            if arrow is None:
                way.pop()
                continue
            target = arrows[arrow][1]
            if any(box == target for box, _ in way):
                back.add(arrow)
            elif target not in seen:
                seen.add(target)
                way.append((target, iter(leaving[target])))
    return back


def _ranks(boxes: Sequence[str], arrows: Sequence[Arrow]) -> dict[str, int]:
    """The layer of each box: one below the lowest that leads to it."""
    before = dict.fromkeys(boxes, 0)
    for _, target in arrows:
        before[target] += 1
    rank = dict.fromkeys(boxes, 0)
    ready = [box for box in boxes if not before[box]]
    for box in ready:
        for source, target in arrows:
            if source == box:
                rank[target] = max(rank[target], rank[box] + 1)
                before[target] -= 1
                if not before[target]:
                    ready.append(target)
    return rank


def _by_barycentre(layer: list[Vertex], other: Sequence[Vertex], joints: Joints) -> None:
    """Order a layer by the middle of what each is joined to in another; what is joined to nothing stays."""
    place = {vertex: i for i, vertex in enumerate(other)}
    here = {vertex: i for i, vertex in enumerate(layer)}

    def middle(vertex: Vertex) -> float:
        places = [place[v] for v in joints.get(vertex, ()) if v in place]
        return fmean(places) if places else here[vertex]

    layer.sort(key=middle)


def _crossings(layers: Sequence[Sequence[Vertex]], below: Joints) -> int:
    crossed = 0
    for upper, lower in pairwise(layers):
        place = {vertex: i for i, vertex in enumerate(lower)}
        ends = [place[v] for vertex in upper for v in sorted(below.get(vertex, ()), key=place.__getitem__)]
        crossed += sum(a > b for i, a in enumerate(ends) for b in ends[i + 1 :])
    return crossed


def _spread(wanted: Sequence[float], weights: Sequence[float], apart: Sequence[float]) -> list[float]:
    """The places nearest to those wanted that keep the order and the distances (pooling what is too near)."""
    offsets = [0.0]
    for distance in apart:
        offsets.append(offsets[-1] + distance)
    pools: list[tuple[float, float, int]] = []
    for want, weight, offset in zip(wanted, weights, offsets, strict=True):
        middle, heavy, size = want - offset, weight, 1
        while pools and pools[-1][0] > middle:
            before, weighs, many = pools.pop()
            middle = (before * weighs + middle * heavy) / (weighs + heavy)
            heavy, size = heavy + weighs, size + many
        pools.append((middle, heavy, size))
    places = [middle for middle, _, size in pools for _ in range(size)]
    return [place + offset for place, offset in zip(places, offsets, strict=True)]


def _curve(points: Sequence[Point]) -> str:
    """A line through points that leaves and reaches each of them upright."""
    d = "M{:.0f} {:.0f}".format(*points[0])
    for (x, y), (to_x, to_y) in pairwise(points):
        if abs(x - to_x) < 0.5:
            d += f"L{to_x:.0f} {to_y:.0f}"
        else:
            bend = (y + to_y) / 2
            d += f"C{x:.0f} {bend:.0f} {to_x:.0f} {bend:.0f} {to_x:.0f} {to_y:.0f}"
    return d

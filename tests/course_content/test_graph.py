"""A story as a picture: every node and way is in it, boxes do not overlap, and what we recommend stands out."""

from itertools import combinations
from pathlib import Path

import pytest

from course_content.graph import condition_words, graph_of
from course_content.layout import BOX_HEIGHT, BOX_WIDTH, lay_out
from course_content.packs import read_pack
from course_content.schema import Module, Scenario
from course_content.stories import Condition
from tests.course_content import every_kind
from tests.course_content.small_pack import write_pack


@pytest.fixture
def door(small: Module) -> Scenario:
    return small.scenarios[0]


@pytest.fixture
def threads() -> Scenario:
    return read_pack(every_kind.FOLDER).scenarios[0]


def apart(corners: dict[str, tuple[float, float]]) -> bool:
    return all(
        abs(a[0] - b[0]) >= BOX_WIDTH or abs(a[1] - b[1]) >= BOX_HEIGHT
        for a, b in combinations(corners.values(), 2)
    )


# --- the layout -----------------------------------------------------------------------------------


def test_a_box_stands_below_every_box_that_leads_to_it() -> None:
    drawn = lay_out("abcd", [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("a", "d")])
    heights = [drawn.corners[box][1] for box in "abcd"]
    assert heights == sorted(set(heights))
    assert drawn.reading == ("a", "b", "c", "d")


def test_an_arrow_back_ends_higher_than_it_begins() -> None:
    drawn = lay_out("abc", [("a", "b"), ("b", "c"), ("c", "a")])
    first, *_, last = drawn.paths[2].d.replace("M", " ").replace("L", " ").replace("C", " ").split()
    assert [drawn.corners[box][1] for box in "abc"] == sorted(drawn.corners[box][1] for box in "abc")
    assert (float(first), float(last)) != (0, 0)
    assert float(last) < drawn.corners["c"][1]


def test_an_arrow_to_its_own_box_is_drawn_beside_it() -> None:
    drawn = lay_out("ab", [("a", "a"), ("a", "b"), ("a", "a")])
    right = drawn.corners["a"][0] + BOX_WIDTH
    assert drawn.paths[0].d.startswith(f"M{right:.0f} ")
    assert drawn.paths[0].label != drawn.paths[2].label
    assert drawn.width > right


def test_boxes_keep_apart_and_inside() -> None:
    boxes = [f"n{i}" for i in range(25)]
    arrows = [(f"n{i}", f"n{(i * 7 + j * 5) % 25}") for i in range(25) for j in range(1, 4)]
    drawn = lay_out(boxes, arrows)
    assert len(drawn.paths) == 75
    assert apart(dict(drawn.corners))
    assert all(0 <= x <= drawn.width - BOX_WIDTH for x, _ in drawn.corners.values())
    assert all(0 <= y <= drawn.height - BOX_HEIGHT for _, y in drawn.corners.values())
    assert drawn == lay_out(boxes, arrows)


def test_an_order_without_crossings_is_found() -> None:
    drawn = lay_out("axypq", [("a", "x"), ("a", "y"), ("x", "q"), ("y", "p")])
    x = {box: drawn.corners[box][0] for box in "xypq"}
    assert (x["x"] < x["y"]) == (x["q"] < x["p"])


def test_a_box_that_nothing_leads_to_is_drawn_all_the_same() -> None:
    assert lay_out("ab", []).reading == ("a", "b")


# --- the graph ------------------------------------------------------------------------------------


def test_every_node_and_way_is_there(threads: Scenario) -> None:
    graph = graph_of(threads)
    assert {box.node.id for box in graph.boxes} == set(threads.nodes)
    leaving = sum(len(node.choices) + len(node.routes) for node in threads.nodes.values())
    assert len(graph.ways) == sum(len(arrow.ways) for arrow in graph.arrows) == leaving
    assert apart({box.node.id: (box.x, box.y) for box in graph.boxes})


def test_kinds_are_named(threads: Scenario) -> None:
    graph = graph_of(threads)
    words = {box.node.id: box.kind_words for box in graph.boxes}
    assert words["hub"] == "Start · Moment"
    assert words["sum-up"] == "Junction"
    assert {"Ending: good", "Ending: poor"} <= set(words.values())
    assert graph.figures.startswith("2 moments, 1 junction, ")


def test_what_we_recommend_is_one_way_to_a_good_ending(threads: Scenario) -> None:
    graph = graph_of(threads)
    assert tuple(way.choice.id for way in graph.recommended if way.choice) == threads.recommended
    through = [way for way in graph.ways if way.recommended and way.node.routes]
    assert [threads.nodes[way.goes_to].ending is not None for way in through] == [True]
    # Drawn last, on top.
    assert [arrow.recommended for arrow in graph.arrows] == sorted(a.recommended for a in graph.arrows)


def test_ways_of_one_verdict_between_two_nodes_share_an_arrow(tmp_path: Path, door: Scenario) -> None:
    assert [arrow.label for arrow in graph_of(door).arrows] == ["", "", "", ""]
    text = (every_kind.FOLDER / "scenarios/01-threads.yaml").read_text(encoding="utf-8")
    more = text.replace(
        "      - id: wait\n",
        "      - id: wait-longer\n        text: See her next week\n        verdict: harmful\n"
        "        reason: She needs help today.\n        goes_to: hub\n      - id: wait\n",
        1,
    )
    folder = every_kind.copy(tmp_path / "more")
    (folder / "scenarios/01-threads.yaml").write_text(more, encoding="utf-8")
    arrows = graph_of(read_pack(folder).scenarios[0]).arrows
    shared = next(arrow for arrow in arrows if arrow.verdict == "harmful")
    assert shared.label == "×2"
    assert shared.title == (
        "hub → hub: See her next week (harmful)\nhub → hub: See her again tomorrow (harmful)"
    )


def test_a_condition_is_said_in_words(threads: Scenario) -> None:
    condition = Condition(has=("told",), lacks=("seen",), score_at_least=3)
    assert condition_words(condition) == "told and not seen and score ≥ 3"
    assert condition_words(None) == ""
    way = next(way for way in graph_of(threads).ways if way.choice and way.choice.id == "ask-age")
    assert way.condition == "not asked-age"


def test_a_long_name_is_cut(tmp_path: Path) -> None:
    text = Path(write_pack(tmp_path / "x") / "scenarios/01-door.yaml").read_text(encoding="utf-8")
    name = "again-and-again-and-again-and-again-and-again-and-again"
    folder = write_pack(tmp_path / "y", **{"scenarios/01-door.yaml": text.replace("again", name)})
    box = next(b for b in graph_of(read_pack(folder).scenarios[0]).boxes if b.node.id == name)
    assert len(box.lines) == 2
    assert box.lines[1].endswith("…")

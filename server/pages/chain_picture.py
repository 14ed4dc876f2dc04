"""The chain as a picture: records left, the goal right, and only what carries a value."""

import itertools
from dataclasses import dataclass, field

from ontology.series import PERIODS
from ontology.values import Absent, Bound, Quantity, Series
from ontology.words.lists import count_words, shortened
from ontology.words.values import concept_words
from server.explain.results import AnswerResult, GroundView, Status
from server.explain.short_grounds import is_used
from server.explain.short_text import with_calendar_days
from server.explain.text import describe_value
from server.pages.marked import step_words

_WIDTH, _HEIGHT, _ACROSS = 224, 58, 270
_GAP, _LANE = 12, 8
"""Between two boxes; and the height of a line that passes a column."""
_FRAME = 2
_LINE, _TIGHT = 26, 22
_MOST_BOXES = 24


@dataclass(frozen=True, slots=True)
class Box:
    """One value: ``kind`` is record, computed, site or goal; at ``x``, ``y`` of the picture.  ``tight``: a long one."""

    lines: tuple[str, ...]
    value: str
    kind: str
    x: int
    y: int
    tight: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes, and the paths that join them."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    paths: tuple[str, ...]
    box_width: int = _WIDTH
    box_height: int = _HEIGHT


@dataclass(slots=True, eq=False)
class _Node:
    """A box; or, without a name, where a line from a box further left passes a column."""

    name: str
    value: str
    kind: str
    inputs: list["_Node"] = field(default_factory=list)
    depth: int = 0
    y: int = 0

    @property
    def height(self) -> int:
        """The room that it takes in its column."""
        return _HEIGHT if self.name else _LANE

    @property
    def middle(self) -> int:
        """Where lines begin and end."""
        return self.y + self.height // 2


def chain_picture(result: AnswerResult) -> Picture | None:
    """The picture; None where nothing follows, or where it would be too large to be read."""
    if result.step is None or result.status in (Status.NOT_APPLICABLE, Status.FAILED):
        return None
    nodes: dict[object, _Node] = {}
    goal = _step_node(result, len(result.chain) - 1, nodes)
    goal.kind = "goal"
    if isinstance(result.value, Absent):
        goal.value = "No value"
    found = list(nodes.values())
    if len(found) > _MOST_BOXES or len(found) < 2:
        return None
    routes = _routes(found)
    height = _place(found, routes)
    boxes = tuple(_box(node) for node in found)
    paths = tuple(_path([*routes[begin][: end.depth - begin.depth], end]) for end in found for begin in end.inputs)
    return Picture(goal.depth * _ACROSS + _WIDTH + 2 * _FRAME, height + 2 * _FRAME, boxes, paths)


def _box(node: _Node) -> Box:
    value = _fitting(node.value)
    return Box(_lines(node.name), value, node.kind, _left(node), node.y, len(value) > _TIGHT)


def _routes(found: list[_Node]) -> dict[_Node, list[_Node]]:
    """For each box itself, and where its lines pass the columns up to the last box that it leads to.

    So no line runs behind a box, from which it would seem to come.
    """
    routes = {}
    for node in found:
        last = max((each.depth for each in found if node in each.inputs), default=node.depth)
        routes[node] = [node]
        for depth in range(node.depth + 1, last):
            routes[node].append(_Node("", "", "", [routes[node][-1]], depth))
    return routes


def _place(found: list[_Node], routes: dict[_Node, list[_Node]]) -> int:
    """Put each column in the order of what leads to it, in the middle; returns the height of the tallest."""
    columns: dict[int, list[_Node]] = {}
    for node in (each for begin in found for each in routes[begin]):
        columns.setdefault(node.depth, []).append(node)
    heights = {depth: sum(each.height + _GAP for each in some) - _GAP for depth, some in columns.items()}
    tallest = max(heights.values())
    for depth in sorted(columns):
        y = (tallest - heights[depth]) // 2 + _FRAME
        for node in sorted(columns[depth], key=lambda node: _weight(node, routes)):
            node.y = y
            y += node.height + _GAP
    return tallest


def _weight(node: _Node, routes: dict[_Node, list[_Node]]) -> float:
    """The mean height of that from which lines come; those of the first column stay in their order."""
    begins = [routes[each][node.depth - 1 - each.depth] if each in routes else each for each in node.inputs]
    return sum(each.middle for each in begins) / len(begins) if begins else 0.0


def _left(node: _Node) -> int:
    return node.depth * _ACROSS + _FRAME


def _step_node(result: AnswerResult, position: int, nodes: dict[object, _Node]) -> _Node:
    step = result.chain[position]
    if position not in nodes:
        node = _Node(step.module.produces.display, step_words(step, result), "computed")
        for ground in step.grounds:
            if not is_used(ground):
                continue
            below = _step_node(result, ground.step, nodes) if ground.step is not None else _leaf(ground, result, nodes)
            if below not in node.inputs:
                node.inputs.append(below)
        node.depth = 1 + max((each.depth for each in node.inputs), default=-1)
        nodes[position] = node
    return nodes[position]


def _leaf(ground: GroundView, result: AnswerResult, nodes: dict[object, _Node]) -> _Node:
    style = result.circumstances.style
    if ground.steps:
        value = f"{len(ground.steps)} values, computed"
    elif isinstance(ground.value, Series) and ground.value.unit != PERIODS:
        value = count_words(len(ground.value.points), "value")
    elif isinstance(ground.value, Quantity | Bound):
        value = describe_value(ground, style)
    else:
        # A code or a flag without the words of its record, which the table above has.
        shown = ground.value if ground.presumed is None else ground.presumed
        value = with_calendar_days(concept_words(shown, ground.concept, style=style))
    kind = "site" if ground.assumed else "computed" if ground.steps else "record"
    key = (ground.concept.id, value)
    return nodes.setdefault(key, _Node(ground.concept.display, value, kind))


def _lines(name: str) -> tuple[str, ...]:
    """The name in at most two lines."""
    lines = [""]
    for word in name.split():
        if lines[-1] and len(lines[-1]) + len(word) + 1 > _LINE:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return tuple(_fitting(each) for each in ([*lines[:1], " ".join(lines[1:])] if len(lines) > 1 else lines))


def _fitting(text: str) -> str:
    text = shortened(text)
    return text if len(text) <= _LINE else f"{text[: _LINE - 1].rstrip()}…"


def _path(stops: list[_Node]) -> str:
    """From the first box to the last, through where the line passes the columns between them."""
    parts = [f"M{_left(stops[0]) + _WIDTH} {stops[0].middle}"]
    for begin, end in itertools.pairwise(stops):
        middle = _left(end) - (_ACROSS - _WIDTH) // 2
        parts.append(f"C{middle} {begin.middle} {middle} {end.middle} {_left(end)} {end.middle}")
        if not end.name:
            parts.append(f"H{_left(end) + _WIDTH}")
    return " ".join(parts)

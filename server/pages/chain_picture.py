"""The chain as a picture: records left, the goal right, and only what carries a value."""

from dataclasses import dataclass, field

from ontology.values import Bound, Quantity
from ontology.words.lists import shortened
from ontology.words.values import concept_words
from server.explain.results import AnswerResult, GroundView
from server.explain.short_text import is_used, with_calendar_days
from server.explain.text import describe_value
from server.pages.marked import step_words

_WIDTH, _HEIGHT, _ACROSS, _DOWN = 200, 58, 248, 70
_LINE = 26
_MOST_BOXES = 24


@dataclass(frozen=True, slots=True)
class Box:
    """One value: ``kind`` is record, computed, site or goal; at ``x``, ``y`` of the picture."""

    lines: tuple[str, ...]
    value: str
    kind: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes, and the paths that join them."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    paths: tuple[str, ...]
    box_width: int = _WIDTH
    box_height: int = _HEIGHT


@dataclass(slots=True)
class _Node:
    name: str
    value: str
    kind: str
    inputs: list["_Node"] = field(default_factory=list)
    depth: int = 0
    row: int = 0


def chain_picture(result: AnswerResult) -> Picture | None:
    """The picture; None where there is no step, or where it would be too large to be read."""
    if result.step is None:
        return None
    nodes: dict[object, _Node] = {}
    goal = _step_node(result, len(result.chain) - 1, nodes)
    goal.kind = "goal"
    found = list(nodes.values())
    if len(found) > _MOST_BOXES or len(found) < 2:
        return None
    columns: dict[int, list[_Node]] = {}
    for node in found:
        columns.setdefault(node.depth, []).append(node)
    for nodes_here in columns.values():
        for row, node in enumerate(nodes_here):
            node.row = row
    deepest, tallest = goal.depth, max(len(each) for each in columns.values())

    def at(node: _Node) -> tuple[int, int]:
        """A column of fewer boxes stands in the middle."""
        free = (tallest - len(columns[node.depth])) * _DOWN // 2
        return node.depth * _ACROSS + 1, node.row * _DOWN + free + 1

    boxes = tuple(Box(_lines(node.name), _fitting(node.value), node.kind, *at(node)) for node in found)
    paths = tuple(_path(at(each), at(node)) for node in found for each in node.inputs)
    return Picture(deepest * _ACROSS + _WIDTH + 2, tallest * _DOWN - (_DOWN - _HEIGHT) + 2, boxes, paths)


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


def _path(begin: tuple[int, int], end: tuple[int, int]) -> str:
    x0, y0 = begin[0] + _WIDTH, begin[1] + _HEIGHT // 2
    x1, y1 = end[0], end[1] + _HEIGHT // 2
    turn = x1 - (_ACROSS - _WIDTH)
    middle = (turn + x1) // 2
    return f"M{x0} {y0} H{turn} C{middle} {y0} {middle} {y1} {x1} {y1}"

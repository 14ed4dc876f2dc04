"""Criteria, bands, rule cases, remarks and outcomes, read from their Turtle nodes."""

from rdflib import DCTERMS, RDFS, Graph
from rdflib.term import Node, URIRef

from server.catalog.criteria import (
    Advice,
    AllOf,
    AnyOf,
    Applicability,
    Band,
    Compare,
    Contradiction,
    Criterion,
    Is,
    Not,
    OneOf,
    Outcome,
    Present,
    Remark,
    RuleCase,
    ScoreCriterion,
)
from server.catalog.turtle import (
    MPM,
    NodeFault,
    boolean,
    coding,
    coding_or_boolean,
    describe_node,
    flag,
    list_items,
    number,
    required_text,
    single_object,
    text,
)

LIMITS = (MPM.atLeast, MPM.above, MPM.atMost, MPM.below)
LEAVES = (*LIMITS, MPM["in"], MPM["is"], MPM.present)
TREES = (MPM.allOf, MPM.anyOf, MPM["not"])


def read_criterion(graph: Graph, node: Node, slot: str | None = None, path: tuple[Node, ...] = ()) -> Criterion:
    """A criterion node; ``slot`` stands for mpm:onSlot where the surroundings name it, ``path`` are the outer nodes.

    Raises NodeFault, also where a named node contains itself.
    """
    if node in path:
        raise NodeFault(f"{describe_node(graph, node)}: it contains itself")
    trees = [term for term in TREES if graph.value(node, term) is not None]
    label = text(graph, node, RDFS.label)
    if trees:
        if len(trees) > 1 or has_comparison(graph, node):
            raise NodeFault(f"{describe_node(graph, node)}: a criterion is one of allOf, anyOf, not, or one comparison")
        return _read_tree(graph, (*path, node), trees[0] == MPM.allOf, trees[0] == MPM.anyOf, slot, label)
    return read_comparison(graph, node, slot, label)


def _read_tree(
    graph: Graph, path: tuple[Node, ...], every: bool, some: bool, slot: str | None, label: str | None
) -> Criterion:
    node = path[-1]
    if every or some:
        parts = tuple(
            read_criterion(graph, n, slot, path) for n in list_items(graph, node, MPM.allOf if every else MPM.anyOf)
        )
        if not parts:
            raise NodeFault(f"{describe_node(graph, node)}: an empty list of criteria")
        return AllOf(parts, label) if every else AnyOf(parts, label)
    part = single_object(graph, node, MPM["not"])
    if part is None:
        raise NodeFault(f"{describe_node(graph, node)}: mpm:not is missing")
    return Not(read_criterion(graph, part, slot, path), label)


def has_comparison(graph: Graph, node: Node) -> bool:
    """Whether the node itself compares something."""
    return any(graph.value(node, term) is not None for term in LEAVES)


def read_comparison(graph: Graph, node: Node, slot: str | None, label: str | None) -> Criterion:
    """One comparison; it must be of exactly one sort."""
    on = text(graph, node, MPM.onSlot) or slot
    if on is None:
        raise NodeFault(f"{describe_node(graph, node)}: mpm:onSlot is missing")
    sorts = [any(graph.value(node, t) is not None for t in LIMITS)]
    sorts += [graph.value(node, t) is not None for t in (MPM["in"], MPM["is"], MPM.present)]
    if sum(sorts) != 1:
        raise NodeFault(
            f"{describe_node(graph, node)}: a comparison is limits, or in, or is, or present: just one of them"
        )
    if sorts[1]:
        return OneOf(on, tuple(coding(graph, n) for n in list_items(graph, node, MPM["in"])), label)
    expected = boolean(graph, node, MPM["is"])
    if expected is not None:
        return Is(on, expected, label)
    present = boolean(graph, node, MPM.present)
    if present is not None:
        return Present(on, label) if present else Not(Present(on), label)
    return Compare(
        on,
        at_least=number(graph, node, MPM.atLeast),
        above=number(graph, node, MPM.above),
        at_most=number(graph, node, MPM.atMost),
        below=number(graph, node, MPM.below),
        precision=number(graph, node, MPM.precision),
        completed=flag(graph, node, MPM.completed),
        label=label,
    )


def _read_match(graph: Graph, node: Node, slot: str) -> Criterion | None:
    if any(graph.value(node, term) is not None for term in TREES):
        return read_criterion(graph, node, slot)
    return read_comparison(graph, node, slot, None) if has_comparison(graph, node) else None


def _read_when(graph: Graph, node: Node, term: URIRef = MPM.when) -> Criterion | None:
    found = single_object(graph, node, term)
    return None if found is None else read_criterion(graph, found)


def read_score_criterion(graph: Graph, node: Node) -> ScoreCriterion:
    """One part of a score: its precision and completed hold for each of its bands."""
    slot = required_text(graph, node, MPM.onSlot)
    precision, completed = number(graph, node, MPM.precision), flag(graph, node, MPM.completed)
    bands = []
    for band in list_items(graph, node, MPM.bands):
        match = _read_match(graph, band, slot)
        if isinstance(match, Compare):
            match = Compare(
                match.slot,
                match.at_least,
                match.above,
                match.at_most,
                match.below,
                match.precision or precision,
                match.completed or completed,
                match.label,
            )
        points = number(graph, band, MPM.points)
        if points is None:
            raise NodeFault(f"{describe_node(graph, band)}: a band without mpm:points")
        bands.append(Band(match, points, required_text(graph, band, RDFS.label), _read_when(graph, band)))
    if not bands:
        raise NodeFault(f"{describe_node(graph, node)}: a criterion without mpm:bands")
    return ScoreCriterion(slot, text(graph, node, RDFS.label) or slot, tuple(bands))


def read_case(graph: Graph, node: Node) -> RuleCase:
    """One case of a rule."""
    output = single_object(graph, node, MPM.output)
    if output is None:
        raise NodeFault(f"{describe_node(graph, node)}: a case without mpm:output")
    return RuleCase(_read_when(graph, node), coding_or_boolean(graph, output), required_text(graph, node, RDFS.label))


def read_applicability(graph: Graph, node: Node) -> Applicability:
    """For whom a module is not applicable, or less valid."""
    effect = single_object(graph, node, MPM.effect)
    if effect not in (MPM.Refuse, MPM.Caution):
        raise NodeFault(f"{describe_node(graph, node)}: mpm:effect is neither mpm:Refuse nor mpm:Caution")
    when = _read_when(graph, node)
    if when is None:
        raise NodeFault(f"{describe_node(graph, node)}: mpm:when is missing")
    return Applicability(
        when,
        effect == MPM.Refuse,
        required_text(graph, node, RDFS.label),
        text(graph, node, MPM.consequence),
        _read_when(graph, node, MPM.unless),
        _read_when(graph, node, MPM.onlyWhere),
        text(graph, node, MPM.short),
    )


def read_contradiction(graph: Graph, node: Node) -> Contradiction:
    """What speaks against a "no" from a list."""
    when = _read_when(graph, node)
    if not isinstance(when, Compare | Is):
        raise NodeFault(f"{describe_node(graph, node)}: mpm:when of a contradiction is a comparison on one slot")
    return Contradiction(required_text(graph, node, MPM.ofSlot), when, required_text(graph, node, RDFS.label))


def read_remark(graph: Graph, node: Node) -> Remark:
    """What is reported when a criterion holds."""
    severity = text(graph, node, MPM.severity) or "WARNING"
    if severity not in ("INFORMATION", "WARNING", "ERROR"):
        raise NodeFault(f"{describe_node(graph, node)}: mpm:severity is not INFORMATION, WARNING or ERROR")
    return Remark(
        _read_when(graph, node),
        required_text(graph, node, RDFS.label),
        required_text(graph, node, MPM.code),
        severity,
        flag(graph, node, MPM.onUnknown),
        flag(graph, node, MPM.asQualifier),
        text(graph, node, MPM.short),
        flag(graph, node, MPM.alwaysShown),
    )


def read_outcome(graph: Graph, node: Node) -> Outcome:
    """One interpretation band over the result."""
    named = single_object(graph, node, MPM.coding)
    if named is None:
        raise NodeFault(f"{describe_node(graph, node)}: an outcome without mpm:coding")
    advice = sorted((_read_advice(graph, n) for n in graph.objects(node, MPM.advice)), key=lambda a: a.text)
    return Outcome(
        _read_match(graph, node, "result"),
        coding(graph, named),
        required_text(graph, node, RDFS.label),
        number(graph, node, MPM.anySingle),
        _read_when(graph, node),
        text(graph, node, DCTERMS.source),
        tuple(advice),
    )


def _read_advice(graph: Graph, node: Node) -> Advice:
    return Advice(
        required_text(graph, node, RDFS.label),
        required_text(graph, node, DCTERMS.source),
        text(graph, node, MPM.strength),
    )

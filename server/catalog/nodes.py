"""Criteria, bands, cases and outcomes, from their Turtle nodes."""

from rdflib import DCTERMS, RDFS, Graph
from rdflib.term import Node

from server.catalog.criteria import (
    Advice,
    AllOf,
    AnyOf,
    Applicability,
    Band,
    Case,
    Compare,
    Criterion,
    Is,
    Not,
    OneOf,
    Outcome,
    Present,
    Remark,
    ScoreCriterion,
)
from server.catalog.graph import (
    MPM,
    NodeFault,
    coding,
    coding_or_truth,
    flag,
    items,
    need,
    number,
    one,
    text,
    truth,
    words_of,
)

LIMITS = (MPM.atLeast, MPM.above, MPM.atMost, MPM.below)
LEAVES = (*LIMITS, MPM["in"], MPM["is"], MPM.present)
TREES = (MPM.allOf, MPM.anyOf, MPM["not"])


def criterion(graph: Graph, node: Node, slot: str | None = None) -> Criterion:
    """A criterion node; ``slot`` stands for mpm:onSlot where the surroundings say it."""
    trees = [term for term in TREES if graph.value(node, term) is not None]
    label = text(graph, node, RDFS.label)
    if trees:
        if len(trees) > 1 or has_comparison(graph, node):
            raise NodeFault(f"{words_of(graph, node)}: a criterion is one of allOf, anyOf, not, or one comparison")
        return _tree(graph, node, trees[0] == MPM.allOf, trees[0] == MPM.anyOf, slot, label)
    return comparison(graph, node, slot, label)


def _tree(graph: Graph, node: Node, every: bool, some: bool, slot: str | None, label: str | None) -> Criterion:
    if every or some:
        parts = tuple(criterion(graph, n, slot) for n in items(graph, node, MPM.allOf if every else MPM.anyOf))
        if not parts:
            raise NodeFault(f"{words_of(graph, node)}: an empty list of criteria")
        return AllOf(parts, label) if every else AnyOf(parts, label)
    part = one(graph, node, MPM["not"])
    if part is None:
        raise NodeFault(f"{words_of(graph, node)}: mpm:not is missing")
    return Not(criterion(graph, part, slot), label)


def has_comparison(graph: Graph, node: Node) -> bool:
    """Whether the node itself compares something."""
    return any(graph.value(node, term) is not None for term in LEAVES)


def comparison(graph: Graph, node: Node, slot: str | None, label: str | None) -> Criterion:
    """One comparison; it must be of exactly one sort."""
    on = text(graph, node, MPM.onSlot) or slot
    if on is None:
        raise NodeFault(f"{words_of(graph, node)}: mpm:onSlot is missing")
    sorts = [any(graph.value(node, t) is not None for t in LIMITS)]
    sorts += [graph.value(node, t) is not None for t in (MPM["in"], MPM["is"], MPM.present)]
    if sum(sorts) != 1:
        raise NodeFault(f"{words_of(graph, node)}: a comparison is limits, or in, or is, or present: just one of them")
    if sorts[1]:
        return OneOf(on, tuple(coding(graph, n) for n in items(graph, node, MPM["in"])), label)
    expected = truth(graph, node, MPM["is"])
    if expected is not None:
        return Is(on, expected, label)
    present = truth(graph, node, MPM.present)
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


def _match(graph: Graph, node: Node, slot: str) -> Criterion | None:
    if any(graph.value(node, term) is not None for term in TREES):
        return criterion(graph, node, slot)
    return comparison(graph, node, slot, None) if has_comparison(graph, node) else None


def _when(graph: Graph, node: Node) -> Criterion | None:
    found = one(graph, node, MPM.when)
    return None if found is None else criterion(graph, found)


def score_criterion(graph: Graph, node: Node) -> ScoreCriterion:
    """One part of a score: its precision and completed hold for each of its bands."""
    slot = need(graph, node, MPM.onSlot)
    precision, completed = number(graph, node, MPM.precision), flag(graph, node, MPM.completed)
    bands = []
    for band in items(graph, node, MPM.bands):
        match = _match(graph, band, slot)
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
            raise NodeFault(f"{words_of(graph, band)}: a band without mpm:points")
        bands.append(Band(match, points, need(graph, band, RDFS.label), _when(graph, band)))
    if not bands:
        raise NodeFault(f"{words_of(graph, node)}: a criterion without mpm:bands")
    return ScoreCriterion(slot, text(graph, node, RDFS.label) or slot, tuple(bands))


def case(graph: Graph, node: Node) -> Case:
    """One case of a rule."""
    output = one(graph, node, MPM.output)
    if output is None:
        raise NodeFault(f"{words_of(graph, node)}: a case without mpm:output")
    return Case(_when(graph, node), coding_or_truth(graph, output), need(graph, node, RDFS.label))


def applicability(graph: Graph, node: Node) -> Applicability:
    """For whom a module does not hold, or holds less."""
    effect = one(graph, node, MPM.effect)
    if effect not in (MPM.Refuse, MPM.Caution):
        raise NodeFault(f"{words_of(graph, node)}: mpm:effect is neither mpm:Refuse nor mpm:Caution")
    when = _when(graph, node)
    if when is None:
        raise NodeFault(f"{words_of(graph, node)}: mpm:when is missing")
    return Applicability(when, effect == MPM.Refuse, need(graph, node, RDFS.label))


def remark(graph: Graph, node: Node) -> Remark:
    """What to tell the reader when a criterion holds."""
    severity = text(graph, node, MPM.severity) or "WARNING"
    if severity not in ("INFORMATION", "WARNING", "ERROR"):
        raise NodeFault(f"{words_of(graph, node)}: mpm:severity is not INFORMATION, WARNING or ERROR")
    return Remark(
        _when(graph, node),
        need(graph, node, RDFS.label),
        need(graph, node, MPM.code),
        severity,
        flag(graph, node, MPM.onUnknown),
        flag(graph, node, MPM.asQualifier),
    )


def outcome(graph: Graph, node: Node) -> Outcome:
    """One interpretation band over the result."""
    named = one(graph, node, MPM.coding)
    if named is None:
        raise NodeFault(f"{words_of(graph, node)}: an outcome without mpm:coding")
    advice = sorted((_advice(graph, n) for n in graph.objects(node, MPM.advice)), key=lambda a: a.text)
    return Outcome(
        _match(graph, node, "result"),
        coding(graph, named),
        need(graph, node, RDFS.label),
        number(graph, node, MPM.anySingle),
        _when(graph, node),
        text(graph, node, DCTERMS.source),
        tuple(advice),
    )


def _advice(graph: Graph, node: Node) -> Advice:
    return Advice(need(graph, node, RDFS.label), need(graph, node, DCTERMS.source), text(graph, node, MPM.strength))

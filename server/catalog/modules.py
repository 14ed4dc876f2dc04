"""Modules, from their Turtle."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from rdflib import DCTERMS, OWL, RDF, RDFS, SH, Graph, URIRef
from rdflib.term import Node

from ontology.concepts import Concept
from ontology.slots import Select, Slot
from server.catalog import nodes
from server.catalog.descriptions import Description, Kind, RiskOf, Within
from server.catalog.graph import (
    MPM,
    NodeFault,
    coding_or_truth,
    duration,
    flag,
    items,
    need,
    number,
    one,
    text,
    texts,
    truth,
    words_of,
)
from server.catalog.trained_nodes import trained_model
from server.catalog.valuesets import limited_iri

KINDS = {
    MPM.EquationModule: Kind.EQUATION,
    MPM.ScoreModule: Kind.SCORE,
    MPM.RuleModule: Kind.RULE,
    MPM.ModelModule: Kind.MODEL,
}
SELECTS = {
    MPM.Latest: Select.LATEST,
    MPM.Earliest: Select.EARLIEST,
    MPM.Series: Select.SERIES,
    MPM.Any: Select.ANY,
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class File:
    """A module.ttl as it was read."""

    folder: Path
    graph: Graph
    turtle: str
    digest: str
    code_digest: str


def module_nodes(graph: Graph) -> list[tuple[URIRef, Kind]]:
    """The modules that a graph describes, in a stable order."""
    found = [
        (node, kind)
        for term, kind in KINDS.items()
        for node in graph.subjects(RDF.type, term)
        if isinstance(node, URIRef)
    ]
    return sorted(found)


def read_module(file: File, node: URIRef, kind: Kind, concepts: Mapping[str, Concept]) -> Description:
    """One module; ``concepts`` by IRI.  ``NodeFault`` where it cannot be read."""
    graph = file.graph
    produces = _concept(graph, node, MPM.produces, concepts)
    slots = tuple(sorted((read_slot(graph, n, concepts) for n in graph.objects(node, MPM.slot)), key=lambda s: s.name))
    names = [slot.name for slot in slots]
    if len(names) != len(set(names)):
        raise NodeFault(f"{words_of(graph, node)}: two slots have one name")
    risk, within = one(graph, node, MPM.risk), one(graph, node, MPM.within)
    decimals = number(graph, node, MPM.decimals)
    return Description(
        iri=str(node),
        id=need(graph, node, MPM.id),
        kind=kind,
        version=need(graph, node, OWL.versionInfo),
        title=need(graph, node, DCTERMS.title),
        produces=produces,
        unit=text(graph, node, MPM.unit) or produces.unit,
        slots=slots,
        digest=file.digest,
        turtle=file.turtle,
        folder=file.folder,
        citations=texts(graph, node, DCTERMS.source),
        intended_use=need(graph, node, MPM.intendedUse),
        code_digest=file.code_digest,
        parameters=dict(sorted(_parameter(graph, n) for n in graph.objects(node, MPM.parameter))),
        evaluation_time=duration(graph, node, MPM.evaluationTime),
        within=None if within is None else _within(graph, within),
        applicability=_all(graph, node, MPM.applicability, nodes.applicability),
        criteria=_all(graph, node, MPM.criterion, nodes.score_criterion),
        cases=tuple(nodes.case(graph, n) for n in items(graph, node, MPM.cases)),
        remarks=_all(graph, node, MPM.remark, nodes.remark),
        outcomes=tuple(nodes.outcome(graph, n) for n in items(graph, node, MPM.outcomes)),
        partial_total=flag(graph, node, MPM.partialTotal),
        preferred=one(graph, node, MPM.prefer) == MPM.This,
        risk=None if risk is None else RiskOf(need(graph, risk, RDFS.label), need(graph, risk, MPM.duration)),
        display_decimals=None if decimals is None else int(decimals),
        model=trained_model(graph, node, slots),
    )


def _all(graph: Graph, node: Node, term: URIRef, read: Callable[[Graph, Node], T]) -> tuple[T, ...]:
    return tuple(sorted((read(graph, n) for n in graph.objects(node, term)), key=repr))


def _concept(graph: Graph, node: Node, term: URIRef, concepts: Mapping[str, Concept]) -> Concept:
    iri = need(graph, node, term)
    if iri not in concepts:
        raise NodeFault(f"{words_of(graph, node)}: no concept {iri.replace(str(MPM), 'mpm:')} is declared")
    return concepts[iri]


def _parameter(graph: Graph, node: Node) -> tuple[str, Decimal]:
    value = number(graph, node, MPM.value)
    if value is None:
        raise NodeFault(f"{words_of(graph, node)}: a parameter without mpm:value")
    return need(graph, node, MPM.name), value


def _within(graph: Graph, node: Node) -> Within:
    length = duration(graph, node, MPM.duration)
    if length is None:
        raise NodeFault(f"{words_of(graph, node)}: mpm:duration is missing")
    return Within(tuple(str(n) for n in items(graph, node, MPM.slots)), length)


def read_slot(graph: Graph, node: Node, concepts: Mapping[str, Concept]) -> Slot:
    """One named input."""
    select = one(graph, node, MPM.select)
    if not isinstance(select, URIRef) or select not in SELECTS:
        raise NodeFault(f"{words_of(graph, node)}: mpm:select is not mpm:Latest, Earliest, Series or Any")
    concept = _concept(graph, node, MPM.concept, concepts)
    if (limit := text(graph, node, MPM.valueSet)) is not None:
        concept = concepts.get(limited_iri(concept.iri, limit), concept)
    required = truth(graph, node, MPM.required)
    return Slot(
        name=need(graph, node, MPM.name),
        concept=concept,
        select=SELECTS[select],
        required=True if required is None else required,
        unit=text(graph, node, MPM.unit) or concept.unit,
        window=duration(graph, node, MPM.window),
        minimum=number(graph, node, SH.minInclusive),
        maximum=number(graph, node, SH.maxInclusive),
        step_back=flag(graph, node, MPM.stepBack),
        accepts_bound=flag(graph, node, MPM.acceptsBound),
        closed_world=flag(graph, node, MPM.closedWorld),
        bound_by_ends=flag(graph, node, MPM.boundByEnds),
        candidates=tuple(sorted((coding_or_truth(graph, n) for n in graph.objects(node, MPM.candidate)), key=repr)),
        applicability_only=flag(graph, node, MPM.applicabilityOnly),
        ever=flag(graph, node, MPM.ever),
        prefer_recorded=one(graph, node, MPM.prefer) == MPM.Recorded,
        comparison=flag(graph, node, MPM.comparisonOnly),
        current_only=flag(graph, node, MPM.currentOnly),
    )

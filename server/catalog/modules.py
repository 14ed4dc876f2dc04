"""Descriptions of modules, read from their Turtle."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from rdflib import DCTERMS, OWL, RDF, RDFS, SH, Graph, URIRef
from rdflib.term import Node

from ontology.concepts import Concept
from ontology.slots import Select, Slot
from server.catalog import criteria_reader
from server.catalog.descriptions import Description, Kind, MaxTimeApart, OneSpecimen, RiskDefinition
from server.catalog.trained_model_reader import read_trained_model
from server.catalog.turtle import (
    MPM,
    NodeFault,
    boolean,
    coding_or_boolean,
    describe_node,
    duration,
    flag,
    list_items,
    number,
    required_text,
    single_object,
    text,
    texts,
)
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
class DescriptionFile:
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


def read_module(file: DescriptionFile, node: URIRef, kind: Kind, concepts: Mapping[str, Concept]) -> Description:
    """One module; ``concepts`` by IRI.  ``NodeFault`` where it cannot be read."""
    graph = file.graph
    produces = _find_concept(graph, node, MPM.produces, concepts)
    slots = tuple(sorted((read_slot(graph, n, concepts) for n in graph.objects(node, MPM.slot)), key=lambda s: s.name))
    names = [slot.name for slot in slots]
    if len(names) != len(set(names)):
        raise NodeFault(f"{describe_node(graph, node)}: two slots have one name")
    risk, within = single_object(graph, node, MPM.risk), single_object(graph, node, MPM.within)
    specimen = single_object(graph, node, MPM.oneSpecimen)
    decimals = number(graph, node, MPM.decimals)
    return Description(
        iri=str(node),
        id=required_text(graph, node, MPM.id),
        kind=kind,
        version=required_text(graph, node, OWL.versionInfo),
        title=required_text(graph, node, DCTERMS.title),
        produces=produces,
        unit=text(graph, node, MPM.unit) or produces.unit,
        slots=slots,
        digest=file.digest,
        turtle=file.turtle,
        folder=file.folder,
        citations=texts(graph, node, DCTERMS.source),
        intended_use=required_text(graph, node, MPM.intendedUse),
        code_digest=file.code_digest,
        parameters=dict(sorted(_read_parameter(graph, n) for n in graph.objects(node, MPM.parameter))),
        evaluation_time=duration(graph, node, MPM.evaluationTime),
        within=None if within is None else _read_max_time_apart(graph, within),
        one_specimen=None if specimen is None else _read_one_specimen(graph, specimen),
        applicability=_read_all(graph, node, MPM.applicability, criteria_reader.read_applicability),
        criteria=_read_all(graph, node, MPM.criterion, criteria_reader.read_score_criterion),
        cases=tuple(criteria_reader.read_case(graph, n) for n in list_items(graph, node, MPM.cases)),
        remarks=_read_all(graph, node, MPM.remark, criteria_reader.read_remark),
        contradictions=_read_all(graph, node, MPM.contradiction, criteria_reader.read_contradiction),
        outcomes=tuple(criteria_reader.read_outcome(graph, n) for n in list_items(graph, node, MPM.outcomes)),
        partial_total=flag(graph, node, MPM.partialTotal),
        preferred=single_object(graph, node, MPM.prefer) == MPM.This,
        risk=None
        if risk is None
        else RiskDefinition(required_text(graph, risk, RDFS.label), required_text(graph, risk, MPM.duration)),
        display_decimals=None if decimals is None else int(decimals),
        model=read_trained_model(graph, node, slots),
    )


def _read_all(graph: Graph, node: Node, term: URIRef, read: Callable[[Graph, Node], T]) -> tuple[T, ...]:
    return tuple(sorted((read(graph, n) for n in graph.objects(node, term)), key=repr))


def _find_concept(graph: Graph, node: Node, term: URIRef, concepts: Mapping[str, Concept]) -> Concept:
    iri = required_text(graph, node, term)
    if iri not in concepts:
        raise NodeFault(f"{describe_node(graph, node)}: no concept {iri.replace(str(MPM), 'mpm:')} is declared")
    return concepts[iri]


def _read_parameter(graph: Graph, node: Node) -> tuple[str, Decimal]:
    value = number(graph, node, MPM.value)
    if value is None:
        raise NodeFault(f"{describe_node(graph, node)}: a parameter without mpm:value")
    return required_text(graph, node, MPM.name), value


def _read_max_time_apart(graph: Graph, node: Node) -> MaxTimeApart:
    length = duration(graph, node, MPM.duration)
    if length is None:
        raise NodeFault(f"{describe_node(graph, node)}: mpm:duration is missing")
    return MaxTimeApart(tuple(str(n) for n in list_items(graph, node, MPM.slots)), length)


def _read_one_specimen(graph: Graph, node: Node) -> OneSpecimen:
    return OneSpecimen(
        required_text(graph, node, MPM.resultSlot), tuple(str(n) for n in list_items(graph, node, MPM.slots))
    )


def read_slot(graph: Graph, node: Node, concepts: Mapping[str, Concept]) -> Slot:
    """One named input."""
    select = single_object(graph, node, MPM.select)
    if not isinstance(select, URIRef) or select not in SELECTS:
        raise NodeFault(f"{describe_node(graph, node)}: mpm:select is not mpm:Latest, Earliest, Series or Any")
    concept = _find_concept(graph, node, MPM.concept, concepts)
    if (limit := text(graph, node, MPM.valueSet)) is not None:
        concept = concepts.get(limited_iri(concept.iri, limit), concept)
    required = boolean(graph, node, MPM.required)
    return Slot(
        name=required_text(graph, node, MPM.name),
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
        candidates=tuple(sorted((coding_or_boolean(graph, n) for n in graph.objects(node, MPM.candidate)), key=repr)),
        applicability_only=flag(graph, node, MPM.applicabilityOnly),
        ever=flag(graph, node, MPM.ever),
        prefer_recorded=single_object(graph, node, MPM.prefer) == MPM.Recorded,
        comparison=flag(graph, node, MPM.comparisonOnly),
        current_only=flag(graph, node, MPM.currentOnly),
        no_if_reconciled=None
        if single_object(graph, node, MPM.noIfReconciled) is None
        else _find_concept(graph, node, MPM.noIfReconciled, concepts),
        alternative=flag(graph, node, MPM.alternative),
        enabled_by=None
        if single_object(graph, node, MPM.enabledBy) is None
        else _find_concept(graph, node, MPM.enabledBy, concepts).id,
    )

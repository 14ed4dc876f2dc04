"""Concepts, from their Turtle."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from rdflib import RDF, RDFS, SKOS, Graph, Literal, URIRef
from rdflib.term import Node

from collectors.terminology.code_set import DefinitionError, parse_canonical
from ontology.concepts import (
    AcceptedCode,
    AcceptedValueSet,
    Answer,
    CompleteIn,
    Concept,
    ExcludingCode,
    Origin,
    ValueType,
)
from ontology.values import Coding, Quantity, Value
from server.catalog.turtle import (
    MPM,
    NodeFault,
    boolean,
    coding,
    coding_or_boolean,
    describe_node,
    duration,
    flag,
    number,
    required_text,
    single_object,
    text,
    texts,
)

ORIGINS = {
    MPM.ObservationConcept: Origin.OBSERVATION,
    MPM.ConditionConcept: Origin.CONDITION,
    MPM.MedicationConcept: Origin.MEDICATION,
    MPM.DraftOrderConcept: Origin.DRAFT_ORDER,
    MPM.AllergyConcept: Origin.ALLERGY,
    MPM.ProcedureConcept: Origin.PROCEDURE,
    MPM.EncounterConcept: Origin.ENCOUNTER,
    MPM.ListConcept: Origin.LIST,
    MPM.ImmunizationConcept: Origin.IMMUNIZATION,
    MPM.FamilyHistoryConcept: Origin.FAMILY_HISTORY,
    MPM.QuestionnaireConcept: Origin.QUESTIONNAIRE,
    MPM.PatientConcept: Origin.PATIENT,
    MPM.SiteConcept: Origin.SITE,
    MPM.ComputedConcept: Origin.COMPUTED,
}


_NO_ALIASES: Mapping[str, str] = {}


def read_system_aliases(graphs: Iterable[Graph], faults: list[str]) -> Mapping[str, str]:
    """The URI of each code system by its other spellings; a spelling of two systems is a fault."""
    found: dict[str, str] = {}
    for graph in graphs:
        for system in sorted(map(str, graph.subjects(RDF.type, MPM.CodeSystem))):
            for alias in texts(graph, URIRef(system), MPM.alias):
                if found.setdefault(alias, system) != system or alias == system:
                    faults.append(f"<{system}>: mpm:alias {alias!r} names another code system, too")
    return found


def read_synonyms(graphs: Iterable[Graph]) -> Mapping[str, tuple[str, ...]]:
    """The synonyms of each concept, by its IRI, from all graphs: one may name those of another's concepts."""
    found: dict[str, set[str]] = {}
    for graph in graphs:
        for node, synonym in graph.subject_objects(SKOS.altLabel):
            found.setdefault(str(node), set()).add(str(synonym))
    return {iri: tuple(sorted(each, key=lambda word: (word.casefold(), word))) for iri, each in found.items()}


def concept_nodes(graph: Graph) -> list[URIRef]:
    """The concepts that a graph declares, in a stable order."""
    found = {node for kind in ORIGINS for node in graph.subjects(RDF.type, kind) if isinstance(node, URIRef)}
    return sorted(found)


def read_concept(graph: Graph, node: URIRef, aliases: Mapping[str, str] = _NO_ALIASES) -> Concept:
    """One concept (``NodeFault`` where it cannot be read)."""
    kinds = [origin for kind, origin in ORIGINS.items() if (node, RDF.type, kind) in graph]
    if len(kinds) != 1:
        raise NodeFault(f"{describe_node(graph, node)}: has {len(kinds)} classes of concept, one is needed")
    unit = text(graph, node, MPM.unit)
    value_type = required_text(graph, node, MPM.valueType)
    if value_type not in ValueType.__members__:
        raise NodeFault(f"{describe_node(graph, node)}: mpm:valueType is not one of {', '.join(ValueType)}")
    if value_type == ValueType.QUANTITY and unit is None:
        raise NodeFault(f"{describe_node(graph, node)}: mpm:unit is missing, and its values are numbers")
    units = texts(graph, node, MPM.acceptsUnit)
    if unit is not None and unit not in units:
        units = (unit, *units)
    return Concept(
        iri=str(node),
        id=required_text(graph, node, MPM.id),
        display=required_text(graph, node, SKOS.prefLabel),
        origin=kinds[0],
        value_type=ValueType(value_type),
        codes=tuple(sorted((coding(graph, n) for n in graph.objects(node, MPM.coding)), key=str)),
        accepted=tuple(
            sorted(
                (a for n in graph.objects(node, MPM.accepts) for a in _read_accepted_codes(graph, n)), key=_code_order
            )
        ),
        panels=tuple(sorted((coding(graph, n) for n in graph.objects(node, MPM.panel)), key=str)),
        system_aliases=aliases,
        valued_panels=tuple(
            sorted((coding(graph, n) for n in graph.objects(node, MPM.panel) if flag(graph, n, MPM.valued)), key=str)
        ),
        answers=tuple(sorted((_read_answer(graph, n) for n in graph.objects(node, MPM.answer)), key=str)),
        unit=unit,
        units=units,
        plausible_low=number(graph, node, MPM.plausibleLow),
        plausible_high=number(graph, node, MPM.plausibleHigh),
        molar_mass=number(graph, node, MPM.molarMass),
        reference=_read_reference(graph, node, unit),
        element=text(graph, node, MPM.element),
        recorded_as=text(graph, node, MPM.recordedAs),
        note=text(graph, node, MPM.note),
        order_of=_read_order_of(graph, node),
        relationships=tuple(sorted(texts(graph, node, MPM.relationship))),
        ingredient_names=_read_names(graph, node),
        complete_in=tuple(
            sorted(
                (
                    CompleteIn(_read_systems(graph, n), tuple(sorted(texts(graph, n, MPM.undecided))))
                    for n in graph.objects(node, MPM.completeIn)
                ),
                key=lambda each: sorted(each.systems),
            )
        ),
        excluded_by=_read_excluding_codes(graph, node),
        usual_sites=tuple(sorted((coding(graph, n) for n in _usual_sites(graph, node, MPM.codings)), key=str)),
        usual_site_words=tuple(sorted(str(each) for each in _usual_sites(graph, node, MPM.word))),
        accepted_sets=tuple(
            sorted((s for n in graph.objects(node, MPM.accepts) for s in _read_accepted_sets(graph, n)), key=str)
        ),
    )


def _read_names(graph: Graph, node: URIRef) -> tuple[str, ...]:
    """The words in an entry that say what it probably is: ingredients, and products that have one of them."""
    return tuple(sorted({*texts(graph, node, MPM.ingredientName), *texts(graph, node, MPM.brandName)}))


def _read_order_of(graph: Graph, node: URIRef) -> str | None:
    """The IRI of the medication of which a concept is a draft order; None of any other concept."""
    named = single_object(graph, node, MPM.orderOf)
    return None if named is None else str(named)


def with_order_codes(concepts: Mapping[str, Concept], faults: list[str]) -> dict[str, Concept]:
    """The concepts, each draft order with all by which its medication is read: one list of codes serves both.

    ``faults`` takes those that name no medication.
    """
    by_iri = {each.iri: each for each in concepts.values()}
    found = {}
    for key, concept in concepts.items():
        if concept.origin is Origin.DRAFT_ORDER:
            ordered = by_iri.get(concept.order_of or "")
            if ordered is None or ordered.origin is not Origin.MEDICATION:
                faults.append(f"{concept.id}: mpm:orderOf does not name a medication concept")
            else:
                concept = replace(
                    concept,
                    accepted=tuple(each for each in ordered.accepted if _is_of_product(each)),
                    accepted_sets=ordered.accepted_sets,
                    ingredient_names=ordered.ingredient_names,
                    complete_in=ordered.complete_in,
                )
        found[key] = concept
    return found


def _is_of_product(accepted: AcceptedCode) -> bool:
    """Whether a code names what can be ordered, rather than that it was taken once, is not taken, or was observed."""
    return accepted.recorded_in is None and accepted.asserts is not False and not accepted.ever


def _read_systems(graph: Graph, node: Node) -> frozenset[str]:
    """The code systems that a node names, or those of the group that it names."""
    group = single_object(graph, node, MPM.systems)
    return frozenset(texts(graph, node if group is None else group, MPM.system))


def _code_order(accepted: AcceptedCode) -> tuple[int, str, str]:
    return accepted.rank, accepted.coding.system, accepted.coding.code


def _read_accepted_codes(graph: Graph, node: Node) -> list[AcceptedCode]:
    """A code in its system, or in each of those that a node of systems lists."""
    if text(graph, node, MPM.valueSet) is not None:
        return []
    group, rank = single_object(graph, node, MPM.systems), number(graph, node, MPM["rank"])
    if group is None:
        found = [coding(graph, node)]
    else:
        code, label = required_text(graph, node, MPM.code), text(graph, node, RDFS.label)
        found = [Coding(system, code, label) for system in texts(graph, group, MPM.system)]
        if not found:
            raise NodeFault(f"{describe_node(graph, node)}: mpm:systems names a node without mpm:system")
    return [
        AcceptedCode(
            each,
            caution=text(graph, node, MPM.caution),
            needs_unit=flag(graph, node, MPM.needsUnit),
            rank=int(rank) if rank is not None else 0,
            ever=flag(graph, node, MPM.ever),
            asserts=boolean(graph, node, MPM.asserts),
            probable=flag(graph, node, MPM.probable),
            timed=flag(graph, node, MPM.timed),
            recorded_in=_read_origin(graph, node),
            holds_for=duration(graph, node, MPM.holdsFor),
            denied_for=duration(graph, node, MPM.deniedFor),
        )
        for each in found
    ]


def _read_origin(graph: Graph, node: Node) -> Origin | None:
    """The origin of the records that hold a code, where it is not the concept's own."""
    name = text(graph, node, MPM.recordedIn)
    if name is None:
        return None
    if name not in (Origin.OBSERVATION, Origin.PROCEDURE):
        raise NodeFault(f"{describe_node(graph, node)}: mpm:recordedIn is neither OBSERVATION nor PROCEDURE")
    return Origin(name)


def _read_accepted_sets(graph: Graph, node: Node) -> list[AcceptedValueSet]:
    """The value set of a node that names one."""
    name, rank = text(graph, node, MPM.valueSet), number(graph, node, MPM["rank"])
    if name is None:
        return []
    try:
        named = parse_canonical(name)
    except DefinitionError as error:
        raise NodeFault(f"{describe_node(graph, node)}: mpm:valueSet: {error}") from None
    return [
        AcceptedValueSet(
            str(named),
            caution=text(graph, node, MPM.caution),
            needs_unit=flag(graph, node, MPM.needsUnit),
            rank=int(rank) if rank is not None else 0,
            ever=flag(graph, node, MPM.ever),
            asserts=boolean(graph, node, MPM.asserts),
        )
    ]


def _usual_sites(graph: Graph, node: Node, part: URIRef) -> Iterator[Node]:
    """The codes or the words of all groups of usual sites."""
    return (each for group in graph.objects(node, MPM.usualSites) for each in graph.objects(group, part))


def _read_excluding_codes(graph: Graph, node: Node) -> tuple[ExcludingCode, ...]:
    """The codes of all nodes that exclude, each with the caution of its node."""
    found = [
        ExcludingCode(coding(graph, each), text(graph, group, MPM.caution))
        for group in graph.objects(node, MPM.excludedBy)
        for each in graph.objects(group, MPM.codings)
    ]
    return tuple(sorted(found, key=str))


def _read_answer(graph: Graph, node: Node) -> Answer:
    recorded, means = single_object(graph, node, MPM.recorded), single_object(graph, node, MPM.means)
    if recorded is None or means is None:
        raise NodeFault(f"{describe_node(graph, node)}: an answer needs mpm:recorded and mpm:means")
    return Answer(coding(graph, recorded), coding_or_boolean(graph, means))


def _read_reference(graph: Graph, node: URIRef, unit: str | None) -> Value | None:
    found = single_object(graph, node, MPM.reference)
    if found is None:
        return None
    if isinstance(found, Literal) and not isinstance(found.value, bool):
        value = number(graph, node, MPM.reference)
        if value is None or unit is None:
            raise NodeFault(f"{describe_node(graph, node)}: mpm:reference is a number, and the concept has no unit")
        return Quantity(value, unit)
    return coding_or_boolean(graph, found)

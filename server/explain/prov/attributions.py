"""Attributions as entities beside the answer, written and read: each input with both ends, amount and records."""

from collections.abc import Mapping

from ontology.evaluation import Issue
from ontology.values import Value
from server.attribution.result import AttributionItem
from server.errors import ArgumentFileError
from server.explain.comparisons import AttributionView, Comparison
from server.explain.prov.exported import ExportedAttribution, ExportedGroup, ExportedItem
from server.explain.prov.graph import Graph
from server.explain.prov.rdf_terms import AGENT, DCTERMS, MPM, PROV, RDF, Iri, NodeName, literal
from server.explain.prov.rdf_values import float_literal, read_value, time_literal, write_value
from server.explain.prov.statements import Statements, Term, describe_node
from server.explain.prov.steps import write_record


def write_attributions(
    graph: Graph,
    name: NodeName,
    attributions: Mapping[Comparison, AttributionView | Issue],
    answer: Iri,
    value: Iri,
) -> None:
    """State each comparison that the question requested; where there is no attribution, why (``mpm:refused``)."""
    for place, (against, found) in enumerate(attributions.items()):
        node = name(f"attribution-{place}")
        graph.add((answer, MPM.attribution, node))
        graph.add((node, RDF.type, PROV.Entity))
        graph.add((node, RDF.type, MPM.Attribution))
        graph.add((node, PROV.wasDerivedFrom, value))
        graph.add((node, PROV.wasAttributedTo, AGENT))
        graph.add((node, MPM.position, literal(place)))
        graph.add((node, MPM.against, literal(against.baseline.value)))
        if against.since is not None:
            graph.add((node, MPM.since, time_literal(against.since)))
        if isinstance(found, Issue):
            graph.add((node, MPM.refused, literal(found.text)))
        else:
            _write_attribution(graph, name, f"attribution-{place}", found)


def _write_attribution(graph: Graph, name: NodeName, part: str, view: AttributionView) -> None:
    node, attribution = name(part), view.attribution
    graph.add((node, DCTERMS.description, literal(view.text)))
    graph.add((node, MPM.scale, literal(attribution.scale)))
    graph.add((node, MPM.baseline, literal(view.baseline)))
    graph.add((node, MPM.base, float_literal(attribution.base)))
    graph.add((node, MPM.output, float_literal(attribution.output)))
    graph.add((node, MPM.residual, float_literal(attribution.residual)))
    _write_ends(graph, name, part, attribution.base_value, attribution.output_value)
    for text in attribution.flipped:
        graph.add((node, MPM.flipped, literal(text)))
    for place, between in enumerate(attribution.between):
        number = name(f"{part}.between-{place}")
        graph.add((node, MPM.between, number))
        graph.add((number, RDF.type, PROV.Entity))
        graph.add((number, MPM.concept, Iri(between.concept.iri)))
        _write_ends(graph, name, f"{part}.between-{place}", between.before, between.after)
    for place, stayed in enumerate(attribution.stayed):
        kept = name(f"{part}.stayed-{place}")
        graph.add((node, MPM.stayed, kept))
        graph.add((kept, RDF.type, PROV.Entity))
        graph.add((kept, MPM.concept, Iri(stayed.concept.iri)))
        graph.add((kept, MPM.name, literal(stayed.slot)))
        graph.add((kept, MPM.reason, literal(stayed.why)))
        write_value(graph, kept, stayed.value)
    # By identity: two may be equal, as equal parts of joined inputs.
    places = {id(item): place for place, item in enumerate(attribution.items)}
    for place, item in enumerate(attribution.items):
        graph.add((node, MPM.item, name(f"{part}.item-{place}")))
        graph.add((name(f"{part}.item-{place}"), MPM.position, literal(place)))
        _write_item(graph, name, f"{part}.item-{place}", item)
    for place, group in enumerate(attribution.groups):
        grouped = name(f"{part}.group-{place}")
        graph.add((node, MPM.together, grouped))
        graph.add((grouped, RDF.type, PROV.Entity))
        graph.add((grouped, DCTERMS.description, literal(group.text)))
        graph.add((grouped, MPM.amount, float_literal(group.amount)))
        if group.error is not None:
            graph.add((grouped, MPM.error, float_literal(group.error)))
        for item in group.items:
            graph.add((grouped, MPM.item, name(f"{part}.item-{places[id(item)]}")))


def _write_item(graph: Graph, name: NodeName, part: str, item: AttributionItem) -> None:
    node = name(part)
    graph.add((node, RDF.type, PROV.Entity))
    graph.add((node, MPM.concept, Iri(item.concept.iri)))
    if item.slot is not None:
        graph.add((node, MPM.name, literal(item.slot)))
    graph.add((node, MPM.amount, float_literal(item.amount)))
    if item.error is not None:
        graph.add((node, MPM.error, float_literal(item.error)))
    if item.usual is not None:
        graph.add((node, MPM.usual, literal(item.usual)))
    if item.assumed:
        graph.add((node, MPM.assumed, literal(True)))
    graph.add((node, MPM.alone, literal(item.alone)))
    graph.add((node, MPM.needed, literal(item.needed)))
    before, after = _write_ends(graph, name, part, item.before, item.after)
    for end, effective, records in (
        (before, item.effective_before, item.records_before),
        (after, item.effective, item.records),
    ):
        if effective is not None:
            graph.add((end, MPM.effective, time_literal(effective)))
        for record in records:
            graph.add((end, PROV.wasDerivedFrom, write_record(graph, record)))


def _write_ends(graph: Graph, name: NodeName, part: str, before: Value, after: Value) -> tuple[Iri, Iri]:
    """State a value at the baseline, and the value now: the two entities."""
    ends = name(f"{part}.from"), name(f"{part}.to")
    for term, end, value in zip((MPM["from"], MPM.to), ends, (before, after), strict=True):
        graph.add((name(part), term, end))
        graph.add((end, RDF.type, PROV.Entity))
        graph.add((end, RDF.type, MPM.End))
        write_value(graph, end, value)
    return ends


_POSITION = MPM.position.value


def read_attributions(statements: Statements, answer: Term) -> tuple[ExportedAttribution, ...]:
    """The attributions of an answer, in their order; refused comparisons have no numbers to check, and are left out."""
    found = _by_position(statements, statements.nodes(answer, MPM.attribution.value))
    return tuple(
        _read_attribution(statements, each) for each in found if not statements.values(each, MPM.refused.value)
    )


def _read_attribution(statements: Statements, node: Term) -> ExportedAttribution:
    since = MPM.since.value
    items = _by_position(statements, statements.nodes(node, MPM.item.value))
    return ExportedAttribution(
        scale=statements.text(node, MPM.scale.value),
        baseline=statements.text(node, MPM.baseline.value),
        base=statements.number(node, MPM.base.value),
        output=statements.number(node, MPM.output.value),
        items=tuple(_read_item(statements, item) for item in items),
        since=statements.time(node, since) if statements.values(node, since) else None,
        against=statements.text(node, MPM.against.value),
        groups=tuple(_read_group(statements, group, items) for group in statements.nodes(node, MPM.together.value)),
    )


def _read_item(statements: Statements, node: Term) -> ExportedItem:
    return ExportedItem(
        concept=statements.iri(node, MPM.concept.value),
        before=read_value(statements, statements.node(node, MPM["from"].value)),
        after=read_value(statements, statements.node(node, MPM.to.value)),
        amount=statements.number(node, MPM.amount.value),
    )


def _read_group(statements: Statements, node: Term, items: list[Term]) -> ExportedGroup:
    members = statements.nodes(node, MPM.item.value)
    if any(member not in items for member in members):
        raise ArgumentFileError(f"{describe_node(node)} has an input in it that is none of its attribution")
    places = tuple(sorted(items.index(member) for member in members))
    return ExportedGroup(statements.number(node, MPM.amount.value), places)


def _by_position(statements: Statements, nodes: list[Term]) -> list[Term]:
    places = {statements.integer(node, _POSITION): node for node in nodes}
    if sorted(places) != list(range(len(nodes))):
        of = describe_node(nodes[0])
        raise ArgumentFileError(f"{of} and its neighbours are not numbered from 0 without a gap: one is missing")
    return [places[place] for place in sorted(places)]

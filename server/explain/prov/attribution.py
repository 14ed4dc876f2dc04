"""What moved a result, as entities beside it: from which value to which, by how much, and out of which records."""

from collections.abc import Callable, Mapping

from rdflib import PROV, RDF, Graph, Literal, URIRef
from rdflib.namespace import DCTERMS

from ontology.evaluation import Issue
from ontology.values import Value
from server.explain.comparisons import Against, AttributionView, ItemView
from server.explain.prov.grounds import write_record
from server.explain.prov.terms import AGENT, MPM
from server.explain.prov.values import measured, moment, write_value

Name = Callable[[str], URIRef]


def write_attributions(
    made: Graph, name: Name, told: Mapping[Against, AttributionView | Issue], answer: URIRef, value: URIRef
) -> None:
    """State each comparison that was asked for; of one that cannot be told, why."""
    for place, (against, found) in enumerate(told.items()):
        node = name(f"attribution-{place}")
        made.add((answer, MPM.attribution, node))
        made.add((node, RDF.type, PROV.Entity))
        made.add((node, RDF.type, MPM.Attribution))
        made.add((node, PROV.wasDerivedFrom, value))
        made.add((node, PROV.wasAttributedTo, AGENT))
        made.add((node, MPM.position, Literal(place)))
        made.add((node, MPM.against, Literal(against.baseline.value)))
        if against.since is not None:
            made.add((node, MPM.since, moment(against.since)))
        if isinstance(found, Issue):
            made.add((node, MPM.refused, Literal(found.text)))
        else:
            _write_told(made, name, f"attribution-{place}", found)


def _write_told(made: Graph, name: Name, part: str, told: AttributionView) -> None:
    node = name(part)
    made.add((node, DCTERMS.description, Literal(told.text)))
    made.add((node, MPM.scale, Literal(told.scale)))
    made.add((node, MPM.baseline, Literal(told.baseline)))
    made.add((node, MPM.base, measured(told.base)))
    made.add((node, MPM.output, measured(told.output)))
    made.add((node, MPM.residual, measured(told.residual)))
    _write_ends(made, name, part, told.base_value, told.output_value)
    for text in told.flipped:
        made.add((node, MPM.flipped, Literal(text)))
    for place, between in enumerate(told.between):
        number = name(f"{part}.between-{place}")
        made.add((node, MPM.between, number))
        made.add((number, RDF.type, PROV.Entity))
        made.add((number, MPM.concept, URIRef(between.concept.iri)))
        _write_ends(made, name, f"{part}.between-{place}", between.before, between.after)
    for place, stayed in enumerate(told.stayed):
        kept = name(f"{part}.stayed-{place}")
        made.add((node, MPM.stayed, kept))
        made.add((kept, RDF.type, PROV.Entity))
        made.add((kept, MPM.concept, URIRef(stayed.concept.iri)))
        made.add((kept, MPM.name, Literal(stayed.slot)))
        made.add((kept, MPM.reason, Literal(stayed.why)))
        write_value(made, kept, stayed.value)
    # By themselves, not by what they say: two may be equal, as parts of what moved as one.
    places = {id(item): place for place, item in enumerate(told.items)}
    for place, item in enumerate(told.items):
        made.add((node, MPM.item, name(f"{part}.item-{place}")))
        made.add((name(f"{part}.item-{place}"), MPM.position, Literal(place)))
        _write_item(made, name, f"{part}.item-{place}", item)
    for place, group in enumerate(told.groups):
        grouped = name(f"{part}.group-{place}")
        made.add((node, MPM.together, grouped))
        made.add((grouped, RDF.type, PROV.Entity))
        made.add((grouped, DCTERMS.description, Literal(group.text)))
        made.add((grouped, MPM.amount, measured(group.amount)))
        if group.error is not None:
            made.add((grouped, MPM.error, measured(group.error)))
        for item in group.items:
            made.add((grouped, MPM.item, name(f"{part}.item-{places[id(item)]}")))


def _write_item(made: Graph, name: Name, part: str, item: ItemView) -> None:
    node = name(part)
    made.add((node, RDF.type, PROV.Entity))
    made.add((node, MPM.concept, URIRef(item.concept.iri)))
    if item.slot is not None:
        made.add((node, MPM.name, Literal(item.slot)))
    made.add((node, MPM.amount, measured(item.amount)))
    if item.error is not None:
        made.add((node, MPM.error, measured(item.error)))
    if item.usual is not None:
        made.add((node, MPM.usual, Literal(item.usual)))
    if item.assumed:
        made.add((node, MPM.assumed, Literal(True)))
    made.add((node, MPM.alone, Literal(item.alone)))
    made.add((node, MPM.needed, Literal(item.needed)))
    before, after = _write_ends(made, name, part, item.before, item.after)
    for end, effective, records in (
        (before, item.effective_before, item.records_before),
        (after, item.effective, item.records),
    ):
        if effective is not None:
            made.add((end, MPM.effective, moment(effective)))
        for record in records:
            made.add((end, PROV.wasDerivedFrom, write_record(made, record)))


def _write_ends(made: Graph, name: Name, part: str, before: Value, after: Value) -> tuple[URIRef, URIRef]:
    """State what something was at the baseline, and what it is."""
    ends = name(f"{part}.from"), name(f"{part}.to")
    for term, end, value in zip((MPM["from"], MPM.to), ends, (before, after), strict=True):
        made.add((name(part), term, end))
        made.add((end, RDF.type, PROV.Entity))
        made.add((end, RDF.type, MPM.End))
        write_value(made, end, value)
    return ends

"""What filled a slot, as an entity: its value, its time, and the records, steps or assumption that it comes from."""

from collections.abc import Sequence

from rdflib import OWL, PROV, RDF, RDFS, Graph, Literal, URIRef

from ontology.resources import RecordRef
from server.explain.prov.terms import MPM, iri
from server.explain.prov.values import moment, write_interval, write_value
from server.explain.results import GroundView


def write_ground(made: Graph, given: URIRef, ground: GroundView, patient: URIRef, values: Sequence[URIRef]) -> None:
    """State one filled slot; ``values`` are the entities that the steps generated, by position."""
    made.add((given, RDF.type, PROV.Entity))
    made.add((given, RDF.type, MPM.Resource))
    made.add((given, MPM.concept, URIRef(ground.concept.iri)))
    made.add((given, MPM.name, Literal(ground.slot)))
    made.add((given, MPM.subject, patient))
    write_value(made, given, ground.value)
    write_interval(made, given, MPM.bounds, ground.bounds)
    if ground.assumed:
        made.add((given, MPM.assumed, Literal(True)))
        made.add((given, MPM.bySite, Literal(ground.by_site)))
    if ground.by_closed_world:
        made.add((given, MPM.closedWorld, Literal(True)))
    if ground.time is not None:
        made.add((given, MPM.effective, moment(ground.time.end)))
        if ground.time.start != ground.time.end:
            made.add((given, MPM.effectiveFrom, moment(ground.time.start)))
    if ground.why is not None:
        made.add((given, RDFS.comment, Literal(ground.why)))
    for step in ground.steps:
        made.add((given, PROV.wasDerivedFrom, values[step]))
    for record in ground.records:
        made.add((given, PROV.wasDerivedFrom, write_record(made, record)))


def write_record(made: Graph, record: RecordRef) -> URIRef:
    """State a record: the version that was read, of which record, from which server."""
    whole, server = iri(record.url), iri(record.server)
    entity = iri(f"{record.url}/_history/{record.version}") if record.version else whole
    made.add((entity, RDF.type, PROV.Entity))
    made.add((entity, RDF.type, MPM.Record))
    made.add((entity, PROV.wasAttributedTo, server))
    made.add((server, RDF.type, PROV.Agent))
    if record.version:
        made.add((entity, OWL.versionInfo, Literal(record.version)))
        made.add((entity, PROV.specializationOf, whole))
        made.add((whole, RDF.type, PROV.Entity))
    return entity

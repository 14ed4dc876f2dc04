"""The chain of a result as linked data: PROV-O with P-Plan.  Made only when it is asked for."""

from typing import Literal as Choice

from rdflib import OWL, PROV, RDF, RDFS, XSD, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCTERMS
from rdflib.term import Node

from ontology.resources import RecordRef
from ontology.values import Absent, Bound, Coding, Date, Quantity, Series, Value
from server.explain.results import AnswerResult, GroundView, StepView
from server.explain.wording import value_words

MPM = Namespace("https://medtwin.example/mpm#")
PPLAN = Namespace("http://purl.org/net/p-plan#")
_RESULTS = "https://medtwin.example/results/"


def provenance(result: AnswerResult, form: Choice["turtle", "json-ld"] = "turtle") -> str:
    """The chain in Turtle or JSON-LD."""
    return graph(result).serialize(format=form)


def graph(result: AnswerResult) -> Graph:
    """The chain as a graph: each step an activity that used its grounds and generated its value.

    Names are under the fingerprint and the time, so that graphs of two patients with equal inputs can be told apart
    only by their records.
    """
    made = Graph()
    for prefix, space in (("prov", PROV), ("p-plan", PPLAN), ("mpm", MPM), ("dcterms", DCTERMS), ("owl", OWL)):
        made.bind(prefix, space)
    patient = URIRef(result.reference)
    values: list[URIRef] = []
    for position, step in enumerate(result.chain):
        values.append(_step(made, result, position, step, values, patient))
    if result.leaf is not None:
        values.append(_ground(made, URIRef(_name(result, "value")), result.leaf, patient, values))
    answer = URIRef(_name(result, "answer"))
    made.add((answer, RDF.type, PROV.Bundle))
    made.add((answer, DCTERMS.description, Literal(result.text)))
    made.add((answer, MPM.status, Literal(result.status.value)))
    made.add((answer, PROV.generatedAtTime, Literal(result.at)))
    if values:
        made.add((answer, PROV.wasDerivedFrom, values[-1]))
    return made


def _step(
    made: Graph, result: AnswerResult, position: int, step: StepView, values: list[URIRef], patient: URIRef
) -> URIRef:
    activity, value = URIRef(_name(result, f"step-{position}")), URIRef(_name(result, f"value-{position}"))
    plan, module = URIRef(f"{step.module.iri}/{step.module.version}"), URIRef(step.module.iri)
    made.add((activity, RDF.type, PROV.Activity))
    made.add((activity, RDF.type, PPLAN.Activity))
    made.add((activity, RDF.type, MPM.Execution))
    made.add((activity, PPLAN.correspondsToStep, plan))
    made.add((activity, MPM.fingerprint, Literal(step.fingerprint)))
    made.add((activity, MPM.asOf, Literal(step.as_of)))
    made.add((activity, MPM.reused, Literal(step.reused)))
    made.add((activity, RDFS.comment, Literal(step.warrant)))
    # The plan is one version of the module: what was followed then, whatever the module says later.
    association = URIRef(_name(result, f"step-{position}-plan"))
    made.add((activity, PROV.qualifiedAssociation, association))
    made.add((association, RDF.type, PROV.Association))
    made.add((association, PROV.hadPlan, plan))
    made.add((association, PROV.agent, URIRef("https://medtwin.example/")))
    made.add((URIRef("https://medtwin.example/"), RDF.type, PROV.SoftwareAgent))
    made.add((plan, RDF.type, PROV.Plan))
    made.add((plan, RDF.type, PPLAN.Step))
    made.add((plan, DCTERMS.isVersionOf, module))
    made.add((plan, OWL.versionInfo, Literal(step.module.version)))
    made.add((plan, DCTERMS.title, Literal(step.module.title)))
    for citation in step.module.citations:
        made.add((plan, DCTERMS.source, URIRef(citation) if citation.startswith("http") else Literal(citation)))
    for ground in step.grounds:
        given = URIRef(_name(result, f"step-{position}-{ground.slot}"))
        made.add((activity, PROV.used, _ground(made, given, ground, patient, values)))
    _value(made, value, step.value)
    made.add((value, MPM.concept, URIRef(step.module.produces.iri)))
    made.add((value, PROV.wasGeneratedBy, activity))
    made.add((value, RDFS.label, Literal(step.claim)))
    for text in step.rebuttals:
        made.add((value, MPM.rebuttal, Literal(text)))
    return value


def _ground(made: Graph, given: URIRef, ground: GroundView, patient: URIRef, values: list[URIRef]) -> URIRef:
    _value(made, given, ground.value)
    made.add((given, RDF.type, MPM.Resource))
    made.add((given, MPM.concept, URIRef(ground.concept.iri)))
    made.add((given, MPM.name, Literal(ground.slot)))
    made.add((given, MPM.subject, patient))
    if ground.assumed:
        made.add((given, MPM.assumed, Literal(True)))
    if ground.effective is not None:
        made.add((given, MPM.effective, Literal(ground.effective)))
    for step in ground.steps:
        made.add((given, PROV.wasDerivedFrom, values[step]))
    for record in ground.records:
        made.add((given, PROV.wasDerivedFrom, _record(made, record)))
    return given


def _record(made: Graph, record: RecordRef) -> URIRef:
    entity = URIRef(f"{record.url}/_history/{record.version}" if record.version else record.url)
    made.add((entity, RDF.type, PROV.Entity))
    if record.version:
        made.add((entity, PROV.specializationOf, URIRef(record.url)))
        made.add((entity, OWL.versionInfo, Literal(record.version)))
    return entity


def _value(made: Graph, node: URIRef, value: Value) -> None:
    made.add((node, RDF.type, PROV.Entity))
    made.add((node, PROV.value, _literal(value)))
    match value:
        case Quantity() | Series():
            made.add((node, MPM.unit, Literal(value.unit)))
        case Bound():
            made.add((node, MPM.unit, Literal(value.unit)))
            made.add((node, MPM.comparator, Literal(value.comparator)))
        case Coding():
            made.add((node, MPM.system, Literal(value.system)))
            made.add((node, MPM.code, Literal(value.code)))
        case Absent():
            made.add((node, MPM.absent, Literal(value.reason.value)))
        case bool() | Date():
            pass


def _literal(value: Value) -> Node:
    match value:
        case bool():
            return Literal(value)
        case Quantity() | Bound():
            return Literal(value.value, datatype=XSD.decimal)
        case Date():
            return Literal(value.start) if value.start == value.end else Literal(value_words(value))
        case _:
            return Literal(value_words(value))


def _name(result: AnswerResult, part: str) -> str:
    return f"{_RESULTS}{result.fingerprint or result.concept.id}/{result.at:%Y%m%dT%H%M%S%z}#{part}".replace("+", "p")

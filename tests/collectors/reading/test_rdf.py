"""One record as FHIR RDF."""

from decimal import Decimal
from typing import Any

from rdflib import RDF, XSD, Literal, Namespace, URIRef

from collectors.reading.rdf import record_graph
from tests.support.collector_inputs import BASE, CREATININE, facts_of, observation

FHIR = Namespace("http://hl7.org/fhir/")


def test_record_is_told_in_the_manner_of_r4() -> None:
    facts = facts_of(observation("1.10", effectiveDateTime="2024-05"), concepts=(CREATININE,))
    (resource,) = facts.gathered_facts.resources["serum-creatinine"]
    assert resource.source is not None
    raw = facts.record(resource.source)
    assert raw is not None
    graph = record_graph(raw, BASE)
    subject = URIRef(f"{BASE}/Observation/o1")
    assert (subject, RDF.type, FHIR.Observation) in graph
    assert (subject, FHIR.nodeRole, FHIR.treeRoot) in graph

    def value(*path: str) -> object:
        node: Any = subject
        for step in path:
            node = graph.value(node, FHIR[step])
        return node

    assert value("Observation.status", "value") == Literal("final")
    assert value("Observation.effectiveDateTime", "value") == Literal("2024-05", datatype=XSD.gYearMonth)
    assert value("Observation.valueQuantity", "Quantity.value", "value") == Literal("1.10", datatype=XSD.decimal)
    assert value("Observation.subject", "link") == URIRef(f"{BASE}/Patient/p")
    assert value("Observation.code", "CodeableConcept.coding", "Coding.code", "value") == Literal("2160-0")
    assert value("Observation.code", "CodeableConcept.coding", "index") == Literal(0)
    assert value("Resource.id", "value") == Literal("o1")


def test_components_are_named_by_their_path_and_nulls_are_passed_over() -> None:
    raw = {
        "resourceType": "Observation",
        "component": [{"code": {"text": "x"}, "valueInteger": 3}],
        "contained": [{"resourceType": "Patient"}],
        "_status": {"extension": [{"url": "urn:x", "valueDecimal": Decimal("0.5")}]},
    }
    told = record_graph(raw, BASE).serialize(format="turtle")
    assert "fhir:Observation.component.valueInteger" in told
    assert "fhir:Extension.valueDecimal" in told
    assert "contained" not in told


def test_record_that_was_not_fetched_has_no_graph() -> None:
    facts = facts_of(concepts=(CREATININE,))
    (resource,) = facts_of(observation(), concepts=(CREATININE,)).gathered_facts.resources["serum-creatinine"]
    assert resource.source is not None
    assert facts.record(resource.source) is None

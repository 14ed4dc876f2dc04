"""One record as FHIR RDF, in the manner of R4: what it states, and that both forms state the same."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import rdflib
from rdflib import RDF, XSD, Literal, Namespace, URIRef
from rdflib.compare import isomorphic

from collectors.errors import SourceAnswerError
from collectors.reading.records import decode_plain
from server.explain.prov import Form, serialize_record
from server.explain.prov.fhir_record import LONGEST_NAME, MOST_DIGITS, MOST_ELEMENTS, record_graph
from tests.support.collector_inputs import BASE, observation
from tests.support.rdf_graphs import library_graph, parsed_graph

FHIR = Namespace("http://hl7.org/fhir/")
PATIENTS = Path(__file__).parents[3] / "fixtures/patients"
FORMS: tuple[Form, ...] = ("turtle", "json-ld")


def graph_of(record: dict[str, Any]) -> rdflib.Graph:
    return library_graph(record_graph(record, BASE))


def test_record_is_stated_in_the_manner_of_r4() -> None:
    graph = graph_of(dict(observation(Decimal("1.10"), effectiveDateTime="2024-05")))
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


@pytest.mark.parametrize("form", FORMS)
def test_the_digits_of_a_number_are_those_of_the_record(form: Form) -> None:
    raw = decode_plain(b'{"resourceType":"Observation","id":"o","valueQuantity":{"value":1.10},"valueDecimal":7,"n":7}')
    text = serialize_record(raw, BASE, form)
    quads = list(ox.parse(text, format=ox.RdfFormat.TURTLE if form == "turtle" else ox.RdfFormat.JSON_LD))
    numbers = {(each.object.value, each.object.datatype.value) for each in quads if isinstance(each.object, ox.Literal)}
    decimal, integer = str(XSD.decimal), str(XSD.integer)
    assert {("1.10", decimal), ("7", decimal), ("7", integer)} <= numbers


def test_components_are_named_by_their_path_and_nulls_are_passed_over() -> None:
    raw = {
        "resourceType": "Observation",
        "id": "o1",
        "component": [{"code": {"text": "x"}, "valueInteger": 3}],
        "contained": [{"resourceType": "Patient"}],
        "_status": {"extension": [{"url": "urn:x", "valueDecimal": Decimal("0.5")}]},
        "empty": {"of": [{}, None, []]},
    }
    text = serialize_record(raw, BASE)
    assert "fhir:Observation.component.valueInteger" in text
    assert "fhir:Extension.valueDecimal" in text
    assert "contained" not in text and "empty" not in text


HOSTILE: list[dict[str, Any]] = [
    {"status": 'a" . <urn:x> <urn:y> <urn:z> . "'},
    {"status": "\\u0022 \\ \n \t \x00 \x1b[2J \u202e \U0001f600 '''"},
    {'x> <urn:y> "z': 1},
    {"a b": "c", "é": "d", "": "e", "1": "f", ".": "g", "_": {"h": 1}},
    {"subject": {"reference": "no address: at all"}},
    {"subject": {"reference": "http://[bad"}},
    {"subject": {"reference": "Patient/p> <urn:x"}},
    {"subject": {"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}},
    {"subject": {"reference": ""}},
    {"valueQuantity": {"value": Decimal("1E+30")}},
    {"valueQuantity": {"value": Decimal("-1E-30")}},
    {"deep": [[["x"]]]},
    {"mixed": [1, "x", None, {"y": True}], "_mixed": [None, {"id": "e"}]},
    {"issued": "2024-05-01T10:00:00Z", "effectiveDateTime": "2024-13", "birthDate": "1960"},
    {"resourceType": 'Observation> <urn:x> "'},
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("elements", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_a_record_holds_both_forms_state_the_same(elements: dict[str, Any], form: Form) -> None:
    raw = {"resourceType": "Observation", "id": "o1", **elements}
    text = serialize_record(raw, BASE, form)
    stated = graph_of(raw)
    assert isomorphic(parsed_graph(text, form), stated)
    # A stricter reader takes it too.
    kind = ox.RdfFormat.TURTLE if form == "turtle" else ox.RdfFormat.JSON_LD
    assert len(list(ox.parse(text, format=kind))) == len(stated)
    assert not {str(each) for each in stated.subjects()} & {"urn:x", "urn:y"}


@pytest.mark.parametrize(
    ("elements", "fits"),
    [
        # The id is an element, too.
        ({"x": [1] * (MOST_ELEMENTS - 1)}, True),
        ({"x": [1] * MOST_ELEMENTS}, False),
        ({"x": [{"a": 1}] * (MOST_ELEMENTS // 2)}, False),
        ({"x": [None] * MOST_ELEMENTS}, False),
        # A few bytes of JSON that are as long as one likes without an exponent.
        ({"x": Decimal(f"1E{MOST_DIGITS}")}, True),
        ({"x": Decimal(f"1E{MOST_DIGITS + 1}")}, False),
        ({"x": Decimal(f"-1E-{MOST_DIGITS}")}, True),
        ({"x": [Decimal(f"-1E-{MOST_DIGITS + 1}")]}, False),
        # The name of an element is in the name of each that it holds.
        ({"x" * (LONGEST_NAME - len("Observation.") - len(".a")): {"a": 1}}, True),
        ({"x" * (LONGEST_NAME - len("Observation.") - len(".a") + 1): {"a": 1}}, False),
    ],
    ids=range(10),
)
def test_a_record_whose_rdf_would_be_without_measure_is_refused(elements: dict[str, Any], fits: bool) -> None:
    raw = {"resourceType": "Observation", "id": "o1", **elements}
    if fits:
        assert len(record_graph(raw, BASE)) > 3
    else:
        with pytest.raises(SourceAnswerError, match="larger than is written as RDF"):
            record_graph(raw, BASE)


@pytest.mark.parametrize("name", ["healthy", "dialysis", "sepsis-ward"])
@pytest.mark.parametrize("form", FORMS)
def test_the_records_of_the_synthetic_patients(name: str, form: Form) -> None:
    bundle = decode_plain((PATIENTS / f"{name}.json").read_bytes())
    seen: set[str] = set()
    for entry in bundle["entry"]:
        record = entry["resource"]
        if record["resourceType"] in seen:
            continue
        seen.add(record["resourceType"])
        text = serialize_record(record, BASE, form)
        assert isomorphic(parsed_graph(text, form), graph_of(record))
        if form == "json-ld":
            json.loads(text)
    assert {"Patient", "Observation"} <= seen

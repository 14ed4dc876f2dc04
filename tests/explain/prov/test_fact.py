"""One fact in RDF: its metadata and its record, the same statements whoever reads them."""

from dataclasses import replace
from typing import Any

import pytest
from rdflib import PROV, RDF, RDFS, XSD, Literal, URIRef
from rdflib.compare import isomorphic

from server.explain.explain import explain
from server.explain.prov import Form, serialize_fact
from server.explain.prov.fact import fact_graph
from server.explain.results import GroundView
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import open_asker
from tests.support.rdf_graphs import MPM, library_graph, parsed_graph

RECORD = URIRef("https://ehr.example/fhir/Observation/o1/_history/7")
CHART = [
    patient(),
    creatinine(
        97.2,
        "2026-06-01T08:30:00Z",
        "umol/L",
        "o1",
        meta={"versionId": "7"},
        issued="2026-06-01T09:00:00Z",
        referenceRange=[{"low": {"value": 45, "unit": "umol/L"}, "high": {"value": 84, "unit": "umol/L"}}],
        interpretation=[{"coding": [{"code": "H", "display": "High"}]}],
    ),
]


async def grounds() -> dict[str, GroundView]:
    async with open_asker(cache={"enabled": False}) as ask:
        (result,) = explain(await ask(CHART, "egfr"))
    return {ground.slot: ground for step in result.chain for ground in step.grounds}


async def test_what_a_fact_states() -> None:
    ground = (await grounds())["creatinine"]
    graph = library_graph(fact_graph(ground))
    (fact,) = graph.subjects(RDF.type, MPM.Resource)
    stated = {
        (PROV.wasDerivedFrom, RECORD),
        (MPM.concept, URIRef(ground.concept.iri)),
        (MPM.subject, URIRef("https://ehr.example/fhir/Patient/p1")),
        (MPM.unit, Literal("mg/dL")),
        (MPM.effective, Literal("2026-06-01T08:30:00+00:00", datatype=XSD.dateTime)),
        (MPM.issued, Literal("2026-06-01T09:00:00+00:00", datatype=XSD.dateTime)),
        (MPM.recordStatus, Literal("final")),
        (MPM.recordedValue, Literal("97.2 umol/L")),
        (MPM.referenceRange, Literal(ground.reference_range)),
        (MPM.recordInterpretation, Literal(ground.interpretation)),
    }
    assert stated <= set(graph.predicate_objects(fact))
    assert ground.reference_range and ground.interpretation
    assert (RECORD, RDF.type, MPM.Record) in graph
    assert (RECORD, PROV.specializationOf, URIRef("https://ehr.example/fhir/Observation/o1")) in graph


@pytest.mark.parametrize("form", ["turtle", "json-ld"])
async def test_every_ground_is_written_as_it_is_stated(form: Form) -> None:
    found = await grounds()
    assert len(found) > 5
    for ground in found.values():
        assert isomorphic(parsed_graph(serialize_fact(ground, form), form), library_graph(fact_graph(ground))), (
            ground.slot
        )


async def test_what_is_absent_says_why_and_what_is_computed_has_no_record() -> None:
    found = await grounds()
    missing = next(each for each in found.values() if each.absence_reason is not None)
    graph = library_graph(fact_graph(missing))
    (fact,) = graph.subjects(RDF.type, MPM.Resource)
    assert graph.value(fact, MPM.absent) and graph.value(fact, RDFS.comment) == Literal(missing.absence_reason)
    assert graph.value(fact, PROV.value) is None
    computed = library_graph(fact_graph(found["age"]))
    assert found["age"].steps and not set(computed.objects(None, PROV.wasDerivedFrom)) - {
        URIRef(each.url) for each in found["age"].records
    }


async def test_facts_share_a_name_only_where_their_content_is_equal() -> None:
    ground = (await grounds())["creatinine"]

    def name(**changes: Any) -> object:
        return library_graph(fact_graph(replace(ground, **changes))).value(None, RDF.type, MPM.Resource)

    assert name() == name()
    for changes in ({"subject": "https://ehr.example/fhir/Patient/p2"}, {"status": "amended"}, {"records": ()}):
        assert name(**changes) != name()

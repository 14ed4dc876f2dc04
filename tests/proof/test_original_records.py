"""Records themselves, from servers that we did not write: the version that an answer rests on, and no other."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal

import pytest
from rdflib.compare import isomorphic

from collectors.auth.authorisations import NO_CALLER
from collectors.errors import OtherPatientError, VersionGoneError
from collectors.reading.record_content import RecordContent
from fixtures.ehr import Ehr
from fixtures.medplum.running import Medplum
from ontology.resources import RecordRef
from server.executor.engine import Engine
from server.executor.question import Question
from server.executor.record_question import RecordQuestion, record_at, records_of_trace
from server.explain.prov import Form, serialize_record
from server.explain.prov.fhir_record import record_graph
from server.graphql.endpoint import GraphQL
from server.settings import Settings
from tests.support.charts import Record, creatinine, patient
from tests.support.engine_questions import shipped
from tests.support.rdf_graphs import library_graph, parsed_graph

AT = datetime.fromisoformat("2026-06-30T12:00:00+00:00")
OF = "originals"
MINE: Record = {"subject": {"reference": f"Patient/{OF}"}}
CHART = [patient(id=OF), patient(id="originals-2"), creatinine(1.5, "2026-06-01T08:30:00Z", id="originals-c", **MINE)]
QUERY = f"""{{ patient(id: "{OF}") {{ results(of: ["serum-creatinine"], at: "{AT.isoformat()}") {{
  text records {{ url version resource rdf json: rdf(format: JSON_LD) }} }} }} }}"""


def settings(server: Ehr) -> Settings:
    return Settings.model_validate(
        {"sources": [{"id": "ehr", "base_url": server.base_url}], "cache": {"enabled": False}}
    )


async def the_creatinine(engine: Engine) -> RecordQuestion:
    trace = await engine.ask(Question(OF, ("serum-creatinine",), AT))
    (question,) = (each for ref, each in records_of_trace(trace, NO_CALLER).items() if ref.type == "Observation")
    return question


async def check_server(server: Ehr) -> None:
    """A record is read as the server itself gives it; once it was changed, the version read before is still that."""
    server.load(CHART)
    async with await Engine.open(settings(server), shipped()) as engine:
        first = await the_creatinine(engine)
        content = await engine.record(first)
        version = content.ref.version
        assert version and content.ref == first.record
        direct = server.get("Observation/originals-c")
        assert json.loads(content.body) == direct
        told, status = await GraphQL(engine, engine.settings.server).run(QUERY)
        assert (status, told.get("errors")) == (200, None)
        (found,) = told["data"]["patient"]["results"][0]["records"]
        assert bytes(found["resource"]) == content.body and found["version"] == version
        stated = library_graph(record_graph(content.values, server.base_url))
        forms: dict[Form, str] = {"turtle": found["rdf"], "json-ld": found["json"]}
        for form, text in forms.items():
            assert isomorphic(parsed_graph(text, form), stated)
        assert serialize_record(content.values, server.base_url) == found["rdf"]

        server.load([creatinine(1.9, "2026-06-01T08:30:00Z", id="originals-c", **MINE)])
        await check_versions(engine, first, content)
        with pytest.raises(OtherPatientError):
            await engine.record(RecordQuestion(first.record, "originals-2"))
        named = record_at(f"{server.base_url}/Patient/{OF}", engine.sources.values())
        assert (await engine.record(RecordQuestion(named, OF))).values["id"] == OF


async def check_versions(engine: Engine, first: RecordQuestion, content: RecordContent) -> None:
    second = await the_creatinine(engine)
    assert second.record.version != first.record.version
    assert (await engine.record(second)).values["valueQuantity"]["value"] == Decimal("1.9")
    again = await engine.record(first)
    assert again.body == content.body and again.values["valueQuantity"]["value"] == Decimal("1.5")
    ref = first.record
    never = RecordRef(ref.source, ref.server, ref.type, ref.id, "9999")
    with pytest.raises(VersionGoneError):
        await engine.record(RecordQuestion(never, OF))


@pytest.mark.ehr
async def test_sekmet(shared_ehr: Ehr) -> None:
    await check_server(shared_ehr)


@pytest.mark.ehr
async def test_medplum(shared_medplum: Medplum) -> None:
    await check_server(shared_medplum)

"""Two real FHIR servers, one patient: what the laboratory holds counts in the answer about the EHR's patient."""

import pytest

from fixtures.ehr import Ehr, running_ehr
from server.executor.engine import Engine
from server.executor.question import Question
from server.explain.explain import explain
from server.explain.text import render_argument
from server.settings import Settings
from tests.support.charts import Record, creatinine, patient
from tests.support.engine_questions import AT, shipped

MRN = "https://hospital.example/joined-mrn"
CARRIED = [{"system": MRN, "value": "J-17"}]
OLD, NEW = "2026-06-01T08:30:00Z", "2026-06-02T08:30:00Z"


def lab_records(carried: list[dict[str, str]]) -> list[dict[str, object]]:
    stranger = patient(id="joined-x", identifier=[{"system": MRN, "value": "J-18"}])
    hers: Record = {"subject": {"reference": "Patient/joined-77"}}
    theirs: Record = {"subject": {"reference": "Patient/joined-x"}}
    return [
        patient(id="joined-77", identifier=carried),
        stranger,
        creatinine(1.6, NEW, id="joined-c77", **hers),
        creatinine(4.4, NEW, id="joined-cx", **theirs),
    ]


@pytest.mark.ehr
async def test_the_laboratory_knows_the_patient_by_another_id(shared_ehr: Ehr) -> None:
    mine: Record = {"subject": {"reference": "Patient/joined-p"}}
    shared_ehr.load([patient(id="joined-p", identifier=CARRIED), creatinine(1.1, OLD, id="joined-c", **mine)])
    with running_ehr() as laboratory:
        laboratory.load(lab_records(CARRIED))
        sources = [
            {"id": "ehr", "base_url": shared_ehr.base_url, "identifiers": [MRN]},
            {"id": "lab", "base_url": laboratory.base_url, "identifiers": [MRN]},
        ]
        settings = Settings.model_validate({"sources": sources, "cache": {"enabled": False}})
        async with await Engine.open(settings, shipped()) as engine:
            question = Question("joined-p", ("serum-creatinine", "egfr"), AT, "ehr")
            recorded, egfr = explain(await engine.ask(question))
            # With the laboratory alone, asked by the id that it knows, the same value.
            alone, _ = explain(await engine.ask(Question("joined-77", question.concepts, AT, "lab")))
    assert [(each.source, each.id) for each in recorded.records] == [("lab", "joined-c77")]
    assert recorded.value == alone.value
    assert "joined-c77" in render_argument(egfr) and "joined-cx" not in render_argument(egfr)

"""Anticoagulation in atrial fibrillation: who has nothing on record, and who is left alone."""

from typing import Any

import pytest

from ontology.values import Absent, AbsentReason, Coding
from server.catalog.catalog import Catalog
from server.executor.trace import Trace
from tests.support.charts import condition, patient
from tests.support.engine_questions import open_asker, shipped
from tests.support.module_inputs import number_of

FIBRILLATION, STROKE, HYPERTENSION, DIABETES = "49436004", "230690007", "38341003", "73211009"
ATC = "http://www.whocc.no/atc"


def prescription(code: str | None, *, status: str = "active", on: str = "2026-03-01", **more: Any) -> dict[str, Any]:
    coded = {"coding": [{"system": ATC, "code": code}]} if code is not None else {}
    return {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "status": status,
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "authoredOn": on,
        "medicationCodeableConcept": {**coded, **more},
    }


async def ask(*records: dict[str, Any], birth: str = "1945-01-01", gender: str = "male") -> Trace:
    async with open_asker(cache={"enabled": False}) as question:
        return await question([patient(birth, gender), *records], "af-anticoagulation")


def outcome(trace: Trace) -> str | None:
    value = trace.executions[-1].evaluation.value
    return value.code if isinstance(value, Coding) else None


@pytest.mark.parametrize(
    ("medication", "code"),
    [
        (None, "af-anticoagulant-recommended"),
        (prescription("C07AB02"), "af-anticoagulant-recommended"),
        (prescription("B01AF02"), "af-anticoagulant-on-record"),
        (prescription("B01AA03"), "af-anticoagulant-on-record"),
        (prescription("B01AF02", status="stopped"), "af-anticoagulant-recommended"),
        (prescription("B01AF02", on="2023-01-01"), "af-anticoagulant-recommended"),
        # It is named in words only, or its status is not known: neither yes nor no, and no card.
        (prescription(None, text="Apixaban 5 mg twice daily"), None),
        (prescription("B01AF02", status="unknown"), None),
    ],
)
async def test_a_card_needs_that_no_oral_anticoagulant_is_on_record(
    medication: dict[str, Any] | None, code: str | None
) -> None:
    records = [condition(FIBRILLATION), *([] if medication is None else [medication])]
    trace = await ask(*records)
    assert outcome(trace) == code
    if code is None:
        assert trace.executions[-1].evaluation.value == Absent(AbsentReason.INPUT_ABSENT)


@pytest.mark.parametrize(
    ("medication", "told"),
    [
        (None, False),
        (prescription("C07AB02"), False),
        (prescription("B01AF02", status="stopped"), True),
        (prescription("B01AF02", status="completed"), True),
        (prescription("B01AF02", on="2023-01-01"), True),
        (prescription("B01AF02"), False),
    ],
)
async def test_an_earlier_anticoagulant_is_told(medication: dict[str, Any] | None, told: bool) -> None:
    """Somebody had a reason to stop it, or nobody closed the prescription."""
    trace = await ask(condition(FIBRILLATION), *([] if medication is None else [medication]))
    assert ("earlier-anticoagulant" in {issue.code for issue in trace.executions[-1].evaluation.issues}) is told


@pytest.mark.parametrize(
    ("birth", "conditions", "code"),
    [
        ("1970-01-01", (), "af-no-point-documented"),
        ("1970-01-01", (HYPERTENSION,), "af-anticoagulant-considered"),
        ("1970-01-01", (HYPERTENSION, DIABETES), "af-anticoagulant-recommended"),
        ("1958-01-01", (), "af-anticoagulant-considered"),
        ("1945-01-01", (), "af-anticoagulant-recommended"),
    ],
)
@pytest.mark.parametrize("gender", ["male", "female"])
async def test_it_says_for_men_and_women_what_the_score_with_sex_says(
    birth: str, conditions: tuple[str, ...], code: str, gender: str
) -> None:
    """The lowest totals of both scores are put to the thresholds of ESC 2020: one more for women."""
    records = [patient(birth, gender), condition(FIBRILLATION), *map(condition, conditions)]
    async with open_asker(cache={"enabled": False}) as question:
        trace = await question(records, "af-anticoagulation", "cha2ds2-vasc")
    evaluations = {each.description.id: each.evaluation for each in trace.executions}
    points = number_of(evaluations["cha2ds2-vasc"]) - (gender == "female")
    expected = {0: "af-no-point-documented", 1: "af-anticoagulant-considered"}.get(
        int(points), "af-anticoagulant-recommended"
    )
    assert code == expected
    value = evaluations["af-anticoagulation"].value
    assert isinstance(value, Coding) and value.code == code


async def test_without_atrial_fibrillation_it_says_nothing() -> None:
    trace = await ask(condition(STROKE), prescription("B01AF02"))
    assert trace.executions[-1].evaluation.value == Absent(AbsentReason.NOT_APPLICABLE)


def test_its_outcomes_are_what_the_service_speaks_of() -> None:
    catalog: Catalog = shipped()
    rules = catalog.services["af-stroke-prevention"].rules
    outcomes = [outcome.coding for outcome in catalog.modules["af-anticoagulation"].outcomes]
    assert [rule.bands for rule in rules] == [(coding,) for coding in outcomes]

"""References under another base URL of a source: they mean its records where the settings say so, else nobody knows."""

from dataclasses import replace
from typing import Any

import pytest

from collectors.gathering.patient_matching import patient_id_in
from collectors.reading.fhir_types import Reference
from collectors.reading.readout import PatientContext, local_id
from ontology.slots import Select
from ontology.values import Absent, Value
from tests.support.charts import encounter
from tests.support.collector_inputs import AT, FIBRILLATION, PATIENT, SOURCE, condition, facts_of, slot
from tests.support.event_records import RXNORM, ask, coding, concept_of, event

FACADE = "https://facade.example/r4"
ALIASED = replace(SOURCE, aliases=(FACADE,))


@pytest.mark.parametrize("source", [SOURCE, ALIASED])
@pytest.mark.parametrize(
    ("base", "aliased"),
    [
        (SOURCE.base_url, False),
        (FACADE, True),
        (f"{FACADE}/tenant", None),
        ("https://facade.example", None),
        ("https://facade.example/r4x", None),
        ("http://facade.example/r4", None),
    ],
)
def test_what_a_reference_means(source: Any, base: str, aliased: bool | None) -> None:
    known = aliased is False or (aliased is True and source is ALIASED)
    assert local_id(f"{base}/Medication/m1/_history/2", "Medication", source.bases) == ("m1" if known else None)
    assert patient_id_in(f"{base}/Patient/x", source) == ("x" if known else None)
    setting = PatientContext.for_patient(source, "p")
    assert setting.refers_to_patient(Reference(f"{base}/Patient/p")) is known
    # Whether what is not known here means another patient cannot be told: it rules nothing out.
    assert setting.refers_to_another_patient(Reference(f"{base}/Patient/q")) is known


@pytest.mark.parametrize(("source", "value"), [(SOURCE, None), (ALIASED, True)])
def test_a_medication_named_under_the_alias(source: Any, value: bool | None) -> None:
    reference = {"reference": f"{FACADE}/Medication/m1"}
    record = event("MedicationRequest", medicationCodeableConcept=None, medicationReference=reference)
    medication = {"resourceType": "Medication", "id": "m1", "code": coding("11289", RXNORM)}
    found: Value = ask(record, medication, concept=concept_of("MedicationRequest"), source=source).value
    assert found is True if value else isinstance(found, Absent)


@pytest.mark.parametrize(("source", "value"), [(SOURCE, None), (ALIASED, True)])
def test_the_patient_and_the_encounter_under_the_alias(source: Any, value: bool | None) -> None:
    record = condition(
        subject={"reference": f"{FACADE}/Patient/{PATIENT['id']}"},
        encounter={"reference": f"{FACADE}/Encounter/e1"},
        onsetDateTime=None,
        recordedDate=None,
    )
    stay = encounter("2024-05-01T08:00:00Z", "2024-05-02T08:00:00Z", of="p")
    wanted = slot(FIBRILLATION, Select.ANY, closed_world=True)
    found = facts_of(record, stay, concepts=(FIBRILLATION,), source=source).select(wanted, AT, AT)
    assert found.value is True if value else isinstance(found.value, Absent)

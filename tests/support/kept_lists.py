"""A record of a woman of 60 with everything that PREVENT needs, and two lists that somebody keeps; with changes."""

from collections.abc import Iterable, Mapping
from typing import Any

from tests.support.charts import Record
from tests.support.engine_questions import PATIENT

SUBJECT = {"reference": f"Patient/{PATIENT}"}
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
ICD, ATC = "http://hl7.org/fhir/sid/icd-10-cm", "http://www.whocc.no/atc"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
VISIT_DAY = "2026-03-02"


def coded(system: str, code: str, text: str | None = None) -> dict[str, Any]:
    """A CodeableConcept of one code."""
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


def measured(id_: str, code: str, value: float, unit: str, day: str = "2026-05-20") -> Record:
    """A final Observation."""
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": coded(LOINC, code),
        "subject": SUBJECT,
        "effectiveDateTime": f"{day}T09:00:00Z",
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }


def diagnosis(id_: str = "c1", code: Mapping[str, Any] | None = None, **changes: Any) -> Record:
    """An active, confirmed Condition; osteoarthritis of a knee, recorded in the visit."""
    return {
        "resourceType": "Condition",
        "id": id_,
        "clinicalStatus": coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
        "verificationStatus": coded("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed"),
        "code": code or coded(ICD, "M17.11", "Osteoarthritis of the right knee"),
        "subject": SUBJECT,
        "encounter": {"reference": "Encounter/e1"},
        "recordedDate": VISIT_DAY,
    } | changes


def status(kind: str, code: str) -> dict[str, Any]:
    """A clinical or verification status of a Condition."""
    return coded(f"http://terminology.hl7.org/CodeSystem/condition-{kind}", code)


def prescription(id_: str = "m1", code: Mapping[str, Any] | None = None, **changes: Any) -> Record:
    """An active order; paracetamol, ordered on the day of the visit."""
    return {
        "resourceType": "MedicationRequest",
        "id": id_,
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": code or coded(ATC, "N02BE01", "Paracetamol"),
        "subject": SUBJECT,
        "authoredOn": VISIT_DAY,
    } | changes


def visit(id_: str = "e1", day: str = VISIT_DAY, kind: str = "AMB", **changes: Any) -> Record:
    """A finished Encounter of an hour."""
    return {
        "resourceType": "Encounter",
        "id": id_,
        "status": "finished",
        "class": {"system": ACT, "code": kind},
        "subject": SUBJECT,
        "period": {"start": f"{day}T08:30:00Z", "end": f"{day}T09:30:00Z"},
    } | changes


def kept_list(code: str, date: str | None = VISIT_DAY, **changes: Any) -> Record:
    """A current List with one entry: 11450-4 problems, 10160-0 medications."""
    return {
        "resourceType": "List",
        "id": f"l{code}",
        "status": "current",
        "mode": "working",
        "code": coded(LOINC, code),
        "subject": SUBJECT,
        "entry": [{"item": {"reference": "Condition/c1" if code == "11450-4" else "MedicationRequest/m1"}}],
        **({"date": date} if date else {}),
    } | changes


def provenance(target: str, recorded: str, id_: str = "v1") -> Record:
    """That a record was made or changed."""
    return {"resourceType": "Provenance", "id": id_, "target": [{"reference": target}], "recorded": recorded}


BASE: tuple[Record, ...] = (
    {"resourceType": "Patient", "id": PATIENT, "gender": "female", "birthDate": "1966-03-01"},
    measured("tc", "2093-3", 210, "mg/dL"),
    measured("hdl", "2085-9", 52, "mg/dL"),
    measured("scr", "2160-0", 0.8, "mg/dL"),
    measured("sbp", "8480-6", 132, "mm[Hg]"),
    measured("weight", "29463-7", 72, "kg"),
    measured("height", "8302-2", 168, "cm"),
    {
        "resourceType": "Observation",
        "id": "smoking",
        "status": "final",
        "code": coded(LOINC, "72166-2"),
        "subject": SUBJECT,
        "effectiveDateTime": "2026-05-20T09:00:00Z",
        "valueCodeableConcept": coded(SNOMED, "266919005"),
    },
)
LISTS: tuple[Record, ...] = (diagnosis(), prescription(), visit())
"""Both lists alive: an entry of each recorded in an outpatient visit."""


def chart(*more: Record, lists: Iterable[Record] = LISTS) -> list[Record]:
    """The record; one of ``more`` replaces that of its type and id."""
    found = {(each["resourceType"], each["id"]): each for each in (*BASE, *lists, *more)}
    return list(found.values())

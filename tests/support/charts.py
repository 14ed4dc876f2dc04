"""FHIR records for tests, as short as they can be and still be FHIR; a chart as a bundle file for the command line."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

LOINC, SCT, UCUM = "http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org"
Record = dict[str, Any]


def patient(birth: str | None = "1960-03-15", gender: str | None = "female", id: str = "p1", **more: Any) -> Record:  # noqa: A002
    record = {"resourceType": "Patient", "id": id, "gender": gender, "birthDate": birth, **more}
    return {key: value for key, value in record.items() if value is not None}


def lab(
    code: str,
    value: str | float | None,
    unit: str | None,
    when: str,
    id: str | None = None,  # noqa: A002
    *,
    of: str = "p1",
    system: str = LOINC,
    **more: Any,
) -> Record:
    """An Observation with a quantity; ``value`` as it is to be written, ``more`` for any other element."""
    record: Record = {
        "resourceType": "Observation",
        "id": id or f"{code}-{when}".replace(":", "").replace("+", "-").replace("T", "-"),
        "status": "final",
        "code": {"coding": [{"system": system, "code": code}]},
        "subject": {"reference": f"Patient/{of}"},
        "effectiveDateTime": when,
    }
    if value is not None:
        quantity: Record = {"value": float(value)}
        if unit is not None:
            quantity |= {"unit": unit, "system": UCUM, "code": unit}
        record["valueQuantity"] = quantity
    return record | more


def creatinine(value: float, when: str, unit: str = "mg/dL", id: str | None = None, **more: Any) -> Record:  # noqa: A002
    return lab("2160-0", value, unit, when, id, **more)


def uacr(value: float, when: str, unit: str = "mg/g", id: str | None = None, **more: Any) -> Record:  # noqa: A002
    return lab("9318-7", value, unit, when, id, **more)


def answer(code: str, coding: tuple[str, str], when: str, *, system: str = LOINC, **more: Any) -> Record:
    """An Observation with a coded value."""
    value: Record = {"valueCodeableConcept": {"coding": [{"system": coding[0], "code": coding[1]}]}}
    return lab(code, None, None, when, system=system, **value, **more)


def condition(
    code: str,
    onset: str | None = "2020-01-01",
    system: str = SCT,
    id: str | None = None,  # noqa: A002
    **more: Any,
) -> Record:
    record: Record = {
        "resourceType": "Condition",
        "id": id or f"c-{code}",
        "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": system, "code": code}]},
        "clinicalStatus": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
        },
        "verificationStatus": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "confirmed"}]
        },
    }
    if onset is not None:
        record["onsetDateTime"] = onset
    return record | more


def encounter(start: str, end: str, of: str = "p1", kind: str = "IMP", id: str = "e1") -> Record:  # noqa: A002
    """A visit or stay that is over; ``kind``: IMP of an inpatient, AMB of an ambulatory patient."""
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": "finished",
        "class": {"code": kind},
        "subject": {"reference": f"Patient/{of}"},
        "period": {"start": start, "end": end},
    }


def bundle_arguments(folder: Path, monkeypatch: pytest.MonkeyPatch, chart: Sequence[Any]) -> list[str]:
    """The arguments that hand in this chart; the command then runs in ``folder``."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MEDTWIN_CACHE__ENABLED", "false")
    # So that no sentence is broken by the width of a terminal.
    monkeypatch.setenv("COLUMNS", "1000")
    bundle = folder / "bundle.json"
    bundle.write_text(json.dumps(chart))
    return ["--at", "2026-06-30T12:00:00Z", "--bundle", str(bundle)]

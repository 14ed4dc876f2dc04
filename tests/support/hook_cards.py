"""Contents of cards, and a service that sends them, for what does not ask how an answer came about."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache

from ontology.values import Coding
from server.catalog.services import CardRule, Hook, Indicator, Service
from server.explain.results import AnswerResult
from server.hooks.advice import CardContent
from tests.support.supplied_answers import answer_from

CODES = "https://medtwin.example/codes"
G4, G5 = Coding(CODES, "G4", "G4"), Coding(CODES, "G5", "G5")
REASONS = (
    Coding("https://medtwin.example/reasons", "monitored", "the patient is monitored for this"),
    Coding("https://medtwin.example/reasons", "values-wrong", "the values are not those of today"),
)
RULE = CardRule("gfr-category", (G4, G5), Indicator.WARNING)
SERVICE = Service(
    "https://medtwin.example/services#kidney",
    "kidney",
    "1.0.0",
    Hook.PATIENT_VIEW,
    "Kidney function",
    "Says where kidney function is low.",
    (RULE,),
    override_reasons=REASONS,
)


@cache
def low_kidney_function() -> AnswerResult:
    """G4, of a made-up patient."""
    creatinine = {
        "resourceType": "Observation", "id": "o1", "status": "final", "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0"}]},
        "effectiveDateTime": datetime(2026, 6, 14, 8, tzinfo=UTC).isoformat(),
        "valueQuantity": {"value": 2.6, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"},
    }  # fmt: skip
    patient = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1960-05-01"}
    # In a thread, since it has an event loop of its own.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(answer_from, [patient, creatinine], "gfr-category").result()["gfr-category"]


def card_content(
    grounds: bytes = b"creatinine 2.6 mg/dL", band: Coding | None = G4, rule: CardRule = RULE
) -> CardContent:
    """A card that rests on these grounds."""
    return CardContent(rule, low_kidney_function(), band, (), (), None, grounds)

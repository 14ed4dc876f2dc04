"""A patient with reduced kidney function, and orders that are being written, as the context of a hook has them."""

from collections.abc import Sequence
from typing import Any

from tests.support.charts import Record, creatinine, patient

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
METFORMIN_500 = (RXNORM, "861007", "metformin hydrochloride 500 MG Oral Tablet")
IBUPROFEN_400 = (RXNORM, "197805", "Ibuprofen 400 MG Oral Tablet")
IBUPROFEN_GEL = (RXNORM, "141997", "Ibuprofen 0.05 MG/MG Topical Gel")
ASPIRIN_LOW_DOSE = (ATC, "B01AC06", "acetylsalicylic acid")
SITAGLIPTIN_100 = (RXNORM, "665033", "Sitagliptin 100 MG Oral Tablet")
STEADY_SINCE = ("2026-01-10T08:00:00Z", "2026-03-10T08:00:00Z", "2026-06-10T08:00:00Z")
"""Times of a creatinine that shows no injury, for a question of 15 June 2026."""


def chart(level: float, *more: Record, when: Sequence[str] = STEADY_SINCE) -> list[Record]:
    """A woman born in 1960 whose creatinine is at one level: 0.7 mg/dL is an eGFR near 95, 1.5 near 38, 2.5 near 21."""
    return [patient(), *(creatinine(level, time) for time in when), *more]


def draft(drug: tuple[str, str, str], id: str = "draft-1", of: str = "p1", **more: Any) -> Record:  # noqa: A002
    """An order that is being written, of one drug: system, code and display."""
    system, code, display = drug
    return {
        "resourceType": "MedicationRequest",
        "id": id,
        "status": "draft",
        "intent": "order",
        "subject": {"reference": f"Patient/{of}"},
        "medicationCodeableConcept": {"coding": [{"system": system, "code": code, "display": display}]},
        "authoredOn": "2026-06-15",
    } | more


def order_context(*drafts: Record, selected: Sequence[str] | None = None, of: str = "p1") -> Record:
    """The context of ``order-sign``; with ``selected`` (ids of drafts) that of ``order-select``."""
    orders = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in drafts]}
    context = {"userId": "Practitioner/1", "patientId": of, "draftOrders": orders}
    return context if selected is None else context | {"selections": [f"MedicationRequest/{id}" for id in selected]}  # noqa: A001

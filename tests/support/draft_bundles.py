"""Draft orders as an EHR sends them in the context of a hook."""

from typing import Any

from tests.support.event_records import ATC, RXNORM, coding

Json = dict[str, Any]
METFORMIN, ATORVASTATIN = "A10BA02", "C10AA05"


def draft(code: str | None = METFORMIN, /, **changes: Any) -> Json:
    """A draft order by a code of ATC; an element changed to None is taken out."""
    made: Json = {
        "resourceType": "MedicationRequest",
        "id": "d1",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": coding(code, ATC) if code is not None else None,
        **changes,
    }
    return {name: each for name, each in made.items() if each is not None}


def drafts(*records: Any, **full_urls: str) -> Json:
    """``draftOrders``; ``full_urls`` are those of entries, by the id of their record."""
    entries: list[Json] = [{"resource": each} for each in records]
    for each in entries:
        id_ = each["resource"].get("id") if isinstance(each["resource"], dict) else None
        if id_ in full_urls:
            each["fullUrl"] = full_urls[id_]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def product(number: str = "6809", /, **changes: Any) -> Json:
    """A Medication by its number in RxNorm."""
    return {"resourceType": "Medication", "id": "m1", "code": coding(number, RXNORM), **changes}

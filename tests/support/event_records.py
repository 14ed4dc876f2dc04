"""Records of what was so or was done, and what is answered from them by the collectors that are shipped."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from collectors.facts import SlotSelection
from collectors.gatherer import facts_from_resources
from collectors.search import Search
from collectors.settings import Source
from collectors.source_facts import SourceFacts
from ontology.concepts import Concept, ValueType
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason
from server.catalog.catalog import Catalog
from tests.support.collector_inputs import AT, PATIENT, SNOMED, SOURCE, with_changes
from tests.support.engine_questions import shipped

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
CVX = "http://hl7.org/fhir/sid/cvx"
CLASS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
NOT_FOUND = Absent(AbsentReason.NOT_FOUND)
WITH_ADMINISTRATIONS = replace(SOURCE, collectors=("medication-administration",))
ON_RECORD = Absent(AbsentReason.UNCONVERTIBLE)
"""On record, and yet not to be told: never as if nothing were recorded."""


def coding(code: str, system: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


SUBJECT = {"reference": "Patient/p"}
RECORDS: dict[str, tuple[str, dict[str, Any]]] = {
    "Procedure": (
        "coronary-revascularisation",
        {
            "status": "completed",
            "code": coding("415070008", SNOMED),
            "subject": SUBJECT,
            "performedDateTime": "2024-05-20T10:00:00Z",
        },
    ),
    "Immunization": (
        "influenza-vaccination",
        {
            "status": "completed",
            "vaccineCode": coding("140", CVX),
            "patient": SUBJECT,
            "occurrenceDateTime": "2024-05-20",
        },
    ),
    "AllergyIntolerance": (
        "penicillin-allergy",
        {
            "clinicalStatus": {"coding": [{"code": "active"}]},
            "verificationStatus": {"coding": [{"code": "confirmed"}]},
            "code": coding("91936005", SNOMED),
            "patient": SUBJECT,
            "recordedDate": "2010-03-01",
        },
    ),
    "Encounter": (
        "inpatient-stay",
        {
            "status": "in-progress",
            "class": {"system": CLASS, "code": "IMP"},
            "subject": SUBJECT,
            "period": {"start": "2024-05-20T10:00:00Z"},
        },
    ),
    "MedicationRequest": (
        "oral-anticoagulant",
        {
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": coding("11289", RXNORM),
            "subject": SUBJECT,
            "authoredOn": "2024-01-10",
        },
    ),
    "MedicationStatement": (
        "oral-anticoagulant",
        {
            "status": "active",
            "medicationCodeableConcept": coding("B01AA03", ATC),
            "subject": SUBJECT,
            "effectivePeriod": {"start": "2024-01-10"},
        },
    ),
    "MedicationAdministration": (
        "oral-anticoagulant",
        {
            "status": "in-progress",
            "medicationCodeableConcept": coding("1364430", RXNORM),
            "subject": SUBJECT,
            "effectivePeriod": {"start": "2024-06-01T08:00:00Z"},
        },
    ),
}
"""Of each type a sound record that counts at AT, and the concept that it is about."""


def event(resource_type: str, /, **changes: Any) -> dict[str, Any]:
    """Such a record; an element changed to None is taken out."""
    return with_changes({"resourceType": resource_type, "id": "e1"} | RECORDS[resource_type][1], changes)


def catalog() -> Catalog:
    return shipped()


def concept_of(resource_type: str) -> Concept:
    return catalog().concepts[RECORDS[resource_type][0]]


def facts(*records: Mapping[str, Any], concept: Concept, source: Source = WITH_ADMINISTRATIONS) -> SourceFacts:
    searches = tuple(
        Search(each, (concept,), (), None, named=catalog().named_codes(each.origin))
        for each in catalog().collectors.values()
        if each.origin in concept.origins
    )
    return facts_from_resources(source, "p", searches, [PATIENT, *records])


def ask(
    *records: Mapping[str, Any],
    concept: Concept | str,
    at: datetime = AT,
    source: Source = WITH_ADMINISTRATIONS,
    **more: Any,
) -> SlotSelection:
    """What is answered at AT, in a closed world unless ``more`` says otherwise."""
    known = catalog().concepts[concept] if isinstance(concept, str) else concept
    flag = known.value_type is ValueType.FLAG
    more = {"select": Select.ANY if flag else Select.LATEST} | more
    more = {"closed_world": True} | more if flag else more
    slot = Slot("input", known, required=True, **more)
    return facts(*records, concept=known, source=source).select(slot, at, at)

"""Concepts, slots and FHIR records as the collectors' tests need them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from collectors.facts import SlotSelection
from collectors.gatherer import facts_from_resources
from collectors.search import CollectorDescription, Search
from collectors.settings import Source
from collectors.source_facts import SourceFacts
from ontology.concepts import AcceptedCode, Answer, Concept, Origin, ValueType
from ontology.resources import Resource
from ontology.slots import Select, Slot
from ontology.values import Coding
from tests.support.engine_questions import shipped

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
BASE = "http://ehr.test/fhir"
SOURCE = Source(id="ehr", base_url=BASE)
AT = datetime(2024, 6, 1, 12, tzinfo=UTC)
PATIENT = {"resourceType": "Patient", "id": "p", "birthDate": "1950-04-05", "gender": "female"}


def loinc(code: str, **more: Any) -> AcceptedCode:
    return AcceptedCode(Coding(LOINC, code), **more)


CREATININE = Concept(
    "mpm:SerumCreatinine",
    "serum-creatinine",
    "serum creatinine",
    Origin.OBSERVATION,
    ValueType.QUANTITY,
    accepted=(loinc("2160-0"), loinc("14682-9", needs_unit=True), loinc("38483-4", rank=1, caution="An old code.")),
    unit="mg/dL",
    units=("mg/dL", "umol/L"),
    plausible_low=Decimal("0.1"),
    plausible_high=Decimal(40),
    molar_mass=Decimal("113.12"),
)
SYSTOLIC = Concept(
    "mpm:Systolic",
    "systolic",
    "systolic blood pressure",
    Origin.OBSERVATION,
    ValueType.QUANTITY,
    accepted=(loinc("8480-6"),),
    panels=(Coding(LOINC, "85354-9"),),
    unit="mm[Hg]",
    units=("mm[Hg]",),
    plausible_low=Decimal(20),
    plausible_high=Decimal(350),
)
SCORE = Concept(
    "mpm:Gcs",
    "gcs",
    "coma score",
    Origin.OBSERVATION,
    ValueType.QUANTITY,
    accepted=(loinc("9269-2"),),
    unit="{score}",
    units=("{score}",),
)
CONSCIOUSNESS = Concept(
    "mpm:Consciousness",
    "consciousness",
    "consciousness",
    Origin.OBSERVATION,
    ValueType.CODING,
    accepted=(loinc("67775-7"),),
    answers=(
        Answer(Coding(LOINC, "LA9340-6"), Coding(SNOMED, "248234008", "alert")),
        Answer(Coding("", "V"), Coding(SNOMED, "300202002", "voice")),
    ),
)
OXYGEN = Concept(
    "mpm:Oxygen",
    "oxygen",
    "supplemental oxygen",
    Origin.OBSERVATION,
    ValueType.FLAG,
    accepted=(loinc("57485-5"),),
    answers=(Answer(Coding(SNOMED, "722742002"), False),),
)
FIBRILLATION = Concept(
    "mpm:AtrialFibrillation",
    "atrial-fibrillation",
    "atrial fibrillation",
    Origin.CONDITION,
    ValueType.FLAG,
    accepted=(
        AcceptedCode(Coding(SNOMED, "49436004")),
        AcceptedCode(Coding(ICD10, "I48*")),
        AcceptedCode(Coding(ICD10, "Z86.79"), ever=True),
    ),
)
BIRTH = Concept("mpm:Birth", "birth-date", "birth date", Origin.PATIENT, ValueType.DATE, element="birthDate")
SEX = Concept("mpm:Sex", "sex", "sex", Origin.PATIENT, ValueType.CODING, element="sex")


def shipped_collector(name: str) -> CollectorDescription:
    """A collector as it is shipped, with its layout."""
    return shipped().collectors[name]


def description(origin: Origin) -> CollectorDescription:
    if origin is Origin.PATIENT:
        return CollectorDescription("#p", "patient", origin, "Patient", "_id", None, None, "", "patient")
    if origin is Origin.CONDITION:
        return shipped_collector("condition")
    return CollectorDescription(
        "#o", "observation", origin, "Observation", "patient", "code", "date", "", "observation"
    )


def searches(*concepts: Concept, window: timedelta | None = None) -> tuple[Search, ...]:
    made = []
    for origin in (Origin.PATIENT, Origin.OBSERVATION, Origin.CONDITION):
        mine = tuple(concept for concept in concepts if origin in concept.origins)
        codes = tuple(coding for c in mine for coding in c.codes_in(origin))
        if mine:
            made.append(Search(description(origin), mine, codes, window))
    return tuple(made)


def observation(value: object = "1.1", /, **changes: Any) -> dict[str, Any]:
    """A final serum creatinine; an element changed to None is taken out."""
    record: dict[str, Any] = {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "2160-0"}]},
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2024-05-01T08:00:00Z",
        "valueQuantity": quantity(value),
    }
    return with_changes(record, changes)


def quantity(value: object, unit: str | None = "mg/dL", **more: Any) -> dict[str, Any]:
    number = Decimal(value) if isinstance(value, str | int) else value
    made = {"value": number, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit, **more}
    return {name: content for name, content in made.items() if content is not None}


def condition(code: str = "49436004", system: str = SNOMED, /, **changes: Any) -> dict[str, Any]:
    record: dict[str, Any] = {
        "resourceType": "Condition",
        "id": "c1",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
        "code": {"coding": [{"system": system, "code": code}]},
        "subject": {"reference": "Patient/p"},
        "onsetDateTime": "2020-01-01",
        "recordedDate": "2020-01-02",
    }
    return with_changes(record, changes)


def with_changes(record: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: content for name, content in {**record, **changes}.items() if content is not None}


def codeable_concept(code: str, system: str = LOINC) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def facts_of(*records: Mapping[str, Any], concepts: tuple[Concept, ...], source: Source = SOURCE) -> SourceFacts:
    return facts_from_resources(source, "p", searches(*concepts), [PATIENT, *records])


def read_one(record: Mapping[str, Any], concept: Concept = CREATININE) -> Resource:
    """The one fact that is read from one record."""
    (resource,) = facts_of(record, concepts=(concept,)).gathered_facts.resources[concept.id]
    return resource


def slot(concept: Concept = CREATININE, select: Select = Select.LATEST, **more: Any) -> Slot:
    made = Slot("input", concept, select, True, unit=concept.unit)
    return replace(made, **more)


def fill_slot(*records: Mapping[str, Any], of: Slot | None = None, at: datetime = AT) -> SlotSelection:
    """What fills a slot from these records."""
    wanted = of or slot()
    return facts_of(*records, concepts=(wanted.concept,)).select(wanted, at, at)


def issue_codes(selected: SlotSelection) -> list[str]:
    """The codes of the issues."""
    return sorted(issue.code for issue in selected.issues)

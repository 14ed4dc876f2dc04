"""Third-party procedures, immunizations, encounters and prescriptions: what of them is read, and what is answered."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from collectors.gatherer import facts_from_resources
from collectors.reading.r4_validation import invalid_element
from collectors.reading.readout import parse_record
from collectors.reading.supplied import encode_resource
from collectors.search import Search
from collectors.source_facts import SourceFacts
from fixtures.real_data import EVENTS, KINDS, MIMIC, SYNTHEA, RealPatient, mimic_patients, synthea_patients, why_absent
from ontology.concepts import EVENT_ORIGINS as ORIGINS
from ontology.concepts import Concept, ValueType
from ontology.slots import Select, Slot
from ontology.values import Absent, Date
from tests.support.collector_inputs import SOURCE
from tests.support.event_records import catalog

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(why_absent(MIMIC) is not None, reason=str(why_absent(MIMIC))),
    pytest.mark.skipif(why_absent(SYNTHEA) is not None, reason=str(why_absent(SYNTHEA))),
]
WHOLE = (*KINDS, *EVENTS)


@cache
def synthea() -> tuple[RealPatient, ...]:
    return tuple(synthea_patients(kinds=WHOLE))


@cache
def mimic() -> tuple[RealPatient, ...]:
    return tuple(mimic_patients(kinds=WHOLE))


def concepts() -> tuple[Concept, ...]:
    described = {
        each.origin for each in catalog().collectors.values() if each.layout and each.resource_type != "Condition"
    }
    return tuple(each for each in catalog().concepts.values() if each.origin in described & ORIGINS)


def gathered(patient: RealPatient) -> SourceFacts:
    searches = tuple(
        Search(collector, mine, (), None, named=catalog().named_codes(collector.origin))
        for collector in catalog().collectors.values()
        if (mine := tuple(each for each in concepts() if each.origin is collector.origin))
    )
    return facts_from_resources(SOURCE, patient.id, searches, patient.resources)


def met(patients: tuple[RealPatient, ...]) -> Counter[str]:
    """How many facts of each concept were read; none is unreadable but what is probable, without an issue."""
    count: Counter[str] = Counter()
    for patient in patients:
        facts = gathered(patient)
        assert facts.issues == ()
        for concept, resources in facts.gathered_facts.resources.items():
            probable = [fact.resource for fact in facts.facts[concept] if fact.probable is not None]
            certain = [each for each in resources if each not in probable]
            count[concept] += len(certain)
            count[f"{concept}, probably"] += len(probable)
            assert not [each for each in certain if isinstance(each.value, Absent)]
    return +count


def answers(patients: tuple[RealPatient, ...], name: str, **more: Any) -> Counter[str]:
    """What is answered for each patient, as of their last observation."""
    concept = catalog().concepts[name]
    select = Select.ANY if concept.value_type is ValueType.FLAG else Select.LATEST
    slot = Slot("input", concept, select, True, **more)
    count: Counter[str] = Counter()
    for patient in patients:
        assert patient.last_observation is not None
        value = gathered(patient).select(slot, patient.last_observation, patient.last_observation).value
        count[
            "a date" if isinstance(value, Date) else value.reason.value if isinstance(value, Absent) else str(value)
        ] += 1
    return count


def records(patients: tuple[RealPatient, ...]) -> Iterator[tuple[str, str | None]]:
    for patient in patients:
        for resource in patient.resources:
            if resource["resourceType"] in (*EVENTS, "Encounter"):
                record = parse_record(encode_resource(resource), SOURCE)
                assert record is not None
                yield record.ref.type, invalid_element(record)


def test_what_is_met_in_synthea() -> None:
    assert met(synthea()) == {
        "cardioversion": 17,
        "colonoscopy-date": 7,
        "coronary-revascularisation": 4,
        "emergency-visit": 12,
        "outpatient-visit": 199,
        "influenza-vaccination": 85,
        "inpatient-stay": 2,
        "inpatient-stay-start": 2,
        "metformin": 5,
        "glucose-lowering": 5,
        # Clopidogrel 6, amoxicillin 6, paracetamol 4, digoxin 2, and four others once.
        "other-medication": 22,
        # Naproxen.
        "nsaid": 2,
        # Hydrochlorothiazide; "Lasix" is no name that is read.
        "diuretic": 8,
        "oral-anticoagulant": 2,
        "ace-inhibitor": 2,
        # Hydrochlorothiazide 8, amlodipine 4, captopril 2; by name verapamil 2, metoprolol 1.
        "antihypertensive": 14,
        "antihypertensive, probably": 3,
        "statin": 6,
        "pneumococcal-vaccination": 2,
    }


def test_what_is_met_in_mimic() -> None:
    # Its hospital stays are of class OBSENC, SS and AMB: not taken for inpatient stays.
    assert met(mimic()) == {"emergency-visit": 179, "outpatient-visit": 19}


def test_all_of_it_is_sound() -> None:
    judged = Counter(records(synthea()))
    assert judged == {
        ("Encounter", None): 213,
        ("Procedure", None): 100,
        ("Immunization", None): 114,
        ("MedicationRequest", None): 76,
    }
    assert {element for _, element in records(mimic())} == {None}


@pytest.mark.parametrize(
    ("name", "more", "expected"),
    [
        # Prescriptions that have been active for decades (warfarin since 1967) and were never ended.
        # Who is prescribed what is not understood (nitroglycerin, carbamazepine, insulin, verapamil) is no "no".
        ("oral-anticoagulant", {}, {"STALE": 2, "UNCONVERTIBLE": 2, "False": 8}),
        # Five of them never had another prescription than those that are understood.
        ("oral-anticoagulant", {"ever": True}, {"True": 2, "UNCONVERTIBLE": 5, "False": 5}),
        ("metformin", {}, {"True": 1, "STALE": 4, "UNCONVERTIBLE": 3, "False": 4}),
        ("metformin", {"ever": True}, {"True": 5, "UNCONVERTIBLE": 5, "False": 2}),
        # Two prescriptions of captopril are stopped.
        ("ace-inhibitor", {}, {"UNCONVERTIBLE": 4, "False": 8}),
        ("ace-inhibitor", {"ever": True}, {"True": 2, "UNCONVERTIBLE": 5, "False": 5}),
        ("inpatient-stay", {}, {"False": 12}),
        ("inpatient-stay", {"ever": True}, {"True": 2, "False": 10}),
        ("cardioversion", {}, {"True": 2, "False": 10}),
        ("influenza-vaccination", {}, {"True": 12}),
        ("penicillin-allergy", {}, {"False": 12}),
        ("penicillin-allergy", {"closed_world": False}, {"NOT_FOUND": 12}),
        # One was under way at the time of the question: from 01:17:52 to 01:58:52, asked at 01:17:52.433.
        ("colonoscopy-date", {"closed_world": False}, {"a date": 4, "NOT_FOUND": 7, "UNCONVERTIBLE": 1}),
    ],
    ids=str,
)
def test_answers_in_synthea(name: str, more: dict[str, bool], expected: dict[str, int]) -> None:
    assert answers(synthea(), name, **{"closed_world": True} | more) == expected

"""Third-party patients, read: what of them counts, and that all of it is sound FHIR."""

from collections import Counter
from collections.abc import Iterable

import pytest

from collectors.gatherer import facts_from_resources
from collectors.reading.r4_validation import invalid_element
from collectors.reading.readout import parse_record
from collectors.reading.supplied import encode_resource
from fixtures.real_data import MIMIC, SYNTHEA, RealPatient, mimic_patients, synthea_patients, why_absent
from ontology.values import Absent
from tests.support.collector_inputs import CREATININE, FIBRILLATION, SEX, SOURCE, SYSTOLIC, searches

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(why_absent(MIMIC) is not None, reason=str(why_absent(MIMIC))),
    pytest.mark.skipif(why_absent(SYNTHEA) is not None, reason=str(why_absent(SYNTHEA))),
]


def met(patients: Iterable[RealPatient]) -> Counter[tuple[str, str]]:
    """How many facts of each concept were read, or were not and why."""
    count: Counter[tuple[str, str]] = Counter()
    for patient in patients:
        facts = facts_from_resources(
            SOURCE, patient.id, searches(CREATININE, SYSTOLIC, FIBRILLATION, SEX), patient.resources
        )
        assert facts.issues == ()
        for concept, resources in facts.gathered_facts.resources.items():
            for each in resources:
                word = each.value.reason.value if isinstance(each.value, Absent) else "read"
                count[concept, word] += 1
    return count


def test_synthea() -> None:
    assert met(synthea_patients()) == {
        ("serum-creatinine", "read"): 47,
        ("systolic", "read"): 93,
        ("atrial-fibrillation", "read"): 2,
        ("sex", "read"): 12,
    }


def test_mimic() -> None:
    assert met(mimic_patients()) == {
        ("systolic", "read"): 554,
        ("systolic", "IMPLAUSIBLE"): 1,  # 11 mm[Hg]
        ("systolic", "RECORDED_UNKNOWN"): 36,
        ("sex", "read"): 40,
    }


def test_none_of_it_is_refused_as_unsound() -> None:
    judged = Counter(
        invalid_element(record)
        for patients in (synthea_patients(), mimic_patients())
        for patient in patients
        for resource in patient.resources
        if (record := parse_record(encode_resource(resource), SOURCE)) is not None
    )
    assert set(judged) == {None}
    assert judged[None] > 8_000

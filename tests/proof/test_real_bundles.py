"""All third-party patients' answers as FHIR: R4's rules hold for what real records lead to."""

import pytest

from server.explain.fhir import bundle
from tests.support.fhir_bundles import rule_faults
from tests.support.real_answers import WHY_ABSENT, Answers

pytestmark = [
    pytest.mark.ehr,
    pytest.mark.real_data,
    pytest.mark.skipif(WHY_ABSENT is not None, reason=str(WHY_ABSENT)),
]


@pytest.mark.parametrize("source", ["synthea", "mimic"])
def test_every_patients_answers_keep_r4s_rules(source: str, answers: Answers) -> None:
    assert answers[source]
    found = {each.patient.id: rule_faults(bundle(tuple(each.results.values()))) for each in answers[source]}
    assert {patient: faults_ for patient, faults_ in found.items() if faults_} == {}

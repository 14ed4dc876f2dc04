"""Twelve Synthea and forty MIMIC patients in a real FHIR server, each as of their last observation, every concept.

The tables were measured once; ``test_real_counts.py`` holds what can be counted against an independent reading of the
raw JSON.  A server that reads nothing does not pass.
"""

from collections.abc import Mapping

import pytest

from server.explain.results import Status
from tests.support.proof_questions import every_concept
from tests.support.real_answers import WHY_ABSENT, Answers, filled_slot_counts, status_counts

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.ehr,
    pytest.mark.skipif(WHY_ABSENT is not None, reason=WHY_ABSENT or ""),
]

C, P, I, N = Status.COMPLETE, Status.PARTIAL, Status.INSUFFICIENT, Status.NOT_APPLICABLE  # noqa: E741 - as in the table

# Synthea: outpatients.  Three were last observed at their death, whose certificate is an Observation.
# MIMIC: vital signs and diagnoses of an emergency department, no laboratory, weight, height, oxygen or consciousness.
# A drug by eGFR: eight have one, and of the two on dialysis each rule has a word, partial since without an eGFR.
BY_EGFR = ({C: 8, I: 4}, {I: 38, P: 2})
STATUSES: Mapping[str, tuple[Mapping[Status, int], Mapping[Status, int]]] = {
    # As the scores: who has no recorded fibrillation is not asked about.
    "af-anticoagulation": ({P: 2, N: 10}, {P: 4, N: 36}),
    "age": ({C: 12}, {C: 40}),
    # Of nine with a creatinine in a year, seven have nothing to compare it with, or none in the week before death.
    "aki-stage": ({C: 2, I: 10}, {I: 38, N: 2}),
    "aki-episode": ({C: 2, I: 10}, {I: 38, N: 2}),
    "albuminuria-category": ({C: 7, I: 5}, {I: 40}),
    # All seven ratios of the last year are below 30 mg/g: there is nothing to confirm.
    "albuminuria-persistence": ({I: 5, N: 7}, {I: 40}),
    "bmi": ({C: 12}, {I: 40}),
    "canagliflozin-renal-dosing": BY_EGFR,
    "cha2ds2-va": ({P: 2, N: 10}, {P: 4, N: 36}),
    "cha2ds2-vasc": ({P: 2, N: 10}, {P: 4, N: 36}),
    "ckd-chronicity": ({C: 9, I: 3}, {I: 38, N: 2}),
    "dapagliflozin-renal-dosing": BY_EGFR,
    # Nine have a creatinine; one of them had died ten months after it.
    "egfr": ({C: 8, I: 4}, {I: 38, N: 2}),
    # Of nine with creatinines, four have three of them over a year.
    "egfr-slope": ({C: 4, I: 8}, {I: 38, N: 2}),
    "empagliflozin-renal-dosing": BY_EGFR,
    "ertugliflozin-renal-dosing": BY_EGFR,
    "finerenone-renal-dosing": BY_EGFR,
    "gfr-category": ({C: 8, I: 4}, {I: 38, N: 2}),
    # Six have an eGFR of 60 or more; two are below, for whom the region is not set; four have no eGFR.
    "kidney-failure-risk-2y": ({I: 6, N: 6}, {I: 38, N: 2}),
    "kidney-failure-risk-5y": ({I: 6, N: 6}, {I: 38, N: 2}),
    # Known diabetes and a recorded HbA1c of 6.5 % refuse.
    "hba1c-defined-diabetes": ({C: 2, N: 7, P: 3}, {I: 29, N: 11}),
    "days-in-hospital": ({I: 12}, {I: 40}),
    "metformin-renal-dosing": BY_EGFR,
    # Of myocardial infarctions few are of the days before.
    "mortality-after-mi-1y": ({I: 2, N: 10}, {N: 40}),
    # Treatment with a statin or against pressure is not recorded for those who might be answered: bounds, no risk.
    "prevent-10y-ascvd": ({I: 7, N: 5}, {I: 23, N: 17}),
    "prevent-10y-heart-failure": ({I: 7, N: 5}, {I: 23, N: 17}),
    "prevent-10y-total-cvd": ({I: 7, N: 5}, {I: 23, N: 17}),
    # None is in an inpatient stay: these are outpatients, and visits to an emergency department.
    "support-hospital-mortality-day3": ({N: 12}, {N: 40}),
    # Neither has consciousness, nor whether oxygen is given: never taken as alert, never as air.
    "news2": ({I: 12}, {I: 40}),
    "news2-consciousness": ({I: 12}, {I: 40}),
    # Three more have a diagnosis of an acute injury in their last 90 days: to be avoided, whatever the eGFR.
    "nsaid-renal-dosing": ({C: 8, I: 4}, {I: 35, P: 5}),
    "qsofa": ({I: 12}, {I: 40}),
    "saxagliptin-renal-dosing": BY_EGFR,
    "sitagliptin-renal-dosing": BY_EGFR,
    "supplemental-oxygen": ({I: 12}, {I: 40}),
    "uacr": ({C: 7, I: 5}, {I: 40}),
}

ALL = {"age": (12, 40)}
KIDNEY = ALL | {"dialysis": (0, 2)}
HEART = ALL | {
    "atrial_fibrillation": (2, 4),
    "diabetes": (7, 11),
    "heart_failure": (1, 8),
    "hypertension": (8, 18),
    "stroke_tia_thromboembolism": (2, 2),
    "vascular_disease": (4, 5),
}
AKI_OR_DIALYSIS = KIDNEY | {"egfr": (8, 0), "acute_kidney_injury": (0, 3), "aki_episode": (2, 0), "aki_stage": (2, 0)}
AKI = ALL | {"creatinine": (9, 0), "chronic_dialysis": (0, 2), "end_stage_kidney_disease": (0, 2)}
RISK = KIDNEY | {
    "aki_episode": (2, 0),
    "chronicity": (9, 0),
    "sex": (12, 40),
    "egfr": (8, 0),
    "uacr": (7, 0),
    "end_stage_kidney_disease": (0, 2),
}
PREVENT = {
    "age": (12, 40),
    "body_mass_index": (12, 0),
    "diabetes": (7, 11),
    "egfr": (8, 0),
    "glucose": (9, 0),
    "hba1c": (9, 0),
    "hdl_cholesterol": (11, 0),
    "heart_failure": (1, 8),
    "inpatient_stay": (12, 40),
    "intracranial_haemorrhage": (0, 1),
    "ischaemic_heart_disease": (0, 3),
    "sex": (12, 40),
    "smoking": (12, 0),
    "stroke_tia_thromboembolism": (2, 2),
    "systolic": (12, 35),
    "total_cholesterol": (11, 0),
    "vascular_disease": (4, 5),
}
FILLED: Mapping[str, Mapping[str, tuple[int, int]]] = {
    **dict.fromkeys((concept for concept in STATUSES if concept.endswith("-renal-dosing")), AKI_OR_DIALYSIS),
    "af-anticoagulation": {"atrial_fibrillation": (2, 4), "cha2ds2_va": (2, 4)},
    "age": {"birth_date": (12, 40)},
    "aki-stage": AKI,
    "aki-episode": AKI,
    "albuminuria-category": ALL | {"uacr": (7, 0)},
    "albuminuria-persistence": {"latest": (7, 0), "uacr": (7, 0)},
    "bmi": ALL | {"sex": (12, 40), "gender": (12, 40), "weight": (12, 0), "height": (12, 0), "recorded": (12, 0)},
    "cha2ds2-va": HEART,
    "cha2ds2-vasc": HEART | {"sex": (12, 40)},
    "ckd-chronicity": KIDNEY | {"creatinine": (9, 0), "egfr": (9, 0)},
    "egfr": KIDNEY
    | {"sex": (12, 40), "gender": (12, 40), "creatinine": (8, 0), "recorded": (10, 0)}
    | {"acute_kidney_injury": (0, 3), "aki_episode": (2, 0), "aki_stage": (2, 0), "amputation": (0, 1)},
    "egfr-slope": KIDNEY | {"creatinine": (9, 0), "egfr": (9, 0)},
    "gfr-category": KIDNEY | {"egfr": (8, 0), "albuminuria": (7, 0), "chronicity": (9, 0)},
    "kidney-failure-risk-2y": RISK,
    "kidney-failure-risk-5y": RISK,
    # Of 34 MIMIC patients with vital signs in the last day the temperature of three, SpO2 of two and pressure of one
    # lie more than half an hour before the newest; three have no temperature, and one is impossible.
    "news2": ALL
    | {
        "pulse": (0, 34),
        "respiratory_rate": (0, 34),
        "spo2": (0, 32),
        "systolic_bp": (9, 33),
        "temperature": (0, 27),
        "sex": (12, 40),
        "gender": (12, 40),
        "copd": (0, 3),
        "spinal_cord_injury": (0, 1),
    },
    "news2-consciousness": {},
    "qsofa": ALL | {"respiratory_rate": (0, 34), "systolic_bp": (9, 34), "suspected_infection": (0, 16)},
    "hba1c-defined-diabetes": {
        "age": (12, 40),
        "gender": (12, 40),
        "body_mass_index": (12, 0),
        "diabetes": (7, 11),
        "dialysis": (0, 2),
        "end_stage_kidney_disease": (0, 2),
        "hba1c": (9, 0),
        "hdl_cholesterol": (9, 0),
        "sex": (12, 40),
        "systolic": (12, 35),
        "total_cholesterol": (9, 0),
    },
    "days-in-hospital": {},
    "mortality-after-mi-1y": {
        "age": (12, 40),
        "body_mass_index": (12, 0),
        "heart_failure": (1, 8),
        "heart_rate": (0, 34),
        "infarction": (2, 0),
        "sex": (12, 40),
        "systolic": (9, 34),
    },
    "prevent-10y-ascvd": PREVENT,
    "prevent-10y-heart-failure": PREVENT,
    "prevent-10y-total-cvd": PREVENT,
    "support-hospital-mortality-day3": {
        "age": (12, 40),
        "cirrhosis": (0, 3),
        "copd": (0, 3),
        "creatinine": (7, 0),
        "glucose": (7, 0),
        "heart_failure": (1, 8),
        "heart_rate": (0, 34),
        "inpatient_stay": (12, 40),
        "leucocytes": (3, 0),
        "lung_cancer": (0, 1),
        "organ_failure": (0, 6),
        "respiratory_rate": (0, 34),
        "sodium": (7, 0),
        "temperature": (0, 30),
        "urea_nitrogen": (7, 0),
    },
    "supplemental-oxygen": {},
    "uacr": {"recorded": (7, 0)},
}


def test_the_tables_are_about_every_computed_concept() -> None:
    assert set(STATUSES) == set(FILLED) == set(every_concept())


def test_all_patients_are_asked(answers: Answers) -> None:
    assert {source: len(found) for source, found in answers.items()} == {"synthea": 12, "mimic": 40}


@pytest.mark.parametrize("concept", every_concept())
def test_statuses(concept: str, answers: Answers) -> None:
    synthea, mimic = STATUSES[concept]
    assert status_counts(answers["synthea"], concept) == synthea
    assert status_counts(answers["mimic"], concept) == mimic


@pytest.mark.parametrize("concept", every_concept())
def test_filled_slots(concept: str, answers: Answers) -> None:
    measured = {source: filled_slot_counts(found, concept) for source, found in answers.items()}
    for place, source in enumerate(("synthea", "mimic")):
        expected = {slot: counts[place] for slot, counts in FILLED[concept].items() if counts[place]}
        assert measured[source] == expected, source


def test_nothing_failed_and_no_search_did(answers: Answers) -> None:
    for found in answers.values():
        for answer in found:
            assert Status.FAILED not in {result.status for result in answer.results.values()}
            # What a death leaves to be told, and the sources' own remarks; no fault of a search.
            assert {issue.code for issue in answer.trace.issues} <= {"death"}

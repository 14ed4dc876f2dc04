"""The states of Conditions: what is understood counts or does not; what is not understood is neither a yes nor a no."""

from datetime import timedelta
from typing import Any

import pytest

from ontology.values import Value
from tests.support.collector_inputs import SNOMED, condition
from tests.support.event_records import ON_RECORD, ask

CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
LOCAL = "http://hospital.example/status"


def coded(*codes: str, system: str | None = None, text: str | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {
        "coding": [{"system": system, "code": each} if system else {"code": each} for each in codes]
    }
    return {**made, "text": text} if text else made


def beside(standard: str, code: str, other: str) -> dict[str, Any]:
    return {
        "coding": [{"system": other, "code": code}, {"system": standard.split("|")[0], "code": standard.split("|")[1]}]
    }


# Clinical status, verification status: counted now; counted where a slot asks ever.  None: the element is missing.
STATES: dict[str, tuple[dict[str, Any] | None, dict[str, Any] | None, Value, Value]] = {
    "neither": (None, None, True, True),
    "active": (coded("active", system=CLINICAL), None, True, True),
    "recurrence": (coded("recurrence"), None, True, True),
    "relapse": (coded("relapse"), coded("confirmed", system=VERIFICATION), True, True),
    "inactive": (coded("inactive"), None, False, True),
    "remission": (coded("remission", system=CLINICAL), coded("confirmed"), False, True),
    "resolved": (coded("resolved"), coded("confirmed"), False, True),
    "unconfirmed": (coded("active"), coded("unconfirmed"), False, False),
    "provisional": (coded("active"), coded("provisional"), False, False),
    "differential": (coded("active"), coded("differential"), False, False),
    "refuted": (coded("active"), coded("refuted", system=VERIFICATION), False, False),
    "refuted, in capitals": (coded("active"), coded("Refuted"), ON_RECORD, ON_RECORD),
    "refuted, as text": (coded("active"), {"text": "refuted"}, ON_RECORD, ON_RECORD),
    "known absent, in SNOMED CT": (coded("active"), coded("410516002", system=SNOMED), ON_RECORD, ON_RECORD),
    "confirmed, in SNOMED CT alone": (coded("active"), coded("410605003", system=SNOMED), ON_RECORD, ON_RECORD),
    "resolved, as text": ({"text": "Resolved"}, coded("confirmed"), ON_RECORD, ON_RECORD),
    # Confirmed: whether it goes on is not known, and that it was so is.
    "clinical status unknown (R5)": (coded("unknown", system=CLINICAL), coded("confirmed"), ON_RECORD, True),
    "unknown, and not verified": (coded("unknown", system=CLINICAL), None, ON_RECORD, ON_RECORD),
    "unknown, and provisional": (coded("unknown", system=CLINICAL), coded("provisional"), False, False),
    "unknown, verified as text": (coded("unknown", system=CLINICAL), {"text": "confirmed"}, ON_RECORD, ON_RECORD),
    "unknown and another": (coded("unknown", "?", system=CLINICAL), coded("confirmed"), ON_RECORD, ON_RECORD),
    "no code at all": ({"coding": [{"system": CLINICAL}]}, coded("confirmed"), ON_RECORD, ON_RECORD),
    # The code of the value set to which the element is bound speaks for itself.
    "a local code beside": (beside(f"{CLINICAL}|active", "A", LOCAL), coded("confirmed"), True, True),
    "SNOMED CT beside": (coded("active"), beside(f"{VERIFICATION}|confirmed", "410605003", SNOMED), True, True),
    "two bound codes, one of them over": (coded("active", "resolved", system=CLINICAL), None, False, True),
    # The graver state holds.
    "refuted, and not understood": ({"text": "?"}, coded("refuted"), False, False),
    "over, and not understood": (coded("resolved"), {"text": "?"}, ON_RECORD, ON_RECORD),
}


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("ever", [False, True])
def test_a_condition_by_its_states(name: str, ever: bool) -> None:
    clinical, verification, now, at_any_time = STATES[name]
    record = condition(clinicalStatus=clinical, verificationStatus=verification)
    assert ask(record, concept="atrial-fibrillation", ever=ever).value == (at_any_time if ever else now)


def test_one_entered_in_error_is_as_if_it_were_not_there() -> None:
    found = ask(condition(verificationStatus=coded("entered-in-error")), concept="atrial-fibrillation")
    assert found.value is False and {issue.code for issue in found.issues} == {"closed-world"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"verificationStatus": {"text": "refuted"}},
            'its state (verificationStatus "refuted", as text only) is neither',
        ),
        ({"clinicalStatus": coded("unknown")}, "its state (unknown) is neither present nor absent"),
        ({"clinicalStatus": {"coding": []}}, "its state (without clinicalStatus) is neither present nor absent"),
    ],
)
def test_the_state_that_is_not_understood_is_named(changes: dict[str, Any], words: str) -> None:
    (issue,) = ask(condition(**changes), concept="atrial-fibrillation").issues
    assert issue.code == "unconvertible" and words in issue.text


# What is on record has begun: an onset as imprecise as a year ends with the day on which it was recorded.
DATES: dict[str, tuple[dict[str, Any], Value]] = {
    "onset in this year, recorded before": ({"onsetDateTime": "2024", "recordedDate": "2024-05-31"}, True),
    "onset in this year, recorded after": ({"onsetDateTime": "2024", "recordedDate": "2024-07-01"}, False),
    "onset in this year, not recorded when": ({"onsetDateTime": "2024", "recordedDate": None}, ON_RECORD),
    "abated before": ({"abatementDateTime": "2024-05-31"}, False),
    "abated after": ({"abatementDateTime": "2024-06-02"}, True),
    "abated in this month": ({"abatementDateTime": "2024-06"}, ON_RECORD),
    "abatement began, and has no end": ({"abatementPeriod": {"start": "2024-05-31"}}, False),
    "abated at an age": ({"abatementAge": {"value": 40, "code": "a", "system": "http://unitsofmeasure.org"}}, False),
    "abated, in words": ({"abatementString": "years ago"}, False),
    "onset in words": ({"onsetDateTime": None, "onsetString": "in childhood"}, True),
    "no date": ({"onsetDateTime": None, "recordedDate": None}, ON_RECORD),
}


@pytest.mark.parametrize("name", DATES)
def test_a_condition_by_its_dates(name: str) -> None:
    changes, expected = DATES[name]
    assert ask(condition(**changes), concept="atrial-fibrillation").value == expected


@pytest.mark.parametrize(("onset", "expected"), [("2024-03-04", True), ("2024-03-02", False)])
def test_a_window_asks_when_a_condition_began(onset: str, expected: bool) -> None:
    record = condition("14669001", onsetDateTime=onset, recordedDate=None)
    assert ask(record, concept="acute-kidney-injury", window=timedelta(days=90)).value is expected

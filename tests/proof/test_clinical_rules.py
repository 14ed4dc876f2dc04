"""Clinical rules that only the whole can show, of records: which of them an answer rests on, and what it says of them.

Rules of one module are proven beside that module; a failed search in ``test_engine_faults.py``.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ontology.values import Absent, AbsentReason, Quantity
from server.explain import fhir
from server.explain.fhir.datatypes import CONCEPTS
from server.explain.results import Status
from server.explain.text import render_argument
from tests.support.charts import Record, condition, creatinine, encounter, lab, patient, uacr
from tests.support.engine_questions import AT, PATIENT
from tests.support.proof_questions import ask_about, issue_text, result_of, results_by_concept, slot_value

MAY, JUNE = "2026-05-04T08:00:00+00:00", "2026-06-15T08:00:00+00:00"
JANUARY = "2026-01-12T09:00:00+00:00"
FIBRILLATION, INFARCTION, STROKE_HISTORY = "49436004", "22298006", "275526006"


@pytest.mark.parametrize(
    ("newer", "words"),
    [
        (lab("29463-7", 9000, "kg", JUNE, "w2"), "9000"),
        (lab("29463-7", 80, "furlong", JUNE, "w2"), "cannot be read"),
        (lab("29463-7", None, None, JUNE, "w2", dataAbsentReason={"text": "refused"}), "refused"),
    ],
    ids=["implausible", "unreadable", "unknown"],
)
async def test_steps_back_past_a_record_that_cannot_be_used_and_names_it(newer: Record, words: str) -> None:
    chart = [patient(), lab("8302-2", 170, "cm", MAY, "h1"), lab("29463-7", 72.25, "kg", MAY, "w1"), newer]
    answer = await result_of(chart, "bmi")
    assert answer.value == Quantity(Decimal("25.00"), "kg/m2")
    assert "Observation/w2" in issue_text(answer, "stepped-back")
    assert words in issue_text(answer, "stepped-back")
    assert any("Observation/w2" in rebuttal for rebuttal in answer.chain[-1].rebuttals)


async def test_does_not_step_back_where_a_change_may_be_missed() -> None:
    answer = await result_of([patient(), creatinine(1.0, MAY, id="c1"), creatinine(4, JUNE, "g/L", id="c2")], "egfr")
    assert (answer.status, answer.value) == (Status.INSUFFICIENT, Absent(AbsentReason.INPUT_ABSENT))
    assert "Observation/c2" in issue_text(answer, "unconvertible")


async def test_an_unknown_outside_of_the_window_is_not_stepped_past_into_the_past() -> None:
    """Nothing older than the window stands in for what is recorded as unknown within it."""
    unknown = creatinine(1.0, JUNE, id="c2", dataAbsentReason={"text": "haemolysed"})
    del unknown["valueQuantity"]
    trace = await ask_about([patient(), creatinine(1.0, "2025-06-01T08:00:00+00:00", id="c1"), unknown], "egfr")
    assert slot_value(trace, "egfr", "creatinine") == Absent(AbsentReason.RECORDED_UNKNOWN)


async def test_says_from_when_until_when_its_grounds_are() -> None:
    chart = [patient(), creatinine(2.4, MAY), uacr(300, JANUARY)]
    answer = await result_of(chart, "kidney-failure-risk-5y", assume={"north-america": True})
    assert answer.grounds_from == datetime.fromisoformat(JANUARY)
    assert answer.effective == datetime.fromisoformat(MAY)
    shown = render_argument(answer)
    assert "rests on records from 2026-01-12 09:00 UTC to 2026-05-04 08:00 UTC" in shown


async def test_what_was_not_reported_yet_does_not_count() -> None:
    late = creatinine(3.0, "2026-06-29T08:00:00+00:00", id="c2", issued="2026-06-30T13:00:00+00:00")
    chart = [patient(), creatinine(1.0, JUNE, id="c1"), late]
    now, later = await ask_about(chart, "egfr"), await ask_about(chart, "egfr", at=AT + timedelta(hours=2))
    assert slot_value(now, "egfr", "creatinine") == Quantity(Decimal("1.0"), "mg/dL")
    assert slot_value(later, "egfr", "creatinine") == Quantity(Decimal("3.0"), "mg/dL")


async def test_our_own_results_are_never_read_back() -> None:
    chart = [patient(), creatinine(1.6, JUNE), lab("29463-7", 70, "kg", JUNE), lab("8302-2", 170, "cm", JUNE)]
    before = await ask_about(chart, "egfr", "bmi")
    ours = []
    for answer in results_by_concept(before).values():
        observation = fhir.bundle(answer)["entry"][0]["resource"]
        ours.append({**observation, "id": f"ours-{answer.concept.id}", "subject": {"reference": f"Patient/{PATIENT}"}})
    assert {each["code"]["coding"][0]["code"] for each in ours} == {"98979-8", "39156-5"}, "codes that we read"
    after = await ask_about([*chart, *ours], "egfr", "bmi")
    for concept in ("egfr", "bmi"):
        assert slot_value(after, concept, "recorded") == Absent(AbsentReason.NOT_FOUND)
    # Each mark by itself keeps them out: servers were seen to drop tags, or codes of systems that they do not know.
    for kept in ("meta", "code", "method"):
        marked = await ask_about([*chart, *(only(kept, each) for each in ours)], "egfr")
        assert slot_value(marked, "egfr", "recorded") == Absent(AbsentReason.NOT_FOUND), kept
    foreign = await ask_about([*chart, *(only("", each) for each in ours)], "egfr")
    assert isinstance(slot_value(foreign, "egfr", "recorded"), Quantity)


def only(kept: str, ours: dict[str, Any]) -> dict[str, Any]:
    """What we wrote, with one of our marks (none: as a laboratory would have written the same)."""
    theirs = {name: value for name, value in ours.items() if name not in ({"meta", "method"} - {kept})}
    if kept != "code":
        codings = [each for each in ours["code"]["coding"] if each["system"] != CONCEPTS]
        theirs["code"] = {**ours["code"], "coding": codings}
    return theirs


@pytest.mark.parametrize(
    ("verification", "counts"),
    [("confirmed", True), ("unconfirmed", False), ("provisional", False), ("differential", False), ("refuted", False),
     ("entered-in-error", False)],
)  # fmt: skip
async def test_which_conditions_count(verification: str, counts: bool) -> None:
    status = {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": verification}]
    }
    chart = [patient(), condition(FIBRILLATION), condition(INFARCTION, verificationStatus=status)]
    trace = await ask_about(chart, "cha2ds2-vasc")
    expected = True if counts else Absent(AbsentReason.NOT_FOUND)
    assert slot_value(trace, "cha2ds2-vasc", "vascular_disease") == expected


async def test_history_counts_where_the_criterion_says_ever() -> None:
    trace = await ask_about([patient(), condition(FIBRILLATION), condition(STROKE_HISTORY)], "cha2ds2-vasc")
    assert slot_value(trace, "cha2ds2-vasc", "stroke_tia_thromboembolism") is True


@pytest.mark.parametrize(("hours", "counts"), [(-1, False), (1, True)])
async def test_before_the_encounter_ends_what_has_only_its_date_does_not_count(hours: int, counts: bool) -> None:
    stay = encounter("2026-06-20T08:00:00Z", "2026-06-28T08:00:00Z")
    undated = condition(FIBRILLATION, onset=None, encounter={"reference": "Encounter/e1"})
    at = datetime(2026, 6, 28, 8, tzinfo=UTC) + timedelta(hours=hours)
    trace = await ask_about([patient(), stay, undated], "cha2ds2-vasc", at=at)
    assert (slot_value(trace, "cha2ds2-vasc", "atrial_fibrillation") is True) is counts

"""What was never ended: for how long it counts as going on, and what is told of medications after their supply."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ontology.evaluation import Severity
from ontology.values import Absent, AbsentReason, Value
from tests.support.collector_inputs import issue_codes
from tests.support.event_records import ATC, ask, coding, concept_of, event

AUTHORED = datetime(2024, 1, 10, 23, 59, 59, 999999, tzinfo=UTC)
"""When the sound prescription was surely there: it is dated by the day.  Fifteen months are 456 days and a half."""
ARRIVED = datetime(2024, 5, 20, 10, tzinfo=UTC)
"""When the sound stay began."""
DAY = timedelta(days=1)
YES: tuple[Value, list[str]] = (True, [])
BEYOND: tuple[Value, list[str]] = (True, ["beyond-supply"])
LAPSED: tuple[Value, list[str]] = (Absent(AbsentReason.STALE), ["perhaps-over"])
BROKEN: tuple[Value, list[str]] = (Absent(AbsentReason.UNCONVERTIBLE), ["invalid-record"])
OVER: tuple[Value, list[str]] = (False, ["closed-world", "over"])


def supply(days: Any = None, repeats: Any = None, until: Any = None, unit: str = "d") -> dict[str, Any]:
    given: dict[str, Any] = {}
    if days is not None:
        given["expectedSupplyDuration"] = {"value": days, "code": unit, "system": "http://unitsofmeasure.org"}
    if repeats is not None:
        given["numberOfRepeatsAllowed"] = repeats
    if until is not None:
        given["validityPeriod"] = {"start": "2024-01-10", "end": until}
    return {"dispenseRequest": given}


def bounded(end: str) -> dict[str, Any]:
    return {"dosageInstruction": [{"timing": {"repeat": {"boundsPeriod": {"start": "2024-01-10", "end": end}}}}]}


# What is answered so many days after the prescription.
REQUESTS: dict[str, tuple[dict[str, Any], dict[int, tuple[Value, list[str]]]]] = {
    "nothing stated": ({}, {0: YES, 400: YES, 456: YES, 457: LAPSED, 9000: LAPSED}),
    "one supply": (supply(30), {29: YES, 30: YES, 31: BEYOND, 456: BEYOND, 457: LAPSED}),
    "with repeats": (supply(30, 3), {119: YES, 120: YES, 121: BEYOND, 457: LAPSED}),
    "no repeats": (supply(30, 0), {30: YES, 31: BEYOND}),
    "supplies for two years": (supply(90, 7), {457: YES, 720: YES, 721: LAPSED}),
    "more repeats than anybody means": (supply(90, 99), {456: YES, 457: LAPSED}),
    "valid until": (supply(until="2024-07-10"), {181: YES, 182: YES, 183: BEYOND, 457: LAPSED}),
    "the last supply of its validity": (supply(30, until="2024-07-10"), {212: YES, 213: BEYOND}),
    "repeats are used up before its validity is": (supply(30, 1, until="2024-12-31"), {60: YES, 61: BEYOND}),
    "its validity ends before the repeats": (supply(30, 11, until="2024-03-10"), {90: YES, 91: BEYOND}),
    "valid for ever": (supply(until="9999-12-31"), {456: YES, 457: LAPSED}),
    "valid until words": (supply(until="spring"), {456: BROKEN, 457: LAPSED}),
    "a supply in words": (supply(30, unit="days"), {456: YES, 457: LAPSED}),
    "a supply of nothing": (supply(0), {456: YES, 457: LAPSED}),
    "repeats that are none": (supply(30, -1), {30: BROKEN, 31: BROKEN}),
    "repeats in words": (supply(30, "three"), {30: BROKEN, 457: LAPSED}),
    "intended to end": (bounded("2024-03-10"), {30: YES, 90: OVER, 9000: OVER}),
    "intended to go on for years": (bounded("2028-03-10"), {456: YES, 1000: YES, 9000: OVER}),
    "intended to go on for ever": (bounded("9999-12-31"), {456: YES, 457: LAPSED}),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_without_an_end(name: str) -> None:
    changes, answers = REQUESTS[name]
    record = event("MedicationRequest", **changes)
    for days, (value, told) in answers.items():
        found = ask(record, concept=concept_of("MedicationRequest"), at=AUTHORED + days * DAY)
        assert (found.value, issue_codes(found)) == (value, told), days


STATEMENTS: dict[str, tuple[dict[str, Any], dict[int, tuple[Value, list[str]]]]] = {
    "since a day": ({}, {456: YES, 457: LAPSED}),
    "asserted a year later": ({"dateAsserted": "2025-01-10"}, {800: YES, 822: YES, 823: LAPSED}),
    "taken since a moment": (
        {"effectivePeriod": None, "effectiveDateTime": "2024-01-10"}, {456: YES, 457: LAPSED},
    ),
    "known to have ended": ({"effectivePeriod": {"start": "2024-01-10", "end": "2024-02-10"}}, {9000: OVER}),
    "until a day to come": ({"effectivePeriod": {"start": "2024-01-10", "end": "2026-01-10"}}, {700: YES}),
    "stopped": ({"status": "stopped"}, {9000: OVER}),
}  # fmt: skip


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_without_an_end(name: str) -> None:
    changes, answers = STATEMENTS[name]
    record = event("MedicationStatement", **changes)
    for days, (value, told) in answers.items():
        found = ask(record, concept=concept_of("MedicationStatement"), at=AUTHORED + days * DAY)
        assert (found.value, issue_codes(found)) == (value, told), days


def test_an_administration_that_was_never_closed() -> None:
    record = event("MedicationAdministration")
    concept = concept_of("MedicationAdministration")
    answers = [ask(record, concept=concept, at=datetime(2024, *day, 9, tzinfo=UTC)) for day in ((6, 30), (7, 2))]
    assert [(each.value, issue_codes(each)) for each in answers] == [YES, LAPSED]


STAYS: dict[str, tuple[dict[str, Any], dict[int, tuple[Value, list[str]]]]] = {
    "of months": ({}, {0: YES, 90: YES, 180: YES, 181: LAPSED, 9000: LAPSED}),
    "with a leave": ({"status": "onleave"}, {180: YES, 181: LAPSED}),
    "until a day to come": ({"period": {"start": ARRIVED.isoformat(), "end": "2026-01-10"}}, {400: YES}),
    "until a day that is past": (
        {"period": {"start": ARRIVED.isoformat(), "end": "2024-07-10"}},
        {30: YES, 9000: OVER},
    ),
    "finished on no known day": ({"status": "finished"}, {181: OVER, 9000: OVER}),
}


@pytest.mark.parametrize("name", STAYS)
def test_a_stay_that_nobody_closed(name: str) -> None:
    """An Encounter may be open for months; open for years it says nothing of now, and never "no"."""
    changes, answers = STAYS[name]
    record = event("Encounter", **changes)
    for days, (value, told) in answers.items():
        found = ask(record, concept=concept_of("Encounter"), at=ARRIVED + days * DAY)
        assert (found.value, issue_codes(found)) == (value, told), days


def test_whether_there_ever_was_a_stay_asks_all_of_them() -> None:
    concept, at = concept_of("Encounter"), ARRIVED + 9000 * DAY
    assert ask(event("Encounter"), concept=concept, at=at, ever=True).value is True
    current = event("Encounter", id="e2", period={"start": (at - DAY).isoformat()})
    assert ask(event("Encounter"), current, concept=concept, at=at).value is True


def later(name: str, /, **changes: Any) -> dict[str, Any]:
    return event("MedicationRequest", id=name, authoredOn="2025-06-01", **changes)


def test_one_that_is_current_answers_for_all() -> None:
    """Neither an old record nor one beyond its supply is told where a current one says yes."""
    concept = concept_of("MedicationRequest")
    at = datetime(2025, 7, 1, tzinfo=UTC)
    for old in (event("MedicationRequest"), event("MedicationRequest", **supply(30))):
        found = ask(old, later("e2"), concept=concept, at=at)
        assert (found.value, issue_codes(found)) == YES
        assert [each.source.id for each in found.resources if each.source] == ["e2"]
    found = ask(later("e1", **supply(7)), later("e2"), concept=concept, at=at)
    assert (found.value, issue_codes(found)) == YES


def test_an_ended_one_does_not_answer_for_one_that_was_never_ended() -> None:
    at = datetime(2025, 7, 1, tzinfo=UTC)
    stopped = later("e2", status="stopped")
    found = ask(event("MedicationRequest"), stopped, concept=concept_of("MedicationRequest"), at=at)
    assert (found.value, issue_codes(found)) == (Absent(AbsentReason.STALE), ["over", "perhaps-over"])


def test_ever_and_in_a_window() -> None:
    concept, record = concept_of("MedicationRequest"), event("MedicationRequest")
    at = AUTHORED + 500 * DAY
    assert ask(record, concept=concept, at=at, ever=True).value is True
    # It counted as current for certain until 44 days before.
    assert ask(record, concept=concept, at=at, window=50 * DAY).value is True
    found = ask(record, concept=concept, at=at, window=30 * DAY)
    assert (found.value, issue_codes(found)) == (Absent(AbsentReason.UNCONVERTIBLE), ["time-imprecise"])
    assert ask(record, concept=concept, at=AUTHORED + 100 * DAY, window=30 * DAY).value is True


def test_what_is_told_names_the_record() -> None:
    concept = concept_of("MedicationRequest")
    found = ask(event("MedicationRequest"), concept=concept, at=AUTHORED + 500 * DAY)
    assert [(each.severity, each.text) for each in found.issues] == [
        (
            Severity.WARNING,
            "No end recorded; whether it continues is unknown: MedicationRequest/e1 of 2024-01-10 "
            "(counted as current until 2025-04-11).",
        )
    ]
    assert [each.source.id for each in found.resources if each.source] == ["e1"]
    found = ask(event("MedicationRequest", **supply(30)), concept=concept, at=AUTHORED + 50 * DAY)
    assert [(each.severity, each.text) for each in found.issues] == [
        (
            Severity.WARNING,
            "No end recorded, but the supply has run out: MedicationRequest/e1 of 2024-01-10 "
            "(supplied until 2024-02-09).",
        )
    ]


@pytest.mark.parametrize("state", [{"doNotPerform": True}, {"intent": "plan"}, {"intent": "proposal"}])
def test_what_was_not_ordered_is_never_taken_at_any_time(state: dict[str, Any]) -> None:
    record = event("MedicationRequest", medicationCodeableConcept=coding("B01AF02", ATC), **state)
    for days in (1, 457):
        for ever in (True, False):
            at = AUTHORED + days * DAY
            assert ask(record, concept=concept_of("MedicationRequest"), at=at, ever=ever).value is False

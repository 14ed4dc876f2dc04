"""When what was so began and ended, what lies in a window, and what is undated."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ontology.values import Date, Value
from tests.support.collector_inputs import SNOMED, SOURCE, codeable_concept, issue_codes
from tests.support.event_records import NOT_FOUND, ON_RECORD, ask, concept_of, event

DAY = timedelta(days=1)
BY_ENCOUNTER = {"reference": "Encounter/e7"}
WORDS, YES = "time-imprecise", (True, list[str]())
NO = (False, ["closed-world"])
OVER = (False, ["closed-world", "over"])
UNDATED = (ON_RECORD, ["undated"])
UNREADABLE = (ON_RECORD, ["unconvertible"])


def encounter(
    start: str | None = "2024-05-01T08:00:00Z", end: str | None = "2024-05-03T08:00:00Z", **more: Any
) -> dict[str, Any]:
    period = {name: text for name, text in (("start", start), ("end", end)) if text}
    made = {"resourceType": "Encounter", "id": "e7", "status": "finished", "subject": {"reference": "Patient/p"}}
    return made | {"class": {"code": "IMP"}, "period": period} | more


def period(start: str | None = None, end: str | None = None) -> dict[str, str]:
    return {name: text for name, text in (("start", start), ("end", end)) if text}


def doses(*repeats: dict[str, Any] | None) -> list[dict[str, Any]]:
    return [{"timing": {"repeat": repeat}} if repeat is not None else {"text": "as needed"} for repeat in repeats]


def days(count: Any, unit: str | None = "d") -> dict[str, Any]:
    return {"boundsDuration": {"value": count, "system": "http://unitsofmeasure.org", "code": unit}}


def between(least: str, most: str) -> dict[str, Any]:
    return {"boundsRange": {"low": {"value": 5, "code": least}, "high": {"value": 9, "code": most}}}


def until(end: str) -> dict[str, Any]:
    return {"boundsPeriod": {"end": end}}


Case = tuple[str, dict[str, Any], dict[str, Any], tuple[Value, list[str]]]
# A procedure is done at its time; nothing ends it.  Asked at 2024-06-01 12:00 UTC.
PROCEDURES: dict[str, Case] = {
    "done, whenever": ("Procedure", {"performedDateTime": "1999-05-01"}, {}, YES),
    "later": ("Procedure", {"performedDateTime": "2024-06-02"}, {}, NO),
    "perhaps later on that day": ("Procedure", {"performedDateTime": "2024-06-01"}, {}, (ON_RECORD, [WORDS])),
    "perhaps later that year": ("Procedure", {"performedDateTime": "2024"}, {}, (ON_RECORD, [WORDS])),
    "over a period": (
        "Procedure", {"performedDateTime": None, "performedPeriod": period("2024-05-01", "2024-05-02")}, {}, YES,
    ),
    "period without an end": (
        "Procedure", {"performedDateTime": None, "performedPeriod": period("2024-05-01")}, {}, YES,
    ),
    "period without a start": (
        "Procedure", {"performedDateTime": None, "performedPeriod": period(None, "2024-05-01")}, {}, YES,
    ),
    "in words": ("Procedure", {"performedDateTime": None, "performedString": "as a child"}, {}, UNDATED),
    "in words, though its encounter has a date": (
        "Procedure", {"performedDateTime": None, "performedString": "once", "encounter": BY_ENCOUNTER}, {}, UNDATED,
    ),
    "by age": ("Procedure", {"performedDateTime": None, "performedAge": {"value": 7, "code": "a"}}, {}, UNDATED),
    "by range": ("Procedure", {"performedDateTime": None, "performedRange": {"low": {"value": 7}}}, {}, UNDATED),
    "misdated": ("Procedure", {"performedDateTime": "spring"}, {}, UNDATED),
    "a date of the wrong type": ("Procedure", {"performedDateTime": 2024}, {}, UNDATED),
    "by its encounter": ("Procedure", {"performedDateTime": None, "encounter": BY_ENCOUNTER}, {}, YES),
    "by an encounter that is not had": (
        "Procedure", {"performedDateTime": None, "encounter": {"reference": "Encounter/e8"}}, {}, UNDATED,
    ),
    "by an encounter elsewhere": (
        "Procedure", {"performedDateTime": None, "encounter": {"reference": "http://x.test/Encounter/e7"}}, {}, UNDATED,
    ),
    "in the window": ("Procedure", {"performedDateTime": "2024-05-20"}, {"window": 30 * DAY}, YES),
    "before the window": ("Procedure", {"performedDateTime": "2024-04-20"}, {"window": 30 * DAY}, NO),
    "perhaps before the window": (
        "Procedure", {"performedDateTime": "2024-05"}, {"window": 10 * DAY}, (ON_RECORD, [WORDS]),
    ),
    "window, by its encounter": (
        "Procedure", {"performedDateTime": None, "encounter": BY_ENCOUNTER}, {"window": 60 * DAY}, YES,
    ),
    "before the window, by its encounter": (
        "Procedure", {"performedDateTime": None, "encounter": BY_ENCOUNTER}, {"window": 10 * DAY}, NO,
    ),
    "not done, before the window": (
        "Procedure", {"status": "not-done", "performedDateTime": "2020"}, {"window": 10 * DAY}, NO,
    ),
    "vaccine in words": ("Immunization", {"occurrenceDateTime": None, "occurrenceString": "childhood"}, {}, UNDATED),
    "vaccine recorded only later": ("Immunization", {"recorded": "2024-07-01"}, {}, NO),
}  # fmt: skip
# What lasts ends.
LASTING: dict[str, Case] = {
    "stay under way": ("Encounter", {}, {}, YES),
    "stay that is over": ("Encounter", {"status": "finished", "period": period("2024-05-01", "2024-05-09")}, {}, OVER),
    "stay that ends later": (
        "Encounter", {"status": "finished", "period": period("2024-05-01", "2024-06-09")}, {}, YES,
    ),
    "stay that perhaps ends later": (
        "Encounter", {"status": "finished", "period": period("2024-05-01", "2024-06-01")}, {}, (ON_RECORD, [WORDS]),
    ),
    "stay ever": (
        "Encounter", {"status": "finished", "period": period("2024-05-01", "2024-05-09")}, {"ever": True}, YES,
    ),
    "stay that reaches into the window": (
        "Encounter", {"status": "finished", "period": period("2024-01-01", "2024-05-09")}, {"window": 30 * DAY}, YES,
    ),
    "stay before the window": (
        "Encounter", {"status": "finished", "period": period("2024-01-01", "2024-02-09")}, {"window": 30 * DAY}, NO,
    ),
    "stay that perhaps reaches into the window": (
        "Encounter", {"status": "finished", "period": period("2024-01-01", "2024-05")}, {"window": 10 * DAY},
        (ON_RECORD, [WORDS]),
    ),
    "stay since long before the window": ("Encounter", {"period": period("2024-01-01")}, {"window": DAY}, YES),
    "stay that nobody closed": ("Encounter", {"period": period("2020-01-01")}, {"window": DAY}, (ON_RECORD, [WORDS])),
    "stay that ended on no known date": ("Encounter", {"status": "finished", "period": period("2024-01-01")}, {}, OVER),
    "stay that ended on no known date, window": (
        "Encounter", {"status": "finished", "period": period("2024-01-01")}, {"window": 30 * DAY}, (ON_RECORD, [WORDS]),
    ),
    "stay that ended on no known date, within": (
        "Encounter", {"status": "finished", "period": period("2024-05-20")}, {"window": 30 * DAY}, YES,
    ),
    "stay that ends before it begins": (
        "Encounter", {"status": "finished", "period": period("2024-05-09", "2024-05-01")}, {},
        (ON_RECORD, ["unconvertible"]),
    ),
    "stay without a period": ("Encounter", {"period": None}, {}, UNDATED),
    "allergy since an age": (
        "AllergyIntolerance", {"onsetAge": {"value": 7, "code": "a", "system": "http://unitsofmeasure.org"}}, {}, YES,
    ),
    "allergy known by a reaction": (
        "AllergyIntolerance", {"recordedDate": None, "lastOccurrence": "2023-05-05"}, {}, YES,
    ),
    "allergy recorded later": ("AllergyIntolerance", {"onsetDateTime": "2001", "recordedDate": "2024-07-01"}, {}, NO),
    "allergy without any date": ("AllergyIntolerance", {"recordedDate": None}, {}, UNDATED),
    "allergy by its encounter": ("AllergyIntolerance", {"recordedDate": None, "encounter": BY_ENCOUNTER}, {}, YES),
    "prescribed until later": ("MedicationRequest", {"dosageInstruction": doses(until("2024-07-01"))}, {}, YES),
    "prescribed until before": ("MedicationRequest", {"dosageInstruction": doses(until("2024-03-01"))}, {}, OVER),
    "prescribed for days that are over": ("MedicationRequest", {"dosageInstruction": doses(days(7))}, {}, OVER),
    "prescribed for days that are not": ("MedicationRequest", {"dosageInstruction": doses(days(200))}, {}, YES),
    "prescribed for months": ("MedicationRequest", {"dosageInstruction": doses(days(6, "mo"))}, {}, YES),
    "prescribed for perhaps so many months": (
        # 10 January and five months: between the 29th of May and the 13th of June.
        "MedicationRequest", {"dosageInstruction": doses(days(5, "mo"))}, {}, (ON_RECORD, [WORDS]),
    ),
    "prescribed for a range of days": (
        "MedicationRequest", {"dosageInstruction": doses(between("d", "d"))}, {}, OVER,
    ),
    "prescribed for perhaps so many days": (
        "MedicationRequest", {"dosageInstruction": doses(between("d", "a"))}, {}, (ON_RECORD, [WORDS]),
    ),
    **{
        f"prescribed for {count} {unit}": (
            "MedicationRequest", {"dosageInstruction": doses(days(count, unit))}, {}, UNREADABLE,
        )
        for count, unit in (
            ("7", "d"), (7, "days"), (7, None), (0, "d"), (-1, "d"), (None, "d"), (1e9, "d"), (True, "d"),
        )
    },
    "prescribed for days from an unknown day": (
        "MedicationRequest", {"authoredOn": None, "dosageInstruction": doses(days(7))}, {}, UNDATED,
    ),
    "one dose after the other": (
        "MedicationRequest", {"dosageInstruction": doses(until("2024-03-01"), until("2024-08-01"))}, {}, YES,
    ),
    "both doses are over": (
        "MedicationRequest", {"dosageInstruction": doses(until("2024-03-01"), until("2024-04-01"))}, {}, OVER,
    ),
    "one dose has no end": (
        "MedicationRequest", {"dosageInstruction": doses(until("2024-03-01"), None)}, {}, YES,
    ),
    "prescribed to begin later": (
        "MedicationRequest", {"dosageInstruction": doses({"boundsPeriod": {"start": "2024-07-01"}})}, {}, NO,
    ),
    "stopped, whatever was intended": (
        "MedicationRequest", {"status": "stopped", "dosageInstruction": doses(until("2024-07-01"))}, {}, OVER,
    ),
    "prescribed within": (
        "MedicationRequest", {"dosageInstruction": doses(until("2024-05-15"))}, {"window": 30 * DAY}, YES,
    ),
    "prescribed on the day asked about": ("MedicationRequest", {"authoredOn": "2024-06-01"}, {}, (ON_RECORD, [WORDS])),
    "prescribed at an encounter": ("MedicationRequest", {"authoredOn": None, "encounter": BY_ENCOUNTER}, {}, YES),
    "taken until before": (
        "MedicationStatement", {"status": "completed", "effectivePeriod": period("2024-01-01", "2024-02-01")}, {}, OVER,
    ),
    "active, and its period is over": (
        "MedicationStatement", {"effectivePeriod": period("2024-01-01", "2024-02-01")}, {}, OVER,
    ),
    "taken since a moment": (
        "MedicationStatement", {"effectivePeriod": None, "effectiveDateTime": "2024-01-01"}, {}, YES,
    ),
    "asserted": ("MedicationStatement", {"effectivePeriod": None, "dateAsserted": "2024-01-01"}, {}, YES),
    "asserted later": ("MedicationStatement", {"dateAsserted": "2024-07-01"}, {}, NO),
    "by its context": ("MedicationStatement", {"effectivePeriod": None, "context": BY_ENCOUNTER}, {}, YES),
    "given at a moment": (
        "MedicationAdministration",
        {"status": "completed", "effectivePeriod": None, "effectiveDateTime": "2024-05-30T08:00:00Z"}, {}, OVER,
    ),
    "given at a moment, within": (
        "MedicationAdministration",
        {"status": "completed", "effectivePeriod": None, "effectiveDateTime": "2024-05-30T08:00:00Z"},
        {"window": 7 * DAY}, YES,
    ),
    "given long ago": (
        "MedicationAdministration",
        {"status": "completed", "effectivePeriod": None, "effectiveDateTime": "2024-03-30T08:00:00Z"},
        {"window": 7 * DAY}, NO,
    ),
    "being given since a moment": (
        "MedicationAdministration", {"effectivePeriod": None, "effectiveDateTime": "2024-05-30T08:00:00Z"}, {}, YES,
    ),
}  # fmt: skip
CASES = PROCEDURES | LASTING


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    kind, changes, more, (value, told) = CASES[name]
    beside = [encounter()] if kind != "Encounter" else []
    found = ask(event(kind, **changes), *beside, concept=concept_of(kind), **more)
    assert (found.value, issue_codes(found)) == (value, told)


@pytest.mark.parametrize(
    ("changes", "dated"),
    [
        ({}, True),
        ({"status": "in-progress", "period": period("2024-05-01")}, False),
        ({"status": "entered-in-error"}, False),
        ({"period": period("2024-05-03", "2024-05-01")}, False),
        ({"period": "long"}, False),
        ({"period": period(None, "2024-05-03")}, False),
    ],
    ids=str,
)
def test_only_an_encounter_that_is_over_dates_anything(changes: dict[str, Any], dated: bool) -> None:
    record = event("Procedure", performedDateTime=None, encounter=BY_ENCOUNTER)
    found = ask(record, encounter(**changes), concept=concept_of("Procedure"))
    assert found.value == (True if dated else ON_RECORD)


def test_what_dates_a_record_is_told() -> None:
    record = event("Procedure", performedDateTime=None, encounter=BY_ENCOUNTER)
    (resource,) = ask(record, encounter(), concept=concept_of("Procedure")).resources
    assert resource.notes == ("Dated by its encounter (2024-05-01 08:00 UTC to 2024-05-03 08:00 UTC).",)


@pytest.mark.parametrize(
    "reference", ["Encounter/e7", "Encounter/e7/_history/2", f"{SOURCE.base_url}/Encounter/e7", "urn:uuid:e7"]
)
def test_ways_to_refer(reference: str) -> None:
    record = event("Procedure", performedDateTime=None, encounter={"reference": reference})
    assert ask(record, encounter(), concept=concept_of("Procedure")).value is True


def colonoscopy(number: int, when: str | None, **changes: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "http://snomed.info/sct", "code": "73761001"}]}
    return event("Procedure", id=f"c{number}", code=code, performedDateTime=when, **changes)


DATES: dict[str, tuple[list[dict[str, Any]], Value, list[str]]] = {
    "none": ([], NOT_FOUND, ["not-found"]),
    "one": ([colonoscopy(1, "2019-03-04")], Date(date(2019, 3, 4), date(2019, 3, 4)), []),
    "the last": (
        [colonoscopy(1, "2019-03-04"), colonoscopy(2, "2022-03-04")], Date(date(2022, 3, 4), date(2022, 3, 4)), [],
    ),
    "as precisely as it is written": ([colonoscopy(1, "2019")], Date(date(2019, 1, 1), date(2019, 12, 31)), []),
    "over days": (
        [colonoscopy(1, None, performedPeriod=period("2019-03-04T23:00:00Z", "2019-03-05T01:00:00Z"))],
        Date(date(2019, 3, 4), date(2019, 3, 5)), [],
    ),
    "not done later": (
        [colonoscopy(1, "2019-03-04"), colonoscopy(2, "2022-03-04", status="not-done")],
        Date(date(2019, 3, 4), date(2019, 3, 4)), ["uncounted"],
    ),
    "not done at all": ([colonoscopy(2, "2022-03-04", status="not-done")], NOT_FOUND, ["not-found", "uncounted"]),
    "undated": ([colonoscopy(1, None)], NOT_FOUND, ["not-found", "undated"]),
    "undated beside a dated one": (
        [colonoscopy(1, None), colonoscopy(2, "2019-03-04")], Date(date(2019, 3, 4), date(2019, 3, 4)), ["undated"],
    ),
    "perhaps a later one": (
        [colonoscopy(1, "2019-03-04"), colonoscopy(2, "2022-03-04", status="unknown")], ON_RECORD, ["unconvertible"],
    ),
    "asked before": ([colonoscopy(1, "2025-03-04")], NOT_FOUND, ["not-found"]),
}  # fmt: skip


@pytest.mark.parametrize("name", DATES)
def test_when_it_was_done(name: str) -> None:
    records, value, told = DATES[name]
    found = ask(*records, concept="colonoscopy-date")
    assert (found.value, issue_codes(found)) == (value, told)


def test_one_that_was_done_too_long_ago_is_stale() -> None:
    found = ask(colonoscopy(1, "2009-03-04"), concept="colonoscopy-date", window=timedelta(days=3653))
    assert issue_codes(found) == ["stale"]


def test_as_of_an_earlier_time() -> None:
    stay = event("Encounter", status="finished", period=period("2024-05-01T08:00:00Z", "2024-05-09T08:00:00Z"))
    answers = [ask(stay, concept="inpatient-stay", at=datetime(2024, *when).replace(tzinfo=UTC)).value for when in
               ((4, 30), (5, 2), (5, 9, 9))]  # fmt: skip
    assert answers == [False, True, False]


BEGAN = "2024-05-20"


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"status": "in-progress", "performedPeriod": {"start": BEGAN}}, date.max),
        ({"status": "in-progress", "performedDateTime": BEGAN}, date.max),
        ({"status": "in-progress", "performedPeriod": {"start": BEGAN, "end": "2024-05-22"}}, date(2024, 5, 22)),
        ({"status": "completed", "performedPeriod": {"start": BEGAN}}, date(2024, 5, 20)),
        ({"status": "completed", "performedDateTime": BEGAN}, date(2024, 5, 20)),
    ],
)
def test_an_event_in_progress_has_no_end_yet(changes: dict[str, Any], end: date) -> None:
    record = {
        "resourceType": "Procedure",
        "id": "d",
        "subject": {"reference": "Patient/p"},
        "code": codeable_concept("302497006", SNOMED),
    }
    assert ask(record | changes, concept="dialysis-date").value == Date(date(2024, 5, 20), end)

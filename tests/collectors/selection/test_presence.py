"""When a Condition counts, and when "not recorded" means "no"."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collectors.facts import SlotSelection
from ontology.evaluation import Severity
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason, Value
from tests.support.collector_inputs import AT, FIBRILLATION, ICD10, condition, facts_of, issue_codes, slot

ANY = slot(FIBRILLATION, Select.ANY, closed_world=True)
EVER = slot(FIBRILLATION, Select.ANY, closed_world=True, ever=True)
OPEN = slot(FIBRILLATION, Select.ANY)
NOT_FOUND = Absent(AbsentReason.NOT_FOUND)
# On record, and yet not to be told: never as if nothing were recorded.
ON_RECORD = Absent(AbsentReason.UNCONVERTIBLE)
UNDATED: dict[str, Any] = {"onsetDateTime": None, "recordedDate": None, "encounter": {"reference": "Encounter/e1"}}


def encounter(start: str = "2024-05-01T08:00:00Z", end: str | None = "2024-05-03T08:00:00Z") -> dict[str, Any]:
    period = {"start": start} | ({"end": end} if end else {})
    return {"resourceType": "Encounter", "id": "e1", "status": "finished", "period": period}


def status(code: str) -> dict[str, Any]:
    return {"clinicalStatus": {"coding": [{"code": code}]}}


def verified(code: str) -> dict[str, Any]:
    return {"verificationStatus": {"coding": [{"code": code}]}}


def ask(*records: dict[str, Any], of: Slot = ANY, at: datetime = AT) -> SlotSelection:
    return facts_of(*records, concepts=(FIBRILLATION,)).select(of, at, at)


WORDED = {"code": {"coding": [{"system": "urn:local", "code": "1"}], "text": "Sugar"}}
CASES: dict[str, tuple[Slot, list[dict[str, Any]], Value, list[str]]] = {
    "active": (ANY, [condition()], True, []),
    "no statuses": (ANY, [condition(clinicalStatus=None, verificationStatus=None)], True, []),
    "ICD by prefix": (ANY, [condition("I48.91", ICD10)], True, []),
    "ICD without its dot": (ANY, [condition("I4891", ICD10)], True, []),
    "a neighbour in the same system": (ANY, [condition("I49.0", ICD10)], False, ["closed-world"]),
    "any of its codings": (
        ANY,
        [condition(code={"coding": [{"system": "urn:x", "code": "1"}, {"system": ICD10, "code": "I48"}]})],
        True,
        [],
    ),
    "nothing recorded, closed world": (ANY, [], False, ["closed-world"]),
    "nothing recorded, open world": (OPEN, [], NOT_FOUND, ["not-recorded"]),
    "another disease, closed world": (ANY, [condition("38341003")], False, ["closed-world"]),
    "codes that cannot be read": (ANY, [condition("42731", "urn:mimic:icd9")], ON_RECORD, ["codes-unreadable"]),
    "text only": (ANY, [condition(code={"text": "AF"})], ON_RECORD, ["codes-unreadable"]),
    "text only, open world": (OPEN, [condition(code={"text": "AF"})], ON_RECORD, ["codes-unreadable"]),
    "over, in a code that cannot be read": (
        ANY,
        [condition("1", "urn:local", **status("resolved"))],
        False,
        ["closed-world"],
    ),
    "over, in a code that cannot be read, ever": (
        EVER,
        [condition("1", "urn:local", **status("resolved"))],
        ON_RECORD,
        ["codes-unreadable"],
    ),
    "no name is matched": (
        OPEN,
        [condition(code={"text": "Atrial fibrillation"})],
        ON_RECORD,
        ["codes-unreadable"],
    ),
    "codes that could not be read later": (
        ANY,
        [condition("42731", "urn:mimic:icd9", onsetDateTime="2025-01-01", recordedDate=None)],
        False,
        ["closed-world"],
    ),
    "not decodable": (ANY, [condition(code="I48")], ON_RECORD, ["codes-unreadable"]),
    "refuted": (ANY, [condition(**verified("refuted"))], False, ["closed-world", "negated"]),
    "refuted, in a code that cannot be read": (
        ANY,
        [condition("1", "urn:local", **verified("refuted"))],
        False,
        ["closed-world"],
    ),
    "refuted, and yet another": (
        ANY,
        [condition(id="c1", **verified("refuted")), condition(id="c2")],
        True,
        ["negated"],
    ),
    "entered in error": (ANY, [condition(**verified("entered-in-error"))], False, ["closed-world"]),
    "provisional": (ANY, [condition(**verified("provisional"))], False, ["closed-world", "doubted"]),
    "differential": (ANY, [condition(**verified("differential"))], False, ["closed-world", "doubted"]),
    "unconfirmed": (ANY, [condition(**verified("unconfirmed"))], False, ["closed-world", "doubted"]),
    "resolved": (ANY, [condition(**status("resolved"))], False, ["closed-world", "over"]),
    "resolved counts ever": (EVER, [condition(**status("resolved"))], True, []),
    "inactive": (ANY, [condition(**status("inactive"))], False, ["closed-world", "over"]),
    # FHIR: remission and resolved are kinds of inactive.
    "remission": (ANY, [condition(**status("remission"))], False, ["closed-world", "over"]),
    "in remission, in a code that cannot be read": (
        ANY,
        [condition("1", "urn:local", **status("remission"))],
        False,
        ["closed-world"],
    ),
    "remission counts ever": (EVER, [condition(**status("remission"))], True, []),
    "history of": (ANY, [condition("Z86.79", ICD10)], False, ["closed-world", "over"]),
    "history of counts ever": (EVER, [condition("Z86.79", ICD10)], True, []),
    "recurrence": (ANY, [condition(**status("recurrence"))], True, []),
    "ended before": (
        ANY,
        [condition(abatementDateTime="2024-01-01", **status("resolved"))],
        False,
        ["closed-world", "over"],
    ),
    "ended before counts ever": (EVER, [condition(abatementDateTime="2024-01-01", **status("resolved"))], True, []),
    "ended only later": (ANY, [condition(abatementDateTime="2024-12-01", **status("resolved"))], True, []),
    "ended at some time this year": (
        ANY,
        [condition(abatementDateTime="2024", **status("resolved"))],
        ON_RECORD,
        ["time-imprecise"],
    ),
    "ended at an age": (ANY, [condition(abatementString="long ago")], False, ["closed-world", "over"]),
    "begins later": (ANY, [condition(onsetDateTime="2024-07-01", recordedDate=None)], False, ["closed-world"]),
    "recorded on the day asked about": (ANY, [condition(recordedDate="2024-06-01")], ON_RECORD, ["time-imprecise"]),
    "recorded later": (ANY, [condition(recordedDate="2024-07-01")], False, ["closed-world"]),
    "began in a year that is not over, but recorded": (
        ANY,
        [condition(onsetDateTime="2024", recordedDate="2024-03-01")],
        True,
        [],
    ),
    "began in a year that is not over": (
        ANY,
        [condition(onsetDateTime="2024", recordedDate=None)],
        ON_RECORD,
        ["time-imprecise"],
    ),
    "onset as an age is dated by its record": (
        ANY,
        [condition(onsetDateTime=None, onsetAge={"value": 60, "code": "a", "system": "http://unitsofmeasure.org"})],
        True,
        [],
    ),
    "dated by its encounter": (ANY, [condition(**UNDATED), encounter()], True, []),
    "not before that encounter's end": (
        ANY,
        [condition(**UNDATED), encounter(end="2024-06-02T08:00:00Z")],
        NOT_FOUND,
        ["time-imprecise"],
    ),
    "encounter under way": (
        ANY,
        [condition(**UNDATED), encounter(end=None)],
        ON_RECORD,
        ["undated"],
    ),
    "not dated at all": (ANY, [condition(**UNDATED)], ON_RECORD, ["undated"]),
    "undated beside a dated one": (ANY, [condition(**UNDATED), condition(id="c2")], True, []),
    "misdated": (ANY, [condition(onsetDateTime="once")], ON_RECORD, ["undated"]),
    "window": (
        slot(FIBRILLATION, Select.ANY, closed_world=True, window=timedelta(days=90)),
        [condition()],
        False,
        ["closed-world"],
    ),
    "invalid": (ANY, [condition(foo=1)], ON_RECORD, ["invalid-record"]),
    "another patient's": (ANY, [condition(subject={"reference": "Patient/x"})], False, ["closed-world"]),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    wanted, records, value, told = CASES[name]
    selected = ask(*records, of=wanted)
    assert selected.value == value
    assert issue_codes(selected) == told


# 90 days before 2024-06-01 12:00 it was 2024-03-03 12:00; what is dated by a day may lie on either side.
@pytest.mark.parametrize(
    ("began", "value"),
    [
        ("2024-03-03T11:59:59Z", False),
        ("2024-03-03T12:00:00Z", True),
        ("2024-03-03T12:00:01Z", True),
        ("2024-03-02", False),
        ("2024-03-03", ON_RECORD),
        ("2024-03-04", True),
    ],
)
def test_an_event_at_the_edge_of_the_window(began: str, value: Value) -> None:
    within = slot(FIBRILLATION, Select.ANY, closed_world=True, window=timedelta(days=90))
    selected = ask(condition(onsetDateTime=began, recordedDate=None), of=within)
    assert selected.value == value
    if value == ON_RECORD:
        assert "within the 90 days asked for" in selected.issues[-1].text


def test_true_names_all_its_records() -> None:
    selected = ask(condition(), condition("I48", ICD10, id="c2"))
    assert [each.source.id for each in selected.resources if each.source] == ["c1", "c2"]


def test_before_it_ended_it_counted() -> None:
    past = datetime(2023, 6, 1, tzinfo=UTC)
    assert ask(condition(abatementDateTime="2024-01-01", **status("resolved")), at=past).value is True


def test_entries_that_are_not_understood_are_counted_and_named_in_their_own_words() -> None:
    entries = [condition(str(n), "urn:local", id=f"c{n}", **WORDED) for n in range(1, 8)]
    (issue,) = ask(*entries).issues
    assert issue.text.startswith("7 conditions in other codes or as text could be relevant: ")
    assert issue.text.endswith('"Sugar" (Condition/c5) and 2 more.')
    assert (issue.slot, issue.severity) == (None, Severity.WARNING)
    (issue,) = ask(condition("1", "urn:local"), condition(code="I48", id="c2"), of=OPEN).issues
    assert "1 of urn:local" in issue.text
    assert "1 that could not be read" in issue.text

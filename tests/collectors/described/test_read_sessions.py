"""What is done again and again: a session counts as going on for a time, and then it is not known."""

from datetime import timedelta
from typing import Any

import pytest

from ontology.values import Absent, AbsentReason, Value
from tests.support.collector_inputs import AT, SNOMED, codeable_concept, issue_codes
from tests.support.event_records import ask

HAEMODIALYSIS = "302497006"
UNKNOWN = Absent(AbsentReason.STALE)


def session(days: int, **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Procedure",
        "id": f"s{days}",
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "code": codeable_concept(HAEMODIALYSIS, SNOMED),
        "performedDateTime": (AT - timedelta(days=days)).isoformat(),
        **changes,
    }


@pytest.mark.parametrize(
    ("sessions", "value", "codes"),
    [
        # A month (ontology/conditions.ttl: our choice), just inside, on, and just outside.
        ([session(29)], True, []),
        ([session(30)], True, []),
        ([session(31)], UNKNOWN, ["perhaps-over"]),
        ([session(400)], UNKNOWN, ["perhaps-over"]),
        ([session(400), session(3)], True, []),
        ([session(3, status="not-done")], False, ["closed-world", "negated"]),
        ([session(3, status="entered-in-error")], False, ["closed-world"]),
        ([], False, ["closed-world"]),
    ],
)
def test_a_session_of_dialysis_is_dialysis_for_a_month(
    sessions: list[dict[str, Any]], value: Value, codes: list[str]
) -> None:
    found = ask(*sessions, concept="dialysis")
    assert found.value == value
    assert issue_codes(found) == codes


@pytest.mark.parametrize(("days", "value"), [(89, True), (91, False)])
def test_in_a_window_the_time_of_the_session_counts(days: int, value: bool) -> None:
    assert ask(session(days), concept="dialysis", window=timedelta(days=90)).value is value

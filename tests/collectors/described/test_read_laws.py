"""Whatever stands in a record of a described type, it is read or refused: nothing raises, and no damage makes a yes."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ontology.values import Absent
from tests.support.event_records import RECORDS, ask, concept_of, event

TIMES = st.sampled_from(
    ["2024", "2024-05", "2024-05-20", "2024-05-20T10:00:00Z", "9999-12-31", "0001-01-01", "once", ""]
)
WORDS = st.sampled_from(
    ["completed", "active", "order", "entered-in-error", "unknown", "p", "Patient/p", "#m", "d", "1"]
)
NAMES = st.sampled_from(
    [
        "status", "intent", "doNotPerform", "code", "coding", "system", "subject", "patient", "reference", "period",
        "start", "end", "performedDateTime", "performedPeriod", "performedString", "occurrenceDateTime", "class",
        "medicationReference", "medicationCodeableConcept", "contained", "dosageInstruction", "timing", "repeat",
        "boundsPeriod", "boundsDuration", "boundsRange", "low", "high", "value", "effectiveDateTime", "effectivePeriod",
        "onsetDateTime", "recordedDate", "authoredOn", "encounter", "context", "meta", "tag", "reaction", "substance",
        "modifierExtension", "implicitRules", "clinicalStatus", "verificationStatus", "resourceType", "category",
    ]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | TIMES | WORDS | st.floats(-1e18, 1e18),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=400)
@given(kind=st.sampled_from(sorted(RECORDS)), changes=st.dictionaries(NAMES, JSON, max_size=4))
def test_nothing_raises(kind: str, changes: dict[str, Any]) -> None:
    record = event(kind) | changes | {"resourceType": kind}
    for ever in (False, True):
        value = ask(record, concept=concept_of(kind), ever=ever).value
        assert isinstance(value, bool | Absent)


@settings(deadline=None, max_examples=400)
@given(kind=st.sampled_from(sorted(RECORDS)), repeat=JSON)
def test_lengths_of_time_and_nested_parts(kind: str, repeat: Any) -> None:
    record = event(kind, dosageInstruction=[{"timing": {"repeat": repeat}}], reaction=repeat, contained=repeat)
    assert isinstance(ask(record, concept=concept_of(kind)).value, bool | Absent)


@settings(deadline=None, max_examples=400)
@given(kind=st.sampled_from(sorted(RECORDS)), word=st.text(max_size=12))
def test_a_state_that_is_not_known_is_never_an_answer(kind: str, word: str) -> None:
    element = "status" if "status" in event(kind) else "verificationStatus"
    known = {"completed", "active", "in-progress", "arrived", "triaged", "onleave", "confirmed", "not-done", "refuted"}
    changes: Any = {element: word if element == "status" else {"coding": [{"code": word}]}}
    value = ask(event(kind, **changes), concept=concept_of(kind), closed_world=False).value
    assert word in known or isinstance(value, Absent)


@pytest.mark.parametrize("kind", sorted(RECORDS))
def test_records_in_any_order_say_the_same(kind: str) -> None:
    first, second = event(kind), event(kind, id="e2", status="entered-in-error")
    concept = concept_of(kind)
    found = [ask(*order, concept=concept) for order in ((first, second), (second, first))]
    assert found[0] == found[1]
    assert found[0].value is True

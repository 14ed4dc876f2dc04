"""Why an input is empty: what its own issues tell of it, and what its slot tells."""

from dataclasses import replace

import pytest

from ontology.concepts import Concept, Origin, ValueType
from ontology.evaluation import Issue, Severity
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason
from server.catalog.catalog import load_catalog
from server.executor.trace import BoundInput
from server.explain.phrases import describe_absence

STATIN: Concept = load_catalog().concepts["statin"]
ENDED = replace(STATIN, origin=Origin.OBSERVATION)


@pytest.mark.parametrize(
    ("concept", "reason", "words"),
    [
        (STATIN, AbsentReason.STALE, "recorded, but too long ago to tell whether it still goes on"),
        (STATIN, AbsentReason.NOT_FOUND, "not recorded, which is not a no"),
        (STATIN, AbsentReason.UNCONVERTIBLE, "recorded, but not so that it can be told for this time"),
        (ENDED, AbsentReason.STALE, "too old"),
    ],
)
def test_words(concept: Concept, reason: AbsentReason, words: str) -> None:
    assert STATIN.value_type is ValueType.FLAG
    assert describe_absence(BoundInput(Slot("input", concept, Select.ANY, True), Absent(reason))) == words


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        ("negated", AbsentReason.NOT_FOUND, "denied by a record, which alone is not a no"),
        ("not-within", AbsentReason.STALE, "not measured together with the others"),
        ("over", AbsentReason.NOT_FOUND, "not recorded, which is not a no"),
    ],
)
def test_the_issues_of_an_input_tell_why_it_is_empty(code: str, reason: AbsentReason, words: str) -> None:
    issue = Issue(Severity.INFORMATION, code, "Recorded as refuted: Condition/1.", "input")
    given = BoundInput(Slot("input", STATIN, Select.ANY, True), Absent(reason), issues=(issue,))
    assert describe_absence(given) == words
    assert describe_absence(replace(given, assumed=True)) == "taken as missing"


def test_what_is_not_absent_has_no_reason() -> None:
    with pytest.raises(ValueError, match="not absent"):
        describe_absence(BoundInput(Slot("input", STATIN, Select.ANY, True), True))

"""Why an input is absent, in words: of a medication that was never ended it is not that it was not found."""

from dataclasses import replace

import pytest

from ontology.concepts import Concept, Origin, ValueType
from ontology.evaluation import Issue, Severity
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason
from server.catalog.catalog import load_catalog
from server.executor.trace import BoundInput
from server.explain.wording import absence_words

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
    assert absence_words(BoundInput(Slot("input", concept, Select.ANY, True), Absent(reason))) == words


def test_what_a_record_denies_is_recorded() -> None:
    denied = Issue(Severity.INFORMATION, "negated", "Recorded as refuted: Condition/1.", "input")
    given = BoundInput(Slot("input", STATIN, Select.ANY, True), Absent(AbsentReason.NOT_FOUND), issues=(denied,))
    assert absence_words(given) == "denied by a record, which alone is not a no"

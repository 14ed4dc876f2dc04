"""Words for absences (never ended is not the same as not found) and for uncertainties, whose limits come once."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ontology.concepts import Concept, Origin, ValueType
from ontology.evaluation import Interval, Issue, Severity
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason
from server.catalog.catalog import load_catalog
from server.executor.trace import BoundInput
from server.explain.phrases import describe_uncertainty
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


@pytest.mark.parametrize(
    ("low", "high", "text", "says"),
    [
        ("5.1", "15.2", "90 % of fits", "5.1 to 15.2 % (90 % of fits)"),
        ("-2.9", "-0.8", "95 % interval −2.9 to −0.8 %", "95 % interval −2.9 to −0.8 %"),
        ("-0.4", "1.20", "95 % interval −0.4 to +1.2 %", "95 % interval −0.4 to +1.2 %"),
        # Other numbers in the words are not the limits.
        (
            "5.1",
            "15.2",
            "90 % of fits to people of 40 to 90 years",
            "5.1 to 15.2 % (90 % of fits to people of 40 to 90 years)",
        ),
    ],
)
def test_limits_are_told_once(low: str, high: str, text: str, says: str) -> None:
    assert describe_uncertainty(Interval(Decimal(low), Decimal(high), "%", text), 1) == says

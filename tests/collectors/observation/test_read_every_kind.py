"""Every make of Observation is read rightly, or refused with its reason."""

from datetime import UTC, date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ontology.concepts import Concept
from ontology.units import convert
from ontology.values import Absent, AbsentReason, Bound, Coding, Date, Quantity
from tests.support.collector_inputs import CREATININE, codeable_concept, facts_of, observation, quantity, read_one
from tests.support.observation_strategies import CONCEPTS, KPA, PRESSURE, REASONS, UMOL, Case, Expected, cases


def near(one: Fraction, other: Fraction) -> bool:
    """Equal to fifteen digits: what is converted is rounded to sixteen."""
    return abs(one - other) <= abs(other) / 10**15


@settings(max_examples=800, deadline=None)
@given(cases())
def test_read_rightly_or_refused(case: Case) -> None:
    found = facts_of(case.record, concepts=CONCEPTS).facts
    others = [fact for concept, facts in found.items() for fact in facts if concept != case.concept.id]
    assert not others
    awaited = [fact for fact in found[case.concept.id] if fact.pending]
    assert not awaited or case.record["status"] == "registered"
    assert all(fact.resource.value == Absent(AbsentReason.RECORDED_UNKNOWN) for fact in awaited)
    facts = [fact for fact in found[case.concept.id] if not fact.pending]
    if case.expected is None:
        assert not facts
        return
    (fact,) = facts
    resource = fact.resource
    check(case.concept, resource.value, case.expected)
    if case.expected.absent in ("UNCONVERTIBLE", "IMPLAUSIBLE"):
        assert resource.problem
    if case.span is None:
        assert resource.effective is None
    else:
        assert resource.effective is not None
        ends = resource.effective.start, resource.effective.end
        assert tuple(each.astimezone(UTC).isoformat() for each in ends) == case.span
    assert fact.preliminary is (case.record.get("status") == "preliminary")


def check(concept: Concept, value: object, expected: Expected) -> None:
    if expected.absent is not None:
        assert value == Absent(REASONS[expected.absent])
    elif expected.number is not None:
        assert isinstance(value, Bound if expected.comparator else Quantity)
        assert isinstance(value, Bound | Quantity)
        assert near(Fraction(value.value), expected.number)
        assert value.unit == concept.unit
        assert getattr(value, "comparator", None) == expected.comparator
    elif isinstance(expected.answer, tuple):
        start, end = expected.answer
        assert value == Date(date.fromisoformat(start), date.fromisoformat(end))
    elif isinstance(expected.answer, str):
        assert isinstance(value, Coding)
        assert value.code == expected.answer
    else:
        assert value is expected.answer


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 10**9), st.integers(0, 4), st.sampled_from(["umol/L", "kPa"]))
def test_there_and_back_is_exact_to_the_precision_given(digits: int, decimals: int, unit: str) -> None:
    concept, factor = (CREATININE, UMOL) if unit == "umol/L" else (PRESSURE, KPA)
    written = Decimal(digits).scaleb(-decimals)
    record = observation(code=codeable_concept(concept.accepted[0].coding.code), valueQuantity=quantity(written, unit))
    value = read_one(record, concept).value
    if isinstance(value, Absent):
        assert value == Absent(REASONS["IMPLAUSIBLE"])
        return
    assert isinstance(value, Quantity)
    back = convert(value.value, value.unit, unit, concept.molar_mass)
    assert back.quantize(Decimal(1).scaleb(-decimals)) == written
    assert near(Fraction(value.value) / factor, Fraction(written))


@pytest.mark.parametrize("written", ["1.10", "0.90", "12", "1e1", "0.100", "39.99"])
def test_decimals_stay_as_written(written: str) -> None:
    value = read_one(observation(Decimal(written))).value
    assert isinstance(value, Quantity)
    assert str(value.value) == str(Decimal(written))

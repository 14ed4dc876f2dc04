"""Which quantities a living person can have: just outside, on and just inside each limit, and bounds beside it."""

from decimal import Decimal

import pytest

from collectors.reading.quantities import ReadValue, convert_to_concept_unit
from ontology.values import Absent, AbsentReason, Bound, Comparator, Quantity
from tests.support.collector_inputs import CREATININE

# Serum creatinine is plausible from 0.1 to 40 mg/dL in these tests.
IMPLAUSIBLE = Absent(AbsentReason.IMPLAUSIBLE)


def read(value: str, comparator: Comparator | None, unit: str = "mg/dL") -> ReadValue:
    return convert_to_concept_unit(Decimal(value), unit, comparator, CREATININE, "as recorded", "value")


@pytest.mark.parametrize(
    ("value", "plausible"),
    [("0.099", False), ("0.1", True), ("0.101", True), ("39.999", True), ("40", True), ("40.001", False)],
)
def test_a_number_at_the_limits(value: str, plausible: bool) -> None:
    assert read(value, None).value == (Quantity(Decimal(value), "mg/dL") if plausible else IMPLAUSIBLE)


# A bound is open on one side: what is at least 0.05 may well be 1.
@pytest.mark.parametrize(
    ("comparator", "value", "plausible"),
    [
        ("<", "0.099", False),
        ("<=", "0.099", False),
        (">", "0.099", True),
        (">=", "0.099", True),
        ("<", "0.1", True),
        ("<=", "0.1", True),
        (">", "40", True),
        (">=", "40", True),
        ("<", "40.001", True),
        ("<=", "40.001", True),
        (">", "40.001", False),
        (">=", "40.001", False),
    ],
)
def test_a_bound_beyond_the_limits(comparator: Comparator, value: str, plausible: bool) -> None:
    expected = Bound(comparator, Decimal(value), "mg/dL") if plausible else IMPLAUSIBLE
    assert read(value, comparator).value == expected


# The limits are in the unit of the concept: 40 mg/dL are 3536.07 µmol/L.
@pytest.mark.parametrize(("value", "plausible"), [("3536.06", True), ("3536.07", False)])
def test_the_limits_hold_after_conversion(value: str, plausible: bool) -> None:
    assert isinstance(read(value, None, "umol/L").value, Quantity) is plausible

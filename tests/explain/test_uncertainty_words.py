"""The limits of an uncertainty are always told, once."""

from decimal import Decimal

import pytest

from ontology.evaluation import Interval
from server.explain.phrases import describe_uncertainty


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

"""How much an input moved a number, in words: no amount and no error is rounded to nothing."""

from decimal import Decimal

import pytest

from ontology.values import Quantity
from server.attribution.result import POINTS, Attribution, AttributionItem
from server.explain.attribution_text import describe_change, describe_players
from tests.support.descriptions import make_concept

CONCEPT = make_concept("pulse")


def told(amount: float, error: float | None, scale: str) -> Attribution:
    ends = Quantity(Decimal(1), "1"), Quantity(Decimal(2), "1")
    item = AttributionItem(CONCEPT, "pulse", *ends, amount=amount, error=error)
    return Attribution(scale, 0.0, amount, *ends, (item,), ())


@pytest.mark.parametrize(
    ("amount", "error", "scale", "says"),
    [
        (2.0, None, POINTS, "(+2)"),
        (-2.0, 0.25, POINTS, "(−2 ± 0.3)"),
        (2.0, 0.004, POINTS, "(+2 ± less than 0.1)"),
        (2.0, 0.0, POINTS, "(+2 ± 0.0)"),
        (0.04, None, "mg/dL", "(less than 0.1)"),
        (20.0, 0.004, "mg/dL", "(+20.0 ± less than 0.1)"),
        (20.0, 0.04, "mg/dL", "(+20.0 ± less than 0.1)"),
        (20.0, 0.06, "mg/dL", "(+20.0 ± 0.1)"),
    ],
)
def test_amounts_and_their_errors(amount: float, error: float | None, scale: str, says: str) -> None:
    assert describe_players(told(amount, error, scale), 0, CONCEPT).endswith(says)


@pytest.mark.parametrize(
    ("before", "after", "time", "says"),
    [
        # 64.2959 is 64.2 wherever an age stands: who is 64.2959 is not 64.3.
        ("63.2966", "64.2959", True, "pulse 63.2 → 64.2 years"),
        ("63.9977", "64.9979", True, "pulse 63.9 → 64.9 years"),
        ("50", "64.2959", False, "pulse 50 → 64.2 years"),
        ("64.21", "64.2959", True, "pulse 64.21 → 64.29 years"),
        ("17.96", "17.99", False, "pulse 17.96 → 17.99 years"),
    ],
)
def test_an_age_is_rounded_down_as_everywhere(before: str, after: str, time: bool, says: str) -> None:
    ends = Quantity(Decimal(before), "a"), Quantity(Decimal(after), "a")
    assert describe_change(AttributionItem(CONCEPT, "pulse", *ends, amount=1.0, time=time)) == says

"""What is known of a number: the interval in which it lies."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_DOWN, ROUND_HALF_UP, Context, Decimal

from ontology.inputs import Consumed
from ontology.values import Absent, Bound, Quantity

# The default context's 28 digits could carry 59.4999… over a half before it is rounded.
_EXACT = Context(prec=200)


@dataclass(frozen=True, slots=True)
class Extent:
    """The number lies from ``low`` to ``high`` (``None``: no limit known); an open end is itself excluded."""

    low: Decimal | None
    high: Decimal | None
    low_open: bool = False
    high_open: bool = False

    def reaches(self, limit: Decimal) -> bool | None:
        """Whether the number is ``limit`` or more; None where it could be either."""
        if self.low is not None and self.low >= limit:
            return True
        if self.high is not None and (self.high < limit or (self.high == limit and self.high_open)):
            return False
        return None

    def exceeds(self, limit: Decimal) -> bool | None:
        """Whether the number is more than ``limit``; None where it could be either."""
        if self.low is not None and (self.low > limit or (self.low == limit and self.low_open)):
            return True
        if self.high is not None and self.high <= limit:
            return False
        return None

    def rounded(self, step: Decimal) -> "Extent":
        """The same after rounding half up to a multiple of ``step``; ends are included then.

        Just below an excluded upper end of 40.5 lies 40.4, which rounds to 40, and likewise at a lower end below zero.
        """
        low, high = self.low, self.high
        if low is not None:
            low = _round(low, step, ROUND_HALF_DOWN if self.low_open and low < 0 else ROUND_HALF_UP)
        if high is not None:
            high = _round(high, step, ROUND_HALF_DOWN if self.high_open and high > 0 else ROUND_HALF_UP)
        return Extent(low, high)

    def completed(self) -> "Extent":
        """The same in completed whole units: 17.99 years are 17."""
        low, high = self.low, self.high
        if low is not None:
            low = low.to_integral_value(ROUND_FLOOR)
        if high is not None:
            high = high.to_integral_value(ROUND_CEILING) - 1 if self.high_open else high.to_integral_value(ROUND_FLOOR)
        return Extent(low, high)


def extent_of(consumed: Consumed) -> Extent | None:
    """In which interval the number lies, in the slot's unit; None where nothing is known of it, or it is no number."""
    value = consumed.value
    if isinstance(value, Quantity):
        return Extent(value.value, value.value)
    if isinstance(value, Bound):
        if value.comparator in ("<", "<="):
            return Extent(None, value.value, high_open=value.comparator == "<")
        return Extent(value.value, None, low_open=value.comparator == ">")
    if isinstance(value, Absent) and consumed.bounds is not None:
        return Extent(consumed.bounds.low, consumed.bounds.high)
    return None


def _round(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return _EXACT.multiply(_EXACT.divide(value, step).to_integral_value(rounding), step)

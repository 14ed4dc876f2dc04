"""Days, amounts and references of a course of creatinine in words."""

from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from ontology.rises import RATIO, AssessedValue, Reference, Rule

TWICE, THRICE = Decimal(2), Decimal(3)
NO_URINE = "Urine output not assessed; does not exclude AKI."
NO_URINE_STAGED = "Urine output not assessed; it may raise the stage."
# The molar mass of creatinine is 113.12 g/mol: µmol/L in one mg/dL.
UMOL = 10_000 / Decimal("113.12")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def creatinine_number(value: Decimal) -> str:
    """The value as recorded, without the decimals that a conversion of units adds."""
    rounded = value.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{min(value, rounded, key=lambda v: len(f'{v:f}')):f}"


class CourseWords:
    """Days and references in words, in the zone of the evaluation time; its year is left out."""

    def __init__(self, at: datetime) -> None:
        # The offset alone, since it alone is part of the fingerprint.
        self.zone = timezone(at.utcoffset() or timedelta(0))
        self.year = at.year

    def day(self, when: datetime) -> str:
        """``12 Feb``, with the year where it is not that of the evaluation time."""
        return self._date(when.astimezone(self.zone).date())

    def days(self, first: datetime, last: datetime) -> str:
        """``on 12 Feb``, or ``12 Feb to 3 Mar``."""
        start, end = self.day(first), self.day(last)
        return f"on {start}" if start == end else f"{start} to {end}"

    def _date(self, day: date) -> str:
        year = "" if day.year == self.year else f" {day.year}"
        return f"{day.day} {MONTHS[day.month - 1]}{year}"

    def amount(self, when: datetime, value: Decimal) -> str:
        """In both units of laboratories, so that it is shown as recorded (µmol/L with a tenth where it has one)."""
        tenths = (value * UMOL).quantize(Decimal("0.1"), ROUND_HALF_UP)
        exact = abs(tenths - value * UMOL) < Decimal("1e-6") and tenths != int(tenths)
        umol = tenths if exact else (value * UMOL).quantize(Decimal(1), ROUND_HALF_UP)
        return f"{creatinine_number(value)} mg/dL, {umol:f} µmol/L ({self.day(when)})"

    def point(self, value: AssessedValue) -> str:
        """``2.3 mg/dL (12 Feb)``."""
        return f"{creatinine_number(value.value)} mg/dL ({self.day(value.time)})"

    def reference(self, reference: Reference) -> str:
        """``0.9 (median of 12 Feb to 28 May)``, ``0.9 (lowest of 7 days, 9 Jun)``."""
        start, end = self.day(reference.start), self.day(reference.end)
        if reference.rule is not Rule.MEDIAN:
            return f"{creatinine_number(reference.value)} ({reference.rule}, {start})"
        return f"{creatinine_number(reference.value)} ({start if start == end else f'median of {start} to {end}'})"

    def ratio(self, ratio: Decimal) -> str:
        """To one decimal, and to two rounded down where one would reach the next limit."""
        brief = ratio.quantize(Decimal("0.1"), ROUND_HALF_UP)
        crossed = any(ratio < limit <= brief for limit in (RATIO, TWICE, THRICE))
        return f"{ratio.quantize(Decimal('0.01'), ROUND_DOWN) if crossed else brief:f}"

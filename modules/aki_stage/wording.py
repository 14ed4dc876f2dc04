"""Days, amounts and references of a course of creatinine in words."""

from datetime import datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from ontology.rises import RATIO, AssessedValue, Reference, Rule
from ontology.words.values import marked_amount, marked_days

TWICE, THRICE = Decimal(2), Decimal(3)
NO_URINE = "Urine output not assessed; does not exclude AKI."
NO_URINE_STAGED = "Urine output not assessed; it may raise the stage."
# The molar mass of creatinine is 113.12 g/mol: µmol/L in one mg/dL.
UMOL = 10_000 / Decimal("113.12")
UNIT = "mg/dL"


def plain_number(value: Decimal) -> str:
    """The value as recorded, without the decimals that a conversion of units adds."""
    rounded = value.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{min(value, rounded, key=lambda v: len(f'{v:f}')):f}"


def creatinine_number(value: Decimal) -> str:
    """The value without its unit, in the reader's."""
    return marked_amount("creatinine", value, UNIT, plain_number(value), alone=True)


def creatinine_amount(value: Decimal) -> str:
    """The value with its unit, in the reader's: ``2.3 mg/dL``."""
    return marked_amount("creatinine", value, UNIT, f"{plain_number(value)} {UNIT}")


# The limits of KDIGO as it writes them, in the reader's unit.
SMALL_RISE, FOUR, ONE_AND_A_HALF = map(creatinine_amount, (Decimal("0.3"), Decimal("4.0"), Decimal("1.5")))


class CourseWords:
    """Days and references in words, in the reader's zone; the year of the evaluation time is left out."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def day(self, when: datetime) -> str:
        """``12 Feb``, with the year where it is not that of the evaluation time."""
        return marked_days(when, when, self.at)

    def days(self, first: datetime, last: datetime) -> str:
        """``on 12 Feb``, or ``12 Feb to 3 Mar``."""
        return marked_days(first, last, self.at, on=True)

    def amount(self, when: datetime, value: Decimal) -> str:
        """In the reader's unit; else in both of laboratories, as recorded (µmol/L with a tenth where it has one)."""
        tenths = (value * UMOL).quantize(Decimal("0.1"), ROUND_HALF_UP)
        exact = abs(tenths - value * UMOL) < Decimal("1e-6") and tenths != int(tenths)
        umol = tenths if exact else (value * UMOL).quantize(Decimal(1), ROUND_HALF_UP)
        both = f"{plain_number(value)} {UNIT}, {umol:f} µmol/L"
        return f"{marked_amount('creatinine', value, UNIT, both)} ({self.day(when)})"

    def point(self, value: AssessedValue) -> str:
        """``2.3 mg/dL (12 Feb)``."""
        return f"{creatinine_amount(value.value)} ({self.day(value.time)})"

    def reference(self, reference: Reference) -> str:
        """``0.9 (median of 12 Feb to 28 May)``, ``0.9 (lowest of 7 days, 9 Jun)``."""
        days = marked_days(reference.start, reference.end, self.at)
        if reference.rule is not Rule.MEDIAN:
            return f"{creatinine_number(reference.value)} ({reference.rule}, {self.day(reference.start)})"
        of = "" if reference.start == reference.end else "median of "
        return f"{creatinine_number(reference.value)} ({of}{days})"

    def ratio(self, ratio: Decimal) -> str:
        """To one decimal, and to two rounded down where one would reach the next limit."""
        brief = ratio.quantize(Decimal("0.1"), ROUND_HALF_UP)
        crossed = any(ratio < limit <= brief for limit in (RATIO, TWICE, THRICE))
        return f"{ratio.quantize(Decimal('0.01'), ROUND_DOWN) if crossed else brief:f}"

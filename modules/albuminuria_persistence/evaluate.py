"""Whether albuminuria is confirmed (KDIGO 2024, doi:10.1016/j.kint.2023.10.018: present for at least 3 months)."""

from decimal import Decimal

from ontology.evaluation import Evaluation, Issue, Severity, Working
from ontology.series import Point, days_between
from ontology.values import Absent, AbsentReason, Bound, Coding, Series
from ontology.words.quantities import number_words
from ontology.words.values import marked_amount, marked_day

CODES = "https://medtwin.example/codes"
CONFIRMED = Coding(CODES, "albuminuria-confirmed", "confirmed")
SINGLE = Coding(CODES, "albuminuria-single", "one ratio of 30 mg/g or more")
UNCONFIRMED = Coding(CODES, "albuminuria-unconfirmed", "not yet confirmed")
INCREASED = Decimal(30)
# KDIGO says 3 months; counted as 90 days here.  How far back another ratio counts is our choice: 24 months.
DAYS = 90
MOST_DAYS = 731


def evaluate(latest: Decimal | Bound, uacr: Series) -> Evaluation:
    """CONFIRMED, UNCONFIRMED or SINGLE for the latest ratio, which is 30 mg/g or more; ``uacr`` in mg/g.

    CONFIRMED: another ratio of 30 mg/g or more lies at least 90 days and at most 24 months before the latest.
    UNCONFIRMED: others do, but less than 90 days before it.  SINGLE: none does.  Absent(NOT_APPLICABLE) where the
    latest ratio is below 30 mg/g; Absent(INPUT_ABSENT) where ``latest`` is only a bound, which no series holds.
    Days are UTC calendar days.
    """
    if isinstance(latest, Bound):
        return Evaluation(Absent(AbsentReason.INPUT_ABSENT), Working("The latest ratio is reported only as a limit."))
    last = uacr.points[-1]
    if last[1] < INCREASED:
        text = f"The latest ratio, {_format_point(last)}, is below 30 mg/g: nothing to confirm"
        return Evaluation(
            Absent(AbsentReason.NOT_APPLICABLE),
            Working(f"{text}."),
            (Issue(Severity.INFORMATION, "not-applicable", text, "uacr"),),
        )
    others = [p for p in uacr.points[:-1] if p[1] >= INCREASED and days_between(p[0], last[0]) <= MOST_DAYS]
    earlier = [point for point in others if days_between(point[0], last[0]) >= DAYS]
    if earlier:
        return Evaluation(CONFIRMED, Working(f"{_format_point(earlier[-1])} and {_format_point(last)}"))
    if others:
        return Evaluation(UNCONFIRMED, Working(f"{_format_point(others[0])} is less than {DAYS} days earlier"))
    return Evaluation(
        SINGLE, Working(f"No other ratio of 30 mg/g or more in the 24 months before {_format_point(last)}")
    )


def _format_point(point: Point) -> str:
    amount = marked_amount("uacr", point[1], "mg/g", f"{number_words(point[1], 1)} mg/g")
    return f"{amount} on {marked_day(point[0])}"

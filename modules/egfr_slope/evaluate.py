"""Yearly change of estimated GFR: the least-squares line through a series, with its confidence interval."""

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from modules.egfr_slope.regression import LEVEL, fit
from ontology.evaluation import Evaluation, Interval, Issue, Severity, Working
from ontology.rises import acute_times, dialysis_times
from ontology.series import Point, days_between, first_of_each_day
from ontology.values import Absent, AbsentReason, Quantity, Series
from ontology.words.lists import count_words
from ontology.words.values import marked_day

UNIT = "mL/min/{1.73_m2}/a"
SHOWN = "mL/min/1.73 m² a year"
DAYS_A_YEAR = 365.25
# KDIGO 2012, recommendation 2.1.3: a sustained decline of more than this is rapid progression.
RAPID = Decimal(-5)
LEAST_POINTS = 3
LEAST_DAYS = 365
DECIMALS = Decimal("0.01")


def evaluate(egfr: Series, creatinine: Series, times_on_dialysis: Series | Absent) -> Evaluation:
    """Slope in mL/min/1.73 m² a year (365.25 days), to two decimals, with its 95 % confidence interval.

    ``egfr`` in mL/min/1.73 m² with the age as of each value, ``creatinine`` in mg/dL,
    ``times_on_dialysis``: periods.  Values on dialysis, and of the 7 days after it, are left out, and so are values
    within episodes of acute kidney injury (from one that meets the KDIGO creatinine criteria until one that ends the
    episode); of the rest the first value of each UTC day is used.  Fewer than 3 points, or points over less than 365
    days, give Absent(INPUT_ABSENT).
    """
    acute = acute_times(creatinine.points, times_on_dialysis)
    dialysed = dialysis_times(egfr.points, times_on_dialysis)
    steady = [point for point in egfr.points if point[0] not in acute | dialysed]
    points = first_of_each_day(steady)
    injured = sum(time in acute - dialysed for time, _ in egfr.points)
    issues = _excluded_issues(injured, len(dialysed), len(steady) - len(points))
    days = days_between(points[0][0], points[-1][0]) if points else 0
    if len(points) < LEAST_POINTS or days < LEAST_DAYS:
        return _too_few_values(len(points), days, issues)
    line = fit([_years(points[0], point) for point in points], [float(value) for _, value in points])
    slope, low, high = (_rounded(number) for number in (line.slope, line.low, line.high))
    between = f"{_format_signed(low)} to {_format_signed(high)}"
    warrant = (
        f"Least squares over {len(points)} values (one a day)"
        f" from {_format_point(points[0])} to {_format_point(points[-1])}:"
        f" {_format_signed(slope)} {SHOWN}, 95 % confidence interval {between} (t = {line.t:.3f}, {len(points) - 2}"
        f" degree{'s' if len(points) > 3 else ''} of freedom)"
    )
    claim = f"Estimated GFR changed by {_format_signed(slope)} {SHOWN} (95 % confidence interval {between})"
    if low < RAPID <= high:
        text = f"The confidence interval includes {_format_signed(RAPID)} {SHOWN}"
        text = f"{text}: rapid decline is neither shown nor excluded"
        issues = (*issues, Issue(Severity.WARNING, "rapid-decline-not-shown", text, "egfr"))
    interval = Interval(low, high, UNIT, f"95 % confidence interval {between} {SHOWN}", level=LEVEL)
    return Evaluation(Quantity(slope, UNIT), Working(warrant, claim), issues, interval=interval)


def _years(first: Point, point: Point) -> float:
    return (point[0] - first[0]) / timedelta(days=1) / DAYS_A_YEAR


def _rounded(number: float) -> Decimal:
    # Adding zero turns minus zero into zero.
    return Decimal(repr(number)).quantize(DECIMALS, ROUND_HALF_UP) + 0


def _format_signed(number: Decimal) -> str:
    return f"{number:+f}".replace("-", "−") if number else "0"


def _format_point(point: Point) -> str:
    return f"{point[1]:f} on {marked_day(point[0])}"


def _excluded_issues(acute: int, dialysed: int, same_day: int) -> tuple[Issue, ...]:
    issues = []
    if acute:
        text = f"Excluded: {count_words(acute, 'value')} meeting the creatinine criteria of acute kidney injury"
        issues.append(Issue(Severity.INFORMATION, "acute-values-left-out", text, "egfr"))
    if dialysed:
        text = f"Excluded: {count_words(dialysed, 'value')} on dialysis or within 7 days after it"
        issues.append(Issue(Severity.INFORMATION, "dialysis-values-left-out", text, "egfr"))
    if same_day:
        text = f"Excluded: {count_words(same_day, 'value')} after the first of the day"
        issues.append(Issue(Severity.INFORMATION, "same-day-values-left-out", text, "egfr"))
    return tuple(issues)


def _too_few_values(count: int, days: int, issues: tuple[Issue, ...]) -> Evaluation:
    text = (
        f"A slope needs at least {LEAST_POINTS} values on different days over at least {LEAST_DAYS} days;"
        f" found {count} over {count_words(days, 'day')}"
    )
    issues = (*issues, Issue(Severity.ERROR, "too-few-values", text, "egfr"))
    return Evaluation(Absent(AbsentReason.INPUT_ABSENT), Working(f"Not computed. {text}."), issues)

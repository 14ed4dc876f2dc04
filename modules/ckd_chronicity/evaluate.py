"""Whether a GFR below 60 has been shown to last (KDIGO 2024, doi:10.1016/j.kint.2023.10.018: for at least 3 months)."""

from collections.abc import Sequence
from decimal import Decimal

from ontology.evaluation import Evaluation, Issue, Severity, Working
from ontology.rises import acute_times, dialysis_times
from ontology.series import Point, days_between
from ontology.values import Absent, AbsentReason, Series
from ontology.words.lists import count_words
from ontology.words.quantities import number_words
from ontology.words.values import marked_day

DECREASED = Decimal(60)
# KDIGO says 3 months; counted as 90 days here.
DAYS = 90


def evaluate(egfr: Series, creatinine: Series, times_on_dialysis: Series | Absent) -> Evaluation:
    """True, false, or Absent(INPUT_ABSENT) where the series is inconclusive, as of its latest value.

    ``egfr`` in mL/min/1.73 m², ``creatinine`` in mg/dL, ``times_on_dialysis``: periods.  Values on dialysis, and of the
    7 days after it, are left out, and so are values within episodes of acute kidney injury:
    from a value that meets the KDIGO creatinine criteria until one that ends the episode, for 90 days at most.
    True: the latest value is below 60, and so are all values back to one at least 90 days before it.  False: a value
    of 60 or more lies less than 90 days before the latest, or is the latest, so that the GFR has not been below 60
    throughout.  Days are UTC calendar days.
    """
    acute = acute_times(creatinine.points, times_on_dialysis)
    dialysed = dialysis_times(egfr.points, times_on_dialysis)
    points = [point for point in egfr.points if point[0] not in acute | dialysed]
    issues = _excluded_issues(sum(time in acute - dialysed for time, _ in egfr.points), len(dialysed))
    if not points:
        text = "No eGFR outside acute kidney injury and dialysis"
        issues = (*issues, Issue(Severity.ERROR, "too-few-values", text, "egfr"))
        return Evaluation(Absent(AbsentReason.INPUT_ABSENT), Working("Not assessed: no usable value."), issues)
    last = points[-1]
    run: list[Point] = []
    normal: Point | None = None
    for point in reversed(points):
        if point[1] >= DECREASED:
            normal = point
            break
        run.append(point)
    if run and days_between(run[-1][0], last[0]) >= DAYS:
        span = f"{_format_point(run[-1])} to {_format_point(last)}, {len(run)} values, none of 60 or more between them"
        claim = f"GFR below 60 for at least {DAYS} days"
        return Evaluation(True, Working(f"Below 60 from {span}", claim), issues)
    if normal is not None and days_between(normal[0], last[0]) < DAYS:
        claim = _normal_claim(egfr.points, normal, run)
        return Evaluation(False, Working(f"{_format_point(normal)} lies less than {DAYS} days back", claim), issues)
    text = f"The values below 60 span less than {DAYS} days: chronicity not shown"
    issues = (*issues, Issue(Severity.WARNING, "too-few-values", text, "egfr"))
    return Evaluation(
        Absent(AbsentReason.INPUT_ABSENT), Working(f"Not assessed: latest value {_format_point(last)}."), issues
    )


def _normal_claim(recorded: Sequence[Point], normal: Point, run: Sequence[Point]) -> str:
    """That the GFR was 60 or more at ``normal``, and below it only in ``run`` since; or never since the first value."""
    low = [point[0] for point in recorded if point[1] < DECREASED]
    # Values of acute injury count here: where one is below 60, "none on record" would be wrong.
    since = [point[0] for point in recorded if not low or point[0] > low[-1]]
    if not run and since:
        return f"No GFR below 60 on record since {marked_day(since[0])}"
    when = f"{number_words(normal[1], 0)} on {marked_day(normal[0])}"
    return f"GFR below 60 for less than {DAYS} days: it was {when}" if run else f"GFR not below 60: it was {when}"


def _format_point(point: Point) -> str:
    return f"{point[1]:f} on {marked_day(point[0])}"


def _excluded_issues(acute: int, dialysed: int) -> tuple[Issue, ...]:
    issues = []
    if acute:
        text = f"Excluded: {count_words(acute, 'value')} meeting the creatinine criteria of acute kidney injury"
        issues.append(Issue(Severity.INFORMATION, "acute-values-left-out", text, "egfr"))
    if dialysed:
        text = f"Excluded: {count_words(dialysed, 'value')} on dialysis or within 7 days after it"
        issues.append(Issue(Severity.INFORMATION, "dialysis-values-left-out", text, "egfr"))
    return tuple(issues)

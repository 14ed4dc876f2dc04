"""Stage of acute kidney injury by the creatinine criteria of KDIGO 2012 (doi:10.1038/kisup.2011.32)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from ontology.evaluation import Evaluation, Issue, Severity, Working
from ontology.rises import Baseline, Rise, RiseCriteria, episodes, remote_baseline, rises
from ontology.series import day, days_between
from ontology.values import Absent, AbsentReason, Coding, Series

CODES = "https://medtwin.example/codes"
STAGES = {stage: Coding(CODES, f"aki-stage-{stage}", f"AKI stage {stage}") for stage in (1, 2, 3)}
NOT_MET = Coding(CODES, "aki-criteria-not-met", "creatinine criteria of AKI not met")

KDIGO = RiseCriteria(Decimal("0.3"), timedelta(hours=48), Decimal("1.5"), recent_days=7, remote_days=365)
# KDIGO no longer calls it acute after 3 months.
LONGEST_EPISODE = timedelta(days=90)
CURRENT_DAYS = 7
TWICE, THRICE = Decimal(2), Decimal(3)
FOUR_MG_DL = Decimal(4)
# Higher values are probably µmol/L sent as mg/dL.  The same limit as that of eGFR.
UNLIKELY_MG_DL = Decimal(30)
NO_URINE = "Urine output not assessed; does not exclude AKI."
NO_URINE_STAGED = "Urine output not assessed; it may raise the stage."


@dataclass(frozen=True, slots=True)
class StagedRise:
    """One value with its stage, and the baseline and ratio that gave it."""

    rise: Rise
    stage: int
    baseline: Baseline
    ratio: Decimal


def evaluate(creatinine: Series, at: datetime) -> Evaluation:
    """The highest stage of the values in the last 7 days before ``at``, or "criteria not met".

    ``creatinine`` in mg/dL.  The criteria: a rise of 0.3 mg/dL or more within 48 hours, or to 1.5 times the baseline
    or more; the baseline is the lowest value of the 7 days before, else the median of days 8 to 365, else (a fall
    that shows the rise) the lowest of the 7 days after, if it is lower.  Stage 2 from 2.0 times, stage 3 from 3.0
    times or, once the criteria are met, from 4.0 mg/dL.  An episode that began earlier and continues is staged
    against the baseline at its start.  Without a value in the last 7 days, without any baseline, or with a value of
    those days or a baseline above 30 mg/dL, whose unit is unlikely: Absent(INPUT_ABSENT), never "none".
    """
    found = rises(creatinine.points, KDIGO)
    current = [rise for rise in found if days_between(rise.time, at) <= CURRENT_DAYS]
    if not current:
        return _absent_evaluation("no-recent-creatinine", f"There is no creatinine in the last {CURRENT_DAYS} days")
    unlikely = max((amount for rise in current for amount in _compared_values(rise)), default=UNLIKELY_MG_DL)
    if unlikely > UNLIKELY_MG_DL:
        amount = _format_value(unlikely)
        text = f"A creatinine of {amount} mg/dL (above 30) is compared, in which the unit is to be checked"
        return _absent_evaluation("creatinine-unit-unlikely", f"{text}: it may stand for µmol/L")
    latest = current[-1]
    if latest.baseline is None:
        text = "There is no earlier creatinine of the last year to compare with: whether it has risen is not known"
        return _absent_evaluation("no-baseline", text)
    by_rule = _highest_stage(_stage(rise, rise.baseline) for rise in current if rise.meets_criteria)
    acute = episodes(creatinine.points, KDIGO, LONGEST_EPISODE)
    of_episode = _highest_stage(_stage(rise, acute[rise.time].baseline) for rise in current if rise.time in acute)
    worst = by_rule or of_episode
    if worst is None:
        return _unstaged_evaluation(latest, latest.baseline, creatinine.points)
    return _staged_evaluation(worst, by_rule is not None, of_episode, latest)


def _compared_values(rise: Rise) -> tuple[Decimal, ...]:
    """The value and, where there is one, its baseline, in mg/dL."""
    return (rise.value,) if rise.baseline is None else (rise.value, rise.baseline.value)


def _stage(rise: Rise, baseline: Baseline | None) -> StagedRise | None:
    if baseline is None or baseline.value <= 0:
        return None
    ratio = KDIGO.rounded(rise.value / baseline.value)
    stage = 1
    if ratio >= TWICE:
        stage = 2
    if ratio >= THRICE or KDIGO.rounded(rise.value) >= FOUR_MG_DL:
        stage = 3
    return StagedRise(rise, stage, baseline, ratio)


def _highest_stage(staged: Iterable[StagedRise | None]) -> StagedRise | None:
    """The highest stage; of equal ones the latest."""
    return max((s for s in staged if s is not None), key=lambda s: (s.stage, s.rise.time), default=None)


def _staged_evaluation(worst: StagedRise, by_rule: bool, of_episode: StagedRise | None, latest: Rise) -> Evaluation:
    rise = worst.rise
    reasons = [f"{worst.ratio:f} times the baseline of {_describe_baseline(worst.baseline)}"]
    if rise.by_rise and rise.lowest is not None:
        reasons.append(f"{rise.increase:f} mg/dL above {_format_point(*rise.lowest)}, within 48 hours")
    warrant = f"Creatinine {_format_point(rise.time, rise.value)}: {'; '.join(reasons)}"
    issues = []
    if not by_rule:
        text = "The rise was earlier and goes on; staged against the baseline that it began from"
        issues.append(Issue(Severity.WARNING, "episode-goes-on", text, "creatinine"))
    elif of_episode is not None and of_episode.stage > worst.stage:
        text = (
            f"Against the baseline that the episode began from, {_describe_baseline(of_episode.baseline)}, it is stage"
        )
        issues.append(Issue(Severity.WARNING, "higher-stage-of-episode", f"{text} {of_episode.stage}", "creatinine"))
    if latest.time != rise.time:
        text = f"The stage is the highest of the last {CURRENT_DAYS} days; the latest creatinine is"
        text = f"{text} {_format_point(latest.time, latest.value)}"
        issues.append(Issue(Severity.INFORMATION, "stage-before-latest", text, "creatinine"))
    # An earlier stage must not read as that of the latest value.
    when = "" if latest.time == rise.time else f" on {day(rise.time).isoformat()}, the highest of {CURRENT_DAYS} days"
    claim = f"AKI stage {worst.stage} by creatinine{when}"
    return Evaluation(STAGES[worst.stage], Working(warrant, claim, NO_URINE_STAGED), tuple(issues))


def _unstaged_evaluation(latest: Rise, baseline: Baseline, points: Sequence[tuple[datetime, Decimal]]) -> Evaluation:
    warrant = (
        f"Creatinine {_format_point(latest.time, latest.value)}: {latest.ratio:f} times the baseline of"
        f" {_describe_baseline(baseline)};"
        " neither 1.5 times nor, within 48 hours, 0.3 mg/dL more"
    )
    issues: tuple[Issue, ...] = ()
    earlier = remote_baseline(points, latest.time, KDIGO)
    if earlier is None:
        text = "All values to compare with are of the same week: a rise before it would not be seen"
        issues = (Issue(Severity.WARNING, "no-earlier-baseline", text, "creatinine"),)
    elif earlier.value > 0 and KDIGO.rounded(latest.value / earlier.value) >= KDIGO.ratio:
        text = f"Creatinine is raised against the {_describe_baseline(earlier)}, though not within the last days"
        issues = (Issue(Severity.WARNING, "raised-against-earlier-baseline", text, "creatinine"),)
    return Evaluation(NOT_MET, Working(warrant, "The creatinine criteria of AKI are not met", NO_URINE), issues)


def _absent_evaluation(code: str, text: str) -> Evaluation:
    issue = Issue(Severity.ERROR, code, text, "creatinine")
    return Evaluation(Absent(AbsentReason.INPUT_ABSENT), Working(f"{text}.", qualifier=NO_URINE), (issue,))


def _format_point(time: datetime, value: Decimal) -> str:
    return f"{_format_value(value)} mg/dL ({day(time).isoformat()})"


def _format_value(value: Decimal) -> str:
    """The value as recorded, without the decimals that a conversion of units adds."""
    return f"{min(value, KDIGO.rounded(value), key=lambda v: len(f'{v:f}')):f}"


def _describe_baseline(baseline: Baseline) -> str:
    start, end = day(baseline.start).isoformat(), day(baseline.end).isoformat()
    when = start if start == end else f"{start} to {end}"
    return f"{_format_value(baseline.value)} mg/dL ({baseline.rule}, {when})"

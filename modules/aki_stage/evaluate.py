"""Stage of acute kidney injury, and whether an episode is open, by the creatinine criteria of KDIGO 2012.

Criteria and stages: doi:10.1038/kisup.2011.32, recommendations 2.1.1 and 2.1.2.  That the higher of two ratios stages
follows the algorithm of NHS England (about its sensitivity doi:10.1371/journal.pone.0131909).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from ontology.evaluation import Evaluation, Issue, Severity, Working
from ontology.rises import (
    LONGEST_EPISODE,
    RATIO,
    RECENT,
    REMOTE,
    AssessedValue,
    Episode,
    Reference,
    Rule,
    assess,
    at_least,
    earlier_level,
    gap_before,
    median_outside_episodes,
)
from ontology.series import Point
from ontology.values import Absent, AbsentReason, Coding, Date, Series
from ontology.words.lists import count_words

CODES = "https://medtwin.example/codes"
STAGES = {stage: Coding(CODES, f"aki-stage-{stage}", f"AKI stage {stage}") for stage in (1, 2, 3)}
NOT_MET = Coding(CODES, "aki-criteria-not-met", "creatinine criteria of AKI not met")

TWICE, THRICE = Decimal(2), Decimal(3)
# 4.0 mg/dL or 353.6 µmol/L, whichever is less (the second is 3.9991 at 88.42).
FOUR_MG_DL = Decimal("3.999")
# Above it a rise of 0.3 mg/dL is often chance: at a CV of 5 % a stable 2.5 has one in about a quarter of courses.
SMALL_RISE_DOUBTFUL = Decimal("1.5")
# Our choice: from here on a rise that does not meet the criteria is reported with its numbers, and never as "no rise".
SOME_RISE = Decimal("1.1")
# Higher values are probably µmol/L sent as mg/dL.  The same limit as that of eGFR.
UNLIKELY_MG_DL = Decimal(30)
WEEK = RECENT
NO_URINE = "Urine output not assessed; does not exclude AKI."
NO_URINE_STAGED = "Urine output not assessed; it may raise the stage."
# The molar mass of creatinine is 113.12 g/mol: µmol/L in one mg/dL.
UMOL = 10_000 / Decimal("113.12")
URGENT = "AKI stage 3 and advanced chronic disease cannot be told apart; to be treated as AKI until shown otherwise"
# Without a record, in the window or at all.  Any other absence (failed, unreadable) leaves unknown what there was.
NOT_DIALYSED = (AbsentReason.NOT_FOUND, AbsentReason.STALE, AbsentReason.NOT_QUERIED)
Times = tuple[datetime, datetime]
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def evaluate(
    creatinine: Series,
    dialysis_first: Date | Absent,
    dialysis_since: Date | Absent,
    dialysis_last: Date | Absent,
    at: datetime,
    episode: Decimal,
) -> Evaluation:
    """The highest stage of the values in the 7 days before ``at``, or "criteria not met"; for ``episode`` 1 whether an
    episode is open, or has been over for less than 7 days.

    ``creatinine`` in mg/dL; ``dialysis_first`` and ``dialysis_last``: between which days dialysis is recorded, and
    ``dialysis_since`` the first of the last 97 days.  One in progress lasts until ``at``.
    Stage 2 from 2.0 times the reference, stage 3 from 3.0 times or, once the criteria are met, from 4.0 mg/dL, and
    on dialysis.  Absent(INPUT_ABSENT), and never "not met", where no value is older than 7 days, none is of the last
    7 days, or a value or a reference is above 30 mg/dL, whose unit is unlikely.
    """
    words = _Words(at)
    dialysis = _dialysis_span(dialysis_first, dialysis_last, at, words.zone)
    evaluation = _evaluate(
        creatinine, dialysis, _dialysis_span(dialysis_since, dialysis_last, at, words.zone), at, bool(episode), words
    )
    if not isinstance(dialysis_last, Absent) or dialysis_last.reason in NOT_DIALYSED:
        return evaluation
    text = "Dialysis unknown. Creatinine on dialysis shows neither recovery nor a reference"
    issue = Issue(Severity.WARNING, "dialysis-unknown", text, "dialysis_last")
    return replace(evaluation, issues=(*evaluation.issues, issue))


def _evaluate(
    creatinine: Series, dialysis: Times | None, since: Times | None, at: datetime, episode: bool, words: "_Words"
) -> Evaluation:
    excluded = () if dialysis is None else ((dialysis[0], dialysis[1] + WEEK),)
    values = assess(creatinine.points, excluded)
    # It is stage 3, and creatinine can show the end of that episode only from 7 days after it.
    unrecovered = episode and dialysis is not None and not any(value.time > dialysis[1] for value in values)
    if dialysis is not None and (dialysis[1] + WEEK >= at or unrecovered):
        return _dialysis_evaluation(since or dialysis, at, episode, words)
    if episode:
        return _episode_evaluation(values, at, words)
    current = [value for value in values if value.time >= at - WEEK]
    if not current:
        return _no_recent_evaluation(creatinine.points[-1], at, words)
    if (unlikely := _unlikely_unit_evaluation(current)) is not None:
        return unlikely
    acute = [value for value in current if value.episode is not None]
    latest = current[-1]
    if acute:
        return _staged_evaluation(max(acute, key=_severity), latest, values, words)
    older = [value for value in values if latest.time - REMOTE <= value.time < at - WEEK]
    return _not_met_evaluation(current, values, words) if older else _unknown_evaluation(current, words)


def stage_of(value: AssessedValue) -> int:
    """The stage of a value within an episode: 1 to 3."""
    reference = value.staging
    if reference is None:
        raise ValueError("a value within an episode has a reference")
    return _stage_against(value.value, reference.value)


def _stage_against(value: Decimal, reference: Decimal) -> int:
    if value >= FOUR_MG_DL or at_least(value, THRICE, reference):
        return 3
    return 2 if at_least(value, TWICE, reference) else 1


def _severity(value: AssessedValue) -> tuple[int, Decimal, datetime]:
    return stage_of(value), _ratio(value), value.time


def _ratio(value: AssessedValue) -> Decimal:
    reference = value.staging
    return Decimal(0) if reference is None or reference.value <= 0 else value.value / reference.value


def _unlikely_unit_evaluation(current: Sequence[AssessedValue]) -> Evaluation | None:
    """No answer where a value or what it is compared with is probably in another unit; None where none is."""
    compared = [value.value for value in current]
    compared += [each.value for value in current for each in (value.recent, value.remote, value.staging) if each]
    if (highest := max(compared)) <= UNLIKELY_MG_DL:
        return None
    text = f"Creatinine {_number(highest)} mg/dL is above 30: check the unit, it may be µmol/L"
    return _absent_evaluation("creatinine-unit-unlikely", text)


def _staged_evaluation(
    worst: AssessedValue, latest: AssessedValue, values: Sequence[AssessedValue], words: "_Words"
) -> Evaluation:
    stage, reference, began = stage_of(worst), worst.staging, worst.episode
    if reference is None or began is None:
        raise ValueError("a staged value has a reference and an episode")
    # Where only the fall shows that the first value was raised, the value after the fall is looked at as well.
    risen = latest if began.seen_by_fall and latest.episode is not None else worst
    issues = [*_doubts(worst, began, words, values, earlier_level(risen, values))]
    issues += _earlier_aki_issues(worst, stage, values)
    by_ratio = 1 + sum(at_least(worst.value, each, reference.value) for each in (TWICE, THRICE))
    if stage > by_ratio:
        text = f"Stage 3 by 4.0 mg/dL or more. The English algorithm stages by ratio alone and gives {by_ratio}"
        issues.append(Issue(Severity.INFORMATION, "stage-3-by-4-mg", text, "creatinine"))
    times = f"{words.ratio(_ratio(worst))} times {words.reference(reference)}"
    reasons = [times]
    if worst.by_rise and worst.short is not None:
        over_short = worst.value - worst.short.value
        reasons.append(f"{_number(over_short)} mg/dL above {words.reference(worst.short)}")
    compared = reasons[-1] if _by_rise_alone(worst, began) and worst.by_rise else times
    passed = latest.time != worst.time
    least = " at least" if began.seen_by_fall else ""
    when = " in the last 7 days" if passed else ""
    which = f" on {words.day(worst.time)}" if passed else ""
    claim = f"AKI stage {stage}{least}{when}: creatinine {_number(worst.value)} mg/dL{which}, {compared}"
    if passed:
        now = f"Now {_number(latest.value)} mg/dL on {words.day(latest.time)}{_course(worst, latest, words)}"
        claim = f"{claim}. {now}"
        issues.append(Issue(Severity.INFORMATION, "stage-before-latest", now, "creatinine"))
    warrant = f"Creatinine {words.point(worst)}: {'; '.join(reasons)}"
    if worst.time != began.start:
        warrant = f"{warrant}; the episode began on {words.day(began.start)}"
    return Evaluation(STAGES[stage], Working(warrant, claim, NO_URINE_STAGED), tuple(issues))


def _course(worst: AssessedValue, latest: AssessedValue, words: "_Words") -> str:
    """What became of it since."""
    if latest.episode is not None:
        return f", stage {stage_of(latest)}" if stage_of(latest) < stage_of(worst) else ""
    if latest.chronic is not None:
        return f", raised since {words.day(latest.chronic.start)}: no longer acute"
    return ": episode ended"


def _by_rise_alone(value: AssessedValue, began: Episode) -> bool:
    return began.by_rise_alone and _ratio(value) < RATIO


def _doubts(
    worst: AssessedValue,
    began: Episode,
    words: "_Words",
    values: Sequence[AssessedValue],
    level: AssessedValue | None,
) -> tuple[Issue, ...]:
    """The cautions of a stage; ``level``: an earlier value as high."""
    found: dict[str, str] = {}
    first = next(value for value in values if value.time == began.start and value.episode == began)
    old = first.remote is not None and began.start - first.remote.end > LONGEST_EPISODE
    if began.seen_by_fall:
        found["seen-by-fall"] = "No earlier value: staged by the later fall. The stage may be higher"
    elif old and not first.by_recent and not first.by_rise:
        text = f"The reference is more than 90 days old ({words.day(began.reference.end)})"
        found["reference-over-90-days"] = f"{text}: acute or chronic cannot be told apart"
    elif first.remote is None:
        found["no-earlier-baseline"] = "Compared only with values of the preceding week. The stage may be higher"
    if _by_rise_alone(worst, began) and worst.value > SMALL_RISE_DOUBTFUL:
        text = "Above 1.5 mg/dL a rise of 0.3 mg/dL in 48 hours may be chance"
        found["small-rise"] = f"{text}; the ratio is below 1.5"
    if level is not None:
        text = (
            f"Creatinine fell and returned to an earlier level, {_number(level.value)} mg/dL on {words.day(level.time)}"
        )
        found["return-to-earlier-level"] = f"{text}. The low value may have been dilution"
    return tuple(Issue(Severity.WARNING, code, text, "creatinine") for code, text in found.items())


def _earlier_aki_issues(value: AssessedValue, stage: int, values: Sequence[AssessedValue]) -> list[Issue]:
    """A caution where the median would give a higher stage without values of AKI; ``stage``: 0 for "not met"."""
    without = median_outside_episodes(value, values)
    if without is None or not at_least(value.value, RATIO, without):
        return []
    if (higher := _stage_against(value.value, without)) <= stage:
        return []
    text = "The median includes values of AKI"
    text = f"{text}. Without them it is {_number(without)}, and {_number(value.value)} mg/dL is stage {higher}"
    return [Issue(Severity.WARNING, "median-includes-aki", text, "creatinine")]


def _not_met_evaluation(
    current: Sequence[AssessedValue], values: Sequence[AssessedValue], words: "_Words"
) -> Evaluation:
    latest, highest = current[-1], max(current, key=lambda each: each.value)
    reference = latest.staging
    issues = _earlier_aki_issues(highest, 0, values)
    compared = "" if reference is None else f", {words.ratio(_ratio(latest))} times {words.reference(reference)}"
    claim = f"AKI criteria not met: creatinine {_number(latest.value)} mg/dL{compared}"
    if (raised := latest.chronic) is not None:
        ratio = words.ratio(latest.value / raised.reference.value)
        gap, since = gap_before(latest, values), f"raised since {words.day(raised.start)}"
        unclear = "cute or chronic cannot be told apart"
        known = ", for more than 90 days: chronic, not acute" if gap is None else f". A{unclear}"
        claim = f"AKI criteria not met: creatinine {_number(latest.value)} mg/dL, {since}{known}"
        text = f"Creatinine is {since} ({ratio} times {words.reference(raised.reference)}){known}"
        issues.append(Issue(Severity.WARNING, "raised-since", text, "creatinine"))
        if gap is not None:
            text = f"No creatinine between {words.day(gap[0].time)} and {words.day(gap[1].time)}: a{unclear}"
            issues.append(Issue(Severity.WARNING, "reference-over-90-days", text, "creatinine"))
    elif latest.remote is None:
        text = "All earlier values are from the same week: a rise before it would be missed"
        issues.append(Issue(Severity.WARNING, "no-earlier-baseline", text, "creatinine"))
        if highest.value >= FOUR_MG_DL:
            issues.append(Issue(Severity.WARNING, "aki-until-shown-otherwise", URGENT, "creatinine"))
    warrant = (
        f"Creatinine {words.point(latest)}{compared}; neither 1.5 times the lowest of 7 days or the median before,"
        " nor 0.3 mg/dL above the lowest of 48 hours"
    )
    return Evaluation(NOT_MET, Working(warrant, claim, NO_URINE), tuple(issues))


def _unknown_evaluation(current: Sequence[AssessedValue], words: "_Words") -> Evaluation:
    """No rise, and nothing older than 7 days: whether there is an injury cannot be known."""
    latest, highest = current[-1], max(current, key=lambda each: each.value)
    rises = [each for each in current if each.recent and at_least(each.value, SOME_RISE, each.recent.value)]
    before = "AKI before the first value is not excluded"
    if len(current) == 1:
        text = f"Creatinine {words.amount(latest.time, latest.value)}: no earlier value for comparison"
        text = f"{text}. AKI is not excluded"
        issues = [("no-baseline", text)]
    else:
        text = f"No rise in {count_words(int((latest.time - current[0].time) / timedelta(hours=1)), 'hour')}; {before}"
        if rises and (reference := (risen := max(rises, key=_ratio)).staging) is not None:
            times = f"{words.ratio(_ratio(risen))} times {words.reference(reference)}"
            text = f"Creatinine rose to {words.point(risen)}, {times}: below the criteria. {before}"
        issues = [("no-older-value", f"{text}. Latest creatinine {words.amount(latest.time, latest.value)}")]
    if highest.value >= FOUR_MG_DL:
        issues.insert(
            0, ("aki-until-shown-otherwise", f"Creatinine {words.amount(highest.time, highest.value)}. {URGENT}")
        )
    found = tuple(Issue(Severity.ERROR, code, text, "creatinine") for code, text in issues)
    warrant = " ".join(f"{issue.text}." for issue in found)
    return Evaluation(Absent(AbsentReason.INPUT_ABSENT), Working(warrant, qualifier=NO_URINE), found)


def _absent_evaluation(code: str, text: str) -> Evaluation:
    issue = Issue(Severity.ERROR, code, text, "creatinine")
    return Evaluation(Absent(AbsentReason.INPUT_ABSENT), Working(f"{text}.", qualifier=NO_URINE), (issue,))


def _no_recent_evaluation(latest: Point, at: datetime, words: "_Words") -> Evaluation:
    """``latest``: the last value, compared or not."""
    latest_words = f"Latest creatinine {words.amount(*latest)}"
    if latest[0] >= at - WEEK:
        text = f"{latest_words}, within 7 days of dialysis: shows neither recovery nor AKI"
        return _absent_evaluation("no-recent-creatinine", text)
    return _absent_evaluation("no-recent-creatinine", f"No creatinine in the last 7 days. {latest_words}")


def _dialysis_span(first: Date | Absent, last: Date | Absent, at: datetime, zone: timezone) -> Times | None:
    """From the first to the last day of recorded dialysis, ends included; until ``at`` where it is in progress."""
    if isinstance(first, Absent) or isinstance(last, Absent):
        return None
    until = at if last.end == date.max else datetime.combine(last.end, time.max, zone)
    return datetime.combine(min(first.start, last.start), time.min, zone), until


def _dialysis_evaluation(dialysis: Times, at: datetime, episode: bool, words: "_Words") -> Evaluation:
    span = words.days(dialysis[0].date(), dialysis[1].date())
    if dialysis[1] == at:
        span = f"since {words.day(dialysis[0])}, in progress"
    if dialysis[1] - dialysis[0] > LONGEST_EPISODE:
        text = f"Dialysis {span}, for more than 90 days: AKI and chronic dialysis cannot be told apart"
        return _absent_evaluation("dialysis-over-90-days", text)
    text = "AKI or first ESKD: neither chronic dialysis nor ESKD is recorded"
    text = f"{text}. Creatinine on dialysis is not compared"
    issue = Issue(Severity.WARNING, "aki-or-first-eskd", text, "dialysis_first")
    claim = f"{'AKI episode ongoing' if episode else 'AKI stage 3'}: dialysis {span}"
    value = True if episode else STAGES[3]
    return Evaluation(value, Working(f"Dialysis {span}, which is stage 3", claim), (issue,))


def _episode_evaluation(values: Sequence[AssessedValue], at: datetime, words: "_Words") -> Evaluation:
    """Whether an episode is open as far as values show, or has been over for less than 7 days."""
    if not values:
        return _absent_evaluation("no-baseline", "No creatinine to compare")
    latest = values[-1]
    week = [value for value in values if value.time >= latest.time - WEEK]
    if (unlikely := _unlikely_unit_evaluation(week)) is not None:
        return unlikely
    warrant = f"Latest creatinine {words.point(latest)}"
    if (began := latest.episode) is not None:
        claim = f"AKI episode ongoing since {words.day(began.start)}"
        text = f"{warrant}, against {words.reference(began.reference)}; no later value shows its end"
        return Evaluation(True, Working(text, claim, NO_URINE_STAGED))
    ended = next((value for value in reversed(values) if value.over is not None), None)
    if ended is not None and at - ended.time < WEEK:
        claim = f"AKI episode ended on {words.day(ended.time)}, less than 7 days ago"
        return Evaluation(True, Working(f"{warrant}; ended at {words.point(ended)}", claim, NO_URINE_STAGED))
    until = at if latest.time >= at - WEEK else latest.time
    if not any(latest.time - REMOTE <= value.time < until - WEEK for value in values):
        text = f"No creatinine from more than 7 days before {words.point(latest)}; AKI is not excluded"
        return _absent_evaluation("no-older-value", text)
    issues = _earlier_aki_issues(latest, 0, values)
    working = Working(f"{warrant}: no episode", "No ongoing AKI episode by creatinine", NO_URINE)
    return Evaluation(False, working, tuple(issues))


def _number(value: Decimal) -> str:
    """The value as recorded, without the decimals that a conversion of units adds."""
    rounded = value.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{min(value, rounded, key=lambda v: len(f'{v:f}')):f}"


class _Words:
    """Days and references in words, in the zone of the evaluation time; its year is left out."""

    def __init__(self, at: datetime) -> None:
        # The offset alone, since it alone is part of the fingerprint.
        self.zone = timezone(at.utcoffset() or timedelta(0))
        self.year = at.year

    def day(self, when: datetime) -> str:
        return self._date(when.astimezone(self.zone).date())

    def days(self, first: date, last: date) -> str:
        start, end = self._date(first), self._date(last)
        return f"on {start}" if first == last else f"{start} to {end}"

    def _date(self, day: date) -> str:
        year = "" if day.year == self.year else f" {day.year}"
        return f"{day.day} {MONTHS[day.month - 1]}{year}"

    def amount(self, when: datetime, value: Decimal) -> str:
        """In both units of laboratories, so that it is shown as recorded (µmol/L with a tenth where it has one)."""
        tenths = (value * UMOL).quantize(Decimal("0.1"), ROUND_HALF_UP)
        exact = abs(tenths - value * UMOL) < Decimal("1e-6") and tenths != int(tenths)
        umol = tenths if exact else (value * UMOL).quantize(Decimal(1), ROUND_HALF_UP)
        return f"{_number(value)} mg/dL, {umol:f} µmol/L ({self.day(when)})"

    def point(self, value: AssessedValue) -> str:
        return f"{_number(value.value)} mg/dL ({self.day(value.time)})"

    def reference(self, reference: Reference) -> str:
        start, end = self.day(reference.start), self.day(reference.end)
        if reference.rule is not Rule.MEDIAN:
            return f"{_number(reference.value)} ({reference.rule}, {start})"
        return f"{_number(reference.value)} ({start if start == end else f'median of {start} to {end}'})"

    def ratio(self, ratio: Decimal) -> str:
        """To one decimal, and to two rounded down where one would reach the next limit."""
        brief = ratio.quantize(Decimal("0.1"), ROUND_HALF_UP)
        crossed = any(ratio < limit <= brief for limit in (RATIO, TWICE, THRICE))
        return f"{ratio.quantize(Decimal('0.01'), ROUND_DOWN) if crossed else brief:f}"

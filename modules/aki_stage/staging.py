"""The stage of values that meet the criteria of acute kidney injury, with its cautions."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from modules.aki_stage.wording import (
    FOUR,
    NO_URINE_STAGED,
    ONE_AND_A_HALF,
    SMALL_RISE,
    THRICE,
    TWICE,
    CourseWords,
    creatinine_amount,
    creatinine_number,
)
from ontology.evaluation import Evaluation, Issue, Severity, Working
from ontology.rises import (
    LONGEST_EPISODE,
    RATIO,
    AssessedValue,
    Episode,
    at_least,
    earlier_level,
    median_outside_episodes,
)
from ontology.values import Coding

CODES = "https://medtwin.example/codes"
STAGES = {stage: Coding(CODES, f"aki-stage-{stage}", f"AKI stage {stage}") for stage in (1, 2, 3)}
# 4.0 mg/dL or 353.6 µmol/L, whichever is less (the second is 3.9991 at 88.42).
FOUR_MG_DL = Decimal("3.999")
# Above it a rise of 0.3 mg/dL is often chance: at a CV of 5 % a stable 2.5 has one in about a quarter of courses.
SMALL_RISE_DOUBTFUL = Decimal("1.5")


def stage_of(value: AssessedValue) -> int:
    """The stage of a value within an episode: 1 to 3."""
    reference = value.staging
    if reference is None:
        raise ValueError("a value within an episode has a reference")
    return stage_against(value.value, reference.value)


def stage_against(value: Decimal, reference: Decimal) -> int:
    """The stage of a value, in mg/dL, that meets the criteria against a reference: 1 to 3."""
    if value >= FOUR_MG_DL or at_least(value, THRICE, reference):
        return 3
    return 2 if at_least(value, TWICE, reference) else 1


def severity(value: AssessedValue) -> tuple[int, Decimal, datetime]:
    """What orders values within episodes: by stage, then by ratio, then by time."""
    return stage_of(value), ratio_of(value), value.time


def ratio_of(value: AssessedValue) -> Decimal:
    """How many times the reference that stages it a value is; 0 without one."""
    reference = value.staging
    return Decimal(0) if reference is None or reference.value <= 0 else value.value / reference.value


def staged_evaluation(
    worst: AssessedValue, latest: AssessedValue, values: Sequence[AssessedValue], words: CourseWords
) -> Evaluation:
    """The stage of the ``worst`` value of the last 7 days, and what became of it by the ``latest``."""
    stage, reference, began = stage_of(worst), worst.staging, worst.episode
    if reference is None or began is None:
        raise ValueError("a staged value has a reference and an episode")
    # Where only the fall shows that the first value was raised, the value after the fall is looked at as well.
    risen = latest if began.seen_by_fall and latest.episode is not None else worst
    issues = [*_doubts(worst, began, words, values, earlier_level(risen, values))]
    issues += earlier_aki_issues(worst, stage, values)
    by_ratio = 1 + sum(at_least(worst.value, each, reference.value) for each in (TWICE, THRICE))
    if stage > by_ratio:
        text = f"Stage 3 by {FOUR} or more. The English algorithm stages by ratio alone and gives {by_ratio}"
        issues.append(Issue(Severity.INFORMATION, "stage-3-by-4-mg", text, "creatinine"))
    times = f"{words.ratio(ratio_of(worst))} times {words.reference(reference)}"
    reasons = [times]
    if worst.by_rise and worst.short is not None:
        over_short = worst.value - worst.short.value
        reasons.append(f"{creatinine_amount(over_short)} above {words.reference(worst.short)}")
    compared = reasons[-1] if _by_rise_alone(worst, began) and worst.by_rise else times
    passed = latest.time != worst.time
    least = " at least" if began.seen_by_fall else ""
    when = " in the last 7 days" if passed else ""
    which = f" on {words.day(worst.time)}" if passed else ""
    claim = f"AKI stage {stage}{least}{when}: creatinine {creatinine_amount(worst.value)}{which}, {compared}"
    if passed:
        now = f"Now {creatinine_amount(latest.value)} on {words.day(latest.time)}{_course(worst, latest, words)}"
        claim = f"{claim}. {now}"
        issues.append(Issue(Severity.INFORMATION, "stage-before-latest", now, "creatinine"))
    warrant = f"Creatinine {words.point(worst)}: {'; '.join(reasons)}"
    if worst.time != began.start:
        warrant = f"{warrant}; the episode began on {words.day(began.start)}"
    return Evaluation(STAGES[stage], Working(warrant, claim, NO_URINE_STAGED), tuple(issues))


def _course(worst: AssessedValue, latest: AssessedValue, words: CourseWords) -> str:
    """What became of it since."""
    if latest.episode is not None:
        return f", stage {stage_of(latest)}" if stage_of(latest) < stage_of(worst) else ""
    if latest.chronic is not None:
        return f", raised since {words.day(latest.chronic.start)}: no longer acute"
    return ": episode ended"


def _by_rise_alone(value: AssessedValue, began: Episode) -> bool:
    return began.by_rise_alone and ratio_of(value) < RATIO


def _doubts(
    worst: AssessedValue,
    began: Episode,
    words: CourseWords,
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
        text = f"Above {ONE_AND_A_HALF} a rise of {SMALL_RISE} in 48 hours may be chance"
        found["small-rise"] = f"{text}; the ratio is below 1.5"
    if level is not None:
        before = f"{creatinine_amount(level.value)} on {words.day(level.time)}"
        text = f"Creatinine fell and returned to an earlier level, {before}"
        found["return-to-earlier-level"] = f"{text}. The low value may have been dilution"
    return tuple(Issue(Severity.WARNING, code, text, "creatinine") for code, text in found.items())


def earlier_aki_issues(value: AssessedValue, stage: int, values: Sequence[AssessedValue]) -> list[Issue]:
    """A caution where the median would give a higher stage without values of AKI; ``stage``: 0 for "not met"."""
    without = median_outside_episodes(value, values)
    if without is None or not at_least(value.value, RATIO, without):
        return []
    if (higher := stage_against(value.value, without)) <= stage:
        return []
    usual = f"Without them it is {creatinine_number(without)}"
    text = f"The median includes values of AKI. {usual}, and {creatinine_amount(value.value)} is stage {higher}"
    return [Issue(Severity.WARNING, "median-includes-aki", text, "creatinine")]

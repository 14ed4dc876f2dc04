"""Stage of acute kidney injury, and whether an episode is open, by the creatinine criteria of KDIGO 2012.

Criteria and stages: doi:10.1038/kisup.2011.32, recommendations 2.1.1 and 2.1.2.  That the higher of two ratios stages
follows the algorithm of NHS England (about its sensitivity doi:10.1371/journal.pone.0131909).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from modules.aki_stage.dialysis import dialysis_evaluation, dialysis_periods, present_course
from modules.aki_stage.staging import CODES, FOUR_MG_DL, earlier_aki_issues, ratio_of, severity, staged_evaluation
from modules.aki_stage.undecided import (
    URGENT,
    absent_evaluation,
    no_recent_evaluation,
    unknown_evaluation,
    unlikely_unit_evaluation,
)
from modules.aki_stage.wording import NO_URINE, NO_URINE_STAGED, SMALL_RISE, CourseWords, creatinine_amount
from ontology.evaluation import Evaluation, Issue, Severity, Working
from ontology.rises import RECENT, REMOTE, AssessedValue, assess, dialysed_times, gap_before
from ontology.series import Period
from ontology.values import Absent, AbsentReason, Coding, Series

NOT_MET = Coding(CODES, "aki-criteria-not-met", "creatinine criteria of AKI not met")
WEEK = RECENT
# Without a record, in the window or at all.  Any other absence (failed, unreadable) leaves unknown what there was.
NOT_DIALYSED = (AbsentReason.NOT_FOUND, AbsentReason.STALE, AbsentReason.NOT_QUERIED)


def evaluate(
    creatinine: Series,
    dialysis: Series | Absent,
    at: datetime,
    episode: Decimal,
) -> Evaluation:
    """The highest stage of the values in the 7 days before ``at``, or "criteria not met"; for ``episode`` 1 whether an
    episode is open, or has been over for less than 7 days.

    ``creatinine`` in mg/dL; ``dialysis``: the recorded periods of it, of which the last may be in progress.
    Stage 2 from 2.0 times the reference, stage 3 from 3.0 times or, once the criteria are met, from 4.0 mg/dL, and
    on dialysis.  Absent(INPUT_ABSENT), and never "not met", where no value is older than 7 days, none is of the last
    7 days, or a value or a reference is above 30 mg/dL, whose unit is unlikely.
    """
    evaluation = _evaluate(creatinine, dialysis_periods(dialysis), at, bool(episode), CourseWords(at))
    if not isinstance(dialysis, Absent) or dialysis.reason in NOT_DIALYSED:
        return evaluation
    text = "Dialysis unknown. Creatinine on dialysis shows neither recovery nor a reference"
    issue = Issue(Severity.WARNING, "dialysis-unknown", text, "dialysis")
    return replace(evaluation, issues=(*evaluation.issues, issue))


def _evaluate(
    creatinine: Series, dialysis: Sequence[Period], at: datetime, episode: bool, words: CourseWords
) -> Evaluation:
    values = assess(creatinine.points, dialysed_times(dialysis))
    if (course := present_course(dialysis, values)) is not None:
        end = course[1]
        # It is stage 3, and creatinine can show the end of that episode only from 7 days after it.
        unrecovered = episode and end is not None and not any(value.time > end for value in values)
        if end is None or end + WEEK >= at or unrecovered:
            return dialysis_evaluation(course, at, episode, words)
    if episode:
        return episode_evaluation(values, at, words)
    current = [value for value in values if value.time >= at - WEEK]
    if not current:
        return no_recent_evaluation(creatinine.points[-1], at, words)
    if (unlikely := unlikely_unit_evaluation(current)) is not None:
        return unlikely
    acute = [value for value in current if value.episode is not None]
    latest = current[-1]
    if acute:
        return staged_evaluation(max(acute, key=severity), latest, values, words)
    older = [value for value in values if latest.time - REMOTE <= value.time < at - WEEK]
    return not_met_evaluation(current, values, words) if older else unknown_evaluation(current, words)


def not_met_evaluation(
    current: Sequence[AssessedValue], values: Sequence[AssessedValue], words: CourseWords
) -> Evaluation:
    """That no value of the last 7 days (``current``) meets the criteria, with what speaks against calling it well."""
    latest, highest = current[-1], max(current, key=lambda each: each.value)
    reference = latest.staging
    issues = earlier_aki_issues(highest, 0, values)
    compared = "" if reference is None else f", {words.ratio(ratio_of(latest))} times {words.reference(reference)}"
    claim = f"AKI criteria not met: creatinine {creatinine_amount(latest.value)}{compared}"
    if (raised := latest.chronic) is not None:
        ratio = words.ratio(latest.value / raised.reference.value)
        gap, since = gap_before(latest, values), f"raised since {words.day(raised.start)}"
        unclear = "cute or chronic cannot be told apart"
        known = ", for more than 90 days: chronic, not acute" if gap is None else f". A{unclear}"
        claim = f"AKI criteria not met: creatinine {creatinine_amount(latest.value)}, {since}{known}"
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
        f" nor {SMALL_RISE} above the lowest of 48 hours"
    )
    return Evaluation(NOT_MET, Working(warrant, claim, NO_URINE), tuple(issues))


def episode_evaluation(values: Sequence[AssessedValue], at: datetime, words: CourseWords) -> Evaluation:
    """Whether an episode is open as far as values show, or has been over for less than 7 days."""
    if not values:
        return absent_evaluation("no-baseline", "No creatinine to compare")
    latest = values[-1]
    week = [value for value in values if value.time >= latest.time - WEEK]
    if (unlikely := unlikely_unit_evaluation(week)) is not None:
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
        return absent_evaluation("no-older-value", text)
    issues = earlier_aki_issues(latest, 0, values)
    claim = "No ongoing AKI episode by creatinine"
    if latest.time < at - WEEK:
        # Of one that is over it is said only that it no longer went on.
        what = "No AKI episode up to" if ended is None else "No ongoing AKI episode on"
        claim = f"{what} {words.day(latest.time)}, the latest creatinine; since then not known"
    working = Working(f"{warrant}: no episode", claim, NO_URINE)
    return Evaluation(False, working, tuple(issues))

"""Dialysis without chronic dialysis on record: stage 3, and no creatinine to compare."""

from datetime import date, datetime, time, timezone

from modules.aki_stage.staging import STAGES
from modules.aki_stage.undecided import absent_evaluation
from modules.aki_stage.wording import CourseWords
from ontology.evaluation import Evaluation, Issue, Severity, Working
from ontology.rises import LONGEST_EPISODE
from ontology.values import Absent, Date

Times = tuple[datetime, datetime]


def dialysis_span(first: Date | Absent, last: Date | Absent, at: datetime, zone: timezone) -> Times | None:
    """From the first to the last day of recorded dialysis, ends included; until ``at`` where it is in progress."""
    if isinstance(first, Absent) or isinstance(last, Absent):
        return None
    until = at if last.end == date.max else datetime.combine(last.end, time.max, zone)
    return datetime.combine(min(first.start, last.start), time.min, zone), until


def dialysis_evaluation(dialysis: Times, at: datetime, episode: bool, words: CourseWords) -> Evaluation:
    """Stage 3, or an open episode; Absent(INPUT_ABSENT) where dialysis has lasted for more than 90 days."""
    span = words.days(dialysis[0].date(), dialysis[1].date())
    if dialysis[1] == at:
        span = f"since {words.day(dialysis[0])}, in progress"
    if dialysis[1] - dialysis[0] > LONGEST_EPISODE:
        text = f"Dialysis {span}, for more than 90 days: AKI and chronic dialysis cannot be told apart"
        return absent_evaluation("dialysis-over-90-days", text)
    text = "AKI or first ESKD: neither chronic dialysis nor ESKD is recorded"
    text = f"{text}. Creatinine on dialysis is not compared"
    issue = Issue(Severity.WARNING, "aki-or-first-eskd", text, "dialysis_first")
    claim = f"{'AKI episode ongoing' if episode else 'AKI stage 3'}: dialysis {span}"
    value = True if episode else STAGES[3]
    return Evaluation(value, Working(f"Dialysis {span}, which is stage 3", claim), (issue,))

"""Dialysis without chronic dialysis on record is stage 3; its creatinine is not compared until 7 days after it.

Sessions are recorded one by one.  A course is what is one dialysis for a reader: sessions of which each follows the one
before within 30 days, or within 90 days without a creatinine between them that is not raised.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from modules.aki_stage.staging import STAGES
from modules.aki_stage.undecided import absent_evaluation
from modules.aki_stage.wording import CourseWords
from ontology.evaluation import Evaluation, Issue, Severity, Working
from ontology.rises import LONGEST_EPISODE, AssessedValue
from ontology.series import Period, periods_of
from ontology.values import Absent, Series

# Our choice, and that of the concept of dialysis: after a month without a session it is not known to go on.
LONGEST_PAUSE = timedelta(days=30)


def dialysis_periods(dialysis: Series | Absent) -> tuple[Period, ...]:
    """The recorded periods, oldest first; none where nothing is known of any."""
    return () if isinstance(dialysis, Absent) else periods_of(dialysis)


def present_course(periods: Sequence[Period], values: Iterable[AssessedValue]) -> Period | None:
    """The course that the last of the periods belongs to; ``values``: those that dialysis does not conceal."""
    if not periods:
        return None
    recovered = [value.time for value in values if value.episode is None and value.chronic is None]
    start, end = periods[-1]
    for first, last in reversed(periods[:-1]):
        if last is None or start - last > LONGEST_EPISODE:
            break
        if start - last > LONGEST_PAUSE and any(last < each < start for each in recovered):
            break
        start = first
    return start, end


def dialysis_evaluation(course: Period, at: datetime, episode: bool, words: CourseWords) -> Evaluation:
    """Stage 3, or an open episode; Absent(INPUT_ABSENT) where dialysis has lasted for more than 90 days."""
    start, end = course
    span = words.days(start, end) if end is not None else f"since {words.day(start)}, in progress"
    if (end or at) - start > LONGEST_EPISODE:
        text = f"Dialysis {span}, for more than 90 days: AKI and chronic dialysis cannot be told apart"
        return absent_evaluation("dialysis-over-90-days", text)
    text = "AKI or first ESKD: neither chronic dialysis nor ESKD is recorded"
    text = f"{text}. Creatinine on dialysis is not compared"
    issue = Issue(Severity.WARNING, "aki-or-first-eskd", text, "dialysis")
    claim = f"{'AKI episode ongoing' if episode else 'AKI stage 3'}: dialysis {span}"
    value = True if episode else STAGES[3]
    return Evaluation(value, Working(f"Dialysis {span}, which is stage 3", claim), (issue,))

"""Days in hospital: calendar days from the start of the inpatient stay to the evaluation time."""

from datetime import datetime
from decimal import Decimal

from ontology.evaluation import Evaluation, Interval, Issue, Severity, Working
from ontology.values import Absent, AbsentReason, Date, Quantity


def evaluate(stay_start: Date, at: datetime) -> Evaluation:
    """Days ("d") from the start of the stay to the day of ``at``, in its own zone: 0 on the day of admission.

    A start of which only the month or year is known gives no value but bounds.  A start after ``at`` gives neither;
    one that may be after it counts up to it.  Never raises.
    """
    today = at.date()
    if stay_start.start > today:
        issue = Issue(Severity.ERROR, "before-stay", "The evaluation time lies before the inpatient stay", "stay_start")
        return Evaluation(Absent(AbsentReason.INPUT_ABSENT), Working("Not in hospital yet at this time."), (issue,))
    first, last = stay_start.start, min(stay_start.end, today)
    most, least = Decimal((today - first).days), Decimal((today - last).days)
    if most == least:
        warrant = (
            f"Inpatient stay since {first.isoformat()}, on {today.isoformat()}: {most} day{'' if most == 1 else 's'}."
        )
        return Evaluation(Quantity(most, "d"), Working(warrant))
    text = f"The inpatient stay began between {first.isoformat()} and {last.isoformat()}"
    issue = Issue(Severity.WARNING, "partial-stay-start", f"{text}: {least} to {most} days ago", "stay_start")
    return Evaluation(
        Absent(AbsentReason.INPUT_ABSENT),
        Working(f"{text}: only limits of the days are known on {today.isoformat()}."),
        (issue,),
        bounds=Interval(least, most, "d", "whatever day of the recorded period the stay began"),
    )

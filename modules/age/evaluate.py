"""Age: completed anniversaries plus the elapsed part of the year since the last one."""

from calendar import isleap
from datetime import date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from ontology.evaluation import Evaluation, Interval, Issue, Severity, Working
from ontology.values import Absent, AbsentReason, Date, Quantity

# A millionth of a year is half a minute: far below the precision of any equation here.
DECIMALS = Decimal("0.000001")
# The oldest person on record reached 122.  A greater age comes from a placeholder birth date, such as 1900-01-01.
OLDEST = Decimal(125)


def evaluate(birth_date: Date, at: datetime) -> Evaluation:
    """Age in years ("a") on the day of ``at``, in its own zone, to six decimals.

    Someone born on 29 February has the anniversary on 28 February in common years (the rule of HL7 CQL date
    arithmetic).  A partial birth date gives no value but bounds: the ages by its last and its first day.  A time
    before birth, or an age above 125 years, gives neither.  Never raises.
    """
    today = at.date()
    if birth_date.start > today:
        issue = Issue(
            Severity.ERROR, "before-birth", "The time of the question is before the date of birth", "birth_date"
        )
        return Evaluation(Absent(AbsentReason.INPUT_ABSENT), Working("Not born yet at this time."), (issue,))
    if birth_date.start == birth_date.end:
        age = age_on(birth_date.start, today)
        born = birth_date.start.isoformat()
        if age > OLDEST:
            return _implausible_age(f"Born {born}, on {today.isoformat()}: {_format_age(age)} years")
        warrant = f"Born {born}, on {today.isoformat()}: {age:f} years."
        return Evaluation(Quantity(age, "a"), Working(warrant, f"Age is {_format_age(age)} years"))
    low = age_on(min(birth_date.end, today), today)
    high = age_on(birth_date.start, today)
    text = f"Born between {birth_date.start.isoformat()} and {birth_date.end.isoformat()}"
    if low > OLDEST:
        return _implausible_age(f"{text}: at least {_format_age(low)} years")
    known = _known_part(birth_date)
    exact = f"Exact age unknown: only {known} is recorded" if known else f"{text}: exact age unknown"
    issue = Issue(Severity.WARNING, "partial-birth-date", exact, slot="birth_date")
    return Evaluation(
        Absent(AbsentReason.INPUT_ABSENT),
        Working(f"{text}: on {today.isoformat()} only a range of ages is known."),
        (issue,),
        bounds=Interval(low, high, "a", "for any birthday in the recorded period"),
    )


def _known_part(born: Date) -> str | None:
    """What a partial date of birth says: the year, or the month and the year; None of other periods."""
    first, last = born.start, born.end
    if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31):
        return f"the year of birth, {first.year}," if first.year == last.year else None
    if first.day != 1 or (first.year, first.month) != (last.year, last.month):
        return None
    return f"the month of birth, {first:%B %Y}," if (last + timedelta(days=1)).day == 1 else None


def _format_age(age: Decimal) -> str:
    """The age with one decimal, rounded down, so that it never reads 18.0 on the day before the birthday."""
    return f"{age.quantize(Decimal('0.1'), ROUND_FLOOR):f}"


def _implausible_age(text: str) -> Evaluation:
    issue = Issue(Severity.ERROR, "implausible-age", f"{text}: implausible, check the date of birth", "birth_date")
    return Evaluation(Absent(AbsentReason.INPUT_ABSENT), Working(f"Not computed. {text}."), (issue,))


def age_on(born: date, today: date) -> Decimal:
    """Age in years from ``born`` to ``today``, which must not be earlier than ``born``."""
    years = today.year - born.year
    last = anniversary(born, today.year)
    if last > today:
        years -= 1
        last = anniversary(born, today.year - 1)
    following = anniversary(born, last.year + 1)
    elapsed = Decimal((today - last).days) / Decimal((following - last).days)
    return (Decimal(years) + elapsed).quantize(DECIMALS)


def anniversary(born: date, year: int) -> date:
    """The birthday in a year; that of 29 February is 28 February in common years."""
    if born.month == 2 and born.day == 29 and not isleap(year):
        return date(year, 2, 28)
    return born.replace(year=year)

"""The answers that are no stage and no "not met": why the records do not decide whether there is an injury."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from modules.aki_stage.staging import FOUR_MG_DL, ratio_of
from modules.aki_stage.wording import NO_URINE, CourseWords, plain_number
from ontology.evaluation import Evaluation, Issue, Severity, Working
from ontology.rises import RECENT, AssessedValue, at_least
from ontology.series import Point
from ontology.values import Absent, AbsentReason
from ontology.words.lists import count_words

# Our choice: from here on a rise that does not meet the criteria is reported with its numbers, and never as "no rise".
SOME_RISE = Decimal("1.1")
# Higher values are probably µmol/L sent as mg/dL.  The same limit as that of eGFR.
UNLIKELY_MG_DL = Decimal(30)
URGENT = "AKI stage 3 and advanced chronic disease cannot be told apart; to be treated as AKI until shown otherwise"


def absent_evaluation(code: str, text: str) -> Evaluation:
    """Absent(INPUT_ABSENT), with the reason as an ERROR."""
    issue = Issue(Severity.ERROR, code, text, "creatinine")
    return Evaluation(Absent(AbsentReason.INPUT_ABSENT), Working(f"{text}.", qualifier=NO_URINE), (issue,))


def unlikely_unit_evaluation(current: Sequence[AssessedValue]) -> Evaluation | None:
    """No answer where a value or what it is compared with is probably in another unit; None where none is."""
    compared = [value.value for value in current]
    compared += [each.value for value in current for each in (value.recent, value.remote, value.staging) if each]
    if (highest := max(compared)) <= UNLIKELY_MG_DL:
        return None
    text = f"Creatinine {plain_number(highest)} mg/dL is above 30: check the unit, it may be µmol/L"
    return absent_evaluation("creatinine-unit-unlikely", text)


def no_recent_evaluation(latest: Point, at: datetime, words: CourseWords) -> Evaluation:
    """``latest``: the last value, compared or not."""
    latest_words = f"Latest creatinine {words.amount(*latest)}"
    if latest[0] >= at - RECENT:
        text = f"{latest_words}, within 7 days of dialysis: shows neither recovery nor AKI"
        return absent_evaluation("no-recent-creatinine", text)
    return absent_evaluation("no-recent-creatinine", f"No creatinine in the last 7 days. {latest_words}")


def unknown_evaluation(current: Sequence[AssessedValue], words: CourseWords) -> Evaluation:
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
        if rises and (reference := (risen := max(rises, key=ratio_of)).staging) is not None:
            times = f"{words.ratio(ratio_of(risen))} times {words.reference(reference)}"
            text = f"Creatinine rose to {words.point(risen)}, {times}: below the criteria. {before}"
        issues = [("no-older-value", f"{text}. Latest creatinine {words.amount(latest.time, latest.value)}")]
    if highest.value >= FOUR_MG_DL:
        issues.insert(
            0, ("aki-until-shown-otherwise", f"Creatinine {words.amount(highest.time, highest.value)}. {URGENT}")
        )
    found = tuple(Issue(Severity.ERROR, code, text, "creatinine") for code, text in issues)
    warrant = " ".join(f"{issue.text}." for issue in found)
    return Evaluation(Absent(AbsentReason.INPUT_ABSENT), Working(warrant, qualifier=NO_URINE), found)

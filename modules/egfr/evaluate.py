"""Estimated GFR by the CKD-EPI 2021 creatinine equation (doi:10.1056/NEJMoa2102953), without race."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from ontology.evaluation import Evaluation, Interval, Issue, Severity, Working
from ontology.values import Absent, AbsentReason, Coding, Quantity
from ontology.words.quantities import number_words

UNIT = "mL/min/{1.73_m2}"
SHOWN = "mL/min/1.73 m²"
DECIMALS = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Constants:
    """The constants by sex: kappa in mg/dL, the exponent below kappa, and a factor."""

    kappa: float
    alpha: float
    factor: float


CONSTANTS = {"female": Constants(0.7, -0.241, 1.012), "male": Constants(0.9, -0.302, 1.0)}


def evaluate(creatinine: Decimal, age: Decimal, sex: Coding, recorded: Decimal | Absent) -> Evaluation:
    """Estimated GFR in mL/min per 1.73 m², to two decimals (half up).

    ``creatinine`` in mg/dL (IDMS-traceable), ``age`` in years with its fraction.  A ``sex`` other than female or
    male gives no value, but the results for both as bounds.  ``recorded``, a laboratory's own estimate, is only
    compared: a difference of more than 10 % and more than 5 mL/min/1.73 m² (our choice) is reported.  A creatinine
    of zero or less gives Absent(INPUT_ABSENT).
    """
    if creatinine <= 0:
        issue = Issue(Severity.ERROR, "creatinine-zero", "Creatinine of zero: no estimate", "creatinine")
        working = Working("Not computed: creatinine is not positive.")
        return Evaluation(Absent(AbsentReason.INPUT_ABSENT), working, (issue,))
    if sex.code not in CONSTANTS:
        return _either_sex(creatinine, age)
    value = estimate(creatinine, age, sex.code)
    constants = CONSTANTS[sex.code]
    female = " × 1.012" if sex.code == "female" else ""
    ratio = f"{number_words(creatinine)}/{constants.kappa}"
    warrant = (
        f"142 × min({ratio}, 1)^{constants.alpha} × max({ratio}, 1)^-1.200 × 0.9938^{number_words(age)}{female}"
        f" = {value:f} {SHOWN}"
    )
    return Evaluation(Quantity(value, UNIT), Working(warrant), _disagreement(value, recorded))


def estimate(creatinine: Decimal, age: Decimal, sex: str) -> Decimal:
    """Estimated GFR in mL/min/1.73 m² for ``sex`` "female" or "male"; creatinine in mg/dL, above zero, age in years."""
    constants = CONSTANTS[sex]
    ratio = float(creatinine) / constants.kappa
    # One of the two terms is always 1.
    power = float(min(ratio, 1.0) ** constants.alpha * max(ratio, 1.0) ** -1.200)
    result = 142 * power * float(0.9938 ** float(age)) * constants.factor
    return Decimal(repr(result)).quantize(DECIMALS, ROUND_HALF_UP)


def _either_sex(creatinine: Decimal, age: Decimal) -> Evaluation:
    by_sex = {sex: estimate(creatinine, age, sex) for sex in CONSTANTS}
    text = "; ".join(f"{sex}: {value:f} {SHOWN}" for sex, value in by_sex.items())
    issue = Issue(Severity.ERROR, "sex-undetermined", f"The equation requires female or male sex; {text}", "sex")
    bounds = Interval(min(by_sex.values()), max(by_sex.values()), UNIT, "for either sex")
    working = Working(f"Not computed for a sex other than female or male; {text}.")
    return Evaluation(Absent(AbsentReason.INPUT_ABSENT), working, (issue,), bounds=bounds)


def _disagreement(value: Decimal, recorded: Decimal | Absent) -> tuple[Issue, ...]:
    if isinstance(recorded, Absent) or abs(recorded - value) <= max(value / 10, Decimal(5)):
        return ()
    text = (
        f"Laboratory-reported eGFR {number_words(recorded)} {SHOWN} differs from this one ({value:f} {SHOWN})."
        " It may be from another equation or sample"
    )
    return (Issue(Severity.WARNING, "disagrees-with-recorded", text, "recorded"),)

"""Risk of kidney failure by the 4-variable Kidney Failure Risk Equation.

The coefficients are those of Tangri et al. 2011 (doi:10.1001/jama.2011.451), the baseline survivals those of the
multinational recalibration of 2016 (doi:10.1001/jama.2015.18202).
"""

import math
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from ontology.evaluation import Evaluation, Interval, Issue, Severity, Working
from ontology.values import Absent, AbsentReason, Bound, Coding, Quantity
from ontology.words.quantities import number_words
from ontology.words.risks import percent_words, risk_words

UNIT = "%"
# Baseline survival free of kidney failure, by years and whether calibrated for North America.
SURVIVAL: Mapping[tuple[int, bool], float] = {
    (2, True): 0.9750,
    (5, True): 0.9240,
    (2, False): 0.9832,
    (5, False): 0.9365,
}
MALE = {"male": 1.0, "female": 0.0}
# A recorded 0 only means a low ratio: read as category A1 (KDIGO), below 30 mg/g.
LEAST_KNOWN = Decimal(30)
# Ten to the minus eight as a probability.
DECIMALS = Decimal("0.000001")


def evaluate(
    age: Decimal, sex: Coding, egfr: Decimal, uacr: Decimal | Bound, north_america: bool, years: Decimal
) -> Evaluation:
    """Probability, in percent, of dialysis or a kidney transplant within ``years`` (2 or 5), to six decimals.

    ``age`` in years, ``egfr`` in mL/min/1.73 m², ``uacr`` in mg/g.  No logarithm is taken of a ``uacr`` that is
    zero, negative or known only as a bound: then there is no value, but bounds.  A ``sex`` other than female or
    male likewise gives the bounds over both.  Raises KeyError for other ``years``.
    """
    survival = SURVIVAL[int(years), north_america]
    horizon = f"{int(years)} years"
    sexes = [sex.code] if sex.code in MALE else sorted(MALE)
    low, high = _uacr_limits(uacr)
    if len(sexes) == 1 and low == high and isinstance(uacr, Decimal):
        value = risk(age, sexes[0], egfr, uacr, survival)
        probability = value / 100
        people = risk_words(probability, f"P{int(years)}Y")
        claim = f"Risk of kidney failure within {horizon}: {percent_words(probability)}, {people}"
        return Evaluation(Quantity(value, UNIT), Working(_warrant(age, sexes[0], egfr, uacr, survival, value), claim))
    least = min(_risk_at_limit(low, Decimal(0), age, code, egfr, survival) for code in sexes)
    most = max(_risk_at_limit(high, Decimal(100), age, code, egfr, survival) for code in sexes)
    text = _reason(uacr, len(sexes) > 1)
    between = f"{percent_words(least / 100)} to {percent_words(most / 100)}"
    # The range of risks is given by the bounds.
    issues = (Issue(Severity.ERROR, *_issue_parts(uacr, f"{text[0].upper()}{text[1:]}")),)
    working = Working(f"Not computed to one number: {text}. Within {horizon}: {between}.")
    bounds = Interval(least, most, UNIT, text)
    return Evaluation(Absent(AbsentReason.INPUT_ABSENT), working, issues, bounds=bounds)


def risk(age: Decimal, sex: str, egfr: Decimal, uacr: Decimal, survival: float) -> Decimal:
    """The risk in percent; ``uacr`` in mg/g, above zero; ``survival`` is the baseline survival."""
    score = (
        -0.2201 * (float(age) / 10 - 7.036)
        + 0.2467 * (MALE[sex] - 0.5642)
        - 0.5567 * (float(egfr) / 5 - 7.222)
        + 0.4510 * (math.log(float(uacr)) - 5.137)
    )
    # 1 - s^h, without loss of precision at small risks.
    result = -100 * math.expm1(math.exp(score) * math.log(survival))
    return Decimal(repr(result)).quantize(DECIMALS, ROUND_HALF_EVEN)


def _uacr_limits(uacr: Decimal | Bound) -> tuple[Decimal | None, Decimal | None]:
    """The lower and upper limit of the ratio, in mg/g; None at an open end, whose risk is 0 or 100 %."""
    if isinstance(uacr, Decimal):
        return (uacr, uacr) if uacr > 0 else (None, LEAST_KNOWN)
    if uacr.comparator in ("<", "<="):
        return None, uacr.value if uacr.value > 0 else LEAST_KNOWN
    return uacr.value if uacr.value > 0 else None, None


def _risk_at_limit(
    end: Decimal | None, limit: Decimal, age: Decimal, sex: str, egfr: Decimal, survival: float
) -> Decimal:
    return limit if end is None else risk(age, sex, egfr, end, survival)


def _reason(uacr: Decimal | Bound, either_sex: bool) -> str:
    parts = []
    if isinstance(uacr, Bound):
        parts.append(
            f"the albumin-creatinine ratio is reported only as {uacr.comparator} {number_words(uacr.value)} mg/g"
        )
    elif uacr <= 0:
        parts.append("an albumin-creatinine ratio of zero or less is read as below 30 mg/g")
    if either_sex:
        parts.append("the equation requires female or male sex")
    return "; ".join(parts)


def _issue_parts(uacr: Decimal | Bound, text: str) -> tuple[str, str, str]:
    known = isinstance(uacr, Decimal) and uacr > 0
    return ("sex-undetermined", text, "sex") if known else ("uacr-bound", text, "uacr")


def _warrant(age: Decimal, sex: str, egfr: Decimal, uacr: Decimal, survival: float, value: Decimal) -> str:
    return (
        f"1 − {survival:.4f}^exp(−0.2201 × ({number_words(age)}/10 − 7.036) + 0.2467 × ({MALE[sex]:.0f} − 0.5642)"
        f" − 0.5567 × ({number_words(egfr)}/5 − 7.222) + 0.4510 × (ln {number_words(uacr)} − 5.137)) = {value:f} %"
    )

"""Ten-year risk of heart failure by the base equation of AHA PREVENT.

The coefficients are those of the publication's supplement (Khan et al. 2023, doi:10.1161/CIRCULATIONAHA.123.067626).
"""

import math
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from ontology.evaluation import Evaluation, Interval, Issue, Severity, Working
from ontology.values import Absent, AbsentReason, Coding, Quantity
from ontology.words.quantities import number_words

UNIT = "%"
# Ten to the minus eight as a probability.
DECIMALS = Decimal("0.000001")
SEXES = ("female", "male")
# The terms in the order of the coefficients; age is per 10 years from 55.
TERMS = (
    "constant", "age", "systolic pressure below 110", "systolic pressure above 110", "diabetes", "smoking",
    "body mass index below 30", "body mass index above 30", "eGFR below 60", "eGFR above 60", "antihypertensive",
    "pressure × antihypertensive", "age × pressure", "age × diabetes", "age × smoking",
    "age × body mass index above 30", "age × eGFR below 60",
)  # fmt: skip
COEFFICIENTS: Mapping[str, tuple[float, ...]] = {
    "female": (
        -4.310409, 0.8998235, -0.4559771, 0.3576505, 1.038346, 0.583916, -0.0072294, 0.2997706, 0.7451638, 0.0557087,
        0.3534442, -0.0981511, -0.0946663, -0.3581041, -0.1159453, -0.003878, -0.1884289,
    ),
    "male": (
        -3.946391, 0.8972642, -0.6811466, 0.3634461, 0.923776, 0.5023736, -0.0485841, 0.3726929, 0.6926917, 0.0251827,
        0.2980922, -0.0497731, -0.1289201, -0.3040924, -0.1401688, 0.0068126, -0.1797778,
    ),
}  # fmt: skip


def evaluate(
    age: Decimal,
    sex: Coding,
    systolic: Decimal,
    antihypertensive: bool,
    diabetes: bool,
    smoking: bool,
    body_mass_index: Decimal,
    egfr: Decimal,
) -> Evaluation:
    """Probability, in percent, of heart failure within ten years, to six decimals.

    ``age`` in years, ``systolic`` in mmHg, ``body_mass_index`` in kg/m², ``egfr`` in mL/min/1.73 m².  A ``sex`` other
    than female or male gives no value, but the bounds over both.
    """
    terms = _terms(age, systolic, body_mass_index, egfr, (antihypertensive, diabetes, smoking))
    if sex.code not in SEXES:
        return _either_sex([_risk(COEFFICIENTS[code], terms)[0] for code in SEXES])
    value, score = _risk(COEFFICIENTS[sex.code], terms)
    return Evaluation(Quantity(value, UNIT), Working(_warrant(COEFFICIENTS[sex.code], terms, score, value)))


def _terms(
    age: Decimal, systolic: Decimal, bmi: Decimal, egfr: Decimal, flags: tuple[bool, bool, bool]
) -> tuple[float, ...]:
    """The terms that the coefficients are multiplied by, in the order of TERMS."""
    years = (float(age) - 55) / 10
    low = (min(float(systolic), 110) - 110) / 20
    high = (max(float(systolic), 110) - 130) / 20
    lean = (min(float(bmi), 30) - 25) / 5
    obese = (max(float(bmi), 30) - 30) / 5
    poor = (min(float(egfr), 60) - 60) / -15
    fair = (max(float(egfr), 60) - 90) / -15
    treated, diabetic, smokes = map(float, flags)
    return (
        1, years, low, high, diabetic, smokes, lean, obese, poor, fair, treated, high * treated, years * high,
        years * diabetic, years * smokes, years * obese, years * poor,
    )  # fmt: skip


def _risk(coefficients: tuple[float, ...], terms: tuple[float, ...]) -> tuple[Decimal, float]:
    """The probability in percent, and its log-odds."""
    score = math.fsum(c * t for c, t in zip(coefficients, terms, strict=True))
    return Decimal(repr(100 / (1 + math.exp(-score)))).quantize(DECIMALS, ROUND_HALF_EVEN), score


def _either_sex(values: list[Decimal]) -> Evaluation:
    text = "the equation requires female or male sex"
    issue = Issue(Severity.ERROR, "sex-undetermined", f"{text[0].upper()}{text[1:]}", "sex")
    working = Working(f"Not computed to one number: {text}.")
    bounds = Interval(min(values), max(values), UNIT, text)
    return Evaluation(Absent(AbsentReason.INPUT_ABSENT), working, (issue,), bounds=bounds)


def _warrant(coefficients: tuple[float, ...], terms: tuple[float, ...], score: float, value: Decimal) -> str:
    parts = [
        f"{name} {c} × {number_words(Decimal(str(round(t, 4))))}"
        for name, c, t in zip(TERMS[1:], coefficients[1:], terms[1:], strict=True)
        if t
    ]
    return f"log-odds {coefficients[0]} + {' + '.join(parts)} = {score:.4f}; 1 / (1 + exp(−log-odds)) = {value:f} %"

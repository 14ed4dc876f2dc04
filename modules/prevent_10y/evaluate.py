"""Ten-year risk of total and of atherosclerotic cardiovascular disease by the base equations of AHA PREVENT.

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
# The publication's own factor from mg/dL to mmol/L.
MMOL = 0.02586
SEXES = ("female", "male")
# The terms in the order of the coefficients; age is per 10 years from 55.
TERMS = (
    "constant", "age", "non-HDL cholesterol", "HDL cholesterol", "systolic pressure below 110",
    "systolic pressure above 110", "diabetes", "smoking", "eGFR below 60", "eGFR above 60", "antihypertensive",
    "statin", "pressure × antihypertensive", "non-HDL × statin", "age × non-HDL", "age × HDL", "age × pressure",
    "age × diabetes", "age × smoking", "age × eGFR below 60",
)  # fmt: skip
TOTAL, ATHEROSCLEROTIC = 1, 2
COEFFICIENTS: Mapping[tuple[int, str], tuple[float, ...]] = {
    (TOTAL, "female"): (
        -3.307728, 0.7939329, 0.0305239, -0.1606857, -0.2394003, 0.3600781, 0.8667604, 0.5360739, 0.6045917,
        0.0433769, 0.3151672, -0.1477655, -0.0663612, 0.1197879, -0.0819715, 0.0306769, -0.0946348, -0.27057,
        -0.078715, -0.1637806,
    ),
    (TOTAL, "male"): (
        -3.031168, 0.7688528, 0.0736174, -0.0954431, -0.4347345, 0.3362658, 0.7692857, 0.4386871, 0.5378979,
        0.0164827, 0.288879, -0.1337349, -0.0475924, 0.150273, -0.0517874, 0.0191169, -0.1049477, -0.2251948,
        -0.0895067, -0.1543702,
    ),
    (ATHEROSCLEROTIC, "female"): (
        -3.819975, 0.719883, 0.1176967, -0.151185, -0.0835358, 0.3592852, 0.8348585, 0.4831078, 0.4864619,
        0.0397779, 0.2265309, -0.0592374, -0.0395762, 0.0844423, -0.0567839, 0.0325692, -0.1035985, -0.2417542,
        -0.0791142, -0.1671492,
    ),
    (ATHEROSCLEROTIC, "male"): (
        -3.500655, 0.7099847, 0.1658663, -0.1144285, -0.2837212, 0.3239977, 0.7189597, 0.3956973, 0.3690075,
        0.0203619, 0.2036522, -0.0865581, -0.0322916, 0.114563, -0.0300005, 0.0232747, -0.0927024, -0.2018525,
        -0.0970527, -0.1217081,
    ),
}  # fmt: skip


def evaluate(
    age: Decimal,
    sex: Coding,
    total_cholesterol: Decimal,
    hdl_cholesterol: Decimal,
    systolic: Decimal,
    antihypertensive: bool,
    diabetes: bool,
    smoking: bool,
    egfr: Decimal,
    statin: bool,
    outcome: Decimal,
) -> Evaluation:
    """Probability, in percent, of an event within ten years, to six decimals.

    ``age`` in years, cholesterol in mg/dL, ``systolic`` in mmHg, ``egfr`` in mL/min/1.73 m²; ``outcome`` 1 is total
    cardiovascular disease, 2 atherosclerotic disease.  A ``sex`` other than female or male gives no value, but the
    bounds over both.  Raises KeyError for another ``outcome``.
    """
    flags = (antihypertensive, diabetes, smoking, statin)
    terms = _terms(age, total_cholesterol, hdl_cholesterol, systolic, egfr, flags)
    if sex.code not in SEXES:
        return _either_sex([_risk(COEFFICIENTS[int(outcome), code], terms)[0] for code in SEXES])
    value, score = _risk(COEFFICIENTS[int(outcome), sex.code], terms)
    return Evaluation(
        Quantity(value, UNIT), Working(_warrant(COEFFICIENTS[int(outcome), sex.code], terms, score, value))
    )


def _terms(
    age: Decimal, total: Decimal, hdl: Decimal, systolic: Decimal, egfr: Decimal, flags: tuple[bool, bool, bool, bool]
) -> tuple[float, ...]:
    """The terms that the coefficients are multiplied by, in the order of TERMS."""
    years = (float(age) - 55) / 10
    other = float(total - hdl) * MMOL - 3.5
    good = (float(hdl) * MMOL - 1.3) / 0.3
    low = (min(float(systolic), 110) - 110) / 20
    high = (max(float(systolic), 110) - 130) / 20
    poor = (min(float(egfr), 60) - 60) / -15
    fair = (max(float(egfr), 60) - 90) / -15
    treated, diabetic, smokes, lowered = map(float, flags)
    return (
        1, years, other, good, low, high, diabetic, smokes, poor, fair, treated, lowered, high * treated,
        other * lowered, years * other, years * good, years * high, years * diabetic, years * smokes, years * poor,
    )  # fmt: skip


def _risk(coefficients: tuple[float, ...], terms: tuple[float, ...]) -> tuple[Decimal, float]:
    """The probability in percent, and its log-odds."""
    score = math.fsum(c * t for c, t in zip(coefficients, terms, strict=True))
    return Decimal(repr(100 / (1 + math.exp(-score)))).quantize(DECIMALS, ROUND_HALF_EVEN), score


def _either_sex(values: list[Decimal]) -> Evaluation:
    text = "the equations require female or male sex"
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

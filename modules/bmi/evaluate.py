"""Body mass index: weight over height squared (Quetelet)."""

from decimal import ROUND_HALF_UP, Decimal

from ontology.evaluation import Evaluation, Issue, Severity, Working
from ontology.values import Absent, AbsentReason, Quantity
from ontology.words.quantities import number_words

UNIT = "kg/m2"
DECIMALS = Decimal("0.01")
# Our choice: more than what rounding of weight and height explains.
DISAGREEMENT = Decimal(1)


def evaluate(weight: Decimal, height: Decimal, recorded: Decimal | Absent) -> Evaluation:
    """BMI in kg/m2 from weight in kg and height in cm, to two decimals (half up).

    ``recorded`` is a recorded BMI, which is only compared.  A height of zero or less gives Absent(INPUT_ABSENT).
    """
    if height <= 0:
        issue = Issue(Severity.ERROR, "height-zero", "Height of zero: no body mass index", "height")
        return Evaluation(Absent(AbsentReason.INPUT_ABSENT), Working("Not computed: height is not positive."), (issue,))
    metres = height / 100
    value = (weight / (metres * metres)).quantize(DECIMALS, ROUND_HALF_UP)
    issues: tuple[Issue, ...] = ()
    if isinstance(recorded, Decimal) and abs(recorded - value) > DISAGREEMENT:
        shown = f"{number_words(recorded)} kg/m²"
        text = f"Recorded body mass index {shown} differs from the computed {value:f} kg/m²"
        issues = (Issue(Severity.WARNING, "disagrees-with-recorded", text, "recorded"),)
    warrant = f"{number_words(weight)} kg / ({number_words(metres)} m)² = {value:f} kg/m²"
    return Evaluation(Quantity(value, UNIT), Working(warrant), issues)

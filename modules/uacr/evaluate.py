"""The urine albumin-creatinine ratio: as recorded, else of albumin and creatinine of the same specimen.

Categories are those of KDIGO 2024 (doi:10.1016/j.kint.2023.10.018): below 30, 30 to 300, above 300 mg/g.
"""

from decimal import Decimal

from ontology.evaluation import Evaluation, Issue, Severity, Working
from ontology.values import Absent, AbsentReason, Bound, Comparator, Quantity
from ontology.words.quantities import amount, number_words
from ontology.words.values import marked_amount

UNIT = "mg/g"
A2_FROM, A2_TO = Decimal(30), Decimal(300)
# More than this share of the recorded ratio is a disagreement.
TOLERANCE = Decimal("0.2")
DECIMALS = Decimal("0.000001")
NO_VALUE = frozenset({AbsentReason.NOT_FOUND, AbsentReason.STALE})


def evaluate(
    recorded: Decimal | Bound | Absent, albumin: Decimal | Bound | Absent, creatinine: Decimal | Bound | Absent
) -> Evaluation:
    """The ratio in mg/g; ``recorded`` in mg/g, ``albumin`` in mg/L, ``creatinine`` in mg/dL, all of one specimen.

    A bound gives a bound.  Absent(INPUT_ABSENT), or the reason why the recorded ratio cannot be read, without either.
    """
    computed = _ratio(albumin, creatinine)
    if isinstance(recorded, Absent):
        if computed is None:
            reason = AbsentReason.INPUT_ABSENT if recorded.reason in NO_VALUE else recorded.reason
            return Evaluation(
                Absent(reason), Working("No albumin-creatinine ratio; no albumin and creatinine from one specimen.")
            )
        return Evaluation(computed, Working(f"{_parts(albumin, creatinine)} in one specimen: {_words(computed)}"))
    value = (
        Bound(recorded.comparator, recorded.value, UNIT) if isinstance(recorded, Bound) else Quantity(recorded, UNIT)
    )
    if computed is None or not _disagree(value, computed):
        return Evaluation(value, Working(f"Recorded ratio: {_words(value)}"))
    text = f"Recorded as {_words(value)}; albumin and creatinine in the same specimen give {_words(computed)}"
    issues = (Issue(Severity.WARNING, "uacr-disagrees", text, "recorded"),)
    return Evaluation(value, Working(f"Recorded ratio: {_words(value)}"), issues)


def category(ratio: Decimal) -> int:
    """The albuminuria category, 1 to 3, of a ratio in mg/g."""
    return 1 if ratio < A2_FROM else 2 if ratio <= A2_TO else 3


def _ratio(albumin: Decimal | Bound | Absent, creatinine: Decimal | Bound | Absent) -> Quantity | Bound | None:
    """Albumin over creatinine; None where one is absent or nothing, or both are bounds on the same side."""
    if isinstance(albumin, Absent) or isinstance(creatinine, Absent):
        return None
    above, below = (each.value if isinstance(each, Bound) else each for each in (albumin, creatinine))
    if below <= 0 or above < 0:
        return None
    ratio = (100 * above / below).quantize(DECIMALS)
    sides = {_side(albumin), -_side(creatinine)} - {0}
    if not sides:
        return Quantity(ratio, UNIT)
    if len(sides) > 1:
        return None
    comparator: Comparator = "<" if sides == {-1} else ">"
    return Bound(comparator, ratio, UNIT)


def _side(value: Decimal | Bound) -> int:
    """On which side of the number the value lies: below (-1), above (1), or on it (0)."""
    return 0 if isinstance(value, Decimal) else -1 if value.comparator in ("<", "<=") else 1


def _disagree(recorded: Quantity | Bound, computed: Quantity | Bound) -> bool:
    """Whether they are of two categories, or more than 20 % of the recorded one apart; of bounds, whether they exclude
    each other."""
    if isinstance(recorded, Bound) or isinstance(computed, Bound):
        low = max((each.value for each in (recorded, computed) if _lower(each)), default=None)
        high = min((each.value for each in (recorded, computed) if _upper(each)), default=None)
        return low is not None and high is not None and low > high
    if category(recorded.value) != category(computed.value):
        return True
    return recorded.value > 0 and abs(computed.value - recorded.value) > TOLERANCE * recorded.value


def _lower(value: Quantity | Bound) -> bool:
    return isinstance(value, Quantity) or value.comparator in (">", ">=")


def _upper(value: Quantity | Bound) -> bool:
    return isinstance(value, Quantity) or value.comparator in ("<", "<=")


def _words(value: Quantity | Bound) -> str:
    text = marked_amount("recorded", value.value, value.unit, amount(value.value, value.unit, 1))
    return f"{value.comparator} {text}" if isinstance(value, Bound) else text


def _parts(albumin: Decimal | Bound | Absent, creatinine: Decimal | Bound | Absent) -> str:
    words = []
    for slot, each, unit in (("albumin", albumin, "mg/L"), ("creatinine", creatinine, "mg/dL")):
        if not isinstance(each, Absent):
            number, sign = (each.value, f"{each.comparator} ") if isinstance(each, Bound) else (each, "")
            words.append(f"{sign}{marked_amount(slot, number, unit, f'{number_words(number)} {unit}')}")
    return f"albumin {words[0]} / creatinine {words[1]}"

"""Whether a description matches its implementation, its criteria their slots, and a result its description."""

from collections.abc import Iterator
from decimal import Decimal

from ontology.concepts import ValueType
from ontology.evaluation import Evaluation
from ontology.slots import Select, Slot
from ontology.values import Absent, Bound, Coding, Date, Quantity
from server.catalog.criteria import Compare, Criterion, Is, OneOf
from server.catalog.descriptions import Description, Kind
from server.errors import KindError
from server.kinds.implementation import implementation_faults
from server.kinds.interpretation import RESULT
from server.kinds.logic import leaves_of

_RESULT_TYPES: dict[ValueType, tuple[type, ...]] = {
    ValueType.QUANTITY: (Quantity, Bound),
    ValueType.CODING: (Coding,),
    ValueType.FLAG: (bool,),
    ValueType.DATE: (Date,),
}


def check_signature(description: Description) -> list[str]:
    """Every fault between the description, the code beside it and the slots that its criteria read."""
    faults = [f"{description.id}: {fault}" for fault in _criteria_faults(description)]
    if description.kind is Kind.EQUATION:
        faults += [f"{description.id}: {fault}" for fault in implementation_faults(description)]
    if description.kind is Kind.SCORE and not description.criteria:
        faults.append(f"{description.id}: a score without criteria")
    if description.kind is Kind.RULE and not description.cases:
        faults.append(f"{description.id}: a rule without cases")
    return faults


def check_result(description: Description, evaluation: Evaluation) -> None:
    """KindError unless the value is of the type and in the unit that the description promises, and finite."""
    value, unit = evaluation.value, description.unit or description.produces.unit
    if not isinstance(value, Absent) and not isinstance(value, _RESULT_TYPES[description.produces.value_type]):
        raise KindError(f"module {description.id}: gave a {type(value).__name__}")
    if isinstance(value, Quantity | Bound) and (value.unit != unit or not value.value.is_finite()):
        raise KindError(f"module {description.id}: gave a number that is not finite, or not in {unit}")
    for interval in (evaluation.bounds, evaluation.interval):
        if interval is None:
            continue
        if interval.unit != unit or not _is_ordered(interval.low, interval.high):
            raise KindError(f"module {description.id}: gave an interval that is not in {unit}, or upside down")


def _is_ordered(low: Decimal, high: Decimal) -> bool:
    return low.is_finite() and high.is_finite() and low <= high


def _criteria_faults(description: Description) -> Iterator[str]:
    for where, criterion, with_result in _all_criteria(description):
        for leaf in leaves_of(criterion):
            found: ValueType | None
            if leaf.slot == RESULT and with_result:
                found = description.produces.value_type
            else:
                try:
                    found = _slot_type(description.slot(leaf.slot))
                except KeyError:
                    yield f"{where}: there is no slot {leaf.slot}"
                    continue
            wanted = _compared_type(leaf)
            if wanted is not None and found is not wanted:
                yield f"{where}: {leaf.slot} is not compared as what it is"
            if isinstance(leaf, Compare) and leaf.precision is not None and leaf.precision <= 0:
                yield f"{where}: precision must be more than 0"
    for part in description.criteria:
        if part.slot not in {slot.name for slot in description.slots}:
            yield f"criterion {part.label}: there is no slot {part.slot}"


def _compared_type(leaf: Criterion) -> ValueType | None:
    if isinstance(leaf, Compare):
        return ValueType.QUANTITY
    if isinstance(leaf, OneOf):
        return ValueType.CODING
    return ValueType.FLAG if isinstance(leaf, Is) else None


def _slot_type(slot: Slot) -> ValueType | None:
    if slot.select is Select.SERIES:
        return None
    return ValueType.FLAG if slot.select is Select.ANY else slot.concept.value_type


def _all_criteria(description: Description) -> Iterator[tuple[str, Criterion | None, bool]]:
    """Each criterion with where it stands, and whether it may read the result."""
    for ground in description.applicability:
        yield f"applicability {ground.text}", ground.criterion, False
    for part in description.criteria:
        for band in part.bands:
            yield f"band {band.label}", band.match, False
            yield f"band {band.label}", band.when, False
    for case in description.cases:
        yield f"case {case.label}", case.when, False
    for remark in description.remarks:
        yield f"remark {remark.code}", remark.criterion, True
    for outcome in description.outcomes:
        yield f"outcome {outcome.text}", outcome.match, True
        yield f"outcome {outcome.text}", outcome.when, True

"""Whether a description matches its implementation, its criteria their slots, and a result its description."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from ontology.concepts import ValueType
from ontology.evaluation import Evaluation
from ontology.slots import Select, Slot
from ontology.values import Absent, Bound, Coding, Date, Quantity
from server.catalog.criteria import Compare, Criterion, Is, OneOf, Present
from server.catalog.descriptions import Description, Kind
from server.catalog.source_lines import slot_lines
from server.errors import KindError, did_you_mean
from server.kinds.implementation import implementation_faults
from server.kinds.interpretation import RESULT
from server.kinds.logic import leaves_of

_RESULT_TYPES: dict[ValueType, tuple[type, ...]] = {
    ValueType.QUANTITY: (Quantity, Bound),
    ValueType.CODING: (Coding,),
    ValueType.FLAG: (bool,),
    ValueType.DATE: (Date,),
}


@dataclass(frozen=True, slots=True)
class SlotUse:
    """One place in which a description names a slot.

    ``term`` (of mpm) and ``label`` find it in the Turtle, ``place`` names it to a reader; ``criterion`` is the
    comparison on the slot, where there is one; ``may_be_result``: the pseudo-slot ``result`` may be named there.
    """

    term: str
    label: str | None
    place: str
    slot: str
    criterion: Compare | OneOf | Is | Present | None = None
    may_be_result: bool = False


def check_signature(description: Description) -> list[str]:
    """Every fault between the description, the code beside it and the slots that it names: with file and line where
    it was read from Turtle, and with the module's id.
    """
    faults = [
        f"{location(description, use.term, use.label, use.slot)}{use.place}: {fault}"
        for use in slot_uses(description)
        for fault in _use_faults(description, use)
    ]
    if description.kind is Kind.EQUATION:
        faults += [f"{description.id}: {fault}" for fault in implementation_faults(description)]
    if description.kind is Kind.SCORE and not description.criteria:
        faults.append(f"{description.id}: a score without criteria")
    if description.kind is Kind.RULE and not description.cases:
        faults.append(f"{description.id}: a rule without cases")
    faults += [f"{description.id}: {fault}" for fault in _unless_faults(description)]
    return list(dict.fromkeys(faults))


def _unless_faults(description: Description) -> Iterator[str]:
    """A ground may be left out only for another that then refuses, or cautions, in its place."""
    for ground in description.applicability:
        others = (each for each in description.applicability if each is not ground and each.refuse is ground.refuse)
        if ground.unless is not None and all(each.criterion != ground.unless for each in others):
            yield f'applicability "{ground.text}": mpm:unless is not the criterion of another one of its effect'


def location(description: Description, term: str, label: str | None, slot: str) -> str:
    """Where a description names a slot, as the beginning of a fault: file, line and the module's id."""
    lines = slot_lines(description, term, label, slot) or slot_lines(description, term, None, slot)
    if not lines:
        return f"{description.id}: "
    folder = description.folder
    numbers = f"line{'s' * (len(lines) > 1)} {', '.join(map(str, lines))}"
    return f"{folder.parent.name}/{folder.name}/module.ttl: {numbers}: {description.id}: "


def slot_uses(description: Description) -> Iterator[SlotUse]:
    """Each place in which the description names a slot, but for the features of a model, which reading it checks."""
    for ground in description.applicability:
        yield from _criterion_uses("applicability", ground.text, f'applicability "{ground.text}"', ground.criterion)
    for part in description.criteria:
        place = f'criterion "{part.label}"'
        yield SlotUse("criterion", part.label, place, part.slot)
        for number, band in enumerate(part.bands, 1):
            within = f'{place}, band {number} "{band.label}"'
            # What a band matches is on the criterion's own slot, unless it says otherwise: named once above.
            matched = _criterion_uses("criterion", band.label, within, band.match)
            yield from (use for use in matched if use.slot != part.slot or part.slot in _names(description))
            yield from _criterion_uses("criterion", band.label, within, band.when)
    for number, case in enumerate(description.cases, 1):
        yield from _criterion_uses("cases", case.label, f'case {number} "{case.label}"', case.when)
    for remark in description.remarks:
        place = f'remark "{remark.code}"'
        yield from _criterion_uses("remark", remark.code, place, remark.criterion, may_be_result=True)
    for number, outcome in enumerate(description.outcomes, 1):
        place = f'outcome {number} "{outcome.text}"'
        yield from _criterion_uses("outcomes", outcome.text, place, outcome.match, may_be_result=True)
        yield from _criterion_uses("outcomes", outcome.text, place, outcome.when, may_be_result=True)
    for slot in description.within.slots if description.within is not None else ():
        yield SlotUse("within", None, "mpm:within", slot)
    if description.one_specimen is not None:
        for slot in (description.one_specimen.result, *description.one_specimen.parts):
            yield SlotUse("oneSpecimen", None, "mpm:oneSpecimen", slot)


def _criterion_uses(
    term: str, label: str, place: str, criterion: Criterion | None, may_be_result: bool = False
) -> Iterator[SlotUse]:
    for leaf in leaves_of(criterion):
        yield SlotUse(term, label, place, leaf.slot, leaf, may_be_result)


def _names(description: Description) -> list[str]:
    return [slot.name for slot in description.slots]


def _use_faults(description: Description, use: SlotUse) -> Iterator[str]:
    found: ValueType | None
    if use.slot == RESULT and use.may_be_result:
        found = description.produces.value_type
    elif use.slot in _names(description):
        found = _slot_type(description.slot(use.slot))
    else:
        yield f"there is no slot {use.slot}{did_you_mean(use.slot, _names(description))}"
        return
    wanted = None if use.criterion is None else _compared_type(use.criterion)
    if wanted is not None and found is not wanted:
        yield f"{use.slot} is {_type_name(found)}, and is compared as {_type_name(wanted)}"
    if isinstance(use.criterion, Compare) and use.criterion.precision is not None and use.criterion.precision <= 0:
        yield f"{use.slot}: precision must be more than 0"


def _type_name(value_type: ValueType | None) -> str:
    return "a series" if value_type is None else f"a {value_type.value}"


def _compared_type(leaf: Criterion) -> ValueType | None:
    if isinstance(leaf, Compare):
        return ValueType.QUANTITY
    if isinstance(leaf, OneOf):
        return ValueType.CODING
    return ValueType.FLAG if isinstance(leaf, Is) else None


def _slot_type(slot: Slot) -> ValueType | None:
    """Of which type what fills the slot is; None of a series."""
    if slot.select is Select.SERIES:
        return None
    return ValueType.FLAG if slot.select is Select.ANY else slot.concept.value_type


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

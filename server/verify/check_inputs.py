"""Checks the inputs of a step: its slots, its links to earlier steps, and each input as those steps compute it here.

Inputs without a step are used as they are in the file.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from ontology.concepts import Origin
from ontology.errors import MedtwinError
from ontology.evaluation import Interval, SlotInput
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason, Quantity, Series, Value
from server.catalog.descriptions import Description
from server.errors import KindError
from server.executor.binding import bounds_in_slot_unit, certain_value, in_slot_unit
from server.explain.prov.exported import ExportedInput, ExportedStep
from server.kinds.inputs import check_inputs
from server.verify.findings import Finding, FindingKind, RecomputedStep, describe_difference, describe_limits_difference

_STALE = SlotInput(Absent(AbsentReason.STALE))


def check_slots(step: ExportedStep, description: Description) -> Iterator[Finding]:
    """Whether the file has an input for each slot that the module has here, and for no other, of its type and unit."""
    names = {slot.name for slot in description.slots}
    for name in sorted(names - step.inputs.keys()):
        yield Finding(FindingKind.SLOT, "the module has this slot here, and the file has no input for it", name)
    for name in sorted(step.inputs.keys() - names):
        yield Finding(FindingKind.SLOT, "the file fills a slot that the module does not have here", name)
    if names <= step.inputs.keys():
        try:
            check_inputs(description, {name: given.consumed for name, given in step.inputs.items()})
        except KindError as error:
            yield Finding(FindingKind.SLOT, f"the inputs of the file cannot fill the slots: {error}")


def recompute_input(
    step: ExportedStep, slot: Slot, description: Description, recomputed: Sequence[RecomputedStep]
) -> tuple[SlotInput, list[Finding]]:
    """What fills a slot here, and how that differs from the file."""
    given = step.inputs[slot.name]
    wrong = [Finding(FindingKind.LINK, text, slot.name) for text in _check_links(given, slot, step, recomputed)]
    if not given.steps or wrong:
        return given.consumed, wrong
    producers = sorted((recomputed[each] for each in given.steps), key=lambda each: each.exported.as_of)
    if any(each.evaluation is None for each in producers):
        text = "comes from a step that could not be computed here; the value of the file was used"
        return given.consumed, [Finding(FindingKind.NOT_COMPUTED, text, slot.name)]
    if given.consumed == _STALE and may_be_stale(slot, description):
        return given.consumed, []
    try:
        made = _series_value(slot, producers) if slot.select is Select.SERIES else _single_value(slot, producers[0])
    except MedtwinError:
        text = "the step before gives a unit that the slot cannot take"
        return given.consumed, [Finding(FindingKind.LINK, text, slot.name)]
    return made, list(_compare_input(given.consumed, made, slot))


def same_value(one: Value, other: Value) -> bool:
    """Equal as values: 1.0 is 1.00, and true is not 1."""
    return type(one) is type(other) and one == other


def same_limits(one: Interval | None, other: Interval | None) -> bool:
    """Equal limits in one unit; the words beside them do not count."""
    if one is None or other is None:
        return one is other
    return (one.low, one.high, one.unit) == (other.low, other.high, other.unit)


def may_be_stale(slot: Slot, description: Description) -> bool:
    """Whether a slot may be empty though what fills it has a value: too old, or not of one time with the others."""
    within = description.within
    return slot.window is not None or (within is not None and slot.name in within.slots)


def _check_links(
    given: ExportedInput, slot: Slot, step: ExportedStep, recomputed: Sequence[RecomputedStep]
) -> Iterator[str]:
    if given.concept != slot.concept.iri:
        yield f"is of {given.concept}; the slot takes {slot.concept.iri}"
    if given.assumed and given.steps:
        yield "is marked as assumed, and comes from a step"
    if given.consumed.presumed is not None and (slot.no_if_reconciled is None or given.steps):
        yield "is presumed from a list, which the module does not take from one here"
    if not given.steps:
        if _must_be_computed(given, slot):
            yield f"{slot.concept.display} is computed, and the file has no step that gives it"
        return
    if any(not 0 <= each < len(recomputed) for each in given.steps):
        yield "rests on a step that does not come before it"
        return
    for each in given.steps:
        yield from _check_producer(recomputed[each], slot, step.as_of)
    if slot.select is not Select.SERIES and len(given.steps) > 1:
        yield f"rests on {len(given.steps)} steps, and takes one"


def _check_producer(producer: RecomputedStep, slot: Slot, as_of: datetime) -> Iterator[str]:
    name = producer.exported.title
    if producer.description is not None and producer.description.produces.iri != slot.concept.iri:
        yield f"is linked to {name}, which gives {producer.description.produces.display}"
    elif slot.select is not Select.SERIES and producer.exported.as_of != as_of:
        yield f"is linked to {name} as of {producer.exported.as_of.isoformat()}, which is another time"
    elif producer.exported.as_of > as_of:
        yield f"is linked to {name} as of {producer.exported.as_of.isoformat()}, which is later"


def _must_be_computed(given: ExportedInput, slot: Slot) -> bool:
    """Whether nothing but a step can fill the slot so."""
    if slot.concept.origin is not Origin.COMPUTED or slot.prefer_recorded or given.assumed:
        return False
    value = given.consumed.value
    if isinstance(value, Absent) and slot.select is Select.SERIES:
        return False
    return not (slot.current_only and value == Absent(AbsentReason.NOT_QUERIED))


def _single_value(slot: Slot, producer: RecomputedStep) -> SlotInput:
    assert producer.evaluation is not None  # noqa: S101 - the caller has looked
    return SlotInput(
        in_slot_unit(certain_value(producer.evaluation), slot), bounds_in_slot_unit(producer.evaluation.bounds, slot)
    )


def _series_value(slot: Slot, producers: Sequence[RecomputedStep]) -> SlotInput:
    points = []
    for producer in producers:
        value = None if producer.evaluation is None else in_slot_unit(certain_value(producer.evaluation), slot)
        if isinstance(value, Quantity):
            points.append((producer.exported.as_of, value.value))
    return SlotInput(Series(tuple(points), slot.unit or "") if points else Absent(AbsentReason.INPUT_ABSENT))


def _compare_input(there: SlotInput, here: SlotInput, slot: Slot) -> Iterator[Finding]:
    if not same_value(there.value, here.value):
        yield Finding(
            FindingKind.INPUT, f"{describe_difference(there.value, here.value)}, from the step before", slot.name
        )
    if not same_limits(there.bounds, here.bounds):
        yield Finding(
            FindingKind.INPUT,
            f"{describe_limits_difference(there.bounds, here.bounds)}, from the step before",
            slot.name,
        )

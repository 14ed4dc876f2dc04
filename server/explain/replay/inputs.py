"""What fills the slots of a step when it is computed again: from the steps before it, else as the file says."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from ontology.concepts import Origin
from ontology.errors import MedtwinError
from ontology.evaluation import Interval
from ontology.inputs import Consumed
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason, Quantity, Series, Value
from server.catalog.descriptions import Description
from server.executor.bind import bounds_in_unit, in_unit
from server.explain.replay.found import Finding, Kind, ReplayedStep
from server.explain.replay.said import SaidInput, SaidStep
from server.explain.replay.wording import differ, limits_differ
from server.kinds.errors import KindError
from server.kinds.inputs import check_inputs

_STALE = Consumed(Absent(AbsentReason.STALE))


def slots_fit(step: SaidStep, description: Description) -> Iterator[Finding]:
    """Whether the file fills the slots that the module has here, with what each of them takes."""
    names = {slot.name for slot in description.slots}
    for name in sorted(names - step.inputs.keys()):
        yield Finding(Kind.SLOT, "the module has this slot here, and the file does not say what filled it", name)
    for name in sorted(step.inputs.keys() - names):
        yield Finding(Kind.SLOT, "the file fills a slot that the module does not have here", name)
    if names <= step.inputs.keys():
        try:
            check_inputs(description, {name: given.consumed for name, given in step.inputs.items()})
        except KindError as error:
            yield Finding(Kind.SLOT, f"what the file says cannot fill the slots: {error}")


def given_again(
    step: SaidStep, slot: Slot, description: Description, done: Sequence[ReplayedStep]
) -> tuple[Consumed, list[Finding]]:
    """What fills a slot now, and how that differs from what the file says."""
    given = step.inputs[slot.name]
    wrong = [Finding(Kind.LINK, text, slot.name) for text in _links(given, slot, step, done)]
    if not given.steps or wrong:
        return given.consumed, wrong
    producers = sorted((done[each] for each in given.steps), key=lambda each: each.said.as_of)
    if any(each.evaluation is None for each in producers):
        text = "rests on a step that could not be computed here; what the file says was taken"
        return given.consumed, [Finding(Kind.NOT_COMPUTED, text, slot.name)]
    if given.consumed == _STALE and may_be_stale(slot, description):
        return given.consumed, []
    try:
        made = _points(slot, producers) if slot.select is Select.SERIES else _single(slot, producers[0])
    except MedtwinError:
        text = "what the step before gives is in a unit that the slot cannot take"
        return given.consumed, [Finding(Kind.LINK, text, slot.name)]
    return made, list(_differs(given.consumed, made, slot))


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


def _links(given: SaidInput, slot: Slot, step: SaidStep, done: Sequence[ReplayedStep]) -> Iterator[str]:
    if given.concept != slot.concept.iri:
        yield f"is of {given.concept}; the slot takes {slot.concept.iri}"
    if given.assumed and given.steps:
        yield "is said to be assumed, and to come from a step"
    if not given.steps:
        if _must_be_computed(given, slot):
            yield f"{slot.concept.display} is computed, and the file has no step that gives it"
        return
    if any(not 0 <= each < len(done) for each in given.steps):
        yield "rests on a step that does not come before it"
        return
    for each in given.steps:
        yield from _fits(done[each], slot, step.as_of)
    if slot.select is not Select.SERIES and len(given.steps) > 1:
        yield f"rests on {len(given.steps)} steps, and takes one"


def _fits(producer: ReplayedStep, slot: Slot, as_of: datetime) -> Iterator[str]:
    name = producer.said.title
    if producer.description is not None and producer.description.produces.iri != slot.concept.iri:
        yield f"is said to come from {name}, which gives {producer.description.produces.display}"
    elif slot.select is not Select.SERIES and producer.said.as_of != as_of:
        yield f"is said to come from {name} as of {producer.said.as_of.isoformat()}, which is another time"
    elif producer.said.as_of > as_of:
        yield f"is said to come from {name} as of {producer.said.as_of.isoformat()}, which is later"


def _must_be_computed(given: SaidInput, slot: Slot) -> bool:
    """Whether nothing but a step can fill the slot so."""
    if slot.concept.origin is not Origin.COMPUTED or slot.prefer_recorded or given.assumed:
        return False
    value = given.consumed.value
    if isinstance(value, Absent) and slot.select is Select.SERIES:
        return False
    return not (slot.current_only and value == Absent(AbsentReason.NOT_QUERIED))


def _single(slot: Slot, producer: ReplayedStep) -> Consumed:
    assert producer.evaluation is not None  # noqa: S101 - the caller has looked
    return Consumed(in_unit(producer.evaluation.value, slot), bounds_in_unit(producer.evaluation.bounds, slot))


def _points(slot: Slot, producers: Sequence[ReplayedStep]) -> Consumed:
    points = []
    for producer in producers:
        value = None if producer.evaluation is None else in_unit(producer.evaluation.value, slot)
        if isinstance(value, Quantity):
            points.append((producer.said.as_of, value.value))
    return Consumed(Series(tuple(points), slot.unit or "") if points else Absent(AbsentReason.INPUT_ABSENT))


def _differs(there: Consumed, here: Consumed, slot: Slot) -> Iterator[Finding]:
    if not same_value(there.value, here.value):
        yield Finding(Kind.INPUT, f"{differ(there.value, here.value)}, from the step before", slot.name)
    if not same_limits(there.bounds, here.bounds):
        yield Finding(Kind.INPUT, f"{limits_differ(there.bounds, here.bounds)}, from the step before", slot.name)

"""The two ends of an exported attribution, laid to the slots that they filled.

An attribution names concepts; a concept may fill several slots, and not all of those need have moved (one was too old
then, say).  So there may be several ways to lay the items to the slots: each is tried.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice, product
from typing import TypeAlias

from ontology.errors import MedtwinError
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason, Bound, Quantity, Value
from server.attribution.sides import Place, Side, key_of
from server.catalog.load import Catalog
from server.compiler.plan import Binding, FromCall, FromSeries, Goal, Leaf, Plan, PlannedCall
from server.executor.bind import in_unit
from server.executor.trace import BoundInput
from server.explain.replay.found import ReplayedStep
from server.explain.replay.inputs import may_be_stale, same_value
from server.explain.replay.said import Said, SaidItem

MOST_WAYS = 24
"""Ways to lay items to slots that are tried."""
_LAST_DIGITS = Decimal("1e-20")

_Key: TypeAlias = tuple[str, Select, timedelta | None, bool]
Ends: TypeAlias = Mapping[Place, BoundInput]


@dataclass(frozen=True, slots=True)
class Actual:
    """The calls under an answer as of its own time, as a plan, and the end that they are."""

    plan: Plan
    goal: Goal
    side: Side


def actual_end(said: Said, steps: Sequence[ReplayedStep], catalog: Catalog) -> Actual | None:
    """The actual end; None where a step could not be computed here."""
    calls: dict[str, PlannedCall] = {}
    inputs: dict[Place, BoundInput] = {}
    values: dict[str, Value] = {}
    for place in _now(said, steps):
        step = steps[place]
        if step.description is None or step.evaluation is None:
            return None
        iri, bindings = step.description.iri, {}
        for slot in step.description.slots:
            given, consumed = step.said.inputs[slot.name], step.inputs[slot.name]
            bindings[slot.name] = _binding(slot, given.steps, given.assumed, steps, catalog)
            bound = BoundInput(slot, consumed.value, consumed.bounds, steps=given.steps, assumed=given.assumed)
            inputs[iri, slot.name] = bound
        calls[iri] = PlannedCall(step.description, bindings)
        values[iri] = step.evaluation.value
    description = steps[-1].description
    if description is None:
        return None
    goal = Goal(description.produces, description.iri)
    return Actual(Plan(tuple(calls.values()), (), (goal,)), goal, Side(said.at, inputs, values))


def _now(said: Said, steps: Sequence[ReplayedStep]) -> list[int]:
    """The steps under the answer as of its own time: those at the points of a series are not among them."""
    found, pending = {len(steps) - 1}, [len(steps) - 1]
    while pending:
        step = steps[pending.pop()]
        for slot in () if step.description is None else step.description.slots:
            given = step.said.inputs.get(slot.name)
            if given is not None and slot.select is not Select.SERIES:
                new = {each for each in given.steps if 0 <= each < len(steps)} - found
                found |= new
                pending += new
    return sorted(found)


def _binding(
    slot: Slot, below: tuple[int, ...], assumed: bool, steps: Sequence[ReplayedStep], catalog: Catalog
) -> Binding:
    if below and slot.select is Select.SERIES:
        return FromSeries(steps[below[0]].said.module, ())
    if below:
        return FromCall(steps[below[0]].said.module)
    if slot.prefer_recorded and not assumed:
        recorded = next((c for c in catalog.concepts.values() if c.iri == slot.concept.recorded_as), slot.concept)
        return Leaf(replace(slot, concept=recorded))
    return Leaf(slot)


def baselines(actual: Actual, items: Sequence[SaidItem], at: datetime) -> Iterator[Side]:
    """The other end as of ``at``, in each way in which the items can be laid to the slots; none where there is none."""
    groups = _groups(actual)
    options = [list(_options(item, groups, actual)) for item in items]
    for chosen in islice(product(*options), MOST_WAYS):
        if len({key for key, _ in chosen}) == len(chosen):
            moved = {place: bound for _, laid in chosen for place, bound in laid.items()}
            yield Side(at, {**actual.side.inputs, **moved})
            if cut := _cut(actual):
                yield Side(at, {**actual.side.inputs, **moved, **cut}, actual.side.values)


def _cut(actual: Actual) -> Ends:
    """The computed inputs that may have been too old at the other end: those stay as they are."""
    found = {}
    for call in actual.plan.calls:
        for slot in call.description.slots:
            if isinstance(call.bindings[slot.name], FromCall) and may_be_stale(slot, call.description):
                found[call.description.iri, slot.name] = BoundInput(slot, Absent(AbsentReason.STALE))
    return found


def unlaid(actual: Actual, items: Sequence[SaidItem]) -> Iterator[SaidItem]:
    """The items whose ends are nothing that the steps used, or could use."""
    groups = _groups(actual)
    return (item for item in items if not any(True for _ in _options(item, groups, actual)))


def is_time(actual: Actual, item: SaidItem) -> bool:
    """Whether this is the evaluation time, which is told as what a module makes of it: age."""
    made = (call.description for call in actual.plan.calls if call.description.evaluation_time is not None)
    return any(description.produces.iri == item.concept for description in made)


def _groups(actual: Actual) -> dict[_Key, list[Place]]:
    """The slots that no call as of the answer's time fills, together where one selection fills them."""
    found: dict[_Key, list[Place]] = {}
    for call in actual.plan.calls:
        for slot in call.description.slots:
            binding = call.bindings[slot.name]
            if not isinstance(binding, FromCall):
                told = binding.slot if isinstance(binding, Leaf) else slot
                found.setdefault(key_of(told), []).append((call.description.iri, slot.name))
    return found


def _options(
    item: SaidItem, groups: Mapping[_Key, list[Place]], actual: Actual
) -> Iterator[tuple[_Key, dict[Place, BoundInput]]]:
    for key, places in groups.items():
        inputs = [actual.side.inputs[place] for place in places]
        if inputs[0].slot.concept.iri != item.concept:
            continue
        moved = {
            p: replace(i, value=_in(item.before, i.slot)) for p, i in zip(places, inputs, strict=True) if _at(item, i)
        }
        if not moved:
            continue
        yield key, moved
        for module in sorted({iri for iri, _ in moved}) if len(moved) > 1 else ():
            # In one module it may have been too old, or not of one time with the rest.
            if less := {place: bound for place, bound in moved.items() if place[0] != module}:
                yield key, less


def _at(item: SaidItem, given: BoundInput) -> bool:
    """Whether the slot is where the item says that it is now, and can be where it says that it was."""
    before, after = _in(item.before, given.slot), _in(item.after, given.slot)
    if isinstance(before, Quantity | Bound):
        if not isinstance(after, Quantity | Bound) or before.unit != (given.slot.unit or given.slot.concept.unit):
            return False
    elif type(before) is not type(after):
        return False
    if isinstance(after, Quantity) and isinstance(given.value, Quantity) and after.unit == given.value.unit:
        # A conversion from one slot's unit into another's leaves something behind in the last digit.
        return abs(after.value - given.value.value) <= abs(given.value.value) * _LAST_DIGITS
    return same_value(after, given.value)


def _in(value: Value, slot: Slot) -> Value:
    try:
        return in_unit(value, slot)
    except MedtwinError:
        return value

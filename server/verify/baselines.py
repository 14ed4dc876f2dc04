"""Both ends of an exported attribution reconstructed: its items matched to the slots that they filled.

An attribution names concepts; a concept may fill several slots, and not all of them need have moved (one may have been
too old then).  So there may be several ways to match the items to the slots: each is tried.
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
from server.attribution.game import Place, Snapshot, leaf_key
from server.catalog.catalog import Catalog
from server.compiler.plan import Binding, FromCall, FromSeries, Goal, Leaf, Plan, PlannedCall
from server.executor.binding import in_slot_unit
from server.executor.trace import BoundInput
from server.explain.prov.exported import ExportedAnswer, ExportedItem
from server.verify.check_inputs import may_be_stale, same_value
from server.verify.findings import RecomputedStep

MOST_MATCHES = 24
"""Ways to match items to slots that are tried, at most."""
_LAST_DIGITS = Decimal("1e-20")

_Key: TypeAlias = tuple[str, Select, timedelta | None, bool]
EndInputs: TypeAlias = Mapping[Place, BoundInput]


@dataclass(frozen=True, slots=True)
class ActualEnd:
    """The calls under an answer as of its own time, as a plan, and the end that they are."""

    plan: Plan
    goal: Goal
    side: Snapshot


def actual_end(exported: ExportedAnswer, steps: Sequence[RecomputedStep], catalog: Catalog) -> ActualEnd | None:
    """The actual end; None where a step could not be computed here."""
    calls: dict[str, PlannedCall] = {}
    inputs: dict[Place, BoundInput] = {}
    values: dict[str, Value] = {}
    for place in _current_steps(exported, steps):
        step = steps[place]
        if step.description is None or step.evaluation is None:
            return None
        iri, bindings = step.description.iri, {}
        for slot in step.description.slots:
            given, consumed = step.exported.inputs[slot.name], step.inputs[slot.name]
            bindings[slot.name] = _binding(slot, given.steps, given.assumed, steps, catalog)
            bound = BoundInput(
                slot,
                consumed.value,
                consumed.bounds,
                steps=given.steps,
                assumed=given.assumed,
                presumed=consumed.presumed,
            )
            inputs[iri, slot.name] = bound
        calls[iri] = PlannedCall(step.description, bindings)
        values[iri] = step.evaluation.value
    description = steps[-1].description
    if description is None:
        return None
    goal = Goal(description.produces, description.iri)
    return ActualEnd(Plan(tuple(calls.values()), (), (goal,)), goal, Snapshot(exported.at, inputs, values))


def _current_steps(exported: ExportedAnswer, steps: Sequence[RecomputedStep]) -> list[int]:
    """The steps under the answer as of its own time: those at the points of a series are not among them."""
    found, pending = {len(steps) - 1}, [len(steps) - 1]
    while pending:
        step = steps[pending.pop()]
        for slot in () if step.description is None else step.description.slots:
            given = step.exported.inputs.get(slot.name)
            if given is not None and slot.select is not Select.SERIES:
                new = {each for each in given.steps if 0 <= each < len(steps)} - found
                found |= new
                pending += new
    return sorted(found)


def _binding(
    slot: Slot, below: tuple[int, ...], assumed: bool, steps: Sequence[RecomputedStep], catalog: Catalog
) -> Binding:
    if below and slot.select is Select.SERIES:
        return FromSeries(steps[below[0]].exported.module, ())
    if below:
        return FromCall(steps[below[0]].exported.module)
    if slot.prefer_recorded and not assumed:
        recorded = next((c for c in catalog.concepts.values() if c.iri == slot.concept.recorded_as), slot.concept)
        return Leaf(replace(slot, concept=recorded))
    return Leaf(slot)


def possible_baselines(actual: ActualEnd, items: Sequence[ExportedItem], at: datetime) -> Iterator[Snapshot]:
    """The other end as of ``at``, for each way to match the items to the slots; empty where there is none."""
    groups = _slots_by_selection(actual)
    options = [list(_possible_matches(item, groups, actual)) for item in items]
    for chosen in islice(product(*options), MOST_MATCHES):
        if len({key for key, _ in chosen}) == len(chosen):
            moved = {place: bound for _, matched in chosen for place, bound in matched.items()}
            yield Snapshot(at, {**actual.side.inputs, **moved})
            if cut := _stale_inputs(actual):
                yield Snapshot(at, {**actual.side.inputs, **moved, **cut}, actual.side.values)


def _stale_inputs(actual: ActualEnd) -> EndInputs:
    """The computed inputs that may have been too old at the other end: those stay as they are."""
    found = {}
    for call in actual.plan.calls:
        for slot in call.description.slots:
            if isinstance(call.bindings[slot.name], FromCall) and may_be_stale(slot, call.description):
                found[call.description.iri, slot.name] = BoundInput(slot, Absent(AbsentReason.STALE))
    return found


def unmatched_items(actual: ActualEnd, items: Sequence[ExportedItem]) -> Iterator[ExportedItem]:
    """The items that match no slot: no step used the value, or could have used the value before."""
    groups = _slots_by_selection(actual)
    return (item for item in items if not any(True for _ in _possible_matches(item, groups, actual)))


def is_evaluation_time(actual: ActualEnd, item: ExportedItem) -> bool:
    """Whether this is the evaluation time, which an attribution shows as what a module computes from it: age."""
    made = (call.description for call in actual.plan.calls if call.description.evaluation_time is not None)
    return any(description.produces.iri == item.concept for description in made)


def _slots_by_selection(actual: ActualEnd) -> dict[_Key, list[Place]]:
    """The slots that are filled by no call as of the answer's time, by the selection that fills them."""
    found: dict[_Key, list[Place]] = {}
    for call in actual.plan.calls:
        for slot in call.description.slots:
            binding = call.bindings[slot.name]
            if not isinstance(binding, FromCall):
                selected = binding.slot if isinstance(binding, Leaf) else slot
                found.setdefault(leaf_key(selected), []).append((call.description.iri, slot.name))
    return found


def _possible_matches(
    item: ExportedItem, groups: Mapping[_Key, list[Place]], actual: ActualEnd
) -> Iterator[tuple[_Key, dict[Place, BoundInput]]]:
    for key, places in groups.items():
        inputs = [actual.side.inputs[place] for place in places]
        if inputs[0].slot.concept.iri != item.concept:
            continue
        moved = {
            p: replace(i, value=_in_slot_unit(item.before, i.slot))
            for p, i in zip(places, inputs, strict=True)
            if _item_matches(item, i)
        }
        if not moved:
            continue
        yield key, moved
        for module in sorted({iri for iri, _ in moved}) if len(moved) > 1 else ():
            # In one module it may have been too old, or not of one time with the rest.
            if less := {place: bound for place, bound in moved.items() if place[0] != module}:
                yield key, less


def _item_matches(item: ExportedItem, given: BoundInput) -> bool:
    """Whether the slot has the value of the item now, and can have had its value before."""
    before, after = _in_slot_unit(item.before, given.slot), _in_slot_unit(item.after, given.slot)
    if isinstance(before, Quantity | Bound):
        if not isinstance(after, Quantity | Bound) or before.unit != (given.slot.unit or given.slot.concept.unit):
            return False
    elif type(before) is not type(after):
        return False
    if isinstance(after, Quantity) and isinstance(given.value, Quantity) and after.unit == given.value.unit:
        # Converting between the units of two slots may change the last digit.
        return abs(after.value - given.value.value) <= abs(given.value.value) * _LAST_DIGITS
    return same_value(after, given.value)


def _in_slot_unit(value: Value, slot: Slot) -> Value:
    try:
        return in_slot_unit(value, slot)
    except MedtwinError:
        return value

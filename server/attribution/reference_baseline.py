"""The reference baseline: inputs at the reference value of their concept, else at the median of the training data."""

from collections.abc import Iterator
from decimal import Decimal

from ontology.slots import Select, Slot
from ontology.values import Quantity, Value
from server.attribution.game import Place, Snapshot, carries_value, hierarchy, leaf_key
from server.catalog.descriptions import Description
from server.catalog.trained_model import PROBABILITIES
from server.compiler.plan import Binding, FromCall, Leaf, Plan, PlannedCall
from server.executor.binding import in_slot_unit
from server.executor.trace import BoundInput

USUAL = "usual in an adult"
_MEDIAN = PROBABILITIES.index(Decimal("0.5"))


def reference_snapshot(plan: Plan, goal: str, actual: Snapshot) -> Snapshot:
    """The end at which each leaf that has a reference value is at it; the time is the actual one.

    A leaf whose concept has none is at the median of the training data, where models alone read it, and all of them
    give the same.  So is a computed input of such a model (body mass index) in the place of what it is computed from,
    where nothing of that has a reference value or is read elsewhere.  Age is left to the time, and stays.
    """
    inputs: dict[Place, BoundInput] = {}
    usual: dict[Place, str] = {}
    calls = hierarchy(plan, goal)
    for call in calls:
        for slot in call.description.slots:
            binding, place = call.bindings[slot.name], (call.description.iri, slot.name)
            if isinstance(binding, Leaf) and (value := _reference_value(binding.slot, slot)) is not None:
                inputs[place], usual[place] = BoundInput(slot, value), USUAL
    medians = {place: found for call in calls for place, found in _medians(call)}
    cuts = set()
    for place, (slot, value, words) in medians.items():
        binding = plan.call(place[0]).bindings[place[1]]
        if place in inputs or not _same_medians(medians, _companions(calls, place), value):
            continue
        if isinstance(binding, FromCall) and _is_independent(plan, calls, binding.call):
            cuts.add(place)
        elif not isinstance(binding, Leaf):
            continue
        inputs[place], usual[place] = BoundInput(slot, value), words
    return Snapshot(actual.at, inputs, usual_texts=usual, cuts=frozenset(cuts))


def _reference_value(selected: Slot, slot: Slot) -> Value | None:
    reference = selected.concept.reference
    if reference is None or selected.select is Select.SERIES:
        return None
    return in_slot_unit(reference, slot)


def _medians(call: PlannedCall) -> Iterator[tuple[Place, tuple[Slot, Quantity, str]]]:
    """The medians of the measured training values, as the description gives them; codes have none."""
    description = call.description
    for feature in description.model.features if description.model is not None else ():
        slot = description.slot(feature.slot)
        number = not (feature.encodes or feature.indicator) and len(feature.quantiles) == len(PROBABILITIES)
        if number and slot.unit is not None and slot.select is not Select.SERIES and slot.concept.reference is None:
            value = Quantity(feature.quantiles[_MEDIAN], slot.unit)
            yield (description.iri, slot.name), (slot, value, _median_text(description))


def _median_text(description: Description) -> str:
    return f"median of the training data of {description.id}"


def _companions(calls: tuple[PlannedCall, ...], place: Place) -> Iterator[Place]:
    """All slots that the same leaf or the same call fills."""
    call = next(each for each in calls if each.description.iri == place[0])
    source = _filled_by(call, place[1])
    for each in calls:
        for slot in each.description.slots:
            if _filled_by(each, slot.name) == source:
                yield each.description.iri, slot.name


def _filled_by(call: PlannedCall, name: str) -> object:
    binding = call.bindings[name]
    return leaf_key(binding.slot) if isinstance(binding, Leaf) else binding


def _same_medians(
    medians: dict[Place, tuple[Slot, Quantity, str]], companions: Iterator[Place], value: Quantity
) -> bool:
    return all(place in medians and medians[place][1] == value for place in companions)


def _is_independent(plan: Plan, calls: tuple[PlannedCall, ...], below: str) -> bool:
    """Whether a call reads nothing that has a reference value, moves with the time, or is read outside of it too."""
    under = {call.description.iri for call in hierarchy(plan, below, carrying_only=True)}
    inside = [call for call in calls if call.description.iri in under]
    if any(call.description.evaluation_time is not None for call in inside):
        return False
    own = {leaf_key(b.slot): b.slot for call in inside for b in _carrying_bindings(call) if isinstance(b, Leaf)}
    outside = {
        leaf_key(b.slot) for call in calls if call not in inside for b in call.bindings.values() if isinstance(b, Leaf)
    }
    return all(slot.concept.reference is None for slot in own.values()) and not outside & set(own)


def _carrying_bindings(call: PlannedCall) -> list[Binding]:
    return [call.bindings[slot.name] for slot in call.description.slots if carries_value(slot)]

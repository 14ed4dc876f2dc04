"""The equation kind: a pure Python function of the slots.

Where required slots are missing it is not called with a guess.  But if each of them has declared candidates, or a
known interval at whose ends the module may be evaluated, it is called for every combination, and the results say
between which values the answer lies.

Where each of them has a presumed value (``SlotInput.presumed``), the value is the result for these, and the limits
stand beside it: neither is given without the other.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from itertools import product
from math import prod

from ontology.evaluation import Evaluation, Interval, Issue, Severity, SlotInput, Working
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason, Bound, Coding, Date, Quantity, Series, Value
from ontology.words import SHORT
from ontology.words.lists import list_words, slot_words
from ontology.words.values import brief_words, value_words
from server.catalog.descriptions import Description
from server.errors import KindError
from server.kinds.applicability import judge_applicability
from server.kinds.implementation import load_implementation
from server.kinds.inputs import describe_missing, is_filled, missing_issues, missing_required

MAX_COMBINATIONS = 16


def evaluate_equation(
    description: Description, inputs: Mapping[str, SlotInput], at: datetime | None = None
) -> Evaluation:
    """Call ``evaluate``, or say what is missing.  What ``evaluate`` raises is not caught here."""
    missing = missing_required(description, inputs)
    if not missing:
        return _call_implementation(description, inputs, at)
    issues = missing_issues(missing, inputs)
    working = Working(describe_missing(missing))
    insufficient = Evaluation(Absent(AbsentReason.INPUT_ABSENT), working, issues)
    choices = [_possible_values(slot, inputs[slot.name]) for slot in missing]
    if not 0 < prod(map(len, choices)) <= MAX_COMBINATIONS:
        return insufficient
    results = []
    for combination in product(*choices):
        assumed = {slot.name: SlotInput(value) for slot, value in zip(missing, combination, strict=True)}
        name = list_words(f"{slot_words(slot)} {brief_words(assumed[slot.name].value)}" for slot in missing)
        results.append((name, _evaluate_combination(description, {**inputs, **assumed}, at)))
    told_each = "; ".join(f"{name}: {_describe_result(description, result)}" for name, result in results)
    shared = [issue for issue in results[0][1].issues if all(issue in result.issues for _, result in results)]
    bounds = _combined_bounds(description, missing, [result for _, result in results])
    combinations = Issue(Severity.INFORMATION, "combinations", told_each)
    if bounds is not None:
        presumed = _evaluate_presumed(description, missing, inputs, at)
        if presumed is not None:
            names = tuple(slot.name for slot in missing)
            return replace(presumed, issues=(*presumed.issues, combinations), bounds=bounds, presumed=names)
    return replace(insufficient, issues=(*issues, combinations, *shared), bounds=bounds)


def _evaluate_presumed(
    description: Description, missing: tuple[Slot, ...], inputs: Mapping[str, SlotInput], at: datetime | None
) -> Evaluation | None:
    """The result for what is presumed of the missing slots; None unless each has it, and there is a result."""
    presumed = {slot.name: inputs[slot.name].presumed for slot in missing}
    if any(value is None for value in presumed.values()):
        return None
    given = {name: SlotInput(value) for name, value in presumed.items() if value is not None}
    found = _evaluate_combination(description, {**inputs, **given}, at)
    return None if isinstance(found.value, Absent) else found


def _possible_values(slot: Slot, consumed: SlotInput) -> tuple[Value, ...]:
    if slot.applicability_only or not isinstance(consumed.value, Absent):
        return ()
    if consumed.bounds is not None and slot.bound_by_ends:
        ends = (consumed.bounds.low, consumed.bounds.high)
        return tuple(Quantity(end, consumed.bounds.unit) for end in dict.fromkeys(ends))
    return slot.candidates


def _evaluate_combination(description: Description, inputs: Mapping[str, SlotInput], at: datetime | None) -> Evaluation:
    """One combination; a combination for which the module does not hold gives no number either."""
    refused, _ = judge_applicability(description, inputs)
    if refused is not None:
        return Evaluation(Absent(AbsentReason.NOT_APPLICABLE), Working(refused.text), (refused,))
    return _call_implementation(description, inputs, at)


def _describe_result(description: Description, result: Evaluation) -> str:
    if isinstance(result.value, Absent):
        return result.working.warrant
    return value_words(result.value, description.display_decimals, SHORT)


def _combined_bounds(description: Description, missing: tuple[Slot, ...], results: list[Evaluation]) -> Interval | None:
    """From the least to the greatest result; none unless every combination gave a number, or bounds of one."""
    lows, highs = [], []
    for result in results:
        if isinstance(result.value, Quantity):
            lows.append(result.value.value)
            highs.append(result.value.value)
        elif result.bounds is not None and isinstance(result.value, Absent):
            lows.append(result.bounds.low)
            highs.append(result.bounds.high)
        else:
            return None
    unit = description.unit or description.produces.unit
    if unit is None:
        return None
    text = f"regardless of {list_words(slot_words(slot) for slot in missing)}"
    return Interval(min(lows), max(highs), unit, text)


def _call_implementation(description: Description, inputs: Mapping[str, SlotInput], at: datetime | None) -> Evaluation:
    arguments: dict[str, object] = {
        slot.name: _argument(description, slot, inputs[slot.name])
        for slot in description.slots
        if not slot.applicability_only
    }
    arguments |= description.parameters
    if description.evaluation_time is not None:
        if at is None or at.utcoffset() is None:
            raise KindError(f"module {description.id}: reads the evaluation time, and got none with a zone")
        arguments["at"] = at
    return load_implementation(description.folder, description.code_digest)(**arguments)


def _argument(description: Description, slot: Slot, consumed: SlotInput) -> object:
    value = consumed.value
    if isinstance(value, Quantity):
        return value.value
    if isinstance(value, Bound) and not is_filled(description, slot, consumed):
        # An optional "<5" that the module does not take is no number for it.
        return Absent(AbsentReason.NOT_FOUND)
    if isinstance(value, Coding | bool | Date | Series | Bound | Absent):
        return value
    raise KindError(f"module {description.id}: slot {slot.name} is given a {type(value).__name__}")

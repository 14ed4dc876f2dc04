"""Which slots are filled, and the issues of those that are missing or outside their validated range."""

from collections.abc import Mapping

from ontology.evaluation import Issue, Severity, SlotInput
from ontology.slots import Slot
from ontology.values import Absent, Bound, Quantity
from ontology.words.lists import list_words, slot_words
from ontology.words.quantities import number_words
from ontology.words.values import input_words, missing_words
from server.catalog.descriptions import Description, Kind
from server.errors import KindError
from server.kinds.logic import extent_of


def check_inputs(description: Description, inputs: Mapping[str, SlotInput]) -> None:
    """KindError unless every slot is given, and every number in its slot's unit."""
    for slot in description.slots:
        if slot.name not in inputs:
            raise KindError(f"module {description.id}: slot {slot.name} is not given")
        value = inputs[slot.name].value
        unit = slot.unit or slot.concept.unit
        if isinstance(value, Quantity | Bound) and value.unit != unit:
            raise KindError(f"module {description.id}: slot {slot.name} is not given in {unit}")


def is_filled(description: Description, slot: Slot, consumed: SlotInput) -> bool:
    """Whether the slot has a value that the module can use.

    A ``Bound`` is enough for criteria; an equation takes it only where the slot says so, for it is not a number.
    """
    if isinstance(consumed.value, Bound):
        return slot.accepts_bound or slot.applicability_only or description.kind in (Kind.SCORE, Kind.RULE)
    return not isinstance(consumed.value, Absent)


def missing_required(description: Description, inputs: Mapping[str, SlotInput]) -> tuple[Slot, ...]:
    """The required slots that are not filled, in the description's order; what only compares is never required."""
    return tuple(
        slot
        for slot in description.slots
        if slot.required and not slot.comparison and not is_filled(description, slot, inputs[slot.name])
    )


def missing_issues(
    slots: tuple[Slot, ...], inputs: Mapping[str, SlotInput], severity: Severity = Severity.ERROR
) -> tuple[Issue, ...]:
    """One issue ``input-absent`` for each slot, with the reason in words."""
    return tuple(
        Issue(severity, "input-absent", f"{slot_words(s)}: {missing_words(inputs[s.name])}", s.name) for s in slots
    )


def describe_missing(slots: tuple[Slot, ...]) -> str:
    """``Not computed: age and sex are missing.``"""
    return f"Not computed: {list_words(slot_words(s) for s in slots)} {'is' if len(slots) == 1 else 'are'} missing."


def range_issues(description: Description, inputs: Mapping[str, SlotInput]) -> tuple[Issue, ...]:
    """One WARNING for each value that is known to lie outside the range that the module was validated for."""
    issues = []
    for slot in description.slots:
        extent = extent_of(inputs[slot.name])
        if extent is None:
            continue
        low = slot.minimum is not None and extent.reaches(slot.minimum) is False
        high = slot.maximum is not None and extent.exceeds(slot.maximum) is True
        if low or high:
            known = f"{slot_words(slot)} {input_words(inputs[slot.name], slot=slot.name)}"
            text = f"{known}: outside the validated range ({_format_range(slot)})"
            issues.append(Issue(Severity.WARNING, "outside-validated-range", text, slot.name))
    return tuple(issues)


def _format_range(slot: Slot) -> str:
    if slot.maximum is None:
        return f"at least {number_words(slot.minimum)}" if slot.minimum is not None else ""
    if slot.minimum is None:
        return f"at most {number_words(slot.maximum)}"
    return f"{number_words(slot.minimum)} to {number_words(slot.maximum)}"

"""Many mixtures of the same inputs through one model in one batch: attribution needs thousands of them.

A slot has few values among all mixtures.  So the cells of a value are computed once for each value, and whether
anything is computed at all once for each way in which slots are filled; a mixture only combines them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ontology.evaluation import Evaluation, SlotInput
from ontology.values import Absent, AbsentReason, Quantity, Value
from server.catalog.descriptions import Description
from server.errors import ModelError
from server.kinds.applicability import judge_applicability
from server.kinds.logic import slots_of
from server.kinds.model import get_model, insufficient_inputs, percent, require_trained_model
from server.kinds.trained.feature_row import SlotCells, feature_row, slot_cells


@dataclass(frozen=True, slots=True)
class Mixtures:
    """``count`` mixtures: of each slot all its values, and which of them each mixture has."""

    count: int
    values: Mapping[str, Sequence[SlotInput]]
    picks: Mapping[str, Sequence[int]]

    def inputs(self, mixture: int) -> dict[str, SlotInput]:
        """What fills the slots in one of them."""
        return {slot: values[self.picks[slot][mixture]] for slot, values in self.values.items()}

    def group_keys(self, kinds: Mapping[str, Sequence[object]]) -> list[tuple[object, ...]]:
        """A key for each mixture: equal where the picked values of these slots are of one kind.

        ``kinds`` has the kind of each value of a slot; slots with a single kind do not count.
        """
        columns = [
            [of[pick] for pick in self.picks[slot]] for slot, of in kinds.items() if any(each != of[0] for each in of)
        ]
        return list(zip(*columns, strict=True)) if columns else [()] * self.count


def batch_values(description: Description, mixtures: Mixtures) -> tuple[Value, ...]:
    """The bare value of each mixture, unexplained: NOT_APPLICABLE where the module is refused.

    Equal to ``evaluate`` to the last digits of a float.
    """
    model = require_trained_model(description)
    results: dict[int, Value] = dict(_refusals(description, mixtures))
    cells = {slot: [slot_cells(model, slot, each.value) for each in mixtures.values[slot]] for slot in model.slots}
    known: dict[tuple[object, ...], Evaluation | None] = {}
    filled = {slot: [_fill_state(each, None) for each in values] for slot, values in mixtures.values.items()}
    filled |= {
        slot: [_fill_state(each, own) for each, own in zip(mixtures.values[slot], of, strict=True)]
        for slot, of in cells.items()
    }
    for mixture, key in enumerate(mixtures.group_keys(filled)):
        if mixture in results:
            continue
        if key not in known:
            inputs = mixtures.inputs(mixture)
            known[key] = insufficient_inputs(description, model, inputs, feature_row(model, inputs))
        lack = known[key]
        if lack is not None:
            results[mixture] = lack.value
    computed = [mixture for mixture in range(mixtures.count) if mixture not in results]
    results.update(zip(computed, _compute_values(description, mixtures, cells, computed), strict=True))
    return tuple(results[mixture] for mixture in range(mixtures.count))


def _refusals(description: Description, mixtures: Mixtures) -> Iterable[tuple[int, Value]]:
    read = dict.fromkeys(slot for ground in description.applicability for slot in slots_of(ground.criterion))
    known: dict[tuple[object, ...], bool] = {}
    keys = mixtures.group_keys({slot: range(len(mixtures.values[slot])) for slot in read if slot in mixtures.values})
    for mixture, key in enumerate(keys):
        if key not in known:
            known[key] = judge_applicability(description, mixtures.inputs(mixture))[0] is not None
        if known[key]:
            yield mixture, Absent(AbsentReason.NOT_APPLICABLE)


def _fill_state(consumed: SlotInput, cells: SlotCells | None) -> object:
    """All that it depends on whether too little is there."""
    return type(consumed.value), None if cells is None else (cells.measured, cells.unseen)


def _compute_values(
    description: Description, mixtures: Mixtures, cells: Mapping[str, Sequence[SlotCells]], which: Sequence[int]
) -> list[Value]:
    if not which:
        return []
    columns: dict[int, list[float]] = {}
    for slot, of in cells.items():
        picks = mixtures.picks[slot]
        for place in of[0].numbers:
            numbers = [each.numbers[place] for each in of]
            columns[place] = [numbers[picks[mixture]] for mixture in which]
    rows = list(zip(*(columns[place] for place in sorted(columns)), strict=True))
    try:
        return [Quantity(percent(probability), "%") for probability in get_model(description).probabilities(rows)]
    except ModelError:
        return [Absent(AbsentReason.FAILED)] * len(which)

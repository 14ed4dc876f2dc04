"""Issues of inputs that lie outside the range of the data that a model was fitted to."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from ontology.evaluation import Issue, Severity, SlotInput
from ontology.slots import Slot
from ontology.values import Absent, Quantity
from ontology.words import SHORT
from ontology.words.absence import unknown_words
from ontology.words.lists import shortened, slot_words
from ontology.words.quantities import number_words
from ontology.words.values import brief_words, value_words
from server.catalog.descriptions import Description
from server.catalog.trained_model import PROBABILITIES, Feature, TrainedModel
from server.kinds.trained.feature_row import FeatureRow

OUTSIDE, TAIL, UNSEEN, BOUND = "out-of-distribution", "in-the-tail", "unseen-value", "bound-not-used"
TOGETHER = "recorded-together"


def training_range_issues(
    description: Description, model: TrainedModel, inputs: Mapping[str, SlotInput], row: FeatureRow
) -> tuple[Issue, ...]:
    """What lies outside the training data (WARNING) or in its outermost percent (INFORMATION)."""
    return tuple(dict.fromkeys(_feature_issues(description, model, inputs, row)))


def _feature_issues(
    description: Description, model: TrainedModel, inputs: Mapping[str, SlotInput], row: FeatureRow
) -> Iterator[Issue]:
    for feature in model.features:
        slot, value = description.slot(feature.slot), inputs[feature.slot].value
        if feature.quantiles and isinstance(value, Quantity):
            yield from _quantile_issues(feature, slot, value)
        elif feature.slot in row.unseen:
            told = f"{slot_words(slot)} {value_words(value, style=SHORT)}: not seen in the training data"
            text = f"{told}, so it counts as {unknown_words(slot, value)}"
            yield Issue(Severity.WARNING, UNSEEN, text, feature.slot)
        elif feature.slot in row.bounds:
            told = f"{slot_words(slot)} is known only as {value_words(value, style=SHORT)}"
            text = f"{told}; the model counts it as {unknown_words(slot, value)}"
            yield Issue(Severity.INFORMATION, BOUND, text, feature.slot)
        if feature.slot not in row.measured and feature.share_missing == 0:
            is_ = "is" if isinstance(value, Absent) else "counts as"
            text = f"{slot_words(slot)} {is_} {unknown_words(slot, value)}; it was known for all of the training data"
            unknown = unknown_words(slot, value) if is_ == "is" else f"{is_} {unknown_words(slot, value)}"
            short = shortened(f"{slot_words(slot)} {unknown}: known in all training data")
            yield Issue(Severity.WARNING, OUTSIDE, text, feature.slot, short)


def _quantile_issues(feature: Feature, slot: Slot, value: Quantity) -> Iterator[Issue]:
    last = feature.recorded_to
    if last is not None and value.value > last:
        # How rare it was in training cannot be known; that nothing told it from the last is no reason to warn.
        told = f"{slot_words(slot)} {brief_words(value)} counts as {number_words(last)}"
        text = f"{told}, as do all higher values in the training data"
        yield Issue(Severity.INFORMATION, TOGETHER, text, feature.slot)
        return
    told = f"{slot_words(slot)} {brief_words(value)} is"
    low, high = feature.quantiles, tuple(reversed(feature.quantiles))
    for place, (severity, code) in enumerate(((Severity.WARNING, OUTSIDE), (Severity.INFORMATION, TAIL))):
        share = f"{number_words(100 * (Decimal(1) - PROBABILITIES[place]))} % of the training data"
        if value.value > high[place]:
            yield Issue(severity, code, f"{told} above {share}", feature.slot)
            return
        if value.value < low[place]:
            yield Issue(severity, code, f"{told} below {share}", feature.slot)
            return

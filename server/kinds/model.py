"""The model kind: a trained classifier, explained and qualified at each execution.

Nothing is imputed here, and nothing is given where too little is measured.  A model that cannot be loaded, or whose
explanation does not add up, makes the module FAILED with a message of its own; the rest of the server goes on.
The seconds spent on importing and reading models are counted: the deadline of the first question excludes them.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from ontology.evaluation import (
    Contribution,
    ContributionGroup,
    Evaluation,
    Interval,
    Issue,
    Margin,
    Severity,
    SlotInput,
    Standing,
    Working,
)
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason, Quantity
from ontology.words.absence import unknown_words
from ontology.words.lists import slot_words
from ontology.words.quantities import minus
from ontology.words.values import brief_words
from server.catalog.descriptions import Description, Kind
from server.catalog.trained_model import TrainedModel
from server.errors import KindError, ModelError
from server.kinds.inputs import describe_missing, missing_issues, missing_required
from server.kinds.trained.feature_row import FeatureRow, feature_row
from server.kinds.trained.training_range import OUTSIDE, UNSEEN, training_range_issues

if TYPE_CHECKING:
    from server.kinds.trained.loaded_model import LoadedModel

SCALE = "LOG_ODDS"
_PERCENT = Decimal(100)
_MATURITY = {"demonstration": "a demonstration, not for clinical use", "research": "for research, not for clinical use"}


def evaluate_model(description: Description, inputs: Mapping[str, SlotInput]) -> Evaluation:
    """The probability in percent with its SHAP values; INPUT_ABSENT where too little is measured, FAILED in words."""
    model = require_trained_model(description)
    row = feature_row(model, inputs)
    lack = insufficient_inputs(description, model, inputs, row)
    if lack is not None:
        return lack
    try:
        prediction = get_model(description).predict(row.numbers)
    except ModelError as fault:
        text = f"The model of {description.id} {description.version} cannot be used: {fault}"
        return Evaluation(Absent(AbsentReason.FAILED), Working(text), (Issue(Severity.ERROR, "model-fault", text),))
    issues = training_range_issues(description, model, inputs, row)
    items = _contributions(description, model, inputs, row, prediction.contributions)
    margin = Margin(
        SCALE,
        _decimal(prediction.base),
        _decimal(prediction.margin),
        _decimal(prediction.residual),
        model.background,
        tuple(
            ContributionGroup(
                group.text, group.slots, _decimal(sum(prediction.contributions[slot] for slot in group.slots))
            )
            for group in model.correlated
        ),
    )
    outside = tuple(issue.text for issue in issues if issue.code in (OUTSIDE, UNSEEN))
    standing = Standing(len(row.measured), len(model.slots), outside, model.calibration, model.maturity)
    value = Quantity(percent(prediction.probability), "%")
    return Evaluation(
        value,
        Working(_warrant(description, model, prediction.margin), None, _qualifier(standing), items, margin, standing),
        issues,
        interval=_interval(model, prediction.interval),
    )


def get_model(description: Description) -> "LoadedModel":
    """The model itself; imported where one is first run, since what reads it takes seconds to import."""
    with timed_loading():
        from server.kinds.trained.loaded_model import load_model

        return load_model(description)


def model_faults(description: Description) -> list[str]:
    """Why the model of a description cannot be used; it is loaded for this, which takes seconds for the first."""
    if description.kind is not Kind.MODEL:
        return []
    try:
        get_model(description)
    except ModelError as fault:
        return [f"{description.id}: {fault}"]
    return []


def require_trained_model(description: Description) -> TrainedModel:
    """What the description says of its model.  KindError where it says nothing."""
    if description.model is None:
        raise KindError(f"module {description.id}: its description has no mpm:model")
    return description.model


def insufficient_inputs(
    description: Description, model: TrainedModel, inputs: Mapping[str, SlotInput], row: FeatureRow
) -> Evaluation | None:
    """INPUT_ABSENT where a required input or too many of the others are not measured; else None."""
    missing = missing_required(description, inputs)
    unusable = tuple(slot for slot in description.slots if slot.required and slot.name in row.unseen | row.bounds)
    if missing or unusable:
        every = tuple(dict.fromkeys((*missing, *unusable)))
        issues = (*missing_issues(missing, inputs), *training_range_issues(description, model, inputs, row))
        return Evaluation(
            Absent(AbsentReason.INPUT_ABSENT), Working(describe_missing(every)), tuple(dict.fromkeys(issues))
        )
    measured = [slot for slot in model.among if slot in row.measured]
    if len(measured) >= model.least:
        return None
    empty = tuple(slot for slot in description.slots if slot.name in set(model.among) - row.measured)
    text = f"{len(measured)} of {len(model.among)} inputs are known; at least {model.least} are needed"
    issues = (Issue(Severity.ERROR, "too-few-measured", text), *missing_issues(empty, inputs))
    return Evaluation(Absent(AbsentReason.INPUT_ABSENT), Working(f"Not computed: {text}."), issues)


def _contributions(
    description: Description,
    model: TrainedModel,
    inputs: Mapping[str, SlotInput],
    row: FeatureRow,
    contributions: Mapping[str, float],
) -> tuple[Contribution, ...]:
    """One for each slot, those that moved the estimate most first."""
    order = sorted(model.slots, key=lambda slot: (-abs(contributions[slot]), slot))
    return tuple(
        Contribution(slot, _decimal(contributions[slot]), _describe_input(description.slot(slot), inputs, row))
        for slot in order
    )


def _describe_input(slot: Slot, inputs: Mapping[str, SlotInput], row: FeatureRow) -> str:
    value = inputs[slot.name].value
    if slot.name in row.measured:
        return f"{slot_words(slot)} {brief_words(value)}"
    lack = unknown_words(slot, value)
    # A limit, or a code that training never had, is known; only the model has no number for it.
    return f"{slot_words(slot)} {lack if isinstance(value, Absent) else f'{brief_words(value)} (counts as {lack})'}"


def _warrant(description: Description, model: TrainedModel, margin: float) -> str:
    what = "linear model" if model.explainer.value == "linear" else "tree ensemble"
    return (
        f"{what} ({model.artefact.name}, {model.artefact.sha256[:12]}): log-odds {minus(format(margin, '.3f'))}; "
        f"compared with {model.background}; calibration: {model.calibration}"
    )


def _qualifier(standing: Standing) -> str:
    parts = [_MATURITY.get(standing.maturity, "")]
    if standing.measured < standing.of:
        parts.append(f"{standing.measured} of {standing.of} inputs known")
    if standing.outside:
        parts.append("outside the training data")
    return "; ".join(part for part in parts if part)


def _interval(model: TrainedModel, ends: tuple[float, float] | None) -> Interval | None:
    if ends is None or model.uncertainty is None:
        return None
    low, high = map(percent, ends)
    return Interval(low, high, "%", model.uncertainty.text, model.uncertainty.level)


def percent(probability: float) -> Decimal:
    """A probability in percent."""
    return _decimal(probability) * _PERCENT


def _decimal(number: float) -> Decimal:
    return Decimal(repr(float(number)))


_loading_lock = threading.Lock()
_spent = 0.0


def loading_seconds() -> float:
    """Seconds in all, since the process started, in which somebody waited for a model to be imported and read."""
    return _spent


@contextmanager
def timed_loading() -> Iterator[None]:
    """Around what may have to import and read a model."""
    global _spent
    begun = time.monotonic()
    try:
        yield
    finally:
        with _loading_lock:
            _spent += time.monotonic() - begun

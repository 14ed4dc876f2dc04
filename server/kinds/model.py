"""The model kind: a trained classifier, explained and qualified at each execution.

Nothing is imputed here, and nothing is given where too little is measured.  What cannot be loaded, or does not add up,
makes the module FAILED in words of its own; the rest of the server does not mind.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from ontology.evaluation import Contribution, Evaluation, Grouped, Interval, Issue, Margin, Severity, Standing, Working
from ontology.inputs import Consumed
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason, Quantity
from ontology.words import brief, minus
from server.catalog.descriptions import Description, Kind
from server.catalog.trained import TrainedModel
from server.kinds.errors import KindError
from server.kinds.inputs import missing_issues, missing_required, missing_text
from server.kinds.trained.faults import ModelError
from server.kinds.trained.opening import opening
from server.kinds.trained.row import Row, row_of
from server.kinds.trained.standing import OUTSIDE, UNSEEN, standing_issues
from server.kinds.wording import named, unknown

if TYPE_CHECKING:
    from server.kinds.trained.loaded import LoadedModel

SCALE = "LOG_ODDS"
_PERCENT = Decimal(100)
_MATURITY = {"demonstration": "a demonstration, not for care", "research": "for research, not for care"}


def evaluate_model(description: Description, inputs: Mapping[str, Consumed]) -> Evaluation:
    """The probability in percent with its SHAP values; INPUT_ABSENT where too little is measured, FAILED in words."""
    model = trained_of(description)
    row = row_of(model, inputs)
    lack = lack_of(description, model, inputs, row)
    if lack is not None:
        return lack
    try:
        prediction = opened(description).predict(row.numbers)
    except ModelError as fault:
        text = f"The model of {description.id} {description.version} cannot be used: {fault}"
        return Evaluation(Absent(AbsentReason.FAILED), Working(text), (Issue(Severity.ERROR, "model-fault", text),))
    issues = standing_issues(description, model, inputs, row)
    items = _items(description, model, inputs, row, prediction.contributions)
    margin = Margin(
        SCALE,
        _decimal(prediction.base),
        _decimal(prediction.margin),
        _decimal(prediction.residual),
        model.background,
        tuple(
            Grouped(group.text, group.slots, _decimal(sum(prediction.contributions[slot] for slot in group.slots)))
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


def opened(description: Description) -> "LoadedModel":
    """The model itself; imported where one is first run, since what reads it takes seconds to import."""
    with opening():
        from server.kinds.trained.loaded import loaded

        return loaded(description)


def model_faults(description: Description) -> list[str]:
    """Why the model of a description cannot be used; it is loaded for this, which takes seconds for the first."""
    if description.kind is not Kind.MODEL:
        return []
    try:
        opened(description)
    except ModelError as fault:
        return [f"{description.id}: {fault}"]
    return []


def trained_of(description: Description) -> TrainedModel:
    """What the description says of its model.  KindError where it says nothing."""
    if description.model is None:
        raise KindError(f"module {description.id}: its description has no mpm:model")
    return description.model


def lack_of(
    description: Description, model: TrainedModel, inputs: Mapping[str, Consumed], row: Row
) -> Evaluation | None:
    """INPUT_ABSENT where a required input or too many of the others are not measured; else None."""
    missing = missing_required(description, inputs)
    unusable = tuple(slot for slot in description.slots if slot.required and slot.name in row.unseen | row.bounds)
    if missing or unusable:
        every = tuple(dict.fromkeys((*missing, *unusable)))
        issues = (*missing_issues(missing, inputs), *standing_issues(description, model, inputs, row))
        return Evaluation(Absent(AbsentReason.INPUT_ABSENT), Working(missing_text(every)), tuple(dict.fromkeys(issues)))
    measured = [slot for slot in model.among if slot in row.measured]
    if len(measured) >= model.least:
        return None
    empty = tuple(slot for slot in description.slots if slot.name in set(model.among) - row.measured)
    text = f"{len(measured)} of {len(model.among)} inputs are known, and at least {model.least} are needed"
    issues = (Issue(Severity.ERROR, "too-few-measured", text), *missing_issues(empty, inputs))
    return Evaluation(Absent(AbsentReason.INPUT_ABSENT), Working(f"Not computed: {text}."), issues)


def _items(
    description: Description,
    model: TrainedModel,
    inputs: Mapping[str, Consumed],
    row: Row,
    contributions: Mapping[str, float],
) -> tuple[Contribution, ...]:
    """One for each slot, those that moved the estimate most first."""
    order = sorted(model.slots, key=lambda slot: (-abs(contributions[slot]), slot))
    return tuple(
        Contribution(slot, _decimal(contributions[slot]), _said(description.slot(slot), inputs, row)) for slot in order
    )


def _said(slot: Slot, inputs: Mapping[str, Consumed], row: Row) -> str:
    value = inputs[slot.name].value
    if slot.name in row.measured:
        return f"{named(slot)} {brief(value)}"
    lack = unknown(slot, value)
    # A limit, or a code that training never had, is known; only the model has no number for it.
    return f"{named(slot)} {lack if isinstance(value, Absent) else f'{brief(value)} (counts as {lack})'}"


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

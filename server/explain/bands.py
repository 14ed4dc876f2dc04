"""The bands of a module's value and of a score's criteria, with their limits; and those that a step met."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from ontology.evaluation import Evaluation, SlotInput, Working
from ontology.values import Absent, AbsentReason, Coding
from server.catalog.criteria import AllOf, Band, Compare, Criterion, OneOf, Outcome, ScoreCriterion
from server.catalog.descriptions import Description, Kind
from server.explain.results import StepView
from server.kinds.interpretation import RESULT, interpret
from server.kinds.score import score_criterion

_WHOLE = Decimal(1)
_NEVER_RAN = frozenset({Absent(AbsentReason.NOT_APPLICABLE), Absent(AbsentReason.FAILED)})


class Limits(NamedTuple):
    """From ``low`` on and below ``high``; None: no limit."""

    low: Decimal | None
    high: Decimal | None


class BandView(NamedTuple):
    """One band.  ``slot``: of the criterion that it is of; None: of the module's value.

    The limits are in the unit of that slot or value, and of a number that is rounded first they are those of the
    rounded one.  An earlier band takes its share away: of "90 or more" and then "60 or more" the second ends at 90.
    """

    slot: str | None
    text: str
    low: Decimal | None
    high: Decimal | None
    points: Decimal | None
    coding: Coding | None
    citation: str | None


def bands_of(description: Description) -> tuple[BandView, ...]:
    """All bands of its value, in order, and of a score those of each criterion."""
    outcomes = range(len(description.outcomes))
    own = (_outcome_view(description, place) for place in outcomes)
    scored = (_band_view(each, place) for each in description.criteria for place in range(len(each.bands)))
    return (*own, *scored)


def met_bands(step: StepView) -> tuple[BandView, ...]:
    """The bands that are known to be met: that of the value, and of a score that of each criterion."""
    if step.value in _NEVER_RAN:
        return ()
    description, inputs = step.module, {ground.slot: ground.consumed for ground in step.grounds}
    return (*_met_outcome(description, inputs, step), *_met_criteria(description, inputs))


def _met_outcome(description: Description, inputs: Mapping[str, SlotInput], step: StepView) -> Iterator[BandView]:
    evaluation = Evaluation(step.value, Working(step.warrant), bounds=step.bounds, interval=step.interval)
    met = interpret(description, inputs, evaluation)
    for place, outcome in enumerate(description.outcomes):
        if outcome is met:
            yield _outcome_view(description, place)


def _met_criteria(description: Description, inputs: Mapping[str, SlotInput]) -> Iterator[BandView]:
    for criterion in description.criteria:
        possible = score_criterion(criterion, inputs).bands
        if len(possible) == 1 and possible[0] is not None:
            place = next(at for at, band in enumerate(criterion.bands) if band is possible[0])
            yield _band_view(criterion, place)


def _outcome_view(description: Description, place: int) -> BandView:
    outcome = description.outcomes[place]
    step = _WHOLE if _gives_whole_points(description) else None
    earlier = [_outcome_limits(each, step) for each in description.outcomes[:place] if _is_open_to(each, outcome)]
    limits = _narrowed(_outcome_limits(outcome, step), earlier)
    return BandView(None, outcome.text, *limits, None, outcome.coding, outcome.citation)


def _outcome_limits(outcome: Outcome, step: Decimal | None) -> Limits | None:
    # Whether one criterion alone scores that much is no matter of the total.
    return None if outcome.single is not None else _limits(outcome.match, RESULT, step)


def _band_view(criterion: ScoreCriterion, place: int) -> BandView:
    band = criterion.bands[place]
    earlier = [_limits(each.match, criterion.slot) for each in criterion.bands[:place] if _is_open_to(each, band)]
    limits = _narrowed(_limits(band.match, criterion.slot), earlier)
    match = band.match
    coding = match.codes[0] if isinstance(match, OneOf) and len(match.codes) == 1 else None
    return BandView(criterion.slot, f"{criterion.label}: {band.label}", *limits, band.points, coding, None)


def _is_open_to(earlier: Outcome | Band, later: Outcome | Band) -> bool:
    """Whether the earlier band takes everyone whom the later one may concern."""
    return earlier.when is None or earlier.when == later.when


def _gives_whole_points(description: Description) -> bool:
    points = [band.points for criterion in description.criteria for band in criterion.bands]
    return description.kind is Kind.SCORE and all(each == each.to_integral_value() for each in points)


def _limits(match: Criterion | None, slot: str, step: Decimal | None = None) -> Limits | None:
    """The interval that a criterion asks of a slot; None where it asks something else, or more.

    ``step``: the number is a multiple of it.
    """
    if match is None:
        return Limits(None, None)
    if isinstance(match, AllOf):
        parts = [_limits(part, slot, step) for part in match.parts]
        return None if None in parts else _common(part for part in parts if part is not None)
    if not isinstance(match, Compare) or match.slot != slot:
        return None
    step = match.precision or (_WHOLE if match.completed else step)
    lows = [each for each in (match.at_least, _next(match.above, step)) if each is not None]
    highs = [each for each in (match.below, _next(match.at_most, step)) if each is not None]
    return Limits(max(lows, default=None), min(highs, default=None))


def _next(limit: Decimal | None, step: Decimal | None) -> Decimal | None:
    """The first number above a limit: a step above it, or where there are no steps the next that a client can have."""
    if limit is None:
        return None
    return limit + step if step is not None else Decimal(repr(math.nextafter(float(limit), math.inf)))


def _common(all_of: Iterable[Limits]) -> Limits:
    parts = list(all_of)
    lows = [each.low for each in parts if each.low is not None]
    highs = [each.high for each in parts if each.high is not None]
    return Limits(max(lows, default=None), min(highs, default=None))


def _narrowed(limits: Limits | None, earlier: Sequence[Limits | None]) -> Limits:
    """What the earlier bands leave of one."""
    if limits is None:
        return Limits(None, None)
    low, high = limits
    for _ in earlier:  # one that lies in the middle takes its share once those beside it have taken theirs
        for taken in earlier:
            if taken is None or taken == (None, None):
                continue
            if taken.high is not None and _reaches_down(taken.low, low) and (low is None or low < taken.high):
                low = taken.high
            elif taken.low is not None and _reaches_up(taken.high, high) and (high is None or taken.low < high):
                high = taken.low
    return Limits(low, high)


def _reaches_down(taken: Decimal | None, low: Decimal | None) -> bool:
    return taken is None or (low is not None and taken <= low)


def _reaches_up(taken: Decimal | None, high: Decimal | None) -> bool:
    return taken is None or (high is not None and taken >= high)

"""Criteria in three-valued logic: true, false, and unknown (``None``), after Kleene.

What is unknown never counts as "no": a verdict is false only where it is known to be.  A number of which only limits
are known is compared as the range in which it lies.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_DOWN, ROUND_HALF_UP, Context, Decimal
from typing import TypeAlias

from ontology.evaluation import SlotInput
from ontology.values import Absent, AbsentReason, Bound, Coding, Quantity
from server.catalog.criteria import AllOf, AnyOf, Compare, Criterion, Is, Not, OneOf, Present

# The default context's 28 digits could carry 59.4999… over a half before it is rounded.
_EXACT = Context(prec=200)


@dataclass(frozen=True, slots=True)
class Extent:
    """The number lies from ``low`` to ``high`` (``None``: no limit known); an open end is itself excluded."""

    low: Decimal | None
    high: Decimal | None
    low_open: bool = False
    high_open: bool = False

    def reaches(self, limit: Decimal) -> bool | None:
        """Whether the number is ``limit`` or more; None where it could be either."""
        if self.low is not None and self.low >= limit:
            return True
        if self.high is not None and (self.high < limit or (self.high == limit and self.high_open)):
            return False
        return None

    def exceeds(self, limit: Decimal) -> bool | None:
        """Whether the number is more than ``limit``; None where it could be either."""
        if self.low is not None and (self.low > limit or (self.low == limit and self.low_open)):
            return True
        if self.high is not None and self.high <= limit:
            return False
        return None

    def rounded(self, step: Decimal) -> "Extent":
        """The same after rounding half up to a multiple of ``step``; ends are included then.

        Just below an excluded upper end of 40.5 lies 40.4, which rounds to 40, and likewise at a lower end below zero.
        """
        low, high = self.low, self.high
        if low is not None:
            low = _round_to_step(low, step, ROUND_HALF_DOWN if self.low_open and low < 0 else ROUND_HALF_UP)
        if high is not None:
            high = _round_to_step(high, step, ROUND_HALF_DOWN if self.high_open and high > 0 else ROUND_HALF_UP)
        return Extent(low, high)

    def completed(self) -> "Extent":
        """The same in completed whole units: 17.99 years are 17."""
        low, high = self.low, self.high
        if low is not None:
            low = low.to_integral_value(ROUND_FLOOR)
        if high is not None:
            high = high.to_integral_value(ROUND_CEILING) - 1 if self.high_open else high.to_integral_value(ROUND_FLOOR)
        return Extent(low, high)


def extent_of(consumed: SlotInput) -> Extent | None:
    """In which interval the number lies, in the slot's unit; None where nothing is known of it, or it is no number."""
    value = consumed.value
    if isinstance(value, Quantity):
        return Extent(value.value, value.value)
    if isinstance(value, Bound):
        if value.comparator in ("<", "<="):
            return Extent(None, value.value, high_open=value.comparator == "<")
        return Extent(value.value, None, low_open=value.comparator == ">")
    if isinstance(value, Absent) and consumed.bounds is not None:
        return Extent(consumed.bounds.low, consumed.bounds.high)
    return None


def _round_to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return _EXACT.multiply(_EXACT.divide(value, step).to_integral_value(rounding), step)


Verdict: TypeAlias = bool | None

# The absences that say that there is no value.  All others say that none could be read.
NO_VALUE_REASONS = frozenset(
    {
        AbsentReason.NOT_FOUND,
        AbsentReason.STALE,
        AbsentReason.RECORDED_UNKNOWN,
        AbsentReason.INPUT_ABSENT,
        AbsentReason.NOT_APPLICABLE,
    }
)


def is_unread(inputs: Mapping[str, SlotInput], slot: str) -> bool:
    """Whether a slot is empty since its records failed, were forbidden or are unreadable; unknown to ``inputs`` too."""
    consumed = inputs.get(slot)
    if consumed is None:
        return True
    return isinstance(consumed.value, Absent) and consumed.value.reason not in NO_VALUE_REASONS


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """True if all are; false if one is false; else unknown."""
    unknown = False
    for verdict in verdicts:
        if verdict is False:
            return False
        unknown = unknown or verdict is None
    return None if unknown else True


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """True if one is; false if all are false; else unknown."""
    unknown = False
    for verdict in verdicts:
        if verdict is True:
            return True
        unknown = unknown or verdict is None
    return None if unknown else False


def negate(verdict: Verdict) -> Verdict:
    """Not; unknown stays unknown."""
    return None if verdict is None else not verdict


def judge(criterion: Criterion, inputs: Mapping[str, SlotInput]) -> Verdict:
    """Whether the criterion holds of the inputs, in the slots' units.

    A slot that ``inputs`` does not name is unknown.  A value of another type than the comparison asks for is
    unknown too, and never "no"; ``check_signature`` refuses such a description beforehand.
    """
    match criterion:
        case AllOf(parts):
            return all_of(judge(part, inputs) for part in parts)
        case AnyOf(parts):
            return any_of(judge(part, inputs) for part in parts)
        case Not(part):
            return negate(judge(part, inputs))
    consumed = inputs.get(criterion.slot)
    if consumed is None:
        return None
    match criterion:
        case Present():
            return _judge_present(consumed)
        case Compare():
            return _judge_comparison(criterion, consumed)
        case OneOf(codes=codes):
            return consumed.value in codes if isinstance(consumed.value, Coding) else None
        case Is(expected=expected):
            return consumed.value is expected if isinstance(consumed.value, bool) else None


def judge_optional(criterion: Criterion | None, inputs: Mapping[str, SlotInput]) -> Verdict:
    """The same where no criterion stands for "always"."""
    return True if criterion is None else judge(criterion, inputs)


def slots_of(criterion: Criterion | None) -> tuple[str, ...]:
    """The slots that a criterion reads, each once, in its order."""
    match criterion:
        case None:
            return ()
        case AllOf(parts) | AnyOf(parts):
            return tuple(dict.fromkeys(slot for part in parts for slot in slots_of(part)))
        case Not(part):
            return slots_of(part)
        case _:
            return (criterion.slot,)


def unknown_slots(criterion: Criterion | None, inputs: Mapping[str, SlotInput]) -> tuple[str, ...]:
    """The slots for whose sake a criterion is unknown, each once, in its order; none where it is decided."""
    if criterion is None or judge(criterion, inputs) is not None:
        return ()
    match criterion:
        case AllOf(parts) | AnyOf(parts):
            return tuple(dict.fromkeys(slot for part in parts for slot in unknown_slots(part, inputs)))
        case Not(part):
            return unknown_slots(part, inputs)
        case _:
            return (criterion.slot,)


def leaves_of(criterion: Criterion | None) -> tuple[Compare | OneOf | Is | Present, ...]:
    """The single comparisons of a criterion, in its order."""
    match criterion:
        case None:
            return ()
        case AllOf(parts) | AnyOf(parts):
            return tuple(leaf for part in parts for leaf in leaves_of(part))
        case Not(part):
            return leaves_of(part)
        case _:
            return (criterion,)


def _judge_present(consumed: SlotInput) -> Verdict:
    if not isinstance(consumed.value, Absent):
        return True
    return False if consumed.value.reason in NO_VALUE_REASONS else None


def _judge_comparison(criterion: Compare, consumed: SlotInput) -> Verdict:
    extent = extent_of(consumed)
    if extent is None:
        return None
    if criterion.precision is not None:
        extent = extent.rounded(criterion.precision)
    if criterion.completed:
        extent = extent.completed()
    verdicts: list[Verdict] = []
    if criterion.at_least is not None:
        verdicts.append(extent.reaches(criterion.at_least))
    if criterion.above is not None:
        verdicts.append(extent.exceeds(criterion.above))
    if criterion.at_most is not None:
        verdicts.append(negate(extent.exceeds(criterion.at_most)))
    if criterion.below is not None:
        verdicts.append(negate(extent.reaches(criterion.below)))
    return all_of(verdicts)

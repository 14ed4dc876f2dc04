"""Criteria in three-valued logic: true, false, and unknown (``None``), after Kleene.

What is not known never counts as "no": a verdict is false only where it is known to be.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from ontology.inputs import Consumed
from ontology.values import Absent, AbsentReason, Coding
from server.catalog.criteria import AllOf, AnyOf, Compare, Criterion, Is, Not, OneOf, Present
from server.kinds.extent import extent_of

Verdict: TypeAlias = bool | None

# The absences that say that there is no value.  All others say that none could be read.
NOT_THERE = frozenset(
    {
        AbsentReason.NOT_FOUND,
        AbsentReason.STALE,
        AbsentReason.RECORDED_UNKNOWN,
        AbsentReason.INPUT_ABSENT,
        AbsentReason.NOT_APPLICABLE,
    }
)


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


def opposite(verdict: Verdict) -> Verdict:
    """Not; unknown stays unknown."""
    return None if verdict is None else not verdict


def judge(criterion: Criterion, inputs: Mapping[str, Consumed]) -> Verdict:
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
            return opposite(judge(part, inputs))
    consumed = inputs.get(criterion.slot)
    if consumed is None:
        return None
    match criterion:
        case Present():
            return _present(consumed)
        case Compare():
            return _compare(criterion, consumed)
        case OneOf(codes=codes):
            return consumed.value in codes if isinstance(consumed.value, Coding) else None
        case Is(expected=expected):
            return consumed.value is expected if isinstance(consumed.value, bool) else None


def judge_optional(criterion: Criterion | None, inputs: Mapping[str, Consumed]) -> Verdict:
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


def _present(consumed: Consumed) -> Verdict:
    if not isinstance(consumed.value, Absent):
        return True
    return False if consumed.value.reason in NOT_THERE else None


def _compare(criterion: Compare, consumed: Consumed) -> Verdict:
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
        verdicts.append(opposite(extent.exceeds(criterion.at_most)))
    if criterion.below is not None:
        verdicts.append(opposite(extent.reaches(criterion.below)))
    return all_of(verdicts)

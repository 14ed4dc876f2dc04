"""What is presumed of the inputs of one module: dropped where something recorded speaks against it, or not all have it.

Collectors find that an entry is missing from a list that is complete (``collectors.selection.reconciliation``).  Here
it is held against what else is recorded (``mpm:contradiction``).  A number needs every missing input: if one is neither
known nor presumed, nothing is presumed, and there are limits only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ontology.evaluation import Issue, Severity, SlotInput
from ontology.values import Absent, AbsentReason, Quantity, Series, Value
from ontology.words.lists import begin_small
from server.catalog.criteria import Contradiction
from server.catalog.descriptions import Description
from server.executor.trace import BoundInput
from server.kinds.inputs import missing_required
from server.kinds.logic import judge

_NO_FROM_LIST, _LEFT_OUT = "no-from-list", "left-out"


def checked_presumptions(
    description: Description, bound: Mapping[str, BoundInput], assumed: Mapping[str, Value]
) -> dict[str, BoundInput]:
    """The inputs by slot name, with what is presumed only where it may be used for a number.

    ``assumed``: by slot name, what the question assumes of a series, which only contradicts.
    """
    checked = dict(bound)
    for name, given in bound.items():
        if given.presumed is not None and (why := _objection(description, name, bound, assumed)):
            text = f"{given.slot.concept.display} is not on its list. Absence is not assumed: {why}."
            checked[name] = _dropped(given, Issue(Severity.WARNING, "list-contradicted", text, name))
    consumed = {name: given.consumed for name, given in checked.items()}
    if all(checked[slot.name].presumed is not None for slot in missing_required(description, consumed)):
        return checked
    return {name: given if given.presumed is None else _dropped(given) for name, given in checked.items()}


def _dropped(given: BoundInput, *more: Issue) -> BoundInput:
    """The input without what is presumed, and without the statement that it is."""
    kept = (issue for issue in given.issues if issue.code != _NO_FROM_LIST)
    return replace(given, presumed=None, issues=(*kept, *more))


def _objection(
    description: Description, name: str, bound: Mapping[str, BoundInput], assumed: Mapping[str, Value]
) -> str | None:
    """The first thing recorded that speaks against a "no", or that could not be looked for; None without any."""
    ours = [each for each in description.contradictions if each.slot == name]
    recorded = next((each.text for each in ours if _is_met(each, bound[each.criterion.slot])), None)
    if recorded is not None:
        return f"{recorded} is recorded"
    for each in ours:
        slot = each.criterion.slot
        if slot in assumed and judge(each.criterion, {slot: SlotInput(assumed[slot])}) is True:
            return f"{each.text} is assumed"
    return next((text for each in ours if (text := _unknown(each, bound[each.criterion.slot]))), None)


def _is_met(contradiction: Contradiction, given: BoundInput) -> bool:
    return any(judge(contradiction.criterion, {given.slot.name: value}) is True for value in _values(given))


def _values(given: BoundInput) -> Iterator[SlotInput]:
    """The input; of a series each of its values."""
    if isinstance(given.value, Series):
        yield from (SlotInput(Quantity(number, given.value.unit)) for _, number in given.value.points)
    else:
        yield given.consumed


def _unknown(contradiction: Contradiction, given: BoundInput) -> str | None:
    """Why it is not known whether a contradiction is recorded; None where it is known."""
    unread = any(issue.code == _LEFT_OUT for issue in given.issues)
    if unread or (isinstance(given.value, Absent) and given.value.reason is not AbsentReason.NOT_FOUND):
        return f"it is unknown whether {begin_small(contradiction.text)} is recorded"
    return None

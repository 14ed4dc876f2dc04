"""What a claim says of its inputs: the criteria that gave points, the number that decided, and the one before it."""

import re
from collections.abc import Mapping
from datetime import datetime

from ontology.evaluation import SlotInput
from ontology.resources import Span
from ontology.values import Coding, Quantity, Series
from ontology.words import Style
from ontology.words.lists import begin_small, list_words
from ontology.words.quantities import brief_number, number_words
from ontology.words.time import moment_words
from ontology.words.values import brief_words, in_local_unit, value_words
from server.catalog.criteria import RuleCase
from server.catalog.descriptions import Description
from server.executor.trace import BoundInput, Execution
from server.explain.dependencies import Dependencies, supports_value
from server.kinds.logic import judge_optional, slots_of


def scored_criteria(execution: Execution, style: Style) -> list[str]:
    """The criteria of a score that gave points, each with them: ``hypertension 1``, ``female 1``."""
    labels = {each.slot: each.label for each in execution.description.criteria}
    found = []
    for each in execution.evaluation.working.contributions:
        given = execution.inputs.get(each.slot)
        if not each.amount or given is None:
            continue
        name, concept = labels.get(each.slot, ""), given.slot.concept
        if isinstance(given.value, Coding) and concept.element is not None:
            name = brief_words(given.value, style)
        elif not name or " or " in name.split(",")[0]:
            # "Air or oxygen" names no finding.
            name = concept.display
        found.append(f"{begin_small(re.split(r'[,;(]', name)[0].strip())} {number_words(each.amount)}")
    return found


def deciding_clause(dependencies: Dependencies, position: int, at: datetime) -> str:
    """The numbers that decided a category, in brackets after it: `` (618 mg/g, was 325 on 30 Jun 2025)``.

    Each with the value before it, where a series of the same concept is among the inputs of the steps that the answer
    depends on.  Nothing is searched for it: without such a series nothing is said.  Empty where no number decided.
    """
    execution = dependencies.executions[position]
    description, value = execution.description, execution.evaluation.value
    consumed = dependencies.consumed_inputs(position)
    met = _first_met(description, consumed)
    read = slots_of(met.when) if met is not None else ()
    # "Otherwise" reads nothing: then all that the cases read has decided.
    read = read or tuple(slot for case in description.cases for slot in slots_of(case.when))
    found = []
    for name in dict.fromkeys(read):
        given = execution.inputs.get(name)
        if given is None or not isinstance(given.value, Quantity) or not supports_value(given):
            continue
        words = _number_as_judged(given, description, consumed, dependencies.style)
        name_ = f"{begin_small(given.slot.concept.display)} " if isinstance(value, bool) else ""
        found.append(f"{name_}{words}{_before(dependencies, position, given, at)}")
    return f" ({list_words(found)})" if found else ""


def _first_met(description: Description, consumed: Mapping[str, SlotInput]) -> RuleCase | None:
    return next((case for case in description.cases if judge_optional(case.when, consumed)), None)


def _number_as_judged(
    given: BoundInput, description: Description, consumed: Mapping[str, SlotInput], style: Style
) -> str:
    """A number to three digits, or to all of them where rounding would put it into another category."""
    assert isinstance(given.value, Quantity)  # noqa: S101 - the caller has looked
    local = in_local_unit(given.value, given.slot.concept, style)
    rounded = SlotInput(Quantity(brief_number(given.value.value), given.value.unit))
    same = _first_met(description, {**consumed, given.slot.name: rounded}) == _first_met(description, consumed)
    return brief_words(local, style) if same or local is not given.value else value_words(given.value)


def _before(dependencies: Dependencies, position: int, given: BoundInput, at: datetime) -> str:
    """``, was 325 on 30 Jun 2025``, in the unit of the value that it follows; empty where no series is in hand."""
    latest = dependencies.input_times(given).latest
    if latest is None:
        return ""
    for step in dependencies.nearest_steps(position, all_slots=True):
        for other in dependencies.executions[step].inputs.values():
            if other.slot.concept.id == given.slot.concept.id and isinstance(other.value, Series):
                earlier = value_before(other.value, latest)
                if earlier is not None:
                    shown = in_local_unit(earlier[1], given.slot.concept, dependencies.style)
                    when = moment_words(earlier[0], at, dependencies.style)
                    number = shown.value if isinstance(shown, Quantity) else earlier[1].value
                    return f", was {number_words(brief_number(number))} on {when}"
    return ""


def value_before(series: Series, current: Span) -> tuple[datetime, Quantity] | None:
    """The last value of a series that is earlier than another value's time, and when it was; None where none is."""
    points = [(time, number) for time, number in series.points if time < current.start]
    return (points[-1][0], Quantity(points[-1][1], series.unit)) if points else None

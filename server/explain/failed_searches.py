"""Which searches that failed matter to an answer: those whose records could change its value, or what is said of it.

In doubt a search matters.  It does not where three-valued logic decides without it all that an answer says.
"""

from dataclasses import dataclass
from functools import cached_property

from collectors.search import Search
from ontology.concepts import Origin
from ontology.evaluation import SlotInput
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason
from server.compiler.plan import FromSeries, Leaf
from server.executor.trace import BoundInput, Trace
from server.explain.dependencies import Dependencies
from server.kinds.interpretation import irrelevant_slots, is_left_to_series
from server.kinds.logic import judge, unknown_slots
from server.kinds.possible_results import PossibleResult, possible_results, results_without

FAILED_REASONS = (AbsentReason.UNREACHABLE, AbsentReason.NOT_PERMITTED, AbsentReason.NOT_QUERIED)
"""Absences that say nothing of the record: a search failed, was refused, or was never sent."""
_PART_MISSING = "part-missing"
_CODES = {reason.value.lower().replace("_", "-"): reason for reason in FAILED_REASONS}
_CODES[_PART_MISSING] = AbsentReason.UNREACHABLE
_NEVER_SEARCHED = frozenset({"DRAFT_ORDER", Origin.SITE.value})
"""Origins whose values come with the question, or from the settings."""
OF_TYPES = frozenset(
    {"source-unreachable", "source-refused", "scope-missing", "not-handed-in", "source-incomplete", "not-offered"}
)
"""Issues of a run whose texts begin with the type of the records that are missing (``collectors.gathering.issues``)."""
_WITHHELD = SlotInput(Absent(AbsentReason.UNREACHABLE))


@dataclass(frozen=True, slots=True)
class FailedInput:
    """An input of which records may be missing: its slot, the concepts that were searched for it (ids), and why."""

    slot: Slot
    concepts: tuple[str, ...]
    reason: AbsentReason


def failure_reason(given: BoundInput) -> AbsentReason | None:
    """Why records that fill an input are missing; None where its searches were answered."""
    if given.assumed or given.slot.concept.origin.value in _NEVER_SEARCHED:
        return None
    if is_left_to_series(given.slot, given.value):
        return None
    # What is absent since a step below lacks its input fails there.
    if isinstance(given.value, Absent) and given.value.reason in FAILED_REASONS and not given.steps:
        return given.value.reason
    return next((_CODES[issue.code] for issue in given.issues if issue.code in _CODES), None)


class FailedSearches:
    """Looks for failed searches below the answers of one trace."""

    def __init__(self, trace: Trace, dependencies: Dependencies) -> None:
        self.trace = trace
        self.dependencies = dependencies
        self._unsettled: dict[int, frozenset[str]] = {}

    def behind(self, position: int) -> tuple[FailedInput, ...]:
        """The failed inputs of an execution and of those below it that could change anything of its result.

        Value, band, applicability and remarks; also what could not be excluded of those for whom it is not made.
        """
        found: dict[FailedInput, None] = {}
        seen, pending = {position}, [position]
        while pending:
            current = pending.pop()
            irrelevant = self.dependencies.irrelevant_inputs(current)
            for name, given in self.dependencies.executions[current].inputs.items():
                if name in irrelevant:
                    continue
                reason = failure_reason(given)
                if reason is not None:
                    found[FailedInput(given.slot, self._searched(current, name, given), reason)] = None
                pending += [step for step in given.steps if step not in seen]
                seen.update(given.steps)
        return tuple(found)

    def possible_results(self, position: int) -> tuple[PossibleResult, ...]:
        """What the result of an execution may be, whatever the failed searches would have brought."""
        execution = self.dependencies.executions[position]
        inputs = self.dependencies.consumed_inputs(position)
        unsettled = self._unsettled_inputs(position)
        if not unsettled:
            return possible_results(execution.description, inputs, execution.evaluation)
        return results_without(execution.description, {**inputs, **dict.fromkeys(unsettled, _WITHHELD)})

    def searches_for(self, failed: FailedInput) -> tuple[Search, ...]:
        """The searches of the plan that failed for an input; all that are for it, where it is not known which."""
        # What is searched on request only holds nothing that another search could lack.
        usual = (each for each in self.trace.plan.searches if not each.description.on_request)
        named = tuple(s for s in usual if any(each.id in failed.concepts for each in s.concepts))
        return tuple(s for s in named if s.description.resource_type in self.failed_types) or named

    @cached_property
    def failed_types(self) -> frozenset[str]:
        """The resource types of which records could not be retrieved, as the issues of the run name them."""
        return frozenset(each.text.split(" ", 1)[0] for each in self.trace.issues if each.code in OF_TYPES)

    def _unsettled_inputs(self, position: int) -> frozenset[str]:
        """The inputs that the failed searches could change.  Those of one time or specimen stand or fall together."""
        found = self._unsettled.get(position)
        if found is None:
            execution = self.dependencies.executions[position]
            names = {
                name
                for name, given in execution.inputs.items()
                if failure_reason(given) is not None or not all(self._is_settled(step) for step in given.steps)
            }
            description = execution.description
            groups = [description.within.slots] if description.within is not None else []
            if (specimen := description.one_specimen) is not None:
                groups.append((specimen.result, *specimen.parts))
            for group in groups:
                names |= set(group) if names.intersection(group) else set()
            found = self._unsettled[position] = frozenset(names)
        return found

    def _is_settled(self, position: int) -> bool:
        """Whether an execution keeps its value, and still applies, whatever the failed searches would have brought."""
        unsettled = self._unsettled_inputs(position)
        if not unsettled:
            return True
        execution, inputs = self.dependencies.executions[position], self.dependencies.consumed_inputs(position)
        description = execution.description
        open_ = unsettled - irrelevant_slots(description, inputs, execution.evaluation, unsettled)
        if any(not description.slot(name).applicability_only for name in open_):
            return False
        known = {**inputs, **dict.fromkeys(open_, _WITHHELD)}
        refusing = [ground.criterion for ground in description.applicability if ground.refuse]
        if any(judge(each, inputs) for each in refusing):
            return any(judge(each, known) for each in refusing)
        return open_.isdisjoint(name for each in refusing for name in unknown_slots(each, known))

    def _searched(self, position: int, name: str, given: BoundInput) -> tuple[str, ...]:
        """The ids of the concepts that were searched for an input."""
        found = {given.slot.concept.id: None}
        description = self.dependencies.executions[position].description
        calls = (each for each in self.trace.plan.calls if each.description.iri == description.iri)
        for binding in (call.bindings[name] for call in calls if name in call.bindings):
            if isinstance(binding, Leaf):
                found[binding.slot.concept.id] = None
            elif isinstance(binding, FromSeries):
                found.update(dict.fromkeys(binding.drivers))
        return tuple(found)

"""What an answer depends on: its executions, its inputs and records, and the times of those records."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ontology.concepts import EVENT_ORIGINS, Origin
from ontology.evaluation import Evaluation, Issue, SlotInput
from ontology.resources import Span
from ontology.values import Absent, AbsentReason, Series
from ontology.words import Style
from ontology.words.lists import begin_small
from ontology.words.values import is_marked, rendered, value_words
from server.catalog.criteria import Compare, Is, OneOf, Present
from server.catalog.descriptions import Description
from server.executor.trace import BoundInput, Execution, Trace
from server.explain.results import StepView
from server.kinds.interpretation import (
    OpenGround,
    irrelevant_slots,
    is_left_to_series,
    known_cautions,
    open_grounds,
    short_ground,
)
from server.kinds.logic import NO_VALUE_REASONS, judge, leaves_of


@dataclass(frozen=True, slots=True)
class Times:
    """The oldest and the latest time of some records; None where none carries a time.

    A condition goes on: its beginning counts as a ground's age, and does not date the answer.
    """

    oldest: Span | None = None
    latest: Span | None = None


def with_shown_texts(evaluation: Evaluation, description: Description, style: Style) -> Evaluation:
    """The evaluation with the texts of its module in the units and the zone of the site; itself where none differs."""
    working = evaluation.working
    texts = (working.warrant, working.claim or "", working.qualifier or "", *(i.text for i in evaluation.issues))
    if not any(map(is_marked, texts)):
        return evaluation
    slots = {slot.name: slot.concept for slot in description.slots}

    def shown(text: str) -> str:
        return rendered(text, slots, style)

    claim = None if working.claim is None else shown(working.claim)
    qualifier = None if working.qualifier is None else shown(working.qualifier)
    issues = tuple(replace(each, text=shown(each.text)) for each in evaluation.issues)
    made = replace(working, warrant=shown(working.warrant), claim=claim, qualifier=qualifier)
    return replace(evaluation, working=made, issues=issues)


def _shown(execution: Execution, style: Style) -> Execution:
    made = with_shown_texts(execution.evaluation, execution.description, style)
    return execution if made is execution.evaluation else replace(execution, evaluation=made)


class Dependencies:
    """Walks one trace.  No value rests on slots that only decide on applicability, or that are only compared with."""

    def __init__(self, trace: Trace) -> None:
        self.style = trace.circumstances.style
        self.patient = trace.reference
        self.executions = tuple(_shown(each, self.style) for each in trace.executions)
        self._times: dict[int, Times] = {}
        # Views and issues of an execution, kept for every result that depends on it.
        self.step_views: dict[int, StepView] = {}
        # By the identity of the input, which is kept with them: so no other can have it.
        self.input_issues: dict[int, tuple[BoundInput, tuple[Issue, ...]]] = {}
        self._consumed: dict[int, Mapping[str, SlotInput]] = {}
        self._open_grounds: dict[int, tuple[OpenGround, ...]] = {}
        self._irrelevant: dict[int, frozenset[str]] = {}
        self._unread: dict[int, bool] = {}

    def supporting_inputs(self, position: int) -> tuple[BoundInput, ...]:
        """The inputs of an execution that its value rests on."""
        return tuple(each for each in self.executions[position].inputs.values() if supports_value(each))

    def steps(self, position: int, all_slots: bool = True) -> tuple[int, ...]:
        """Positions of all executions that this one depends on, and its own, in order."""
        seen = {position}
        pending = [position]
        while pending:
            current = pending.pop()
            inputs = self.executions[current].inputs.values() if all_slots else self.supporting_inputs(current)
            new = {step for given in inputs for step in given.steps} - seen
            seen |= new
            pending += new
        return tuple(sorted(seen))

    def relevant_steps(self, position: int) -> dict[int, bool]:
        """The executions that could change this one's result, and whether its value rests on them.

        False: they only decide whether it applies, or are compared with.  Left out is what is below inputs that cannot
        change anything, as ``irrelevant_inputs`` has them.
        """
        found = {position: True}
        for current in reversed(self.steps(position)):
            if current not in found:
                continue
            irrelevant = self.irrelevant_inputs(current)
            for name, given in self.executions[current].inputs.items():
                if name not in irrelevant:
                    supports = found[current] and supports_value(given)
                    for step in given.steps:
                        found[step] = found.get(step, False) or supports
        return found

    def irrelevant_inputs(self, position: int) -> frozenset[str]:
        """The inputs of which there is something to say, and which cannot change the result of an execution."""
        found = self._irrelevant.get(position)
        if found is None:
            execution = self.executions[position]
            spoken = [name for name, given in execution.inputs.items() if given.steps or _is_spoken_of(given)]
            known = {slot.name for slot in execution.description.slots} == set(execution.inputs)
            found = frozenset()
            if spoken and known:
                inputs = self.consumed_inputs(position)
                found = irrelevant_slots(execution.description, inputs, execution.evaluation, spoken)
            self._irrelevant[position] = found
        return found

    def open_grounds(self, position: int) -> tuple[OpenGround, ...]:
        """What could neither be confirmed nor excluded of those for whom the module of an execution does not hold."""
        found = self._open_grounds.get(position)
        if found is None:
            execution = self.executions[position]
            found = ()
            if any(issue.code == "applicability-unknown" for issue in execution.evaluation.issues):
                found = open_grounds(execution.description, self.consumed_inputs(position), execution.evaluation)
            self._open_grounds[position] = found
        return found

    def consumed_inputs(self, position: int) -> Mapping[str, SlotInput]:
        """The inputs of an execution as its module was given them."""
        found = self._consumed.get(position)
        if found is None:
            inputs = self.executions[position].inputs
            found = {n: SlotInput(i.value, i.bounds, i.presumed) for n, i in inputs.items()}
            self._consumed[position] = found
        return found

    def is_unread(self, position: int) -> bool:
        """Whether something that an execution could use failed, was forbidden or cannot be read, at any step below."""
        found = self._unread.get(position)
        if found is None:
            execution, irrelevant = self.executions[position], self.irrelevant_inputs(position)
            used = [given for name, given in execution.inputs.items() if name not in irrelevant]
            failed = execution.evaluation.value == Absent(AbsentReason.FAILED)
            found = self._unread[position] = failed or any(self.is_input_unread(given) for given in used)
        return found

    def is_input_unread(self, given: BoundInput) -> bool:
        """Whether an input is empty, or perhaps so, since records failed, were forbidden or cannot be read."""
        if any(issue.code in UNREAD_CODES for issue in given.issues) or is_suspected(given):
            return True
        if not isinstance(given.value, Absent) or is_left_to_series(given.slot, given.value):
            return False
        if given.steps:
            return any(self.is_unread(step) for step in given.steps)
        return given.value.reason not in NO_VALUE_REASONS

    def rests_on_assumption(self, position: int) -> bool:
        """Whether an assumption is among what the execution rests on, its applicability included.

        What is set for the site is a fact of the site, and no assumption about the patient.
        """
        inputs = (given for step in self.steps(position) for given in self.executions[step].inputs.values())
        return any(given.assumed and not given.by_site for given in inputs)

    def rests_on_list(self, position: int) -> bool:
        """Whether the value of the execution holds only if the lists are complete from which entries are missing."""
        return bool(self.executions[position].evaluation.presumed)

    def nearest_steps(self, position: int, all_slots: bool = False) -> tuple[int, ...]:
        """An execution and those that its value rests on, nearest first; without the points of a series.

        ``all_slots``: also those that only decide applicability, or are compared with.
        """
        found = {position: None}
        pending = [position]
        while pending:
            current = pending.pop(0)
            inputs = self.executions[current].inputs.values() if all_slots else self.supporting_inputs(current)
            single = [each.steps[0] for each in inputs if len(each.steps) == 1 and not isinstance(each.value, Series)]
            pending += [step for step in single if step not in found]
            found.update(dict.fromkeys(single))
        return tuple(found)

    def known_cautions(self, position: int) -> tuple[str | None, tuple[str, ...]]:
        """What is known to make the value of an execution less reliable, by its step and those that it rests on.

        First a state that was computed from the same records, named by its value (``AKI stage 2``; None: none is met);
        then the short texts of the other grounds for caution that a record or a computed value meets, nearest first.
        Neither what could not be excluded nor what is met since something is not recorded.  A state that the module
        reads itself is in its value already.
        """
        read = {each.slot.concept.id for each in self.supporting_inputs(position)}
        state: str | None = None
        texts: dict[str, None] = {}
        for step in self.nearest_steps(position):
            inputs = self.consumed_inputs(step)
            for ground in known_cautions(self.executions[step].description, inputs):
                met = [leaf for leaf in leaves_of(ground.criterion) if judge(leaf, inputs)]
                named = next((leaf.slot for leaf in met if self._is_computed_state(step, leaf)), None)
                if named is not None:
                    if self.executions[step].inputs[named].slot.concept.id not in read:
                        state = state or begin_small(value_words(inputs[named].value))
                elif any(not (isinstance(leaf, Is) and not leaf.expected) for leaf in met):
                    head, _, why = short_ground(ground).partition(": ")
                    # A colon within a list would begin another list.
                    texts[f"{head} ({why})" if why else head] = None
        return state, tuple(texts)

    def _is_computed_state(self, position: int, leaf: Compare | OneOf | Is | Present) -> bool:
        given = self.executions[position].inputs.get(leaf.slot)
        return isinstance(leaf, OneOf) and given is not None and given.slot.concept.origin is Origin.COMPUTED

    def times(self, position: int) -> Times:
        """Oldest and latest time of the records under an execution."""
        found = self._times.get(position)
        if found is None:
            # An input without a value is no ground, though its record is named.
            carrying = [given for given in self.supporting_inputs(position) if _has_value(given)]
            found = times_of(time for given in carrying for time in _spans(self.input_times(given)))
            if found.latest is not None and any(given.slot.concept.origin in EVENT_ORIGINS for given in carrying):
                dated = (given for given in carrying if given.slot.concept.origin not in EVENT_ORIGINS)
                latest = times_of(time for given in dated for time in _spans(self.input_times(given))).latest
                found = Times(found.oldest, latest)
            self._times[position] = found
        return found

    def input_times(self, given: BoundInput) -> Times:
        """Oldest and latest time of the records under one input."""
        own = [resource.effective for resource in given.resources if resource.effective is not None]
        below = [span for step in given.steps for span in _spans(self.times(step))]
        return times_of([*own, *below])


UNREAD_CODES = frozenset(
    {
        "codes-unreadable",
        "probable",
        "incomplete",
        "part-missing",
        "time-imprecise",
        "contradicted",
        "conflicting",
        "perhaps-over",
    }
    | {reason.value.lower().replace("_", "-") for reason in set(AbsentReason) - NO_VALUE_REASONS}
)
"""Codes of issues which say that records may be there that could not be retrieved, or not be read."""


def _is_spoken_of(given: BoundInput) -> bool:
    return bool(given.issues or given.assumed or any(resource.notes for resource in given.resources))


def is_suspected(given: BoundInput) -> bool:
    """Whether a condition is recorded as provisional or the like only: it does not count, and may be so."""
    suspected = given.slot.concept.origin is Origin.CONDITION and isinstance(given.value, Absent)
    return suspected and any(issue.code == "doubted" for issue in given.issues)


def supports_value(given: BoundInput) -> bool:
    """Whether the value rests on this input: not if it only decides on applicability, or is compared with."""
    return not (given.slot.applicability_only or given.slot.comparison)


UNMEASURED = frozenset({AbsentReason.NOT_FOUND, AbsentReason.STALE})
"""Absences that say that nobody recorded it in the time that is asked about."""


def is_untaken(given: BoundInput) -> bool:
    """Whether the input is one of several ways to the value, and was not recorded."""
    return given.slot.alternative and isinstance(given.value, Absent) and given.value.reason in UNMEASURED


def _has_value(given: BoundInput) -> bool:
    return not isinstance(given.value, Absent) or given.bounds is not None


def times_of(spans: Iterable[Span]) -> Times:
    """The oldest by its start, the latest by its end."""
    found = tuple(spans)
    if not found:
        return Times()
    return Times(min(found, key=lambda span: span.start), max(found, key=lambda span: span.end))


def _spans(times: Times) -> tuple[Span, ...]:
    return tuple(span for span in (times.oldest, times.latest) if span is not None)

"""Which results of a module are still possible, and of which of its bands each is: all that missing inputs leave open.

Sound: what a module could give once its missing inputs are known is among them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ontology.evaluation import Evaluation, SlotInput
from ontology.values import Absent, AbsentReason, Coding
from server.catalog.criteria import Outcome
from server.catalog.descriptions import Description, Kind
from server.kinds.applicability import judge_applicability
from server.kinds.dispatch import evaluate
from server.kinds.interpretation import RESULT, judge_outcome, with_result
from server.kinds.logic import judge_optional

_RULED_OUT = Absent(AbsentReason.NOT_APPLICABLE)
_UNDECIDED = Absent(AbsentReason.INPUT_ABSENT)


@dataclass(frozen=True, slots=True)
class PossibleResult:
    """A result that is possible.

    value: the code or truth value, where it is one.  outcome: the band of the module's source; None: of none.
    is_open: nothing is known of it, so that it may be of any band.
    """

    value: Coding | bool | None = None
    outcome: Outcome | None = None
    is_open: bool = False

    @property
    def codes(self) -> tuple[Coding, ...]:
        """The code of its band, and its own where it is a code."""
        band = (self.outcome.coding,) if self.outcome is not None else ()
        return (*band, self.value) if isinstance(self.value, Coding) else band


ANY_RESULT = PossibleResult(is_open=True)


def possible_results(
    description: Description, inputs: Mapping[str, SlotInput], evaluation: Evaluation
) -> tuple[PossibleResult, ...]:
    """The results that the module may still give, each once; none where it does not apply.

    Of a number with a confidence interval: those of the bands in which it lies.
    """
    value = evaluation.value
    if value == _RULED_OUT:
        return ()
    coded = isinstance(value, (Coding, bool))
    if isinstance(value, (Coding, bool)) and not evaluation.presumed:
        found = _of_value(description, inputs, evaluation, value)
    elif description.kind is Kind.RULE and (coded or value == _UNDECIDED):
        found = _of_cases(description, inputs, evaluation)
    elif coded or _is_open(description, evaluation):
        return (ANY_RESULT,)
    else:
        found = _of_number(description, inputs, evaluation)
    return tuple(dict.fromkeys(found))


def _is_open(description: Description, evaluation: Evaluation) -> bool:
    """Whether nothing is known of an absent value, and no number could be held against the bands."""
    if not isinstance(evaluation.value, Absent):
        return False
    unlimited = evaluation.bounds is None
    return evaluation.value != _UNDECIDED or (unlimited and (description.unit is None or not description.outcomes))


def results_without(description: Description, inputs: Mapping[str, SlotInput]) -> tuple[PossibleResult, ...]:
    """The same where some of the ``inputs`` are withheld (absent): of rules and scores by evaluating them again.

    Of an equation or a model nothing is known then, but that it does not apply where that is known.
    """
    if description.kind in (Kind.RULE, Kind.SCORE):
        return possible_results(description, inputs, evaluate(description, inputs))
    refused, _ = judge_applicability(description, inputs)
    return () if refused is not None else (ANY_RESULT,)


def _of_value(
    description: Description, inputs: Mapping[str, SlotInput], evaluation: Evaluation, value: Coding | bool
) -> Iterator[PossibleResult]:
    given = replace(evaluation, value=value, bounds=None, interval=None, presumed=())
    for outcome in _possible_outcomes(description, with_result(inputs, given)):
        yield PossibleResult(value, outcome)


def _of_cases(
    description: Description, inputs: Mapping[str, SlotInput], evaluation: Evaluation
) -> Iterator[PossibleResult]:
    for case in description.cases:
        verdict = judge_optional(case.when, inputs)
        if verdict is not False:
            yield from _of_value(description, inputs, evaluation, case.output)
        if verdict is True:
            return
    # No case may be met at all.
    yield PossibleResult()


def _of_number(
    description: Description, inputs: Mapping[str, SlotInput], evaluation: Evaluation
) -> Iterator[PossibleResult]:
    known = with_result(inputs, evaluation)
    if evaluation.bounds is None and (evaluation.presumed or evaluation.interval is not None):
        limits = None if evaluation.presumed else evaluation.interval
        known[RESULT] = SlotInput(_UNDECIDED, limits)
    for outcome in _possible_outcomes(description, known):
        yield PossibleResult(None, outcome)


def _possible_outcomes(description: Description, known: Mapping[str, SlotInput]) -> Iterator[Outcome | None]:
    """The bands that may hold, up to the first that is known to; None at the end where perhaps none does."""
    for outcome in description.outcomes:
        verdict = judge_outcome(description, outcome, known)
        if verdict is not False:
            yield outcome
        if verdict is True:
            return
    yield None

"""Claims: one sentence for a value, or for why there is none."""

import re
from datetime import datetime
from decimal import Decimal

from ontology.concepts import EVENT_ORIGINS, Concept, Origin, ValueType
from ontology.evaluation import Evaluation, Interval, Severity
from ontology.slots import Select
from ontology.values import Absent, AbsentReason, Bound, Quantity, Value
from ontology.words import PLAIN, Style
from ontology.words.lists import begin_small, list_words, sentences
from ontology.words.quantities import amount, number_words, unit_words
from ontology.words.risks import risk_words
from ontology.words.time import duration_words, span_words, time_words
from ontology.words.values import (
    brief_words,
    concept_words,
    in_local_limits,
    in_local_unit,
    interval_words,
    limits_words,
    value_words,
)
from server.catalog.descriptions import Description, Kind
from server.executor.trace import BoundInput, Execution
from server.explain.claim_inputs import deciding_clause, scored_criteria
from server.explain.dependencies import UNMEASURED, Dependencies, Times, is_untaken
from server.explain.phrases import NOT_APPLICABLE_PREFIX, describe_absence, missing_reasons
from server.explain.results import MissingInput, RiskView

_INAPPLICABLE_CODES = ("not-applicable", "no-case")
_UNCLEAR_CODES = ("probable", "codes-unreadable")
"""Of an entry on record that is probably what is asked for, and of those that could be."""
INAPPLICABLE_PREFIX = "Not applicable: "
"""How the issue begins that says why a module does not apply."""
_PERCENT = "%"
_INHERITED_REASONS = (AbsentReason.INPUT_ABSENT, AbsentReason.NOT_APPLICABLE)
_NOT_DOCUMENTED = "not documented"
_MOST_WORDS = 20
"""Of a sentence that is read at the bedside."""
_MOST_CAUTIONS = 2
WHAT_IF = "the formula's output for these inputs, not the expected effect of treatment"


def claim(dependencies: Dependencies, position: int, at: datetime) -> str:
    """The sentence for one execution of a trace evaluated as of ``at``, or two.

    It has what a reader would ask for next: cautions that are known to hold (at most two), the criteria that gave
    points, the number that decided a category, and that number's earlier value with its date where a series of it is
    among the inputs.  No value, no caution: limits and refusals are qualified by their issues.
    """
    execution = dependencies.executions[position]
    evaluation, description = execution.evaluation, execution.description
    style = dependencies.style
    when = _as_of_clause(execution, dependencies.times(position), at, style)
    what_if = f"; on an assumption: {WHAT_IF}" if _is_what_if(dependencies, position) else ""
    if isinstance(evaluation.value, Absent):
        return f"{_describe_absence(dependencies, position, when)}{what_if}."
    text = (evaluation.working.claim or _describe_value(description, evaluation, style)).rstrip(".")
    if description.kind is Kind.RULE and not evaluation.working.claim:
        text += deciding_clause(dependencies, position, at)
    risk = risk_of(description, evaluation)
    people = f", {risk_words(risk.probability, risk.horizon, description.display_decimals)}" if risk is not None else ""
    # The module's own claim may have it already; a number that never stands alone is not said twice.
    people = "" if people in text or evaluation.presumed else people
    qualifier = f"; {begin_small(evaluation.working.qualifier.rstrip('.'))}" if evaluation.working.qualifier else ""
    state, cautions = dependencies.known_cautions(position)
    state = f", unreliable in {state}" if state else ""
    points = ", ".join(scored_criteria(execution, style)) if description.kind is Kind.SCORE else ""
    rest = f"{state}{when}{qualifier}{what_if}"
    if points and not evaluation.working.claim and _is_short(f"{text}: {points}{rest}"):
        text, points = f"{text}: {points}", ""
    return _with_second_sentence(f"{text}{people}{rest}", points, cautions)


def _is_short(sentence: str) -> bool:
    return len(sentence.split()) <= _MOST_WORDS


def _with_second_sentence(sentence: str, points: str, cautions: tuple[str, ...]) -> str:
    """A claim with its points and its cautions: a caution in the sentence where that stays short, else a second one."""
    parts = [f"points: {points}"] if points else []
    if cautions:
        more = f" and {len(cautions) - _MOST_CAUTIONS} more" if len(cautions) > _MOST_CAUTIONS else ""
        parts.append(f"caution: {'; '.join(cautions[:_MOST_CAUTIONS])}{more}")
    joined = "; ".join([sentence, *parts])
    if not parts or (not points and _is_short(joined)):
        return f"{joined}."
    second = "; ".join(parts)
    return f"{sentence}. {second[0].upper()}{second[1:]}."


def leaf_claim(leaf: BoundInput, times: Times, style: Style = PLAIN) -> str:
    """The sentence for a concept that is read, not computed: the value as it was recorded comes first."""
    display = leaf.slot.concept.display
    if leaf.value == Absent(AbsentReason.UNCONVERTIBLE):
        # What is on record and not understood is shown in its own words, and never called missing.
        unclear = {issue.text: None for issue in leaf.issues if issue.code in _UNCLEAR_CODES}
        if unclear:
            return f"{display}: unclear. {' '.join(unclear)}"
    if isinstance(leaf.value, Absent):
        return f"{display}: {_absence_reason(leaf, style=style)}."
    when = " (assumed, not recorded)" if leaf.assumed else _effective_clause(times, style)
    is_ = ":" if isinstance(leaf.value, bool) else " is"
    recorded = leaf.resources[0].recorded if len(leaf.resources) == 1 and not leaf.steps else None
    return f"{display}{is_} {recorded_first(leaf.value, recorded, leaf.slot.concept, style)}{when}."


_RECORDED = re.compile(r"([<>]=?)? *([+-]?\d+(?:\.\d+)?) *(\S.*)?")


def recorded_first(value: Value, recorded: str | None, concept: Concept, style: Style = PLAIN) -> str:
    """A value as it was recorded, and in brackets in the reader's unit: ``97 µmol/L (1.1 mg/dL)``.

    Without brackets where it was recorded in that unit, or with a unit in words of its own for it.
    """
    shown = in_local_unit(value, concept, style)
    words = value_words(shown, style=style)
    match = _RECORDED.fullmatch(recorded.strip()) if recorded is not None else None
    if match is None or not isinstance(shown, (Quantity, Bound)):
        return words
    sign, number, unit = match[1] or "", match[2], match[3] or ""
    if not unit or unit_words(unit, style) == unit_words(shown.unit, style):
        # The number as it was written, where the reader's unit needs no conversion of the value as it is kept.
        return words if shown is value else f"{sign}{amount(Decimal(number), shown.unit, style=style)}"
    if isinstance(value, Quantity):
        words = brief_words(shown, style)
    return f"{sign}{number_words(Decimal(number))} {unit_words(unit, style)} ({words})"


def risk_of(description: Description, evaluation: Evaluation) -> RiskView | None:
    """The value as a probability between 0 and 1, where the module declares that it is a risk."""
    if description.risk is None or not isinstance(evaluation.value, Quantity):
        return None
    scale = Decimal(100) if evaluation.value.unit == _PERCENT else Decimal(1)
    return RiskView(description.risk.outcome, description.risk.horizon, evaluation.value.value / scale)


def missing_inputs(dependencies: Dependencies, position: int) -> tuple[MissingInput, ...]:
    """What is missing at the root of an absent value, each once."""
    absent = [given for given in dependencies.supporting_inputs(position) if isinstance(given.value, Absent)]
    absent = [given for given in absent if given.slot.required] or absent
    if absent and all(is_untaken(given) for given in absent):
        # No way to the value was recorded: what is missing is the value, not each of them.
        window = max((given.slot.window for given in absent if given.slot.window is not None), default=None)
        since = "" if window is None else f" in the last {duration_words(window)}"
        produces = dependencies.executions[position].description.produces
        name = produces.display
        is_number = produces.value_type is ValueType.QUANTITY
        return (MissingInput(name, f"{_NOT_DOCUMENTED}{since}", is_number, not is_number, window),)
    found: dict[MissingInput, None] = {}
    # Of several ways, what nobody recorded says nothing beside one that could not be retrieved or read.
    for given in [each for each in absent if not is_untaken(each)] or absent:
        below = [
            pair
            for step in given.steps
            if _lacks_input(dependencies.executions[step])
            for pair in missing_inputs(dependencies, step)
        ]
        if below and given.value == Absent(AbsentReason.INPUT_ABSENT):
            found.update(dict.fromkeys(below))
        elif not _repeats_driver(given, absent):
            found[_missing_input(given, dependencies)] = None
    return tuple(found)


def _repeats_driver(given: BoundInput, absent: list[BoundInput]) -> bool:
    """Whether a series of computed values has no point since another input is missing: that one is named."""
    if given.steps or given.slot.concept.origin is not Origin.COMPUTED:
        return False
    names = {begin_small(each.slot.concept.display) for each in absent if each is not given}
    return any(name in issue.text for name in names for issue in given.issues if issue.code in ("not-found", "stale"))


def _missing_input(given: BoundInput, dependencies: Dependencies) -> MissingInput:
    why, codes = _absence_reason(given, dependencies, dependencies.style), {issue.code for issue in given.issues}
    name, slot = _input_name(given), given.slot
    if given.assumed or slot.concept.origin is Origin.SITE or codes & {"not-within", "negated", "over", "doubted"}:
        return MissingInput(name, why)
    if slot.concept.origin in EVENT_ORIGINS:
        return MissingInput(name, why, undocumented=given.value == Absent(AbsentReason.NOT_FOUND), window=slot.window)
    if not isinstance(given.value, Absent) or given.value.reason not in UNMEASURED:
        return MissingInput(name, why)
    is_number = slot.concept.value_type is ValueType.QUANTITY
    return MissingInput(name, why, is_number, not is_number, slot.window)


def _input_name(given: BoundInput) -> str:
    concept = given.slot.concept
    return f'the setting "{concept.display}"' if concept.origin is Origin.SITE else concept.display


def _lacks_input(execution: Execution) -> bool:
    return execution.evaluation.value == Absent(AbsentReason.INPUT_ABSENT)


def _describe_value(description: Description, evaluation: Evaluation, style: Style) -> str:
    concept, value, decimals = description.produces, evaluation.value, description.display_decimals
    display, bounds = concept.display, evaluation.bounds
    if evaluation.presumed and bounds is not None:
        lists, words = _list_names(description, evaluation), concept_words(value, concept, decimals, style)
        rest = "whatever it leaves out" if lists.endswith(" is") else "whatever they leave out"
        shown = in_local_limits(bounds, concept, style)
        limits = interval_words(shown, decimals if shown is bounds else None, style)
        return f"{display} is {words}, if the {lists} complete; {limits} {rest}"
    if isinstance(value, bool):
        return f"{display}: {value_words(value)}"
    if isinstance(value, Quantity) and bounds is not None and bounds.low == value.value < bounds.high:
        shown = in_local_limits(bounds, concept, style)
        decimals = decimals if shown is bounds else None
        least, most = number_words(shown.low, decimals), amount(shown.high, shown.unit, decimals)
        return f"{display} is at least {least} (recorded), up to {most} if what is not known is present"
    return f"{display} is {concept_words(value, concept, decimals, style)}"


def _list_names(description: Description, evaluation: Evaluation) -> str:
    """The lists that a value presumes to be complete, with their verb: "problem and medication lists are"."""
    kept = [slot.no_if_reconciled for slot in description.slots if slot.name in evaluation.presumed]
    names = sorted({begin_small(each.display) for each in kept if each is not None}, reverse=True)
    if len(names) == 1:
        return f"{names[0]} is"
    return f"{list_words(name.removesuffix(' list') for name in names)} lists are"


def _describe_absence(dependencies: Dependencies, position: int, when: str) -> str:
    execution = dependencies.executions[position]
    display, evaluation = execution.description.produces.display, execution.evaluation
    match evaluation.value:
        case Absent(AbsentReason.NOT_APPLICABLE):
            why = inapplicable_reasons(evaluation)
            return f"{display} does not apply{': ' + list_words(why) if why else ' to this patient'}"
        case Absent(AbsentReason.FAILED):
            return f"{display} could not be computed: the module failed"
        case _:
            lies = _bounds_clause(evaluation.bounds, execution.description, dependencies.style)
            lies = lies or _candidates_clause(evaluation)
            reason = _describe_missing(dependencies, position)
            return f"{display} could not be computed: {reason}{lies}{when if lies else ''}"


def _describe_missing(dependencies: Dependencies, position: int) -> str:
    evaluation = dependencies.executions[position].evaluation
    named = () if evaluation.value == Absent(AbsentReason.CONFLICTING) else missing_inputs(dependencies, position)
    if named:
        return sentences(missing_reasons(named))
    others = [issue for issue in evaluation.issues if issue.code != "undecided"]
    reasons = [issue.text.rstrip(".") for issue in others if issue.severity is not Severity.INFORMATION]
    return begin_small(reasons[0]) if reasons else "the records do not decide it"


def _has_reason(evaluation: Evaluation) -> bool:
    """Whether a module says itself why there is no value."""
    own = (issue for issue in evaluation.issues if issue.code not in ("undecided", "input-absent"))
    return any(issue.severity is not Severity.INFORMATION for issue in own)


def _bounds_clause(bounds: Interval | None, description: Description, style: Style) -> str:
    if bounds is None:
        return ""
    words = limits_words(bounds, description.produces, description.display_decimals, style)
    # What is missing may change nothing of the total: then both limits are one number.
    return (
        f"; what is recorded gives {words.removeprefix('at ')}" if bounds.low == bounds.high else f"; it lies {words}"
    )


def _candidates_clause(evaluation: Evaluation) -> str:
    candidates = [issue.text.split(": ", 1)[-1] for issue in evaluation.issues if issue.code == "undecided"]
    return f"; it is {candidates[0]}" if candidates else ""


def inapplicable_reasons(evaluation: Evaluation) -> list[str]:
    """Why a module does not apply, in the words of its description."""
    refused = [issue for issue in evaluation.issues if issue.code in _INAPPLICABLE_CODES]
    return [begin_small(issue.text.removeprefix(INAPPLICABLE_PREFIX).rstrip(".")) for issue in refused]


def _absence_reason(given: BoundInput, dependencies: Dependencies | None = None, style: Style = PLAIN) -> str:
    if isinstance(given.value, Absent) and given.value.reason in _INHERITED_REASONS and dependencies is not None:
        reasons = [t for step in given.steps for t in inapplicable_reasons(dependencies.executions[step].evaluation)]
        if reasons:
            return f"{NOT_APPLICABLE_PREFIX}: {list_words(reasons)}"
        own = [step for step in given.steps if _lacks_input(dependencies.executions[step])]
        if len(own) == 1 and _has_reason(dependencies.executions[own[0]].evaluation):
            return _describe_missing(dependencies, own[0])
        if given.slot.select is Select.SERIES and given.value == Absent(AbsentReason.INPUT_ABSENT):
            return "none could be computed"
    return describe_absence(given, style)


def _is_what_if(dependencies: Dependencies, position: int) -> bool:
    """Whether the question itself assumed an input: a site's own setting is no what-if."""
    return dependencies.rests_on_assumption(position)


def _as_of_clause(execution: Execution, times: Times, at: datetime, style: Style) -> str:
    if execution.as_of != at:
        return f" (as of {time_words(execution.as_of, style)})"
    if times.latest is None and (times.oldest is not None or execution.description.evaluation_time is not None):
        return f" (as of {time_words(execution.as_of, style)})"
    return _effective_clause(times, style)


def _effective_clause(times: Times, style: Style) -> str:
    return f" (as of {span_words(times.latest, style)})" if times.latest is not None else ""

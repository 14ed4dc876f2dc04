"""The rule kind: ordered cases in three-valued logic.

The first case whose criterion is true gives the output.  An earlier case that is unknown keeps its own output
possible.  If all possible outputs are one and the same, it is the value, missing inputs or not; else there is none,
and the possible ones are named.
"""

from collections.abc import Iterable, Mapping

from ontology.evaluation import Evaluation, Issue, Severity, SlotInput, Working
from ontology.values import Absent, AbsentReason, Coding
from ontology.words.lists import list_words, slot_words
from ontology.words.values import input_words
from server.catalog.criteria import RuleCase
from server.catalog.descriptions import Description
from server.kinds.inputs import missing_issues, missing_required
from server.kinds.logic import judge_optional, slots_of

NO_CASE = "no-case"
"""The code of the issue of a rule whose cases are all known not to hold."""


def evaluate_rule(description: Description, inputs: Mapping[str, SlotInput]) -> Evaluation:
    """The output of the first case that holds, or which outputs are still possible."""
    possible: list[RuleCase] = []
    decided = False
    for case in description.cases:
        verdict = judge_optional(case.when, inputs)
        if verdict is not False:
            possible.append(case)
        if verdict is True:
            decided = True
            break
    outputs = list(dict.fromkeys(case.output for case in possible))
    read = _describe_inputs_read(description, possible[-1] if decided else None, inputs)
    missing = missing_required(description, inputs)
    if decided and len(outputs) == 1:
        warrant = f"{list_words((case.label for case in possible), 'or')}{read}"
        return Evaluation(outputs[0], Working(warrant), missing_issues(missing, inputs, Severity.WARNING))
    if not possible:
        # Every case is known not to hold: the rule has nothing to say of this patient.
        issue = Issue(Severity.WARNING, NO_CASE, "No case of the rule is met")
        return Evaluation(Absent(AbsentReason.NOT_APPLICABLE), Working(f"No case is met{read}"), (issue,))
    # Of yes and no a reader knows that there is no third.
    closed = decided or {True, False} <= {output for output in outputs if isinstance(output, bool)}
    open_outputs = [_output_text(output) for output in outputs] + ([] if closed else ["none of them"])
    undecided = Issue(Severity.WARNING, "undecided", f"{description.produces.display}: {_alternatives(open_outputs)}")
    warrant = f"Not decided between: {'; '.join(dict.fromkeys(case.label for case in possible))}{read}"
    issues = (*missing_issues(missing, inputs), undecided)
    return Evaluation(Absent(AbsentReason.INPUT_ABSENT), Working(warrant), issues)


def _alternatives(outputs: Iterable[str]) -> str:
    """``A1, A2 or A3``; apart by semicolons where one has a comma in it."""
    parts = list(dict.fromkeys(outputs))
    if not any("," in part for part in parts) or len(parts) < 2:
        return list_words(parts, "or")
    return f"{'; '.join(parts[:-1])}; or {parts[-1]}"


def _output_text(output: Coding | bool) -> str:
    if isinstance(output, Coding):
        return output.display or output.code
    return "yes" if output else "no"


def _describe_inputs_read(description: Description, decisive: RuleCase | None, inputs: Mapping[str, SlotInput]) -> str:
    """The values that the decision rests on: those of the cases up to the one that is met, in brackets."""
    cases = description.cases if decisive is None else description.cases[: description.cases.index(decisive) + 1]
    names = [name for case in cases for name in slots_of(case.when)]
    before = cases[:-1]
    if (
        decisive is not None
        and decisive.when is not None
        and all(judge_optional(c.when, inputs) is False for c in before)
    ):
        # The case stands by itself; what it does not need is left out.
        names = [name for name in slots_of(decisive.when) if not isinstance(inputs[name].value, Absent)]
        names = names or list(slots_of(decisive.when))
    known = dict.fromkeys(names)
    parts = [f"{slot_words(description.slot(name))} {input_words(inputs[name], slot=name)}" for name in known]
    return f" ({', '.join(parts)})" if parts else ""

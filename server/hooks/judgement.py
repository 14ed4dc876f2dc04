"""Whether a rule of a service gives a card for one patient, gives none, or cannot be decided, and why not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from ontology.concepts import EVENT_ORIGINS
from ontology.evaluation import Issue
from ontology.values import Absent, AbsentReason, Coding
from ontology.words.absence import absence_words
from ontology.words.lists import begin_small
from server.catalog.services import CardRule
from server.executor.trace import BoundInput, GoalAnswer, Trace
from server.explain.claims import missing_inputs
from server.explain.dependencies import Dependencies
from server.explain.explain import explain_answer
from server.explain.failed_searches import FailedInput, FailedSearches, failure_reason
from server.explain.phrases import missing_reasons
from server.explain.results import AnswerResult, Status
from server.explain.short_text import value_text, why_absent
from server.kinds.possible_results import PossibleResult

_PROBABLE, _UNREAD = "probable", "codes-unreadable"
_UNDECODED = "that could not be read"


class Ordered(Enum):
    """Whether the drug of a rule is among the draft orders."""

    YES = auto()
    PROBABLY = auto()
    """By the words of an order, whose code could not be read."""
    UNREADABLE = auto()
    """An order of it is unclear, or an order could not be decoded at all: it may be of anything."""
    UNSEARCHED = auto()
    """It would have been searched for, and the search failed: no draft that came with the question."""
    NO = auto()


class Verdict(Enum):
    """What becomes of a rule."""

    CARD = auto()
    SILENT = auto()
    OPEN = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule, judged.

    result: the answer for its concept.  position: of its execution; None of a recorded concept.  draft: the answer for
    its draft; None where it asks for none.  bands: the codes of ``rule.bands`` that the result may still be of.
    needed: failed inputs that could change the card, or whether there is one.  missing: what the record lacks, in
    words.
    """

    rule: CardRule
    verdict: Verdict
    ordered: Ordered
    result: AnswerResult
    position: int | None
    draft: AnswerResult | None
    bands: tuple[Coding, ...] = ()
    needed: tuple[FailedInput, ...] = ()
    missing: tuple[str, ...] = ()


class Answers:
    """The answers of one trace by concept id, and what they depend on."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.dependencies = Dependencies(trace)
        self.failed = FailedSearches(trace, self.dependencies)
        self._results: dict[str, AnswerResult] = {}
        self._answered: Mapping[str, GoalAnswer] = {each.goal.concept.id: each for each in trace.answers}

    def result(self, concept: str) -> AnswerResult:
        """The answer for a concept (id), explained when it is first asked for: most of an order service never is.

        KeyError where the question did not ask for it.
        """
        if concept not in self._results:
            self._results[concept] = explain_answer(self.trace, self._answered[concept], self.dependencies)
        return self._results[concept]

    def is_ordered(self, rule: CardRule) -> bool:
        """Whether the drug of a rule may be among the draft orders, or the rule asks for none."""
        return rule.draft is None or _ordered(self._answered[rule.draft].leaf) is not Ordered.NO

    def judge(self, rule: CardRule) -> Judged:
        """Whether the rule gives a card.  KeyError where the question did not ask for its concepts."""
        result, answered = self.result(rule.concept), self._answered[rule.concept]
        draft = None if rule.draft is None else self.result(rule.draft)
        ordered = Ordered.YES if rule.draft is None else _ordered(self._answered[rule.draft].leaf)
        if ordered is Ordered.NO:
            return Judged(rule, Verdict.SILENT, ordered, result, answered.execution, draft)
        if answered.execution is None:
            judged = self._judge_recorded(rule, ordered, result, draft, answered.leaf)
        else:
            judged = self._judge_computed(rule, ordered, result, draft, answered.execution)
        unsearched = self.failed_leaf(rule.draft) if rule.draft and ordered is Ordered.UNSEARCHED else None
        if unsearched is None or judged.verdict is Verdict.SILENT:
            return judged
        return replace(judged, needed=(*judged.needed, unsearched))

    def failed_leaf(self, concept: str) -> FailedInput | None:
        """Why records for a concept that is read are missing; None where its searches were answered."""
        leaf = self._answered[concept].leaf
        reason = None if leaf is None else failure_reason(leaf)
        return None if leaf is None or reason is None else FailedInput(leaf.slot, (concept,), reason)

    def failed_below(self, concept: str) -> tuple[FailedInput, ...]:
        """The failed inputs that could change the answer for a concept, be it read or computed."""
        execution = self._answered[concept].execution
        if execution is not None:
            return self.failed.behind(execution)
        leaf = self.failed_leaf(concept)
        return () if leaf is None else (leaf,)

    def _judge_recorded(
        self,
        rule: CardRule,
        ordered: Ordered,
        result: AnswerResult,
        draft: AnswerResult | None,
        leaf: BoundInput | None,
    ) -> Judged:
        failed = self.failed_leaf(rule.concept)
        needed = () if failed is None else (failed,)
        value, bands = result.value, tuple(each for each in rule.bands if each == result.value)
        if isinstance(value, Absent):
            # Of a diagnosis or a drug that is not on record nothing is known, and nothing is asked.
            event = leaf is not None and leaf.slot.concept.origin in EVENT_ORIGINS
            silent = not needed and event and value.reason is AbsentReason.NOT_FOUND
            missing = () if needed or silent or leaf is None else (_leaf_words(leaf, value.reason),)
            verdict = Verdict.SILENT if silent else Verdict.OPEN
            return Judged(rule, verdict, ordered, result, None, draft, rule.bands, needed, missing)
        verdict = Verdict.CARD if bands or (value is True and not rule.bands) else Verdict.SILENT
        # What is on record stays so, whatever else may be: only a later value of a measurement replaces it.
        needed = needed if verdict is Verdict.CARD or value is not True else ()
        return Judged(rule, verdict, ordered, result, None, draft, bands, needed)

    def _judge_computed(
        self, rule: CardRule, ordered: Ordered, result: AnswerResult, draft: AnswerResult | None, position: int
    ) -> Judged:
        if result.status is Status.FAILED:
            return Judged(rule, Verdict.FAILED, ordered, result, position, draft)
        possible = self.failed.possible_results(position)
        verdict = _verdict(rule, possible)
        if verdict is Verdict.SILENT:
            return Judged(rule, verdict, ordered, result, position, draft)
        needed = self.failed.behind(position)
        missing = self._missing(result, position) if verdict is Verdict.OPEN and not needed else ()
        return Judged(rule, verdict, ordered, result, position, draft, _bands(rule, possible), needed, missing)

    def _missing(self, result: AnswerResult, position: int) -> tuple[str, ...]:
        """What the record lacks of what a result needs, in words; what could not change it is not among it."""
        without_effect = {*self._failed_names(position), *self._irrelevant_names(position)}
        lacking = (each for each in missing_inputs(self.dependencies, position) if each.name not in without_effect)
        return tuple(missing_reasons(lacking)) or (_uncertain_words(result),)

    def _failed_names(self, position: int) -> Iterable[str]:
        for step in self.dependencies.steps(position):
            for given in self.dependencies.executions[step].inputs.values():
                if failure_reason(given) is not None:
                    yield given.slot.concept.display

    def _irrelevant_names(self, position: int) -> Iterable[str]:
        inputs = self.dependencies.executions[position].inputs
        return (inputs[name].slot.concept.display for name in self.dependencies.irrelevant_inputs(position))


def _ordered(leaf: BoundInput | None) -> Ordered:
    if leaf is None or leaf.value is False:
        return Ordered.NO
    if leaf.value is True:
        return Ordered.YES
    if failure_reason(leaf) is not None:
        return Ordered.UNSEARCHED
    if any(issue.code == _PROBABLE for issue in leaf.issues):
        return Ordered.PROBABLY
    unclear = bool(leaf.resources) and leaf.value != Absent(AbsentReason.NOT_FOUND)
    return Ordered.UNREADABLE if unclear or any(map(_is_of_undecoded, leaf.issues)) else Ordered.NO


def _is_of_undecoded(issue: Issue) -> bool:
    """Whether an issue is of entries that could not be decoded at all (``collectors.selection.event_state``).

    An order in a code that nobody knows here, whose words name no drug of the service, is of another drug: a card on
    each of these would hide those that matter.  What the entries say stands behind the colon.
    """
    return issue.code == _UNREAD and _UNDECODED in issue.text.partition(":")[0]


def _is_met(rule: CardRule, possible: PossibleResult) -> bool | None:
    """Whether the rule gives a card for a result; None where nothing is known of that."""
    if possible.is_open:
        return None
    return any(code in rule.bands for code in possible.codes) if rule.bands else possible.value is True


def _verdict(rule: CardRule, possible: tuple[PossibleResult, ...]) -> Verdict:
    met = {_is_met(rule, each) for each in possible}
    if met == {True}:
        return Verdict.CARD
    return Verdict.SILENT if met <= {False} else Verdict.OPEN


def _bands(rule: CardRule, possible: tuple[PossibleResult, ...]) -> tuple[Coding, ...]:
    codes = [code for each in possible for code in each.codes]
    return tuple(band for band in rule.bands if band in codes)


def _leaf_words(leaf: BoundInput, reason: AbsentReason) -> str:
    codes = {issue.code for issue in leaf.issues}
    why = absence_words(leaf.slot, reason, probable=_PROBABLE in codes, unread=_UNREAD in codes)
    return f"{begin_small(leaf.slot.concept.display)}: {why}"


def _uncertain_words(result: AnswerResult) -> str:
    """Of a result that nothing is missing from, and that cannot be judged all the same."""
    name = begin_small(result.concept.display)
    if isinstance(result.value, Absent):
        return f"{name}: {why_absent(result, result.circumstances.style)}"
    return f"{name}: {value_text(result, result.circumstances.style)} is not certain enough to be judged"

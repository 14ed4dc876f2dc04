"""The cautions of a card, in fixed words: nothing that a record or an order says enters them.

Issues on records name them and quote them.  Of these a card has the text that belongs to the code, with our concept's
label; what modules and their descriptions say of their inputs is ours already.
"""

from ontology.evaluation import Issue
from ontology.values import Absent
from ontology.words.lists import begin_small, shortened
from server.explain.cautions import cautions_that_matter
from server.explain.dependencies import Dependencies
from server.explain.phrases import SHORT_TEXTS
from server.explain.results import AnswerResult

_NAME = "{name}: "
_FROM_DESCRIPTIONS = frozenset({"applicability-unknown", "caution", "single-parameter"})
"""Made of the words of descriptions alone, wherever they are raised (``kinds.interpretation``)."""
_INAPPLICABLE = "not-applicable"
_JOINED = frozenset({"not-found", "not-recorded", "closed-world"})
"""Of several inputs as one, by the labels of their concepts (``phrases.joined_issues``)."""
_OF_SEARCHES = frozenset(
    {"source-unreachable", "source-refused", "scope-missing", "source-incomplete", "not-handed-in", "not-offered"}
)
"""Of the question as a whole: a card is there only where no search that failed matters to it."""


def card_cautions(result: AnswerResult, dependencies: Dependencies) -> tuple[str, ...]:
    """The cautions that matter, each once; ``dependencies``: of the trace that the result is of."""
    own = {(issue.code, issue.text) for execution in dependencies.executions for issue in execution.evaluation.issues}
    issues, _ = cautions_that_matter(result)
    if not isinstance(result.value, Absent):
        # That a step below did not apply does not limit what was judged without it.
        issues = [each for each in issues if each.code != _INAPPLICABLE]
    texts = (_fixed_text(result, issue, own) for issue in issues)
    return tuple(dict.fromkeys(begin_small(text.rstrip(".")) for text in texts if text))


def _fixed_text(result: AnswerResult, issue: Issue, own: set[tuple[str, str]]) -> str | None:
    """The issue in words of ours; None where it has none but those of a record."""
    if issue.code in _OF_SEARCHES:
        return None
    if issue.code in _FROM_DESCRIPTIONS or (issue.code, issue.text) in own:
        return issue.short or shortened(issue.text)
    if issue.code in _JOINED and issue.slot is None:
        return issue.short
    fixed = SHORT_TEXTS.get(issue.code)
    if fixed is None or not fixed.startswith(_NAME):
        return fixed
    name = _label(result, issue)
    return fixed.format(name=name) if name is not None else fixed.removeprefix(_NAME)


def _label(result: AnswerResult, issue: Issue) -> str | None:
    """The label of the concept that an issue is about."""
    if issue.slot is None:
        return None
    steps = result.chain if issue.step is None else result.chain[issue.step : issue.step + 1]
    grounds = (ground for step in reversed(steps) for ground in step.grounds)
    found = next((ground.concept.display for ground in grounds if ground.slot == issue.slot), None)
    return found if found is not None or result.leaf is None else result.leaf.concept.display

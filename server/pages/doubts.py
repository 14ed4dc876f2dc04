"""What could make a result wrong, the most severe first; what a score found in its inputs stands with its meaning."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ontology.evaluation import Issue, Severity
from ontology.values import Absent
from ontology.words.lists import begin_small
from ontology.words.time import age_words
from server.catalog.descriptions import Kind
from server.explain.cautions import (
    SINGLE,
    caution_text,
    each_once,
    every_caution_text,
    qualifiers,
    sorted_cautions,
    what_if,
    with_single_parameters,
)
from server.explain.results import AnswerResult, StepView
from server.explain.short_grounds import is_used
from server.explain.short_text import with_calendar_days
from server.pages.rendering import initial

_WIDE, _NARROW = 5, 2
"""So many cautions have room beside the number, and on a phone."""
_ORDER = (Severity.ERROR, Severity.WARNING, Severity.INFORMATION)


@dataclass(frozen=True, slots=True)
class Doubts:
    """``texts``: all cautions in short.  ``narrow`` of them are shown on a phone, else ``wide``.

    All that matter are shown on both.

    ``findings``: what is so and no reason for doubt.  ``in_full``: the cautions in their full words.
    ``aged``: the one of them that is the age of the oldest value.
    """

    findings: list[str]
    texts: list[str]
    narrow: int
    wide: int
    in_full: list[str]
    aged: str

    @property
    def shown(self) -> list[str]:
        """Those that have room where there is most."""
        return self.texts[: self.wide]

    @property
    def more_narrow(self) -> int:
        """How many more there are than a phone shows."""
        return len(self.texts) - self.narrow

    @property
    def more_wide(self) -> int:
        """How many more there are than are shown where there is most room."""
        return len(self.texts) - self.wide


def doubts_of(result: AnswerResult) -> Doubts:
    """The cautions of a result, and what it found."""
    single = [each for each in result.issues if each.code == SINGLE]
    others = tuple(each for each in result.issues if each.code != SINGLE)
    doubted = replace(result, make_issues=lambda: others, make_chain=lambda: result.chain)
    matter, general = (
        sorted(each, key=lambda issue: _ORDER.index(issue.severity)) for each in sorted_cautions(doubted)
    )
    first = _words([*qualifiers(result), *(_text(each, result) for each in matter), *what_if(matter)])
    aged = _oldest_observation(result)
    more = [*([aged] if aged else []), *_scale_used(result)]
    texts = _words([*first, *(_text(each, result) for each in general), *more])
    least = sum(each in first for each in texts)
    return Doubts(
        [f"{initial(each.text)}." for each in with_single_parameters(single)],
        texts,
        min(len(texts), max(least, _NARROW)),
        min(len(texts), max(least, _WIDE)),
        _words([*every_caution_text(doubted), *more]),
        initial(aged),
    )


def _words(texts: list[str]) -> list[str]:
    return [initial(with_calendar_days(each)) for each in each_once(texts)]


def _text(issue: Issue, result: AnswerResult) -> str:
    if issue.code == "not-within":
        # When it was measured, without the rule that asks.
        return f"{issue.text.partition(', more than ')[0]}: too old, not used{_known_without(issue, result)}"
    return caution_text(issue)


def _known_without(issue: Issue, result: AnswerResult) -> str:
    """That what an input is for is known without it: else the score would be taken for one that lacks it."""
    place = issue.step
    if place is None or place >= len(result.chain) - 1 or isinstance(result.chain[place].value, Absent):
        return ""
    return f"; {begin_small(result.chain[place].module.produces.display)} known without it"


def _observed(result: AnswerResult) -> StepView | None:
    """The step of a score of one set of observations that has a value."""
    step = result.step
    if step is None or step.module.within is None or isinstance(result.value, Absent):
        return None
    return step if step.module.kind is Kind.SCORE else None


def _oldest_observation(result: AnswerResult) -> str:
    step = _observed(result)
    if step is None or step.module.within is None:
        return ""
    used = (each for each in step.grounds if each.slot in step.module.within.slots and is_used(each))
    dated = [(each.effective, begin_small(each.concept.display)) for each in used if each.effective is not None]
    if not dated:
        return ""
    when, name = min(dated)
    return f"oldest value used: {name}, {age_words(when, result.at, result.circumstances.style)} old"


def _scale_used(result: AnswerResult) -> Iterator[str]:
    """What the module remarks on how it judged these values, such as the scale that it used."""
    step = _observed(result)
    if step is None:
        return
    conditional = {each.code for each in step.module.remarks if each.criterion is not None}
    for issue in result.issues:
        if issue.severity is Severity.INFORMATION and issue.code in conditional and issue.step == len(result.chain) - 1:
            yield caution_text(issue)

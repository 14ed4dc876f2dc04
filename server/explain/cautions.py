"""The cautions of an answer: those that matter, which are never left out, and how many general limits there are more.

What was recorded of a caution, what a source did not give, and a step back to an older record matter.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from ontology.evaluation import Issue, Severity
from ontology.values import Absent
from ontology.words.lists import begin_small, list_words
from server.explain.claims import WHAT_IF
from server.explain.phrases import joined_issues
from server.explain.results import AnswerResult
from server.explain.steps import ABSENCE_CODES, INPUT_ABSENT_CODE

# What is said of everybody alike, or of what is not known: limits that can be counted instead of shown.
_UNKNOWN_IF_APPLICABLE = "applicability-unknown"
_GENERAL_CODES = frozenset({_UNKNOWN_IF_APPLICABLE, "administrative-gender", "closed-world", INPUT_ABSENT_CODE})
# Something on record that contradicts an absence is a recorded caution.
_GENERAL_CODES |= ABSENCE_CODES - {"list-contradicted"}
# Reported for information, and what a reader asks for next all the same.
_ALWAYS_SHOWN = frozenset({"pending"})
# Whose full text names the record with its value, the entry in its own words, the source, or the day.
_IN_FULL = frozenset(
    {
        *("stepped-back", "unconvertible", "implausible", "bound-not-usable", "outside-validated-range"),
        *(
            "conflicting",
            "contradicted",
            "other-record",
            "left-out",
            "order-uncertain",
            "pending",
        ),
        *("codes-unreadable", "probable", "perhaps-over", "beyond-supply", "assumption"),
        *("source-unreachable", "source-refused", "source-incomplete", "part-missing", "not-handed-in"),
        *("death", "death-undated", "death-contradicted"),
    }
)
# That something is missing, without anything on record.
_MISSING = frozenset({INPUT_ABSENT_CODE, "not-found", "stale"})
_CAUTION_PREFIXES = ("Caution: ",)


def _caution_issues(result: AnswerResult) -> list[Issue]:
    """What speaks against the answer, each text once; why there is no attribution is said where it was asked for."""
    found: dict[str, Issue] = {}
    own = {each.text for each in result.attributions.values() if isinstance(each, Issue)}
    for issue in result.issues:
        in_headline = isinstance(result.value, Absent) and issue.code in ("not-applicable", "no-case", "undecided")
        shown = issue.severity is not Severity.INFORMATION or issue.code in _ALWAYS_SHOWN
        if shown and not in_headline and issue.text not in own:
            known = found.setdefault(issue.text, issue)
            if known.slot is not None and issue.slot is None:
                # A search that failed concerns every input that needs it: not only the first of them is named.
                found[issue.text] = issue
    return list(joined_issues(result, (each for each in found.values() if not _is_in_headline(result, each))))


def _is_in_headline(result: AnswerResult, issue: Issue) -> bool:
    """Whether the first line says it: that there is no value, since an input is missing or its module says so."""
    if not isinstance(result.value, Absent) or (issue.severity is Severity.ERROR and issue.code == "failed"):
        return False
    last = issue.step in (None, len(result.chain) - 1)
    if issue.code == INPUT_ABSENT_CODE and last:
        # The first line has what is missing at its root.
        return bool(result.missing)
    if issue.code in ("not-found", "not-recorded", "not-set") and last:
        name = _name_of_slot(result, issue)
        return name is not None and any(name in each.name for each in result.missing)
    return begin_small(issue.text).rstrip(".").casefold() in result.text.casefold()


def _name_of_slot(result: AnswerResult, issue: Issue) -> str | None:
    grounds = result.step.grounds if result.step is not None else ()
    return next((each.concept.display for each in grounds if each.slot == issue.slot), None)


def _is_general(issue: Issue, unconditional: frozenset[str]) -> bool:
    return issue.severity is not Severity.ERROR and (issue.code in _GENERAL_CODES or issue.code in unconditional)


def caution_text(issue: Issue, short: bool = True) -> str:
    """The text of a caution, in short where that says enough."""
    text = (issue.short if short and issue.code not in _IN_FULL else None) or issue.text
    for prefix in _CAUTION_PREFIXES:
        text = text.removeprefix(prefix)
    # Said once of all assumptions.
    return text.removesuffix(f"; {WHAT_IF}").rstrip(".")


def what_if(issues: list[Issue]) -> list[str]:
    """What is said once of all assumptions among the issues."""
    return [WHAT_IF] if any(issue.code == "assumption" for issue in issues) else []


def qualifiers(result: AnswerResult) -> list[str]:
    """What limits the claim itself."""
    qualifier = result.step.qualifier if result.step is not None else None
    return [qualifier.rstrip(".")] if qualifier else []


def describe_cautions(result: AnswerResult) -> str:
    """Those that matter, and how many more there are: never none of several."""
    shown, more = short_cautions(result)
    return "; ".join(map(_as_part, shown)) + (f" ({more} more: -v)" if more else "")


def short_cautions(result: AnswerResult) -> tuple[list[str], int]:
    """Those that matter, in their short texts where these say enough, and how many general limits there are more."""
    shown, more = cautions_that_matter(result)
    texts = [*qualifiers(result), *map(caution_text, shown), *what_if(shown)]
    return each_once(map(_as_part, texts)), more


def cautions_that_matter(result: AnswerResult) -> tuple[list[Issue], int]:
    """Their issues, what is recorded first, and how many general limits there are more."""
    shown, general = sorted_cautions(result)
    return shown, len(general)


def sorted_cautions(result: AnswerResult) -> tuple[list[Issue], list[Issue]]:
    """The cautions that matter, what is recorded first, and the general limits."""
    remarks = (remark for step in result.chain for remark in step.module.remarks)
    always = frozenset(each.code for each in remarks if each.criterion is None and not each.always_shown)
    issues = _caution_issues(result)
    own = frozenset(result.step.rebuttals) if result.step is not None else frozenset[str]()
    # Whether it applies at all is not known, or may be recorded and could not be read: the first things to ask.
    first = [each for each in issues if each.code == _UNKNOWN_IF_APPLICABLE and each.text in own]
    kept = [each for each in issues if each not in first and not _is_general(each, always)]
    general = [each for each in issues if each not in first and _is_general(each, always)]
    if isinstance(result.value, Absent):
        # The first line has said what is missing.
        general = [each for each in general if each.code not in _MISSING]
    if not first and not kept and general:
        first, general = general[:1], general[1:]
    kept = with_single_parameters(kept)
    # What is recorded comes before what could not be excluded.
    recorded = [each for each in kept if each.code == "caution"]
    kept = [each for each in kept if each.code != "caution"]
    return [*recorded, *first, *kept], general


SINGLE = "single-parameter"


def with_single_parameters(issues: list[Issue]) -> list[Issue]:
    """The issues, where several parameters of a score have the points of one: these as one, in its place."""
    single = [each for each in issues if each.code == SINGLE]
    if len(single) < 2:
        return issues
    parts = [each.text.partition(" alone scores ") for each in single]
    text = f"{list_words(begin_small(name) for name, _, _ in parts)} score {parts[0][2]} each"
    joined = replace(single[0], text=text, short=text, slot=None)
    return [joined if each is single[0] else each for each in issues if each is single[0] or each.code != SINGLE]


_OPEN = re.compile(r"\b(?:not documented|unknown|not excluded)\b", re.IGNORECASE)
_FEWEST_WORDS = 3


def each_once(texts: Iterable[str]) -> list[str]:
    """The texts, without one that another has in it.  What is only not excluded repeats nothing that is recorded."""
    once = list(dict.fromkeys(texts))
    small = [text.casefold() for text in once]
    return [
        text
        for text, own in zip(once, small, strict=True)
        if len(own.split()) < _FEWEST_WORDS
        or not any(own != each and own in each and not _OPEN.search(each) for each in small)
    ]


def _as_part(text: str) -> str:
    """Within a line: with a small letter, but for the name of a record."""
    return text if "/" in text.split(" ", 1)[0] else begin_small(text)


def every_caution_text(result: AnswerResult) -> list[str]:
    """All of them in full, what limits the claim itself first."""
    issues = _caution_issues(result)
    texts = [*qualifiers(result), *(caution_text(each, short=False) for each in issues), *what_if(issues)]
    return [f"{text[:1].upper()}{text[1:]}" for text in each_once(texts)]

"""The cautions of an answer: those that matter, which are never left out, and how many general limits there are more.

What was recorded of a caution, what a source did not give, and a step back to an older record matter.
"""

from ontology.evaluation import Issue, Severity
from ontology.values import Absent
from server.explain.claims import WHAT_IF
from server.explain.results import AnswerResult
from server.explain.steps import ABSENCE_CODES, INPUT_ABSENT_CODE

# What is said of everybody alike, or of what is not known: limits that can be counted instead of shown.
_UNKNOWN_IF_APPLICABLE = "applicability-unknown"
_GENERAL_CODES = frozenset({_UNKNOWN_IF_APPLICABLE, "administrative-gender", "closed-world", INPUT_ABSENT_CODE})
# Something on record that contradicts an absence is a recorded caution.
_GENERAL_CODES |= ABSENCE_CODES - {"list-contradicted"}
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
_CAUTION_PREFIXES = ("Caution: ",)


def _caution_issues(result: AnswerResult) -> list[Issue]:
    """What speaks against the answer, each text once; why there is no attribution is said where it was asked for."""
    found: dict[str, Issue] = {}
    own = {each.text for each in result.attributions.values() if isinstance(each, Issue)}
    for issue in result.issues:
        in_headline = isinstance(result.value, Absent) and issue.code in ("not-applicable", "no-case", "undecided")
        if issue.severity is not Severity.INFORMATION and not in_headline and issue.text not in own:
            known = found.setdefault(issue.text, issue)
            if known.slot is not None and issue.slot is None:
                # A search that failed concerns every input that needs it: not only the first of them is named.
                found[issue.text] = issue
    return list(found.values())


def _is_general(issue: Issue, unconditional: frozenset[str]) -> bool:
    return issue.severity is not Severity.ERROR and (issue.code in _GENERAL_CODES or issue.code in unconditional)


def _caution_text(issue: Issue, short: bool = True) -> str:
    text = (issue.short if short and issue.code not in _IN_FULL else None) or issue.text
    for prefix in _CAUTION_PREFIXES:
        text = text.removeprefix(prefix)
    # Said once of all assumptions.
    return text.removesuffix(f"; {WHAT_IF}").rstrip(".")


def _what_if(issues: list[Issue]) -> list[str]:
    return [WHAT_IF] if any(issue.code == "assumption" for issue in issues) else []


def _qualifiers(result: AnswerResult) -> list[str]:
    qualifier = result.step.qualifier if result.step is not None else None
    return [qualifier.rstrip(".")] if qualifier else []


def describe_cautions(result: AnswerResult) -> str:
    """Those that matter, and how many more there are: never none of several."""
    always = frozenset(
        remark.code for step in result.chain for remark in step.module.remarks if remark.criterion is None
    )
    issues = _caution_issues(result)
    own = frozenset(result.step.rebuttals) if result.step is not None else frozenset[str]()
    # Whether it applies at all is not known, or may be recorded and could not be read: the first things to ask.
    first = [each for each in issues if each.code == _UNKNOWN_IF_APPLICABLE and each.text in own]
    kept = [each for each in issues if each not in first and not _is_general(each, always)]
    general = [each for each in issues if each not in first and _is_general(each, always)]
    if isinstance(result.value, Absent):
        # The first line has said what is missing.
        general = [each for each in general if each.code != INPUT_ABSENT_CODE]
    if not first and not kept and general:
        first, general = general[:1], general[1:]
    # What is recorded comes before what could not be excluded.
    recorded = [each for each in kept if each.code == "caution"]
    kept = [each for each in kept if each.code != "caution"]
    shown = [*_qualifiers(result), *(_caution_text(each) for each in (*recorded, *first, *kept))]
    more = f" ({len(general)} more: -v)" if general else ""
    return "; ".join(dict.fromkeys([*shown, *_what_if(kept)])) + more


def every_caution_text(result: AnswerResult) -> list[str]:
    """All of them in full, what limits the claim itself first."""
    issues = _caution_issues(result)
    texts = (_caution_text(each, short=False) for each in issues)
    return [*_qualifiers(result), *texts, *_what_if(issues)]

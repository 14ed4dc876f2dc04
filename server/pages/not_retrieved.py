"""What a source did not give: said as such, since it may be on record, and never as "not found"."""

from collections.abc import Iterable

from ontology.values import Absent
from ontology.words.lists import list_words
from server.explain.failed_searches import FAILED_REASONS
from server.explain.results import AnswerResult, GroundView

_CODES = frozenset(
    {
        "source-unreachable",
        "source-refused",
        "source-version",
        "source-incomplete",
        "part-missing",
        "scope-missing",
        "not-offered",
        "not-joined",
    }
)
"""Issues of searches that were not made, not answered, or not in full (``docs/issues.md``)."""
_IN_PART = "part-missing"
_OF_A_TYPE = " could not be retrieved: "


def lacks_records(result: AnswerResult) -> bool:
    """Whether the value lacks records that were not retrieved, or not in full.

    What only decides whom a module is for is a caution, and what was searched for another answer lacks nowhere here.
    """
    if any(issue.code == _IN_PART for issue in result.issues):
        return True
    inputs = [each for step in result.chain for each in step.grounds if not each.input.applicability_only]
    return any(was_not_retrieved(each) for each in ([result.leaf] if result.leaf is not None else inputs))


def was_not_retrieved(ground: GroundView) -> bool:
    """Whether an input is absent since its search was not answered: that says nothing of the record."""
    return isinstance(ground.value, Absent) and ground.value.reason in FAILED_REASONS


def not_retrieved(results: Iterable[AnswerResult]) -> list[str]:
    """In sentences, each once, what the sources did not give; the types that failed for one reason together."""
    texts = dict.fromkeys(issue.text for each in results for issue in each.issues if issue.code in _CODES)
    by_reason: dict[str, list[str]] = {}
    for text in texts:
        kind, found, why = text.rstrip(".").partition(_OF_A_TYPE)
        by_reason.setdefault(f"{found}{why}" if found else "", []).append(kind)
    return [f"{names}{why}." for why, kinds in by_reason.items() for names in ([list_words(kinds)] if why else kinds)]

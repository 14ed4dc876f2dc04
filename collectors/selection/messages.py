"""The messages of selection.  They name records, so they are never cached."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from collectors.reading.records import Fact
from ontology.evaluation import Issue, Severity
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason
from ontology.words.absence import recorded_reason_words
from ontology.words.lists import MAX_LISTED, count_words, truncated_list
from ontology.words.time import exact_span_words
from ontology.words.values import recorded_words


def slot_issue(slot: Slot, code: str, text: str, severity: Severity = Severity.WARNING) -> Issue:
    """An issue of this slot."""
    return Issue(severity, code, text, slot.name)


def issue_per_fact(slot: Slot, code: str, facts: Sequence[Fact], text: Callable[[Fact], str]) -> list[Issue]:
    """One issue for each fact, worded by ``text``, up to MAX_LISTED; one more counts the others."""
    issues = [slot_issue(slot, code, text(fact)) for fact in facts[:MAX_LISTED]]
    if (rest := len(facts) - MAX_LISTED) > 0:
        issues.append(slot_issue(slot, code, f"The same applies to {count_words(rest, 'more record')}."))
    return issues


def fact_issues(slot: Slot, facts: list[Fact]) -> list[Issue]:
    """The issues of the facts themselves (preliminary, caution of the code), without duplicates."""
    return list(dict.fromkeys(replace(issue, slot=slot.name) for fact in facts for issue in fact.issues))


def fact_label(fact: Fact) -> str:
    """A fact's record and its time: "Observation/17 of 2024-03-01 10:00 UTC"."""
    when = fact.resource.effective
    return fact.record.name + (f" of {exact_span_words(when)}" if when is not None else " (undated)")


def recorded_text(fact: Fact) -> str:
    """The recorded value as written, else as read; for an absence its reason and details."""
    resource = fact.resource
    if not isinstance(resource.value, Absent):
        return resource.recorded or recorded_words(resource.value)
    words = recorded_reason_words(resource.value.reason)
    details = "; ".join(part for part in (resource.recorded, resource.problem) if part)
    return f"{words} ({details})" if details else words


def describe_facts(facts: Sequence[Fact], unseen: int = 0, most: int = MAX_LISTED) -> str:
    """The facts with their recorded values, truncated to ``most``; ``unseen`` counts further ones not given here."""
    texts = (
        f"{fact_label(fact)} says {recorded_text(fact)}{' (preliminary)' if fact.preliminary else ''}"
        for fact in facts[:most]
    )
    return truncated_list(texts, most, len(facts[most:]) + unseen, "; ")


# The reason of a group is the first of these that occurs in it, so that it does not depend on the order of facts.
_REASONS_BY_PRIORITY = (
    AbsentReason.CONFLICTING,
    AbsentReason.IMPLAUSIBLE,
    AbsentReason.UNCONVERTIBLE,
    AbsentReason.RECORDED_UNKNOWN,
)


def common_reason(facts: Iterable[Fact]) -> AbsentReason:
    """The reason why these facts give no value; UNCONVERTIBLE where none of them is absent by itself."""
    reasons = {fact.resource.value.reason for fact in facts if isinstance(fact.resource.value, Absent)}
    return next((reason for reason in _REASONS_BY_PRIORITY if reason in reasons), AbsentReason.UNCONVERTIBLE)


def absence_code(reason: AbsentReason) -> str:
    """The issue code of an absence: ``RECORDED_UNKNOWN`` is ``recorded-unknown``."""
    return reason.value.lower().replace("_", "-")

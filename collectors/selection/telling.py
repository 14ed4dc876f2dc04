"""The sentences with which selection tells what it met.  They name records, so they are bound anew on each run."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from collectors.reading.records import Fact
from collectors.reading.timing import in_words
from ontology.evaluation import Issue, Severity
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason, Bound, Coding, Quantity, Value

_REASON_WORDS = {
    AbsentReason.RECORDED_UNKNOWN: "unknown",
    AbsentReason.IMPLAUSIBLE: "an implausible value",
    AbsentReason.UNCONVERTIBLE: "a value that cannot be read",
}


MOST = 5
"""How many records one text names, and how many issues of one kind one step tells; the others are counted."""


def say(slot: Slot, code: str, text: str, severity: Severity = Severity.WARNING) -> Issue:
    """An issue of this slot."""
    return Issue(severity, code, text, slot.name)


def say_each(slot: Slot, code: str, facts: Sequence[Fact], text: Callable[[Fact], str]) -> list[Issue]:
    """One issue for each fact, as ``text`` tells it; of many, one more that counts those that are not named."""
    issues = [say(slot, code, text(fact)) for fact in facts[:MOST]]
    if (rest := len(facts) - MOST) > 0:
        issues.append(say(slot, code, f"So it is with {rest} more record(s)."))
    return issues


def told(slot: Slot, facts: list[Fact]) -> list[Issue]:
    """What the facts themselves have to tell (preliminary, caution of the code), each thing once."""
    return list(dict.fromkeys(replace(issue, slot=slot.name) for fact in facts for issue in fact.issues))


def named(fact: Fact) -> str:
    """A fact's record and its time: "Observation/17 of 2024-03-01 10:00 UTC"."""
    when = fact.resource.effective
    return fact.record.name + (f" of {in_words(when)}" if when is not None else " (undated)")


def said(fact: Fact) -> str:
    """What the record says, in its own words where it has any."""
    resource = fact.resource
    if not isinstance(resource.value, Absent):
        return resource.recorded or shown(resource.value)
    words = _REASON_WORDS.get(resource.value.reason, "no value")
    details = "; ".join(part for part in (resource.recorded, resource.problem) if part)
    return f"{words} ({details})" if details else words


def quoted(facts: Sequence[Fact], unseen: int = 0, most: int = MOST) -> str:
    """What each record says, and how many more there are; ``unseen`` of them are not among the facts."""
    texts = [f"{named(fact)} says {said(fact)}{' (preliminary)' if fact.preliminary else ''}" for fact in facts[:most]]
    rest = len(facts) - len(texts) + unseen
    return "; ".join(texts) + (f" and {rest} more" if rest else "")


def cut_short(names: Iterable[str], most: int = MOST) -> str:
    """Names in their order; of many the first ones, and how many more there are."""
    ordered = sorted(names)
    rest = len(ordered) - most
    return ", ".join(ordered[:most]) + (f" and {rest} more" if rest > 0 else "")


def shown(value: Value) -> str:
    """A value in short."""
    if isinstance(value, Quantity):
        return f"{value.value} {value.unit}"
    if isinstance(value, Bound):
        return f"{value.comparator}{value.value} {value.unit}"
    if isinstance(value, Coding):
        return value.display or value.code
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "no value" if isinstance(value, Absent) else str(value)


# A group of facts is absent for the first of these reasons that is met in it: never for what depends on their order.
_GRAVEST_FIRST = (AbsentReason.IMPLAUSIBLE, AbsentReason.UNCONVERTIBLE, AbsentReason.RECORDED_UNKNOWN)


def common_reason(facts: Iterable[Fact]) -> AbsentReason:
    """Why these facts together give no value; UNCONVERTIBLE where they have values that cannot be used."""
    met = {fact.resource.value.reason for fact in facts if isinstance(fact.resource.value, Absent)}
    return next((reason for reason in _GRAVEST_FIRST if reason in met), AbsentReason.UNCONVERTIBLE)


def absence_code(reason: AbsentReason) -> str:
    """The stable word for an absence: ``RECORDED_UNKNOWN`` is ``recorded-unknown``."""
    return reason.value.lower().replace("_", "-")

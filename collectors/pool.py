"""The facts of one concept, and the view of them as of a time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from collectors.facts import Failure
from collectors.records import CodedCondition, Fact, Record
from collectors.telling import named, say
from ontology.evaluation import Issue, Severity
from ontology.slots import Slot
from ontology.times import Span
from ontology.values import Absent


@dataclass(frozen=True, slots=True)
class Pool:
    """Everything read for one concept.

    ``fault`` names the element in which a record breaks FHIR's rules (None: it is sound).  ``coded`` are all
    conditions of the patient, ``undecoded`` how many more could not even be decoded.
    """

    facts: tuple[Fact, ...]
    fault: Callable[[Record], str | None]
    failure: Failure | None = None
    coded: tuple[CodedCondition, ...] = ()
    undecoded: int = 0


@dataclass(slots=True)
class View:
    """The facts known as of a time, inside and before the slot's window, and what to tell of the others."""

    inside: list[Fact]
    older: list[Fact]
    issues: list[Issue]


def view(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> View:
    """Divides the facts by time: a fact holds from the end of its span, and its age counts from the start."""
    seen = View([], [], [])
    undated: list[Fact] = []
    unsure: list[Fact] = []
    unissued: list[Fact] = []
    for fact in pool.facts:
        span = fact.resource.effective
        issued = fact.resource.issued
        if issued is not None and issued > known_at:
            if span is not None and span.end <= as_of:
                unissued.append(fact)
            continue
        if span is None:
            undated.append(fact)
        elif span.end > as_of:
            if span.start <= as_of:
                unsure.append(fact)
        elif slot.window is not None and as_of - span.start > slot.window:
            seen.older.append(fact)
        else:
            seen.inside.append(fact)
    if undated:
        names = listed(undated)
        seen.issues.append(say(slot, "undated", f"Left out, since nothing places it in time: {names}."))
    if unsure:
        text = f"Left out, since it may be of a later time than asked for: {listed(unsure)}."
        seen.issues.append(say(slot, "time-imprecise", text, Severity.INFORMATION))
    if unissued:
        text = f"Left out, since it was issued only after the time asked for: {listed(unissued)}."
        seen.issues.append(say(slot, "not-yet-issued", text, Severity.INFORMATION))
    return seen


def listed(facts: Iterable[Fact], most: int = 5) -> str:
    """The records of facts by name, in an order of their own, and how many more there are."""
    names = sorted({named(fact) for fact in facts})
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def sound(slot: Slot, pool: Pool, facts: Iterable[Fact], issues: list[Issue]) -> list[Fact]:
    """The facts whose records keep FHIR's rules; each other one is left out with an issue that names the element."""
    kept: list[Fact] = []
    for fact in facts:
        element = pool.fault(fact.record)
        if element is None:
            kept.append(fact)
        else:
            text = f"{named(fact)} was left out: its element {element} is not as FHIR requires."
            issues.append(say(slot, "invalid-record", text))
    return kept


def grouped(facts: Iterable[Fact]) -> list[list[Fact]]:
    """Facts of one and the same span together, oldest first; within a group by record."""
    groups: dict[tuple[datetime, datetime], list[Fact]] = {}
    for fact in facts:
        span = span_of(fact)
        groups.setdefault((span.end, span.start), []).append(fact)
    return [sorted(groups[key], key=lambda fact: fact.resource.iri) for key in sorted(groups)]


def span_of(fact: Fact) -> Span:
    """The span of a placed fact."""
    if fact.resource.effective is None:
        raise ValueError("an undated fact has no place in time")
    return fact.resource.effective


def readable(fact: Fact) -> bool:
    """Whether the fact has a value at all."""
    return not isinstance(fact.resource.value, Absent)

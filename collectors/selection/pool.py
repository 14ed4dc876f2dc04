"""The facts of one concept, and the view of them as of a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from collectors.facts import Failure
from collectors.reading.records import CodedEntry, Fact, Record
from collectors.selection.same_day import by_then
from collectors.selection.telling import MOST, cut_short, named, say, say_each
from collectors.selection.timeline import Timeline
from ontology.evaluation import Issue, Severity
from ontology.slots import Slot
from ontology.times import Span
from ontology.values import Absent


@dataclass(frozen=True, slots=True)
class Pool:
    """Everything read for one concept.

    ``fault`` names the element in which a record breaks FHIR's rules (None: it is sound).  ``failures`` are the
    searches for it that failed; ``answered``: one did not.  ``coded`` are all entries of the concept's origin (all
    conditions of the patient), ``undecoded`` how many more could not even be decoded.  ``systems`` are the
    code systems in which the concept was looked for (None: those that it accepts).  ``unverified``: why it is not
    known whether there is such a patient.
    """

    facts: tuple[Fact, ...]
    fault: Callable[[Record], str | None]
    failures: tuple[Failure, ...] = ()
    answered: bool = True
    coded: tuple[CodedEntry, ...] = ()
    undecoded: int = 0
    systems: frozenset[str] | None = None
    unverified: Failure | None = None
    _timelines: dict[datetime, Timeline] = field(default_factory=dict, init=False, repr=False, compare=False)
    _foreign: dict[frozenset[str], tuple[CodedEntry, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def timeline(self, known_at: datetime) -> Timeline:
        """The facts in the order of time, as they were known then; laid out once."""
        found = self._timelines.get(known_at)
        if found is None:
            found = self._timelines[known_at] = Timeline(self.facts, known_at)
        return found

    def foreign(self, systems: frozenset[str]) -> tuple[CodedEntry, ...]:
        """The entries that were read and are in none of these systems, of whatever time; sought once."""
        found = self._foreign.get(systems)
        if found is None:
            entries = (each for each in self.coded if each.why is None and not (each.systems & systems))
            found = self._foreign[systems] = tuple(entries)
        return found


@dataclass(slots=True)
class View:
    """The facts known as of a time, inside and before the slot's window, and what to tell of the others.

    Both lists are in the order of the ends of their spans.
    ``exact``: all times are instants.
    """

    inside: list[Fact]
    older: list[Fact]
    issues: list[Issue]
    exact: bool = False


def view(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> View:
    """Divides the facts by time, and tells what is left out."""
    timeline = pool.timeline(known_at)
    seen = View(*timeline.until(as_of, slot.window), [], timeline.exact)
    uncounted = [each for each in timeline.uncounted if (span := each.resource.effective) and span.start <= as_of]
    if uncounted:
        text = f"Left out, since the record itself says that it does not count: {listed(uncounted)}."
        seen.issues.append(say(slot, "uncounted", text, Severity.INFORMATION))
    undated, unissued, unsure = timeline.undated, timeline.unissued(as_of), []
    for fact in timeline.unsure(as_of):
        if (known := by_then(fact, as_of)) is fact:
            unsure.append(fact)
        else:
            too_old = slot.window is not None and as_of - span_of(known).start > slot.window
            (seen.older if too_old else seen.inside).append(known)
    if undated:
        names = listed(undated)
        seen.issues.append(say(slot, "undated", f"Left out, since nothing places it in time: {names}."))
    if unsure:
        text = f"Left out, since it may be of a later time than asked for: {listed(unsure)}."
        seen.issues.append(say(slot, "time-imprecise", text))
    if unissued:
        text = f"Left out, since it was issued only after the time asked for: {listed(unissued)}."
        seen.issues.append(say(slot, "not-yet-issued", text, Severity.INFORMATION))
    return seen


def listed(facts: Iterable[Fact], most: int = MOST) -> str:
    """The records of facts by name, in an order of their own, and how many more there are."""
    return cut_short({named(fact) for fact in facts}, most)


def sound(slot: Slot, pool: Pool, facts: Iterable[Fact], issues: list[Issue]) -> list[Fact]:
    """The facts whose records keep FHIR's rules; the others are left out, with issues that name the element."""
    kept: list[Fact] = []
    broken: dict[int, str] = {}
    unsound: list[Fact] = []
    for fact in facts:
        element = pool.fault(fact.record)
        if element is None:
            kept.append(fact)
        else:
            unsound.append(fact)
            broken[id(fact)] = element
    if unsound:
        issues.extend(say_each(slot, "invalid-record", unsound, lambda fact: _unsound(fact, broken[id(fact)])))
    return kept


def _unsound(fact: Fact, element: str) -> str:
    return f"{named(fact)} was left out: its element {element} is not as FHIR requires."


def grouped(facts: Iterable[Fact]) -> list[list[Fact]]:
    """Facts of one and the same span together, oldest first; within a group by record."""
    groups: dict[tuple[datetime, datetime], list[Fact]] = {}
    for fact in facts:
        span = span_of(fact)
        groups.setdefault((span.end, span.start), []).append(fact)
    ordered = (groups[key] for key in sorted(groups))
    return [sorted(each, key=lambda fact: fact.resource.iri) if len(each) > 1 else each for each in ordered]


def from_newest(facts: Sequence[Fact]) -> Iterator[list[Fact]]:
    """The groups of ``grouped``, newest first, each made when it is asked for: mostly the first one will do.

    The facts must be in the order of the ends of their spans, as those of a ``View`` are.
    """
    last = len(facts)
    while last:
        first = last - 1
        end = span_of(facts[first]).end
        while first and span_of(facts[first - 1]).end == end:
            first -= 1
        yield from reversed(grouped(facts[first:last]))
        last = first


def span_of(fact: Fact) -> Span:
    """The span of a placed fact."""
    if fact.resource.effective is None:
        raise ValueError("an undated fact has no place in time")
    return fact.resource.effective


def readable(fact: Fact) -> bool:
    """Whether the fact has a value at all."""
    return not isinstance(fact.resource.value, Absent)

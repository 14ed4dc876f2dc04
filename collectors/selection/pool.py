"""The facts of one concept in the order of time, and the view of them as of a time.

A view costs what lies in its window, not all that is on record: a series of a computed value needs one view for each
of its points.  A fact that is dated by the day asked about counts where it was on record by the time asked about.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta

import msgspec

from collectors.facts import Failure
from collectors.reading.records import CodedEntry, Fact, Record
from collectors.selection.messages import MAX_LISTED, fact_label, issue_per_fact, slot_issue, truncated_list
from ontology.evaluation import Issue, Severity
from ontology.resources import Span
from ontology.slots import Slot
from ontology.values import Absent

# A window counted back on the clock and one counted in seconds differ by a change of the clock at most.
_CLOCK_CHANGE = timedelta(days=1)


class FactTimeline:
    """The facts of one concept, those known at a time apart from those issued only later; each by its span's end.

    ``undated``, ``uncounted`` (doubted or denied by the record itself) and ``pending`` ones have no place in it.
    """

    __slots__ = ("_ends", "_later", "_later_ends", "_longest", "_placed", "pending", "uncounted", "undated")

    def __init__(self, facts: Iterable[Fact], known_at: datetime) -> None:
        placed: list[tuple[datetime, Fact]] = []
        later: list[tuple[datetime, Fact]] = []
        self.undated: list[Fact] = []
        self.pending: list[Fact] = []
        self.uncounted: list[Fact] = []
        self._longest = timedelta(0)
        for fact in facts:
            span, issued = fact.resource.effective, fact.resource.issued
            known = issued is None or issued <= known_at
            if fact.pending:
                if known:
                    self.pending.append(fact)
            elif fact.doubted is not None or fact.negated is not None:
                # Says itself that it does not count: only told.
                if known:
                    self.uncounted.append(fact)
            elif span is not None:
                (placed if known else later).append((span.end, fact))
                self._longest = max(self._longest, span.end - span.start)
            elif known:
                self.undated.append(fact)
        self._ends, self._placed = _sorted_by_end(placed)
        self._later_ends, self._later = _sorted_by_end(later)

    @property
    def instants_only(self) -> bool:
        """Whether every fact holds for an instant, so that those of two times never overlap."""
        return not self._longest

    def facts_until(self, as_of: datetime, window: timedelta | None) -> tuple[list[Fact], list[Fact]]:
        """The known facts that hold by ``as_of``: those inside the window, and the older ones; a fact holds from
        the end of its span, and its age counts from the start."""
        last = bisect_right(self._ends, as_of)
        if window is None:
            return self._placed[:last], []
        first, sure = 0, last
        try:
            edge = as_of - window
            first = bisect_left(self._ends, edge - _CLOCK_CHANGE, 0, last)
            if self.instants_only:
                # Of instants, only those near the window's edge can lie on either side of it.
                sure = bisect_right(self._ends, edge + _CLOCK_CHANGE, first, last)
        except OverflowError:
            pass
        older = self._placed[:first]
        inside: list[Fact] = []
        for fact in self._placed[first:sure]:
            span = fact.resource.effective
            # A course of samples reaches into the window with its last ones.
            too_old = span is not None and as_of - (span.end if fact.samples else span.start) > window
            (older if too_old else inside).append(fact)
        inside += self._placed[sure:last]
        return inside, older

    def possibly_later(self, as_of: datetime) -> list[Fact]:
        """The known facts that began by ``as_of`` and may have happened after it."""
        if self.instants_only:
            return []
        following = self._placed[bisect_right(self._ends, as_of) :]
        return [fact for fact in following if fact.resource.effective and fact.resource.effective.start <= as_of]

    def not_yet_issued(self, as_of: datetime) -> list[Fact]:
        """The facts that hold by ``as_of`` and were not known yet."""
        return self._later[: bisect_right(self._later_ends, as_of)]


def _sorted_by_end(facts: list[tuple[datetime, Fact]]) -> tuple[list[datetime], list[Fact]]:
    facts.sort(key=lambda each: each[0])
    return [end for end, _ in facts], [fact for _, fact in facts]


_MINUTE = timedelta(minutes=1)


def clip_same_day(fact: Fact, as_of: datetime) -> Fact:
    """The same fact, where its day or minute holds ``as_of`` and it is on record by then: with a time that ends there.

    Nothing else changes: what is dated by a month, or lasts (a period), may still be going on.
    """
    span = fact.resource.effective
    if span is None or not span.start <= as_of < span.end or fact.samples or not _is_day_or_minute(span):
        return fact
    issued = fact.resource.issued
    known = issued is not None and span.start <= issued <= as_of
    if not known and not updated_between(fact.record, span.start, as_of):
        return fact
    return msgspec.structs.replace(fact, resource=replace(fact.resource, effective=Span(span.start, as_of)))


def updated_between(record: Record, since: datetime, until: datetime) -> bool:
    """Whether the source says that this version of the record was made between these times."""
    if record.last_updated is None:
        return False
    try:
        updated = datetime.fromisoformat(record.last_updated)
    except ValueError:
        return False
    return updated.tzinfo is not None and since <= updated <= until


def _is_day_or_minute(span: Span) -> bool:
    """Whether it is a day or a minute, as a time without a part is read."""
    start, end = span.start, span.end
    whole_day = start.date() == end.date() and start.time() == time.min and end.time() == time.max
    return whole_day or end - start < _MINUTE


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
    invalid_element: Callable[[Record], str | None]
    failures: tuple[Failure, ...] = ()
    answered: bool = True
    coded: tuple[CodedEntry, ...] = ()
    undecoded: int = 0
    systems: frozenset[str] | None = None
    patient_failure: Failure | None = None
    _timelines: dict[datetime, FactTimeline] = field(default_factory=dict, init=False, repr=False, compare=False)
    _entries_by_systems: dict[frozenset[str], tuple[CodedEntry, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def timeline(self, known_at: datetime) -> FactTimeline:
        """The facts in the order of time, as they were known then; laid out once."""
        found = self._timelines.get(known_at)
        if found is None:
            found = self._timelines[known_at] = FactTimeline(self.facts, known_at)
        return found

    def entries_in_other_systems(self, systems: frozenset[str]) -> tuple[CodedEntry, ...]:
        """The entries that were read and are in none of these systems, of whatever time; sought once."""
        found = self._entries_by_systems.get(systems)
        if found is None:
            entries = (each for each in self.coded if each.incomplete_reason is None and not (each.systems & systems))
            found = self._entries_by_systems[systems] = tuple(entries)
        return found


@dataclass(slots=True)
class View:
    """The facts known as of a time, inside and before the slot's window, and what to tell of the others.

    Both lists are in the order of the ends of their spans.
    ``exact``: all times are instants.
    """

    in_window: list[Fact]
    before_window: list[Fact]
    issues: list[Issue]
    instants_only: bool = False


def view_as_of(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> View:
    """Divides the facts by time, and tells what is left out."""
    timeline = pool.timeline(known_at)
    seen = View(*timeline.facts_until(as_of, slot.window), [], timeline.instants_only)
    uncounted = [each for each in timeline.uncounted if (span := each.resource.effective) and span.start <= as_of]
    if uncounted:
        text = f"Left out, since the record itself says that it does not count: {list_facts(uncounted)}."
        seen.issues.append(slot_issue(slot, "uncounted", text, Severity.INFORMATION))
    undated, unissued, unsure = timeline.undated, timeline.not_yet_issued(as_of), []
    for fact in timeline.possibly_later(as_of):
        if (known := clip_same_day(fact, as_of)) is fact:
            unsure.append(fact)
        else:
            too_old = slot.window is not None and as_of - span_of(known).start > slot.window
            (seen.before_window if too_old else seen.in_window).append(known)
    if undated:
        names = list_facts(undated)
        seen.issues.append(slot_issue(slot, "undated", f"Left out, since nothing places it in time: {names}."))
    if unsure:
        text = f"Left out, since it may be of a later time than asked for: {list_facts(unsure)}."
        seen.issues.append(slot_issue(slot, "time-imprecise", text))
    if unissued:
        text = f"Left out, since it was issued only after the time asked for: {list_facts(unissued)}."
        seen.issues.append(slot_issue(slot, "not-yet-issued", text, Severity.INFORMATION))
    return seen


def list_facts(facts: Iterable[Fact], most: int = MAX_LISTED) -> str:
    """The records of facts by name, in an order of their own, and how many more there are."""
    return truncated_list({fact_label(fact) for fact in facts}, most)


def valid_facts(slot: Slot, pool: Pool, facts: Iterable[Fact], issues: list[Issue]) -> list[Fact]:
    """The facts whose records keep FHIR's rules; the others are left out, with issues that name the element."""
    kept: list[Fact] = []
    broken: dict[int, str] = {}
    unsound: list[Fact] = []
    for fact in facts:
        element = pool.invalid_element(fact.record)
        if element is None:
            kept.append(fact)
        else:
            unsound.append(fact)
            broken[id(fact)] = element
    if unsound:
        issues.extend(
            issue_per_fact(slot, "invalid-record", unsound, lambda fact: _invalid_record_text(fact, broken[id(fact)]))
        )
    return kept


def _invalid_record_text(fact: Fact, element: str) -> str:
    return f"{fact_label(fact)} was left out: its element {element} is not as FHIR requires."


def group_by_time(facts: Iterable[Fact]) -> list[list[Fact]]:
    """Facts of one and the same span together, oldest first; within a group by record."""
    groups: dict[tuple[datetime, datetime], list[Fact]] = {}
    for fact in facts:
        span = span_of(fact)
        groups.setdefault((span.end, span.start), []).append(fact)
    ordered = (groups[key] for key in sorted(groups))
    return [sorted(each, key=lambda fact: fact.resource.iri) if len(each) > 1 else each for each in ordered]


def groups_newest_first(facts: Sequence[Fact]) -> Iterator[list[Fact]]:
    """The groups of ``grouped``, newest first, each made when it is asked for: mostly the first one will do.

    The facts must be in the order of the ends of their spans, as those of a ``View`` are.
    """
    last = len(facts)
    while last:
        first = last - 1
        end = span_of(facts[first]).end
        while first and span_of(facts[first - 1]).end == end:
            first -= 1
        yield from reversed(group_by_time(facts[first:last]))
        last = first


def span_of(fact: Fact) -> Span:
    """The span of a placed fact."""
    if fact.resource.effective is None:
        raise ValueError("an undated fact has no place in time")
    return fact.resource.effective


def has_value(fact: Fact) -> bool:
    """Whether the fact has a value at all."""
    return not isinstance(fact.resource.value, Absent)

"""The facts of one concept in the order of time, and the view of them as of a time.

The cost of a view depends on the facts in its window, not on all: a series of a computed value needs a view for each
of its points.  A fact dated by the day of the evaluation time counts where it was on record by that time.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any

import msgspec

from collectors.facts import Failure
from collectors.reading.codes import wider_codes
from collectors.reading.list_entries import ListReview
from collectors.reading.records import CodedEntry, Fact, Record
from collectors.selection.messages import fact_label, issue_per_fact, slot_issue
from ontology.concepts import Concept
from ontology.evaluation import Issue, Severity
from ontology.resources import Span
from ontology.slots import Slot
from ontology.values import Absent
from ontology.words.lists import MAX_LISTED, truncated_list

# A window counted back on the clock and one counted in seconds differ by a change of the clock at most.
_CLOCK_CHANGE = timedelta(days=1)


class FactTimeline:
    """The facts of one concept by the end of their span; those issued after ``known_at`` are kept separately.

    ``undated``, ``uncounted`` (doubted or negated by the record itself), ``excluded`` (by their codes) and ``pending``
    facts are not on the timeline.
    """

    __slots__ = (
        "_ends",
        "_later",
        "_later_ends",
        "_longest",
        "_placed",
        "excluded",
        "pending",
        "uncounted",
        "undated",
    )

    def __init__(self, facts: Iterable[Fact], known_at: datetime) -> None:
        placed: list[tuple[datetime, Fact]] = []
        later: list[tuple[datetime, Fact]] = []
        self.undated: list[Fact] = []
        self.pending: list[Fact] = []
        self.uncounted: list[Fact] = []
        self.excluded: list[Fact] = []
        self._longest = timedelta(0)
        for fact in facts:
            span, issued = fact.resource.effective, fact.resource.issued
            known = issued is None or issued <= known_at
            if fact.pending:
                if known:
                    self.pending.append(fact)
            elif fact.excluded is not None:
                if known:
                    self.excluded.append(fact)
            elif fact.doubted is not None or fact.negated is not None:
                # The record itself says that it does not count: only reported.
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
        """Whether every fact is an instant, so that facts of two times never overlap."""
        return not self._longest

    def facts_until(self, as_of: datetime, window: timedelta | None) -> tuple[list[Fact], list[Fact]]:
        """The known facts up to ``as_of``, as (inside the window, older); a fact counts from the end of its span,
        and its age is measured from the start."""
        last = bisect_right(self._ends, as_of)
        if window is None:
            return self._placed[:last], []
        first, sure = 0, last
        try:
            edge = as_of - window
            first = bisect_left(self._ends, edge - _CLOCK_CHANGE, 0, last)
            if self.instants_only:
                # Of instants, only those near the window's edge need to be compared with it.
                sure = bisect_right(self._ends, edge + _CLOCK_CHANGE, first, last)
        except OverflowError:
            pass
        older = self._placed[:first]
        inside: list[Fact] = []
        for fact in self._placed[first:sure]:
            span = fact.resource.effective
            # SampledData reaches into the window with its last samples.
            too_old = span is not None and as_of - (span.end if fact.samples else span.start) > window
            (older if too_old else inside).append(fact)
        inside += self._placed[sure:last]
        return inside, older

    def possibly_later(self, as_of: datetime) -> list[Fact]:
        """The known facts whose span includes ``as_of``, so that they may have happened after it."""
        if self.instants_only:
            return []
        following = self._placed[bisect_right(self._ends, as_of) :]
        return [fact for fact in following if fact.resource.effective and fact.resource.effective.start <= as_of]

    def not_yet_issued(self, as_of: datetime) -> list[Fact]:
        """The facts up to ``as_of`` that were issued after ``known_at``."""
        return self._later[: bisect_right(self._later_ends, as_of)]


def _sorted_by_end(facts: list[tuple[datetime, Fact]]) -> tuple[list[datetime], list[Fact]]:
    facts.sort(key=lambda each: each[0])
    return [end for end, _ in facts], [fact for _, fact in facts]


_MINUTE = timedelta(minutes=1)


def clip_same_day(fact: Fact, as_of: datetime) -> Fact:
    """The fact, its span cut at ``as_of`` where that lies in its day or minute and it is on record by then.

    Other facts are returned unchanged: one dated by a month, or of a period, may still be in progress.
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
    """Whether this version of the record was written between these times, by its ``lastUpdated``."""
    if record.last_updated is None:
        return False
    try:
        updated = datetime.fromisoformat(record.last_updated)
    except ValueError:
        return False
    return updated.tzinfo is not None and since <= updated <= until


def _is_day_or_minute(span: Span) -> bool:
    """Whether the span is one day or one minute, as dates and times without seconds are read."""
    start, end = span.start, span.end
    whole_day = start.date() == end.date() and start.time() == time.min and end.time() == time.max
    return whole_day or end - start < _MINUTE


@dataclass(frozen=True, slots=True)
class Pool:
    """Everything read for one concept.

    ``invalid_element`` names the element in which a record violates FHIR (None: it is valid).  ``failures`` are its
    failed searches; ``answered``: at least one succeeded.  ``coded`` are all entries of the concept's origin (all
    conditions of the patient), ``undecoded`` counts those that could not be decoded.  ``systems`` are the code systems
    in which the concept was searched (None: those that it accepts).  ``patient_failure``: why it is unknown whether
    there is such a patient.  ``related`` are the facts of other concepts, by id; ``entry_reviews``: when entries of the
    concept's origin were recorded or changed in an outpatient visit.
    """

    facts: tuple[Fact, ...]
    invalid_element: Callable[[Record], str | None]
    failures: tuple[Failure, ...] = ()
    answered: bool = True
    coded: tuple[CodedEntry, ...] = ()
    undecoded: int = 0
    systems: frozenset[str] | None = None
    patient_failure: Failure | None = None
    related: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict, repr=False)
    entry_reviews: tuple[ListReview, ...] = ()
    # By when they were known; ``specimens`` keeps there what it read from the records.
    specimens: dict[datetime, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _timelines: dict[datetime, FactTimeline] = field(default_factory=dict, init=False, repr=False, compare=False)
    _unread_entries: dict[tuple[str, frozenset[str]], tuple[CodedEntry, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def timeline(self, known_at: datetime) -> FactTimeline:
        """The facts in the order of time, as known at ``known_at``; computed once."""
        found = self._timelines.get(known_at)
        if found is None:
            found = self._timelines[known_at] = FactTimeline(self.facts, known_at)
        return found

    def entries_not_understood(self, concept: Concept, systems: frozenset[str]) -> tuple[CodedEntry, ...]:
        """The entries of which these deciding systems do not say whether they are the concept; computed once."""
        found = self._unread_entries.get((concept.id, systems))
        if found is None:
            wider = wider_codes(concept)
            entries = (e for e in self.coded if e.incomplete_reason is None and not e.is_understood(systems, wider))
            found = self._unread_entries[concept.id, systems] = tuple(entries)
        return found


@dataclass(slots=True)
class View:
    """The facts known as of a time, inside and before the slot's window, and issues about those left out.

    Both lists are in the order of the ends of their spans.  ``instants_only``: all times are instants.
    ``perhaps_later``: left out since it is not known whether they are of after that time.
    """

    in_window: list[Fact]
    before_window: list[Fact]
    issues: list[Issue]
    instants_only: bool = False
    perhaps_later: list[Fact] = field(default_factory=list)


def view_as_of(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> View:
    """Divides the facts by time, and reports those that are left out."""
    timeline = pool.timeline(known_at)
    view = View(*timeline.facts_until(as_of, slot.window), [], timeline.instants_only)
    uncounted = [each for each in timeline.uncounted if (span := each.resource.effective) and span.start <= as_of]
    if uncounted:
        text = f"Not counted, as the record itself states: {list_facts(uncounted)}."
        view.issues.append(slot_issue(slot, "uncounted", text, Severity.INFORMATION))
    undated, unissued, time_uncertain = timeline.undated, timeline.not_yet_issued(as_of), []
    for fact in timeline.possibly_later(as_of):
        if (known := clip_same_day(fact, as_of)) is fact:
            time_uncertain.append(fact)
        else:
            too_old = slot.window is not None and as_of - span_of(known).start > slot.window
            (view.before_window if too_old else view.in_window).append(known)
    if undated:
        names = list_facts(undated)
        view.issues.append(slot_issue(slot, "undated", f"Left out, since it has no date: {names}."))
    if time_uncertain:
        text = f"Left out, perhaps later than the time asked for: {list_facts(time_uncertain)}."
        view.issues.append(slot_issue(slot, "time-imprecise", text))
        # What only its encounter dates is not recorded yet before the end of that.
        view.perhaps_later = [fact for fact in time_uncertain if fact.resource.issued or not fact.dated_by_encounter]
    if unissued:
        text = f"Not yet reported at that time: {list_facts(unissued)}."
        view.issues.append(slot_issue(slot, "not-yet-issued", text, Severity.INFORMATION))
    return view


def list_facts(facts: Iterable[Fact], most: int = MAX_LISTED) -> str:
    """The labels of facts, sorted, truncated to ``most``, with the count of the others."""
    return truncated_list(sorted({fact_label(fact) for fact in facts}), most)


def valid_facts(slot: Slot, pool: Pool, facts: Iterable[Fact], issues: list[Issue]) -> list[Fact]:
    """The facts with valid records; for the others, issues that name the invalid element are added.

    A fact that was refused for its status, which is the invalid element, is kept: an older one must not replace it.
    """
    kept: list[Fact] = []
    elements: dict[int, str] = {}
    invalid: list[Fact] = []
    for fact in facts:
        element = pool.invalid_element(fact.record)
        if element is None or (element == "status" and not has_value(fact)):
            kept.append(fact)
        else:
            invalid.append(fact)
            elements[id(fact)] = element
    if invalid:
        issues.extend(
            issue_per_fact(slot, "invalid-record", invalid, lambda fact: _invalid_record_text(fact, elements[id(fact)]))
        )
    return kept


def _invalid_record_text(fact: Fact, element: str) -> str:
    return f"{fact_label(fact)} was left out: its element {element} is not valid FHIR."


def group_by_time(facts: Iterable[Fact]) -> list[list[Fact]]:
    """Facts grouped by equal span, oldest first; sorted by record within a group."""
    groups: dict[tuple[datetime, datetime], list[Fact]] = {}
    for fact in facts:
        span = span_of(fact)
        groups.setdefault((span.end, span.start), []).append(fact)
    ordered = (groups[key] for key in sorted(groups))
    return [sorted(each, key=lambda fact: fact.resource.iri) if len(each) > 1 else each for each in ordered]


def groups_newest_first(facts: Sequence[Fact]) -> Iterator[list[Fact]]:
    """The groups of ``group_by_time``, newest first, computed lazily: usually the first one suffices.

    The facts must be in the order of the ends of their spans, as in a ``View``.
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
    """The span of a dated fact.  Raises ValueError for an undated one."""
    if fact.resource.effective is None:
        raise ValueError("an undated fact has no place in time")
    return fact.resource.effective


def has_value(fact: Fact) -> bool:
    """Whether the fact has a value, not an absence."""
    return not isinstance(fact.resource.value, Absent)

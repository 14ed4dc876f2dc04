"""The state of each event as of a time (a condition, a medication): present, absent, ended, lapsed or uncertain.

And which entries of a list are not understood, so that they could be what is asked for.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import msgspec

from collectors.reading.codes import deciding_systems
from collectors.reading.records import CodedEntry, Fact
from collectors.selection.pool import Pool, clip_same_day, has_value, updated_between
from ontology.concepts import Origin
from ontology.resources import Span
from ontology.slots import Slot
from ontology.words.lists import truncated_list


@dataclass(slots=True)
class FactsByState:
    """Facts by their state as of the time.

    ``time_uncertain`` may have begun or ended after it; ``window_uncertain`` may lie in the slot's window or before;
    ``lapsed`` were never ended, and are too old to be presumed ongoing.  ``probable`` would be present if they are
    what they are probably.
    """

    present: list[Fact] = field(default_factory=list)
    absent: list[Fact] = field(default_factory=list)
    unusable: list[Fact] = field(default_factory=list)
    time_uncertain: list[Fact] = field(default_factory=list)
    window_uncertain: list[Fact] = field(default_factory=list)
    lapsed: list[Fact] = field(default_factory=list)
    ended: list[Fact] = field(default_factory=list)
    probable: list[Fact] = field(default_factory=list)
    doubted: list[Fact] = field(default_factory=list)
    negated: list[Fact] = field(default_factory=list)


def sort_by_state(slot: Slot, facts: Iterable[Fact], as_of: datetime, known_at: datetime) -> FactsByState:
    """Sorts facts by state; those after ``as_of``, before the window, pending or excluded are left out."""
    states = FactsByState()
    facts = tuple(facts)
    latest = _latest_status_time(facts, as_of)
    for fact in facts:
        if latest is not None and _is_superseded(fact, latest, as_of):
            continue
        if fact.pending or fact.excluded is not None:
            continue
        _sort_fact(slot, fact, as_of, known_at, states)
    return states


def _latest_status_time(facts: Iterable[Fact], as_of: datetime) -> datetime | None:
    """When the latest status was observed, of those that have a value and began by then; None without any."""
    return max(
        (
            span.end
            for fact in facts
            if _is_status(fact) and has_value(fact) and (span := fact.resource.effective) and span.end <= as_of
        ),
        default=None,
    )


def _is_status(fact: Fact) -> bool:
    """Whether it is a status that was observed: the latest one replaces those before it."""
    uncounted = fact.pending or fact.excluded is not None or fact.doubted is not None or fact.negated is not None
    return fact.record.ref.type == "Observation" and not uncounted


def _is_superseded(fact: Fact, latest: datetime, as_of: datetime) -> bool:
    """Whether a later observation replaces a status, or a status denies for a limited time that is over."""
    if not _is_status(fact) or fact.resource.effective is None or not has_value(fact):
        return False
    return fact.resource.effective.end < latest or (
        fact.resource.value is False and _last_presumed_time(fact, as_of) < as_of
    )


def _sort_fact(slot: Slot, fact: Fact, as_of: datetime, known_at: datetime, states: FactsByState) -> None:
    fact = clip_same_day(fact, as_of)
    span = fact.resource.effective
    issued = fact.resource.issued
    if issued is not None and issued > known_at and not _recorded_by(fact, known_at):
        # Recorded on the day of ``known_at``: before or after it.
        if fact.doubted is None and fact.negated is None and _possibly_recorded_by(fact, known_at):
            states.time_uncertain.append(fact)
        return
    if fact.doubted is not None or fact.negated is not None:
        if span is None or (span.start <= as_of and _in_window(slot, fact, span, as_of) is not False):
            (states.doubted if fact.doubted is not None else states.negated).append(fact)
        return
    if span is None:
        # Undated and without a fault: it is in progress, whenever it began; or it came with the question.
        certain = fact.resource.value is True and fact.resource.problem is None and fact.probable is None
        probable = fact.probable is not None and fact.resource.problem is None
        (states.present if certain else states.probable if probable else states.unusable).append(fact)
        return
    inside = _in_window(slot, fact, span, as_of)
    if span.start > as_of or inside is False:
        return
    if slot.ever and fact.confirmed:
        # Of the record itself that is all that is asked; the value stays that of now.
        fact = msgspec.structs.replace(fact, resource=replace(fact.resource, value=True, problem=None))
    if not has_value(fact) and fact.probable is None:
        states.unusable.append(fact)
    elif span.end > as_of and (fact.begun is None or fact.begun > as_of):
        states.time_uncertain.append(fact)
    elif inside is None:
        states.window_uncertain.append(fact)
    elif not slot.ever and slot.window is None and _last_presumed_time(fact, as_of) < as_of:
        states.lapsed.append(fact)
    elif slot.ever or (fact.lasting and slot.window is not None) or not _may_have_ended(fact, as_of):
        _list_in_force(fact, states).append(fact)
    elif fact.end is not None and fact.end.end > as_of:
        states.time_uncertain.append(fact)
    else:
        states.ended.append(fact)


def _list_in_force(fact: Fact, states: FactsByState) -> list[Fact]:
    if fact.probable is not None:
        return states.probable
    return states.absent if fact.resource.value is False else states.present


def _recorded_by(fact: Fact, known_at: datetime) -> bool:
    """Whether a fact recorded on that day was recorded by then, according to the source's time of update."""
    since = fact.recorded_from
    return since is not None and since <= known_at and updated_between(fact.record, since, known_at)


def _possibly_recorded_by(fact: Fact, known_at: datetime) -> bool:
    return fact.recorded_from is not None and fact.recorded_from <= known_at


def _in_window(slot: Slot, fact: Fact, span: Span, as_of: datetime) -> bool | None:
    """Whether the fact lies in the slot's window; None where its times are too imprecise.

    A lasting state does where it held at any time in the window; of others the time of the event or start counts.
    """
    if slot.window is None:
        return True
    first, last = span.start, span.end
    if fact.lasting and fact.end is not None:
        first, last = max(first, fact.end.start), max(last, fact.end.end)
    elif fact.lasting:
        # Ended on an unknown date, it may have continued until now; without an end, it does.
        first, last = (first if fact.ended_undated else _last_presumed_time(fact, as_of)), as_of
    if as_of - last > slot.window:
        return False
    return True if as_of - first <= slot.window else None


def _last_presumed_time(fact: Fact, as_of: datetime) -> datetime:
    """The last time up to ``as_of`` at which a state without an end is presumed ongoing."""
    return as_of if fact.presumed_until is None else min(fact.presumed_until, as_of)


def _may_have_ended(fact: Fact, as_of: datetime) -> bool:
    """Whether it has ended by then, or may have; an undated end counts as past."""
    return fact.end.start <= as_of if fact.end is not None else fact.ended_undated


TRANSFER_GAP = timedelta(hours=6)
"""A stay that ended at most this long before another began, or while it went on, is part of it.  Our choice."""


def joined_stays(going_on: Iterable[Fact], ended: Iterable[Fact]) -> list[Fact]:
    """What goes on, and what ended that it continues, back to the first: wards of one stay are recorded one by one."""
    joined = list(going_on)
    rest = [fact for fact in ended if fact.end is not None and fact.resource.effective is not None]
    while joined:
        first = min(span.start for fact in joined if (span := fact.resource.effective) is not None)
        found = [fact for fact in rest if fact.end is not None and first - fact.end.end <= TRANSFER_GAP]
        if not found:
            break
        joined += found
        rest = [fact for fact in rest if fact not in found]
    return joined


@dataclass(frozen=True, slots=True)
class UnreadEntries:
    """Entries that could be what a slot asks for, since nothing says what they are: in other codes or as text.

    ``undecoded``: so many more could not be decoded at all.  It is false where there are none.
    """

    entries: tuple[CodedEntry, ...]
    undecoded: int
    noun: tuple[str, str]

    def __bool__(self) -> bool:
        return bool(self.entries) or self.undecoded > 0

    def describe(self) -> str:
        """The count and the entries in their own words, without what was asked for: once for all that it concerns."""
        one, several = self.noun
        could = "could be relevant"
        if not self.entries:
            return f"{self.undecoded} {one if self.undecoded == 1 else several} that could not be read {could}."
        count = len(self.entries)
        also = f" and {self.undecoded} that could not be read" if self.undecoded else ""
        named = truncated_list(sorted(entry.label for entry in self.entries))
        return f"{count} {one if count == 1 else several} in other codes or as text{also} {could}: {named}."


_NOUNS = {
    Origin.CONDITION: ("condition", "conditions"),
    Origin.MEDICATION: ("medication", "medications"),
    Origin.DRAFT_ORDER: ("draft order", "draft orders"),
    Origin.ALLERGY: ("allergy", "allergies"),
    Origin.PROCEDURE: ("procedure", "procedures"),
    Origin.ENCOUNTER: ("encounter", "encounters"),
    Origin.IMMUNIZATION: ("vaccination", "vaccinations"),
    Origin.FAMILY_HISTORY: ("condition of a relative", "conditions of relatives"),
    Origin.OBSERVATION: ("observation", "observations"),
}


def unread_entries(slot: Slot, pool: Pool, as_of: datetime) -> UnreadEntries:
    """The entries of the list that are not understood and could fill the slot, as of a time.

    An entry is understood where it was read as the concept, where a code system that decides the concept has its code
    (``deciding_systems``), or where it is in a code of another concept.  Where all are, this is empty.
    """
    systems = deciding_systems(slot.concept) if pool.systems is None else pool.systems
    past = slot.ever or slot.window is not None
    found = tuple(
        entry
        for entry in pool.entries_not_understood(slot.concept, systems)
        if slot.concept.id not in entry.concepts and (entry.has_begun(as_of) if past else entry.is_current(as_of))
    )
    nothing_said = 0
    if slot.concept.origin is Origin.DRAFT_ORDER:
        # A draft that names no medication may be of any: its Medication may lie where a hook does not look.
        named = tuple(entry for entry in found if entry.words or entry.whole.codes or entry.parts)
        nothing_said, found = len(found) - len(named), named
    return UnreadEntries(found, pool.undecoded + nothing_said, _NOUNS.get(slot.concept.origin, ("record", "records")))

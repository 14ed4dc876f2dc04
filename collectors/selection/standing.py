"""How each fact stands as of a time: whether it says yes, no, or neither, and why."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from collectors.reading.records import Fact
from collectors.selection.pool import readable
from collectors.selection.same_day import by_then, on_record
from ontology.slots import Slot
from ontology.times import Span


@dataclass(slots=True)
class Sorted:
    """Facts by what they mean as of the time.

    ``straddling`` may have begun or ended after it; ``edging`` may have been in the slot's window or before it;
    ``lapsed`` was never ended, and too long ago to be taken for going on.
    """

    yes: list[Fact] = field(default_factory=list)
    no: list[Fact] = field(default_factory=list)
    unclear: list[Fact] = field(default_factory=list)
    straddling: list[Fact] = field(default_factory=list)
    edging: list[Fact] = field(default_factory=list)
    lapsed: list[Fact] = field(default_factory=list)
    over: list[Fact] = field(default_factory=list)
    doubted: list[Fact] = field(default_factory=list)
    negated: list[Fact] = field(default_factory=list)


def sort(slot: Slot, facts: Iterable[Fact], as_of: datetime, known_at: datetime) -> Sorted:
    """Sorts facts; those of a later time, or from before the window, are left out."""
    found = Sorted()
    for fact in facts:
        if fact.pending:
            continue
        _sort(slot, fact, as_of, known_at, found)
    return found


def _sort(slot: Slot, fact: Fact, as_of: datetime, known_at: datetime, found: Sorted) -> None:
    fact = by_then(fact, as_of)
    span = fact.resource.effective
    issued = fact.resource.issued
    if issued is not None and issued > known_at and not _recorded_by(fact, known_at):
        # Recorded on the very day that is asked about: perhaps before, perhaps after.
        if fact.doubted is None and fact.negated is None and _known_from(fact, known_at):
            found.straddling.append(fact)
        return
    if fact.doubted is not None or fact.negated is not None:
        if span is None or (span.start <= as_of and _in_window(slot, fact, span, as_of) is not False):
            (found.doubted if fact.doubted is not None else found.negated).append(fact)
        return
    if span is None:
        found.unclear.append(fact)
        return
    inside = _in_window(slot, fact, span, as_of)
    if span.start > as_of or inside is False:
        return
    if not readable(fact):
        found.unclear.append(fact)
    elif span.end > as_of:
        found.straddling.append(fact)
    elif inside is None:
        found.edging.append(fact)
    elif not slot.ever and slot.window is None and _surely(fact, as_of) < as_of:
        found.lapsed.append(fact)
    elif slot.ever or (fact.lasting and slot.window is not None) or not _may_be_over(fact, as_of):
        (found.no if fact.resource.value is False else found.yes).append(fact)
    elif fact.over is not None and fact.over.end > as_of:
        found.straddling.append(fact)
    else:
        found.over.append(fact)


def _recorded_by(fact: Fact, known_at: datetime) -> bool:
    """Whether what was recorded on the very day was so by then, as the source says."""
    since = fact.recorded_from
    return since is not None and since <= known_at and on_record(fact.record, since, known_at)


def _known_from(fact: Fact, known_at: datetime) -> bool:
    return fact.recorded_from is not None and fact.recorded_from <= known_at


def _in_window(slot: Slot, fact: Fact, span: Span, as_of: datetime) -> bool | None:
    """Whether the fact lies in the slot's window; None where its times are too imprecise to tell.

    Something lasting does so where it was so at any time in it; else the time at which it began, or was done, counts.
    """
    if slot.window is None:
        return True
    first, last = span.start, span.end
    if fact.lasting and fact.over is not None:
        first, last = max(first, fact.over.start), max(last, fact.over.end)
    elif fact.lasting:
        # Over on no known date it may have gone on until now; else it does.
        first, last = (first if fact.ended else _surely(fact, as_of)), as_of
    if as_of - last > slot.window:
        return False
    return True if as_of - first <= slot.window else None


def _surely(fact: Fact, as_of: datetime) -> datetime:
    """The last time up to ``as_of`` at which something without an end counts as going on."""
    return as_of if fact.presumed is None else min(fact.presumed, as_of)


def _may_be_over(fact: Fact, as_of: datetime) -> bool:
    """Whether it has ended by then, or may have; what ended on no known date counts as over."""
    return fact.over.start <= as_of if fact.over is not None else fact.ended

"""Numbers over time for a slot: every usable fact inside the window, oldest first."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import msgspec

from collectors.facts import Selected
from collectors.reading.records import Fact
from collectors.selection.agreement import agree, judged
from collectors.selection.consumed import consume, limits, outside
from collectors.selection.pool import Pool, grouped, readable, span_of, view
from collectors.selection.single import missing, resources_of
from collectors.selection.telling import common_reason, named, said, say, told
from ontology.evaluation import Issue
from ontology.slots import Slot
from ontology.times import Span
from ontology.values import Absent, AbsentReason, Quantity, Series


def series(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> Selected:
    """Fills the slot with a series; what cannot be used is left out and counted in one issue.

    Where the newest fact of all is one that cannot be used, an older course must not pass for the present one: there is
    a series then only if the slot allows stepping back, or if that fact says no more than "unknown".
    """
    seen = view(slot, pool, as_of, known_at)
    issues = seen.issues
    points: list[tuple[datetime, Decimal]] = []
    used: list[Fact] = []
    lost: list[Fact] = []
    unjudged_in_all = 0
    contradictions: list[Issue] = []
    reason = AbsentReason.UNCONVERTIBLE
    newest: AbsentReason | None = None
    for met in grouped(sampled(slot, seen.inside, as_of)):
        group, unjudged = judged(slot, pool, met, issues)
        values = [fact for fact in group if readable(fact)]
        lost.extend(fact for fact in group if not readable(fact))
        if group and not values:
            reason = common_reason(group)
            newest = newest if reason is AbsentReason.RECORDED_UNKNOWN else reason
        if not values:
            continue
        agreement = agree(slot, values, unjudged)
        contradictions.extend(agreement.issues)
        value = consume(slot, agreement.chosen)[0] if agreement.chosen is not None else None
        if not isinstance(value, Quantity):
            lost.extend(values)
            unjudged_in_all += len(unjudged)
            reason = AbsentReason.UNCONVERTIBLE if agreement.chosen is not None else AbsentReason.CONFLICTING
            newest = reason
            continue
        newest = None
        points.append((span_of(values[0]).end, value.value))
        used.extend(agreement.facts)
    issues.extend(contradictions)
    if lost:
        issues.append(_left_out(slot, lost, len(lost) + unjudged_in_all))
    if not points or (newest is not None and not slot.step_back):
        if lost:
            return Selected(Absent(newest or reason), resources_of(lost), tuple(issues))
        return missing(slot, seen)
    issues.extend(told(slot, used))
    beyond = sum(outside(slot, number) for _, number in points)
    if beyond:
        text = f"{beyond} of {len(points)} values lie outside the range for which this was validated ({limits(slot)})."
        issues.append(say(slot, "outside-validated-range", text))
    unit = slot.unit or slot.concept.unit or "1"
    return Selected(Series(tuple(points), unit), resources_of(used), tuple(issues))


def sampled(slot: Slot, facts: list[Fact], as_of: datetime) -> list[Fact]:
    """The facts, each course of samples as the samples that lie inside the window."""
    if not any(fact.samples for fact in facts):
        return facts
    found: list[Fact] = []
    for fact in facts:
        if not fact.samples:
            found.append(fact)
            continue
        start = span_of(fact).start
        for offset, value, written in fact.samples:
            when = start + offset
            if slot.window is None or as_of - when <= slot.window:
                at = replace(fact.resource, value=value, effective=Span(when, when), problem=None)
                found.append(msgspec.structs.replace(fact, resource=at, written=written, samples=()))
    return found


def _left_out(slot: Slot, lost: list[Fact], count: int) -> Issue:
    shown = "; ".join(f"{named(fact)} says {said(fact)}" for fact in lost[-3:])
    return say(slot, "left-out", f"{count} record(s) could not be used and were left out of the series: {shown}.")

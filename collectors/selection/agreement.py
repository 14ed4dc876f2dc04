"""What facts of one and the same time say together: one value, or a contradiction."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import msgspec

from collectors.reading.records import Fact
from collectors.selection.duplicates import once
from collectors.selection.pool import Pool, readable, sound
from collectors.selection.telling import quoted, say
from ontology.evaluation import Issue
from ontology.resources import RecordRef
from ontology.slots import Slot
from ontology.values import Quantity

ENOUGH = 10
"""So many records of one time are judged in any case, and so many that contradict each other are given."""


@dataclass(slots=True)
class Agreement:
    """The fact to use (None: they contradict each other), those that say the same, and what to tell."""

    chosen: Fact | None
    facts: list[Fact]
    issues: list[Issue]


def judged(slot: Slot, pool: Pool, met: list[Fact], issues: list[Issue]) -> tuple[list[Fact], list[Fact]]:
    """The sound ones among facts of one time, and those that were not judged.

    Judging takes a fraction of a millisecond a record.  Of many, those are left unjudged that could change nothing:
    once two sound records contradict each other no other can settle it; and what says the same as ``ENOUGH`` sound
    records, in the same standing, adds nothing to them.  Whatever says otherwise is judged.
    """
    if len(met) <= ENOUGH:
        return sound(slot, pool, met, issues), []
    ordered = sorted(met, key=lambda fact: (not readable(fact), fact.preliminary, *_order(slot, fact)))
    kept: list[Fact] = []
    seen: list[Fact] = []
    unjudged: list[Fact] = []
    alike: dict[Hashable, set[RecordRef]] = {}
    contradicted = False
    for position, fact in enumerate(ordered):
        if contradicted and len(kept) >= ENOUGH:
            unjudged += ordered[position:]
            break
        records = alike.setdefault(_standing(fact), set())
        if len(records) >= ENOUGH and fact.record.ref not in records:
            unjudged.append(fact)
            continue
        seen.append(fact)
        if pool.fault(fact.record) is None:
            kept.append(fact)
            contradicted |= _contradicts(fact, kept[0])
            if readable(fact):
                records.add(fact.record.ref)
    # What was judged is told from here, in one go: a record is judged once in a question.
    return sound(slot, pool, seen, issues), unjudged


def _standing(fact: Fact) -> Hashable:
    """What facts of one time must have in common to be the same to whatever is made of them."""
    return fact.preliminary, fact.rank, fact.trust, fact.resource.value, fact.written, fact.issues


def _contradicts(fact: Fact, first: Fact) -> bool:
    """Whether neither of two facts is preferred to the other, and they differ."""
    equal = (fact.preliminary, fact.rank, fact.trust) == (first.preliminary, first.rank, first.trust)
    return equal and readable(fact) and readable(first) and not same(fact, first)


def agree(slot: Slot, group: list[Fact], unjudged: Sequence[Fact] = ()) -> Agreement:
    """Final before preliminary, then the code of lower rank, then the source that is trusted more; what is left must
    say the same.

    ``unjudged`` are of this time too: they are counted only.
    """
    if len(group) == 1 and not unjudged and readable(group[0]):
        # As nearly always, and once for each point of a series.
        return Agreement(group[0], group, [])
    ordered = sorted(group, key=lambda fact: _order(slot, fact))
    values = [fact for fact in ordered if readable(fact)]
    issues: list[Issue] = []
    if lost := [fact for fact in ordered if not readable(fact)]:
        issues.append(say(slot, "left-out", f"Left out beside a record of the same time: {quoted(lost)}."))
    settled = [fact for fact in values if not fact.preliminary] or values
    first_rank = min((fact.rank, fact.trust) for fact in settled)
    best = [fact for fact in settled if (fact.rank, fact.trust) == first_rank]
    among_best = {id(fact) for fact in best}
    chosen = best[0]
    if others := [fact for fact in values if id(fact) not in among_best and not same(fact, chosen)]:
        instead = f" {quoted([chosen])} is used instead." if any(fact.trust != chosen.trust for fact in others) else ""
        more = sum(readable(fact) and not same(fact, chosen) for fact in unjudged)
        text = f"Not preferred, and not the same at the same time: {quoted(others, more)}.{instead}"
        issues.append(say(slot, "other-record", text))
    if any(not same(fact, chosen) for fact in best):
        shown = _each_value_first(best)
        text = f"Records of one time contradict each other: {quoted(shown, len(unjudged))}."
        if (count := len(best) + len(unjudged)) > ENOUGH:
            text += f" Only {ENOUGH} of the {count} records are given."
        issues.append(say(slot, "conflicting", text))
        return Agreement(None, shown[:ENOUGH], issues)
    agreeing = once([fact for fact in values if same(fact, chosen)])
    if more := sum(same(fact, chosen) for fact in unjudged):
        note = f"{more} more records of this time say the same; they were only counted."
        told = replace(agreeing[0].resource, notes=(*agreeing[0].resource.notes, note))
        agreeing[0] = msgspec.structs.replace(agreeing[0], resource=told)
    return Agreement(chosen, agreeing, issues)


def _each_value_first(facts: list[Fact]) -> list[Fact]:
    """The same facts, one for each value before those that repeat it: so the first few show the contradiction."""
    firsts: dict[str, Fact] = {}
    for fact in facts:
        firsts.setdefault(str(fact.resource.value), fact)
    leading = {id(fact) for fact in firsts.values()}
    return [*firsts.values(), *(fact for fact in facts if id(fact) not in leading)]


def same(one: Fact, other: Fact) -> bool:
    """Whether two facts say the same: equal values, or equal to the precision written where the units differ."""
    first, second = one.resource.value, other.resource.value
    if first == second:
        return True
    if not (isinstance(first, Quantity) and isinstance(second, Quantity)) or first.unit != second.unit:
        return False
    if one.written is None or other.written is None or one.written[1] == other.written[1]:
        return False
    return abs(first.value - second.value) <= max(_half_step(one, first), _half_step(other, second))


def _half_step(fact: Fact, value: Quantity) -> Decimal:
    """Half of the last digit that was written, in the concept's unit."""
    if fact.written is None or fact.written[0] == 0:
        return Decimal(0)
    exponent = fact.written[0].as_tuple().exponent
    if not isinstance(exponent, int):
        return Decimal(0)
    step = abs(value.value / fact.written[0]) * Decimal(5).scaleb(exponent - 1)
    # Servers were seen to send 1.0 as 1, which must not pass for anything between 0.5 and 1.5.
    return step if exponent < 0 else min(step, abs(value.value) / 10)


def _order(slot: Slot, fact: Fact) -> tuple[int, int, bool, str, int, str, str]:
    """An order that depends on what was measured first, and on ids only among equals."""
    unit = fact.written[1] if fact.written is not None else ""
    digits = fact.written[0].as_tuple().exponent if fact.written is not None else 0
    return (
        fact.rank,
        fact.trust,
        unit != (slot.unit or slot.concept.unit),
        unit,
        digits if isinstance(digits, int) else 0,
        str(fact.resource.value),
        fact.resource.iri,
    )

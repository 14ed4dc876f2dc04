"""What facts of one and the same time say together: one value, or a contradiction."""

from dataclasses import dataclass
from decimal import Decimal

from collectors.pool import readable
from collectors.records import Fact
from collectors.telling import named, said, say
from ontology.evaluation import Issue
from ontology.slots import Slot
from ontology.values import Quantity


@dataclass(slots=True)
class Agreement:
    """The fact to use (None: they contradict each other), those that say the same, and what to tell."""

    chosen: Fact | None
    facts: list[Fact]
    issues: list[Issue]


def agree(slot: Slot, group: list[Fact]) -> Agreement:
    """Final before preliminary, then the code of lower rank; what is left must say the same."""
    ordered = sorted(group, key=lambda fact: _order(slot, fact))
    values = [fact for fact in ordered if readable(fact)]
    issues: list[Issue] = []
    if lost := [fact for fact in ordered if not readable(fact)]:
        text = "; ".join(f"{named(fact)} says {said(fact)}" for fact in lost)
        issues.append(say(slot, "left-out", f"Left out beside a record of the same time: {text}."))
    settled = [fact for fact in values if not fact.preliminary] or values
    first_rank = min(fact.rank for fact in settled)
    best = [fact for fact in settled if fact.rank == first_rank]
    chosen = best[0]
    if others := [fact for fact in values if fact not in best and not same(fact, chosen)]:
        text = "; ".join(f"{named(fact)} says {said(fact)}" for fact in others)
        issues.append(say(slot, "other-record", f"Not preferred, and not the same at the same time: {text}."))
    if any(not same(fact, chosen) for fact in best):
        text = "; ".join(f"{named(fact)} says {said(fact)}" for fact in best)
        issues.append(say(slot, "conflicting", f"Records of one time contradict each other: {text}."))
        return Agreement(None, best, issues)
    return Agreement(chosen, [fact for fact in values if same(fact, chosen)], issues)


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
    return abs(value.value / fact.written[0]) * Decimal(5).scaleb(exponent - 1)


def _order(slot: Slot, fact: Fact) -> tuple[int, bool, str, int, str, str]:
    """An order that depends on what was measured first, and on ids only among equals."""
    unit = fact.written[1] if fact.written is not None else ""
    digits = fact.written[0].as_tuple().exponent if fact.written is not None else 0
    return (
        fact.rank,
        unit != (slot.unit or slot.concept.unit),
        unit,
        digits if isinstance(digits, int) else 0,
        str(fact.resource.value),
        fact.resource.iri,
    )

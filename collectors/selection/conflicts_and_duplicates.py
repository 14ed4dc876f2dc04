"""Facts of one and the same time: deduplicated, then resolved to one value, or reported as a conflict.

Duplicates have the same concept, time and value, and either share an identifier, or one is a component of a panel and
the other a record of its own.  They are reported once, with a note that names the others.  Other records with the same
value are separate measurements.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import msgspec

from collectors.reading.records import Fact, Record
from collectors.selection.messages import describe_facts, slot_issue
from collectors.selection.pool import Pool, has_value, valid_facts
from ontology.evaluation import Issue
from ontology.resources import RecordRef
from ontology.slots import Slot
from ontology.values import Quantity

MAX_COMPARED = 10
"""Records of one time that are always validated, and conflicting records that are reported at most."""


@dataclass(slots=True)
class Resolution:
    """The fact to use (None: they conflict), all facts with its value (or the conflicting ones), and the issues."""

    chosen: Fact | None
    facts: list[Fact]
    issues: list[Issue]


def validate_group(slot: Slot, pool: Pool, group: list[Fact], issues: list[Issue]) -> tuple[list[Fact], list[Fact]]:
    """The valid ones among facts of one time, and those that were not validated.

    Validation takes a fraction of a millisecond a record.  Of many, only those that could change the result are
    validated: once two valid records conflict, no other resolves it, and a fact that is equivalent to
    ``MAX_COMPARED`` valid ones adds nothing.
    """
    if len(group) <= MAX_COMPARED:
        return valid_facts(slot, pool, group, issues), []
    ordered = sorted(group, key=lambda fact: (not has_value(fact), fact.preliminary, *_preference_key(slot, fact)))
    kept: list[Fact] = []
    seen: list[Fact] = []
    unchecked: list[Fact] = []
    equivalents: dict[Hashable, set[RecordRef]] = {}
    conflicting = False
    for position, fact in enumerate(ordered):
        if conflicting and len(kept) >= MAX_COMPARED:
            unchecked += ordered[position:]
            break
        records = equivalents.setdefault(_equivalence_key(fact), set())
        if len(records) >= MAX_COMPARED and fact.record.ref not in records:
            unchecked.append(fact)
            continue
        seen.append(fact)
        if pool.invalid_element(fact.record) is None:
            kept.append(fact)
            conflicting |= _conflicts(fact, kept[0])
            if has_value(fact):
                records.add(fact.record.ref)
    # Reports the invalid ones together; each record is validated once in a question, so this costs nothing.
    return valid_facts(slot, pool, seen, issues), unchecked


def _equivalence_key(fact: Fact) -> Hashable:
    """The key under which facts of one time are equivalent for every use of them."""
    return fact.preliminary, fact.rank, fact.trust, fact.resource.value, fact.recorded_quantity, fact.issues


def _conflicts(fact: Fact, first: Fact) -> bool:
    """Whether neither of two facts is preferred to the other, and they differ."""
    equal = (fact.preliminary, fact.rank, fact.trust) == (first.preliminary, first.rank, first.trust)
    return equal and has_value(fact) and has_value(first) and not same_value(fact, first)


def resolve_conflict(slot: Slot, group: list[Fact], unchecked: Sequence[Fact] = ()) -> Resolution:
    """Resolves facts of one time: final before preliminary, then lower rank of the code, then higher trust of the
    source; the facts that remain must agree, or they conflict.

    ``unchecked`` are further facts of this time that were not validated: they are only counted.
    """
    if len(group) == 1 and not unchecked and has_value(group[0]):
        # The usual case, and the path of every point of a series.
        return Resolution(group[0], group, [])
    ordered = sorted(group, key=lambda fact: _preference_key(slot, fact))
    values = [fact for fact in ordered if has_value(fact)]
    issues: list[Issue] = []
    if unusable := [fact for fact in ordered if not has_value(fact)]:
        issues.append(
            slot_issue(slot, "left-out", f"Left out beside a record of the same time: {describe_facts(unusable)}.")
        )
    candidates = [fact for fact in values if not fact.preliminary] or values
    first_rank = min((fact.rank, fact.trust) for fact in candidates)
    best = [fact for fact in candidates if (fact.rank, fact.trust) == first_rank]
    among_best = {id(fact) for fact in best}
    chosen = best[0]
    if others := [fact for fact in values if id(fact) not in among_best and not same_value(fact, chosen)]:
        instead = (
            f" {describe_facts([chosen])} is used instead."
            if any(fact.trust != chosen.trust for fact in others)
            else ""
        )
        more = sum(has_value(fact) and not same_value(fact, chosen) for fact in unchecked)
        text = f"Other values at the same time, not preferred: {describe_facts(others, more)}.{instead}"
        issues.append(slot_issue(slot, "other-record", text))
    if any(not same_value(fact, chosen) for fact in best):
        shown = _distinct_values_first(best)
        text = f"Conflicting values at the same time: {describe_facts(shown, len(unchecked))}."
        if (count := len(best) + len(unchecked)) > MAX_COMPARED:
            text += f" Only {MAX_COMPARED} of the {count} records are given."
        issues.append(slot_issue(slot, "conflicting", text))
        return Resolution(None, shown[:MAX_COMPARED], issues)
    agreeing = deduplicate([fact for fact in values if same_value(fact, chosen)])
    if more := sum(same_value(fact, chosen) for fact in unchecked):
        note = f"{more} more records of this time have the same value (only counted)."
        noted = replace(agreeing[0].resource, notes=(*agreeing[0].resource.notes, note))
        agreeing[0] = msgspec.structs.replace(agreeing[0], resource=noted)
    return Resolution(chosen, agreeing, issues)


def _distinct_values_first(facts: list[Fact]) -> list[Fact]:
    """The same facts, one for each value before those that repeat it, so that the first few show the conflict."""
    firsts: dict[str, Fact] = {}
    for fact in facts:
        firsts.setdefault(str(fact.resource.value), fact)
    leading = {id(fact) for fact in firsts.values()}
    return [*firsts.values(), *(fact for fact in facts if id(fact) not in leading)]


def same_value(one: Fact, other: Fact) -> bool:
    """Whether two facts have equal values, or, where recorded in different units, equal to the written precision."""
    first, second = one.resource.value, other.resource.value
    if first == second:
        return True
    if not (isinstance(first, Quantity) and isinstance(second, Quantity)) or first.unit != second.unit:
        return False
    if (
        one.recorded_quantity is None
        or other.recorded_quantity is None
        or one.recorded_quantity[1] == other.recorded_quantity[1]
    ):
        return False
    return abs(first.value - second.value) <= max(_half_step(one, first), _half_step(other, second))


def _half_step(fact: Fact, value: Quantity) -> Decimal:
    """Half a unit of the last written digit, in the concept's unit."""
    if fact.recorded_quantity is None or fact.recorded_quantity[0] == 0:
        return Decimal(0)
    exponent = fact.recorded_quantity[0].as_tuple().exponent
    if not isinstance(exponent, int):
        return Decimal(0)
    step = abs(value.value / fact.recorded_quantity[0]) * Decimal(5).scaleb(exponent - 1)
    # Servers were seen to send 1.0 as 1, which must not count as anything between 0.5 and 1.5.
    return step if exponent < 0 else min(step, abs(value.value) / 10)


def _preference_key(slot: Slot, fact: Fact) -> tuple[int, int, bool, str, int, str, str]:
    """The order of preference among facts of one time: by content first, by id only among equals."""
    unit = fact.recorded_quantity[1] if fact.recorded_quantity is not None else ""
    digits = fact.recorded_quantity[0].as_tuple().exponent if fact.recorded_quantity is not None else 0
    return (
        fact.rank,
        fact.trust,
        unit != (slot.unit or slot.concept.unit),
        unit,
        digits if isinstance(digits, int) else 0,
        str(fact.resource.value),
        fact.resource.iri,
    )


_NO_POSITIONS: Mapping[RecordRef, int] = {}


class _Identifier(msgspec.Struct, gc=False):
    system: str | None = None
    value: str | None = None


class _WithIdentifiers(msgspec.Struct, gc=False):
    identifier: list[_Identifier] = []


_IDENTIFIERS = msgspec.json.Decoder(_WithIdentifiers)


def deduplicate(facts: Sequence[Fact]) -> list[Fact]:
    """Facts of one time and value, each measurement once: its first record, with the others named in its notes."""
    if len(facts) < 2:
        return list(facts)
    kept: list[Fact] = []
    twins: dict[int, list[Fact]] = {}
    # By content and mark, the positions in ``kept`` of the first two records: one of them is a different record.
    firsts: dict[Hashable, dict[RecordRef, int]] = {}
    known: dict[RecordRef, frozenset[tuple[str, str]]] = {}
    for fact in facts:
        ref, part = fact.record.ref, _is_component(fact)
        if ref not in known:
            known[ref] = _identifiers(fact.record)
        content = (ref.source, fact.resource.value, fact.issues, fact.rank)
        others = (
            next((at for other, at in firsts.get((content, mark), _NO_POSITIONS).items() if other != ref), None)
            for mark in (not part, *known[ref])
        )
        position = min((at for at in others if at is not None), default=None)
        if position is not None:
            twins.setdefault(position, []).append(fact)
            continue
        for mark in (part, *known[ref]):
            positions = firsts.setdefault((content, mark), {})
            if len(positions) < 2:
                positions.setdefault(ref, len(kept))
        kept.append(fact)
    for position, same in twins.items():
        fact = kept[position]
        names = ", ".join(sorted({other.record.name for other in same}))
        notes = (*fact.resource.notes, f"The same measurement is also on record as {names}.")
        kept[position] = msgspec.structs.replace(fact, resource=replace(fact.resource, notes=notes))
    return kept


def _is_component(fact: Fact) -> bool:
    """Whether the fact is a component of its record."""
    return "#" in fact.resource.iri


def _identifiers(record: Record) -> frozenset[tuple[str, str]]:
    try:
        found = _IDENTIFIERS.decode(record.raw).identifier
    except (msgspec.DecodeError, UnicodeDecodeError):
        return frozenset()
    return frozenset((each.system, each.value) for each in found if each.system and each.value)

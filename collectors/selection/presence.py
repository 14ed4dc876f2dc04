"""Whether something is recorded: true with its records, false only where that can be known, else unknown."""

from dataclasses import dataclass, field
from datetime import datetime

from collectors.facts import Selected
from collectors.reading.codes import accepted_systems
from collectors.reading.records import Fact
from collectors.selection.pool import Pool, listed, readable, sound
from collectors.selection.single import resources_of
from collectors.selection.telling import absence_code, common_reason, named, said, say, told
from ontology.concepts import EVENTS, Origin
from ontology.evaluation import Issue, Severity
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason

# On record, but not so that it can be told for the time asked about: neither a yes, nor "not recorded".
_ON_RECORD = Absent(AbsentReason.UNCONVERTIBLE)


@dataclass(slots=True)
class _Sorted:
    """Facts by what they mean as of the time."""

    yes: list[Fact] = field(default_factory=list)
    no: list[Fact] = field(default_factory=list)
    unclear: list[Fact] = field(default_factory=list)
    straddling: list[Fact] = field(default_factory=list)
    over: list[Fact] = field(default_factory=list)
    doubted: list[Fact] = field(default_factory=list)


def presence(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> Selected:
    """Fills a slot of truth: "not recorded" is "no" only in a closed world whose codes can be read."""
    issues: list[Issue] = []
    found = _Sorted()
    for fact in pool.facts:
        _sort(slot, fact, as_of, known_at, found)
    yes = sound(slot, pool, found.yes, issues)
    no = sound(slot, pool, found.no, issues)
    left_out = bool(issues)
    if yes:
        yes.sort(key=lambda fact: fact.resource.iri)
        return Selected(True, resources_of(yes), (*issues, *told(slot, yes)))
    if pool.failures:
        # What could not be had may hold the yes.
        issues += [say(slot, absence_code(failure.reason), failure.text) for failure in pool.failures]
        return Selected(Absent(pool.failures[0].reason), (), tuple(issues))
    for code, facts, text in (
        ("doubted", found.doubted, "Recorded as unconfirmed, provisional or differential, which does not count"),
        ("over", found.over, "Recorded as over or inactive"),
    ):
        if facts:
            issues.append(say(slot, code, f"{text}: {listed(facts)}.", Severity.INFORMATION))
    if found.unclear:
        return _unclear(slot, found.unclear, issues)
    if found.straddling:
        text = f"It may have begun or ended only after the time asked for: {listed(found.straddling)}."
        # What only an encounter dates is excluded before that encounter's end, as if it were not recorded yet.
        recorded = any(fact.resource.issued is not None for fact in found.straddling)
        value = _ON_RECORD if recorded else Absent(AbsentReason.NOT_FOUND)
        return Selected(value, (), (*issues, say(slot, "time-imprecise", text)))
    if no:
        no.sort(key=lambda fact: fact.resource.iri)
        return Selected(False, resources_of(no), (*issues, *told(slot, no)))
    if left_out:
        return Selected(_ON_RECORD, (), tuple(issues))
    return _not_recorded(slot, pool, as_of, issues)


def _sort(slot: Slot, fact: Fact, as_of: datetime, known_at: datetime, found: _Sorted) -> None:
    span = fact.resource.effective
    issued = fact.resource.issued
    if issued is not None and issued > known_at:
        # Recorded on the very day that is asked about: perhaps before, perhaps after.
        if fact.doubted is None and fact.recorded_from is not None and fact.recorded_from <= known_at:
            found.straddling.append(fact)
        return
    if fact.doubted is not None:
        if span is None or span.start <= as_of:
            found.doubted.append(fact)
        return
    if span is None:
        found.unclear.append(fact)
        return
    if span.start > as_of or (slot.window is not None and as_of - span.start > slot.window):
        return
    if not readable(fact):
        found.unclear.append(fact)
    elif span.end > as_of:
        found.straddling.append(fact)
    elif fact.resource.value is False:
        found.no.append(fact)
    elif slot.ever or not _may_be_over(fact, as_of):
        found.yes.append(fact)
    elif fact.over is not None and fact.over.end > as_of:
        found.straddling.append(fact)
    else:
        found.over.append(fact)


def _may_be_over(fact: Fact, as_of: datetime) -> bool:
    """Whether the condition has ended by then, or may have; one that ended on no known date counts as over."""
    return fact.over.start <= as_of if fact.over is not None else fact.ended


def _unclear(slot: Slot, facts: list[Fact], issues: list[Issue]) -> Selected:
    facts.sort(key=lambda fact: fact.resource.iri)
    for fact in facts:
        value = fact.resource.value
        reason = value.reason if isinstance(value, Absent) else AbsentReason.RECORDED_UNKNOWN
        code = "undated" if fact.resource.effective is None else absence_code(reason)
        issues.append(say(slot, code, f"{named(fact)} cannot be used: {said(fact)}."))
    return Selected(Absent(common_reason(facts)), resources_of(facts), tuple(issues))


def _not_recorded(slot: Slot, pool: Pool, as_of: datetime, issues: list[Issue]) -> Selected:
    display = slot.concept.display
    if not slot.closed_world:
        text = f"{display} is not recorded, which does not mean that it is not so."
        issues.append(say(slot, "not-recorded", text, Severity.INFORMATION))
        return Selected(Absent(AbsentReason.NOT_FOUND), (), tuple(issues))
    if hidden := _hidden(slot, pool, as_of):
        text = f"{display} is not recorded in a code that can be read, but {hidden} could mean it."
        issues.append(say(slot, "codes-unreadable", text))
        return Selected(Absent(AbsentReason.NOT_FOUND), (), tuple(issues))
    issues.append(say(slot, "closed-world", f"{display} is not recorded, which is taken as no.", Severity.INFORMATION))
    return Selected(False, (), tuple(issues))


def _hidden(slot: Slot, pool: Pool, as_of: datetime) -> str | None:
    """How many entries are in codes in which the concept could not be recognised."""
    if slot.concept.origin not in EVENTS:
        return None
    systems = accepted_systems(slot.concept) if pool.systems is None else pool.systems
    foreign = [
        each for each in pool.coded if (each.since is None or each.since <= as_of) and not (each.systems & systems)
    ]
    count = len(foreign) + pool.undecoded
    if not count:
        return None
    named_systems = sorted({system for each in foreign for system in each.systems})
    where = f" (coded in {', '.join(named_systems)})" if named_systems else ""
    noun = "condition(s)" if slot.concept.origin is Origin.CONDITION else "record(s)"
    return f"{count} {noun} in other codes, or in none{where},"

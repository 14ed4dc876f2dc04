"""Whether something is recorded: true with its records, false only where that can be known, else unknown."""

from collections.abc import Iterable
from datetime import datetime

from collectors.facts import Selected
from collectors.reading.codes import accepted_systems
from collectors.reading.records import Fact
from collectors.reading.timing import duration_in_words, in_words
from collectors.selection.pool import Pool, listed, sound
from collectors.selection.single import resources_of
from collectors.selection.standing import sort
from collectors.selection.telling import MOST, absence_code, common_reason, named, said, say, told
from ontology.concepts import EVENTS, Origin
from ontology.evaluation import Issue, Severity
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason

# On record, but not so that it can be told for the time asked about: neither a yes, nor "not recorded".
_ON_RECORD = Absent(AbsentReason.UNCONVERTIBLE)


def presence(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> Selected:
    """Fills a slot of truth: "not recorded" is "no" only in a closed world whose codes can be read."""
    issues: list[Issue] = []
    found = sort(slot, pool.facts, as_of, known_at)
    yes = sound(slot, pool, found.yes, issues)
    no = sound(slot, pool, found.no, issues)
    left_out = bool(issues)
    if yes:
        yes.sort(key=lambda fact: fact.resource.iri)
        issues += [*told(slot, yes), *_spent(slot, yes, as_of), *_denied(slot, found.negated, no)]
        return Selected(True, resources_of(yes), tuple(issues))
    if pool.failures:
        # What could not be had may hold the yes.
        issues += [say(slot, absence_code(failure.reason), failure.text) for failure in pool.failures]
        return Selected(Absent(pool.failures[0].reason), (), tuple(issues))
    if doubted := found.doubted:
        text = f"Recorded as {_words(fact.doubted for fact in doubted)}, which does not count: {listed(doubted)}."
        issues.append(say(slot, "doubted", text, Severity.INFORMATION))
    if negated := found.negated:
        text = f"Recorded as {_words(fact.negated for fact in negated)}: {listed(negated)}."
        issues.append(say(slot, "negated", text, Severity.INFORMATION))
    if found.over:
        text = f"Recorded as over or inactive: {_ceased(found.over, as_of)}."
        issues.append(say(slot, "over", text, Severity.INFORMATION))
    if found.lapsed:
        issues.append(say(slot, "perhaps-over", _lapsed(found.lapsed)))
    if found.unclear:
        return _unclear(slot, found.unclear, issues)
    if found.lapsed:
        return Selected(Absent(AbsentReason.STALE), resources_of(found.lapsed), tuple(issues))
    if found.straddling:
        text = f"It may have begun or ended only after the time asked for: {listed(found.straddling)}."
        # What only an encounter dates is excluded before that encounter's end, as if it were not recorded yet.
        recorded = any(fact.resource.issued is not None for fact in found.straddling)
        value = _ON_RECORD if recorded else Absent(AbsentReason.NOT_FOUND)
        return Selected(value, (), (*issues, say(slot, "time-imprecise", text)))
    if found.edging:
        text = (
            f"Whether it was in the {_window(slot)} before the time asked for cannot be told: {listed(found.edging)}."
        )
        return Selected(_ON_RECORD, (), (*issues, say(slot, "time-imprecise", text)))
    if no and not (left_out and slot.concept.origin in EVENTS):
        return _denied_by(slot, pool, no, as_of, issues)
    if left_out:
        return Selected(_ON_RECORD, (), tuple(issues))
    return _not_recorded(slot, pool, as_of, issues)


def _denied_by(slot: Slot, pool: Pool, no: list[Fact], as_of: datetime, issues: list[Issue]) -> Selected:
    """It is recorded that there is none; an entry in a code that cannot be read may say otherwise."""
    no.sort(key=lambda fact: fact.resource.iri)
    if hidden := _hidden(slot, pool, as_of):
        text = f"It is recorded that there is none: {listed(no)}. But {hidden} could mean {slot.concept.display}."
        return Selected(Absent(AbsentReason.NOT_FOUND), (), (*issues, say(slot, "codes-unreadable", text)))
    if others := _others(slot, pool, as_of):
        text = f"It is recorded that there is none: {listed(no)}. But what else is recorded may mean it: {others}."
        return Selected(_ON_RECORD, resources_of(no), (*issues, say(slot, "contradicted", text)))
    return Selected(False, resources_of(no), (*issues, *told(slot, no)))


def _others(slot: Slot, pool: Pool, as_of: datetime) -> str:
    """The entries that go on and were not read as the concept: a narrower code, not listed, would be among them."""
    return _cut(
        each.name
        for each in pool.coded
        if each.name is not None
        and slot.concept.id not in each.concepts
        and (each.since is None or each.since <= as_of)
    )


def _cut(names: Iterable[str]) -> str:
    ordered = sorted(names)
    rest = len(ordered) - MOST
    return ", ".join(ordered[:MOST]) + (f" and {rest} more" if rest > 0 else "")


def _denied(slot: Slot, negated: list[Fact], no: list[Fact]) -> list[Issue]:
    """What else is on record of something that is so: that it was not done at another time, or is not so."""
    issues: list[Issue] = []
    if slot.concept.origin in EVENTS and no:
        text = f"But it is also recorded that there is none: {listed(no)}."
        issues.append(say(slot, "contradicted", text))
    if negated:
        text = f"It is also recorded as {_words(fact.negated for fact in negated)}: {listed(negated)}."
        issues.append(say(slot, "negated", text, Severity.INFORMATION))
    return issues


def _ceased(facts: list[Fact], as_of: datetime) -> str:
    """The records of what is over, each with its state (on hold is not stopped) and its end, if known."""
    told_of = []
    for fact in facts:
        status = f"status {fact.resource.status}" if fact.resource.status else None
        end = f"until {in_words(fact.over)}" if fact.over is not None and fact.over.start <= as_of else None
        details = ", ".join(each for each in (status, end) if each)
        told_of.append(f"{named(fact)} ({details})" if details else named(fact))
    return _cut(told_of)


def _spent(slot: Slot, yes: list[Fact], as_of: datetime) -> list[Issue]:
    """A warning where all that says yes now was to be supplied only until a time that is past."""
    if slot.ever or slot.window is not None or any(f.supplied is None or f.supplied >= as_of for f in yes):
        return []
    names = _cut(f"{named(fact)} (supplied until {fact.supplied:%Y-%m-%d})" for fact in yes)
    return [say(slot, "beyond-supply", f"Never ended, but beyond what was to be supplied: {names}.")]


def _lapsed(facts: list[Fact]) -> str:
    names = _cut(f"{named(fact)} (counted as current until {fact.presumed:%Y-%m-%d})" for fact in facts)
    return f"Never ended, and nothing says that it still goes on: {names}."


def _words(words: Iterable[str | None]) -> str:
    return " or ".join(sorted({word for word in words if word}))


def _window(slot: Slot) -> str:
    return duration_in_words(slot.window) if slot.window is not None else "time"


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
    if pool.unverified is not None:
        # A source answers for an id that is nobody's just as for one with an empty list.
        text = f"{display} is not recorded, but whether there is such a patient is not known: {pool.unverified.text}"
        issues.append(say(slot, absence_code(pool.unverified.reason), text))
        return Selected(Absent(pool.unverified.reason), (), tuple(issues))
    if incomplete := sorted({each.why for each in pool.coded if each.why is not None}):
        issues.append(say(slot, "incomplete", f"{display} is not recorded, but {'; '.join(incomplete)}."))
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
    foreign = [each for each in pool.foreign(systems) if each.since is None or each.since <= as_of]
    count = len(foreign) + pool.undecoded
    if not count:
        return None
    named_systems = sorted({system for each in foreign for system in each.systems})
    where = f" (coded in {', '.join(named_systems)})" if named_systems else ""
    noun = "condition(s)" if slot.concept.origin is Origin.CONDITION else "record(s)"
    return f"{count} {noun} in other codes, or in none{where},"

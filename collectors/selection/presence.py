"""Whether something is recorded: true with its records, false only where that can be known, else unknown."""

from collections.abc import Iterable
from datetime import datetime

from collectors.facts import Selected
from collectors.reading.records import Fact
from collectors.reading.timing import duration_in_words, in_words
from collectors.selection.denial import ON_RECORD, denied_by, not_recorded
from collectors.selection.pool import Pool, listed, sound
from collectors.selection.single import resources_of
from collectors.selection.standing import sort
from collectors.selection.telling import absence_code, common_reason, cut_short, named, said, say, told
from ontology.concepts import EVENTS
from ontology.evaluation import Issue, Severity
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason


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
        value = ON_RECORD if recorded else Absent(AbsentReason.NOT_FOUND)
        return Selected(value, (), (*issues, say(slot, "time-imprecise", text)))
    if found.edging:
        text = (
            f"Whether it was in the {_window(slot)} before the time asked for cannot be told: {listed(found.edging)}."
        )
        return Selected(ON_RECORD, (), (*issues, say(slot, "time-imprecise", text)))
    if no and not (left_out and slot.concept.origin in EVENTS):
        return denied_by(slot, pool, no, as_of, issues)
    if left_out:
        return Selected(ON_RECORD, (), tuple(issues))
    return not_recorded(slot, pool, as_of, issues)


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
    return cut_short(told_of)


def _spent(slot: Slot, yes: list[Fact], as_of: datetime) -> list[Issue]:
    """A warning where all that says yes now was to be supplied only until a time that is past."""
    if slot.ever or slot.window is not None or any(f.supplied is None or f.supplied >= as_of for f in yes):
        return []
    names = cut_short(f"{named(fact)} (supplied until {fact.supplied:%Y-%m-%d})" for fact in yes)
    return [say(slot, "beyond-supply", f"Never ended, but beyond what was to be supplied: {names}.")]


def _lapsed(facts: list[Fact]) -> str:
    names = cut_short(f"{named(fact)} (counted as current until {fact.presumed:%Y-%m-%d})" for fact in facts)
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

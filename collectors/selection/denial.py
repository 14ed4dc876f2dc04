"""Whether something is not so: it is recorded that there is none, or nothing is recorded where all would be.

Neither is a "no" while an entry that cannot be read, or was not read as the concept, could mean it.
"""

from datetime import datetime

from collectors.facts import Selected
from collectors.reading.codes import accepted_systems
from collectors.reading.records import Fact
from collectors.selection.pool import Pool, listed
from collectors.selection.single import resources_of
from collectors.selection.telling import absence_code, cut_short, say, told
from ontology.concepts import EVENTS, Origin
from ontology.evaluation import Issue, Severity
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason

ON_RECORD = Absent(AbsentReason.UNCONVERTIBLE)
"""On record, but not so that it can be told for the time asked about: neither a yes, nor "not recorded"."""


def denied_by(slot: Slot, pool: Pool, no: list[Fact], as_of: datetime, issues: list[Issue]) -> Selected:
    """It is recorded that there is none; an entry in a code that cannot be read may say otherwise."""
    no.sort(key=lambda fact: fact.resource.iri)
    if hidden := _hidden(slot, pool, as_of):
        text = f"It is recorded that there is none: {listed(no)}. But {hidden} could mean {slot.concept.display}."
        return Selected(Absent(AbsentReason.NOT_FOUND), (), (*issues, say(slot, "codes-unreadable", text)))
    if others := _others(slot, pool, as_of):
        text = f"It is recorded that there is none: {listed(no)}. But what else is recorded may mean it: {others}."
        return Selected(ON_RECORD, resources_of(no), (*issues, say(slot, "contradicted", text)))
    return Selected(False, resources_of(no), (*issues, *told(slot, no)))


def not_recorded(slot: Slot, pool: Pool, as_of: datetime, issues: list[Issue]) -> Selected:
    """Nothing is recorded of it: "no" only in a closed world, of a patient who is there, in codes that can be read."""
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


def _others(slot: Slot, pool: Pool, as_of: datetime) -> str:
    """The entries that go on and were not read as the concept: a narrower code, not listed, would be among them."""
    return cut_short(
        each.name
        for each in pool.coded
        if each.name is not None
        and slot.concept.id not in each.concepts
        and (each.since is None or each.since <= as_of)
    )


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

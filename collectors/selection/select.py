"""Fills a slot from the facts of its concept, as of a time."""

from dataclasses import replace
from datetime import datetime

from collectors.facts import Failure, Selected
from collectors.selection.awaited import awaited
from collectors.selection.pool import Pool, readable, sound
from collectors.selection.presence import presence
from collectors.selection.series import series
from collectors.selection.single import resources_of, single
from collectors.selection.telling import MOST, absence_code, said, say, told
from ontology.concepts import EVENTS, Origin, ValueType
from ontology.evaluation import Issue
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason


def select(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> Selected:
    """What fills the slot: facts effective by ``as_of`` and, where an issue time is given, issued by ``known_at``.

    The result never depends on the order in which the records came.
    """
    if not pool.answered:
        return _failed(slot, pool.failures)
    if slot.concept.origin is Origin.PATIENT:
        return _of_patient(slot, pool)
    if slot.select is Select.ANY or _of_events(slot):
        found = presence(slot, pool, as_of, known_at)
    else:
        way = series if slot.select is Select.SERIES else single
        found = way(slot, pool, as_of, known_at)
        found = _in_part(slot, pool.failures, found) if pool.failures else found
    valued = not isinstance(found.value, Absent)
    told = awaited(slot, pool, found.resources, as_of, known_at, valued)
    return replace(found, issues=(*found.issues, *told)) if told else found


def _failed(slot: Slot, failures: tuple[Failure, ...]) -> Selected:
    told = tuple(say(slot, absence_code(failure.reason), failure.text) for failure in failures)
    return Selected(Absent(failures[0].reason), (), told)


def _in_part(slot: Slot, failures: tuple[Failure, ...], found: Selected) -> Selected:
    """What was found where a part of the records could not be had: "not found" is "could not tell" then."""
    if isinstance(found.value, Absent) and found.value.reason in (AbsentReason.NOT_FOUND, AbsentReason.STALE):
        failed = _failed(slot, failures)
        return Selected(failed.value, found.resources, (*failed.issues, *found.issues))
    told = (
        say(slot, "part-missing", f"{failure.text} A newer record, or one that says otherwise, may be there.")
        for failure in failures
    )
    return Selected(found.value, found.resources, (*found.issues, *told))


def _of_patient(slot: Slot, pool: Pool) -> Selected:
    """What the patient's own record says: it has no time of its own.

    Of the records of several sources the one that is trusted most counts, among those that say it, and say it outright.
    """
    issues: list[Issue] = []
    facts = sound(slot, pool, pool.facts, issues)
    facts.sort(key=lambda fact: (not readable(fact), bool(fact.issues), fact.trust))
    if not facts:
        if not issues:
            issues.append(say(slot, "not-found", f"No {slot.concept.display} was found."))
        return Selected(Absent(AbsentReason.NOT_FOUND), (), tuple(issues))
    fact = facts[0]
    value = fact.resource.value
    if others := [other for other in facts[1:] if readable(other) and other.resource.value != value]:
        rest = "; ".join(f"{other.record.name} says {said(other)}" for other in others[:MOST])
        text = f"Not preferred, and not the same: {rest}. {fact.record.name} says {said(fact)}, which is used instead."
        issues.append(say(slot, "other-record", text))
    if isinstance(value, Absent):
        issues.append(say(slot, absence_code(value.reason), f"{fact.record.name} says {said(fact)}."))
    return Selected(value, resources_of([fact]), (*issues, *told(slot, [fact])))


def _of_events(slot: Slot) -> bool:
    return slot.concept.origin in EVENTS and slot.concept.value_type is ValueType.FLAG

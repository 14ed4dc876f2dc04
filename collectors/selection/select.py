"""Fills a slot from the facts of its concept, as of a time."""

from datetime import datetime

from collectors.facts import Selected
from collectors.selection.pool import Pool, sound
from collectors.selection.presence import presence
from collectors.selection.series import series
from collectors.selection.single import resources_of, single
from collectors.selection.telling import absence_code, said, say, told
from ontology.concepts import Origin
from ontology.evaluation import Issue
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason


def select(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> Selected:
    """What fills the slot: facts effective by ``as_of`` and, where an issue time is given, issued by ``known_at``.

    The result never depends on the order in which the records came.
    """
    if pool.failure is not None:
        code = absence_code(pool.failure.reason)
        return Selected(Absent(pool.failure.reason), (), (say(slot, code, pool.failure.text),))
    if slot.concept.origin is Origin.PATIENT:
        return _of_patient(slot, pool)
    if slot.select is Select.ANY or slot.concept.origin is Origin.CONDITION:
        return presence(slot, pool, as_of, known_at)
    if slot.select is Select.SERIES:
        return series(slot, pool, as_of, known_at)
    return single(slot, pool, as_of, known_at)


def _of_patient(slot: Slot, pool: Pool) -> Selected:
    """What the patient's own record says: it has no time of its own."""
    issues: list[Issue] = []
    facts = sound(slot, pool, pool.facts, issues)
    if not facts:
        if not issues:
            issues.append(say(slot, "not-found", f"No {slot.concept.display} was found."))
        return Selected(Absent(AbsentReason.NOT_FOUND), (), tuple(issues))
    fact = facts[0]
    value = fact.resource.value
    if isinstance(value, Absent):
        issues.append(say(slot, absence_code(value.reason), f"{fact.record.name} says {said(fact)}."))
    return Selected(value, resources_of([fact]), (*issues, *told(slot, [fact])))

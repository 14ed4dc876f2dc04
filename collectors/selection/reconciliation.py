"""Whether a missing entry of a list may be taken as "no": the list is looked after, and every entry is understood.

A record never lists what a patient has not.  Equations that were fitted to records took "no code" as "no"; that holds
only for a list that somebody keeps.  That the search was complete is found before (``collectors.selection.presence``).
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from collectors.reading.codes import CodeKey, undotted_code, wider_codes
from collectors.reading.list_entries import ListReview
from collectors.reading.records import CodedEntry, CodedPart, Fact
from collectors.selection.event_state import FactsByState
from collectors.selection.messages import fact_label
from collectors.selection.pool import Pool
from ontology.concepts import Concept, Origin
from ontology.resources import Span
from ontology.slots import Slot
from ontology.words.lists import begin_small, truncated_list

ALIVE_MONTHS = 24
"""How long ago a list may have been looked after, at most."""
NIL_KNOWN = "nilknown"


def reconciliation_fault(slot: Slot, pool: Pool, found: FactsByState, as_of: datetime) -> str | None:
    """Why a missing entry of the slot's list may not be taken as "no", in one sentence; None where it may."""
    kept = slot.no_if_reconciled
    if kept is None:
        raise ValueError("the slot takes no entry of a list as no")
    name = begin_small(kept.display)
    display = begin_small(slot.concept.display)
    if slot.concept.origin is Origin.CONDITION and (unsettled := [*found.ended, *found.doubted]):
        return f"{_labels(unsettled)} does not say that there is no {display}"
    if slot.concept.origin is Origin.MEDICATION and (held := [fact for fact in found.ended if _is_held(fact)]):
        return f"{_labels(held)} is on hold, and may be taken again"
    if pool.undecoded:
        return f"{_entries(pool.undecoded)} not readable"
    if unclear := [each for each in pool.coded if not _is_understood(each, slot.concept) and _is_known(each, as_of)]:
        words = truncated_list(sorted({each.label for each in unclear}))
        return f"{_entries(len(unclear))} not understood ({words})"
    lists = pool.related.get(kept.id, ())
    if denied := [fact for fact in lists if _says_unknown(fact) and _is_recent(fact.resource.effective, as_of)]:
        return f"{_labels(denied)} says that the {name} is unknown"
    if not reviews_of(pool, kept, as_of):
        return f"no update of the {name} is recorded in the last {ALIVE_MONTHS} months"
    return None


def reviews_of(pool: Pool, kept: Concept, as_of: datetime) -> list[ListReview]:
    """What shows that the list is looked after as of a time, newest first."""
    dated = [
        ListReview(fact.resource.effective, f"Reviewed in {fact.record.name}")
        for fact in pool.related.get(kept.id, ())
        if fact.resource.effective is not None and _shows_content(fact, pool, as_of)
    ]
    found = [each for each in (*dated, *pool.entry_reviews) if _is_recent(each.span, as_of)]
    return sorted(found, key=lambda each: (each.span.start, each.text), reverse=True)


def _is_recent(span: Span | None, as_of: datetime) -> bool:
    """Whether all of it lies within the last 24 months: days are compared, in the zone of the record."""
    if span is None or span.start > as_of:
        return False
    day = as_of.astimezone(span.start.tzinfo).date()
    return (
        _months_before(day, ALIVE_MONTHS) <= span.start.date() and span.end.astimezone(span.start.tzinfo).date() <= day
    )


def _months_before(day: date, months: int) -> date:
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(years, month + 1, min(day.day, monthrange(years, month + 1)[1]))


def _is_held(fact: Fact) -> bool:
    """Whether an order or a statement says that it is halted, which is not that it is over."""
    return "on-hold" in (fact.resource.status or "").split(", ")


def _shows_content(fact: Fact, pool: Pool, as_of: datetime) -> bool:
    """Whether a current list has entries; or says that there are none, and neither it nor the record has any."""
    if fact.doubted is not None or fact.negated is not None or fact.resource.problem is not None:
        return False
    content = _content(fact)
    if NIL_KNOWN not in _empty_reasons(content):
        return bool(content.get("entry"))
    return not content.get("entry") and not any(
        entry.incomplete_reason is None and entry.is_current(as_of) for entry in pool.coded
    )


def _says_unknown(fact: Fact) -> bool:
    """Whether a current list says that it is empty for another reason than that there is nothing."""
    if fact.doubted is not None or fact.negated is not None:
        return False
    content = _content(fact)
    return "emptyReason" in content and NIL_KNOWN not in _empty_reasons(content)


def _content(fact: Fact) -> Mapping[str, Any]:
    try:
        return fact.record.json()
    except (ValueError, RecursionError):
        return {}


def _empty_reasons(content: Mapping[str, Any]) -> frozenset[str]:
    reason = content.get("emptyReason")
    codings = reason.get("coding") if isinstance(reason, dict) else None
    found = (each.get("code") for each in codings if isinstance(each, dict)) if isinstance(codings, list) else ()
    return frozenset(each for each in found if isinstance(each, str))


def _entries(count: int) -> str:
    return "1 entry is" if count == 1 else f"{count} entries are"


def _is_known(entry: CodedEntry, as_of: datetime) -> bool:
    return entry.incomplete_reason is None and (entry.since is None or entry.since <= as_of)


def _is_understood(entry: CodedEntry, concept: Concept) -> bool:
    """Whether it is known that an entry is the concept, or that it is not: by its codes, or by all its parts.

    Stricter than what a single answer needs: there an unlisted code of SNOMED CT is another disease, here it may be a
    narrower one that is not listed.
    """
    sets = frozenset(each.coding.system for each in concept.accepted if each.of_set)
    systems = sets.union(*(each.systems for each in concept.complete_in))
    wider = wider_codes(concept)
    return _part_is_understood(entry.whole, concept, systems, wider) or (
        bool(entry.parts) and all(_part_is_understood(part, concept, systems, wider) for part in entry.parts)
    )


def _part_is_understood(part: CodedPart, concept: Concept, systems: frozenset[str], wider: frozenset[CodeKey]) -> bool:
    return part.is_understood(systems, wider) and not any(_is_undecided(code, concept) for code in part.codes)


def _is_undecided(key: CodeKey, concept: Concept) -> bool:
    """Whether the concept may be meant by a code that it does not accept."""
    system, code = key
    patterns = (pattern for each in concept.complete_in if system in each.systems for pattern in each.undecided)
    plain = undotted_code(code)
    return any(
        plain.startswith(undotted_code(pattern[:-1])) if pattern.endswith("*") else plain == undotted_code(pattern)
        for pattern in patterns
    )


def _labels(facts: Iterable[Fact]) -> str:
    return truncated_list(sorted({fact_label(fact) for fact in facts}))

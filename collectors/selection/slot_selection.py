"""Fills a slot from the facts of its concept, as of a time, and reports results that are still pending."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from collectors.facts import Failure, SlotSelection
from collectors.reading.records import Fact
from collectors.selection.messages import (
    absence_code,
    fact_issues,
    fact_label,
    issue_per_fact,
    recorded_text,
    slot_issue,
)
from collectors.selection.pool import Pool, has_value, list_facts, valid_facts
from collectors.selection.presence import select_presence, select_stay_start, with_unread_entries
from collectors.selection.value_selection import resources_of, select_periods, select_series, select_single
from ontology.concepts import EVENT_ORIGINS, Origin, ValueType
from ontology.evaluation import Issue, Severity
from ontology.resources import Resource
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason
from ontology.words.lists import MAX_LISTED, begin_small, shortened


def select_for_slot(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> SlotSelection:
    """Fills the slot from facts effective by ``as_of`` and, where they have an issue time, issued by ``known_at``.

    The result never depends on the order of the records.
    """
    if not pool.answered:
        return _retrieval_failed(slot, pool.failures)
    if slot.concept.origin is Origin.PATIENT:
        return _select_from_patient(slot, pool)
    if slot.select is Select.ANY or _reads_events(slot):
        found = select_presence(slot, pool, as_of, known_at)
    elif slot.concept.origin is Origin.ENCOUNTER:
        found = with_unread_entries(slot, pool, as_of, select_stay_start(slot, pool, as_of, known_at))
    else:
        found = _selection_of(slot)(slot, pool, as_of, known_at)
        found = with_unread_entries(slot, pool, as_of, found)
        found = _partially_retrieved(slot, pool.failures, found) if pool.failures else found
    if pool.timeline(known_at).excluded:
        found = report_excluded(slot, pool, found, as_of, known_at)
    has_result = not isinstance(found.value, Absent)
    pending = pending_issues(slot, pool, found.resources, as_of, known_at, has_result)
    return replace(found, issues=(*found.issues, *pending)) if pending else found


def _selection_of(slot: Slot) -> Callable[[Slot, Pool, datetime, datetime], SlotSelection]:
    if slot.select is not Select.SERIES:
        return select_single
    return select_periods if slot.concept.value_type is ValueType.DATE else select_series


def _retrieval_failed(slot: Slot, failures: tuple[Failure, ...]) -> SlotSelection:
    issues = tuple(slot_issue(slot, absence_code(failure.reason), failure.text) for failure in failures)
    return SlotSelection(Absent(failures[0].reason), (), issues)


def _partially_retrieved(slot: Slot, failures: tuple[Failure, ...], found: SlotSelection) -> SlotSelection:
    """The selection where part of the records could not be retrieved: "not found" is then the failure's reason.

    So is a series of which others may exist: that nothing lies between its values, or below them, needs all of them.
    """
    unknown = isinstance(found.value, Absent) and found.value.reason in (AbsentReason.NOT_FOUND, AbsentReason.STALE)
    needs_all = slot.select is Select.SERIES and any(failure.partial_supply for failure in failures)
    if unknown or needs_all:
        failed = _retrieval_failed(slot, failures)
        return SlotSelection(failed.value, found.resources, (*failed.issues, *found.issues))
    issues = (
        slot_issue(slot, "part-missing", f"{failure.text} A newer or contradicting record may exist.")
        for failure in failures
    )
    return SlotSelection(found.value, found.resources, (*found.issues, *issues))


def _select_from_patient(slot: Slot, pool: Pool) -> SlotSelection:
    """Fills the slot from the patient's own record, which is undated.

    Of several sources' records, those with a value, and without issues, are preferred; among these the most trusted.
    """
    issues: list[Issue] = []
    facts = valid_facts(slot, pool, pool.facts, issues)
    facts.sort(key=lambda fact: (not has_value(fact), bool(fact.issues), fact.trust))
    if not facts:
        if not issues:
            issues.append(slot_issue(slot, "not-found", f"No {begin_small(slot.concept.display)} on record."))
        return SlotSelection(Absent(AbsentReason.NOT_FOUND), (), tuple(issues))
    fact = facts[0]
    value = fact.resource.value
    if others := [other for other in facts[1:] if has_value(other) and other.resource.value != value]:
        rest = "; ".join(f"{other.record.name} says {recorded_text(other)}" for other in others[:MAX_LISTED])
        used = f"{fact.record.name} says {recorded_text(fact)}, which is used instead"
        text = f"Other values, not preferred: {rest}. {used}."
        issues.append(slot_issue(slot, "other-record", text))
    if isinstance(value, Absent):
        said = "does not state it" if value.reason is AbsentReason.NOT_FOUND else f"says {recorded_text(fact)}"
        issues.append(slot_issue(slot, absence_code(value.reason), f"{fact.record.name} {said}."))
    return SlotSelection(value, resources_of([fact]), (*issues, *fact_issues(slot, [fact])))


def _reads_events(slot: Slot) -> bool:
    return slot.concept.origin in EVENT_ORIGINS and slot.concept.value_type is ValueType.FLAG


def report_excluded(slot: Slot, pool: Pool, found: SlotSelection, as_of: datetime, known_at: datetime) -> SlotSelection:
    """The selection with an issue for each record that its codes exclude, and that is not older than the one used.

    Where nothing else was found, a record that may be of the concept all the same makes it CONFLICTING.
    """
    newest = max((each.effective.end for each in found.resources if each.effective is not None), default=None)
    if isinstance(found.value, Absent) or slot.select is not Select.LATEST:
        newest = None
    facts = [
        fact
        for fact in pool.timeline(known_at).excluded
        if (span := fact.resource.effective) is None
        or (
            span.start <= as_of
            and (slot.window is None or as_of - span.end <= slot.window)
            and (newest is None or span.end >= newest)
        )
    ]
    if not facts:
        return found
    facts.sort(key=lambda fact: fact.resource.iri)
    issues = issue_per_fact(
        slot,
        "another-measurement",
        facts,
        lambda fact: f"{fact_label(fact)} was not used as {begin_small(slot.concept.display)}. {fact.excluded}",
    )
    # In short, too, with the reason; the issue that counts the others is of no single one.
    for place, fact in enumerate(facts[:MAX_LISTED]):
        short = shortened(f"{fact.record.name} not used: {begin_small(fact.excluded or '')}")
        issues[place] = replace(issues[place], short=short)
    value, resources = found.value, found.resources
    if isinstance(value, Absent) and value.reason in (AbsentReason.NOT_FOUND, AbsentReason.STALE):
        uncertain = [fact for fact in facts if fact.resource.value == Absent(AbsentReason.CONFLICTING)]
        if uncertain:
            value, resources = Absent(AbsentReason.CONFLICTING), resources_of(uncertain)
    return SlotSelection(value, resources, (*found.issues, *issues))


def pending_issues(
    slot: Slot, pool: Pool, used: Iterable[Resource], as_of: datetime, known_at: datetime, valued: bool
) -> list[Issue]:
    """An issue where results later than the one used are pending as of a time; ``valued``: the one used has a value."""
    pending = [
        fact for fact in pool.timeline(known_at).pending if _pending_since(fact) is None or _started_by(fact, as_of)
    ]
    if not pending:
        return []
    newest = max((each.effective.end for each in used if each.effective is not None), default=None)
    later = [fact for fact in pending if _is_later(fact, newest if valued else None, slot, as_of)]
    if not later:
        return []
    text = f"{'A newer result' if valued else 'A result'} is pending: {list_facts(later)}."
    return [slot_issue(slot, "pending", text, Severity.INFORMATION)]


def _started_by(fact: Fact, as_of: datetime) -> bool:
    span = fact.resource.effective
    return span is None or span.start <= as_of


def _pending_since(fact: Fact) -> datetime | None:
    """The latest time since which it has been pending; None where unknown."""
    span = fact.resource.effective
    return span.end if span is not None else fact.resource.issued


def _is_later(fact: Fact, newest: datetime | None, slot: Slot, as_of: datetime) -> bool:
    since = _pending_since(fact)
    if since is None:
        return True
    if newest is not None:
        return since > newest
    return slot.window is None or as_of - since <= slot.window

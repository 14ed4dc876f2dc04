"""Whether something is recorded: true with its records, false only where that is certain, else unknown.

It is false where a record states its absence, or where nothing is recorded in a closed world.  It is unknown while an
entry that cannot be read, or was not read as the concept, could mean it.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from collectors.facts import SlotSelection
from collectors.reading.records import Fact
from collectors.selection.event_state import (
    FactsByState,
    UnreadEntries,
    joined_stays,
    sort_by_state,
    unread_entries,
)
from collectors.selection.messages import (
    absence_code,
    common_reason,
    fact_issues,
    fact_label,
    recorded_text,
    slot_issue,
)
from collectors.selection.pool import Pool, list_facts, valid_facts
from collectors.selection.reconciliation import reconciliation_fault, reviews_of
from collectors.selection.value_selection import resources_of
from ontology.concepts import EVENT_ORIGINS
from ontology.evaluation import Issue, Severity
from ontology.resources import Span
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason, Date
from ontology.words.lists import begin_small, truncated_list
from ontology.words.time import day_words, duration_words, exact_span_words


def select_presence(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> SlotSelection:
    """Fills a slot with a flag: "not recorded" is "no" only in a closed world whose codes can be read.

    While an entry that is not understood could mean it, the flag is unclear, and never "not recorded".
    """
    return with_unread_entries(slot, pool, as_of, _select_recorded(slot, pool, as_of, known_at))


def with_unread_entries(slot: Slot, pool: Pool, as_of: datetime, found: SlotSelection) -> SlotSelection:
    """A selection without a value, with the entries that could be what is asked for; then nothing is "not found".

    An observation that is not understood is only reported.
    """
    if not isinstance(found.value, Absent) or any(issue.code == UNREAD for issue in found.issues):
        return found
    if not (unread := unread_entries(slot, pool, as_of)):
        return found
    issue = _unread_issue(slot, unread)
    if slot.concept.origin not in EVENT_ORIGINS or found.value.reason is not AbsentReason.NOT_FOUND:
        return replace(found, issues=(*found.issues, issue))
    kept = (each for each in found.issues if each.code not in ("not-found", "not-recorded", "no-from-list"))
    return replace(found, value=UNDETERMINED, issues=(*kept, issue), presumed=None)


UNREAD = "codes-unreadable"


def _unread_issue(slot: Slot, unread: UnreadEntries) -> Issue:
    """The entries that are not understood.  It concerns no slot: one text for all slots of the list."""
    severity = Severity.WARNING if slot.concept.origin in EVENT_ORIGINS else Severity.INFORMATION
    return Issue(severity, "codes-unreadable", unread.describe())


def _select_recorded(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> SlotSelection:
    issues: list[Issue] = []
    found = sort_by_state(slot, pool.facts, as_of, known_at)
    yes = valid_facts(slot, pool, found.present, issues)
    no = valid_facts(slot, pool, found.absent, issues)
    left_out = bool(issues)
    if yes:
        yes.sort(key=lambda fact: fact.resource.iri)
        issues += [
            *fact_issues(slot, yes),
            *_beyond_supply_issues(slot, yes, as_of),
            *_contrary_issues(slot, found.negated, no),
        ]
        return SlotSelection(True, resources_of(yes), tuple(issues))
    if found.probable:
        issues += [_probable_issue(slot, fact) for fact in sorted(found.probable, key=fact_label)]
    if pool.failures:
        # Records that could not be retrieved may state the presence.
        issues += [slot_issue(slot, absence_code(failure.reason), failure.text) for failure in pool.failures]
        return SlotSelection(Absent(pool.failures[0].reason), (), tuple(issues))
    if found.probable:
        return SlotSelection(UNDETERMINED, resources_of(found.probable), tuple(issues))
    if doubted := found.doubted:
        states = _join_states(fact.doubted for fact in doubted)
        text = f"Recorded as {states}, so not counted: {list_facts(doubted)}."
        issues.append(slot_issue(slot, "doubted", text, Severity.INFORMATION))
    if negated := found.negated:
        text = f"Recorded as {_join_states(fact.negated for fact in negated)}: {list_facts(negated)}."
        issues.append(slot_issue(slot, "negated", text, Severity.INFORMATION))
    if found.ended:
        text = f"Recorded as ended or inactive: {_describe_ended(found.ended, as_of)}."
        issues.append(slot_issue(slot, "over", text, Severity.INFORMATION))
    if found.lapsed:
        issues.append(slot_issue(slot, "perhaps-over", _describe_lapsed(found.lapsed)))
    if found.unusable:
        return _unusable(slot, found.unusable, issues)
    if found.lapsed:
        return SlotSelection(Absent(AbsentReason.STALE), resources_of(found.lapsed), tuple(issues))
    if found.time_uncertain:
        text = f"Unclear whether it had begun or ended by the time asked for: {list_facts(found.time_uncertain)}."
        # What only an encounter dates is excluded before that encounter's end, as if it were not recorded yet.
        recorded = any(fact.resource.issued or not fact.dated_by_encounter for fact in found.time_uncertain)
        value = UNDETERMINED if recorded else Absent(AbsentReason.NOT_FOUND)
        return SlotSelection(value, (), (*issues, slot_issue(slot, "time-imprecise", text)))
    if found.window_uncertain:
        window, records = _describe_window(slot), list_facts(found.window_uncertain)
        text = f"Unclear whether this was within the {window} asked for: {records}."
        return SlotSelection(UNDETERMINED, (), (*issues, slot_issue(slot, "time-imprecise", text)))
    if no and not (left_out and slot.concept.origin in EVENT_ORIGINS):
        return recorded_as_absent(slot, pool, no, as_of, issues)
    if left_out:
        return SlotSelection(UNDETERMINED, (), tuple(issues))
    if slot.no_if_reconciled is not None:
        return _not_on_list(slot, pool, found, as_of, issues)
    return not_recorded(slot, pool, as_of, issues)


def select_stay_start(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> SlotSelection:
    """Fills a slot with the day on which the stay began that goes on, in the zone of ``as_of``.

    Of stays that overlap or follow each other (``joined_stays``) the earliest start counts.  A stay of which it is
    unclear whether it had begun or was over counts: whether there is one at all is what the flag says.
    """
    issues: list[Issue] = []
    found = sort_by_state(slot, pool.facts, as_of, known_at)
    going_on = valid_facts(slot, pool, [*found.present, *found.time_uncertain], issues)
    if pool.failures:
        # An earlier part of the stay may be among what could not be retrieved.
        issues += [slot_issue(slot, absence_code(failure.reason), failure.text) for failure in pool.failures]
        return SlotSelection(Absent(pool.failures[0].reason), (), tuple(issues))
    if not going_on and found.unusable:
        return _unusable(slot, found.unusable, issues)
    if not going_on and found.lapsed:
        issues.append(slot_issue(slot, "perhaps-over", _describe_lapsed(found.lapsed)))
        return SlotSelection(Absent(AbsentReason.STALE), resources_of(found.lapsed), tuple(issues))
    if not going_on:
        issues.append(
            slot_issue(slot, "not-found", f"No {begin_small(slot.concept.display)} was found.", Severity.INFORMATION)
        )
        return SlotSelection(Absent(AbsentReason.NOT_FOUND), (), tuple(issues))
    stays = joined_stays(going_on, valid_facts(slot, pool, found.ended, issues))
    stays.sort(key=lambda fact: fact.resource.iri)
    days = [local_days(span, as_of) for fact in stays if (span := fact.resource.effective) is not None]
    start = Date(min(each.start for each in days), min(each.end for each in days))
    return SlotSelection(start, resources_of(stays), (*issues, *fact_issues(slot, stays)))


def local_days(span: Span, as_of: datetime) -> Date:
    """The days of a span: of a time in the zone of ``as_of``, of a recorded date as it is recorded."""
    if span.end - span.start < timedelta(hours=23):
        return Date(span.start.astimezone(as_of.tzinfo).date(), span.end.astimezone(as_of.tzinfo).date())
    return Date(span.start.date(), span.end.date())


def _probable_issue(slot: Slot, fact: Fact) -> Issue:
    """That an entry is probably it: the words of the entry, and by what."""
    words = f'"{fact.resource.recorded}" ({fact.record.name})' if fact.resource.recorded else fact_label(fact)
    return slot_issue(slot, "probable", f"Probably {begin_small(slot.concept.display)}, {fact.probable}: {words}.")


def _not_on_list(slot: Slot, pool: Pool, found: FactsByState, as_of: datetime, issues: list[Issue]) -> SlotSelection:
    """Nothing is recorded, and the slot takes that as "no" if the list is complete: presumed where nothing forbids."""
    kept = slot.no_if_reconciled
    assert kept is not None  # noqa: S101 - the caller has looked
    absent = Absent(AbsentReason.NOT_FOUND)
    if pool.patient_failure is not None:
        fault: str | None = pool.patient_failure.text.rstrip(".")
    elif incomplete := sorted({each.incomplete_reason for each in pool.coded if each.incomplete_reason is not None}):
        fault = "; ".join(incomplete)
    else:
        fault = reconciliation_fault(slot, pool, found, as_of)
    display, name = slot.concept.display, begin_small(kept.display)
    if fault is not None:
        text = f"{display} is not on the {name}. Absence is not assumed: {fault}."
        return SlotSelection(absent, (), (*issues, slot_issue(slot, "list-not-reconciled", text)))
    newest = reviews_of(pool, kept, as_of)[0]
    text = f"{display} is not on the {name} and is counted as absent. {newest.text}, {exact_span_words(newest.span)}."
    return SlotSelection(absent, (), (*issues, slot_issue(slot, "no-from-list", text)), presumed=False)


def _contrary_issues(slot: Slot, negated: list[Fact], no: list[Fact]) -> list[Issue]:
    """Issues about records that contradict a presence: statements of absence, and negated records."""
    issues: list[Issue] = []
    if slot.concept.origin in EVENT_ORIGINS and no:
        text = f"Also recorded as absent: {list_facts(no)}."
        issues.append(slot_issue(slot, "contradicted", text))
    if negated:
        text = f"It is also recorded as {_join_states(fact.negated for fact in negated)}: {list_facts(negated)}."
        issues.append(slot_issue(slot, "negated", text, Severity.INFORMATION))
    return issues


def _describe_ended(facts: list[Fact], as_of: datetime) -> str:
    """The records that have ended, each with its status (on hold is not stopped) and its end, if known."""
    texts = []
    for fact in facts:
        status = f"status {fact.resource.status}" if fact.resource.status else None
        end = f"until {exact_span_words(fact.end)}" if fact.end is not None and fact.end.start <= as_of else None
        details = ", ".join(each for each in (status, end) if each)
        texts.append(f"{fact_label(fact)} ({details})" if details else fact_label(fact))
    return truncated_list(sorted(texts))


def _beyond_supply_issues(slot: Slot, yes: list[Fact], as_of: datetime) -> list[Issue]:
    """A warning where the ordered supply of every present record ended before ``as_of``."""
    if slot.ever or slot.window is not None or any(f.supply_end is None or f.supply_end >= as_of for f in yes):
        return []
    names = truncated_list(sorted(f"{fact_label(fact)} (supplied until {day_words(fact.supply_end)})" for fact in yes))
    return [slot_issue(slot, "beyond-supply", f"No end recorded, but the supply has run out: {names}.")]


def _describe_lapsed(facts: list[Fact]) -> str:
    names = (f"{fact_label(fact)} (counted as current until {day_words(fact.presumed_until)})" for fact in facts)
    return f"No end recorded; whether it continues is unknown: {truncated_list(sorted(names))}."


def _join_states(words: Iterable[str | None]) -> str:
    return " or ".join(sorted({word for word in words if word}))


def _describe_window(slot: Slot) -> str:
    return duration_words(slot.window) if slot.window is not None else "time"


def _unusable(slot: Slot, facts: list[Fact], issues: list[Issue]) -> SlotSelection:
    facts.sort(key=lambda fact: fact.resource.iri)
    for fact in facts:
        value = fact.resource.value
        reason = value.reason if isinstance(value, Absent) else AbsentReason.RECORDED_UNKNOWN
        code = "undated" if fact.resource.effective is None else absence_code(reason)
        issues.append(slot_issue(slot, code, f"{fact_label(fact)} cannot be used: {recorded_text(fact)}."))
    return SlotSelection(Absent(common_reason(facts)), resources_of(facts), tuple(issues))


UNDETERMINED = Absent(AbsentReason.UNCONVERTIBLE)
"""On record, but undetermined for the time asked about: neither present nor "not recorded"."""


def recorded_as_absent(slot: Slot, pool: Pool, no: list[Fact], as_of: datetime, issues: list[Issue]) -> SlotSelection:
    """False, since absence is recorded; unknown where an unreadable or a current entry may conflict with it."""
    no.sort(key=lambda fact: fact.resource.iri)
    if any(fact.record.ref.type == "Observation" for fact in no):
        # Observed of this very concept: other entries cannot mean it.
        return SlotSelection(False, resources_of(no), (*issues, *fact_issues(slot, no)))
    if slot.concept.origin in EVENT_ORIGINS and (unread := unread_entries(slot, pool, as_of)):
        text = f"Recorded as absent: {list_facts(no)}."
        issues += [slot_issue(slot, "contradicted", text), _unread_issue(slot, unread)]
        return SlotSelection(UNDETERMINED, resources_of(no), tuple(issues))
    if others := _other_current_entries(slot, pool, as_of):
        text = f"Recorded as absent: {list_facts(no)}. Other records may mean it: {others}."
        return SlotSelection(UNDETERMINED, resources_of(no), (*issues, slot_issue(slot, "contradicted", text)))
    return SlotSelection(False, resources_of(no), (*issues, *fact_issues(slot, no)))


def not_recorded(slot: Slot, pool: Pool, as_of: datetime, issues: list[Issue]) -> SlotSelection:
    """Nothing is recorded: false only in a closed world, for an existing patient, with readable codes; else unknown."""
    name = begin_small(slot.concept.display)
    if not slot.closed_world:
        text = f"No record of {name}; this does not rule it out."
        issues.append(slot_issue(slot, "not-recorded", text, Severity.INFORMATION))
        return SlotSelection(Absent(AbsentReason.NOT_FOUND), (), tuple(issues))
    if pool.patient_failure is not None:
        # A source answers an unknown id like a patient with an empty list.
        text = f"No record of {name}, but it is unknown whether there is such a patient: {pool.patient_failure.text}"
        issues.append(slot_issue(slot, absence_code(pool.patient_failure.reason), text))
        return SlotSelection(Absent(pool.patient_failure.reason), (), tuple(issues))
    if incomplete := sorted({each.incomplete_reason for each in pool.coded if each.incomplete_reason is not None}):
        issues.append(slot_issue(slot, "incomplete", f"No record of {name}, but {'; '.join(incomplete)}."))
        return SlotSelection(Absent(AbsentReason.NOT_FOUND), (), tuple(issues))
    if slot.concept.origin in EVENT_ORIGINS and unread_entries(slot, pool, as_of):
        return SlotSelection(Absent(AbsentReason.NOT_FOUND), (), tuple(issues))
    issues.append(slot_issue(slot, "closed-world", f"No record of {name}; counted as absent.", Severity.INFORMATION))
    return SlotSelection(False, (), tuple(issues))


def _other_current_entries(slot: Slot, pool: Pool, as_of: datetime) -> str:
    """The current entries that were not read as the concept: an unlisted narrower code may be among them."""
    names = (
        each.record_name
        for each in pool.coded
        if each.record_name is not None and slot.concept.id not in each.concepts and each.is_current(as_of)
    )
    return truncated_list(sorted(names))

"""Fills a slot with a value: that of the latest or earliest fact, or a series of all, in the slot's unit.

A bound is used only where the slot accepts bounds; a value outside the validated range is used, with a warning.
"""

from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal

import msgspec

from collectors.facts import SlotSelection
from collectors.reading.records import Fact
from collectors.selection.conflicts_and_duplicates import (
    MAX_COMPARED,
    Resolution,
    resolve_conflict,
    same_value,
    validate_group,
)
from collectors.selection.messages import (
    absence_code,
    common_reason,
    fact_issues,
    fact_label,
    issue_per_fact,
    recorded_text,
    slot_issue,
)
from collectors.selection.pool import (
    Pool,
    View,
    group_by_time,
    groups_newest_first,
    has_value,
    span_of,
    valid_facts,
    view_as_of,
)
from ontology.concepts import ValueType
from ontology.errors import UnitError
from ontology.evaluation import Issue
from ontology.resources import Resource, Span
from ontology.series import Period, series_of_periods
from ontology.slots import Select, Slot
from ontology.units import convert
from ontology.values import Absent, AbsentReason, Bound, Date, Quantity, Series, Value
from ontology.words.lists import MAX_LISTED, begin_small, count_words
from ontology.words.quantities import amount, number_words
from ontology.words.time import duration_words, exact_span_words


def convert_for_slot(slot: Slot, fact: Fact) -> tuple[Value, list[Issue]]:
    """The value in the slot's unit, and its issues; Absent where the slot cannot use it."""
    value = fact.resource.value
    if isinstance(value, Bound) and not slot.accepts_bound:
        text = f"{fact_label(fact)} says {recorded_text(fact)}: only a limit, and a number is needed."
        return Absent(AbsentReason.UNCONVERTIBLE), [slot_issue(slot, "bound-not-usable", text)]
    if not isinstance(value, Quantity | Bound):
        return value, []
    try:
        number, unit = number_in_slot_unit(fact, value, slot)
    except UnitError:
        text = f"{fact_label(fact)} says {recorded_text(fact)}, which cannot be converted to {slot.unit}."
        return Absent(AbsentReason.UNCONVERTIBLE), [slot_issue(slot, "unconvertible", text)]
    issues = []
    if outside_validated_range(slot, number):
        text = f"{amount(number, unit)} is outside the validated range ({format_validated_range(slot)})."
        issues.append(slot_issue(slot, "outside-validated-range", text))
    if isinstance(value, Bound):
        return Bound(value.comparator, number, unit), issues
    return Quantity(number, unit), issues


def number_in_slot_unit(fact: Fact, value: Quantity | Bound, slot: Slot) -> tuple[Decimal, str]:
    """The number and its unit for the slot, converted once from the recorded quantity.  Raises UnitError."""
    target = slot.unit or value.unit
    if target == value.unit:
        return value.value, target
    number, unit = fact.recorded_quantity if fact.recorded_quantity is not None else (value.value, value.unit)
    return (number if unit == target else convert(number, unit, target, slot.concept.molar_mass)), target


def outside_validated_range(slot: Slot, number: Decimal) -> bool:
    """Whether the number lies outside the module's validated range."""
    return (slot.minimum is not None and number < slot.minimum) or (slot.maximum is not None and number > slot.maximum)


def format_validated_range(slot: Slot) -> str:
    """The validated range in words."""
    unit = slot.unit or slot.concept.unit or ""
    if slot.minimum is not None and slot.maximum is not None:
        return f"{number_words(slot.minimum)} to {amount(slot.maximum, unit)}"
    if slot.minimum is not None:
        return f"from {amount(slot.minimum, unit)}"
    return f"up to {amount(slot.maximum, unit)}" if slot.maximum is not None else ""


def select_single(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> SlotSelection:
    """Fills the slot with the latest or earliest usable fact inside the window, or with the reason of its absence.

    A record that states "unknown" is skipped; an implausible or unreadable one only if the slot allows it.
    """
    view = view_as_of(slot, pool, as_of, known_at)
    issues = view.issues
    groups = group_by_time(view.in_window) if slot.select is Select.EARLIEST else groups_newest_first(view.in_window)
    skipped: list[Fact] = []
    for candidates in groups:
        group, unchecked = validate_group(slot, pool, candidates, issues)
        if not group:
            continue
        if any(has_value(fact) for fact in group):
            issues.extend(_stepped_back_issues(slot, skipped))
            return _select_resolved(slot, pool, resolve_conflict(slot, group, unchecked), view, issues)
        barrier = [fact for fact in group if _absence_reason(fact) is not AbsentReason.RECORDED_UNKNOWN]
        if barrier and not slot.step_back:
            issues.extend(_stepped_back_issues(slot, skipped))
            return _no_usable_value(slot, barrier, issues)
        skipped.extend(group)
    if skipped:
        return _no_usable_value(slot, skipped, issues)
    return no_value_in_window(slot, view)


def no_value_in_window(slot: Slot, view: View) -> SlotSelection:
    """Absent(STALE) where older values were retrieved, else Absent(NOT_FOUND), with an issue that names the window.

    Absent(UNCONVERTIBLE) where one is on record that is perhaps later: then nothing is "not documented".
    """
    if view.perhaps_later:
        return SlotSelection(Absent(AbsentReason.UNCONVERTIBLE), (), tuple(view.issues))
    within = f" in the last {duration_words(slot.window)}" if slot.window else ""
    # "No current smoking" would be an answer.
    name, is_number = slot.concept.display, slot.concept.value_type is ValueType.QUANTITY
    older = (fact for group in groups_newest_first(view.before_window) for fact in group if has_value(fact))
    if (last := next(older, None)) is not None:
        latest = f"; the latest is of {exact_span_words(span_of(last))}."
        text = f"No {begin_small(name)}{within}{latest}" if is_number else f"{name} not documented{within}{latest}"
        return SlotSelection(Absent(AbsentReason.STALE), (), (*view.issues, slot_issue(slot, "stale", text)))
    text = f"No {begin_small(name)}{within or ' on record'}." if is_number else f"{name} not documented{within}."
    return SlotSelection(Absent(AbsentReason.NOT_FOUND), (), (*view.issues, slot_issue(slot, "not-found", text)))


def _select_resolved(slot: Slot, pool: Pool, resolution: Resolution, view: View, issues: list[Issue]) -> SlotSelection:
    issues.extend(resolution.issues)
    resources = resources_of(resolution.facts)
    if resolution.chosen is None:
        return SlotSelection(Absent(AbsentReason.CONFLICTING), resources, tuple(issues))
    issues.extend(fact_issues(slot, resolution.facts))
    issues.extend(_uncertain_order_issues(slot, pool, resolution.chosen, view))
    value, remarks = convert_for_slot(slot, resolution.chosen)
    return SlotSelection(value, resources, (*issues, *remarks))


def _uncertain_order_issues(slot: Slot, pool: Pool, chosen: Fact, view: View) -> list[Issue]:
    """An issue about facts with other values whose imprecise spans overlap that of the chosen one."""
    if view.instants_only:
        return []
    span = span_of(chosen)
    rivals = [
        fact
        for fact in view.in_window
        if fact.resource.effective != span
        and span_of(fact).start <= span.end
        and span_of(fact).end >= span.start
        and has_value(fact)
        and not same_value(fact, chosen)
    ]
    rivals.sort(key=lambda fact: (span_of(fact).end, fact.resource.iri))
    found: list[Fact] = []
    unchecked = 0
    for index, fact in enumerate(rivals):
        if len(found) >= MAX_COMPARED:
            unchecked = len(rivals) - index
            break
        if pool.invalid_element(fact.record) is None:
            found.append(fact)
    if not found:
        return []
    text = "; ".join(sorted(f"{fact_label(fact)} says {recorded_text(fact)}" for fact in found[:MAX_LISTED]))
    if (rest := len(found) + unchecked - MAX_LISTED) > 0:
        text += f" and {'up to ' if unchecked else ''}{rest} more"
    return [slot_issue(slot, "order-uncertain", f"The times are too imprecise to tell which came last: {text}.")]


def _no_usable_value(slot: Slot, facts: list[Fact], issues: list[Issue]) -> SlotSelection:
    """No value, for the reason of the first group of these facts; all are reported, or counted."""
    first = [fact for fact in facts if fact.resource.effective == facts[0].resource.effective]
    by_reason: dict[AbsentReason, list[Fact]] = {}
    for fact in facts:
        by_reason.setdefault(_absence_reason(fact), []).append(fact)
    for reason, those in by_reason.items():
        issues.extend(
            issue_per_fact(
                slot, absence_code(reason), those, lambda fact: f"{fact_label(fact)} says {recorded_text(fact)}."
            )
        )
    return SlotSelection(Absent(common_reason(first)), resources_of(facts), tuple(issues))


def _stepped_back_issues(slot: Slot, skipped: list[Fact]) -> list[Issue]:
    word = "later" if slot.select is Select.EARLIEST else "earlier"
    text = f"{word} records were used instead."
    return issue_per_fact(
        slot, "stepped-back", skipped, lambda fact: f"{fact_label(fact)} says {recorded_text(fact)}; {text}"
    )


def _absence_reason(fact: Fact) -> AbsentReason:
    value = fact.resource.value
    if not isinstance(value, Absent):
        raise ValueError("the fact has a value")
    return value.reason


def resources_of(facts: list[Fact]) -> tuple[Resource, ...]:
    """The resources of facts, each once, in order."""
    return tuple({fact.resource.iri: fact.resource for fact in facts}.values())


def select_series(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> SlotSelection:
    """Fills the slot with a series; unusable facts are left out and counted in one issue.

    Where the newest fact is unusable, the older ones must not appear current: there is a series then only if the slot
    allows stepping back, or if that fact only states "unknown".
    """
    view = view_as_of(slot, pool, as_of, known_at)
    issues = view.issues
    points: list[tuple[datetime, Decimal]] = []
    used: list[Fact] = []
    unusable: list[Fact] = []
    unchecked_count = 0
    conflict_issues: list[Issue] = []
    reason = AbsentReason.UNCONVERTIBLE
    newest: AbsentReason | None = None
    for candidates in group_by_time(expand_samples(slot, view.in_window, as_of)):
        group, unchecked = validate_group(slot, pool, candidates, issues)
        values = [fact for fact in group if has_value(fact)]
        unusable.extend(fact for fact in group if not has_value(fact))
        if group and not values:
            reason = common_reason(group)
            newest = newest if reason is AbsentReason.RECORDED_UNKNOWN else reason
        if not values:
            continue
        resolution = resolve_conflict(slot, values, unchecked)
        conflict_issues.extend(resolution.issues)
        value = convert_for_slot(slot, resolution.chosen)[0] if resolution.chosen is not None else None
        if not isinstance(value, Quantity):
            unusable.extend(values)
            unchecked_count += len(unchecked)
            reason = AbsentReason.UNCONVERTIBLE if resolution.chosen is not None else AbsentReason.CONFLICTING
            newest = reason
            continue
        newest = None
        points.append((span_of(values[0]).end, value.value))
        used.extend(resolution.facts)
    issues.extend(conflict_issues)
    if unusable:
        issues.append(_left_out_issue(slot, unusable, len(unusable) + unchecked_count))
    if not points or (newest is not None and not slot.step_back):
        if unusable:
            return SlotSelection(Absent(newest or reason), resources_of(unusable), tuple(issues))
        return no_value_in_window(slot, view)
    issues.extend(fact_issues(slot, used))
    beyond = sum(outside_validated_range(slot, number) for _, number in points)
    if beyond:
        validated = format_validated_range(slot)
        text = f"{beyond} of {len(points)} values are outside the validated range ({validated})."
        issues.append(slot_issue(slot, "outside-validated-range", text))
    unit = slot.unit or slot.concept.unit or "1"
    return SlotSelection(Series(tuple(points), unit), resources_of(used), tuple(issues))


def select_periods(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> SlotSelection:
    """Fills the slot with the periods of what was done, as of a time, those that reach into the window whole.

    An instant says when it began: it counts until the end of its day.  What has no end by ``as_of`` goes on.  Records
    without a date or of an unclear state are left out and reported; where there are no others, it is unknown.
    """
    view, timeline = view_as_of(slot, pool, as_of, known_at), pool.timeline(known_at)
    since = None if slot.window is None else as_of - slot.window
    begun = [fact for fact in timeline.possibly_later(as_of) if fact.begun is not None and fact.begun <= as_of]
    issues = [issue for issue in view.issues if not begun or issue.code != "time-imprecise"]
    facts = [*view.in_window, *(fact for fact in view.before_window if _reaches(fact, since)), *begun]
    valid = valid_facts(slot, pool, facts, issues)
    used = [fact for fact in valid if has_value(fact)]
    if unusable := [fact for fact in valid if not has_value(fact)]:
        issues.append(_left_out_issue(slot, unusable, len(unusable)))
    if not used:
        if unusable or timeline.undated:
            absent = common_reason(unusable) if unusable else AbsentReason.UNCONVERTIBLE
            return SlotSelection(Absent(absent), resources_of(unusable or timeline.undated), tuple(issues))
        return no_value_in_window(slot, view)
    issues.extend(fact_issues(slot, used))
    series = series_of_periods(_period_of(fact, as_of) for fact in used)
    return SlotSelection(series, resources_of(used), tuple(issues))


def _reaches(fact: Fact, since: datetime | None) -> bool:
    """Whether what began before ``since`` went on until then, or has no end."""
    return since is None or span_of(fact).end >= since or _goes_on(fact)


def _goes_on(fact: Fact) -> bool:
    value = fact.resource.value
    return isinstance(value, Date) and value.end == date.max


def _period_of(fact: Fact, as_of: datetime) -> Period:
    span = span_of(fact)
    end_of_day = datetime.combine(span.end.date(), time.max, span.end.tzinfo)
    if _goes_on(fact) or (fact.begun is not None and span.end > as_of):
        return span.start, None
    return span.start, end_of_day if fact.begun is None else span.end


def expand_samples(slot: Slot, facts: list[Fact], as_of: datetime) -> list[Fact]:
    """The facts, with each SampledData replaced by its samples inside the window."""
    if not any(fact.samples for fact in facts):
        return facts
    expanded: list[Fact] = []
    for fact in facts:
        if not fact.samples:
            expanded.append(fact)
            continue
        start = span_of(fact).start
        for offset, value, written in fact.samples:
            when = start + offset
            if slot.window is None or as_of - when <= slot.window:
                at = replace(fact.resource, value=value, effective=Span(when, when), problem=None)
                expanded.append(msgspec.structs.replace(fact, resource=at, recorded_quantity=written, samples=()))
    return expanded


def _left_out_issue(slot: Slot, unusable: list[Fact], count: int) -> Issue:
    shown = "; ".join(f"{fact_label(fact)} says {recorded_text(fact)}" for fact in unusable[-3:])
    return slot_issue(slot, "left-out", f"{count_words(count, 'record')} of the series could not be used: {shown}.")

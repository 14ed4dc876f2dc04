"""One fact for a slot: the latest or the earliest as of a time, with what was passed on the way."""

from datetime import datetime

from collectors.facts import Selected
from collectors.reading.records import Fact
from collectors.reading.timing import duration_in_words, in_words
from collectors.selection.agreement import ENOUGH, Agreement, agree, judged, same
from collectors.selection.consumed import consume
from collectors.selection.pool import Pool, View, from_newest, grouped, readable, span_of, view
from collectors.selection.telling import MOST, absence_code, common_reason, named, said, say, say_each, told
from ontology.evaluation import Issue
from ontology.resources import Resource
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason


def single(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> Selected:
    """Fills the slot with the latest or earliest usable fact inside the window, or says why there is none.

    A record that states "unknown" is passed; one that is implausible or cannot be read only if the slot lets it.
    """
    seen = view(slot, pool, as_of, known_at)
    issues = seen.issues
    groups = grouped(seen.inside) if slot.select is Select.EARLIEST else from_newest(seen.inside)
    passed: list[Fact] = []
    for met in groups:
        group, unjudged = judged(slot, pool, met, issues)
        if not group:
            continue
        if any(readable(fact) for fact in group):
            issues.extend(_stepped_back(slot, passed))
            return _filled(slot, pool, agree(slot, group, unjudged), seen, issues)
        barrier = [fact for fact in group if _reason(fact) is not AbsentReason.RECORDED_UNKNOWN]
        if barrier and not slot.step_back:
            issues.extend(_stepped_back(slot, passed))
            return _nothing(slot, barrier, issues)
        passed.extend(group)
    if passed:
        return _nothing(slot, passed, issues)
    return missing(slot, seen)


def missing(slot: Slot, seen: View) -> Selected:
    """STALE where older values were fetched, else NOT_FOUND, naming the window."""
    within = f" in the {duration_in_words(slot.window)} before the time asked for" if slot.window else ""
    older = (fact for group in from_newest(seen.older) for fact in group if readable(fact))
    if (last := next(older, None)) is not None:
        text = f"No {slot.concept.display}{within}: the last one is of {in_words(span_of(last))}."
        return Selected(Absent(AbsentReason.STALE), (), (*seen.issues, say(slot, "stale", text)))
    text = f"No {slot.concept.display} was found{within}."
    return Selected(Absent(AbsentReason.NOT_FOUND), (), (*seen.issues, say(slot, "not-found", text)))


def _filled(slot: Slot, pool: Pool, agreement: Agreement, seen: View, issues: list[Issue]) -> Selected:
    issues.extend(agreement.issues)
    resources = resources_of(agreement.facts)
    if agreement.chosen is None:
        return Selected(Absent(AbsentReason.CONFLICTING), resources, tuple(issues))
    issues.extend(told(slot, agreement.facts))
    issues.extend(_unordered(slot, pool, agreement.chosen, seen))
    value, remarks = consume(slot, agreement.chosen)
    return Selected(value, resources, (*issues, *remarks))


def _unordered(slot: Slot, pool: Pool, chosen: Fact, seen: View) -> list[Issue]:
    """Facts that say something else and may be of the same time, since one of the times is imprecise."""
    if seen.exact:
        return []
    span = span_of(chosen)
    rivals = [
        fact
        for fact in seen.inside
        if fact.resource.effective != span
        and span_of(fact).start <= span.end
        and span_of(fact).end >= span.start
        and readable(fact)
        and not same(fact, chosen)
    ]
    rivals.sort(key=lambda fact: (span_of(fact).end, fact.resource.iri))
    found: list[Fact] = []
    unjudged = 0
    for index, fact in enumerate(rivals):
        if len(found) >= ENOUGH:
            unjudged = len(rivals) - index
            break
        if pool.fault(fact.record) is None:
            found.append(fact)
    if not found:
        return []
    text = "; ".join(sorted(f"{named(fact)} says {said(fact)}" for fact in found[:MOST]))
    if (rest := len(found) + unjudged - MOST) > 0:
        text += f" and {'up to ' if unjudged else ''}{rest} more"
    return [say(slot, "order-uncertain", f"The times are too imprecise to tell which came last: {text}.")]


def _nothing(slot: Slot, facts: list[Fact], issues: list[Issue]) -> Selected:
    """No value, for the reason of the first of these facts in time; all are told, or counted."""
    first = [fact for fact in facts if fact.resource.effective == facts[0].resource.effective]
    by_reason: dict[AbsentReason, list[Fact]] = {}
    for fact in facts:
        by_reason.setdefault(_reason(fact), []).append(fact)
    for reason, those in by_reason.items():
        issues.extend(say_each(slot, absence_code(reason), those, lambda fact: f"{named(fact)} says {said(fact)}."))
    return Selected(Absent(common_reason(first)), resources_of(facts), tuple(issues))


def _stepped_back(slot: Slot, passed: list[Fact]) -> list[Issue]:
    word = "later" if slot.select is Select.EARLIEST else "earlier"
    text = f"{word} records were used instead."
    return say_each(slot, "stepped-back", passed, lambda fact: f"{named(fact)} says {said(fact)}; {text}")


def _reason(fact: Fact) -> AbsentReason:
    value = fact.resource.value
    if not isinstance(value, Absent):
        raise ValueError("the fact has a value")
    return value.reason


def resources_of(facts: list[Fact]) -> tuple[Resource, ...]:
    """The resources of facts, each once, in the order given."""
    return tuple({fact.resource.iri: fact.resource for fact in facts}.values())

"""Whether the newest records of a concept are enough to answer: nothing that did not come could change the selection.

An answer cut off at so many records leaves something behind: the *horizon* is the time from which on nothing is
missing.  A concept is settled where a final fact that can be used lies after it, or where there is no horizon.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

from collectors.reading.codes import Key
from collectors.reading.placed import Placed
from collectors.reading.records import Fact, Record
from collectors.selection.pool import readable
from ontology.concepts import Concept

# A source may order what lasts or is dated by the day by its start, in a zone of its own: it may end so much later.
MARGIN = timedelta(days=2)
NEVER = datetime.max.replace(tzinfo=UTC) - 2 * MARGIN
"""A horizon behind which nothing lies: what came says nothing of what did not."""

Horizons: TypeAlias = Mapping[Key, datetime]
"""For each code of which more may be on record than came: from when on nothing is missing."""

ANY_CODE: Key = ("", "")
"""Stands among horizons for what concerns every concept: records that may hold any as a component."""


def by_code(records: Iterable[Placed], most: int) -> dict[Key, datetime]:
    """The horizons of an answer that has the ``most`` newest records of each code."""
    groups: dict[Key, list[Placed]] = {}
    horizons: dict[Key, datetime] = {}
    for each in records:
        for key in each.codes:
            groups.setdefault(key, []).append(each)
        if not each.codes:
            # It counts among the newest of some code, and it cannot be told of which.
            horizons[ANY_CODE] = NEVER
    for key, group in groups.items():
        if len(group) < most:
            continue
        ends = sorted(map(_end, group), reverse=True)
        horizons[key] = ends[most - 1]
        if any(each.parted for each in group):
            horizons[ANY_CODE] = max(horizons[key], horizons.get(ANY_CODE, horizons[key]))
    return horizons


def _end(record: Placed) -> datetime:
    """When an instant was.  What lasts or is dated by the day, which sources put among instants in ways of their own,
    shows nothing of what did not come; nor does what cannot be placed."""
    span = record.span
    return min(span.end, NEVER) if span is not None and span.start == span.end else NEVER


def in_order(records: list[Placed], most: int, more: bool) -> datetime | None:
    """The horizon of a page of the newest records, newest first; None where all there is came.

    A page that is not in that order was not sorted at all.  Servers were seen to order instants well, and to put all
    that lasts before them: a page with anything but instants on it shows nothing of what did not come.
    """
    if not more and len(records) < most:
        return None
    ends = [_end(each) for each in records]
    if not ends or NEVER in ends or any(later > earlier + MARGIN for earlier, later in pairwise(ends)):
        return NEVER
    return ends[-1]


def horizon_of(concept: Concept, horizons: Horizons) -> datetime | None:
    """From when on no record of the concept is missing; None where none is missing at all."""
    keys = [(each.coding.system, each.coding.code) for each in concept.accepted]
    keys += [(panel.system, panel.code) for panel in concept.panels]
    return max((horizons[key] for key in (*keys, ANY_CODE) if key in horizons), default=None)


def settled(
    facts: Iterable[Fact], horizon: datetime | None, as_of: datetime, fault: Callable[[Record], str | None]
) -> bool:
    """Whether the latest of these facts is the latest of all, whatever the slot's window.

    ``fault`` names the element in which a record breaks FHIR's rules (None: it is sound).
    """
    if horizon is None:
        return True
    if horizon >= NEVER:
        return False
    found = False
    for fact in facts:
        span, issued = fact.resource.effective, fact.resource.issued
        if span is None:
            continue
        if span.end - span.start > MARGIN:
            return False
        found = found or (
            horizon + MARGIN < span.end <= as_of
            and (issued is None or issued <= as_of)
            and readable(fact)
            and not fact.preliminary
            and fault(fact.record) is None
        )
    return found

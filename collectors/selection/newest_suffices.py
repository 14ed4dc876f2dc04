"""Whether the newest records of a concept suffice: no record that was not retrieved could change the selection.

A truncated answer leaves records behind: the *horizon* is the time from which on nothing is missing.  The newest
records suffice where a final, usable fact lies after it, or where there is no horizon.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

from collectors.reading.code_and_time import CodeAndTime
from collectors.reading.codes import CodeKey
from collectors.reading.records import Fact, Record
from collectors.selection.pool import has_value
from ontology.concepts import Concept

# A source may order what lasts or is dated by the day by its start, in a zone of its own: it may end so much later.
ORDER_MARGIN = timedelta(days=2)
UNKNOWN_HORIZON = datetime.max.replace(tzinfo=UTC) - 2 * ORDER_MARGIN
"""A horizon behind which nothing lies: what came says nothing of what did not."""

Horizons: TypeAlias = Mapping[CodeKey, datetime]
"""For each code of which more may be on record than came: from when on nothing is missing."""

ANY_CODE: CodeKey = ("", "")
"""Stands among horizons for what concerns every concept: records that may hold any as a component."""


def horizons_by_code(records: Iterable[CodeAndTime], most: int) -> dict[CodeKey, datetime]:
    """The horizons of an answer that has the ``most`` newest records of each code."""
    groups: dict[CodeKey, list[CodeAndTime]] = {}
    horizons: dict[CodeKey, datetime] = {}
    for each in records:
        for key in each.codes:
            groups.setdefault(key, []).append(each)
        if not each.codes:
            # It counts among the newest of some code, and it cannot be told of which.
            horizons[ANY_CODE] = UNKNOWN_HORIZON
    for key, group in groups.items():
        if len(group) < most:
            continue
        ends = sorted(map(_instant_end, group), reverse=True)
        horizons[key] = ends[most - 1]
        if any(each.has_components for each in group):
            horizons[ANY_CODE] = max(horizons[key], horizons.get(ANY_CODE, horizons[key]))
    return horizons


def _instant_end(record: CodeAndTime) -> datetime:
    """When an instant was.  What lasts or is dated by the day, which sources put among instants in ways of their own,
    shows nothing of what did not come; nor does what cannot be placed."""
    span = record.span
    return min(span.end, UNKNOWN_HORIZON) if span is not None and span.start == span.end else UNKNOWN_HORIZON


def page_horizon(records: list[CodeAndTime], most: int, more: bool) -> datetime | None:
    """The horizon of a page of the newest records, newest first; None where all there is came.

    A page that is not in that order was not sorted at all.  Servers were seen to order instants well, and to put all
    that lasts before them: a page with anything but instants on it shows nothing of what did not come.
    """
    if not more and len(records) < most:
        return None
    ends = [_instant_end(each) for each in records]
    if not ends or UNKNOWN_HORIZON in ends or any(later > earlier + ORDER_MARGIN for earlier, later in pairwise(ends)):
        return UNKNOWN_HORIZON
    return ends[-1]


def concept_horizon(concept: Concept, horizons: Horizons) -> datetime | None:
    """From when on no record of the concept is missing; None where none is missing at all."""
    keys = [(each.coding.system, each.coding.code) for each in concept.accepted]
    keys += [(panel.system, panel.code) for panel in concept.panels]
    return max((horizons[key] for key in (*keys, ANY_CODE) if key in horizons), default=None)


def newest_is_enough(
    facts: Iterable[Fact], horizon: datetime | None, as_of: datetime, invalid_element: Callable[[Record], str | None]
) -> bool:
    """Whether the latest of these facts is the latest of all, whatever the slot's window.

    ``fault`` names the element in which a record breaks FHIR's rules (None: it is sound).
    """
    if horizon is None:
        return True
    if horizon >= UNKNOWN_HORIZON:
        return False
    found = False
    for fact in facts:
        span, issued = fact.resource.effective, fact.resource.issued
        if span is None:
            continue
        if span.end - span.start > ORDER_MARGIN:
            return False
        found = found or (
            horizon + ORDER_MARGIN < span.end <= as_of
            and (issued is None or issued <= as_of)
            and has_value(fact)
            and not fact.preliminary
            and invalid_element(fact.record) is None
        )
    return found

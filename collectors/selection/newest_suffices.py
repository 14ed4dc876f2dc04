"""Whether the newest records of a concept suffice: no record that was not retrieved could change the selection.

The *horizon* of a truncated response is the time after which no record is missing.  The newest records suffice where
a final, usable fact lies after it, or where nothing was truncated (no horizon).
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

# A source may order periods and dates by their start, in its own zone: they may end this much later.
ORDER_MARGIN = timedelta(days=2)
UNKNOWN_HORIZON = datetime.max.replace(tzinfo=UTC) - 2 * ORDER_MARGIN
"""A horizon after every fact: the retrieved records show nothing about the missing ones."""

Horizons: TypeAlias = Mapping[CodeKey, datetime]
"""The horizon of each code of which more records may exist than were retrieved."""

ANY_CODE: CodeKey = ("", "")
"""Key of the horizon that applies to every concept: of records that may hold any concept as a component."""


def horizons_by_code(records: Iterable[CodeAndTime], most: int) -> dict[CodeKey, datetime]:
    """The horizons of a response with at most the ``most`` newest records of each code."""
    groups: dict[CodeKey, list[CodeAndTime]] = {}
    horizons: dict[CodeKey, datetime] = {}
    for each in records:
        for key in each.codes:
            groups.setdefault(key, []).append(each)
        if not each.codes:
            # It is one of the newest records of an unknown code.
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
    """The time of an instant; UNKNOWN_HORIZON for periods and dates, which sources order differently among instants,
    and for records without a readable time."""
    span = record.span
    return min(span.end, UNKNOWN_HORIZON) if span is not None and span.start == span.end else UNKNOWN_HORIZON


def page_horizon(records: list[CodeAndTime], most: int, more: bool) -> datetime | None:
    """The horizon of a page of the newest records, newest first; None where the page is complete.

    A page that is out of order was not sorted.  Servers were seen to sort instants correctly and to put all periods
    before them: a page with anything but instants has an unknown horizon.
    """
    if not more and len(records) < most:
        return None
    ends = [_instant_end(each) for each in records]
    if not ends or UNKNOWN_HORIZON in ends or any(later > earlier + ORDER_MARGIN for earlier, later in pairwise(ends)):
        return UNKNOWN_HORIZON
    return ends[-1]


def concept_horizon(concept: Concept, horizons: Horizons) -> datetime | None:
    """The time after which no record of the concept is missing; None where none is missing at all."""
    keys = [(each.coding.system, each.coding.code) for each in concept.accepted]
    keys += [(panel.system, panel.code) for panel in concept.panels]
    return max((horizons[key] for key in (*keys, ANY_CODE) if key in horizons), default=None)


def newest_is_enough(
    facts: Iterable[Fact], horizon: datetime | None, as_of: datetime, invalid_element: Callable[[Record], str | None]
) -> bool:
    """Whether the latest of these facts is certainly the latest of all, whatever the slot's window.

    ``invalid_element`` names the element in which a record violates FHIR (None: it is valid).
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

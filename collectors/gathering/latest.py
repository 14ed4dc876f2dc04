"""The newest records of each concept instead of all, and for which concepts these are enough."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from collectors.capability.capability import Capability
from collectors.capability.learned import ENOUGH
from collectors.collector import Beside, begin
from collectors.fetching.fetched import Fetched
from collectors.fetching.search import Parameters
from collectors.needs import Search
from collectors.reading.merging import counting
from collectors.reading.placed import Placed, placed
from collectors.reading.readout import Setting, is_outcome, record_of
from collectors.reading.records import Record
from collectors.reading.validity import fault
from collectors.selection.settled import by_code, horizon_of, in_order, settled
from collectors.strategy.strategy import Way, codes_of, lastn_query, newest_query
from ontology.concepts import Concept

Fetch: TypeAlias = Callable[[str, Sequence[Parameters]], Awaitable[Fetched]]
"""Sends one request: all pages of an operation, the first page of a search, or several first pages in one batch."""

Ends: TypeAlias = Mapping[str, datetime | None]
"""By concept id from when on nothing is missing (None: at no time is anything missing)."""


async def newest_records(
    search: Search, at: datetime, way: Way, setting: Setting, capability: Capability | None, fetch: Fetch
) -> tuple[Fetched, Ends]:
    """The newest records, and from when on none is missing (CollectorError)."""
    source, patient = setting.source, setting.patient
    if way is Way.LASTN:
        fetched = await fetch("Observation/$lastn", (lastn_query(search, source, patient, capability),))
        horizons = by_code(placed_in(fetched, setting), ENOUGH)
        return fetched, {concept.id: horizon_of(concept, horizons) for concept in search.concepts}
    asked = [newest_query(search, concept, source, patient, at, capability) for concept in search.concepts]
    fetched = await fetch("Observation", asked)
    pages = fetched.parts or (fetched,)
    ends = {
        concept.id: in_order(placed_in(page, setting), ENOUGH, page.more)
        for concept, page in zip(search.concepts, pages, strict=True)
    }
    raws = tuple(raw for page in pages for raw in page.records)
    return replace(fetched, records=raws, parts=()), ends


def unsettled(
    records: list[Record], ends: Ends, search: Search, setting: Setting, as_of: datetime
) -> tuple[Concept, ...]:
    """The concepts of which older records may matter after all: these must be searched for in the window."""
    readout = begin(list(records), search, setting).finish(Beside())
    # A record that another one replaces settles nothing.
    facts, _ = counting(readout.facts, readout.withdrawn)
    return tuple(
        concept
        for concept in search.concepts
        if not settled(facts.get(concept.id, ()), ends.get(concept.id), as_of, fault)
    )


def narrowed(search: Search, concepts: tuple[Concept, ...]) -> Search:
    """The same search for fewer concepts."""
    if len(concepts) == len(search.concepts):
        return search
    codes = {(code.system, code.code): code for concept in concepts for code in codes_of(concept)}
    return replace(search, concepts=concepts, codes=tuple(codes[key] for key in sorted(codes)))


def placed_in(fetched: Fetched, setting: Setting) -> list[Placed]:
    """What came, placed by code and time; an entry that cannot be read at all stands for a record of any code."""
    found: list[Placed] = []
    for raw in fetched.records:
        record = record_of(raw, setting.source)
        if record is not None and record.ref.type == "Observation":
            found.append(placed(record, setting.source.zone))
        elif record is None and not is_outcome(raw):
            found.append(Placed(frozenset(), None, True))
    return found

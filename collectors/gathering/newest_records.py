"""The newest records of each concept instead of all in the window, and for which concepts these are sufficient."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from collectors.capability.capability import NEWEST_COUNT, Capability
from collectors.collector import ReferencedRecords, begin_reading
from collectors.fetching.query import Parameters
from collectors.fetching.search_result import SearchResult
from collectors.reading.code_and_time import CodeAndTime, read_code_and_time
from collectors.reading.r4_validation import invalid_element
from collectors.reading.readout import PatientContext, is_operation_outcome, parse_record
from collectors.reading.records import Record, drop_withdrawn
from collectors.search import Search
from collectors.selection.newest_suffices import concept_horizon, horizons_by_code, newest_is_enough, page_horizon
from collectors.strategy.strategy import SearchStrategy, concept_codes, lastn_query, newest_query
from ontology.concepts import Concept

SendSearch: TypeAlias = Callable[[str, Sequence[Parameters]], Awaitable[SearchResult]]
"""Sends one request: all pages of an operation, the first page of a search, or several first pages in one batch."""

CompleteFrom: TypeAlias = Mapping[str, datetime | None]
"""By concept id from when on nothing is missing (None: at no time is anything missing)."""


async def retrieve_newest(
    search: Search,
    at: datetime,
    strategy: SearchStrategy,
    context: PatientContext,
    capability: Capability | None,
    send: SendSearch,
) -> tuple[SearchResult, CompleteFrom]:
    """The newest records, and from when on none is missing (CollectorError)."""
    source, patient = context.source, context.patient
    if strategy is SearchStrategy.LASTN:
        fetched = await send("Observation/$lastn", (lastn_query(search, source, patient, capability),))
        horizons = horizons_by_code(codes_and_times_in(fetched, context), NEWEST_COUNT)
        return fetched, {concept.id: concept_horizon(concept, horizons) for concept in search.concepts}
    asked = [newest_query(search, concept, source, patient, at, capability) for concept in search.concepts]
    fetched = await send("Observation", asked)
    pages = fetched.parts or (fetched,)
    ends = {
        concept.id: page_horizon(codes_and_times_in(page, context), NEWEST_COUNT, page.has_more)
        for concept, page in zip(search.concepts, pages, strict=True)
    }
    raws = tuple(raw for page in pages for raw in page.records)
    return replace(fetched, records=raws, parts=()), ends


def insufficient_concepts(
    records: list[Record], complete_from: CompleteFrom, search: Search, context: PatientContext, as_of: datetime
) -> tuple[Concept, ...]:
    """The concepts of which older records may matter after all: these must be searched for in the window."""
    readout = begin_reading(list(records), search, context).finish(ReferencedRecords())
    # A record that another one replaces is not sufficient for anything.
    facts, _ = drop_withdrawn(readout.facts, readout.withdrawn)
    return tuple(
        concept
        for concept in search.concepts
        if not newest_is_enough(facts.get(concept.id, ()), complete_from.get(concept.id), as_of, invalid_element)
    )


def narrow_search(search: Search, concepts: tuple[Concept, ...]) -> Search:
    """The same search for fewer concepts."""
    if len(concepts) == len(search.concepts):
        return search
    codes = {(code.system, code.code): code for concept in concepts for code in concept_codes(concept)}
    return replace(search, concepts=concepts, codes=tuple(codes[key] for key in sorted(codes)))


def codes_and_times_in(result: SearchResult, context: PatientContext) -> list[CodeAndTime]:
    """The codes and times of what came; an entry that cannot be read at all stands for a record of any code."""
    found: list[CodeAndTime] = []
    for raw in result.records:
        record = parse_record(raw, context.source)
        if record is not None and record.ref.type == "Observation":
            found.append(read_code_and_time(record, context.source.zone))
        elif record is None and not is_operation_outcome(raw):
            found.append(CodeAndTime(frozenset(), None, True))
    return found

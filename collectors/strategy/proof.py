"""Proves on a patient's records, all retrieved before, that a source returns the newest ones on request.

Servers were seen to answer ``$lastn`` with all records, or to refuse ``max``; others ignore ``_sort``, or sort by time
of storage, or page by page.  So neither is relied on before it was seen to return exactly the expected records.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from collectors.capability.capability import NEWEST_COUNT, BehaviourProof, Capability, ObservedBehaviour
from collectors.errors import CollectorError, SourceAnswerError
from collectors.fetching.query import Parameters
from collectors.reading.code_and_time import CodeAndTime
from collectors.reading.codes import CodeKey
from collectors.search import Search
from collectors.settings import Source
from collectors.strategy.strategy import SearchStrategy, concept_codes, lastn_query, newest_query
from ontology.concepts import Concept

SendTrial: TypeAlias = Callable[[str, Parameters, bool], Awaitable[Sequence[CodeAndTime]]]
"""Sends a search: resource type (or operation), parameters, whether the first page only.  Raises CollectorError."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A completed search: ``records`` are all records that the source has for it."""

    search: Search
    source: Source
    patient: str
    at: datetime
    capability: Capability
    records: tuple[CodeAndTime, ...]


async def prove(
    strategies: Iterable[SearchStrategy], observed: ObservedBehaviour, evidence: Evidence, send: SendTrial
) -> None:
    """Tries the best unproven strategy that these records can prove.  Never raises for failures of the source."""
    for strategy in strategies:
        proof = observed.lastn if strategy is SearchStrategy.LASTN else observed.sort
        if proof.proven:
            return
        if not proof.worth_trying:
            continue
        trial = _lastn_trial(evidence, send) if strategy is SearchStrategy.LASTN else _sort_trial(evidence, send)
        if trial is None:
            continue
        await _attempt(proof, trial)
        return


async def _attempt(proof: BehaviourProof, trial: Callable[[], Awaitable[bool]]) -> None:
    proof.attempts += 1
    try:
        proof.proven = await trial()
    except SourceAnswerError:
        proof.proven = False
    except CollectorError:
        return


def _lastn_trial(evidence: Evidence, send: SendTrial) -> Callable[[], Awaitable[bool]] | None:
    """``$lastn`` must return the newest records of each code, and no more than requested; None without evidence."""
    by_key = _times_by_code(evidence.records)
    full = [key for key, times in by_key.items() if _shows_order(times)]
    if not full:
        return None
    query = lastn_query(evidence.search, evidence.source, evidence.patient, evidence.capability)

    async def trial() -> bool:
        received = _times_by_code(await send("Observation/$lastn", query, False))
        if any(len(received.get(key, ())) != NEWEST_COUNT for key in full):
            return False
        requested = {(coding.system, coding.code) for coding in evidence.search.codes}
        return all(
            _newest_times(received.get(key, [])) == _newest_times(times)
            for key, times in by_key.items()
            if key in requested and None not in times
        )

    return trial


def _sort_trial(evidence: Evidence, send: SendTrial) -> Callable[[], Awaitable[bool]] | None:
    """``_sort=-date`` must return the newest first, ``_sort=date`` the oldest, across all pages; None without
    evidence."""
    for concept in evidence.search.concepts:
        times = _times_of_concept(concept, evidence.records)
        if not _shows_order(times) or not _shows_order([None if each is None else -each for each in times]):
            continue

        async def trial(concept: Concept = concept, times: list[float | None] = times) -> bool:
            ordered = sorted(each for each in times if each is not None)
            for order, expected in (("-date", ordered[::-1][:NEWEST_COUNT]), ("date", ordered[:NEWEST_COUNT])):
                query = newest_query(
                    evidence.search, concept, evidence.source, evidence.patient, evidence.at, evidence.capability, order
                )
                if [_timestamp(each) for each in await send("Observation", query, True)] != expected:
                    return False
            return True

        return trial
    return None


def _times_by_code(records: Iterable[CodeAndTime]) -> dict[CodeKey, list[float | None]]:
    found: dict[CodeKey, list[float | None]] = {}
    for each in records:
        for key in each.codes:
            found.setdefault(key, []).append(_timestamp(each))
    return found


def _times_of_concept(concept: Concept, records: Iterable[CodeAndTime]) -> list[float | None]:
    keys = {(coding.system, coding.code) for coding in concept_codes(concept)}
    return [_timestamp(each) for each in records if keys & each.codes]


def _timestamp(record: CodeAndTime) -> float | None:
    """The time of an instant, in seconds of the epoch; None for periods and dates, which show no order."""
    span = record.span
    return span.end.timestamp() if span is not None and span.start == span.end else None


def _shows_order(times: Sequence[float | None]) -> bool:
    """Whether there are more records than requested, at times that determine which are the newest."""
    if len(times) <= NEWEST_COUNT or None in times:
        return False
    ordered = sorted((each for each in times if each is not None), reverse=True)
    return ordered[NEWEST_COUNT - 1] != ordered[NEWEST_COUNT]


def _newest_times(times: Sequence[float | None]) -> list[float | None]:
    return sorted(times, key=lambda each: each or 0, reverse=True)[:NEWEST_COUNT]

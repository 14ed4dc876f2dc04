"""Proves on a patient's own records, which all came before, that a source gives the newest ones when asked for those.

Servers have answered ``$lastn`` with everything there is, or refused ``max``; others ignore ``_sort``, or sort by when
a record was stored, or page by page.  So neither is relied on before it was seen to give exactly what it must.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from collectors.capability.capability import Capability
from collectors.capability.learned import ENOUGH, Learned, Proof
from collectors.errors import CollectorError, SourceAnswerError
from collectors.fetching.search import Parameters
from collectors.needs import Search
from collectors.reading.codes import Key
from collectors.reading.placed import Placed
from collectors.settings import Source
from collectors.strategy.strategy import Way, codes_of, lastn_query, newest_query
from ontology.concepts import Concept

Ask: TypeAlias = Callable[[str, Parameters, bool], Awaitable[Sequence[Placed]]]
"""Sends a search: resource type (or operation), parameters, whether the first page only (CollectorError)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A search that was answered in full: ``known`` are all records that the source has of it."""

    search: Search
    source: Source
    patient: str
    at: datetime
    capability: Capability
    known: tuple[Placed, ...]


async def prove(ways: Iterable[Way], learned: Learned, evidence: Evidence, ask: Ask) -> None:
    """Tries the better way that may work, if these records can show it.  Never raises for what a source does."""
    for way in ways:
        proof = learned.lastn if way is Way.LASTN else learned.sort
        if proof.shown:
            return
        if not proof.open:
            continue
        trial = _lastn(evidence, ask) if way is Way.LASTN else _sort(evidence, ask)
        if trial is None:
            continue
        await _try(proof, trial)
        return


async def _try(proof: Proof, trial: Callable[[], Awaitable[bool]]) -> None:
    proof.attempts += 1
    try:
        proof.shown = await trial()
    except SourceAnswerError:
        proof.shown = False
    except CollectorError:
        return


def _lastn(evidence: Evidence, ask: Ask) -> Callable[[], Awaitable[bool]] | None:
    """``$lastn`` must give the newest of each code, and no more than asked of one that has more."""
    by_key = _by_key(evidence.known)
    full = [key for key, times in by_key.items() if _telling(times)]
    if not full:
        return None
    query = lastn_query(evidence.search, evidence.source, evidence.patient, evidence.capability)

    async def trial() -> bool:
        came = _by_key(await ask("Observation/$lastn", query, False))
        if any(len(came.get(key, ())) != ENOUGH for key in full):
            return False
        asked = {(coding.system, coding.code) for coding in evidence.search.codes}
        return all(
            _newest(came.get(key, [])) == _newest(times)
            for key, times in by_key.items()
            if key in asked and None not in times
        )

    return trial


def _sort(evidence: Evidence, ask: Ask) -> Callable[[], Awaitable[bool]] | None:
    """``_sort=-date`` must give the newest first, ``_sort=date`` the oldest, of all pages and not of one."""
    for concept in evidence.search.concepts:
        times = _of(concept, evidence.known)
        if not _telling(times) or not _telling([None if each is None else -each for each in times]):
            continue

        async def trial(concept: Concept = concept, times: list[float | None] = times) -> bool:
            ordered = sorted(each for each in times if each is not None)
            for order, expected in (("-date", ordered[::-1][:ENOUGH]), ("date", ordered[:ENOUGH])):
                query = newest_query(
                    evidence.search, concept, evidence.source, evidence.patient, evidence.at, evidence.capability, order
                )
                if [_time(each) for each in await ask("Observation", query, True)] != expected:
                    return False
            return True

        return trial
    return None


def _by_key(records: Iterable[Placed]) -> dict[Key, list[float | None]]:
    found: dict[Key, list[float | None]] = {}
    for each in records:
        for key in each.codes:
            found.setdefault(key, []).append(_time(each))
    return found


def _of(concept: Concept, records: Iterable[Placed]) -> list[float | None]:
    keys = {(coding.system, coding.code) for coding in codes_of(concept)}
    return [_time(each) for each in records if keys & each.codes]


def _time(record: Placed) -> float | None:
    """When an instant was; what lasts, or is dated by the day, shows no order."""
    span = record.span
    return span.end.timestamp() if span is not None and span.start == span.end else None


def _telling(times: Sequence[float | None]) -> bool:
    """Whether there are more records than are asked for, at times that say which of them are the newest."""
    if len(times) <= ENOUGH or None in times:
        return False
    ordered = sorted((each for each in times if each is not None), reverse=True)
    return ordered[ENOUGH - 1] != ordered[ENOUGH]


def _newest(times: Sequence[float | None]) -> list[float | None]:
    return sorted(times, key=lambda each: each or 0, reverse=True)[:ENOUGH]

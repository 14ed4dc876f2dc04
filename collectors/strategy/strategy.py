"""Which way of searching a source serves a search best: the newest records of each code, if it can, else the window.

``$lastn`` → ``_sort=-date&_count`` for each concept → everything in the window.  The first two are taken only where
the source was *seen* to do them rightly (``collectors.strategy.proof``), where a search wants nothing but the latest
values, and where the window is wide enough for that to save anything.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from collectors.capability.capability import Capability
from collectors.capability.learned import ENOUGH, Learned
from collectors.fetching.search import MOST_CODES, Parameters, elements, of_patient, since, tokens
from collectors.needs import Search
from collectors.reading.codes import is_prefix
from collectors.settings import Source
from ontology.concepts import Concept
from ontology.values import Coding

WIDE = timedelta(days=30)
"""A window from which the newest records may be much less than all."""
RECENT = timedelta(days=1)
"""How long before this moment an evaluation time may lie, for the newest records to be those that it is about."""


class Way(StrEnum):
    """How a search is sent."""

    LASTN = "lastn"
    SORTED = "sorted"
    WINDOWED = "windowed"


def candidates(search: Search, at: datetime, now: datetime, capability: Capability | None) -> tuple[Way, ...]:
    """The ways by which the newest records of this search could be had from the source, the better one first."""
    if capability is None or search.description.resource_type != "Observation" or not search.latest_only:
        return ()
    if search.window is not None and search.window < WIDE:
        return ()
    if at < now - RECENT or not search.codes or len(search.codes) > MOST_CODES or any(map(is_prefix, search.codes)):
        return ()
    declared = capability.types.get("Observation")
    ways = []
    if declared is not None and "lastn" in declared.operations:
        ways.append(Way.LASTN)
    known = search.description.code_parameter
    if known is not None and capability.knows("Observation", known) and capability.knows("Observation", "date"):
        ways.append(Way.SORTED)
    return tuple(ways)


def way_of(search: Search, at: datetime, now: datetime, capability: Capability | None, learned: Learned) -> Way:
    """The way that is taken: one that was seen to work, and that costs no more than one request."""
    ways = candidates(search, at, now, capability)
    if Way.LASTN in ways and learned.lastn.shown:
        return Way.LASTN
    one_request = len(search.concepts) == 1 or (capability is not None and capability.batch)
    if Way.SORTED in ways and learned.sort.shown and one_request:
        return Way.SORTED
    return Way.WINDOWED


def lastn_query(search: Search, source: Source, patient: str, capability: Capability | None) -> Parameters:
    """The ``ENOUGH`` newest records of each code: for ``Observation/$lastn``."""
    return (
        of_patient(search.description, patient, capability),
        ("code", tokens(search.codes)),
        ("max", str(ENOUGH)),
        *elements(search.description, source),
    )


def newest_query(
    search: Search,
    concept: Concept,
    source: Source,
    patient: str,
    at: datetime,
    capability: Capability | None,
    order: str = "-date",
) -> Parameters:
    """The ``ENOUGH`` newest records of one concept inside the window; by ``order`` "date" the oldest."""
    description = search.description
    return (
        of_patient(description, patient, capability),
        (description.code_parameter or "code", tokens(codes_of(concept))),
        *since(search, at, capability),
        ("_sort", order),
        ("_count", str(ENOUGH)),
        *elements(description, source),
    )


def codes_of(concept: Concept) -> tuple[Coding, ...]:
    """Every code under which records may hold a concept, in a stable order."""
    codes = {(each.system, each.code): each for each in (*(a.coding for a in concept.accepted), *concept.panels)}
    return tuple(codes[key] for key in sorted(codes))

"""The best strategy for a search at a source: the newest records of each code, if it supports that, else the window.

``$lastn`` → ``_sort=-date&_count`` for each concept → everything in the window.  The first two are chosen only where
the source was *seen* to support them (``collectors.strategy.proof``), where a search needs only the latest values, and
where the window is wide enough for that to save anything.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from collectors.capability.capability import NEWEST_COUNT, Capability, ObservedBehaviour
from collectors.fetching.query import (
    MOST_CODES,
    Parameters,
    elements_parameter,
    format_tokens,
    patient_parameter,
    window_parameter,
)
from collectors.reading.codes import is_prefix
from collectors.search import Search
from collectors.settings import Source
from ontology.concepts import Concept
from ontology.values import Coding

WIDE_WINDOW = timedelta(days=30)
"""The shortest window in which the newest records may be much fewer than all."""
RECENT_EVALUATION = timedelta(days=1)
"""Age of an evaluation time at most, for the newest records to be those before it."""


class SearchStrategy(StrEnum):
    """How a search is sent."""

    LASTN = "lastn"
    SORTED = "sorted"
    WINDOWED = "windowed"


def candidate_strategies(
    search: Search, at: datetime, now: datetime, capability: Capability | None
) -> tuple[SearchStrategy, ...]:
    """The strategies by which the source may return the newest records of this search, the better one first."""
    if capability is None or search.description.resource_type != "Observation" or not search.latest_only:
        return ()
    if search.window is not None and search.window < WIDE_WINDOW:
        return ()
    if (
        at < now - RECENT_EVALUATION
        or not search.codes
        or len(search.codes) > MOST_CODES
        or any(map(is_prefix, search.codes))
    ):
        return ()
    declared = capability.types.get("Observation")
    strategies = []
    if declared is not None and "lastn" in declared.operations:
        strategies.append(SearchStrategy.LASTN)
    code_parameter = search.description.code_parameter
    if (
        code_parameter is not None
        and capability.knows_parameter("Observation", code_parameter)
        and capability.knows_parameter("Observation", "date")
    ):
        strategies.append(SearchStrategy.SORTED)
    return tuple(strategies)


def choose_strategy(
    search: Search, at: datetime, now: datetime, capability: Capability | None, observed: ObservedBehaviour
) -> SearchStrategy:
    """The strategy to use: a proven one that takes no more than one request, else WINDOWED."""
    strategies = candidate_strategies(search, at, now, capability)
    if SearchStrategy.LASTN in strategies and observed.lastn.proven:
        return SearchStrategy.LASTN
    one_request = len(search.concepts) == 1 or (capability is not None and capability.batch)
    if SearchStrategy.SORTED in strategies and observed.sort.proven and one_request:
        return SearchStrategy.SORTED
    return SearchStrategy.WINDOWED


def lastn_query(search: Search, source: Source, patient: str, capability: Capability | None) -> Parameters:
    """The parameters of ``Observation/$lastn`` for the ``NEWEST_COUNT`` newest records of each code."""
    return (
        patient_parameter(search.description, patient, capability),
        ("code", format_tokens(search.codes)),
        ("max", str(NEWEST_COUNT)),
        *elements_parameter(search.description, source),
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
    """The parameters for the ``NEWEST_COUNT`` newest records of one concept in the window; by "date" the oldest."""
    description = search.description
    return (
        patient_parameter(description, patient, capability),
        (description.code_parameter or "code", format_tokens(concept_codes(concept))),
        *window_parameter(search, at, capability),
        ("_sort", order),
        ("_count", str(NEWEST_COUNT)),
        *elements_parameter(description, source),
    )


def concept_codes(concept: Concept) -> tuple[Coding, ...]:
    """The codes of a concept and of its panels, in a stable order."""
    codes = {(each.system, each.code): each for each in (*(a.coding for a in concept.accepted), *concept.panels)}
    return tuple(codes[key] for key in sorted(codes))

"""Warms up after the start: FHIR validators, units of concepts and trained models, before the first question.

It begins a moment after the start, so that the start itself is not slower for it, and is cancelled where the server
ends before.  A question that comes meanwhile waits for no more than it needs.
"""

import asyncio
import logging
from collections.abc import Iterable

from collectors.reading.r4_validation import preload_model
from ontology.units import is_convertible
from server import kinds
from server.catalog.catalog import Catalog
from server.catalog.descriptions import Description, Kind

START_DELAY = 0.5
"""Seconds after the start."""

log = logging.getLogger(__name__)


async def warm_up_catalog(catalog: Catalog, delay: float = START_DELAY) -> None:
    """Prepares what the catalog's collectors, concepts and models need, in a thread of its own.

    Models come last: what they import takes seconds.  One that cannot be used is logged; its module says so too.
    """
    await asyncio.sleep(delay)
    types = sorted({each.resource_type for each in catalog.collectors.values() if not each.on_request})
    units = {unit for concept in catalog.concepts.values() for unit in (*concept.units, concept.unit) if unit}
    await asyncio.to_thread(_prepare_types_and_units, types, sorted(units))
    for module in catalog.modules.values():
        if module.kind is Kind.MODEL:
            await asyncio.to_thread(_load_model, module)


def _prepare_types_and_units(types: Iterable[str], units: Iterable[str]) -> None:
    for resource_type in types:
        preload_model(resource_type)
    for unit in units:
        is_convertible(unit)


def _load_model(module: Description) -> None:
    for fault in kinds.model_faults(module):
        log.error("model %s", fault)

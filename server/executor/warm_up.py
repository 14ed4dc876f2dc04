"""Warms up after the start: FHIR validators, units of concepts and trained models, before the first question.

It begins a moment after the start, so as not to delay it, and is cancelled if the server ends before.  A question that
arrives meanwhile waits only for what it needs itself.
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
"""Seconds between the start and the warm-up."""

log = logging.getLogger(__name__)


async def warm_up_catalog(catalog: Catalog, delay: float = START_DELAY) -> None:
    """Load the validators, units and models of the catalog, in a thread.

    Models are last: their imports take seconds.  A model that cannot be used is logged; its module is FAILED.
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

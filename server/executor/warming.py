"""What the first question would have to wait for, done before it comes: models of records, units of concepts, and
trained models.

It begins a moment after the start, so that the start itself is not slower for it, and is left off where the server ends
before.  A question that comes meanwhile waits for no more than it needs.
"""

import asyncio
import logging
from collections.abc import Iterable

from collectors.reading.validity import prepare
from ontology.units import known
from server import kinds
from server.catalog.descriptions import Description, Kind
from server.catalog.load import Catalog

CALM = 0.5
"""Seconds after the start."""

log = logging.getLogger(__name__)


async def warm(catalog: Catalog, calm: float = CALM) -> None:
    """Prepares what the catalog's collectors, concepts and models need, in a thread of its own.

    Models come last: what they import takes seconds.  One that cannot be used is logged; its module says so too.
    """
    await asyncio.sleep(calm)
    types = sorted({each.resource_type for each in catalog.collectors.values() if not each.on_request})
    units = {unit for concept in catalog.concepts.values() for unit in (*concept.units, concept.unit) if unit}
    await asyncio.to_thread(_prepare, types, sorted(units))
    for module in catalog.modules.values():
        if module.kind is Kind.MODEL:
            await asyncio.to_thread(_load, module)


def _prepare(types: Iterable[str], units: Iterable[str]) -> None:
    for resource_type in types:
        prepare(resource_type)
    for unit in units:
        known(unit)


def _load(module: Description) -> None:
    for fault in kinds.model_faults(module):
        log.error("model %s", fault)

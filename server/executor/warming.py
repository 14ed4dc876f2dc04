"""What the first question would have to wait for, done before it comes: models of records, and units of concepts.

It begins a moment after the start, so that the start itself is not slower for it, and is left off where the server ends
before.  A question that comes meanwhile waits for no more than it needs.
"""

import asyncio
from collections.abc import Iterable

from collectors.reading.validity import prepare
from ontology.units import known
from server.catalog.load import Catalog

CALM = 0.5
"""Seconds after the start."""


async def warm(catalog: Catalog, calm: float = CALM) -> None:
    """Prepares what the catalog's collectors and concepts need, in a thread of its own."""
    await asyncio.sleep(calm)
    types = sorted({each.resource_type for each in catalog.collectors.values() if not each.on_request})
    units = {unit for concept in catalog.concepts.values() for unit in (*concept.units, concept.unit) if unit}
    await asyncio.to_thread(_prepare, types, sorted(units))


def _prepare(types: Iterable[str], units: Iterable[str]) -> None:
    for resource_type in types:
        prepare(resource_type)
    for unit in units:
        known(unit)

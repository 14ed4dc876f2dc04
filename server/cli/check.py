"""``check``: ontology, descriptions, worked cases and sources; every fault is named."""

import asyncio
import sys
from collections import defaultdict
from pathlib import Path

from server.catalog.catalog import Catalog, configured_catalog
from server.catalog.descriptions import Description
from server.errors import CatalogError, SettingsError
from server.executor.engine import Engine
from server.kinds import check_signature, model_faults
from server.kinds.worked_cases import run_cases
from server.settings import Settings


def run(settings: Settings) -> int:
    """0: all is well; 1: each fault has a line on stderr."""
    try:
        catalog = configured_catalog(settings)
    except CatalogError as error:
        return _print_faults(error.faults)
    faults = [*module_faults(catalog), *asyncio.run(_deployment_faults(settings, catalog))]
    if not faults:
        checked = f"{len(catalog.concepts)} concepts, {len(catalog.modules)} modules, {len(settings.sources)} sources"
        print(f"No faults: {checked}.")
    return _print_faults(faults)


def module_faults(catalog: Catalog) -> list[str]:
    """What is wrong between descriptions and code, and every worked case that does not come out."""
    faults = [fault for module in catalog.modules.values() for fault in check_signature(module)]
    faults += [fault for module in catalog.modules.values() for fault in model_faults(module)]
    folders: defaultdict[Path, list[Description]] = defaultdict(list)
    for module in catalog.modules.values():
        folders[module.folder].append(module)
    for folder, modules in folders.items():
        cases = folder / "cases.json"
        faults += run_cases(modules, cases) if cases.is_file() else [f"{folder.name}: no cases.json"]
    return faults


async def _deployment_faults(settings: Settings, catalog: Catalog) -> list[str]:
    try:
        engine = await Engine.open(settings, catalog)
    except SettingsError as error:
        return [str(error)]
    async with engine:
        faults = [f"source {s.id}: {s.text}" for s in await engine.source_status() if not s.reachable]
        faults += await engine.authorisations.token_faults()
        faults += await engine.terminology.faults(catalog.concepts.values(), settings.server.deadline)
        cache = await engine.cache_status()
        if settings.cache.url is not None and settings.cache.enabled and not cache.reachable:
            faults.append(f"cache: {cache.text}")
    return faults


def _print_faults(faults: list[str]) -> int:
    for fault in faults:
        print(fault, file=sys.stderr)
    return int(bool(faults))

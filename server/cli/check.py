"""``check``: ontology, descriptions, worked cases and sources; every fault is named."""

import asyncio
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

from ontology.concepts import Concept
from ontology.errors import UnitError
from ontology.units import convert
from server.catalog.catalog import Catalog, configured_catalog
from server.catalog.descriptions import Description
from server.cli.terminal import print_text
from server.errors import CatalogError, SettingsError
from server.executor.catalog_checks import catalog_faults, evaluate_case, faults_by_module, service_faults
from server.executor.engine import Engine
from server.kinds import model_faults
from server.kinds.worked_cases import run_cases
from server.settings import Settings


def run(settings: Settings) -> int:
    """0: all is well; 1: each fault has a line on stderr."""
    try:
        catalog = configured_catalog(settings)
    except CatalogError as error:
        return _print_faults(error.faults)
    faults = module_faults(catalog)
    if not catalog_faults(catalog):
        faults += asyncio.run(_deployment_faults(settings, catalog))
    if not faults:
        counted = {"concepts": catalog.concepts, "modules": catalog.modules, "services": catalog.services}
        checked = ", ".join(f"{len(each)} {name}" for name, each in {**counted, "sources": settings.sources}.items())
        if settings.issuers:
            checked += f", {', '.join(f'issuer {each.id}' for each in settings.issuers)} (tokens can be checked)"
        if settings.hooks.clients:
            checked += f", {', '.join(f'hooks client {each.id}' for each in settings.hooks.clients)} (keys at hand)"
        print(f"No faults: {checked}.")
    return _print_faults(faults)


def module_faults(catalog: Catalog) -> list[str]:
    """What is wrong with modules and services, alone and together, and every worked case that does not come out.

    Cases are run of folders whose modules have no fault: else each of them would fail for one and the same reason.
    """
    by_module = faults_by_module(catalog)
    faults = [fault for each in by_module.values() for fault in each]
    faults += service_faults(catalog, faults)
    faults += [fault for module in catalog.modules.values() for fault in model_faults(module)]
    folders: defaultdict[Path, list[Description]] = defaultdict(list)
    for module in catalog.modules.values():
        folders[module.folder].append(module)
    for folder, modules in folders.items():
        cases = folder / "cases.json"
        if not cases.is_file():
            faults.append(f"{folder.name}: no cases.json")
        elif not any(module.id in by_module for module in modules):
            faults += run_cases(modules, cases, evaluate_case)
    return [*faults, *unit_faults(catalog)]


def unit_faults(catalog: Catalog) -> list[str]:
    """Units in which records are accepted, and results given, that can never be converted to those of the concept."""
    faults = []
    for concept in catalog.concepts.values():
        for unit in concept.units:
            if not _converts(unit, concept):
                faults.append(f"concept {concept.id}: mpm:acceptsUnit {unit} cannot be converted to {concept.unit}")
    for module in catalog.modules.values():
        if module.unit is not None and not _converts(module.unit, module.produces):
            faults.append(f"{module.id}: mpm:unit {module.unit} cannot be converted to {module.produces.unit}")
    return faults


def _converts(unit: str, concept: Concept) -> bool:
    if unit == concept.unit:
        return True
    try:
        convert(Decimal(1), unit, concept.unit or "", concept.molar_mass)
    except UnitError:
        return False
    return True


async def _deployment_faults(settings: Settings, catalog: Catalog) -> list[str]:
    try:
        engine = await Engine.open(settings, catalog)
    except SettingsError as error:
        return [str(error)]
    async with engine:
        faults = [f"source {s.id}: {s.text}" for s in await engine.source_status() if not s.reachable]
        faults += await engine.authorisations.token_faults()
        faults += await _issuer_faults(settings)
        faults += await _launch_faults(settings)
        faults += await _hook_client_faults(settings)
        faults += await engine.terminology.faults(catalog.concepts.values(), settings.server.deadline)
        cache = await engine.cache_status()
        if settings.cache.url is not None and settings.cache.enabled and not cache.reachable:
            faults.append(f"cache: {cache.text}")
    return faults


async def _issuer_faults(settings: Settings) -> list[str]:
    """Why the tokens of an issuer cannot be checked now: its key set cannot be retrieved, or it refuses us."""
    if not settings.issuers:
        return []
    from server.access.issuers import Issuers

    try:
        async with Issuers(settings) as issuers:
            return await issuers.faults()
    except SettingsError as error:
        return [str(error)]


async def _hook_client_faults(settings: Settings) -> list[str]:
    """Why calls of a client of CDS Hooks cannot be checked now: its key set cannot be had."""
    if not settings.hooks.clients:
        return []
    from server.hooks.client_tokens import HookClients

    try:
        clients = HookClients(settings)
    except SettingsError as error:
        return [str(error)]
    try:
        return await clients.faults()
    finally:
        await clients.aclose()


async def _launch_faults(settings: Settings) -> list[str]:
    """Why an EHR cannot launch us now: its configuration cannot be used, or our credential."""
    if not any(source.launch is not None for source in settings.sources):
        return []
    from server.launch.ehrs import Ehrs

    try:
        ehrs = Ehrs(settings)
    except SettingsError as error:
        return [str(error)]
    try:
        return await ehrs.faults()
    finally:
        await ehrs.aclose()


def _print_faults(faults: list[str]) -> int:
    for fault in faults:
        print_text(fault, file=sys.stderr)
    return int(bool(faults))

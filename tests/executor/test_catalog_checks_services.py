"""What keeps a service of CDS Hooks from answering is found at a start, and named once."""

from dataclasses import replace

import pytest

from server.catalog.catalog import Catalog
from server.catalog.services import CardRule, Indicator
from server.cli.check import module_faults
from server.errors import CatalogError
from server.executor.catalog_checks import catalog_faults, service_faults
from server.executor.engine import Engine
from server.settings import CacheSettings, Settings
from tests.support.engine_questions import shipped

UNKNOWN = "modules/aki_stage/service.ttl: service aki: no concept has the id 'aki-stge'; did you mean aki-stage?"


def broken_catalog() -> Catalog:
    catalog = shipped()
    service = replace(catalog.services["aki"], rules=(CardRule("aki-stge", (), Indicator.INFO),))
    return replace(catalog, services={**catalog.services, "aki": service}, digest=f"{catalog.digest}+broken")


def test_every_shipped_service_compiles() -> None:
    assert service_faults(shipped()) == []
    assert catalog_faults(shipped()) == []


async def test_a_service_that_cannot_be_compiled_stops_the_start() -> None:
    catalog = broken_catalog()
    assert catalog_faults(catalog) == [UNKNOWN]
    with pytest.raises(CatalogError) as caught:
        await Engine.open(Settings(cache=CacheSettings(enabled=False)), catalog)
    assert caught.value.faults == [UNKNOWN]


def test_check_names_it_too() -> None:
    assert module_faults(broken_catalog()) == [UNKNOWN]


def test_what_is_known_of_a_module_is_not_said_again_of_its_services() -> None:
    catalog = shipped()
    modules = {name: module for name, module in catalog.modules.items() if name != "age"}
    without = replace(catalog, modules=modules, digest=f"{catalog.digest}-age")
    faults = catalog_faults(without)
    assert any("no module computes age" in fault for fault in faults)
    assert not [fault for fault in faults if "service" in fault]
    assert [fault for fault in service_faults(without) if "service" in fault]

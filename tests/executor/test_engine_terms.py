"""The settings' folders and terminology server, from the start of the engine to an answer."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from ontology.concepts import AcceptedValueSet
from ontology.values import Absent, AbsentReason, Quantity
from server.catalog.catalog import Catalog, configured_catalog
from server.compiler.compilation import compile_plan
from server.errors import CatalogError, SettingsError
from server.executor.engine import Engine
from server.executor.question import Question
from server.executor.trace import Trace
from server.explain.explain import explain
from server.explain.plan_text import describe_searches
from server.settings import Settings, load_settings
from tests.collectors.terminology.fake_terminology import BASE as TX
from tests.collectors.terminology.fake_terminology import FakeTerminology
from tests.collectors.terminology.terminology_making import LOCAL, LOINC, concept_map, group, include, value_set
from tests.support.asking import AT, shipped
from tests.support.charts import creatinine, patient
from tests.support.fhir_server import BASE, FakeFhir

SET = "https://example.org/ValueSet/one"
CODES = concept_map(group(("CREA", "2160-0", "equal"), ("OTHER", "2160-0", "narrower")))


def local_creatinine() -> dict[str, Any]:
    return {**creatinine(1.6, "2026-06-29T08:30:00Z"), "code": {"coding": [{"system": LOCAL, "code": "CREA"}]}}


class House:
    """A source and a terminology server behind one client, and settings that name both."""

    def __init__(self, folder: Path, *records: dict[str, Any], tx: FakeTerminology | None = None) -> None:
        self.folder = folder
        self.ehr = FakeFhir([patient(), *records])
        self.tx = tx
        folder.mkdir(exist_ok=True)

    def put(self, name: str, resource: Any) -> None:
        (self.folder / name).write_text(resource if isinstance(resource, str) else json.dumps(resource))

    @property
    def settings(self) -> Settings:
        path = self.folder.parent / "medtwin.toml"
        text = f'[[sources]]\nid = "ehr"\nbase_url = "{BASE}"\nfolder = "{self.folder}"\n[cache]\nenabled = false\n'
        path.write_text(text + (f'[terminology]\nbase_url = "{TX}"\n' if self.tx else ""))
        return load_settings(path, environ={})

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.tx is not None and str(request.url).startswith(TX):
            return self.tx(request)
        return self.ehr.answer(request)

    async def open(self, catalog: Catalog | None = None) -> Engine:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        try:
            return await Engine.open(self.settings, catalog or shipped(), client)
        except BaseException:
            await client.aclose()
            raise

    async def ask(self, *of: str, catalog: Catalog | None = None) -> Trace:
        async with await self.open(catalog) as engine:
            return await engine.ask(Question("p1", of, AT))


def value(trace: Trace) -> object:
    (result,) = explain(trace)
    return result.value


async def test_an_answer_out_of_local_codes_tells_so(tmp_path: Path) -> None:
    house = House(tmp_path / "ehr", local_creatinine())
    assert isinstance(value(await house.ask("serum-creatinine")), Absent)
    house.put("codes.json", CODES)
    trace = await house.ask("egfr")
    (result,) = explain(trace)
    assert isinstance(result.value, Quantity)
    told = f"the local code CREA of {LOCAL} was read as 2160-0 of {LOINC}, by ConceptMap {CODES['url']}|1"
    assert any(told in issue.text for issue in result.issues)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", "it is not readable JSON"),
        ({"resourceType": "Observation"}, "it is neither a ValueSet nor a ConceptMap"),
        (concept_map(group(("A", "1", "equal"), ("A", "2", "equal"))), "A of .* is said to be 2 of .* to be 1"),
    ],
)
async def test_a_bad_file_stops_the_start(content: Any, text: str, tmp_path: Path) -> None:
    house = House(tmp_path / "ehr")
    house.put("bad.json", content)
    with pytest.raises(SettingsError, match=rf"source ehr: .*bad\.json: {text}"):
        await house.open()


async def test_a_folder_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    house = House(tmp_path / "ehr")
    settings = house.settings
    (tmp_path / "ehr").rmdir()
    with pytest.raises(SettingsError, match="there is no such folder"):
        await Engine.open(settings, shipped())
    with pytest.raises(CatalogError, match="there is no such folder"):
        configured_catalog(settings)


def by_set(catalog: Catalog) -> Catalog:
    """As if creatinine were described by a value set alone."""
    concept = replace(catalog.concepts["serum-creatinine"], accepted=(), accepted_sets=(AcceptedValueSet(SET),))
    return replace(catalog, concepts={**catalog.concepts, concept.id: concept}, digest="by a set")


async def test_a_set_of_the_terminology_server(tmp_path: Path) -> None:
    tx = FakeTerminology((LOINC, "2160-0"))
    house = House(tmp_path / "ehr", creatinine(1.6, "2026-06-29T08:30:00Z"), tx=tx)
    assert isinstance(value(await house.ask("serum-creatinine", catalog=by_set(shipped()))), Quantity)
    # It was asked when the engine opened, and not again by the question.
    assert len(tx.asked) == 1


async def test_a_terminology_server_that_is_away(tmp_path: Path) -> None:
    tx = FakeTerminology()
    tx.expands = 500
    house = House(tmp_path / "ehr", creatinine(1.6, "2026-06-29T08:30:00Z"), tx=tx)
    trace = await house.ask("serum-creatinine", catalog=by_set(shipped()))
    assert value(trace) == Absent(AbsentReason.UNREACHABLE)


def test_value_sets_of_the_folder_join_the_catalog(tmp_path: Path) -> None:
    house = House(tmp_path / "ehr")
    house.put("codes.json", CODES)
    house.put("set.json", value_set(SET, compose={"include": [include("2160-0")]}))
    assert set(configured_catalog(house.settings).value_sets.find(SET).codes) == {(LOINC, "2160-0")}


def test_a_plan_names_the_sets_that_are_still_to_be_asked_for() -> None:
    (search,) = [
        each
        for each in describe_searches(compile_plan(by_set(shipped()), ("serum-creatinine",)))
        if "Observation" in each
    ]
    assert f"code=… (with the codes of {SET}, as the terminology server says)" in search


@pytest.mark.parametrize(
    ("status", "faults"),
    [(200, []), (422, []), (500, [f"value set {SET}: source terminology: an error of the server (500)"])],
)
async def test_a_check_names_the_sets_that_cannot_be_had(status: int, faults: list[str], tmp_path: Path) -> None:
    tx = FakeTerminology((LOINC, "2160-0"))
    tx.expands = status
    catalog = by_set(shipped())
    async with await House(tmp_path / "ehr", tx=tx).open(catalog) as engine:
        assert list(await engine.terminology.faults(catalog.concepts.values(), 5)) == faults


@pytest.mark.parametrize(
    ("rows", "refused"),
    [
        ((("X", "2160-0", "equal"), ("X", "8867-4", "wider")), True),
        ((("X", "2160-0", "wider"), ("X", "9318-7", "wider")), True),
        ((("X", "2160-0", "equal"), ("X", "8867-4", "narrower")), False),
        ((("X", "2160-0", "equal"), ("Y", "8867-4", "equal")), False),
        ((("X", "2160-0", "wider"), ("X", "14682-9", "wider")), False),
    ],
)
async def test_no_number_is_two_measurements(tmp_path: Path, rows: Any, refused: bool) -> None:
    (tmp_path / "map.json").write_text(json.dumps(concept_map(group(*rows))))
    settings = Settings.model_validate(
        {"sources": [{"id": "lab", "base_url": BASE, "folder": str(tmp_path)}], "cache": {"enabled": False}}
    )
    if not refused:
        await (await Engine.open(settings, shipped(), FakeFhir([]).client())).close()
        return
    with pytest.raises(SettingsError, match=r"source lab: X of .*: no number is both"):
        await Engine.open(settings, shipped(), FakeFhir([]).client())


async def test_nor_by_maps_to_two_systems(tmp_path: Path) -> None:
    two = concept_map(
        group(("X", "2160-0", "equal")), group(("X", "364075005", "equal"), target="http://snomed.info/sct")
    )
    (tmp_path / "map.json").write_text(json.dumps(two))
    settings = Settings.model_validate({"sources": [{"id": "lab", "base_url": BASE, "folder": str(tmp_path)}]})
    with pytest.raises(SettingsError, match="no number is both"):
        await Engine.open(settings, shipped(), FakeFhir([]).client())

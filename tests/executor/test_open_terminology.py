"""Terminology folders and servers of the settings, from the engine's start to an answer; authorisation and health."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ontology.concepts import AcceptedValueSet
from ontology.values import Absent, AbsentReason, Quantity
from server.catalog.catalog import Catalog, configured_catalog
from server.cli.source import jwks
from server.compiler.compilation import compile_plan
from server.errors import CatalogError, SettingsError
from server.executor.engine import Engine
from server.executor.question import Question
from server.executor.trace import Trace
from server.explain.explain import explain
from server.explain.plan_text import describe_searches
from server.settings import Settings, load_settings
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import AT, shipped
from tests.support.fake_fhir_servers import BASE, FakeFhir, application_client
from tests.support.fake_terminology import BASE as TX
from tests.support.fake_terminology import LOCAL, LOINC, FakeTerminology, concept_map, group, include, value_set
from tests.support.settings import make_settings

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
        (concept_map(group(("A", "1", "equal"), ("A", "2", "equal"))), "A of .* is mapped to 2 of .* to 1"),
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
    assert len(tx.requests) == 1


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


class Locked:
    """A source that is open, and a terminology server that answers to the token that it gives, and to no other."""

    def __init__(self, status: int = 200) -> None:
        self.ehr = FakeFhir([patient(), creatinine(1.6, "2026-06-29T08:30:00Z")])
        self.tx = FakeTerminology((LOINC, "2160-0"))
        self.status = status
        self.with_token: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        token = request.headers.get("authorization")
        if not str(request.url).startswith(TX):
            assert token is None
            return self.ehr.answer(request)
        if request.url.path.endswith("/.well-known/smart-configuration"):
            return httpx.Response(200, json={"token_endpoint": f"{TX}/token"})
        if request.url.path.endswith("/token"):
            return httpx.Response(200, json={"access_token": "tok", "token_type": "bearer", "expires_in": 300})
        if request.url.path.endswith("/metadata"):
            return httpx.Response(self.status)
        if token != "Bearer tok":
            return httpx.Response(401)
        self.with_token.append(request.url.path)
        return self.tx(request)

    async def open(self, **terminology: Any) -> Engine:
        given = {"terminology": {"base_url": TX, **terminology}} if terminology.pop("there", True) else {}
        settings = make_settings(sources=[{"id": "ehr", "base_url": BASE}], cache={"enabled": False}, **given)
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        return await Engine.open(settings, by_set(shipped()), client)


def backend(folder: Path) -> dict[str, str]:
    file = folder / "key.pem"
    key = ec.generate_private_key(ec.SECP384R1())
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    return {"client_id": "medtwin", "key_file": str(file)}


@pytest.mark.parametrize("authorised", [True, False])
async def test_a_set_of_a_server_that_wants_a_token(authorised: bool, tmp_path: Path) -> None:
    site = Locked()
    more: dict[str, Any] = {"auth": "backend", "backend": backend(tmp_path)} if authorised else {}
    async with await site.open(**more) as engine:
        (result,) = explain(await engine.ask(Question("p1", ("serum-creatinine",), AT)))
    if authorised:
        assert isinstance(result.value, Quantity)
        assert {path.rsplit("/", 1)[-1] for path in site.with_token} == {"$expand"}
    else:
        assert result.value == Absent(AbsentReason.NOT_PERMITTED)


def test_the_key_to_register_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"base_url": TX, "auth": "backend", "backend": backend(tmp_path)}
    assert jwks.run(make_settings(sources=[], terminology=given), "terminology") == 0
    (key,) = json.loads(capsys.readouterr().out)["keys"]
    assert key["kty"] == "EC" and "d" not in key


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"auth": "backend"}, "requires backend.client_id"),
        ({"backend": {"client_id": "a", "key_env": "KEY"}}, 'backend requires auth = "backend"'),
        (
            {"base_url": "http://tx.test/fhir", "allow_http": True, "auth": "backend",
             "backend": {"client_id": "a", "key_env": "KEY"}},
            "requires https, even with allow_http",
        ),
        ({"base_url": "http://127.0.0.1/fhir", "tls": {"ca_file": "ca.pem"}}, "tls requires https"),
        ({"auth": "caller"}, "Input should be 'none' or 'backend'"),
    ],
)  # fmt: skip
def test_settings_that_are_refused(more: dict[str, Any], fault: str) -> None:
    with pytest.raises((SettingsError, ValueError), match=fault):
        make_settings(sources=[], terminology={"base_url": TX, **more})


@pytest.mark.parametrize(
    ("there", "status", "told"),
    [
        (False, 200, None),
        (True, 200, {"reachable": True, "text": "answers"}),
        (True, 503, {"reachable": False, "text": "answers 503"}),
    ],
)
async def test_health_tells_of_it_and_readiness_does_not_hang_on_it(there: bool, status: int, told: Any) -> None:
    async with application_client(await Locked(status).open(there=there)) as client:
        alive, able = await client.get("/health"), await client.get("/ready")
    assert (alive.json()["terminology"], able.json()["terminology"]) == (told, told)
    assert able.json()["sources"][0]["reachable"] is True
    assert able.status_code == 200

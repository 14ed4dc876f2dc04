"""``check`` names what a newcomer mistypes: module, place, slot, file and line; and so does a start."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.catalog.catalog import Catalog, load_catalog
from server.cli import check, main
from server.errors import CatalogError
from server.executor.engine import Engine
from server.settings import CacheSettings, Settings
from tests.support.descriptions import copy_descriptions
from tests.support.engine_questions import shipped
from tests.support.launching_ehr import LaunchingEhr
from tests.support.token_issuer import Clock, TokenIssuer, send_json

HEAD = """@prefix mpm: <https://medtwin.example/mpm#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

mpm:Test{concept} a mpm:ComputedConcept ; mpm:id "{id}" ; skos:prefLabel "Test"@en ; mpm:valueType "QUANTITY" ;
  mpm:unit "{unit}" ; mpm:plausibleLow 0 ; mpm:plausibleHigh 300 .

<#module> a mpm:{kind}Module ; mpm:id "{id}" ; owl:versionInfo "1.0.0" ; dcterms:title "Test"@en ;
  dcterms:source "a test" ; mpm:produces mpm:Test{concept} ; mpm:unit "{unit}" ; mpm:intendedUse "For tests."@en ;
"""
SLOTS = """  mpm:slot
    [ mpm:name "systolic" ; mpm:concept mpm:SystolicBP ; mpm:unit "mm[Hg]" ; mpm:select mpm:Latest ] ,
    [ mpm:name "diastolic" ; mpm:concept mpm:DiastolicBP ; mpm:unit "mm[Hg]" ; mpm:select mpm:Latest ] """
ONE_BAND = """;
  mpm:criterion [ mpm:onSlot "systolic" ; rdfs:label "Pressure" ;
    mpm:bands ( [ mpm:points 1 ; rdfs:label "any" ] ) ] """
CASE = {
    "name": "120 over 80",
    "inputs": {"systolic": {"quantity": [120, "mm[Hg]"]}, "diastolic": {"quantity": [80, "mm[Hg]"]}},
    "expect": {"value": 1},
}
EVALUATE = """from decimal import Decimal

from ontology.evaluation import Evaluation


def evaluate(systolic: Decimal, diastolic: Decimal) -> Evaluation:
    return systolic / (diastolic - 80)
"""
BODIES = {
    "band": f"""{SLOTS} ;
  mpm:criterion [ mpm:onSlot "systolic" ; rdfs:label "Pressure" ; mpm:bands (
      [ mpm:below 90 ; mpm:points 1 ; rdfs:label "low" ]
      [ mpm:points 0 ; rdfs:label "else" ; mpm:when <#calm> ] ) ] .
<#calm> mpm:not [
  mpm:onSlot "diastlic" ; mpm:above 90 ] .""",
    "criterion": SLOTS + ONE_BAND.replace('"systolic"', '"systtolic"') + ".",
    "remark": f"""{SLOTS}{ONE_BAND} ;
  mpm:remark [ mpm:code "low" ; rdfs:label "systolic" ;
    mpm:when [ mpm:onSlot "systolc" ; mpm:below 90 ] ] .""",
    "within": f"""{SLOTS}{ONE_BAND} ;
  mpm:within [ mpm:duration "PT5M"^^xsd:duration ;
    mpm:slots ( "systolic"
      "diastolik" ) ] .""",
    "unit": SLOTS.replace('DiastolicBP ; mpm:unit "mm[Hg]"', 'DiastolicBP ; mpm:unit "kg"') + ONE_BAND + ".",
    "truth": f"""{SLOTS}{ONE_BAND} ;
  mpm:applicability [ mpm:effect mpm:Refuse ; rdfs:label "shock" ;
    mpm:when [ mpm:onSlot "systolic" ; mpm:is true ] ] .""",
    "raises": f"{SLOTS}.",
    "result": f"{SLOTS}{ONE_BAND}.",
}


def line_in(folder: Path, text: str) -> int:
    lines = (folder / "module.ttl").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def write_module(parent: Path, name: str, body: str) -> Path:
    folder = parent / f"test_{name}"
    folder.mkdir(parents=True)
    kind = "Equation" if name == "raises" else "Score"
    unit = "mm[Hg]" if name == "raises" else "{score}"
    head = HEAD.format(concept=name.title(), id=f"test-{name}", kind=kind, unit=unit)
    (folder / "module.ttl").write_text(head + body)
    (folder / "cases.json").write_text(json.dumps({"source": "a test", "cases": [CASE]}))
    if name == "raises":
        (folder / "evaluate.py").write_text(EVALUATE)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ours")


@pytest.fixture(scope="module")
def catalog(folder: Path) -> Iterator[Catalog]:
    """All modules at once: a description is valid by itself even where it names a slot that there is not."""
    root = copy_descriptions(folder / "root", "age", ontology=("vitals", "vitals_pressure"))
    for name, body in BODIES.items():
        write_module(folder / "ours", name, body)
    yield load_catalog(root, extra_modules=[folder / "ours"])


@pytest.fixture(scope="module")
def faults(catalog: Catalog) -> list[str]:
    return check.module_faults(catalog)


def of(faults: list[str], name: str) -> list[str]:
    return [fault for fault in faults if f"test-{name}:" in fault or f"test_{name}/cases.json" in fault]


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        (
            "band",
            '"diastlic"',
            'criterion "Pressure", band 2 "else": there is no slot diastlic; did you mean diastolic?',
        ),
        ("criterion", '"systtolic"', 'criterion "Pressure": there is no slot systtolic; did you mean systolic?'),
        ("remark", '"systolc"', 'remark "low": there is no slot systolc; did you mean systolic?'),
        ("within", '"diastolik"', "mpm:within: there is no slot diastolik; did you mean diastolic?"),
        ("unit", 'mpm:unit "kg"', "slot diastolic wants kg, which mm[Hg] cannot be converted to"),
        ("truth", "mpm:is true", 'applicability "shock": systolic is a QUANTITY, and is compared as a FLAG'),
    ],
)
def test_a_fault_names_module_place_slot_file_and_line(
    faults: list[str], folder: Path, name: str, text: str, fault: str
) -> None:
    line = line_in(folder / "ours" / f"test_{name}", text)
    assert of(faults, name) == [f"ours/test_{name}/module.ttl: line {line}: test-{name}: {fault}"]


def test_a_module_that_raises_is_one_named_fault(faults: list[str]) -> None:
    (fault,) = of(faults, "raises")
    assert fault.startswith("test_raises/cases.json: 120 over 80: the module raised DivisionByZero")
    assert fault.endswith("(evaluate.py, line 7)")


def test_what_holds_has_no_fault(faults: list[str]) -> None:
    assert of(faults, "result") == []
    assert of(faults, "age") == []


async def test_a_start_names_the_same(catalog: Catalog, faults: list[str]) -> None:
    with pytest.raises(CatalogError) as caught:
        await Engine.open(Settings(cache=CacheSettings(enabled=False)), catalog)
    named = caught.value.faults
    assert named == [fault for fault in faults if "cases.json" not in fault]
    assert len(named) == 6


def test_check_ends_with_1_and_no_traceback(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(check, "configured_catalog", lambda _: catalog)
    monkeypatch.setattr(check, "module_faults", lambda _: ["one", "two"])
    assert main(["check"]) == 1
    assert capsys.readouterr().err == "one\ntwo\n"


def written_site(folder: Path, issuer: TokenIssuer) -> str:
    """A settings file with this issuer, and a source that cannot be reached."""
    given = issuer.settings()
    (folder / "medtwin.toml").write_text(
        "\n".join(
            (
                "[cache]\nenabled = false",
                '[server]\npublic_url = "https://cds.example"',
                '[[sources]]\nid = "ehr"\nbase_url = "http://127.0.0.1:9/fhir"',
                "[[issuers]]",
                *(f"{name} = {json.dumps(value)}" for name, value in given.items()),
            )
        )
    )
    return str(folder / "medtwin.toml")


async def test_check_says_whether_the_keys_of_a_hooks_client_are_at_hand(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(check, "module_faults", lambda _: [])
    monkeypatch.setattr(check, "catalog_faults", lambda _: [])
    monkeypatch.setattr(check, "configured_catalog", lambda _: shipped())
    async with TokenIssuer.listening() as issuer:
        path = tmp_path / "medtwin.toml"
        client = f'[[hooks.clients]]\nid = "c"\nissuer = "{issuer.url}"\nsources = ["ehr"]\n'
        site = (
            '[cache]\nenabled = false\n[server]\npublic_url = "https://cds.example"\n[[sources]]\nid = "ehr"\n'
            f'base_url = "http://127.0.0.1:9/fhir"\n{client}'
        )
        path.write_text(f'{site}jwks_url = "{issuer.url}/jwks"\n')
        assert await asyncio.to_thread(main, ["check", "--config", str(path)]) == 1
        assert "hooks client" not in capsys.readouterr().err
        issuer.misbehave = lambda writer: send_json(writer, {"keys": []})
        assert await asyncio.to_thread(main, ["check", "--config", str(path)]) == 1
        fault = "hooks client c: its key set holds no key that can verify a signature"
        assert fault in capsys.readouterr().err.splitlines()
    path.write_text(f'{site}jwks_file = "{tmp_path}/none.json"\n')
    assert await asyncio.to_thread(main, ["check", "--config", str(path)]) == 1
    fault = "hooks client c: jwks_file cannot be used: the file cannot be read"
    assert fault in capsys.readouterr().err.splitlines()


async def test_check_says_whether_each_key_set_can_be_retrieved(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(check, "module_faults", lambda _: [])
    monkeypatch.setattr(check, "catalog_faults", lambda _: [])
    monkeypatch.setattr(check, "configured_catalog", lambda _: shipped())
    async with TokenIssuer.listening() as issuer:
        path = written_site(tmp_path, issuer)
        assert await asyncio.to_thread(main, ["check", "--config", path]) == 1
        shown = capsys.readouterr().err
        assert "source ehr" in shown
        assert "issuer" not in shown
        assert issuer.fetches == 1
        issuer.misbehave = lambda writer: send_json(writer, {}, "500 Internal Server Error")
        assert await asyncio.to_thread(main, ["check", "--config", path]) == 1
        lines = capsys.readouterr().err.splitlines()
        assert "issuer as: its key set cannot be retrieved: status 500" in lines

    async def none(*_: object) -> list[str]:
        return []

    monkeypatch.setattr(check, "_deployment_faults", none)
    assert await asyncio.to_thread(main, ["check", "--config", path]) == 0
    assert "1 sources, issuer as (tokens can be checked)." in capsys.readouterr().out


async def test_check_says_whether_an_ehr_can_launch_us(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(check, "module_faults", lambda _: [])
    monkeypatch.setattr(check, "catalog_faults", lambda _: [])
    monkeypatch.setattr(check, "configured_catalog", lambda _: shipped())
    async with LaunchingEhr.listening(Clock()) as ehr:
        path = tmp_path / "medtwin.toml"
        source = f'[[sources]]\nid = "ehr"\nbase_url = "{ehr.base}"\nauth = "caller"\n'
        launch = '[sources.launch]\nclient_id = "medtwin-app"\n'
        path.write_text(f'[server]\npublic_url = "https://cds.example"\n{source}{launch}')
        await asyncio.to_thread(main, ["check", "--config", str(path)])
        assert "launch" not in capsys.readouterr().err
        ehr.configuration = {"token_endpoint": "https://evil.example/token"}
        assert await asyncio.to_thread(main, ["check", "--config", str(path)]) == 1
        assert (
            "source ehr: it cannot launch us: the token_endpoint that its configuration names is at a host that"
            " launch.origins of the source does not list"
        ) in capsys.readouterr().err.splitlines()
        path.write_text(path.read_text() + 'secret_env = "NOT_SET_ANYWHERE"\n')
        assert await asyncio.to_thread(main, ["check", "--config", str(path)]) == 1
        assert "launch.secret_env: the environment variable that it names is not set" in capsys.readouterr().err

"""The command line: each command, its output and its exit status, and settings that are refused."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import httpx
import pytest
from rdflib import Graph

from server.catalog.catalog import Catalog
from server.cli import check, main, serve
from server.cli.main import _parser
from server.errors import CatalogError
from server.executor.engine import Engine
from server.settings import Settings
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import shipped, with_module
from tests.support.fake_fhir_servers import BASE, FakeFhir

REPO = Path(__file__).parents[2]
RECORDS = (patient(), creatinine(1.6, "2026-06-01T08:30:00Z"))
AT = ("--at", "2026-06-02T12:00:00Z")


@pytest.fixture
def fhir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeFhir:
    """A source behind the command line, and the catalog loaded once."""
    made = FakeFhir(RECORDS)
    opened = Engine.open

    async def open_here(settings: Settings, catalog: Catalog) -> Engine:
        return await opened(settings, catalog, made.client())

    monkeypatch.setattr(Engine, "open", open_here)
    for module in ("ask", "plan", "check"):
        monkeypatch.setattr(import_module(f"server.cli.{module}"), "configured_catalog", lambda _: shipped())
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MEDTWIN_")]:
        monkeypatch.delenv(name)
    Path("medtwin.toml").write_text(f'[[sources]]\nid = "ehr"\nbase_url = "{BASE}"\n[cache]\nenabled = false\n')
    return made


def one_line(text: str) -> str:
    assert text.startswith("medtwin: ")
    assert text.count("\n") == 1
    assert "Traceback" not in text
    return text


def test_without_a_source_it_says_how_to_have_one(fhir: FakeFhir, capsys: pytest.CaptureFixture[str]) -> None:
    Path("medtwin.toml").write_text("[cache]\nenabled = false\n")
    assert main(["ask", "p1", "egfr", *AT]) != 0
    text = one_line(capsys.readouterr().err)
    assert "no source is configured" in text
    assert "source add" in text and "--bundle" in text


def test_ask_prints_the_argument(fhir: FakeFhir, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "p1", "egfr", "serum-creatinine", "-vv", *AT]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("Estimated GFR is ")
    # However wide the terminal of the tests is.
    assert "Serum creatinine: 1.6 mg/dL · 2026-06-01 08:30 UTC · Observation/" in " ".join(told.out.split())
    assert "Serum creatinine is 1.6 mg/dL (as of 2026-06-01 08:30 UTC)." in told.out
    assert told.err == ""


def test_what_is_missing_is_an_answer_too(fhir: FakeFhir, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "p1", "news2", "-vv", *AT]) == 0
    assert "MISSING" in capsys.readouterr().out


def test_ask_as_json_is_what_graphql_answers(fhir: FakeFhir, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "p1", "egfr", "--format", "json", *AT]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["concept"]["id"] == "egfr"
    assert result["chain"][-1]["module"]["id"] == "egfr"


def test_ask_as_turtle_is_one_graph(fhir: FakeFhir, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "p1", "egfr", "serum-creatinine", "--format", "turtle", *AT]) == 0
    assert len(Graph().parse(data=capsys.readouterr().out, format="turtle")) > 30


@pytest.mark.parametrize("form", ["text", "json", "turtle"])
def test_a_module_that_fails_is_exit_1(
    fhir: FakeFhir, form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("p1-secret")

    monkeypatch.setattr("server.kinds.evaluate", broken)
    assert main(["ask", "p1", "egfr", "--format", form, *AT]) == 1
    told = capsys.readouterr()
    assert "FAILED" in told.out.upper()
    assert "secret" not in told.out + told.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ask", "p1", "nothing"], "no concept has the id"),
        (["ask", "a/b", "egfr"], "not a FHIR id"),
        (["ask", "p1", "egfr", "--source", "other"], "no source of this id"),
        (["ask", "p1", "egfr", "--config", "none.toml"], "none.toml cannot be read"),
        (["plan", "nothing"], "no concept has the id"),
        (["plan", "egrf"], "no concept has the id 'egrf'; did you mean egfr?"),
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_what_cannot_be_answered_is_one_line_and_exit_1(
    fhir: FakeFhir, arguments: list[str], words: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ["--format", form] if arguments[0] == "ask" else []
    assert main([*arguments, *chosen]) == 1
    assert words in one_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    "arguments",
    [[], ["ask"], ["ask", "p1"], ["plan"], ["nothing"], ["ask", "p1", "egfr", "--at", "2026-06-02T12:00:00"],
     ["ask", "p1", "egfr", "--at", "today"], ["ask", "p1", "egfr", "--format", "xml"], ["serve", "--port", "70000"]],
)  # fmt: skip
def test_what_is_not_understood_is_exit_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_a_setting_that_does_not_exist_is_named(fhir: FakeFhir, capsys: pytest.CaptureFixture[str]) -> None:
    Path("medtwin.toml").write_text("[server]\nprot = 1\n")
    assert main(["ask", "p1", "egfr"]) == 1
    assert "server.prot: no such setting" in one_line(capsys.readouterr().err)


def test_plan_shows_calls_and_searches_and_fetches_nothing(fhir: FakeFhir, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "gfr-category"]) == 0
    told = capsys.readouterr().out
    assert told.index("  age 1") < told.index("  egfr 1") < told.index("  gfr-category 1")
    assert "creatinine: serum-creatinine from records, latest, not older than P90D" in told
    assert "GET Observation?patient=…" in told
    assert "http://loinc.org|2160-0" in told
    assert fhir.requests == []
    assert main(["plan", "serum-creatinine"]) == 0
    assert "none: these concepts are read from records" in capsys.readouterr().out


def test_check_finds_no_fault_in_what_is_shipped(fhir: FakeFhir, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0, capsys.readouterr().err
    assert "No faults: " in capsys.readouterr().out


def test_check_names_a_source_that_is_away(fhir: FakeFhir, capsys: pytest.CaptureFixture[str]) -> None:
    fhir.down = True
    assert main(["check"]) == 1
    assert capsys.readouterr().err.startswith("source ehr: ")


def test_check_names_each_fault_of_the_catalog(
    fhir: FakeFhir, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: Settings) -> Catalog:
        raise CatalogError(["modules/a/module.ttl: one", "modules/b/module.ttl: two"])

    monkeypatch.setattr(check, "configured_catalog", broken)
    assert main(["check"]) == 1
    assert capsys.readouterr().err == "modules/a/module.ttl: one\nmodules/b/module.ttl: two\n"


def test_check_tries_the_worked_cases(tmp_path: Path) -> None:
    moved = replace(shipped().modules["egfr"], folder=tmp_path)
    assert any("no cases.json" in fault for fault in check.module_faults(with_module(shipped(), moved)))


def test_serve_names_a_taken_port(fhir: FakeFhir, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 1
    told = one_line(capsys.readouterr().err)
    assert f"port {port} on 127.0.0.1 is in use" in told
    assert "--port" in told
    assert "MEDTWIN_SERVER__PORT" in told


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MEDTWIN_")}
    settings = tmp_path / "none.toml"  # not the medtwin.toml that whoever runs this may have
    settings.touch()
    process = subprocess.Popen(
        [sys.executable, "-m", "server", "serve", "--port", "0", "--config", str(settings)],
        cwd=REPO,
        env={**variables, "MEDTWIN_CACHE__ENABLED": "false"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def test_serve_prints_its_address_and_ends_on_interrupt(served: tuple[subprocess.Popen[str], str]) -> None:
    process, line = served
    url = line.split("serves ")[1].split("/graphql")[0]
    answer = httpx.post(f"{url}/graphql", json={"query": "{ modules { id } }"}, trust_env=False)
    assert {"id": "egfr"} in answer.json()["data"]["modules"]
    assert httpx.get(f"{url}/ready", trust_env=False).status_code == 503  # no source is configured
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert "Traceback" not in errors


def test_the_commands_are_those_of_the_design() -> None:
    told = _parser().format_help()
    assert all(f"\n    {command} " in told for command in ("serve", "ask", "plan", "check"))


def test_the_listener_says_that_it_is_tcp_so_that_answers_leave_at_once() -> None:
    # asyncio sets TCP_NODELAY only where a socket names its protocol; accepted sockets take it from the listener.
    listener = serve._listen("127.0.0.1", 0)
    assert listener is not None
    with listener:
        assert listener.proto == socket.IPPROTO_TCP

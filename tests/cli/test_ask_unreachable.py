"""``ask`` of a source that cannot be reached: one line on stderr, an exit status of its own, and the answers."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from collectors.fetching import transport
from server.catalog.catalog import Catalog
from server.cli import ask, main
from server.cli.unreachable import UNREACHABLE
from server.executor.engine import Engine
from server.settings import Settings
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import shipped
from tests.support.fake_fhir_servers import BASE, FakeFhir, FaultyFhir, html, refusing

RECORDS = (patient(), creatinine(1.6, "2026-06-01T08:30:00Z"))
ASK = ("ask", "p1", "serum-creatinine", "age", "--at", "2026-06-02T12:00:00Z")


def behind(fhir: FakeFhir, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts the source behind the command line."""
    opened = Engine.open

    async def open_here(settings: Settings, catalog: Catalog) -> Engine:
        return await opened(settings, catalog, fhir.client())

    monkeypatch.setattr(Engine, "open", open_here)
    monkeypatch.setattr(ask, "configured_catalog", lambda _: shipped())
    monkeypatch.setattr(transport, "_FIRST_BACKOFF", 0.001)
    monkeypatch.chdir(folder)
    Path("medtwin.toml").write_text(f'[[sources]]\nid = "ehr"\nbase_url = "{BASE}"\n[cache]\nenabled = false\n')


@pytest.mark.parametrize("form", ["text", "json", "turtle", "json-ld", "fhir"])
def test_it_is_named_first_and_the_answers_follow(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fhir = FakeFhir(RECORDS)
    fhir.down = True
    behind(fhir, tmp_path, monkeypatch)
    assert main([*ASK, "--format", form]) == UNREACHABLE == 3
    told = capsys.readouterr()
    assert told.err == (
        "medtwin: source ehr is unreachable: the connection fails, 4 times; missing: Observation, Patient\n"
    )
    assert "Serum creatinine" in told.out
    if form == "json":
        reasons = [each["value"]["reason"] for each in json.loads(told.out)["results"]]
        assert reasons == ["UNREACHABLE", "INPUT_ABSENT"]


def test_where_one_search_fails_only_its_type_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    behind(FaultyFhir(RECORDS, Observation=refusing(500)), tmp_path, monkeypatch)
    assert main([*ASK]) == 3
    told = capsys.readouterr()
    assert told.err.splitlines()[0].endswith("an error of the server (500); missing: Observation")
    assert "Age   66.2 years" in told.out


def _forbidden(_: httpx.Request) -> httpx.Response:
    return httpx.Response(403, json={"resourceType": "OperationOutcome"})


@pytest.mark.parametrize("fault", [_forbidden, html])
def test_a_source_that_answers_is_not_unreachable(
    fault: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    behind(FaultyFhir(RECORDS, Observation=fault), tmp_path, monkeypatch)  # type: ignore[arg-type]
    assert main([*ASK]) == 0
    assert capsys.readouterr().err == ""


def test_a_module_that_fails_is_exit_1_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    behind(FaultyFhir(RECORDS, Observation=refusing(500)), tmp_path, monkeypatch)
    monkeypatch.setattr("server.kinds.evaluate", broken)
    assert main([*ASK]) == 1
    assert "source ehr is unreachable" in capsys.readouterr().err


def test_nothing_else_is_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "medtwin.toml").write_text(
        '[[sources]]\nid = "ehr"\nbase_url = "http://127.0.0.1:9/fhir"\n[cache]\nenabled = false\n'
    )
    repository = Path(__file__).parents[2]
    asked = [sys.executable, "-m", "server", *ASK, "--config", str(tmp_path / "medtwin.toml")]
    done = subprocess.run(asked, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("medtwin: source ehr is unreachable: ")
    assert done.stdout.startswith("Serum creatinine ")

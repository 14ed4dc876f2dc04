"""``source check`` of a source whose folder has a concept map."""

import json
from pathlib import Path

import httpx
import pytest

from collectors.fetching.connections import HttpClients
from server.cli import main
from server.cli.source import check, connection
from tests.collectors.terminology.terminology_making import LOCAL, concept_map, group
from tests.support.asking import shipped
from tests.support.charts import lab, patient
from tests.support.fhir_server import BASE, FakeFhir


def local(code: str, value: float, key: str) -> dict[str, object]:
    record = lab("2160-0", value, "mg/dL", "2026-06-01T08:30:00Z", key)
    return {**record, "code": {"coding": [{"system": LOCAL, "code": code}]}}


def test_codes_that_are_mapped_are_read_and_others_are_listed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = FakeFhir([patient(), local("CREA", 1.6, "cr"), local("CREA-U", 90.0, "cru")])

    def made(shared: httpx.AsyncClient | None = None) -> HttpClients:
        return HttpClients(shared or httpx.AsyncClient(transport=httpx.MockTransport(server.answer)))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(check, "configured_catalog", lambda _: shipped())
    monkeypatch.setattr(connection, "HttpClients", made)
    monkeypatch.setattr("server.executor.engine.HttpClients", made)
    Path("maps").mkdir()
    resource = concept_map(group(("CREA", "2160-0", "equal"), ("CREA-U", "2160-0", "inexact")))
    Path("maps/codes.json").write_text(json.dumps(resource))
    Path("medtwin.toml").write_text(
        f'[[sources]]\nid = "ehr"\nbase_url = "{BASE}"\nfolder = "maps"\n[cache]\nenabled = false\n'
    )
    assert main(["source", "check", "ehr", "--patient", "p1", "--at", "2026-06-02T12:00:00Z"]) == 0
    told = capsys.readouterr().out
    assert "creatinine               1.6 mg/dL" in told
    unread = told.split("Codes that no concept reads")[1]
    assert f"{LOCAL}|CREA-U" in unread and f"{LOCAL}|CREA " not in unread
    assert "Targets in the source's ConceptMaps by which nothing is read: 1 inexact." in told

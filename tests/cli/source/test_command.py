"""``source add`` and ``source check``, over sources that are functions, with and without a concept map."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from collectors.fetching.connections import HttpClients
from server.cli import main
from server.cli.source import add, check, connection
from tests.support.charts import creatinine, lab, patient
from tests.support.engine_questions import shipped
from tests.support.fake_fhir_servers import BASE, FakeFhir
from tests.support.fake_terminology import LOCAL, concept_map, group

AT = "2026-06-02T12:00:00Z"
RECORDS = (
    patient(),
    creatinine(1.6, "2026-06-01T08:30:00Z"),
    lab("2160-0", 98.0, "furlong", "2026-05-01T08:30:00Z", "cr-odd"),
    lab("2823-3", 4.1, "mmol/L", "2026-06-01T08:30:00Z", "potassium"),
)
Answer = Callable[[httpx.Request], httpx.Response]


# What the shipped modules ask a source for.
READ = ("Patient", "Observation", "Condition", "Procedure", "MedicationStatement", "MedicationRequest")


class Declared(FakeFhir):
    """The same with a CapabilityStatement of its own, and with a lock on its records where it has a token."""

    def __init__(self, *types: str, token: str | None = None, version: str = "4.0.1", **more: Any) -> None:
        super().__init__(RECORDS)
        self.token = token
        resources = [
            {
                "type": each,
                "interaction": [{"code": "search-type"}],
                "searchParam": [{"name": "patient"}, {"name": "_id"}],
            }
            for each in types
        ]
        self.statement = {
            "resourceType": "CapabilityStatement",
            "fhirVersion": version,
            "rest": [{"mode": "server", "resource": resources}],
            "software": {"name": "Testing EHR", "version": "7"},
            **more,
        }

    def answer(self, request: httpx.Request) -> httpx.Response:
        kind = request.url.path.rsplit("/", 1)[-1]
        if kind == "metadata":
            return httpx.Response(200, json=self.statement)
        if kind == "smart-configuration":
            methods = ["private_key_jwt"] if self.token else []
            body = {"token_endpoint": f"{BASE}/token", "token_endpoint_auth_methods_supported": methods}
            return httpx.Response(200 if self.token else 404, json=body)
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            self.requests.append(request)
            return httpx.Response(401)
        found = super().answer(request)
        wanted = request.url.params.get("_id")
        if kind == "Patient" and wanted is not None:
            body = json.loads(found.content)
            body["entry"] = [each for each in body["entry"] if each["resource"]["id"] == wanted]
            return httpx.Response(200, json=body)
        return found


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[FakeFhir], None]:
    """Puts a source behind every connection that the commands make."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EHR_TOKEN", raising=False)
    for module in (add, check):
        monkeypatch.setattr(module, "configured_catalog", lambda _: shipped())

    def put(server: FakeFhir) -> None:
        def made(shared: httpx.AsyncClient | None = None) -> HttpClients:
            return HttpClients(shared or httpx.AsyncClient(transport=httpx.MockTransport(server.answer)))

        monkeypatch.setattr(connection, "HttpClients", made)
        monkeypatch.setattr("server.executor.engine.HttpClients", made)

    return put


Serve = Callable[[FakeFhir], None]


def written() -> Any:
    return tomllib.loads(Path("medtwin.toml").read_text())["sources"]


def test_an_open_source_is_added(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    server = Declared("Patient", "Observation")
    serve(server)
    assert main(["source", "add", BASE, "--yes"]) == 0
    told = capsys.readouterr().out
    assert "FHIR 4.0.1, 2 resource types; Testing EHR 7" in told
    assert "it answers" in told
    egfr = next(line for line in told.splitlines() if line.split()[:1] == ["egfr"])
    assert "partly (no Condition: " in egfr
    assert "Condition: not offered" in told
    assert written() == [{"id": "ehr-example", "base_url": BASE}]
    # It was tried with nobody's id.
    assert {request.url.params.get("_id") for request in server.requests} == {"medtwin-tries-whether-it-may-ask"}


def test_what_can_be_answered_follows_what_is_offered(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    serve(Declared("Patient"))
    assert main(["source", "add", BASE, "--yes"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "can be answered" in lines["age"]
    assert "cannot be answered" in lines["egfr"]
    assert "serum-creatinine" in lines["egfr"]


def test_a_second_source_of_one_id_is_refused_before_anything_is_asked(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Declared("Patient")
    serve(server)
    Path("medtwin.toml").write_text('[[sources]]\nid = "lab"\nbase_url = "https://lab.example"\n')
    before = Path("medtwin.toml").read_text()
    assert main(["source", "add", BASE, "--id", "lab", "--yes"]) == 1
    assert "already" in capsys.readouterr().err
    assert (Path("medtwin.toml").read_text(), server.requests) == (before, [])


def test_a_source_that_does_not_answer_is_written_only_where_that_is_said(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(Declared("Patient", "Observation", token="let-me-in"))
    asked = ["source", "add", BASE, "--auth", "caller", "--patient", "p1", "--yes"]
    assert main(asked) == 1
    assert "Nothing was written; use --unanswered to write it anyway." in capsys.readouterr().out
    assert not Path("medtwin.toml").exists()
    assert main([*asked, "--unanswered"]) == 0
    assert "The trial failed (see 2); the settings" in capsys.readouterr().out
    assert written() == [{"id": "ehr-example", "base_url": BASE, "auth": "caller"}]


def test_a_source_that_wants_a_token(
    serve: Serve, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(Declared("Patient", "Observation", token="let-me-in"))
    assert main(["source", "add", BASE, "--yes"]) == 1
    told = capsys.readouterr()
    assert "not permitted (401)" in told.out
    assert "private_key_jwt" in told.out
    assert "--auth caller|backend" in told.err
    assert not Path("medtwin.toml").exists()
    monkeypatch.setenv("EHR_TOKEN", "let-me-in")
    assert main(["source", "add", BASE, "--auth", "caller", "--patient", "p1", "--yes"]) == 0
    told = capsys.readouterr()
    assert written() == [{"id": "ehr-example", "base_url": BASE, "auth": "caller"}]
    assert "let-me-in" not in told.out + told.err + Path("medtwin.toml").read_text()


@pytest.mark.parametrize(
    ("server", "says"),
    [
        (Declared("Patient", version="5.0.0"), "R4"),
        (FakeFhir(RECORDS), "by patient, code and date only"),
    ],
)
def test_what_a_source_says_of_itself_may_be_of_no_use(
    server: FakeFhir, says: str, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(server)
    main(["source", "add", BASE, "--yes"])
    told = capsys.readouterr()
    assert says in told.out + told.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["http://ehr.example/fhir"], "https"),
        (["https://ehr.example/fhir?x=1"], "query"),
        (["ehr.example"], "absolute"),
        ([BASE, "--id", "No Id"], "id"),
        ([BASE, "--auth", "backend", "--client-id", "us"], "--key-file"),
    ],
)
def test_arguments_that_make_no_source(
    arguments: list[str], says: str, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(Declared("Patient"))
    assert main(["source", "add", *arguments, "--yes"]) == 1
    assert says in capsys.readouterr().err
    assert not Path("medtwin.toml").exists()


def test_nobody_is_asked_where_there_is_no_terminal(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    serve(Declared("Patient"))
    assert main(["source", "add", BASE]) == 1
    assert "--yes" in capsys.readouterr().err
    assert not Path("medtwin.toml").exists()


def test_check_tells_what_fills_which_slot(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    serve(Declared(*READ))
    Path("medtwin.toml").write_text(f'[[sources]]\nid = "ehr"\nbase_url = "{BASE}"\n[cache]\nenabled = false\n')
    assert main(["source", "check", "ehr", "--patient", "p1", "--at", AT]) == 0
    told = capsys.readouterr().out
    egfr = told.split("\negfr  ")[1].split("\nbmi  ")[0]
    assert "creatinine               1.6 mg/dL  (2026-06-01 08:30 UTC)" in egfr
    assert "from 1 record as http://loinc.org|2160-0 in mg/dL" in egfr
    news2 = told.split("\nnews2  ")[1]
    assert "- respiratory_rate         not found in the last 24 hours" in news2
    assert "no record under http://loinc.org|9279-1" in news2
    assert "1  Observation  http://loinc.org|2823-3 in mmol/L" in told


def test_check_names_what_was_refused_and_why(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    serve(Declared(*READ))
    Path("medtwin.toml").write_text(f'[[sources]]\nid = "ehr"\nbase_url = "{BASE}"\n[cache]\nenabled = false\n')
    assert main(["source", "check", "ehr", "--patient", "p1", "--at", "2026-05-02T12:00:00Z"]) == 0
    told = capsys.readouterr().out
    assert "1 record as http://loinc.org|2160-0 in furlong; 1 refused" in told
    assert "the unit is none of those read for serum-creatinine" in told


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["lab", "--patient", "p1"], "no source of this id"), (["ehr", "--patient", "nobody"], "no such patient")],
)
def test_check_of_what_is_not_there(
    arguments: list[str], says: str, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(Declared(*READ))
    Path("medtwin.toml").write_text(f'[[sources]]\nid = "ehr"\nbase_url = "{BASE}"\n[cache]\nenabled = false\n')
    assert main(["source", "check", *arguments, "--at", AT]) == 1
    assert says in capsys.readouterr().err


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
    assert "Targets in the source's ConceptMaps that are not used: 1 inexact." in told

"""``record``: one record itself, printed exactly, or a reason why not, and the exit status."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import rdflib

from collectors.fetching import connections
from collectors.reading.supplied import encode_resource
from server.cli.main import main
from tests.support.charts import creatinine, patient
from tests.support.rdf_graphs import parsed_graph
from tests.support.readable_servers import MISSING, ReadableServers, answering, versioned

BASE = "https://ehr.example/fhir"
WORDS = "a\x1b[2J\x9b2J\u202eb\U000e0041 é"
CHART = [
    versioned(patient()),
    versioned({**creatinine(1, "2026-06-01T08:30:00Z", id="o1"), "note": [{"text": WORDS}]}, "2"),
    versioned({**creatinine(1, "2026-06-01T08:30:00Z", id="x1", of="p2")}),
    versioned({"resourceType": "MedicationRequest", "id": "r1", "subject": {"reference": "Patient/p1"},
               "medicationReference": {"reference": "Medication/m1"}}),
    versioned({"resourceType": "Medication", "id": "m1", "code": {"text": "Atorvastatin"}}),
    versioned({"resourceType": "Medication", "id": "m2", "code": {"text": "Another drug"}}),
]  # fmt: skip
CHART[1]["valueQuantity"]["value"] = Decimal("1.10")


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ReadableServers:
    """The sources of the command line, which runs here in a folder with settings of its own."""
    made = ReadableServers(ehr=CHART)
    client = httpx.AsyncClient(transport=httpx.MockTransport(made))
    monkeypatch.setattr(connections.HttpClients, "client_for", lambda *_: client)
    settings = f'[cache]\nenabled = false\n[[sources]]\nid = "ehr"\nbase_url = "{BASE}"\n'
    settings += 'aliases = ["https://inside.example/r4"]\n'
    (tmp_path / "medtwin.toml").write_text(settings, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EHR_TOKEN", raising=False)
    return made


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["record", *arguments])
    told = capsys.readouterr()
    return status, told.out, told.err


@pytest.mark.parametrize("base", [BASE, "https://inside.example/r4"])
@pytest.mark.parametrize("history", ["", "/_history/2"])
def test_the_record_is_printed_exactly(
    servers: ReadableServers, capsys: pytest.CaptureFixture[str], base: str, history: str
) -> None:
    status, out, err = run(capsys, f"{base}/Observation/o1{history}")
    assert (status, err) == (0, "")
    assert '"value": 1.10,' in out
    assert json.loads(out, parse_float=Decimal) == CHART[1]
    assert servers.reads == [("ehr", f"Observation/o1{history}")]


@pytest.mark.parametrize("form", ["json", "turtle", "json-ld", "jsonld"])
def test_no_character_of_a_record_commands_the_terminal(
    servers: ReadableServers, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    status, out, _ = run(capsys, f"{BASE}/Observation/o1", "--format", form)
    assert status == 0
    assert all(sign.isprintable() for line in out.split("\n") for sign in line) and "é" in out
    if form == "json":
        assert json.loads(out)["note"][0]["text"] == WORDS
    else:
        graph = parsed_graph(out, "turtle" if form == "turtle" else "json-ld")
        assert rdflib.Literal(WORDS) in set(graph.objects())


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["Observation/o1", "--patient", "p1"], 0),
        (["Patient/p1", "--patient", "p1"], 0),
        (["Observation/x1"], 0),
        (["Observation/x1", "--patient", "p1"], 1),
        (["Observation/o1", "--patient", "p2"], 1),
        (["Patient/p1", "--patient", "p2"], 1),
        (["Medication/m1", "--patient", "p1"], 1),
        (["Medication/m1", "--patient", "p1", "--referenced-by", f"{BASE}/MedicationRequest/r1"], 0),
        # It refers to another drug, or is another's, or what it refers to is about somebody.
        (["Medication/m2", "--patient", "p1", "--referenced-by", f"{BASE}/MedicationRequest/r1"], 1),
        (["Medication/m1", "--patient", "p2", "--referenced-by", f"{BASE}/MedicationRequest/r1"], 1),
        (["Patient/p1", "--patient", "p2", "--referenced-by", f"{BASE}/MedicationRequest/r1"], 1),
        (["Medication/m1", "--referenced-by", f"{BASE}/MedicationRequest/r1"], 1),
        (["Observation/o1/_history/1", "--patient", "p1"], 1),
        (["Observation/nobody", "--patient", "p1"], 1),
    ],
)
def test_only_records_of_the_patient(
    servers: ReadableServers, capsys: pytest.CaptureFixture[str], arguments: Sequence[str], status: int
) -> None:
    path, *more = arguments
    got, out, err = run(capsys, f"{BASE}/{path}", *more)
    assert got == status
    if status:
        assert out == "" and err.startswith("medtwin: ") and err.count("\n") == 1
        assert not any(word in err for word in ("Atorvastatin", "1960", "p2", "x1", "Traceback"))
    else:
        assert json.loads(out)["id"] == path.split("/")[1]


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("https://evil.example/fhir/Observation/o1", "no configured source"),
        (f"{BASE}/Observation", "not that of a record"),
        ("Observation/o1", "no configured source"),
    ],
)
def test_an_address_elsewhere_is_not_requested(
    servers: ReadableServers, capsys: pytest.CaptureFixture[str], address: str, text: str
) -> None:
    status, out, err = run(capsys, address)
    assert (status, out) == (1, "") and text in err and "evil" not in err
    assert servers.reads == []


def test_the_statuses_of_a_source(servers: ReadableServers, capsys: pytest.CaptureFixture[str]) -> None:
    wanted: list[tuple[Any, int, str]] = [
        (answering({}, 500), 3, "error of the server"),
        (answering({}, 403), 1, "not permitted"),
        (MISSING, 1, "nothing at that address"),
        (answering(b"<html>"), 1, "no FHIR record"),
    ]
    for answer, status, text in wanted:
        servers.faults = {("ehr", "Observation/o1"): answer}
        got, out, err = run(capsys, f"{BASE}/Observation/o1")
        assert (got, out) == (status, "") and text in err


def test_the_token_is_read_from_the_environment(
    servers: ReadableServers, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "medtwin.toml"
    path.write_text(path.read_text(encoding="utf-8") + 'auth = "caller"\n', encoding="utf-8")
    assert run(capsys, f"{BASE}/Observation/o1")[0] == 1 and servers.reads == []
    monkeypatch.setenv("EHR_TOKEN", "t0ken.of-caller")
    status, out, err = run(capsys, f"{BASE}/Observation/o1")
    assert status == 0 and ("ehr", "Bearer t0ken.of-caller") in servers.tokens
    assert "t0ken" not in out + err


def test_what_was_handed_in_is_read_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEDTWIN_CACHE__ENABLED", "false")
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in CHART]}
    (tmp_path / "bundle.json").write_bytes(encode_resource(bundle))
    given = ["--bundle", "bundle.json"]
    address = "https://medtwin.example/handed-in/Observation"
    status, out, _ = run(capsys, f"{address}/o1/_history/2", "--patient", "p1", *given)
    assert status == 0 and '"value": 1.10,' in out
    for path, of in (("x1", "p1"), ("o1", "p2"), ("o1/_history/1", "p1"), ("o9", "p1")):
        assert run(capsys, f"{address}/{path}", "--patient", of, *given)[0] == 1
    assert run(capsys, f"{BASE}/Observation/o1", "--patient", "p1", *given)[0] == 1


def test_arguments_that_are_not_understood(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["record"], ["record", f"{BASE}/Observation/o1", "--format", "xml"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
    assert "Exit status: 0 printed" not in capsys.readouterr().out

"""``ask --format``: one Bundle of all that was asked; arguments in RDF that are read back, attributed, sealed."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.cli.main import main
from server.executor.cache.encryption import Keyring
from server.explain.prov.read_export import read_export
from server.explain.prov.seal import SealCheck, check_seal
from server.settings import Settings
from tests.support.charts import bundle_arguments, creatinine, patient, uacr
from tests.support.fhir_bundles import rule_faults

BUNDLE_CHART = [patient(), creatinine(1.9, "2026-06-20T08:00:00Z"), uacr(300, "2026-06-20T08:00:00Z")]


def test_one_bundle_of_all_that_was_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEDTWIN_CACHE__ENABLED", "false")
    chart = tmp_path / "bundle.json"
    chart.write_text(json.dumps(BUNDLE_CHART))
    before = datetime.now(UTC)
    asked = ["ask", "p1", "egfr", "gfr-category", "serum-creatinine", "--at", "2026-06-30T12:00:00Z"]
    asked += ["--bundle", str(chart), "--complete", "Observation", "--since", "2026-06-25T12:00:00Z"]
    assert main([*asked, "--format", "fhir"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert rule_faults(made) == []
    told = [entry["resource"] for entry in made["entry"] if "code" in entry["resource"]]
    assert [each["code"]["text"] for each in told[:3]] == ["Estimated GFR", "GFR category", "Serum creatinine"]
    # The eGFR is under the category too, and told once for each time that it was evaluated for.
    names = {entry["fullUrl"]: entry["resource"].get("code", {}).get("text") for entry in made["entry"]}
    sources = [entry["resource"] for entry in made["entry"] if entry["resource"]["resourceType"] == "Provenance"]
    times = [each["occurredDateTime"] for each in sources if names[each["target"][0]["reference"]] == "Estimated GFR"]
    assert sorted(times) == sorted(set(times))
    moved = [note["text"] for note in made["entry"][0]["resource"]["note"] if note["text"].startswith("Compared with")]
    assert len(moved) == 1
    # The clock at the edge, not the evaluation time.
    assert before.replace(microsecond=0) <= datetime.fromisoformat(made["timestamp"]) <= datetime.now(UTC)


CHART = [patient(), creatinine(1.4, "2026-02-20T08:00:00Z"), creatinine(1.9, "2026-06-20T08:00:00Z")]
SINCE = "2026-03-03T12:00:00Z"


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    given = bundle_arguments(tmp_path, monkeypatch, CHART)
    return ["ask", "p1", "egfr", "serum-creatinine", *given, "--complete", "Observation"]


@pytest.mark.parametrize("form", ["turtle", "json-ld"])
def test_both_answers_are_in_one_graph(ask: list[str], form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ask, "--format", form, "--since", SINCE]) == 0
    text = capsys.readouterr().out
    computed, recorded = sorted(read_export(text, form), key=lambda said: -len(said.steps))
    assert len(computed.steps) == 4 and not recorded.steps
    (moved,) = computed.attributions
    assert moved.since is not None and moved.since.isoformat() == "2026-03-03T12:00:00+00:00"
    # That what is read has nothing that moves it is said, not left out.
    assert not recorded.attributions
    assert "is read, not computed, so there are no inputs that move it" in text
    assert computed.seal is None


def test_where_a_key_is_configured_it_is_sealed(
    ask: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDTWIN_CACHE__KEY", "a" * 64)
    key = Keyring.from_secret(Settings().cache.key_bytes()).argument_seal_key
    assert key is not None
    assert main([*ask, "--format", "turtle"]) == 0
    text = capsys.readouterr().out
    assert check_seal(text, "turtle", key) is SealCheck.VALID
    assert check_seal(text.replace("1.9", "1.8"), "turtle", key) is SealCheck.BROKEN

"""``ask --format fhir``: one Bundle of all that was asked."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.cli.main import main
from tests.support.charts import creatinine, patient, uacr
from tests.support.r4 import faults

CHART = [patient(), creatinine(1.9, "2026-06-20T08:00:00Z"), uacr(300, "2026-06-20T08:00:00Z")]


def test_one_bundle_of_all_that_was_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEDTWIN_CACHE__ENABLED", "false")
    chart = tmp_path / "bundle.json"
    chart.write_text(json.dumps(CHART))
    before = datetime.now(UTC)
    asked = ["ask", "p1", "egfr", "gfr-category", "serum-creatinine", "--at", "2026-06-30T12:00:00Z"]
    asked += ["--bundle", str(chart), "--complete", "Observation", "--since", "2026-06-25T12:00:00Z"]
    assert main([*asked, "--format", "fhir"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert faults(made) == []
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

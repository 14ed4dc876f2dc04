"""``ask --complete``: it names types that are read, and nothing else."""

import json
from pathlib import Path

import pytest

from server.cli import main
from tests.support.charts import creatinine, patient

READ = "AllergyIntolerance, Condition"


@pytest.mark.parametrize(
    ("types", "refused"),
    [
        ("Nonsense", True),
        ("Observation,observation", True),
        ("Observation;Condition", True),
        ("Observation,Condition", False),
        ("Observation, Medication,Encounter,", False),
        ("", False),
    ],
)
def test_a_type_of_which_nothing_is_read_is_refused(
    types: str, refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    bundle = tmp_path / "records.json"
    bundle.write_text(json.dumps([patient(), creatinine(1.6, "2026-06-01T08:30:00Z")]))
    asked = ["ask", "p1", "age", "--at", "2026-06-30T12:00:00Z", "--bundle", str(bundle), "--complete", types]
    assert main(asked) == int(refused)
    told = capsys.readouterr().err
    assert ("--complete names a type of which nothing is read; it may name AllergyIntolerance, " in told) is refused
    assert "Nonsense" not in told

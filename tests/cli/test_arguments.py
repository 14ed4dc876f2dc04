"""Arguments: files are read no further than allowed, and ``--complete`` names types that are read."""

import io
import json
import sys
from pathlib import Path

import pytest

from server.cli import main
from server.cli.arguments import read_file_or_stdin
from tests.support.charts import creatinine, patient


@pytest.mark.parametrize(("length", "most", "whole"), [(0, 4, True), (4, 4, True), (5, 4, False)])
def test_a_file_and_standard_input_are_read_as_far_as_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int, most: int, whole: bool
) -> None:
    content = b"x" * length
    (tmp_path / "given").write_bytes(content)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    for name in (str(tmp_path / "given"), "-"):
        assert read_file_or_stdin(name, most) == (content if whole else None)


@pytest.mark.parametrize("name", ["none", ".", "a\0b"])
def test_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError):
        read_file_or_stdin(name, 10)


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
    assert ("--complete names a resource type that is not read; allowed are AllergyIntolerance, " in told) is refused
    assert "Nonsense" not in told

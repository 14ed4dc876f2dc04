"""Arguments: files are read no further than allowed, and ``--complete`` names types that are read."""

import io
import json
import sys
from argparse import ArgumentTypeError
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from server.cli import main
from server.cli.arguments import end_of, read_file_or_stdin, start_of, time_argument
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


UTC, BERLIN = "UTC", "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "zone", "now", "start", "end"),
    [
        ("2026-06-29", UTC, "2026-06-30T12:00+00:00", "2026-06-29T00:00+00:00", "2026-06-29T23:59:59.999999+00:00"),
        ("2026-06-30", UTC, "2026-06-30T12:00+00:00", "2026-06-30T00:00+00:00", "2026-06-30T12:00+00:00"),
        ("2026-07-01", UTC, "2026-06-30T12:00+00:00", "2026-07-01T00:00+00:00", "2026-07-01T23:59:59.999999+00:00"),
        # At 22:30 UTC it is tomorrow in Berlin already.
        ("2026-07-01", BERLIN, "2026-06-30T22:30+00:00", "2026-07-01T00:00+02:00", "2026-06-30T22:30+00:00"),
        ("2026-06-30", BERLIN, "2026-06-30T22:30+00:00", "2026-06-30T00:00+02:00", "2026-06-30T23:59:59.999999+02:00"),
        # A day of 23 hours.
        ("2026-03-29", BERLIN, "2026-06-30T12:00+00:00", "2026-03-29T00:00+01:00", "2026-03-29T23:59:59.999999+02:00"),
        # A time is taken as it is.
        ("2026-06-30T08:00Z", BERLIN, "2026-06-30T12:00+00:00", "2026-06-30T08:00+00:00", "2026-06-30T08:00+00:00"),
        ("2026-06-30T00:00+02:00", UTC, "2026-06-30T12:00+00:00", "2026-06-29T22:00+00:00", "2026-06-29T22:00+00:00"),
    ],
)
def test_a_date_is_its_start_or_its_end_in_the_zone_of_the_site(
    text: str, zone: str, now: str, start: str, end: str
) -> None:
    given = time_argument(text)
    assert start_of(given, ZoneInfo(zone)) == datetime.fromisoformat(start)
    assert end_of(given, ZoneInfo(zone), datetime.fromisoformat(now)) == datetime.fromisoformat(end)


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2026-6-30", "20260630", "2026-06", "30.06.2026", "2026-06-30T08:00", "today", ""]
)
def test_what_is_neither_a_time_nor_a_date_says_how(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"such as 2026-06-01T08:30:00Z, or a date, such as 2026-06-01"):
        time_argument(text)


def test_the_answer_since_a_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "medtwin.toml").write_text('zone = "Europe/Berlin"')
    bundle = tmp_path / "records.json"
    # At 23:30 UTC of 30 May it is 31 May in Berlin.
    records = [patient(), creatinine(1.0, "2025-01-10T08:00:00Z"), creatinine(1.6, "2026-05-30T23:30:00Z")]
    bundle.write_text(json.dumps(records))
    for day, value in (("2026-05-30", "missing"), ("2026-05-31", "1.6 mg/dL")):
        asked = ["ask", "p1", "egfr", "--at", day, "--since", "2025-01-11", "--bundle", str(bundle), "-vv"]
        assert main([*asked, "--complete", "all"]) == 0
        out = " ".join(capsys.readouterr().out.split())
        assert value in out.casefold() or value in out, day

"""``ask`` in the zone and the units of the site: texts follow them, values for machines do not."""

import json
import re
from pathlib import Path

import pytest

from server.cli.main import main
from tests.support.charts import Record, bundle_arguments, condition, creatinine, patient, uacr

CHART: list[Record] = [
    patient(),
    creatinine(86, "2026-02-20T08:00:00Z", "umol/L"),
    # Half past midnight in Berlin: another day there.
    creatinine(97, "2026-06-19T22:30:00Z", "umol/L", id="newest"),
    uacr(300, "2026-06-20T08:00:00-04:00"),
    condition("46635009", onset="2026-01-01"),
]
BERLIN = {"MEDTWIN_ZONE": "Europe/Berlin"}
MICROMOLAR = {"MEDTWIN_SITE__UNITS__SERUM_CREATININE": "umol/L", "MEDTWIN_SITE__UNITS__UACR": "mg/mmol"}


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return [*bundle_arguments(tmp_path, monkeypatch, CHART), "--complete", "all"]


def asked(of: str, given: list[str], monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], *more: str) -> list[str]:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return ["ask", "p1", of, *given, *more]


@pytest.mark.parametrize(
    ("of", "environ", "says"),
    [
        # 97 / 88.4 = 1.097; 300 / 8.84 = 33.9 (creatinine: 113.12 g/mol).
        ("serum-creatinine", {}, "is 97 µmol/L (1.1 mg/dL) (as of 2026-06-19 22:30 UTC)"),
        ("serum-creatinine", BERLIN, "is 97 µmol/L (1.1 mg/dL) (as of 2026-06-20 00:30 +0200)"),
        ("serum-creatinine", MICROMOLAR, "is 97 µmol/L (as of"),
        ("recorded-uacr", {}, "is 300 mg/g (as of 2026-06-20 12:00 UTC)"),
        ("recorded-uacr", MICROMOLAR | BERLIN, "is 300 mg/g (33.9 mg/mmol) (as of 2026-06-20 14:00 +0200)"),
    ],
)
def test_a_recorded_value_is_shown_as_recorded_first(
    of: str,
    environ: dict[str, str],
    says: str,
    given: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In the plain text, and as the ``text`` of GraphQL; the value stays in the concept's own unit."""
    assert main(asked(of, given, monkeypatch, environ, "--format", "json")) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert says in result["text"]
    assert result["value"]["unit"] == {"serum-creatinine": "mg/dL", "recorded-uacr": "mg/g"}[of]


def test_every_time_that_is_shown_is_in_the_zone_of_the_site(
    given: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a chart whose records are of three zones, and an earlier time to compare with."""
    arguments = asked("egfr", given, monkeypatch, BERLIN, "-vv", "--since", "2026-03-01T00:00:00Z")
    assert main([*arguments, "--assume", "pregnancy=no"]) == 0
    shown = capsys.readouterr().out
    times = re.findall(r"\d{4}-\d\d-\d\d\s+\d\d:\d\d\s+(\S+)", shown)
    assert len(times) > 4
    assert {zone.strip(".,;:)") for zone in times} == {"+0100", "+0200"}
    assert "on 2026-03-01 01:00 +0100" in " ".join(shown.split())


def test_what_moved_an_answer_is_shown_in_the_units_of_the_site(
    given: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = asked("egfr", given, monkeypatch, MICROMOLAR, "-vv", "--since", "2026-03-01T00:00:00Z")
    assert main(arguments) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "serum creatinine 86 → 97 µmol/L" in shown
    # A formula has its own unit.
    assert "142 × min(1.0" in shown


def test_a_unit_that_cannot_be_shown_stops_the_start(
    given: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = asked("egfr", given, monkeypatch, {"MEDTWIN_SITE__UNITS__SERUM_CREATININE": "kg"})
    assert main(arguments) == 1
    assert capsys.readouterr().err == (
        "medtwin: site.units.serum-creatinine: must be a UCUM unit that mg/dL converts to\n"
    )

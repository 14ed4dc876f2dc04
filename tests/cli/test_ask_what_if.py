"""``ask --assume``: a what-if on the command line, with the checks of a GraphQL question."""

import json
from pathlib import Path

import pytest

from server.cli.main import main
from tests.support.charts import creatinine, patient

CHART = [patient(), creatinine(1.9, "2026-06-20T08:00:00Z")]
OUTPUT = "not the expected effect of treatment"


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEDTWIN_CACHE__ENABLED", "false")
    bundle = tmp_path / "bundle.json"
    bundle.write_text(json.dumps(CHART))
    return ["ask", "p1", "--at", "2026-06-30T12:00:00Z", "--bundle", str(bundle), "--complete", "Observation,Condition"]


@pytest.mark.parametrize(
    ("concept", "more", "told"),
    [
        ("egfr", ["serum-creatinine=1.0mg/dL"], "62 mL/min/1.73 m²"),
        ("egfr", ["serum-creatinine=88.4 umol/L"], "62 mL/min/1.73 m²"),
        ("egfr", ["serum-creatinine=1.0mg/dL", "sex=male"], "83 mL/min/1.73 m²"),
        ("egfr", ["serum-creatinine=missing"], "assumed missing"),
        ("gfr-category", ["egfr=50mL/min/{1.73_m2}"], "G3a"),
        ("gfr-category", ["egfr=50mL/min/{1.73_m2}", "albuminuria-category=A3"], "assumed"),
        ("egfr", ["dialysis=yes"], "dialysis"),
    ],
)
def test_what_is_assumed_is_computed_with_and_said(
    ask: list[str], concept: str, more: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [part for each in more for part in ("--assume", each)]
    assert main([*ask[:2], concept, *ask[2:], *given]) == 0
    out = capsys.readouterr().out
    assert told in out
    assert "assumed" in out or "assumed missing" in out


def test_it_is_compared_with_the_record(ask: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ask, "--assume", "serum-creatinine=1.0mg/dL", "--why", "assumption", "-vv", *["egfr"]]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "62 mL/min/1.73 m² on the assumption, 29 mL/min/1.73 m² by the record" in out
    assert "serum creatinine 1.9 → 1 mg/dL alone" in out
    assert OUTPUT in out


def test_json_has_it_too(ask: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ask, "egfr", "--assume", "serum-creatinine=1.0mg/dL", "--format", "json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert round(result["value"]["value"]) == 62
    assumed = {ground["slot"] for step in result["chain"] for ground in step["grounds"] if ground["assumed"]}
    assert assumed == {"creatinine"}


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("serum-creatinine", "takes CONCEPT=VALUE"),
        ("serum-creatinine=", "takes CONCEPT=VALUE"),
        ("creatinin=1mg/dL", "names a concept that does not exist; did you mean serum-creatinine"),
        ("serum-creatinine=1.0", "serum-creatinine needs a unit"),
        ("serum-creatinine=1.0mmHg", "serum-creatinine takes mg/dL"),
        ("serum-creatinine=4711mg/dL", "serum-creatinine must be within"),
        ("serum-creatinine=nan", "takes a number with its unit"),
        ("serum-creatinine=1,0mg/dL", "serum-creatinine takes"),
        ("serum-creatinine=yes", "takes a number with its unit"),
        ("dialysis=perhaps", "takes yes, no or missing"),
        ("sex=other-code", "sex takes SYSTEM|CODE, or one of "),
        ("birth-date=1960-01-01", "birth-date takes missing and nothing else"),
    ],
)
def test_what_cannot_be_is_refused_without_repeating_it(
    ask: list[str], form: str, given: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*ask, "egfr", "--format", form, "--assume", given]) == 1
    told = capsys.readouterr()
    assert why in told.err
    assert told.out == ""
    assert "4711" not in told.err


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["--why", "assumption"], "--why assumption needs --assume"),
        (["--assume", "dialysis=no", "--why", "assumption", "--since", "2026-01-01T00:00:00Z"], "no other --why takes"),
        (["--assume", "dialysis=no", "--assume", "dialysis=yes"], "dialysis is assumed twice"),
    ],
)
def test_what_does_not_go_together(
    ask: list[str], more: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*ask, "egfr", *more]) == 1
    assert why in capsys.readouterr().err

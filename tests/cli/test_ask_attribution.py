"""``ask --why``: what moved an answer, in its text and in JSON."""

import json
from pathlib import Path

import pytest

from server.cli.main import main
from tests.support.charts import bundle_arguments, creatinine, patient

CHART = [patient(), creatinine(1.4, "2026-02-20T08:00:00Z"), creatinine(1.9, "2026-06-20T08:00:00Z")]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return ["ask", "p1", "egfr", *bundle_arguments(tmp_path, monkeypatch, CHART), "--complete", "Observation"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--since", "2026-03-03T12:00:00Z"], "it was 42 mL/min/1.73 m² on 2026-03-03"),
        (
            ["--why", "earlier", "--since", "2026-03-03T12:00:00Z"],
            "What moved the estimate: serum creatinine 1.4 → 1.9",
        ),
        (["--why", "reference"], "with usual values it would be 70 mL/min/1.73 m²"),
    ],
)
def test_the_text_says_what_moved_it(
    ask: list[str], more: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*ask, *more, "-vv"]) == 0
    assert told in capsys.readouterr().out


@pytest.mark.parametrize("more", [["--why", "earlier"], ["--why", "reference", "--since", "2026-03-03T12:00:00Z"]])
def test_a_time_belongs_to_the_earlier_baseline(
    ask: list[str], more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*ask, *more]) != 0
    assert "--why earlier needs --since TIME" in capsys.readouterr().err


def test_nothing_is_said_where_nobody_asks(ask: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(ask) == 0
    assert "moved" not in capsys.readouterr().out.casefold()


@pytest.mark.parametrize(
    ("more", "baseline", "issues"),
    [
        (["--since", "2026-03-03T12:00:00Z"], "the record as of 2026-03-03", []),
        (["--why", "reference"], "usual values", []),
        (["--why", "assumption", "--assume", "serum-creatinine=1.2mg/dL"], "the record, without the assumptions", []),
        (["--since", "1950-03-03T12:00:00Z"], None, ["not-attributed"]),
    ],
)
def test_json_tells_it_too(
    ask: list[str], more: list[str], baseline: str | None, issues: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*ask, *more, "--format", "json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    told = result["attribution"]
    assert [each["code"] for each in result["issues"] if each["code"] == "not-attributed"] == issues
    if baseline is None:
        assert told is None
        return
    assert told["baseline"].startswith(baseline)
    assert told["items"][0]["concept"]["id"] == "serum-creatinine"
    assert sum(item["amount"] for item in told["items"]) == pytest.approx(told["output"] - told["base"])


def test_json_tells_nothing_of_it_where_nobody_asks(ask: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ask, "--format", "json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert "attribution" not in result

"""``ask --bundle``: what is in the file is used; what is not in it is absent only of the types in ``--complete``."""

from pathlib import Path

import pytest

from server.cli.main import main
from tests.support.charts import bundle_arguments, condition, creatinine, encounter, patient

FIBRILLATION = "49436004"
CHART = [patient(), creatinine(1.9, "2026-06-20T08:00:00Z")]
FLAG = "--complete Observation, or --complete all"


def ask(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], chart: list[object], *more: str
) -> str:
    concept, *rest = more
    assert main(["ask", "p1", concept, "-vv", *bundle_arguments(folder, monkeypatch, chart), *rest]) == 0
    return capsys.readouterr().out


def test_a_value_in_the_file_is_used_and_a_newer_one_may_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ask(tmp_path, monkeypatch, capsys, [*CHART], "serum-creatinine")
    assert told.startswith("Serum creatinine is 1.9 mg/dL")
    assert FLAG in told
    assert "A newer or contradicting record may exist." in told


def test_where_the_list_is_complete_nothing_is_said_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for types in ("Observation", "all", "all,Observation"):
        told = ask(tmp_path, monkeypatch, capsys, [*CHART], "serum-creatinine", "--complete", types)
        assert told.startswith("Serum creatinine is 1.9 mg/dL")
        assert "--complete" not in told


def test_what_rests_on_the_patient_alone_needs_no_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "--complete" not in ask(tmp_path, monkeypatch, capsys, [*CHART], "age")


def test_a_computed_value_rests_on_what_is_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ask(tmp_path, monkeypatch, capsys, [*CHART], "egfr")
    assert "29 mL/min/1.73 m²" in told.splitlines()[0]
    assert FLAG in told


@pytest.mark.parametrize(
    ("chart", "complete", "start"),
    [
        ([condition("38341003")], "", "Atrial fibrillation: not requested"),
        ([], "", "Atrial fibrillation: not requested"),
        ([condition("38341003")], "all", "Atrial fibrillation: not documented (absence not assumed)"),
        ([condition(FIBRILLATION)], "", "Atrial fibrillation: yes"),
        ([condition(FIBRILLATION, None, encounter={"reference": "Encounter/e1"}),
          encounter("2020-01-01", "2020-01-02")], "", "Atrial fibrillation: yes"),
    ],
)  # fmt: skip
def test_that_nothing_is_recorded_needs_the_complete_list_and_a_yes_does_not(
    chart: list[object],
    complete: str,
    start: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = ask(tmp_path, monkeypatch, capsys, [patient(), *chart], "atrial-fibrillation", "--complete", complete)
    assert told.startswith(start)
    assert ("--complete Condition, or --complete all" in told) is ("not requested" in start)


def test_a_series_needs_the_complete_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chart = [patient(), creatinine(1.9, "2026-06-20T08:00:00Z"), creatinine(1.9, "2026-06-29T08:00:00Z")]
    told = ask(tmp_path, monkeypatch, capsys, [*chart], "aki-stage")
    assert "could not be computed" in told.splitlines()[0] and "not met" not in told
    assert FLAG in told
    stated = ask(tmp_path, monkeypatch, capsys, [*chart], "aki-stage", "--complete", "Observation")
    assert "not met" in stated.splitlines()[0]


def test_another_persons_record_is_no_part_of_the_patients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ask(tmp_path, monkeypatch, capsys, [patient(id="p2"), CHART[1]], "age")
    assert "the patient's own record was not supplied" in told
    assert main(["ask", "p1", "age", *bundle_arguments(tmp_path, monkeypatch, [CHART[1]]), "--complete", "all"]) == 1
    assert "it holds no such patient" in capsys.readouterr().err

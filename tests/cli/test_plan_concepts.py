"""``concepts``: what can be asked, by the words that people use."""

import pytest

from server.cli import main


@pytest.mark.parametrize("words", [["kfre"], ["KFRE", "5"], ["kidney", "failure", "risk", "5y"]])
def test_a_concept_is_found_by_its_words(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["concepts", *words]) == 0
    printed = capsys.readouterr().out
    assert "kidney-failure-risk-5y  Risk of kidney failure within 5 years\n" in printed
    assert "    also: KFRE, Kidney Failure Risk Equation, Tangri\n    unit: %\n" in printed


def test_units_and_limits_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["concepts", "serum-creatinine"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "serum-creatinine  Serum creatinine",
        "    also: Cr, Creat, Creatinine, SCr",
        "    unit: mg/dL; read too: mg/L, mmol/L, umol/L",
        "    plausible: 0.05 to 80",
        "    read from records or settings",
    ]


def test_without_words_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["concepts"]) == 0
    listed = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert len(listed) > 100


def test_what_is_not_found_is_a_line_and_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["concepts", "no", "such", "thing"]) == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)

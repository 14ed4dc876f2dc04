"""A risk reads one way: as a percentage, and as people among many alike."""

from decimal import Decimal

import pytest

from ontology.words.risks import AT_ONCE, people_words, percent_words, risk_words


@pytest.mark.parametrize(
    ("probability", "shown", "words"),
    [
        ("0.091", "9.1 %", "about 9 in 100 similar people"),
        ("0.01", "1.0 %", "about 1 in 100 similar people"),
        ("0.006", "0.6 %", "about 6 in 1,000 similar people"),
        ("0.0096", "1.0 %", "about 1 in 100 similar people"),
        ("0.0042", "0.4 %", "about 4 in 1,000 similar people"),
        ("0.00098344", "0.1 %", "about 1 in 1,000 similar people"),
        ("0.0002", "under 0.1 %", "fewer than 1 in 1,000 similar people"),
        ("0", "0.0 %", "fewer than 1 in 1,000 similar people"),
        ("0.99986817", "over 99.9 %", "more than 99 in 100 similar people"),
        ("1", "100.0 %", "more than 99 in 100 similar people"),
    ],
)
def test_risks_read_as_people(probability: str, shown: str, words: str) -> None:
    assert percent_words(Decimal(probability)) == shown
    assert people_words(Decimal(probability)) == words


@pytest.mark.parametrize(
    ("probability", "decimals", "words"),
    [
        ("0.009", 0, "1 %, about 1 in 100 similar people"),
        ("0.004", 0, "under 1 %, about 4 in 1,000 similar people"),
        ("0.009", 1, "0.9 %, about 9 in 1,000 similar people"),
        ("0.009", 2, "0.90 %, about 9 in 1,000 similar people"),
    ],
)
def test_people_and_percentage_do_not_contradict_each_other(probability: str, decimals: int, words: str) -> None:
    risk = Decimal(probability)
    assert f"{percent_words(risk, decimals)}, {people_words(risk, decimals)}" == words


@pytest.mark.parametrize(("horizon", "over"), [("P5Y", "over 5 years"), ("P30D", "over 30 days"), (AT_ONCE, "now")])
def test_the_horizon_is_told(horizon: str, over: str) -> None:
    assert risk_words(Decimal("0.09"), horizon) == f"about 9 in 100 similar people {over}"

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
        ("0.015", "1.5 %", "about 15 in 1,000 similar people"),
        ("0.0246", "2.5 %", "about 25 in 1,000 similar people"),
        ("0.0254", "2.5 %", "about 25 in 1,000 similar people"),
        ("0.0244", "2.4 %", "about 2 in 100 similar people"),
        ("0.0256", "2.6 %", "about 3 in 100 similar people"),
        ("0.001", "0.1 %", "about 1 in 1,000 similar people"),
        # Rounded up, it would be near twice itself.
        ("0.0006", "under 0.1 %", "fewer than 1 in 1,000 similar people"),
        ("0.00098344", "under 0.1 %", "fewer than 1 in 1,000 similar people"),
        ("0.0002", "under 0.1 %", "fewer than 1 in 1,000 similar people"),
        # Just below, on and just above each edge of the wording.
        ("0.000499", "under 0.1 %", "fewer than 1 in 1,000 similar people"),
        ("0.0005", "under 0.1 %", "fewer than 1 in 1,000 similar people"),
        ("0.000999", "under 0.1 %", "fewer than 1 in 1,000 similar people"),
        ("0.009499", "0.9 %", "about 9 in 1,000 similar people"),
        ("0.0095", "1.0 %", "about 1 in 100 similar people"),
        ("0.994499", "99.4 %", "about 99 in 100 similar people"),
        ("0.9949", "99.5 %", "more than 99 in 100 similar people"),
        ("0.995", "99.5 %", "more than 99 in 100 similar people"),
        ("0.996", "99.6 %", "more than 99 in 100 similar people"),
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
        ("0.009", 0, "under 1 %, about 9 in 1,000 similar people"),
        ("0.005", 0, "under 1 %, about 5 in 1,000 similar people"),
        ("0.0099", 0, "under 1 %, about 1 in 100 similar people"),
        ("0.01", 0, "1 %, about 1 in 100 similar people"),
        ("0.0149", 0, "1 %, about 1 in 100 similar people"),
        ("0.015", 0, "2 %, about 2 in 100 similar people"),
        ("0.00554", 2, "0.55 %, about 55 in 10,000 similar people"),
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


@pytest.mark.parametrize("decimals", [0, 1, 2])
def test_one_shown_percentage_has_one_frequency(decimals: int) -> None:
    """Whatever the exact probability behind it: CLINICAL wants one wording for one probability."""
    found: dict[str, set[str]] = {}
    for each in range(1, 100_000):
        risk = Decimal(each) / 100_000
        found.setdefault(percent_words(risk, decimals), set()).add(people_words(risk, decimals))
    several = {shown: words for shown, words in found.items() if len(words) > 1}
    # Of what is only known to be under or over a limit, the frequency says more than the percentage.
    assert {shown for shown in several if not shown.startswith(("under", "over"))} <= {"99 %", "99.5 %"}


@pytest.mark.parametrize("decimals", [0, 1, 2])
def test_nothing_is_rounded_up_to_twice_itself(decimals: int) -> None:
    for each in range(1, 5_000):
        risk = Decimal(each) / 100_000
        shown, people = percent_words(risk, decimals).removesuffix(" %"), people_words(risk, decimals)
        if not shown.startswith("under"):
            assert Decimal(shown) < 2 * risk * 100
        if people.startswith("about"):
            _, count, _, of, *_ = people.replace(",", "").split()
            assert Decimal(count) / Decimal(of) < 2 * risk

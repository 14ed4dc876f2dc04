"""The short form: what a value means and what is advised, each thing once."""

from dataclasses import replace

import pytest

from server.catalog.criteria import Advice
from server.explain.short_meaning import band_words, different_advice, is_said_in
from tests.support.charts import creatinine, patient
from tests.support.supplied_answers import answer_from


@pytest.mark.parametrize(
    ("name", "text", "value", "words"),
    [
        ("Severely decreased", "severely decreased", "23 mL", "severely decreased"),
        ("Pre-obese", "overweight, pre-obese", "27 kg/m²", "overweight, pre-obese"),
        ("5 % in 5 years or more", "5 % or more: above the 3 to 5 % of KDIGO", "43.7 %", "above the 3 to 5 % of KDIGO"),
        ("High", "emergency response threshold", "19 points", "high: emergency response threshold"),
        ("A3", "severely increased", "A3", "severely increased"),
    ],
)
def test_a_band_says_each_thing_once(name: str, text: str, value: str, words: str) -> None:
    assert band_words(name, text, value) == words


RECOMMENDED = "Oral anticoagulation is recommended at 2 or more in men and 3 or more in women"
WHERE = "Anticoagulation is recommended where the yearly risk is 2 % or more, such as at 2 or more in men and 3 or more in women"  # noqa: E501


@pytest.mark.parametrize(
    ("text", "other", "but", "said"),
    [
        ("oral anticoagulation recommended", RECOMMENDED, 0, True),
        (RECOMMENDED, WHERE, 1, True),
        (RECOMMENDED, WHERE, 0, False),
        # The opposite has all of the words.
        ("oral anticoagulation recommended", "Oral anticoagulation is not recommended", 0, False),
        ("oral anticoagulation not recommended", RECOMMENDED, 0, False),
        ("urgent ward-based response", "emergency ward-based response", 0, False),
    ],
)
def test_what_says_the_same(text: str, other: str, but: int, said: bool) -> None:
    assert is_said_in(text, other, but) is said


def test_advice_of_two_sources_is_given_once() -> None:
    answer = answer_from([patient(), creatinine(0.9, "2026-06-14T08:00:00Z")], "egfr")["egfr"]
    texts = (RECOMMENDED, WHERE, "Do not give aspirin for it", WHERE)
    advised = replace(answer, recommendations=tuple(Advice(f"{each}.", "a guideline") for each in texts))
    assert different_advice(advised) == [WHERE, "Do not give aspirin for it"]

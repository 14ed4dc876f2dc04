"""The short form: each thing once, a reason in a few words, and never "no X" of what is no number."""

from dataclasses import replace
from datetime import timedelta

import pytest

from server.catalog.criteria import Advice
from server.explain.results import MissingInput
from server.explain.short_meaning import band_words, different_advice, is_said_in, missing_reasons, sentences
from tests.support.charts import creatinine, patient
from tests.support.supplied_answers import answer_from

DAY, YEAR = timedelta(hours=24), timedelta(days=365)
NEWS2 = ("Heart rate", "Respiratory rate", "Oxygen saturation", "Systolic blood pressure", "Body temperature")


def number(name: str, window: timedelta | None = DAY) -> MissingInput:
    return MissingInput(name, "only older", unmeasured=True, window=window)


def finding(name: str, window: timedelta | None = None) -> MissingInput:
    return MissingInput(name, "not recorded", undocumented=True, window=window)


def unread(name: str, why: str = "the source could not be reached") -> MissingInput:
    return MissingInput(name, why)


VITALS = [*map(number, NEWS2), finding("Level of consciousness", DAY), finding("Oxygen therapy", DAY)]


@pytest.mark.parametrize(
    ("missing", "reasons"),
    [
        ([], []),
        ([number("Serum creatinine", YEAR)], ["no serum creatinine in the last 365 days"]),
        ([number("Serum creatinine", None)], ["no serum creatinine on record"]),
        ([number("Heart rate"), number("SpO2")], ["no heart rate or SpO2 in the last 24 hours"]),
        (VITALS, ["no vital signs in the last 24 hours"]),
        # One of them is there.
        (VITALS[1:], [
            "no respiratory rate, oxygen saturation, systolic blood pressure or body temperature in the last 24 hours",
            "level of consciousness and oxygen therapy not documented in the last 24 hours",
        ]),
        # "No current smoking" and "no oxygen therapy" would be answers.
        ([finding("Current smoking", YEAR)], ["current smoking not documented in the last 365 days"]),
        ([finding("Diabetes mellitus"), finding("Statin")], ["diabetes mellitus and statin not documented"]),
        # What is not there in three years is not there in one.
        ([number("Serum creatinine", YEAR), number("Serum creatinine", 3 * YEAR)],
         ["no serum creatinine in the last 3 years"]),
        # What could not be retrieved is first, and never folded away.
        ([finding("Statin"), unread("Diabetes mellitus")],
         ["diabetes mellitus: the source could not be reached", "statin not documented"]),
        ([finding("Statin"), *(unread(f"Input {n}", f"reason {n}") for n in range(4))],
         [*(f"input {n}: reason {n}" for n in range(4)), "1 more input missing"]),
        ([number("A1"), number("B1", YEAR), number("C1", 2 * YEAR), finding("D1"), finding("E1")],
         ["no A1 in the last 24 hours", "no B1 in the last 365 days", "3 more inputs missing"]),
        ([number(name) for name in ("A1", "B1", "C1", "D1", "E1")], ["no A1, B1, C1 and 2 more in the last 24 hours"]),
    ],
)  # fmt: skip
def test_why_there_is_no_value(missing: list[MissingInput], reasons: list[str]) -> None:
    assert list(missing_reasons(missing)) == reasons


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


def test_a_sentence_begins_with_a_capital() -> None:
    assert sentences(["severe: creatinine", "high: oral", "Stop it"]) == "severe: creatinine. High: oral. Stop it"
    assert sentences([]) == ""

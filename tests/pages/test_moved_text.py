"""What moved a result in one sentence: points by name, usual values without an arrow, no hint of the command line."""

from __future__ import annotations

import pytest

from tests.support.moved_views import views


@pytest.fixture(scope="module")
def sentences() -> dict[tuple[str, str], str]:
    return {(answer.patient, answer.concept.id): moved.short for answer, moved in views()}


@pytest.mark.parametrize(
    ("patient", "concept", "says"),
    [
        # Not "0 → 19 points": nothing rose from 0.
        (
            "sepsis-ward",
            "qsofa",
            "3 points instead of 0 with usual values: level of consciousness +1, respiratory rate +1,"
            " systolic blood pressure +1.",
        ),
        ("healthy", "news2", "The same with usual values."),
        (
            "liver-day-3",
            "support-hospital-mortality-day3",
            "34 % instead of 12 with usual values: total bilirubin 0.7 → 6.78 mg/dL most, PaO2/FiO2 ratio 450 →"
            " 262 mmHg less so, serum albumin 4.2 → 2.3 g/dL less so and 7 more.",
        ),
        # Three digits where the module does not say how many.
        (
            "ckd-progressing",
            "uacr",
            "410 (31 Jan 2026) → 618 mg/g: albumin-creatinine ratio 410 → 618 mg/g alone (+208).",
        ),
    ],
)
def test_sentences(sentences: dict[tuple[str, str], str], patient: str, concept: str, says: str) -> None:
    assert sentences[patient, concept] == says


def test_no_sentence_has_what_only_a_terminal_understands(sentences: dict[tuple[str, str], str]) -> None:
    assert len(sentences) > 50
    for text in sentences.values():
        assert "-v" not in text and " → " not in text.partition(" with usual values")[0] * ("usual values" in text)


def test_the_head_of_the_values_is_then_only_of_an_earlier_time() -> None:
    for _, moved in views():
        assert moved.ends == ("Then → now" if ", compared with " in moved.heading else "Usual → now")


def test_marks_of_the_scale_have_room() -> None:
    """Three marks of "mL/min/1.73 m² a year" would run into each other."""
    for _, moved in views():
        assert all(len(tick.text) <= 9 for tick in moved.ticks)
        assert all(tick.anchor == "start" for tick in moved.ticks if tick.place < 5)
        assert all(tick.anchor == "end" for tick in moved.ticks if tick.place > 95)

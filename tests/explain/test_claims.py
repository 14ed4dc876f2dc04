"""Claims: a caution that is known to hold is in the sentence, with what a reader would ask for next."""

import re

import pytest

from tests.support.charts import Record, condition, creatinine, lab, patient, uacr
from tests.support.supplied_answers import answer_from

AKI, PREGNANT, AMPUTATED = "14669001", "77386006", "161622006"
FIBRILLATION, HYPERTENSION, STROKE = "49436004", "38341003", "230690007"
STABLE = [creatinine(0.9, "2026-05-01T08:00:00Z"), creatinine(0.9, "2026-06-14T08:00:00Z")]
RISEN = [creatinine(0.9, "2026-05-01T08:00:00Z"), creatinine(2.3, "2026-06-15T08:00:00Z")]


def claim(concept: str, *records: Record, birth: str = "1985-03-15", gender: str = "female") -> str:
    return answer_from([patient(birth, gender), *records], concept)[concept].text


@pytest.mark.parametrize(
    ("concept", "records", "end"),
    [
        # 2.3 is 2.6 times 0.9: stage 2 (KDIGO 2012, table 2).
        ("egfr", RISEN, ", unreliable in AKI stage 2 (as of 2026-06-15 08:00 UTC)."),
        # The GFR category rests on the same estimate.
        ("gfr-category", RISEN, ", unreliable in AKI stage 2 (as of 2026-06-15 08:00 UTC); chronicity not shown."),
        ("egfr", [*STABLE, condition(PREGNANT, "2026-01-01")], " (as of 2026-06-14 08:00 UTC); caution: pregnancy."),
        (
            "egfr",
            [*STABLE, condition(AKI, "2026-06-14")],
            " UTC). Caution: acute kidney injury (creatinine not in a steady state).",
        ),
        (
            "egfr",
            [*STABLE, condition(PREGNANT, "2026-01-01"), condition(AKI, "2026-06-14")],
            " UTC). Caution: pregnancy; acute kidney injury (creatinine not in a steady state).",
        ),
        # What is not documented, and could not be excluded, is among the issues.
        ("egfr", STABLE, "mL/min/1.73 m² (as of 2026-06-14 08:00 UTC)."),
        # Nor is it a recorded caution that something is not recorded (qSOFA: no suspected infection).
        ("supplemental-oxygen", [lab("3151-8", 2, "L/min", "2026-06-15T11:00:00Z")], " (as of 2026-06-15 11:00 UTC)."),
    ],
)
def test_a_caution_that_is_known_to_hold_is_in_the_claim(concept: str, records: list[Record], end: str) -> None:
    text = claim(concept, *records)
    assert text.endswith(end), text
    # The time of its records apart; a number with its unit is one word.
    bare = re.sub(r" \(as of [^)]*\)", "", text).replace(" mL/min/1.73 m²", "")
    assert max(len(each.split()) for each in bare.split(". ")) <= 20, bare


def test_at_most_two_cautions_are_named() -> None:
    amputated, pregnant, injured = condition(AMPUTATED), condition(PREGNANT, "2026-01-01"), condition(AKI, "2026-06-14")
    cautions = claim("egfr", *STABLE, amputated, pregnant, injured).split("Caution: ")[1]
    assert cautions.count("; ") == 1 and cautions.endswith(" and 1 more.")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        # KDIGO 2024: A1 below 30, A2 30 to 300, A3 above 300 mg/g.
        (29.9, "A1 (29.9 mg/g)"),
        (30, "A2 (30 mg/g)"),
        (300, "A2 (300 mg/g)"),
        # Rounding to three digits would move these into another category.
        (29.96, "A1 (29.96 mg/g)"),
        (300.4, "A3 (300.4 mg/g)"),
        (618, "A3 (618 mg/g)"),
    ],
)
def test_a_category_shows_the_number_that_decided_it(value: float, words: str) -> None:
    text = claim("albuminuria-category", uacr(value, "2026-06-14T08:00:00Z"))
    assert text.startswith(f"Albuminuria category is {words} (as of "), text


def test_the_value_before_is_shown_where_a_series_is_in_hand() -> None:
    text = claim("gfr-category", creatinine(1.6, "2026-02-01T08:00:00Z"), creatinine(2.0, "2026-06-14T08:00:00Z"))
    # CKD-EPI 2021, a woman of 40.9 (41.2) years: 142 (Scr/0.7)^-1.2 0.9938^age 1.012 = 41.3, and 31.5.
    assert "G3b (31.5 mL/min/1.73 m², was 41.3 on 1 Feb 2026)" in text
    one = claim("gfr-category", creatinine(2.0, "2026-06-14T08:00:00Z"))
    assert "G3b (31.5 mL/min/1.73 m²) (as of" in one
    # Two of one time: neither is before the other.
    same = [creatinine(2.0, "2026-06-14T08:00:00Z", id="a"), creatinine(2.0, "2026-06-14T08:00:00Z", id="b")]
    assert "was" not in claim("gfr-category", *same)


@pytest.mark.parametrize(
    ("conditions", "birth", "words"),
    [
        ((HYPERTENSION, STROKE), "1948-03-15", "age 2, hypertension 1, female 1, stroke 2"),
        ((HYPERTENSION,), "1956-03-15", "age 1, hypertension 1, female 1"),
        ((), "1985-03-15", "female 1"),
    ],
)
def test_a_score_names_the_criteria_that_gave_points(conditions: tuple[str, ...], birth: str, words: str) -> None:
    records = [condition(each) for each in (FIBRILLATION, *conditions)]
    text = claim("cha2ds2-vasc", *records, birth=birth)
    assert f". Points: {words}" in text, text


def test_no_points_are_named_where_none_were_given() -> None:
    at = "2026-06-15T11:00:00Z"
    vitals = [lab("9279-1", 16, "/min", at), lab("8480-6", 120, "mm[Hg]", at)]
    alert: Record = {"valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "248234008"}]}}
    text = claim("qsofa", *vitals, lab("67775-7", None, None, at, **alert))
    assert text.startswith("Quick SOFA is 0 points (as of") and "oints:" not in text and "aution" not in text
    fast = claim("qsofa", lab("9279-1", 22, "/min", at), vitals[1], lab("67775-7", None, None, at, **alert))
    assert fast.startswith("Quick SOFA is 1 point: respiratory rate 1 (as of")

"""The six lines of an answer: series, days, what goes on, and the caution that is known to hold."""

import re

import pytest

from ontology.words.lists import short_list
from server.explain.short_text import answer_lines
from tests.support.charts import Record, condition, creatinine, lab, patient, uacr
from tests.support.supplied_answers import AT, answer_from

FIBRILLATION, HYPERTENSION = "49436004", "38341003"


def lines(concept: str, *records: Record, birth: str = "1948-03-15") -> dict[str, str]:
    """The lines of an answer by their labels; the first by "Head"."""
    answer = answer_from([patient(birth), *records], concept)[concept]
    head, *others = answer_lines(answer, 2000)
    return {"Head": head, **{line.split()[0]: line.split(maxsplit=1)[1] for line in others}}


def test_a_series_shows_its_latest_and_since_when() -> None:
    values = [creatinine(1.6, "2025-11-27T08:00:00Z"), creatinine(3.1, "2026-06-14T08:00:00Z")]
    said = lines("ckd-chronicity", *values)
    assert said["From"].startswith("serum creatinine 3.1 mg/dL (2 values since 27 Nov 2025) · estimated GFR ")
    assert lines("ckd-chronicity", values[1])["From"].startswith("serum creatinine 3.1 mg/dL (1 value of 14 Jun 2026)")


def test_the_value_before_stands_beside_the_latest() -> None:
    values = [creatinine(1.6, "2026-05-27T08:00:00Z"), creatinine(1.7, "2026-06-14T08:00:00Z")]
    assert "serum creatinine 1.7 mg/dL (was 1.6 on 27 May 2026)" in lines("egfr", *values)["From"]
    assert "was" not in lines("egfr", values[1])["From"]


def test_the_latest_of_a_series_is_said_once() -> None:
    ratios = [uacr(325, "2026-01-10T08:00:00Z"), uacr(618, "2026-06-14T08:00:00Z")]
    said = lines("albuminuria-persistence", *ratios)["From"]
    assert said == "urine albumin-creatinine ratio 618 mg/g (2 values since 10 Jan 2026)"


def test_what_goes_on_is_of_its_beginning() -> None:
    recorded = [condition(FIBRILLATION, "2026-05-04"), condition(HYPERTENSION, "2009-01-01")]
    assert lines("cha2ds2-vasc", *recorded)["Records"].startswith("newest 1 Jan 2009 (ongoing), ")
    # A measurement of the very time that is asked for is no such thing.
    now = creatinine(0.9, AT.isoformat())
    assert lines("egfr", now)["Records"].startswith("newest 15 Jun 2026 12:00 UTC (0 minutes)")


def test_a_caution_that_is_known_to_hold_is_in_the_first_line_or_leads_the_others() -> None:
    risen = [creatinine(0.9, "2026-05-01T08:00:00Z"), creatinine(2.3, "2026-06-15T08:00:00Z")]
    assert ", unreliable in AKI stage 2" in lines("egfr", *risen)["Head"]
    pregnant = condition("77386006", "2026-01-01")
    said = lines("egfr", creatinine(0.6, "2026-06-14T08:00:00Z"), pregnant, birth="1995-01-01")
    assert said["Caution"].startswith("pregnancy; dialysis not documented: holds only without it")


def test_a_score_is_not_said_twice() -> None:
    said = lines("cha2ds2-vasc", condition(FIBRILLATION), condition(HYPERTENSION))
    assert "at least 4, up to 9 points" in said["Head"] and "at least" not in said["Means"]


def test_days_are_written_as_people_write_them() -> None:
    assert lines("age")["From"] == "date of birth 15 Mar 1948"
    assert (
        "exact age unknown: only the year of birth, 1951, is recorded; could be 74.4 to 75.4 years"
        in lines("age", birth="1951")["Head"]
    )


def test_a_day_within_an_id_stays_as_it_is() -> None:
    odd = {
        **creatinine(1.9, "2026-06-14T08:00:00Z", id="2026-06-14"),
        "valueQuantity": {"value": 1.9, "unit": "furlong"},
    }
    said = lines("egfr", creatinine(1.4, "2026-06-01T08:00:00Z"), odd)["Caution"]
    assert "Observation/2026-06-14 of 14 Jun 2026" in said


def test_why_a_record_was_not_used_is_in_the_short_form() -> None:
    """A pressure within the left ventricle is no blood pressure of NEWS2."""
    codes = [("http://loinc.org", "8480-6"), ("http://snomed.info/sct", "87878005")]
    ventricle = lab("8480-6", 5, "mm[Hg]", "2026-06-15T11:30:00Z", id="lv")
    ventricle["code"] = {"coding": [{"system": system, "code": code} for system, code in codes]}
    vitals = [lab("9279-1", 16, "/min", "2026-06-15T11:30:00Z"), lab("8480-6", 82, "mm[Hg]", "2026-06-15T11:20:00Z")]
    said = lines("qsofa", *vitals, ventricle)["Caution"]
    assert re.search(r"Observation/lv not used: .*left ventricle", said), said


@pytest.mark.parametrize(
    ("items", "words"),
    [
        (("mitral stenosis: it decides, whatever else there is to say of it", "mitral stenosis, rheumatic or severe"),
         "not documented: mitral stenosis"),
        (("a", "b"), "not documented: a, b"),
    ],
)  # fmt: skip
def test_two_items_that_begin_alike_are_named_once(items: tuple[str, ...], words: str) -> None:
    assert short_list("not documented:", items) == words

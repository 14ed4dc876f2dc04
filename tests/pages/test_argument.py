"""The argument page: what stands where nothing moved it, and what a phone shows first."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.charts import creatinine, patient
from tests.support.page_servers import answer_path, serving_chart


async def test_without_anything_to_compare_with_it_lists_what_it_rests_on() -> None:
    """The claim compares with 0.9: "none of its inputs has a usual value" would read as a failure."""
    async with serving_chart("sepsis-ward") as client:
        text = (await client.get(answer_path("sepsis-ward", "aki-stage"))).text
    section = text.partition('<h2 id="moved">')[2].partition("</section>")[0]
    assert section.startswith("What it is computed from</h2>")
    assert "Serum creatinine 2.3 mg/dL (6 values since 11 Sep 2025)" in section
    assert "to compare with" not in section


async def test_that_a_record_is_read_and_not_computed_is_said_still() -> None:
    async with serving_chart("ckd-progressing") as client:
        text = (await client.get(answer_path("ckd-progressing", "serum-creatinine"))).text
    assert "is read, not computed" in text and "What it is computed from" not in text


async def test_a_range_over_two_years_names_both() -> None:
    async with serving_chart("sepsis-ward") as client:
        text = (await client.get(answer_path("sepsis-ward", "aki-stage", None))).text
    assert "median of 11 Sep 2025 to 19 Feb 2026" in text


async def test_what_moved_it_names_the_latest_of_a_series() -> None:
    """How many values there are, from when to when, is in the table; nothing there goes up or down."""
    async with serving_chart("sepsis-ward") as client:
        text = (await client.get(answer_path("sepsis-ward", "aki-stage", None))).text
    short = text.partition('<p class="short">')[2].partition("</p>")[0]
    assert "serum creatinine over time, latest 1.7 → 2.3 mg/dL (by itself)." in short and "values" not in short
    row = text.partition('<table class="moved">')[2].partition("</table>")[0]
    assert "<td>decides</td>" in row and 'class="down"' not in row


async def test_a_recorded_value_has_no_module_to_state_an_interval() -> None:
    async with serving_chart("ckd-progressing") as client:
        text = (await client.get(answer_path("ckd-progressing", "serum-creatinine"))).text
    assert "A recorded value: no interval is known for it." in text and "The module states" not in text
    assert "Nothing that the record says." in text


async def test_one_value_is_no_course() -> None:
    async with serving_chart("unknown-sex") as client:
        text = (await client.get(answer_path("unknown-sex", "egfr"))).text
    assert "1.3 mg/dL" in text and "1 values" not in text


@pytest.mark.parametrize(
    ("patient", "concept"), [("ckd-progressing", "kidney-failure-risk-5y"), ("sepsis-ward", "news2")]
)
async def test_the_guideline_comes_before_the_history(patient: str, concept: str) -> None:
    async with serving_chart(patient) as client:
        text = (await client.get(answer_path(patient, concept))).text
    places = re.findall(r'<section class="(answer|cautions|guideline|course)\b', text)
    assert places == ["answer", "cautions", "guideline", "course"]


async def test_records_are_counted_as_records() -> None:
    async with serving_chart("ckd-progressing") as client:
        text = (await client.get(answer_path("ckd-progressing", "kidney-failure-risk-5y"))).text
    assert "3 records in ehr" in text


async def test_what_the_laboratory_says_of_a_value_stands_beside_it() -> None:
    flag = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": "H"}]}
    limits = {"low": {"value": 0.5, "unit": "mg/dL"}, "high": {"value": 1.1, "unit": "mg/dL"}}
    more: dict[str, Any] = {"referenceRange": [limits], "interpretation": [flag], "status": "corrected"}
    chart = [patient(), creatinine(1.9, "2026-06-16T08:00:00Z", **more)]
    async with serving_chart(chart) as client:
        text = (await client.get(answer_path("p1", "egfr", None))).text
    table = text.partition('<table class="grounds">')[2].partition("</table>")[0]
    [row] = [each for each in table.split("<tr") if ">Serum creatinine</th>" in each]
    shown = re.sub("<[^>]+>", "", row)
    assert "1.9 mg/dL" in shown and "range 0.5" in shown and "1.1 mg/dL" in shown and "flag " in shown
    assert "status corrected" in shown

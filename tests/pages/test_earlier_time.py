"""What changed since when: since the last finished encounter began, else 90 days, or since the time of the address."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from ontology.evaluation import Interval
from ontology.values import Absent, AbsentReason, Quantity
from server.explain.results import Status
from server.pages.earlier_time import EarlierTime, nearer_time
from tests.support.charts import creatinine
from tests.support.html_pages import Checked
from tests.support.page_servers import ChartServer, answer_path, serving_chart
from tests.support.synthetic_answers import synthetic_answers

PATH = "/patients/ehr/p1?at=2026-06-30T12:00:00Z"
PATIENT = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1962-03-14"}


def encounter(start: str, status: str = "finished", name: str = "e1") -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": name,
        "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": "Patient/p1"},
        "period": {"start": f"{start}T08:00:00Z", **({"end": f"{start}T09:00:00Z"} if status == "finished" else {})},
    }


@pytest.mark.parametrize(
    ("encounters", "since", "why"),
    [
        ([encounter("2026-05-04")], "4 May 2026", "The last finished encounter began then."),
        (
            [encounter("2026-05-04"), encounter("2026-06-01", name="e2")],
            "1 Jun 2026",
            "The last finished encounter began then.",
        ),
        # One that goes on, and one to come, are none to compare with.
        ([encounter("2026-06-29", "in-progress")], "1 Apr 2026", "No finished encounter was found: 90 days before."),
        ([encounter("2026-07-04")], "1 Apr 2026", "No finished encounter was found: 90 days before."),
        ([], "1 Apr 2026", "No finished encounter was found: 90 days before."),
    ],
)
async def test_it_is_the_last_finished_encounter(encounters: list[dict[str, Any]], since: str, why: str) -> None:
    async with serving_chart([PATIENT, *encounters], pages={"questions": ["age"]}) as client:
        text = (await client.get(PATH)).text
    assert f"What changed since {since}</h2>" in text and why in text


async def test_encounters_that_were_not_retrieved_are_not_called_absent() -> None:
    class WithoutEncounters(ChartServer):
        def answer(self, request: httpx.Request) -> httpx.Response:
            if "/Encounter" in request.url.path:
                raise httpx.ConnectError("refused", request=request)
            return super().answer(request)

    async with serving_chart((), WithoutEncounters([PATIENT]), pages={"questions": ["age"]}) as client:
        text = (await client.get(PATH)).text
    assert "Encounters could not be retrieved: 90 days before." in text and "No finished encounter" not in text


async def test_the_time_of_the_address_counts_first() -> None:
    async with serving_chart("ckd-progressing", pages={"questions": ["egfr"]}) as client:
        page = await client.get("/patients/ehr/ckd-progressing?at=2026-06-30T12:00:00Z&since=2025-06-30T12:00:00Z")
    assert "What changed since 30 Jun 2025</h2>" in page.text and "This time was chosen." in page.text
    assert "30 mL/min/1.73 m²" in page.text


@pytest.mark.parametrize("since", ["", "&since=2026-01-01", "&since=2025-06-02"])
async def test_of_the_dead_it_is_a_time_before_the_death(since: str) -> None:
    """After a death every answer is as of it: "the same on 1 Jan 2026" would be said of somebody who lives."""
    chart = [PATIENT | {"deceasedDateTime": "2025-06-01T10:00:00Z"}, encounter("2026-06-01")]
    chart += [creatinine(1.0, "2025-01-10T08:00:00Z"), creatinine(2.0, "2025-05-10T08:00:00Z")]
    async with serving_chart(chart, pages={"questions": ["egfr"]}) as client:
        page = (await client.get(f"{PATH}{since}")).text
        argument = Checked((await client.get(f"/patients/ehr/p1/answer/egfr?at=2026-06-30T12:00:00Z{since}")).text).text
    why = "The patient had died by then: 90 days before that."
    assert "What changed since 3 Mar 2025</h2>" in page and why in page and '<table class="changes">' in page
    assert "What moved it, compared with 3 Mar 2025" in argument and why in argument and "the same on" not in argument


async def test_what_is_measured_for_hours_alone_is_compared_with_the_same_day() -> None:
    """A score of the ward has no result 90 days before, and usual values say nothing of its course."""
    async with serving_chart("sepsis-ward") as client:
        text = (await client.get(answer_path("sepsis-ward", "news2", None))).text
    assert "What moved it, compared with 30 Jun 2026 00:0" in text
    assert "8 (30 Jun 2026 00:0" in text and ") → 19 points: " in text
    assert "instead of 0 with usual values" not in text


async def test_a_time_that_was_chosen_is_kept() -> None:
    async with serving_chart("sepsis-ward") as client:
        text = (await client.get(answer_path("sepsis-ward", "news2"))).text
    assert "Compared with usual values</h2>" in text


def test_the_nearer_time_is_of_another_value_that_is_no_range() -> None:
    now = synthetic_answers()["sepsis-ward", "news2"]
    why = "Within the last day it had another value then."

    def back(hours: int) -> EarlierTime:
        return EarlierTime(now.at - timedelta(hours=hours), why)

    hours = [replace(now, at=now.at - timedelta(hours=each)) for each in (25, 12, 6)]
    assert nearer_time(hours, now) is None
    hours = [replace(each, value=Quantity(Decimal(8), "{score}")) for each in hours]
    assert nearer_time(hours, now) == back(12)
    # Of a model that does without some inputs it is a number, of a score without some a range.
    hours[1] = replace(hours[1], status=Status.PARTIAL)
    assert nearer_time(hours, now) == back(12)
    hours[1] = replace(hours[1], bounds=Interval(Decimal(8), Decimal(11), "{score}", ""))
    assert nearer_time(hours, now) == back(6)
    hours[1] = replace(hours[1], bounds=None, value=Absent(AbsentReason.INPUT_ABSENT))
    assert nearer_time(hours, now) == back(6)
    assert nearer_time([replace(now, value=Quantity(Decimal(8), "{score}"))], now) is None


def test_before_that_the_nearer_time_is_that_of_the_last_other_value() -> None:
    now = synthetic_answers()["ckd-progressing", "egfr"]
    others = [
        replace(now, at=now.at - timedelta(days=days), value=Quantity(Decimal(days), "mL/min/{1.73_m2}"))
        for days in (90, 40)
    ]
    points = [*others, replace(now, at=now.at - timedelta(days=20))]
    assert nearer_time(points, now) == EarlierTime(now.at - timedelta(days=40), "Its last other value was of then.")
    assert nearer_time(points[2:], now) is None


async def test_an_earlier_result_comes_before_usual_values() -> None:
    """Ninety days before there was none; two weeks before there was one."""
    async with serving_chart("amended-results") as client:
        text = Checked((await client.get(answer_path("amended-results", "egfr", None))).text).text
    assert "Its last other value was of then." in text and "with usual values" not in text


async def test_a_page_says_with_which_earlier_time_it_compares() -> None:
    """The value of a visit beside that of its laboratory of the same day would read as a change within the day."""
    async with serving_chart("ckd-progressing") as client:
        text = (await client.get(answer_path("ckd-progressing", "kidney-failure-risk-5y", None))).text
        assert "What moved it, compared with 16 Jun 2026</h2>" in text
        assert "The last finished encounter began then." in text
        # Each end has the day of its record.
        assert '<span class="soft when">24 Mar 2026 → 16 Jun 2026</span>' in text
        text = (await client.get(answer_path("ckd-progressing", "kidney-failure-risk-5y"))).text
        assert "This time was chosen." in text

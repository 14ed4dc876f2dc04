"""A result over time: a point for each change, times of day where the days are the same, and since when it is so."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ontology.values import Coding, Quantity
from server.explain.results import Status
from server.pages.trend import since_words, trend
from tests.support.html_pages import Checked
from tests.support.page_servers import answer_path, serving_chart
from tests.support.synthetic_answers import synthetic_answers

DAY = timedelta(days=1)


async def test_points_of_one_day_have_their_times() -> None:
    """A score that doubled within a morning: "8 points on 30 Jun → 19 points" would not say since when."""
    async with serving_chart("sepsis-ward") as client:
        text = Checked((await client.get(answer_path("sepsis-ward", "news2", None))).text).text
    assert re.search(r"8 points on 30 Jun 2026 00:04 UTC → 19 points", text)
    assert text.count("30 Jun 2026 07:04 UTC") == 1


def test_what_changed_nothing_is_no_point() -> None:
    now = synthetic_answers()["ckd-progressing", "egfr"]
    assert isinstance(now.value, Quantity) and now.effective is not None
    before = replace(now, at=now.at - 90 * DAY, effective=now.effective - 80 * DAY)
    points = [before, replace(before, at=before.at + DAY), replace(before, at=before.at + 2 * DAY), now]
    found = trend(points, now)
    assert found is not None and len(found.points) == 2


def test_without_numbers_there_is_no_course() -> None:
    now = synthetic_answers()["sepsis-ward", "aki-stage"]
    assert trend([now], now) is None


@pytest.mark.parametrize(
    ("patient", "concept", "says"),
    [
        ("sepsis-ward", "aki-stage", "Since 30 Jun 2026 10:30 UTC; before that AKI stage 1."),
        ("ckd-progressing", "gfr-category", "Since 15 Jul 2025; before that G3b."),
        ("ckd-progressing", "aki-episode", "Since 10 Oct 2023 at least."),
        ("dialysis", "egfr", ""),
        # The band of a number likewise.
        (
            "ckd-progressing",
            "kidney-failure-risk-5y",
            "5 % in 5 years or more since 9 Jan 2024; before that 3 to below",
        ),
        (
            "ckd-progressing",
            "egfr",
            "Severely decreased since 15 Jul 2025; before that moderately to severely decreased.",
        ),
        ("sepsis-ward", "news2", "High since 30 Jun 2026 00:04 UTC at least."),
    ],
)
async def test_a_category_says_since_when(patient: str, concept: str, says: str) -> None:
    async with serving_chart(patient) as client:
        text = (await client.get(answer_path(patient, concept, None))).text
    text = text.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert (says in text) and (bool(says) or 'class="when">Since' not in text)


def test_a_number_without_an_earlier_one_says_so() -> None:
    now = synthetic_answers()["healthy", "egfr"]
    assert since_words([now], now) == "No earlier value for comparison in the last 3 years."
    # Where the course could not be computed nothing is said of it.
    assert since_words([], now) == ""


def test_the_same_category_before_and_after_another_began_again() -> None:
    now = synthetic_answers()["ckd-progressing", "gfr-category"]
    other = Coding("https://medtwin.example/codes", "x", "G5")
    points = [replace(now, at=now.at - days * DAY, effective=now.at - days * DAY) for days in (90, 60, 30)]
    points[1] = replace(points[1], value=other)
    assert since_words(points, now) == "Since 31 May 2026; before that G5."


def test_a_range_has_no_band_and_ends_none() -> None:
    """An incomplete score lies in two bands: since when it has been in one is told by the complete ones."""
    now = synthetic_answers()["sepsis-ward", "news2"]
    assert isinstance(now.value, Quantity) and now.interpretation is not None
    low = replace(now.interpretation, code=Coding("https://medtwin.example/codes", "news2-low", "Low"))
    points = [replace(now, at=now.at - days * DAY, effective=now.at - days * DAY) for days in (90, 60, 30)]
    points = [replace(each, value=Quantity(Decimal(9 - at), "{score}")) for at, each in enumerate(points)]
    points[1] = replace(points[1], status=Status.PARTIAL, interpretation=low)
    assert since_words(points, now) == "High since 1 Apr 2026 at least."
    points[0] = replace(points[0], interpretation=low)
    assert since_words(points, now) == "High since 31 May 2026; before that low."

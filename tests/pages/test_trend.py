"""A result over time: a point for each change, times of day where the days are the same, and since when it is so."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from ontology.values import Quantity
from server.pages.trend import trend
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

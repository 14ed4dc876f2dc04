"""What is filled in after the claims: compared with the day that a form chooses, and without the passing of time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest

from tests.support.page_servers import serving_chart

PATH = "/patients/ehr/ckd-progressing"
AT = {"at": "2026-06-30T12:00:00Z"}


async def test_a_form_chooses_the_day_that_is_compared_with() -> None:
    async with serving_chart("ckd-progressing") as client:
        text = (await client.get(PATH, params=AT)).text
        form = re.search(r'<form class="compare" method="get" action="([^"]*)">(.*?)</form>', text, re.DOTALL)
        assert form is not None and form[1] == PATH
        assert 'name="at" value="2026-06-30T12:00:00+00:00"' in form[2]
        assert re.search(r'<input type="date" name="since" value="2026-06-16" max="2026-06-30" required>', form[2])
        text = (await client.get(PATH, params=AT | {"since": "2025-06-30"})).text
    assert "What changed since 30 Jun 2025</h2>" in text and "This time was chosen." in text
    # The choice stays with the links.
    assert "since=2025-06-30T00%3A00%3A00%2B00%3A00" in text


@pytest.mark.parametrize("zone", ["UTC", "America/Chicago", "Asia/Tokyo"])
async def test_a_day_begins_in_the_zone_of_the_site(zone: str) -> None:
    async with serving_chart("ckd-progressing", zone=zone) as client:
        text = (await client.get(PATH, params=AT | {"since": "2025-06-30"})).text
    begin = datetime(2025, 6, 30, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    times = {datetime.fromisoformat(unquote(each)) for each in re.findall(r"since=([^&\"]+)", text)}
    assert times == {begin}


@pytest.mark.parametrize("day", ["2025-02-30", "2025-6-3", "0000-01-01", "2025-06-30T12:00:00"])
async def test_a_day_that_is_none_is_refused(day: str) -> None:
    async with serving_chart("ckd-progressing") as client:
        answer = await client.get(PATH, params=AT | {"since": day})
    assert answer.status_code == 400 and "since" in answer.text


async def test_the_passing_of_time_is_no_change_and_no_course() -> None:
    async with serving_chart("sepsis-ward") as client:
        text = (await client.get("/patients/ehr/sepsis-ward", params=AT)).text
    table = text.partition('<table class="changes">')[2].partition("</table>")[0]
    changed = re.findall(r'<th scope="row"><a [^>]*>([^<]*)</a>', table)
    assert "Age" not in changed and "AKI stage (creatinine)" in changed
    # There was no stay then.
    assert "Days since the inpatient stay began" in changed
    assert "Days since the inpatient stay began over time" not in text and "Estimated GFR over time" in text

"""The patient page: what is said to have changed differs for its reader, and each trend has each change once."""

from __future__ import annotations

import itertools
import re

from tests.support.page_servers import serving_chart

PATH = "/patients/ehr/ckd-progressing?at=2026-06-30T12:00:00Z"


async def test_a_change_is_one_that_can_be_read() -> None:
    """ "64.2 years, now 64.2 years" and "No value, now No value" are none."""
    async with serving_chart("ckd-progressing") as client:
        text = (await client.get(PATH)).text
    table = text.partition('<table class="changes">')[2].partition("</table>")[0]
    cells = [re.findall(r"<td>(.*?)</td>", row) for row in table.split("<tr>")[2:]]
    rows = [[re.sub("<[^>]+>", "", cell) for cell in row] for row in cells]
    assert len(rows) > 4
    assert all(before != now for before, now in rows)
    assert all("between" in before and "between" in now for before, now in rows if "No value" in before + now)


async def test_what_does_not_apply_comes_last_where_no_site_chose_an_order() -> None:
    async with serving_chart("ckd-progressing") as client:
        text = (await client.get(PATH)).text
    kinds = re.findall(r'<li class="question ([a-z-]+)"', text)
    applies = [each != "not-applicable" for each in kinds]
    assert applies == sorted(applies, reverse=True) and set(applies) == {True, False}
    assert "The rest is in no order of importance; what does not apply comes last." in text


async def test_a_course_has_no_row_twice() -> None:
    async with serving_chart("ckd-progressing") as client:
        text = (await client.get(PATH)).text
    tables = re.findall(r'<caption class="hidden">[^<]* over time</caption>(.*?)</table>', text, re.DOTALL)
    # An age goes up by itself.
    assert len(tables) > 4 and "Age over time" not in text
    for table in tables:
        rows = [re.sub("<[^>]+>", " ", row).split() for row in table.split("<tr>")[2:]]
        assert len(rows) >= 2 and all(one != other for one, other in itertools.pairwise(rows))

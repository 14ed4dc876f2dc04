"""Each benchmark runs once in the smallest size, so that none rots.  No time is asserted."""

import pytest

from benchmarks.__main__ import FAMILIES
from benchmarks.measure import TINY

BUDGETED = {
    "cold": 3,
    "transfers": 1,
    "telling": 2,
    "reading": 2,
    "compiling": 3,
    "executing": 2,
    "models": 2,
    "moving": 1,
    "tokens": 0,
    "waiting": 6,
    "pages": 5,
    "hooks": 3,
    "starting": 2,
    "growing": 0,
}


@pytest.mark.parametrize("name", FAMILIES)
async def test_benchmark_still_measures_what_it_says(name: str) -> None:
    part = await FAMILIES[name](TINY)
    assert sum(row.budget is not None for row in part.rows) == BUDGETED[name]
    assert all(row.measured.middle > 0 for row in part.rows if row.budget is not None)
    assert all(table.lines for table in part.tables)
    assert bool(part.rows) or bool(part.tables)

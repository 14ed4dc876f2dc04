"""When an answer is PARTIAL: where an absent input could change it, or lift what qualifies it."""

import pytest

from server.explain.explain import explain
from server.explain.results import Status
from tests.support.asking import asking
from tests.support.charts import answer, creatinine, lab, patient

WHEN = "2026-06-30T11:30:00+00:00"
SCT = "http://snomed.info/sct"
VITALS = [
    patient(),
    lab("9279-1", 18, "/min", WHEN),
    lab("59408-5", 97, "%", WHEN),
    lab("8480-6", 120, "mm[Hg]", WHEN),
    lab("8867-4", 80, "/min", WHEN),
    lab("8310-5", 37.0, "Cel", WHEN),
    answer("67775-7", (SCT, "248234008"), WHEN),
]
AIR = lab("3150-0", 21, "%", WHEN)
EGFR = [patient(), creatinine(1.4, "2026-06-01T08:00:00+00:00")]


@pytest.mark.parametrize(
    ("name", "chart", "of", "status"),
    [
        ("oxygen settled by air alone", [*VITALS, AIR], "supplemental-oxygen", Status.COMPLETE),
        ("no recorded decision for scale 2 is scale 1", [*VITALS, AIR], "news2", Status.COMPLETE),
        ("undocumented oxygen is missing", VITALS, "news2", Status.INSUFFICIENT),
        ("a category qualified by what is not shown", EGFR, "gfr-category", Status.PARTIAL),
        ("an equation with its inputs", EGFR, "egfr", Status.COMPLETE),
    ],
)
async def test_status(name: str, chart: list[dict[str, object]], of: str, status: Status) -> None:
    async with asking() as ask:
        result = explain(await ask(chart, of))[0]
    assert result.status is status, f"{name}: {result.text}"


async def test_what_could_not_be_used_dates_nothing() -> None:
    old_air = lab("3150-0", 21, "%", "2026-06-29T14:00:00+00:00")
    async with asking() as ask:
        result = explain(await ask([*VITALS, old_air, lab("3151-8", 2, "L/min", WHEN)], "news2"))[0]
    assert result.grounds_from is not None and result.grounds_from.isoformat() == WHEN

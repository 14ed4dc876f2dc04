"""The page of a record: in words and as it is, each ground leads to it, and nobody else's is shown."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.support.fake_fhir_servers import BASE
from tests.support.html_pages import Checked
from tests.support.page_servers import AT, ChartServer, answer_path, serving_chart
from tests.support.synthetic_answers import synthetic_charts

RECORD = f"{BASE}/Observation/ckd-progressing-creatinine-13"
PATH = "/patients/ehr/ckd-progressing/record"


async def test_every_ground_leads_to_its_record() -> None:
    async with serving_chart("ckd-progressing") as client:
        page = await client.get(answer_path("ckd-progressing", "egfr"))
        links = {unescape(each) for each in re.findall(r'href="([^"]*/record\?[^"]*)"', page.text)}
        assert any("creatinine-13%2F_history%2F1" in each for each in links)
        for link in sorted(links)[:6]:
            assert (await client.get(link)).status_code == 200, link


async def test_a_record_is_told_in_words_and_as_it_is() -> None:
    async with serving_chart("ckd-progressing") as client:
        answer = await client.get(PATH, params={"url": f"{RECORD}/_history/1", "of": "egfr", "at": AT})
    text = Checked(answer.text).text
    for part in ("Observation ckd-progressing-creatinine-13", "Version 1", "value quantity2.27 mg/dL", "statusfinal"):
        assert part in text, part
    assert '"value": 2.27' in text and "fhir:Observation.valueQuantity" in text
    assert "/answer/egfr?at=" in answer.text


@pytest.mark.parametrize(
    ("url", "status"),
    [
        (f"{BASE}/Observation/healthy-creatinine-1/_history/1", 403),
        (f"{BASE}/Patient/healthy/_history/1", 403),
        (f"{RECORD}/_history/9", 404),
        (f"{BASE}/Observation/nothing", 404),
        ("https://elsewhere.example/fhir/Observation/x", 404),
        ("file:///etc/passwd", 404),
        ("javascript:alert(1)", 404),
        (f"{BASE}/../admin", 400),
        ("", 404),
    ],
)
async def test_what_is_not_the_patients_is_not_shown(url: str, status: int) -> None:
    charts = synthetic_charts()
    fhir = ChartServer((*charts["ckd-progressing"], *charts["healthy"]))
    async with serving_chart((), fhir) as client:
        answer = await client.get(PATH, params={"url": url})
    assert answer.status_code == status
    assert "script" not in {name for name, _ in Checked(answer.text).tags}
    assert "healthy" not in answer.text and "passwd" not in answer.text

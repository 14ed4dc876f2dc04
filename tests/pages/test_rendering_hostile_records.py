"""What a record says is text: markup, scripts, signs that turn the direction of writing, and 10,000 characters."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.support.html_pages import Checked
from tests.support.page_servers import answer_path, serving_chart
from tests.support.synthetic_answers import synthetic_charts

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
TURNED = "\N{RIGHT-TO-LEFT OVERRIDE}3.2\N{LEFT-TO-RIGHT ISOLATE}\N{HEBREW LETTER ALEF}"
LONG = "x" * 10_000
TEXTS = {"markup": MARKUP, "turned": TURNED, "long": LONG, "brackets": "]]>--><!--"}
PATHS = ["/patients/ehr/copd-scale-2?at=2026-06-30T12:00:00Z", answer_path("copd-scale-2", "news2")]


def bent(text: str) -> list[dict[str, Any]]:
    """A chart in which every text that a record may hold is this one."""
    records = copy.deepcopy([dict(each) for each in synthetic_charts()["copd-scale-2"]])
    for record in records:
        if record["resourceType"] == "Patient":
            record["name"] = [{"family": text, "given": [text]}]
            record["identifier"] = [
                {
                    "type": {
                        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}],
                        "text": text,
                    },
                    "value": text,
                }
            ]
        if "code" in record:
            record["code"]["text"] = text
            for coding in record["code"].get("coding", ()):
                coding["display"] = text
        if record["resourceType"] == "Observation":
            record["interpretation"] = [{"text": text}]
            record["referenceRange"] = [{"text": text}]
    return records


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", TEXTS)
async def test_what_a_record_says_is_harmless(kind: str, path: str) -> None:
    async with serving_chart(bent(TEXTS[kind])) as client:
        page = await client.get(path)
    assert page.status_code == 200
    # Tags close in order, so nothing of the record was one.
    tags = Checked(page.text).tags
    assert [given.get("src") for name, given in tags if name == "script"] == ["/pages/page.js"]
    assert [name for name, _ in tags if name == "img"] == []
    assert [key for _, given in tags for key in given if key == "style" or key.startswith("on")] == []
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in page.text.replace("<bdi", "").partition("<main")[0]
    assert "x" * 2_100 not in page.text


async def test_a_name_is_isolated_and_in_no_title() -> None:
    async with serving_chart("ckd-progressing") as client:
        pages = [
            await client.get("/patients/ehr/ckd-progressing?at=2026-06-30T12:00:00Z"),
            await client.get(answer_path("ckd-progressing", "egfr")),
        ]
    for page in pages:
        assert "<bdi>Ada Example</bdi>" in page.text
        title = page.text.partition("<title>")[2].partition("</title>")[0]
        assert title and "Ada" not in title and "Example" not in title and "ckd-progressing" not in title

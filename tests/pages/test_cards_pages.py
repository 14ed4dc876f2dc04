"""Cards as pages: the same card as elsewhere, escaped, readable without a script, under a strict policy."""

import logging
import re
from dataclasses import replace
from html import unescape

import pytest

from server.catalog.cards import Metric
from server.explain.card import card_of, metric_tables, modules_with_card
from server.pages.cards import render_listing, render_page
from tests.support.engine_questions import shipped
from tests.support.fake_fhir_servers import FakeFhir
from tests.support.html_pages import Checked
from tests.support.served_application import serving

HOSPITAL = "support-hospital-mortality-day3"


async def test_the_list_leads_to_every_card_and_each_tells_all() -> None:
    async with serving(FakeFhir(())) as client:
        index = await client.get("/modules")
        links = re.findall(r'href="(/modules/[^"]+)"', index.text)
        assert links == [f"/modules/{each.id}/card" for each in modules_with_card(shipped())]
        assert len(links) == 8
        for link in links:
            answer = await client.get(link)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
            told = Checked(answer.text).text
            card, modules = card_of(shipped(), link.split("/")[2])
            for text in [each.title for each in modules] + [g.title for g in card.groups]:
                assert text in told
            for attribute in (each for group in card.groups for each in group.attributes):
                assert attribute.text in told and attribute.paragraph in told
            assert all(cell in told for table in metric_tables(card.metrics) for row in table.rows for cell in row)


async def test_a_page_runs_and_loads_nothing() -> None:
    async with serving(FakeFhir(())) as client:
        answers = [await client.get(path) for path in ("/modules", f"/modules/{HOSPITAL}/card")]
        others = [await client.get(path) for path in ("/health", "/modulesx")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self';") and "unsafe" not in policy
        tags = Checked(answer.text).tags
        assert {name for name, _ in tags} & {"script", "style", "img", "iframe", "form", "object"} == set()
        assert [given["href"] for name, given in tags if name == "link"] == ["/pages/page.css"]
        assert [key for _, given in tags for key in given if key == "style" or key.startswith("on")] == []
        assert answer.headers["cache-control"] == "no-store"
    assert all("style-src" not in each.headers["content-security-policy"] for each in others)


async def test_a_page_can_be_read_by_other_means_than_eyes() -> None:
    async with serving(FakeFhir(())) as client:
        text = (await client.get(f"/modules/{HOSPITAL}/card")).text
    tags = Checked(text).tags
    names = [name for name, _ in tags]
    assert ("html", {"lang": "en"}) in tags and names.count("h1") == 1 and names.count("main") == 1
    assert names.count("caption") == names.count("table") == 3
    assert all(given.get("scope") in ("row", "col") for name, given in tags if name == "th")
    drawing = next(given for name, given in tags if name == "svg")
    assert drawing["role"] == "img"
    ids = {given["id"] for _, given in tags if "id" in given}
    assert set(str(drawing["aria-labelledby"]).split()) <= ids
    assert names.count("polyline") == 3 and "gradient boosting" not in text and "logistic" in text


@pytest.mark.parametrize(
    ("module_id", "code"),
    [("age", "no-card"), ("aeg", "unknown-module"), ("%3Cscript%3Ealert(1)", "unknown-module")],
)
async def test_a_card_that_there_is_not_is_a_typed_404(module_id: str, code: str) -> None:
    async with serving(FakeFhir(())) as client:
        answer = await client.get(f"/modules/{module_id}/card")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == code
    assert "script" not in answer.text and HOSPITAL in answer.text


async def test_other_methods_are_refused_and_the_log_names_no_module(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="medtwin.access")
    async with serving(FakeFhir(())) as client:
        assert (await client.post(f"/modules/{HOSPITAL}/card")).status_code == 405
        await client.get("/modules/p1-secret/card")
    assert [line.getMessage().split(" ")[:3] for line in caplog.records if line.name == "medtwin.access"] == [
        ["POST", "/modules", "405"], ["GET", "/modules", "404"],
    ]  # fmt: skip


def test_whatever_a_description_says_is_text() -> None:
    """Cards are written by whoever writes modules."""
    nasty = '<img src=x onerror="alert(1)">&amp;\'"'
    card, [module] = card_of(shipped(), HOSPITAL)
    first = card.groups[0]
    attribute = replace(first.attributes[0], text=nasty, label=nasty, paragraph=nasty)
    metrics = [
        replace(each, subgroup=each.subgroup and nasty, candidate=each.candidate and nasty, method=nasty)
        for each in card.metrics
    ]
    metrics.append(Metric(nasty, card.metrics[0].value, nasty))
    bad = replace(card, groups=(replace(first, title=nasty, attributes=(attribute,)),), metrics=tuple(metrics))
    assert module.model is not None
    made = replace(
        module, id=nasty, title=nasty, version=nasty, intended_use=nasty, model=replace(module.model, calibration=nasty)
    )
    for text in (render_page(bad, [made]), render_listing([made])):
        assert {name for name, _ in Checked(text).tags} & {"img"} == set()
        assert "<img" not in text and nasty in unescape(text)

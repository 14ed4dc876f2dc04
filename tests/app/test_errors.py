"""What breaks under a path of pages is a page in words, elsewhere it stays JSON: an id, and nothing of a patient."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.executor.engine import Engine
from tests.support.fake_fhir_servers import FakeFhir
from tests.support.html_pages import Checked
from tests.support.launching_ehr import LaunchedSite, LaunchingEhr, launched_site
from tests.support.page_servers import answer_path, serving_chart
from tests.support.served_application import serving
from tests.support.token_issuer import Clock

PATIENT = "/patients/ehr/ckd-progressing?at=2026-06-30T12:00:00Z"
BROKEN = {
    "/": ("server.pages.routes.page", "/", "Open a patient"),
    PATIENT: ("server.pages.routes.ask_questions", "/", "Open a patient"),
    answer_path("ckd-progressing", "egfr"): ("server.pages.routes.argue", "/", "Open a patient"),
    "/modules": ("server.pages.cards.page", "/modules", "All cards"),
    "/modules/hba1c-defined-diabetes/card": ("server.pages.cards.page", "/modules", "All cards"),
}


def breaks(*_: Any, **__: Any) -> Any:
    raise RuntimeError("Ada Example, 14-Mar-1962")


@pytest.mark.parametrize("path", BROKEN)
async def test_a_page_that_breaks_says_so_in_words(
    path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="medtwin")
    broken, address, way = BROKEN[path]
    monkeypatch.setattr(broken, breaks)
    async with serving_chart("ckd-progressing") as client:
        answer = await client.get(path)
    assert answer.status_code == 500 and answer.headers["content-type"].startswith("text/html")
    page = Checked(answer.text)
    assert "A fault of this server, not of the record." in page.text
    assert "this page says nothing about the patient" in page.text
    found = re.search(r"Tell your administrator: id ([0-9a-f]{12})\.", page.text)
    assert found is not None and f"internal error {found[1]}: RuntimeError" in caplog.text
    assert ("a", {"href": address}) in page.tags and way in page.text
    assert "script" not in {name for name, _ in page.tags}
    assert not any(secret in answer.text + caplog.text for secret in ("Ada", "1962", "ckd-progressing"))
    # As every answer: kept by nobody, under the policy of pages, and a line in the log.
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'; style-src 'self'; base-uri" in answer.headers["content-security-policy"]
    assert any(re.search(r"GET \S+ 500 ", line.getMessage()) for line in caplog.records)


async def test_what_breaks_after_the_claims_is_said_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.pages.patient_changes.earlier_time", breaks)
    async with serving_chart("ckd-progressing", pages={"questions": ["egfr"]}) as client:
        answer = await client.get(PATIENT)
    text = Checked(answer.text).text
    assert "23 mL/min/1.73 m²" in text and "What changed could not be computed: a fault of this server." in text
    assert re.search(r"id [0-9a-f]{12}\.", text) and "1962" not in text.split("What changed")[1]


@pytest.mark.parametrize("path", ["/health", "/graphql"])
async def test_other_paths_keep_json(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "source_status", breaks)
    monkeypatch.setattr("server.graphql.endpoint.GraphQL.__call__", breaks)
    async with serving(FakeFhir(())) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (500, "internal")
    assert answer.headers["cache-control"] == "no-store" and "Ada" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/patients/ehr/ckd-progressing/nothing", 404, "There is nothing at this address."),
        ("POST", "/modules", 405, "This address is only to be opened and read."),
    ],
)
async def test_there_is_a_page_where_there_is_none(method: str, path: str, status: int, text: str) -> None:
    async with serving_chart("ckd-progressing") as client:
        answer = await client.request(method, path)
    page = Checked(answer.text)
    assert answer.status_code == status and text in page.text and "ckd" not in answer.text
    assert status == 404 or set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_where_no_pages_are_open_a_path_is_not_told_from_others() -> None:
    async with serving(FakeFhir(()), server={"public_url": "https://us.example"}) as client:
        for path in ("/", "/patients/ehr/p1", "/app/x"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (404, "http-404")


@pytest.fixture
async def ehr() -> AsyncIterator[LaunchingEhr]:
    async with LaunchingEhr.listening(Clock()) as listening:
        yield listening


@pytest.fixture
async def site(ehr: LaunchingEhr) -> AsyncIterator[LaunchedSite]:
    async with launched_site(ehr.clock, ehr.source()) as served:
        yield served


@pytest.mark.parametrize("part", ["", "/answer/egfr"])
async def test_a_chart_that_breaks_leads_back_to_it(
    ehr: LaunchingEhr, site: LaunchedSite, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    browser = site.browser()
    url = await site.open(browser, ehr)
    monkeypatch.setattr("server.pages.routes.evaluation_moment", breaks)
    answer = await browser.get(url + part)
    page = Checked(answer.text)
    assert answer.status_code == 500 and "A fault of this server" in page.text
    assert ("a", {"href": "/app/" + url.split("/app/")[1].split("/")[0].split("?")[0]}) in page.tags
    assert "open medtwin again from the chart in the EHR" in page.text
    assert "script" not in {name for name, _ in page.tags} and "Ada" not in answer.text


async def test_a_launch_that_breaks_says_so(site: LaunchedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.launch.launches.Launches.begin", breaks)
    answer = await site.browser().get(f"{site.url}/launch?iss=https://ehr.example")
    text = Checked(answer.text).text
    assert answer.status_code == 500 and "A fault of this server. Nothing was opened." in text
    assert re.search(r"tell your administrator: id [0-9a-f]{12}\.", text) and "Ada" not in answer.text


async def test_a_launch_that_was_posted_leads_to_no_page_that_is_not_there(site: LaunchedSite) -> None:
    browser = site.browser()
    answer = await browser.post(f"{site.url}/launch")
    assert answer.status_code == 405
    [back] = [
        str(each["href"]) for name, each in Checked(answer.text).tags if name == "a" and "#" not in str(each["href"])
    ]
    assert "Choose a patient of ehr" in (await browser.get(site.url + back)).text


@pytest.mark.parametrize(("accept", "kind"), [("text/html,*/*", "text/html"), ("*/*", "application/json")])
async def test_a_card_that_there_is_not_is_a_page_for_a_browser(accept: str, kind: str) -> None:
    async with serving(FakeFhir(())) as client:
        answer = await client.get("/modules/egfrr/card", headers={"Accept": accept})
    assert answer.status_code == 404 and answer.headers["content-type"].startswith(kind)

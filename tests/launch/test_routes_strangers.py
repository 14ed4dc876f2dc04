"""What a server that EHRs launch answers to those whom it does not know: it checks no tokens, and has no issuers."""

import json
from typing import Any

import httpx
import pytest

from tests.support.charts import patient
from tests.support.fake_fhir_servers import FakeFhir
from tests.support.launching_ehr import LaunchedSite, LaunchingEhr, launched_site
from tests.support.page_servers import ChartServer
from tests.support.token_issuer import Clock

QUESTION = {"query": '{ patient(id: "p1", source: "ehr") { banner { gender } } }'}
KNOWLEDGE = {"query": "{ modules { id } }"}


class Guarded(ChartServer):
    """Knows one token."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        found = super().answer(request)
        is_open = request.url.path.endswith("/metadata") or request.headers.get("authorization") == "Bearer good"
        return found if is_open else httpx.Response(401)


async def ask(site: LaunchedSite, body: dict[str, Any], **headers: str) -> httpx.Response:
    return await site.client.post(f"{site.url}/graphql", json=body, headers=headers)


@pytest.mark.parametrize("body", [QUESTION, KNOWLEDGE])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic dTpw"}, {"Cookie": "{cookie}"}])
async def test_whoever_brings_no_token_is_refused_before_anything_is_fetched(
    clock: Clock, body: dict[str, Any], headers: dict[str, str]
) -> None:
    """A cookie of a chart opens the chart's pages alone."""
    fhir = FakeFhir([patient(id="p1")])
    async with LaunchingEhr.listening(clock) as ehr, launched_site(clock, ehr.source(), fhir=fhir) as site:
        browser = site.browser()
        await site.open(browser, ehr)
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        before = len(fhir.requests)
        answer = await ask(site, body, **{name: text.format(cookie=cookie) for name, text in headers.items()})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert answer.json()["errors"][0]["extensions"]["code"] == "token-required"
        assert len(fhir.requests) == before


async def test_a_token_that_nobody_checked_goes_to_the_source_which_decides(ehr: LaunchingEhr, clock: Clock) -> None:
    fhir = Guarded([patient(id="p1")])
    async with launched_site(clock, ehr.source(), fhir=fhir) as site:
        for token, found in (("forged", False), ("good", True)):
            answer = await ask(site, QUESTION, Authorization=f"Bearer {token}")
            assert ("female" in answer.text) is found, answer.text
            sent = [each for each in fhir.requests if "authorization" in each.headers]
            assert {each.headers["authorization"] for each in sent} == {f"Bearer {token}"}
            fhir.requests.clear()


async def test_a_stranger_learns_of_its_health_the_status_alone(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    for path in ("/health", "/ready"):
        answer = await site.client.get(site.url + path, headers={"Authorization": "Bearer forged"})
        assert set(json.loads(answer.text)) == {"status"}


@pytest.mark.parametrize("path", ["/", "/patients", "/patients/ehr/p1", "/patients/ehr/p1/answer/egfr"])
async def test_the_pages_are_opened_by_a_launch_alone(ehr: LaunchingEhr, site: LaunchedSite, path: str) -> None:
    browser = site.browser()
    await site.open(browser, ehr)
    assert (await browser.get(site.url + path)).status_code == 404

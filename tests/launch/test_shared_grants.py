"""Charts of one person whose tokens are of one grant: none ends with another, and all tokens are given back."""

import asyncio
from typing import Any

import pytest

from server.launch import shared_grants
from tests.support.ended_charts import given_back, shared_cache, sweep, taking_nothing
from tests.support.launching_ehr import Browser, LaunchedSite, LaunchingEhr, launched_site
from tests.support.token_issuer import Clock

MINUTE = 60


@pytest.fixture(autouse=True)
def _one_grant(ehr: LaunchingEhr) -> None:
    ehr.one_grant = True


async def log_out(site: LaunchedSite, browser: Browser, url: str) -> None:
    assert (await browser.post(f"{url}/logout", Origin=site.url)).status_code == 200


async def require_refresh(site: LaunchedSite, ehr: LaunchingEhr, browser: Browser, url: str) -> None:
    """The chart goes on after its access token has expired."""
    before = len(ehr.asked)
    site.clock.passed += 301
    page = await browser.get(url)
    assert page.status_code == 200, page.text
    assert len(ehr.asked) == before + 1


async def test_a_logout_ends_no_other_chart_and_the_last_one_gives_all_tokens_back(
    ehr: LaunchingEhr, site: LaunchedSite
) -> None:
    browser, elsewhere = site.browser(), site.browser()
    urls = [await site.open(browser, ehr), await site.open(browser, ehr)]
    third = await site.open(elsewhere, ehr)
    await log_out(site, browser, urls[0])
    assert given_back(ehr) == ["access-1"]
    await require_refresh(site, ehr, browser, urls[1])
    await log_out(site, browser, urls[1])
    assert sorted(given_back(ehr)) == ["access-1", "access-4"]
    await require_refresh(site, ehr, elsewhere, third)
    await log_out(site, elsewhere, third)
    assert sorted(given_back(ehr)) == ["access-1", "access-4", "access-5", "refresh-1", "refresh-4", "refresh-5"]
    assert (await browser.get(urls[0])).status_code == 401


async def test_a_chart_that_is_over_for_want_of_use_ends_no_chart_that_is_used(
    ehr: LaunchingEhr, site: LaunchedSite
) -> None:
    browser = site.browser()
    await site.open(browser, ehr)
    used = await site.open(browser, ehr)
    site.clock.passed += 20 * MINUTE
    assert (await browser.get(used)).status_code == 200
    site.clock.passed += 10 * MINUTE
    await sweep(site)
    assert given_back(ehr) == []
    await require_refresh(site, ehr, browser, used)
    site.clock.passed += 30 * MINUTE
    await sweep(site)
    assert sorted(given_back(ehr)) == ["refresh-1", "refresh-4"], "the access tokens have expired by themselves"


@pytest.mark.parametrize(
    ("claims", "answer"),
    [({"sub": "dr-2"}, {}), ({}, {"id_token": None, "scope": "launch patient/*.rs"})],
    ids=["of another person", "of whom nobody knows"],
)
async def test_tokens_wait_for_charts_of_the_same_person_alone(
    ehr: LaunchingEhr, site: LaunchedSite, claims: dict[str, Any], answer: dict[str, Any]
) -> None:
    ehr.claims = claims
    browser, other = site.browser(), site.browser()
    url = await site.open(browser, ehr, **answer)
    ehr.claims = {}
    await site.open(other, ehr)
    await log_out(site, browser, url)
    assert sorted(given_back(ehr)) == ["access-1", "refresh-1"]


async def test_the_same_person_at_another_ehr_is_another_one(ehr: LaunchingEhr, clock: Clock) -> None:
    async with (
        LaunchingEhr.listening(clock) as second,
        launched_site(clock, ehr.source(), second.source("other")) as site,
    ):
        browser = site.browser()
        url = await site.open(browser, ehr)
        await site.open(browser, second)
        await log_out(site, browser, url)
        assert sorted(given_back(ehr)) == ["access-1", "refresh-1"]


async def test_charts_of_other_processes_count_too(ehr: LaunchingEhr, clock: Clock) -> None:
    async with (
        shared_cache() as (_, cache),
        launched_site(clock, ehr.source(), cache=cache) as one,
        launched_site(clock, ehr.source(), cache=cache) as two,
    ):
        browser, other = one.browser(), two.browser()
        first, second = await one.open(browser, ehr), await two.open(other, ehr)
        await log_out(one, browser, first)
        assert given_back(ehr) == ["access-1"]
        await require_refresh(two, ehr, other, second)
        await log_out(two, other, second)
        assert sorted(given_back(ehr)) == ["access-1", "access-3", "refresh-1", "refresh-3"]


async def test_what_makes_room_ends_no_other_chart(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    browser = site.browser()
    urls = [await site.open(browser, ehr) for _ in range(21)]
    assert len(browser.cookies) == 20
    await require_refresh(site, ehr, browser, urls[20])


async def test_a_launch_that_is_refused_ends_no_chart(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    browser = site.browser()
    url = await site.open(browser, ehr)
    ehr.answer = {"patient": None}
    refused = await site.launch(browser, ehr)
    assert refused.status_code == 403 and "named no patient" in refused.text
    assert given_back(ehr) == ["access-2"]
    ehr.answer = {}
    await require_refresh(site, ehr, browser, url)
    await log_out(site, browser, url)
    assert sorted(given_back(ehr)) == ["access-2", "access-3", "refresh-2", "refresh-3"]


async def test_a_chart_whose_access_the_ehr_ends_ends_no_other(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    browser = site.browser()
    url, other = await site.open(browser, ehr), await site.open(browser, ehr)
    site.clock.passed += 280
    ehr.answer = {"patient": "p3"}
    assert (await browser.get(url)).status_code == 403
    ehr.answer = {}
    assert sorted(given_back(ehr)) == ["access-1", "access-3"]
    await require_refresh(site, ehr, browser, other)


async def test_a_token_that_two_charts_hold_is_given_back_with_the_last(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    """An authorisation server may answer the second launch with the tokens of the first."""
    browser = site.browser()
    same = {"access_token": "a-token", "refresh_token": "r-token"}
    url, other = await site.open(browser, ehr, **same), await site.open(browser, ehr, **same)
    await log_out(site, browser, url)
    assert given_back(ehr) == []
    assert (await browser.get(other)).status_code == 200
    await log_out(site, browser, other)
    assert sorted(given_back(ehr)) == ["a-token", "r-token"]


async def test_tokens_that_wait_are_given_back_after_a_restart(ehr: LaunchingEhr, clock: Clock) -> None:
    async with shared_cache() as (_, cache):
        async with launched_site(clock, ehr.source(), cache=cache) as site:
            browser = site.browser()
            url, other = await site.open(browser, ehr), await site.open(browser, ehr)
            await log_out(site, browser, url)
        async with launched_site(clock, ehr.source(), cache=cache) as again:
            restarted = again.browser()
            restarted.cookies = browser.cookies
            await log_out(again, restarted, other.replace(site.url, again.url))
            assert sorted(given_back(ehr)) == ["access-1", "access-2", "refresh-1", "refresh-2"]


async def test_tokens_that_wait_are_given_back_when_the_server_stops(ehr: LaunchingEhr, clock: Clock) -> None:
    async with launched_site(clock, ehr.source()) as site:
        browser = site.browser()
        url = await site.open(browser, ehr)
        await site.open(browser, ehr)
        await site.open(browser, ehr)
        await log_out(site, browser, url)
    assert sorted(given_back(ehr)) == [f"{kind}-{number}" for kind in ("access", "refresh") for number in (1, 2, 3)]


async def test_what_cannot_wait_is_given_back_at_once(ehr: LaunchingEhr, clock: Clock) -> None:
    """A cache that takes nothing keeps no token to be given back later."""
    async with shared_cache() as (server, cache), launched_site(clock, ehr.source(), cache=cache) as site:
        browser = site.browser()
        url = await site.open(browser, ehr)
        await site.open(browser, ehr)
        async with taking_nothing(server):
            assert (await browser.post(f"{url}/logout", Origin=site.url)).status_code == 503
        assert sorted(given_back(ehr)) == ["access-1", "refresh-1"]


async def test_no_more_tokens_wait_than_the_limit(
    ehr: LaunchingEhr, site: LaunchedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_grants, "MOST_WAITING", 2)
    browser = site.browser()
    urls = [await site.open(browser, ehr) for _ in range(4)]
    for url in urls[:3]:
        await log_out(site, browser, url)
    assert sorted(given_back(ehr)) == ["access-1", "access-2", "access-3", "refresh-1"]


async def test_of_two_logouts_at_once_the_last_gives_all_tokens_back(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    browser = site.browser()
    urls = [await site.open(browser, ehr) for _ in range(6)]
    held = "; ".join(map("=".join, browser.cookies.items()))
    await asyncio.gather(*(site.browser().post(f"{url}/logout", cookies=held, Origin=site.url) for url in urls))
    assert sorted(given_back(ehr)) == sorted(f"{kind}-{n}" for kind in ("access", "refresh") for n in range(1, 7))

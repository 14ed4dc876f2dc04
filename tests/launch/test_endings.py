"""How charts end, and that their tokens are given back on each way: no token outlives its session unnoticed."""

import asyncio
from typing import Any

import pytest

from server.launch import endings
from tests.support.ended_charts import given_back, shared_cache, sweep, taking_nothing
from tests.support.launching_ehr import LaunchedSite, LaunchingEhr, launched_site, state_of
from tests.support.token_issuer import Clock

MINUTE, HOUR = 60, 3600


@pytest.mark.parametrize(
    ("passed", "tokens"),
    [(30 * MINUTE - 1, []), (30 * MINUTE, ["refresh-1"]), (4 * MINUTE, [])],
    ids=["open still", "idle", "used a while ago"],
)
async def test_what_nobody_closes_is_given_back_when_its_time_is_over(
    ehr: LaunchingEhr, site: LaunchedSite, passed: int, tokens: list[str]
) -> None:
    """The access token has expired by itself."""
    browser = site.browser()
    url = await site.open(browser, ehr)
    site.clock.passed += passed
    await sweep(site)
    assert given_back(ehr) == tokens
    assert (await browser.get(url)).status_code == (401 if tokens else 200)
    await sweep(site)
    assert given_back(ehr) == tokens, "once"


async def test_after_eight_hours_the_token_of_the_last_refresh_is_given_back(
    ehr: LaunchingEhr, site: LaunchedSite
) -> None:
    browser = site.browser()
    url = await site.open(browser, ehr)
    for _ in range(16):
        site.clock.passed += 29 * MINUTE
        assert (await browser.get(url)).status_code == 200
        await sweep(site)
    assert ehr.revoked == []
    site.clock.passed += 16 * MINUTE
    await sweep(site)
    assert given_back(ehr) == ["refresh-17"]


async def test_a_sweep_runs_by_itself(ehr: LaunchingEhr, site: LaunchedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endings, "SWEEP_SECONDS", 0.05)
    await site.open(site.browser(), ehr)
    site.clock.passed += 30 * MINUTE
    async with asyncio.timeout(10):
        while not ehr.revoked:  # noqa: ASYNC110 - seen over HTTP alone
            await asyncio.sleep(0.02)
    assert given_back(ehr) == ["refresh-1"]


async def test_what_another_process_uses_stays_open_and_ends_once(ehr: LaunchingEhr, clock: Clock) -> None:
    async with (
        shared_cache() as (_, cache),
        launched_site(clock, ehr.source(), cache=cache) as one,
        launched_site(clock, ehr.source(), cache=cache) as two,
    ):
        browser, other = one.browser(), two.browser()
        url = await one.open(browser, ehr)
        other.cookies = browser.cookies
        clock.passed += 20 * MINUTE
        assert (await other.get(url.replace(one.url, two.url))).status_code == 200
        clock.passed += 20 * MINUTE
        await sweep(one)
        assert ehr.revoked == []
        clock.passed += 10 * MINUTE
        await asyncio.gather(sweep(one), sweep(two))
        await asyncio.gather(sweep(one), sweep(two))
        assert given_back(ehr) == ["refresh-2"]


async def test_a_session_that_is_over_is_noticed_after_a_restart_where_its_browser_comes_back(
    ehr: LaunchingEhr, clock: Clock
) -> None:
    async with shared_cache() as (_, cache):
        async with launched_site(clock, ehr.source(), cache=cache) as site:
            browser = site.browser()
            url = await site.open(browser, ehr)
        assert ehr.revoked == [], "it outlives the process"
        clock.passed += 31 * MINUTE
        async with launched_site(clock, ehr.source(), cache=cache) as again:
            restarted = again.browser()
            restarted.cookies = browser.cookies
            assert (await restarted.get(url.replace(site.url, again.url))).status_code == 401
            await sweep(again)
            assert given_back(ehr) == ["refresh-1"]


async def test_what_ends_with_the_process_is_given_back(ehr: LaunchingEhr, clock: Clock) -> None:
    async with launched_site(clock, ehr.source()) as site:
        await site.open(site.browser(), ehr)
        await site.open(site.browser(), ehr)
    assert sorted(given_back(ehr)) == ["access-1", "access-2", "refresh-1", "refresh-2"]


async def test_a_refresh_under_way_brings_no_chart_back_that_was_closed(
    ehr: LaunchingEhr, site: LaunchedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The EHR is slow with the new token, and whoever logs out does not wait for it."""
    monkeypatch.setattr(endings, "_PATIENCE", 0.1)
    browser = site.browser()
    url = await site.open(browser, ehr)
    held = dict(browser.cookies)
    site.clock.passed += 280
    ehr.slow = 1.0
    refreshing = asyncio.create_task(site.browser().get(url, cookies="; ".join(map("=".join, held.items()))))
    async with asyncio.timeout(10):
        while len(ehr.asked) < 2:  # noqa: ASYNC110 - seen over HTTP alone
            await asyncio.sleep(0.02)
    assert (await browser.post(f"{url}/logout", Origin=site.url)).status_code == 200
    assert (await refreshing).status_code == 401
    browser.cookies |= held
    assert (await browser.get(url)).status_code == 401
    assert given_back(ehr) == ["refresh-1", "access-1", "refresh-2", "access-2"]


async def test_a_full_cache_neither_loses_a_new_token_nor_says_that_a_logout_was_done(
    ehr: LaunchingEhr, clock: Clock
) -> None:
    async with shared_cache() as (server, cache), launched_site(clock, ehr.source(), cache=cache) as site:
        browser = site.browser()
        url = await site.open(browser, ehr)
        async with taking_nothing(server):
            site.clock.passed += 280
            assert (await browser.get(url)).status_code == 503
            assert given_back(ehr) == ["refresh-2", "access-2"], "nobody would know of them"
            answer = await browser.post(f"{url}/logout", Origin=site.url)
            assert answer.status_code == 503 and "You are logged out" not in answer.text
            assert given_back(ehr)[2:] == ["refresh-1", "access-1"], "what can be done is done"


async def test_tokens_of_a_chart_that_cannot_be_kept_are_given_back(ehr: LaunchingEhr, clock: Clock) -> None:
    async with shared_cache() as (server, cache), launched_site(clock, ehr.source(), cache=cache) as site:
        browser = site.browser()
        place = await site.begin(browser, ehr)
        async with taking_nothing(server):
            done = await site.call_back(browser, {"state": state_of(place), "code": ehr.authorise(place)})
        assert done.status_code == 503
        assert given_back(ehr) == ["refresh-1", "access-1"]


@pytest.mark.parametrize(
    ("answer", "tokens"),
    [
        ({"patient": "p2"}, ["refresh-2", "access-2"]),
        ({"id_token": "x.y.z"}, ["refresh-2", "access-2"]),
        ({"patient": "../p1"}, ["refresh-2", "access-2"]),
    ],
    ids=["other patient", "bad id token", "no patient"],
)
async def test_a_refresh_that_ends_the_session_gives_back_what_it_got(
    ehr: LaunchingEhr, site: LaunchedSite, answer: dict[str, Any], tokens: list[str]
) -> None:
    browser = site.browser()
    url = await site.open(browser, ehr)
    site.clock.passed += 280
    ehr.answer = answer
    assert (await browser.get(url)).status_code in (401, 403)
    assert [token for token in given_back(ehr) if not token.endswith("-1")] == tokens


async def test_keys_that_cannot_be_had_during_a_refresh_end_no_session_and_lose_no_token(
    ehr: LaunchingEhr, site: LaunchedSite
) -> None:
    browser = site.browser()
    url = await site.open(browser, ehr)
    # Longer than keys at hand are used.
    site.clock.passed += 700
    ehr.statuses = {"/jwks": "500 Internal Server Error"}
    ehr.answer = {"id_token": ehr.id_token()}
    assert (await browser.get(url)).status_code == 503
    ehr.statuses = {}
    site.clock.passed += 11
    assert (await browser.get(url)).status_code == 200
    assert [form.get("refresh_token") for _, form in ehr.asked] == [None, "refresh-1", "refresh-2"]


async def test_of_two_tokens_one_that_is_not_taken_back_keeps_not_the_other(
    ehr: LaunchingEhr, site: LaunchedSite
) -> None:
    browser = site.browser()
    url = await site.open(browser, ehr)
    ehr.statuses = {"/revoke": "400 Bad Request"}
    await browser.post(f"{url}/logout", Origin=site.url)
    assert given_back(ehr) == ["refresh-1", "access-1"]

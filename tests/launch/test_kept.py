"""Launches that are pending: how many, and that each ends once."""

import asyncio

import pytest

from server.executor.cache.encryption import Keyring
from server.executor.cache.open_store import open_store
from server.launch import kept as kept_module
from server.launch.kept import Kept, OpenChart, PendingLaunch, PersonCharts
from tests.support.launching_ehr import LaunchedSite, LaunchingEhr, state_of


async def test_of_two_answers_at_once_one_counts(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    browser = site.browser()
    place = await site.begin(browser, ehr)
    url = f"{site.url}/launch/callback?state={state_of(place)}&code={ehr.authorise(place)}"
    held = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    answers = await asyncio.gather(*(browser.get(url, cookies=held) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [302, *[400] * 7]
    assert len(ehr.asked) == 1


async def test_pending_launches_are_bounded_and_the_oldest_makes_room(
    ehr: LaunchingEhr, site: LaunchedSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kept_module, "MOST_PENDING", 2)
    begun = []
    for _ in range(3):
        browser = site.browser()
        place = await site.begin(browser, ehr)
        begun.append((browser, {"state": state_of(place), "code": ehr.authorise(place)}))
    assert [(await site.call_back(browser, given)).status_code for browser, given in begun] == [400, 302, 302]
    assert "more than 2 launches are pending" in caplog.text


async def test_launches_that_are_over_make_room_without_a_word(
    ehr: LaunchingEhr, site: LaunchedSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kept_module, "MOST_PENDING", 2)
    for _ in range(5):
        await site.begin(site.browser(), ehr)
        site.clock.passed += 301
    assert "launches are pending" not in caplog.text


async def test_what_is_kept_prints_nothing_of_a_patient_or_a_token() -> None:
    pending = PendingLaunch("ehr", "state-1", "nonce-1", "verifier-1", "cookie-1", 1.0)
    chart = OpenChart(
        "handle-1",
        "cookie-1",
        "ehr",
        "p1",
        "dr-1",
        "user-1",
        "scope-1",
        "access-1",
        1.0,
        1.0,
        "refresh-1",
        1.0,
        1.0,
        1.0,
    )
    assert (repr(pending), repr(chart)) == ("PendingLaunch(source='ehr')", "OpenChart(source='ehr')")
    assert repr(PersonCharts(("handle-1",), ("refresh-1",))) == "PersonCharts()"


async def test_a_browser_keeps_no_heap_of_cookies_of_launches(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    browser = site.browser()
    for _ in range(10):
        await site.begin(browser, ehr)
    assert len(browser.cookies) == 10
    place = await site.begin(browser, ehr)
    assert len(browser.cookies) == 1
    given = {"state": state_of(place), "code": ehr.authorise(place)}
    assert (await site.call_back(browser, given)).status_code == 302


async def test_a_lock_is_held_by_one_and_given_back() -> None:
    keys = Keyring.from_secret(None)
    store = await open_store(keys=keys)
    try:
        kept = Kept(store, keys.launch)
        async with kept.locked("a", 0) as mine, kept.locked("a", 0.05) as again, kept.locked("b", 0) as other:
            assert (mine, again, other) == (True, False, True)
        async with kept.locked("a", 0) as free:
            assert free
    finally:
        await store.close()

"""The routes of launches: who may frame them, what is logged, posts of other sites, and the logout."""

import asyncio
import logging

import pytest

from tests.support.launching_ehr import LaunchedSite, LaunchingEhr, dumped, launched_site, state_of
from tests.support.token_issuer import Clock


@pytest.mark.parametrize(
    ("ancestors", "framed_by"),
    [([], "'none'"), (["https://ehr.example", "http://localhost:9"], "https://ehr.example http://localhost:9")],
)
async def test_only_the_pages_of_the_settings_may_frame_ours(
    ehr: LaunchingEhr, clock: Clock, ancestors: list[str], framed_by: str
) -> None:
    async with launched_site(clock, ehr.source(), launch={"frame_ancestors": ancestors}) as site:
        browser = site.browser()
        url = await site.open(browser, ehr)
        for place in (url, f"{site.url}/launch", f"{site.url}/launch/callback", f"{site.url}/app/x"):
            headers = (await browser.get(place)).headers
            assert headers["content-security-policy"].split("; ")[-1] == f"frame-ancestors {framed_by}"
            assert "x-frame-options" not in headers
            assert headers["cache-control"] == "no-store"
        other = (await browser.get(f"{site.url}/modules")).headers
        assert other["x-frame-options"] == "DENY"


FOREIGN = (None, "null", "https://evil.example", "{url}.evil.example", "{url}/", "{url}, {url}", "")


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_post_of_another_site_does_nothing(ehr: LaunchingEhr, site: LaunchedSite, origin: str | None) -> None:
    browser = site.browser()
    url = await site.open(browser, ehr)
    sent = {} if origin is None else {"Origin": origin.format(url=site.url)}
    answer = await browser.post(f"{url}/logout", **sent)
    assert answer.status_code == 403 and "another site" in answer.text
    assert (await browser.get(url)).status_code == 200
    assert ehr.revoked == []


async def test_logout_forgets_the_chart_and_gives_its_tokens_back(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    browser = site.browser()
    url, other = await site.open(browser, ehr), await site.open(browser, ehr, patient="p2")
    held = dict(browser.cookies)
    assert (await site.browser().post(f"{url}/logout", Origin=site.url)).status_code == 401
    done = await browser.post(f"{url}/logout", Origin=site.url)
    assert (done.status_code, "You are logged out" in done.text) == (200, True)
    assert [each["token"] for each in ehr.revoked] == ["access-1"], "the other chart may be of the same grant"
    browser.cookies |= held
    assert (await browser.get(url)).status_code == 401
    assert (await browser.get(other)).status_code == 200, "the other tab stays"
    assert (await browser.post(f"{other}/logout", Origin=site.url)).status_code == 200
    assert sorted(ehr.revoked, key=lambda each: each["token"]) == [
        {"token": f"{kind}-{number}", "token_type_hint": f"{kind}_token", "client_id": "medtwin-app"}
        for kind in ("access", "refresh")
        for number in (1, 2)
    ]


@pytest.mark.parametrize("fault", ["no endpoint", "down"])
async def test_logout_is_done_although_the_ehr_takes_no_token_back(
    ehr: LaunchingEhr, site: LaunchedSite, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    ehr.configuration = {"revocation_endpoint": None} if fault == "no endpoint" else {}
    ehr.statuses = {"/revoke": "500 Internal Server Error"} if fault == "down" else {}
    browser = site.browser()
    url = await site.open(browser, ehr)
    held = dict(browser.cookies)
    assert (await browser.post(f"{url}/logout", Origin=site.url)).status_code == 200
    browser.cookies |= held
    assert (await browser.get(url)).status_code == 401
    assert ("a token could not be revoked" in caplog.text) == (fault == "down")


async def test_logs_hold_templates_and_nothing_of_a_launch(
    ehr: LaunchingEhr, site: LaunchedSite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    # Of our own; the test's client and its libraries log addresses.
    for noisy in ("httpx", "httpcore", "asyncio", "hpack"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    browser = site.browser()
    place = await site.begin(browser, ehr, "launch-secret")
    state, code = state_of(place), ehr.authorise(place)
    url = site.place(await site.call_back(browser, {"state": state, "code": code}))
    await browser.get(url)
    await browser.get(f"{url}/answer/secret-concept")
    await browser.get(f"{url}/p1")
    await site.call_back(browser, {"state": state, "code": code})
    await browser.post(f"{url}/logout", Origin=site.url)
    lines = [record.getMessage() for record in caplog.records if record.name == "medtwin.access"]
    assert [line.split(" ")[1] for line in lines] == [
        "/launch", "/launch/callback", "/app/{launch}", "/app/{launch}/answer", "/app/{launch}", "/launch/callback",
        "/app/{launch}/logout",
    ]  # fmt: skip
    logged = "\n".join(record.getMessage() for record in caplog.records)
    handle = url.rsplit("/", 1)[1]
    for secret in ("launch-secret", state, code, handle, "access-1", "refresh-1", "p1", "secret-concept", "dr-1"):
        assert secret not in logged


async def test_no_answer_shows_a_secret(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    """SMART-7."""
    browser = site.browser()
    url = await site.open(browser, ehr)
    for answer in (await browser.get(url), await browser.post(f"{url}/logout", Origin=site.url)):
        assert not any(secret in dumped(answer) for secret in ("access-", "refresh-", "code-", "dr-1"))


async def test_without_launches_there_are_no_such_paths(clock: Clock) -> None:
    source = {"id": "ehr", "base_url": "https://ehr.example/fhir", "auth": "caller"}
    async with launched_site(clock, source) as site:
        for path in ("/launch?iss=https://ehr.example/fhir", "/launch/callback", "/app/" + "A" * 22):
            answer = await site.browser().get(site.url + path)
            assert answer.status_code == 404
            assert answer.headers["x-frame-options"] == "DENY"


async def test_each_clinician_has_limits_of_their_own_though_one_proxy_brings_them(
    ehr: LaunchingEhr, clock: Clock
) -> None:
    """One question a second: whoever asks too many is refused, and nobody else at that address."""
    async with launched_site(clock, ehr.source(), server={"max_rate": 1}) as site:
        one, two = site.browser(), site.browser()
        first = await site.open(one, ehr)
        ehr.claims = {"sub": "dr-2"}
        second = await site.open(two, ehr)
        # A record that there is not costs little, and counts.
        asked = [one.get(f"{first}/record?url=x") for _ in range(6)]
        statuses = [answer.status_code for answer in await asyncio.gather(*asked, two.get(f"{second}/record?url=x"))]
        assert 429 in statuses[:6] and statuses[6] != 429

"""Charts that are open: whose they are, how long, with which token, and how they end."""

import asyncio
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from collectors.errors import PatientNotFoundError
from server.errors import QuestionError
from server.executor.cache.embedded_server import start_embedded
from server.executor.question import Question
from tests.support.fake_fhir_servers import FakeFhir
from tests.support.launching_ehr import LaunchedSite, LaunchingEhr, launched_site, state_of
from tests.support.token_issuer import Clock

MINUTE, HOUR = 60, 3600


def shows(page: httpx.Response, patient: str) -> bool:
    return page.status_code == 200 and f"<dd><bdi>{patient}</bdi></dd>" in page.text


async def test_patient_b_is_never_shown_in_the_chart_of_patient_a(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    """Two tabs of one browser, launched at the same time and answered crosswise."""
    browser = site.browser()
    one, two = await site.begin(browser, ehr), await site.begin(browser, ehr)
    codes = [ehr.authorise(one), ehr.authorise(two)]
    ehr.answer = {"patient": "p2"}
    second = site.place(await site.call_back(browser, {"state": state_of(two), "code": codes[1]}))
    ehr.answer = {"patient": "p1"}
    first = site.place(await site.call_back(browser, {"state": state_of(one), "code": codes[0]}))
    for url, own, other in ((first, "p1", "p2"), (second, "p2", "p1"), (first, "p1", "p2")):
        page = await browser.get(url)
        assert shows(page, own) and other not in page.text
        chart = await site.chart(browser, url)
        assert (chart.patient, chart.caller.patient) == (own, ("ehr", own))
    assert (await site.chart(browser, first)).caller.token != (await site.chart(browser, second)).caller.token


async def test_two_charts_crossed_the_cookie_of_one_does_not_open_the_other(
    ehr: LaunchingEhr, site: LaunchedSite
) -> None:
    browser = site.browser()
    first, second = await site.open(browser, ehr, patient="p1"), await site.open(browser, ehr, patient="p2")
    (one, one_value), (two, two_value) = browser.cookies.items()
    for url, cookies in ((first, f"{one}={two_value}"), (first, f"{two}={two_value}"), (second, f"{two}={one_value}")):
        page = await browser.get(url, cookies=cookies)
        assert page.status_code in (401, 403)
        assert "p1" not in page.text and "p2" not in page.text


async def test_a_code_of_another_launch_opens_nothing(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    """Codes swapped between two launches of one browser: PKCE and the nonce bind each to its own."""
    browser = site.browser()
    one, two = await site.begin(browser, ehr), await site.begin(browser, ehr)
    codes = [ehr.authorise(one), ehr.authorise(two)]
    for place, code in ((one, codes[1]), (two, codes[0])):
        assert (await site.call_back(browser, {"state": state_of(place), "code": code})).status_code == 403


async def test_a_foreign_browser_gets_nothing(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    url = await site.open(site.browser(), ehr)
    stranger = site.browser()
    assert (await stranger.get(url)).status_code == 401
    await site.open(stranger, ehr, patient="p2")
    page = await stranger.get(url)
    assert page.status_code == 401 and "p1" not in page.text and "p2" not in page.text


async def test_session_fixation_a_cookie_from_before_the_login_is_worth_nothing(
    ehr: LaunchingEhr, site: LaunchedSite
) -> None:
    browser = site.browser()
    await site.begin(browser, ehr)
    known = set(browser.cookies.values())
    urls = [await site.open(browser, ehr) for _ in range(3)]
    new = [value for name, value in browser.cookies.items() if "chart" in name]
    assert len({*known, *new}) == len(known) + 3, "each login sets a value of its own"
    name = next(name for name in browser.cookies if "chart" in name)
    for planted in known:
        assert (await browser.get(urls[0], cookies=f"{name}={planted}")).status_code == 403


@pytest.mark.parametrize("handle", ["x", "..", "p1", "%2e%2e", "A" * 21, "A" * 23, "%00", "<script>"])
async def test_a_patient_or_a_path_as_handle_is_no_chart(ehr: LaunchingEhr, site: LaunchedSite, handle: str) -> None:
    browser = site.browser()
    await site.open(browser, ehr)
    page = await browser.get(f"{site.url}/app/{handle}")
    assert page.status_code == 404 and "script>alert" not in page.text


@pytest.mark.parametrize(
    ("uses", "status"),
    [
        ([30 * MINUTE - 1], 200),
        ([30 * MINUTE], 401),
        ([29 * MINUTE, 29 * MINUTE], 200),
        ([*[29 * MINUTE] * 16, 16 * MINUTE - 1], 200),
        ([*[29 * MINUTE] * 16, 16 * MINUTE], 401),
    ],
    ids=["just before idle", "idle", "used", "just before 8 h", "8 h"],
)
async def test_a_session_ends_after_half_an_hour_unused_and_after_eight_hours(
    ehr: LaunchingEhr, site: LaunchedSite, uses: list[int], status: int
) -> None:
    browser = site.browser()
    url = await site.open(browser, ehr, expires_in=86_400)
    for passed in uses:
        site.clock.passed += passed
        page = await browser.get(url)
    assert page.status_code == status
    if status == 401:
        assert (
            "The session is over" in page.text
            and f"/launch?iss={ehr.base.replace(':', '%3A')}" in page.text.replace("%2F", "/")
        )
        assert browser.cookies == {}


async def test_the_token_goes_to_that_source_alone_and_for_that_patient_alone(clock: Clock) -> None:
    """SMART-93."""
    fhir = FakeFhir([])
    async with LaunchingEhr.listening(clock) as ehr, LaunchingEhr.listening(clock) as other:
        # The other shares the patient's identifiers, and would be searched as well.
        sources = [source | {"identifiers": ["urn:x"]} for source in (ehr.source(), other.source("lab"))]
        async with launched_site(clock, *sources, fhir=fhir) as site:
            browser = site.browser()
            chart = await site.chart(browser, await site.open(browser, ehr))
            engine = site.app.state.engine
            assert chart.caller.sources == {"ehr"}
            with pytest.raises(PatientNotFoundError):
                await engine.ask(Question("p1", ("egfr",), source="ehr", caller=chart.caller))
            sent = [request for request in fhir.requests if "authorization" in request.headers]
            assert sent and all(str(request.url).startswith(f"{ehr.base}/") for request in sent)
            assert {request.headers["authorization"] for request in sent} == {"Bearer access-1"}
            asked = len(fhir.requests)
            for source, patient in (("ehr", "p2"), ("lab", "p1")):
                with pytest.raises(QuestionError) as caught:
                    await engine.ask(Question(patient, ("egfr",), source=source, caller=chart.caller))
                assert caught.value.code == "other-patient"
            assert len(fhir.requests) == asked


async def test_the_scope_of_a_session_is_that_of_the_token_response(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    browser = site.browser()
    url = await site.open(browser, ehr, scope="launch openid fhirUser patient/Condition.rs")
    permissions = (await site.chart(browser, url)).caller.permissions
    assert permissions.may_search("Condition") and not permissions.may_search("Observation")


async def test_a_chart_says_who_opened_it_and_shows_no_token(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    browser = site.browser()
    chart = await site.chart(browser, await site.open(browser, ehr))
    assert chart.user == f"{ehr.base}/Practitioner/dr-1"
    assert chart.expires.timestamp() == site.clock.wall() + 30 * MINUTE
    assert "access-1" not in repr(chart) and "p1" not in repr(chart)


@pytest.mark.parametrize(("passed", "token"), [(269, "access-1"), (270, "access-2"), (301, "access-2")])
async def test_a_token_is_refreshed_shortly_before_it_expires(
    ehr: LaunchingEhr, site: LaunchedSite, passed: int, token: str
) -> None:
    """SMART-105, SMART-106, SMART-108."""
    browser = site.browser()
    url = await site.open(browser, ehr)
    site.clock.passed += passed
    assert (await site.chart(browser, url)).caller.token == token
    if token == "access-2":
        _, form = ehr.asked[-1]
        assert form == {"grant_type": "refresh_token", "refresh_token": "refresh-1", "client_id": "medtwin-app"}


async def test_of_many_requests_at_once_one_refreshes(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    browser = site.browser()
    url = await site.open(browser, ehr)
    site.clock.passed += 400
    ehr.slow = 0.2
    charts = await asyncio.gather(*(site.chart(browser, url) for _ in range(8)))
    assert {chart.caller.token for chart in charts} == {"access-2"}
    assert [form["grant_type"] for _, form in ehr.asked] == ["authorization_code", "refresh_token"]


@pytest.mark.parametrize(
    ("answer", "statuses", "passed", "status"),
    [
        ({}, {"/token": "400 Bad Request"}, 400, 401),
        ({}, {"/token": "401 Unauthorized"}, 280, 401),
        ({}, {"/token": "503 Service Unavailable"}, 400, 503),
        ({}, {"/token": "503 Service Unavailable"}, 280, 200),
        ({"patient": "p2"}, {}, 400, 403),
        ({"patient": "../p1"}, {}, 400, 401),
        ({"access_token": None}, {}, 400, 401),
        ({"patient": None}, {}, 400, 200),
        ({"scope": None, "refresh_token": None}, {}, 400, 200),
    ],
    ids=["refused", "refused early", "down", "down early", "other patient", "bad patient", "no token", "brief", "bare"],
)
async def test_a_refresh_that_fails_or_changes_the_patient(
    ehr: LaunchingEhr, site: LaunchedSite, answer: dict[str, Any], statuses: dict[str, str], passed: int, status: int
) -> None:
    browser = site.browser()
    url = await site.open(browser, ehr)
    site.clock.passed += passed
    ehr.answer, ehr.statuses = answer, statuses
    page = await browser.get(url)
    assert page.status_code == status
    assert "p2" not in page.text
    ehr.answer, ehr.statuses = {}, {}
    # Once it was ended, a good answer does not bring it back; what was only unavailable goes on.
    assert (await browser.get(url)).status_code == (200 if status in (200, 503) else 401)


async def test_a_refresh_never_widens_what_was_granted(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    browser = site.browser()
    url = await site.open(browser, ehr, scope="launch openid patient/Condition.rs")
    site.clock.passed += 400
    ehr.answer = {"scope": "launch patient/*.rs patient/Condition.rs"}
    permissions = (await site.chart(browser, url)).caller.permissions
    assert permissions.may_search("Condition") and not permissions.may_search("Observation")


async def test_without_a_refresh_token_the_session_ends_with_its_token(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    browser = site.browser()
    url = await site.open(browser, ehr, refresh_token=None)
    site.clock.passed += 299
    assert (await browser.get(url)).status_code == 200
    site.clock.passed += 1
    page = await browser.get(url)
    assert page.status_code == 401 and "the EHR has ended the access" in page.text


async def test_a_browser_has_twenty_charts_and_the_first_makes_room(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    browser = site.browser()
    urls = []
    for number in range(21):
        urls.append(await site.open(browser, ehr, patient=f"p{number}"))
        site.clock.passed += 1
    assert len(browser.cookies) == 20
    assert (await browser.get(urls[0])).status_code == 401
    assert [each["token"] for each in ehr.revoked] == ["access-1"]
    assert shows(await browser.get(urls[1]), "p1") and shows(await browser.get(urls[20]), "p20")


async def test_the_chart_that_was_unused_for_the_longest_time_makes_room_and_its_page_says_so(
    ehr: LaunchingEhr, site: LaunchedSite
) -> None:
    browser = site.browser()
    urls = []
    for number in range(20):
        urls.append(await site.open(browser, ehr, patient=f"p{number}"))
        site.clock.passed += 1
    await browser.get(urls[0])
    site.clock.passed += 1
    held = dict(browser.cookies)
    await site.open(browser, ehr, patient="p20")
    assert shows(await browser.get(urls[0]), "p0"), "it was opened first, and used since"
    # As its tab asks again; as a page of it that was under way, with its cookie; and as its logout.
    cookies = "; ".join(map("=".join, held.items()))
    for page in (
        await browser.get(urls[1]),
        await browser.get(f"{urls[1]}/answer/egfr"),
        await browser.get(urls[1], cookies=cookies),
        await browser.post(f"{urls[1]}/logout", Origin=site.url),
    ):
        assert page.status_code == 401
        assert "a browser keeps 20 charts open, and another one was opened" in page.text
        assert "Open medtwin again from the patient" in page.text, "the way back"
        assert "p1" not in page.text
    again = await site.open(browser, ehr, patient="p1")
    assert shows(await browser.get(again), "p1")
    assert "a browser keeps 20 charts open" in (await browser.get(urls[2])).text, "and now the next one"


async def test_while_sessions_cannot_be_kept_that_is_said(ehr: LaunchingEhr, clock: Clock) -> None:
    """A cache that is down ends no session: nobody is told that it is over, and no cookie is forgotten."""
    cache = await start_embedded()
    try:
        async with launched_site(clock, ehr.source(), cache={"url": cache.url, "key": "ab" * 32}) as site:
            browser = site.browser()
            url = await site.open(browser, ehr)
            await site.begin(browser, ehr)
            held = dict(browser.cookies)
            await cache.stop()
            for place in (url, f"{site.url}/launch?iss={ehr.base}", f"{site.url}/launch/callback?state=x&code=y"):
                page = await browser.get(place)
                assert page.status_code == 503 and "cannot be kept at the moment" in page.text
            assert browser.cookies == held
    finally:
        await cache.stop()


async def test_sessions_go_on_after_a_restart_and_the_cache_holds_no_token_in_clear(
    ehr: LaunchingEhr, clock: Clock
) -> None:
    cache = await start_embedded()
    shared = {"url": cache.url, "key": "ab" * 32}
    try:
        async with launched_site(clock, ehr.source(), cache=shared) as site:
            browser = site.browser()
            url = await site.open(browser, ehr, patient="patient-number-one")
            await site.begin(browser, ehr)
        client = Redis.from_url(cache.url)
        names = [name async for name in client.scan_iter() if b":launch:" in name]
        content = repr([(name, await client.get(name)) for name in names])
        await client.aclose()
        assert len(names) >= 2
        for secret in ("access-1", "refresh-1", "patient-number-one", url.rsplit("/", 1)[1], *browser.cookies.values()):
            assert secret not in content
        async with launched_site(clock, ehr.source(), cache=shared) as again:
            restarted = again.browser()
            restarted.cookies = browser.cookies
            assert shows(await restarted.get(url.replace(site.url, again.url)), "patient-number-one")
        async with launched_site(clock, ehr.source(), cache={**shared, "key": "cd" * 32}) as elsewhere:
            stranger = elsewhere.browser()
            stranger.cookies = dict(browser.cookies)
            assert (await stranger.get(url.replace(site.url, elsewhere.url))).status_code == 401
    finally:
        await cache.stop()

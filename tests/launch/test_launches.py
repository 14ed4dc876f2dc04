"""A launch, step by step, over HTTP: what is asked of the authorisation server, and what its answer opens."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.authorisation_server import ec_key, pem, verified_claims
from tests.support.launching_ehr import CLIENT, SCOPE, SECRET, LaunchedSite, LaunchingEhr, launched_site, state_of
from tests.support.token_issuer import Clock

KEY = pem(ec_key())


@pytest.mark.parametrize(
    ("launch", "scope"),
    [("l-1", SCOPE), (None, "launch/patient openid fhirUser online_access patient/*.rs")],
    ids=["in the EHR", "alone"],
)
async def test_what_is_asked_of_the_authorisation_server(
    ehr: LaunchingEhr, site: LaunchedSite, launch: str | None, scope: str
) -> None:
    """SMART-2, SMART-3, SMART-13, SMART-32, SMART-33, SMART-34, SMART-35, SMART-36, SMART-37, SMART-40,
    SMART-41, SMART-44, SMART-45, SMART-47, SMART-50, SMART-51, SMART-121, SMART-125, SMART-135, SMART-137,
    SMART-146, SMART-150, SMART-151, SMART-152, SMART-161, SMART-166, SMART-196, SMART-211, SMART-215.
    """
    place = await site.begin(site.browser(), ehr, launch)
    asked = dict(parse_qsl(urlsplit(place).query, strict_parsing=True))
    unpredictable = {name: asked.pop(name) for name in ("state", "nonce", "code_challenge")}
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", value) for value in unpredictable.values())
    assert asked == {
        "response_type": "code", "client_id": CLIENT, "redirect_uri": f"{site.url}/launch/callback", "scope": scope,
        "aud": ehr.base, "code_challenge_method": "S256", **({"launch": launch} if launch else {}),
    }  # fmt: skip
    again = dict(parse_qsl(urlsplit(await site.begin(site.browser(), ehr, launch)).query))
    assert all(again[name] != value for name, value in unpredictable.items())


@pytest.mark.parametrize(
    ("client", "environ"),
    [({}, {}), ({"secret_env": "S"}, {"S": SECRET}), ({"key_env": "K"}, {"K": KEY})],
    ids=["public", "secret", "key"],
)
async def test_what_is_sent_for_the_code(
    ehr: LaunchingEhr, clock: Clock, client: dict[str, str], environ: dict[str, str]
) -> None:
    """SMART-23, SMART-62, SMART-63, SMART-64, SMART-67, SMART-68, SMART-69, SMART-70, SMART-71, SMART-72,
    SMART-345.
    """
    async with launched_site(clock, ehr.source(**client), environ=environ) as site:
        browser = site.browser()
        assert (await site.launch(browser, ehr)).status_code == 302
        ((headers, form),) = ehr.asked
        assert headers["content-type"] == "application/x-www-form-urlencoded"
        assert len(form.pop("code_verifier")) == 43
        assertion = form.pop("client_assertion", None)
        expected = {
            "grant_type": "authorization_code", "code": "code-0", "redirect_uri": f"{site.url}/launch/callback",
        }  # fmt: skip
        if "secret_env" in client:
            # RFC 6749, 2.3.1: both are encoded as in a form before they are joined.
            assert headers["authorization"] == "Basic bWVkdHdpbi1hcHA6dGlnZXIlMjZsaWx5JTNBKzEwMCUyNQ=="
        elif "key_env" in client:
            claims = verified_claims(assertion or "", ec_key(), "ES384", f"{ehr.origin}/token")
            assert (claims["iss"], claims["sub"]) == (CLIENT, CLIENT)
            expected["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        else:
            expected["client_id"] = CLIENT
        assert form == expected
        assert ("authorization" in headers) == ("secret_env" in client)


async def test_a_launch_opens_the_chart_of_its_patient(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    browser = site.browser()
    done = await site.launch(browser, ehr)
    assert re.fullmatch(r"/app/[A-Za-z0-9_-]{22}", done.headers["location"])
    page = await browser.get(site.place(done))
    assert (page.status_code, "<dd><bdi>p1</bdi></dd>" in page.text) == (200, True)
    assert page.text.count("<script") == page.text.count('<script type="module" src="/pages/page.js"></script>') == 1


async def test_every_cookie_comes_back_in_a_frame_and_nowhere_else(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    browser = site.browser()
    await browser.get(await site.open(browser, ehr))
    assert len(browser.set) == 3
    for line in browser.set:
        name, *attributes = line.split("; ")
        assert name.startswith("__Host-medtwin-")
        assert {"Path=/", "Secure", "HttpOnly", "SameSite=None", "Partitioned"} <= set(attributes)
        assert not any(each.lower().startswith("domain") for each in attributes)
    assert [name.split("-")[2] for name in browser.cookies] == ["chart"], "the launch's cookie is forgotten"


@pytest.mark.parametrize(
    ("configuration", "statuses", "openid", "fetched"),
    [
        ({}, {}, None, 1),
        ({}, {"/fhir/.well-known/smart-configuration": "404 Not Found"}, "whole", 2),
        ({"jwks_uri": None}, {}, "whole", 2),
        ({"issuer": None, "jwks_uri": None}, {}, "whole", 2),
        ({"authorization_endpoint": "../authorise", "token_endpoint": "/token"}, {}, None, 1),
    ],
    ids=["smart", "openid alone", "keys from openid", "issuer from openid", "relative"],
)
async def test_the_endpoints_are_found_and_asked_for_once(
    ehr: LaunchingEhr,
    site: LaunchedSite,
    configuration: dict[str, str | None],
    statuses: dict[str, str],
    openid: str | None,
    fetched: int,
) -> None:
    """SMART-29, SMART-218, SMART-379."""
    ehr.openid = ehr._configuration() if openid else None
    ehr.configuration, ehr.statuses = configuration, statuses
    for _ in range(2):
        assert (await site.launch(site.browser(), ehr)).status_code == 302
    assert len([path for path in ehr.fetched if ".well-known" in path]) == fetched
    site.clock.passed += 601
    await site.begin(site.browser(), ehr)
    assert len([path for path in ehr.fetched if ".well-known" in path]) == 2 * fetched


ELSEWHERE = "https://evil.example"


@pytest.mark.parametrize(
    ("configuration", "origins"),
    [
        ({"token_endpoint": f"{ELSEWHERE}/token"}, []),
        ({"authorization_endpoint": f"{ELSEWHERE}/authorise"}, ["https://auth.example"]),
        ({"jwks_uri": f"{ELSEWHERE}/jwks"}, []),
        ({"revocation_endpoint": f"{ELSEWHERE}/revoke"}, []),
        ({"authorization_endpoint": f"{ELSEWHERE}:8443/authorise"}, [ELSEWHERE]),
        ({"authorization_endpoint": "http://evil.example/authorise"}, ["http://evil.example"]),
        ({"authorization_endpoint": "javascript:alert(1)"}, []),
        ({"authorization_endpoint": "https://u:p@auth.example/"}, ["https://auth.example"]),
        ({"authorization_endpoint": None}, []),
        ({"token_endpoint": 7}, []),
        ({"code_challenge_methods_supported": ["plain"]}, []),
    ],
)
async def test_no_browser_is_sent_to_a_host_that_is_not_listed(
    ehr: LaunchingEhr, clock: Clock, configuration: dict[str, object], origins: list[str]
) -> None:
    """SMART-1."""
    ehr.configuration = configuration
    async with launched_site(clock, ehr.source(origins=origins)) as site:
        answer = await site.browser().get(f"{site.url}/launch?iss={ehr.base}&launch=l")
        assert (answer.status_code, "location" in answer.headers) == (503, False)
        assert "evil" not in answer.text


async def test_a_host_that_is_listed_may_be_named(ehr: LaunchingEhr, clock: Clock) -> None:
    ehr.configuration = {"authorization_endpoint": "https://auth.example/o/authorise?tenant=7"}
    async with launched_site(clock, ehr.source(origins=["https://auth.example"])) as site:
        place = await site.begin(site.browser(), ehr)
        assert place.startswith("https://auth.example/o/authorise?tenant=7&response_type=code&")


async def test_a_launch_is_pending_for_ten_minutes(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    for passed, status in ((599, 302), (600, 400)):
        browser = site.browser()
        place = await site.begin(browser, ehr)
        code = ehr.authorise(place)
        site.clock.passed += passed
        assert (await site.call_back(browser, {"state": state_of(place), "code": code})).status_code == status


async def test_without_openid_nobody_is_asked_for_and_a_chart_opens(ehr: LaunchingEhr, clock: Clock) -> None:
    async with launched_site(clock, ehr.source(scope="launch patient/*.rs")) as site:
        place = await site.begin(site.browser(), ehr)
        assert "nonce" not in place
        await site.open(site.browser(), ehr, id_token=None, scope="launch patient/*.rs")

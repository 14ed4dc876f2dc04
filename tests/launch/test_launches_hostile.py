"""Hostile launches: each is refused in words, nothing is opened, and nothing of the patient or a secret is shown."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from server.access import bounded_http
from tests.support.authorisation_server import ec_key
from tests.support.launching_ehr import SECRET, Browser, LaunchedSite, LaunchingEhr, dumped, launched_site, state_of
from tests.support.token_issuer import NOW, Clock, jwk_of

OTHER_KEY = ec.generate_private_key(ec.SECP384R1())


def require_refusal(answer: httpx.Response, *statuses: int) -> None:
    """It is refused in words and with a way back, without script, and sends the browser nowhere."""
    assert answer.status_code in statuses, answer.text
    assert "location" not in answer.headers
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "Open medtwin again from the patient's chart" in answer.text.replace("&#x27;", "'")
    assert "<script" not in answer.text and "onerror" not in answer.text and "javascript:" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith(
        ("default-src 'none'; style-src 'sha256-", "default-src 'none'; style-src 'self' 'sha256-")
    )
    assert "script-src" not in policy and "unsafe" not in policy
    assert not any(secret in dumped(answer) for secret in ("access-", "refresh-", "code-", "p1"))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "iss=",
        "iss=https://evil.example/fhir",
        "iss=javascript:alert(1)",
        "iss=file:///etc/passwd",
        "iss=data:text/html,x",
        "iss={base}/../evil",
        "iss={base}//",
        "iss={base}%00",
        "iss={base}?x=1",
        "iss={base}%23",
        "iss={upper}",
        "iss={base}@evil.example",
        "iss=http://evil@{host}/fhir",
        "iss={base}&iss=https://evil.example",
        "iss={base}&iss={base}",
        "iss={base}&launch=a&launch=b",
        "iss={base}&launch=",
        "iss={base}&launch=" + "x" * 5000,
        'iss="><img src=x onerror=alert(1)>',
        "launch=abc",
    ],
)
async def test_a_launch_by_whom_nobody_listed_is_refused(ehr: LaunchingEhr, site: LaunchedSite, query: str) -> None:
    """SMART-5."""
    host = ehr.base.removeprefix("http://").removesuffix("/fhir")
    filled = query.format(base=ehr.base, upper=ehr.base.upper(), host=host)
    browser = site.browser()
    require_refusal(await browser.get(f"{site.url}/launch?{quote(filled, safe='=&%')}"), 400)
    assert (ehr.fetched, browser.cookies) == ([], {})


async def test_a_source_without_launch_is_not_launched_from(ehr: LaunchingEhr, clock: Clock) -> None:
    other = {"id": "lab", "base_url": "https://lab.example/fhir", "auth": "caller"}
    async with launched_site(clock, ehr.source(), other) as site:
        require_refusal(await site.browser().get(f"{site.url}/launch?iss=https://lab.example/fhir&launch=l"), 400)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"state": None}, 400),
        ({"state": ""}, 400),
        ({"state": "x" * 43}, 400),
        ({"state": "../../app"}, 400),
        ({"state": "x" * 5000}, 400),
        ({"code": None}, 400),
        ({"code": ""}, 400),
        ({"code": "invented"}, 403),
        ({"iss": "https://evil.example"}, 400),
        ({"iss": ""}, 400),
        ({"code": None, "error": "access_denied"}, 403),
        ({"error": "access_denied"}, 403),
        ({"code": None, "error": "<script>alert(1)</script>", "error_description": "<script>"}, 403),
    ],
)
async def test_a_bad_callback_is_refused(
    ehr: LaunchingEhr, site: LaunchedSite, changed: dict[str, str | None], status: int
) -> None:
    """SMART-4, SMART-60."""
    browser = site.browser()
    require_refusal(await site.launch(browser, ehr, **changed), status)
    assert not [name for name in browser.cookies if "chart" in name]


@pytest.mark.parametrize("twice", ["state", "code", "iss"])
async def test_a_parameter_that_is_given_twice_is_refused(ehr: LaunchingEhr, site: LaunchedSite, twice: str) -> None:
    browser = site.browser()
    place = await site.begin(browser, ehr)
    query = f"state={state_of(place)}&code={ehr.authorise(place)}&iss={ehr.origin}&{twice}=x"
    require_refusal(await browser.get(f"{site.url}/launch/callback?{query}"), 400)


async def test_the_answer_counts_in_no_other_browser_and_still_in_the_own(
    ehr: LaunchingEhr, site: LaunchedSite
) -> None:
    """The state is tied to the browser.

    SMART-39, SMART-61.
    """
    own, other = site.browser(), site.browser()
    place = await site.begin(own, ehr)
    given = {"state": state_of(place), "code": ehr.authorise(place)}
    require_refusal(await site.call_back(other, given), 403)
    await site.begin(other, ehr)
    require_refusal(await site.call_back(other, given), 403)
    assert ehr.asked == [], "no code is redeemed for a stranger"
    assert (await site.call_back(own, given)).status_code == 302


async def test_an_answer_counts_once(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    browser = site.browser()
    place = await site.begin(browser, ehr)
    held, given = dict(browser.cookies), {"state": state_of(place), "code": ehr.authorise(place)}
    assert (await site.call_back(browser, given)).status_code == 302
    browser.cookies |= held
    require_refusal(await site.call_back(browser, given), 400)
    assert len(ehr.asked) == 1


async def test_an_answer_that_was_refused_counts_no_more(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    browser = site.browser()
    place = await site.begin(browser, ehr)
    held, state, code = dict(browser.cookies), state_of(place), ehr.authorise(place)
    require_refusal(await site.call_back(browser, {"state": state, "code": code, "iss": "https://evil.example"}), 400)
    browser.cookies |= held
    require_refusal(await site.call_back(browser, {"state": state, "code": code}), 400)
    assert ehr.asked == []


async def test_mix_up_an_answer_of_another_authorisation_server(clock: Clock) -> None:
    """RFC 9207: the answer names its issuer, and a code never goes to another token endpoint."""
    async with (
        LaunchingEhr.listening(clock) as honest,
        LaunchingEhr.listening(clock) as attacker,
        launched_site(clock, honest.source(), attacker.source("lab")) as site,
    ):
        honest.configuration = {"authorization_response_iss_parameter_supported": True}
        for issuer in (honest.origin, attacker.origin, None):
            browser = site.browser()
            place = await site.begin(browser, honest)
            code = honest.authorise(place)
            done = await site.call_back(browser, {"state": state_of(place), "code": code, "iss": issuer})
            assert done.status_code == (302 if issuer == honest.origin else 400)
        browser = site.browser()
        place = await site.begin(browser, attacker)
        stolen = {"state": state_of(place), "code": "code-of-the-honest", "iss": honest.origin}
        require_refusal(await site.call_back(browser, stolen), 400)
        assert (len(honest.asked), attacker.asked) == (1, [])


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        ({"nonce": "another"}, {}),
        ({"nonce": None}, {}),
        ({"nonce": ["x"]}, {}),
        ({"aud": "another-app"}, {}),
        ({"aud": None}, {}),
        ({"aud": ["medtwin-app", "another-app"]}, {}),
        ({"azp": "another-app"}, {}),
        ({"iss": "https://evil.example"}, {}),
        ({"iss": None}, {}),
        ({"exp": int(NOW) - 61}, {}),
        ({"exp": None}, {}),
        ({"nbf": int(NOW) + 120}, {}),
        ({"sub": ""}, {}),
        ({"sub": None}, {}),
        ({"fhirUser": 7}, {}),
        ({"fhirUser": "Practitioner/1\r\nSet-Cookie: a=b"}, {}),
        ({}, {"kid": "another"}),
        ({}, {"kid": None}),
        ({}, {"crit": ["x"], "x": 1}),
    ],
)
async def test_an_id_token_that_is_not_for_this_launch_opens_nothing(
    ehr: LaunchingEhr, site: LaunchedSite, claims: dict[str, Any], header: dict[str, Any]
) -> None:
    """SMART-201."""
    ehr.claims, ehr.header = claims, header
    browser = site.browser()
    require_refusal(await site.launch(browser, ehr), 401, 403)
    assert not [name for name in browser.cookies if "chart" in name]
    assert [each["token"] for each in ehr.revoked] == ["refresh-1", "access-1"], "what was given is given back"


async def test_the_issuer_of_an_id_token_is_the_one_discovered_and_not_the_fhir_base_url(
    ehr: LaunchingEhr, site: LaunchedSite
) -> None:
    for issuer in (ehr.base, f"{ehr.origin}/", ehr.origin.upper()):
        ehr.claims = {"iss": issuer}
        require_refusal(await site.launch(site.browser(), ehr), 403)
    ehr.claims = {"iss": ehr.origin}
    assert (await site.launch(site.browser(), ehr)).status_code == 302


@pytest.mark.parametrize("within", [{"exp": int(NOW) - 59}, {"nbf": int(NOW) + 59}, {"azp": "medtwin-app"}])
async def test_an_id_token_within_the_leeway_is_accepted(
    ehr: LaunchingEhr, site: LaunchedSite, within: dict[str, Any]
) -> None:
    ehr.claims = within
    assert (await site.launch(site.browser(), ehr)).status_code == 302


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("none", ""),
        ("HS256", "medtwin-app"),
        ("HS256", SECRET),
        ("HS384", jwk_of(ec_key())["x"]),
        ("ES512", ec.generate_private_key(ec.SECP521R1())),
    ],
    ids=["none", "client id", "secret", "public key", "not accepted"],
)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_an_id_token_that_anybody_could_sign_opens_nothing(
    ehr: LaunchingEhr, site: LaunchedSite, algorithm: str, key: Any
) -> None:
    ehr.algorithm, ehr.key = algorithm, key
    require_refusal(await site.launch(site.browser(), ehr), 403)
    assert [each["token"] for each in ehr.revoked] == ["refresh-1", "access-1"]


async def test_an_id_token_that_others_signed_opens_nothing(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    ehr.key = OTHER_KEY
    require_refusal(await site.launch(site.browser(), ehr), 403)


@pytest.mark.parametrize(
    "answer",
    [
        {"patient": None},
        {"patient": ""},
        {"patient": "../Patient/p2"},
        {"patient": "Patient/p1"},
        {"patient": "https://evil.example/Patient/p1"},
        {"patient": "p1?x"},
        {"patient": "p1#"},
        {"patient": "p1\n"},
        {"patient": ["p1"]},
        {"patient": "x" * 65},
        {"access_token": None},
        {"access_token": "a b"},
        {"access_token": "a\r\nX: y"},
        {"token_type": "DPoP"},
        {"token_type": None},
        {"scope": None},
        {"scope": ["patient/*.rs"]},
        {"expires_in": -1},
        {"expires_in": "soon"},
        {"id_token": None},
        {"id_token": "x.y.z"},
        {"id_token": 7},
    ],
)
async def test_a_token_response_that_cannot_be_relied_on_opens_nothing(
    ehr: LaunchingEhr, site: LaunchedSite, answer: dict[str, Any]
) -> None:
    ehr.answer = answer
    browser = site.browser()
    require_refusal(await site.launch(browser, ehr), 401, 403)
    assert not [name for name in browser.cookies if "chart" in name]


@pytest.mark.parametrize("path", ["/token", "/jwks", "/fhir/.well-known/smart-configuration"])
async def test_what_cannot_be_known_now_is_no_refusal(ehr: LaunchingEhr, site: LaunchedSite, path: str) -> None:
    browser = site.browser()
    if path.startswith("/fhir"):
        ehr.statuses = {path: "500 Internal Server Error"}
        require_refusal(await browser.get(f"{site.url}/launch?iss={ehr.base}"), 503)
    else:
        place = await site.begin(browser, ehr)
        ehr.statuses = {path: "500 Internal Server Error"}
        require_refusal(await site.call_back(browser, {"state": state_of(place), "code": ehr.authorise(place)}), 503)


async def test_the_log_says_what_a_configuration_lacks(
    ehr: LaunchingEhr, site: LaunchedSite, caplog: pytest.LogCaptureFixture
) -> None:
    """ "status 404" alone sends who reads it to a configuration that is there."""
    ehr.configuration = {"issuer": None}
    require_refusal(await site.browser().get(f"{site.url}/launch?iss={ehr.base}"), 503)
    assert "its configuration names no issuer or no jwks_uri of id tokens, and its OpenID" in caplog.text
    assert "status 404" in caplog.text


async def test_a_flood_of_launches_does_not_reach_an_ehr_that_is_down(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    paths = [f"/fhir/.well-known/{name}" for name in ("smart-configuration", "openid-configuration")]
    ehr.statuses = dict.fromkeys(paths, "500 Internal Server Error")
    for _ in range(10):
        require_refusal(await site.browser().get(f"{site.url}/launch?iss={ehr.base}"), 503)
    assert ehr.fetched == paths
    ehr.statuses = {}
    site.clock.passed += 10
    await site.begin(site.browser(), ehr)


@pytest.mark.parametrize("fault", ["slow", "huge", "redirects", "a text", "a list", "created"])
async def test_a_token_endpoint_that_misbehaves_is_not_waited_for_and_not_followed(
    ehr: LaunchingEhr, site: LaunchedSite, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_http, "TIMEOUT", 0.5)
    browser = site.browser()
    place = await site.begin(browser, ehr)
    code = ehr.authorise(place)
    ehr.slow = 2.0 if fault == "slow" else 0.0
    ehr.answer = {"more": "x" * 300_000} if fault == "huge" else {}
    status = {"redirects": f"307 See\r\nLocation: {ehr.origin}/elsewhere", "created": "201 Created"}.get(fault)
    ehr.statuses = {"/token": status} if status else {}
    ehr.instead = {"/token": {"a text": "<html>", "a list": []}[fault]} if fault.startswith("a ") else {}
    require_refusal(await site.call_back(browser, {"state": state_of(place), "code": code}), 503)
    assert "/elsewhere" not in ehr.fetched and len(ehr.asked) == 1
    assert not [name for name in browser.cookies if "chart" in name]


@pytest.mark.parametrize("name", ["next", "redirect_uri", "return", "url", "aud"])
async def test_open_redirect_nothing_in_a_request_says_where_to_go(
    ehr: LaunchingEhr, site: LaunchedSite, name: str
) -> None:
    """SMART-6."""
    browser = site.browser()
    answer = await browser.get(f"{site.url}/launch?iss={ehr.base}&launch=l&{name}=https://evil.example")
    place = answer.headers["location"]
    assert place.startswith(f"{ehr.origin}/authorise?") and "evil" not in place
    done = await site.call_back(
        browser, {"state": state_of(place), "code": ehr.authorise(place), name: "https://evil.example"}
    )
    assert done.headers["location"].startswith("/app/")


async def test_a_launch_value_never_adds_a_parameter(ehr: LaunchingEhr, site: LaunchedSite) -> None:
    place = await site.begin(site.browser(), ehr, "x&aud=https://evil.example#y")
    assert httpx.URL(place).params.get_list("aud") == [ehr.base]
    assert httpx.URL(place).params["launch"] == "x&aud=https://evil.example#y"


@pytest.mark.parametrize("method", ["HEAD", "POST"])
@pytest.mark.parametrize("path", ["/launch", "/launch/callback"])
async def test_a_look_ahead_uses_nothing_up(ehr: LaunchingEhr, site: LaunchedSite, method: str, path: str) -> None:
    browser = site.browser()
    place = await site.begin(browser, ehr)
    given = {"state": state_of(place), "code": ehr.authorise(place)}
    looked = await site.client.request(
        method, f"{site.url}{path}?iss={ehr.base}&{httpx.QueryParams(given)}", headers=_cookies(browser)
    )
    assert looked.status_code == 405
    assert (await site.call_back(browser, given)).status_code == 302


def _cookies(browser: Browser) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}


Bending = Callable[[str], str]
BENT: dict[str, Bending] = {
    "another value": lambda value: "A" * len(value),
    "one sign less": lambda value: value[:-1],
    "one sign more": lambda value: value + "A",
    "quoted": lambda value: f'"{value}"',
    "escaped": lambda value: '"\\' + format(ord(value[0]), "03o") + value[1:] + '"',
    "percent": lambda value: f"%{ord(value[0]):02x}{value[1:]}",
    "other case": str.swapcase,
    "empty": lambda value: "",
    "space": lambda value: value[:5] + " " + value[5:],
    "not ASCII": lambda value: value + "\u00e9",
}


@pytest.mark.parametrize("bend", BENT.values(), ids=BENT)
@pytest.mark.parametrize("kind", ["launch", "chart"])
async def test_bent_cookies_open_nothing(ehr: LaunchingEhr, site: LaunchedSite, kind: str, bend: Bending) -> None:
    browser = site.browser()
    if kind == "launch":
        place = await site.begin(browser, ehr)
        url = f"{site.url}/launch/callback?state={state_of(place)}&code={ehr.authorise(place)}"
    else:
        url = await site.open(browser, ehr)
    ((name, value),) = browser.cookies.items()
    for cookies in (f"{name}={bend(value)}", f"{name}={bend(value)}; {name}={value}", f"{name}={value}; {name}=x"):
        answer = await site.client.get(url, headers={b"Cookie": cookies.encode("latin-1")})
        require_refusal(answer, 401, 403)
    good = await site.client.get(url, headers={"Cookie": f"a=b; {name}={value} ;c"})
    assert good.status_code in (200, 302)

"""Calls that want a token to go elsewhere, the records of another patient, or a server that falls over."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.charts import creatinine
from tests.support.hook_ehr import BASE, TOKEN, Ehr, chart
from tests.support.hook_site import AUTHORIZATION, SERVICES, anybody, call_of, hook_site, without_uuids

Json = dict[str, Any]

PATIENT = "ckd-progressing"
RENAL = SERVICES["renal-dosing"]
ELSEWHERE = "evil.example"


def outcome(answer: httpx.Response) -> str:
    """The code of the OperationOutcome that an answer is."""
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome"
    assert TOKEN not in answer.text
    return str(body["issue"][0]["code"])


SERVERS = {
    "link-local": "http://169.254.169.254/latest/meta-data",
    "link-local, in numbers": "http://2852039166/fhir",
    "IPv6 of this machine": "http://[::1]:8000/fhir",
    "by prefix": "https://ehr.example.evil.example/fhir",
    "a longer path": f"{BASE}/../evil",
    "a longer name": f"{BASE}evil",
    "userinfo": "https://ehr.example@evil.example/fhir",
    "userinfo of ours": "https://a:b@ehr.example/fhir",
    "a query": f"{BASE}?x=",
    "a fragment": f"{BASE}#x",
    "an upper-case host": "https://EHR.example/fhir",
    "an upper-case scheme": "HTTPS://ehr.example/fhir",
    "another path's case": "https://ehr.example/FHIR",
    "another scheme": "http://ehr.example/fhir",
    "the port": "https://ehr.example:443/fhir",
    "a letter of another script": "https://\u0435hr.example/fhir",
    "its punycode": "https://xn--hr-lmc.example/fhir",
    "a backslash": "https://ehr.example\\@evil.example/fhir",
    "a file": "file:///etc/passwd",
    "a percent sign": "https://ehr.example/%66hir",
    "a trailing dot": "https://ehr.example./fhir",
    "a tab": "https://ehr.example/fhir\t",
    "a line end": "https://ehr.example/fhir\r\nX: y",
    "none": "",
    "no text": 7,
}


@pytest.mark.parametrize("name", SERVERS)
async def test_a_server_that_is_not_the_clients_is_refused_and_nothing_is_sent(name: str) -> None:
    ehr = Ehr(chart(PATIENT))
    async with hook_site(anybody(), ehr) as site:
        body = call_of(RENAL, PATIENT, site.prefetch(RENAL, PATIENT), BASE) | {"fhirServer": SERVERS[name]}
        answer = await site.call(RENAL, body)
        assert answer.status_code == 400
        assert outcome(answer) in ("forbidden", "value", "required")
        assert (ehr.searched(), ehr.credentials()) == ([], set())


AUTHORIZATIONS: dict[str, Json] = {
    "of another patient": {"patient": "sepsis-ward"},
    "of a patient by reference": {"patient": f"Patient/{PATIENT}"},
    "with a line end": {"access_token": f"{TOKEN}\r\nX-Evil: 1"},
    "with a line feed": {"access_token": f"{TOKEN}\nx"},
    "with a blank": {"access_token": f"{TOKEN} x"},
    "not of ASCII": {"access_token": "t\u00f6ken"},
    "with a zero": {"access_token": f"{TOKEN}\u0000"},
    "empty": {"access_token": ""},
    "a list": {"access_token": [TOKEN]},
    "of another type": {"token_type": "DPoP"},
}


@pytest.mark.parametrize("name", AUTHORIZATIONS)
async def test_a_token_that_is_none_or_anothers_is_refused_and_nothing_is_sent(name: str) -> None:
    ehr = Ehr([*chart(PATIENT), *chart("sepsis-ward")])
    async with hook_site(anybody(), ehr) as site:
        body = call_of(RENAL, PATIENT, None, BASE, fhirAuthorization={**AUTHORIZATION, **AUTHORIZATIONS[name]})
        answer = await site.call(RENAL, body)
        assert answer.status_code == 400
        assert outcome(answer) in ("value", "required", "structure")
        assert (ehr.searched(), ehr.credentials()) == ([], set())


def elsewhere(request: httpx.Request) -> str:
    return str(request.url.copy_with(host=ELSEWHERE))


def _next_page(url: str) -> Callable[[httpx.Request], httpx.Response]:
    bundle = {"resourceType": "Bundle", "type": "searchset", "link": [{"relation": "next", "url": url}], "entry": []}
    return lambda _: httpx.Response(200, json=bundle)


LEADING_AWAY: dict[str, Callable[[httpx.Request], httpx.Response]] = {
    "302": lambda request: httpx.Response(302, headers={"Location": elsewhere(request)}),
    "307": lambda request: httpx.Response(307, headers={"Location": elsewhere(request)}),
    "next page elsewhere": _next_page(f"https://{ELSEWHERE}/fhir?page=2"),
    "next page, userinfo": _next_page(f"https://ehr.example@{ELSEWHERE}/fhir?page=2"),
    "next page, no scheme": _next_page(f"//{ELSEWHERE}/fhir?page=2"),
    "next page, http": _next_page("http://ehr.example/fhir?page=2"),
    "next page, port": _next_page("https://ehr.example:8443/fhir?page=2"),
    "next page, link-local": _next_page("http://169.254.169.254/latest?page=2"),
}


@pytest.mark.parametrize("name", LEADING_AWAY)
@pytest.mark.parametrize("prefetched", [False, True])
async def test_a_token_never_follows_to_another_server(name: str, prefetched: bool) -> None:
    ehr = Ehr(chart(PATIENT), answers={"Observation": LEADING_AWAY[name]})
    arrived: list[httpx.Request] = []

    def network(request: httpx.Request) -> httpx.Response:
        arrived.append(request)
        return ehr(request) if str(request.url).startswith(f"{BASE}/") else httpx.Response(200, json={})

    http = httpx.AsyncClient(transport=httpx.MockTransport(network), follow_redirects=False)
    async with hook_site(anybody(), ehr, http) as site:
        given = {"patient": site.prefetch(RENAL, PATIENT)["patient"]} if prefetched else None
        answer = await site.call(RENAL, call_of(RENAL, PATIENT, given, BASE))
    # The search failed: what the advice needs is not known, and that is said.
    assert answer.status_code == 412 and outcome(answer) == "incomplete"
    assert arrived and {str(each.url.copy_with(path="/", query=None)) for each in arrived} == {"https://ehr.example/"}


SCOPES = {
    "patient/*.rs": 200, "patient/*.read": 200, "user/*.read": 200, "system/*.rs": 200, "patient/*.*": 200,
    "patient/Observation.rs": 412, "patient/*.write": 412, "patient/*.cud": 412, "openid fhirUser launch": 412,
    "patient/Observation.rs?category=laboratory patient/Patient.rs": 412, "patient/*.r": 412, "PATIENT/*.RS": 412,
}  # fmt: skip


@pytest.mark.parametrize("scope", SCOPES)
async def test_the_scopes_of_both_versions_of_smart_are_heeded(scope: str) -> None:
    ehr = Ehr(chart(PATIENT))
    async with hook_site(anybody(), ehr) as site:
        body = call_of(RENAL, PATIENT, None, BASE, fhirAuthorization={**AUTHORIZATION, "scope": scope})
        answer = await site.call(RENAL, body)
    assert answer.status_code == SCOPES[scope], answer.text
    if answer.status_code == 412:
        assert outcome(answer) == "incomplete"


async def test_without_a_token_or_with_another_nothing_is_read() -> None:
    """Neither by our own rights nor out of what another token had fetched just before."""
    ehr = Ehr(chart(PATIENT))
    async with hook_site(anybody(cache={"enabled": True}), ehr) as site:
        assert await site.cards(RENAL, call_of(RENAL, PATIENT, None, BASE))
        for authorization in (None, {**AUTHORIZATION, "access_token": "another.token"}):
            body = call_of(RENAL, PATIENT, None, BASE, fhirAuthorization=authorization)
            body = body if authorization else {name: each for name, each in body.items() if name != "fhirAuthorization"}
            answer = await site.call(RENAL, body)
            assert answer.status_code == 412, answer.text
            assert "another.token" not in answer.text


def _of_another(prefetch: Json) -> Json:
    entry = {"resource": creatinine(0.7, "2026-06-30T09:00:00Z", of="healthy"), "search": {"mode": "match"}}
    return {
        key: {**each, "entry": [*each["entry"], entry]} if key.startswith("observation") else each
        for key, each in prefetch.items()
    }


SPOILT: dict[str, Callable[[Json], Json]] = {
    "null": dict.fromkeys,
    "nothing": lambda _: {},
    "outcomes": lambda given: {key: {"resourceType": "OperationOutcome", "issue": []} for key in given},
    "of another patient": _of_another,
    "the first page only": lambda given: {
        key: {**each, "link": [{"relation": "next", "url": f"{BASE}?page=2"}]} if "entry" in each else each
        for key, each in given.items()
    },
    "no search sets": lambda given: {
        key: {**each, "type": "collection"} if "entry" in each else each for key, each in given.items()
    },
    "another patient's record": lambda given: {**given, "patient": {**given["patient"], "id": "healthy"}},
}


NOT_ALL = ("of another patient", "another patient's record")
"""Those by which some of the prefetch stays good."""


@pytest.mark.parametrize("name", SPOILT)
@pytest.mark.parametrize("service_id", SERVICES)
async def test_what_is_no_data_is_fetched_or_told_by_412(name: str, service_id: str) -> None:
    service = SERVICES[service_id]
    ehr = Ehr(chart(PATIENT))
    async with hook_site(anybody(), ehr) as site:
        given = SPOILT[name](site.prefetch(service, PATIENT))
        answer = await site.call(service, call_of(service, PATIENT, given))
        expected = await site.cards(service, call_of(service, PATIENT, None, BASE))
        repaired = await site.cards(service, call_of(service, PATIENT, given, BASE))
    if answer.status_code == 200:
        # What cannot change that there is nothing to say is not needed.
        assert answer.json()["cards"] == expected == [] and name in NOT_ALL
    else:
        assert answer.status_code == 412 and outcome(answer) == "incomplete"
    assert "healthy" not in answer.text
    assert without_uuids(repaired) == without_uuids(expected)


LAB = "https://lab.example/fhir"
ADDRESSES = {"": 200, f"{BASE}/": 200, f"{LAB}/": 412, "https://x.example/": 412}


@pytest.mark.parametrize("base", ADDRESSES)
async def test_the_same_id_at_another_server_of_the_client_is_another_patient(base: str) -> None:
    """Neither is it taken for this patient's record, nor left out as if there were none."""
    ehr = Ehr(chart(PATIENT))
    sources = [{"id": name, "base_url": url, "auth": "caller"} for name, url in (("ehr", BASE), ("lab", LAB))]
    async with hook_site(anybody(sources=sources), ehr) as site:
        given = site.prefetch(RENAL, PATIENT)
        changed = json.loads(json.dumps(given).replace(f'"Patient/{PATIENT}"', f'"{base}Patient/{PATIENT}"'))
        only_patient = {**AUTHORIZATION, "scope": "patient/Patient.rs"}
        answer = await site.call(RENAL, call_of(RENAL, PATIENT, changed, BASE, fhirAuthorization=only_patient))
        assert answer.status_code == ADDRESSES[base], answer.text
        if base:
            repaired = await site.cards(RENAL, call_of(RENAL, PATIENT, changed, BASE))
            assert without_uuids(repaired) == without_uuids(
                await site.cards(RENAL, call_of(RENAL, PATIENT, given, BASE))
            )


GOOD = call_of(RENAL, PATIENT)
OPEN = json.dumps(GOOD).encode()[:-1]
BODIES: dict[str, tuple[int, bytes]] = {
    "nothing": (400, b""),
    "nested": (400, b'{"hook": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
    "nested in prefetch": (400, OPEN + b', "prefetch": {"a": ' + b'{"a":' * 500 + b"{}" + b"}" * 502),
    "NaN": (400, json.dumps({**GOOD, "extension": float("nan")}).encode()),
    "an infinite number": (400, json.dumps({**GOOD, "extension": float("inf")}).encode()),
    "40 MB": (413, json.dumps({**GOOD, "extension": "x" * 40_000_000}).encode()),
    "the same key twice": (400, OPEN + b', "hook": "order-sign"}'),
    "the same key twice, escaped": (400, OPEN + b', "h\\u006fok": "order-sign"}'),
    "the same key twice in a record": (
        400, OPEN + b', "prefetch": {"patient": {"id": "a", "id": "b"}}}'
    ),
    "half a surrogate pair": (400, json.dumps({**GOOD, "extension": "\ud800"}).encode()),
    "half a surrogate pair as a name": (400, json.dumps({**GOOD, "\udc00": 1}).encode()),
    "another encoding": (400, json.dumps(GOOD).encode("utf-16")),
    "a byte order mark": (400, b"\xef\xbb\xbf" + json.dumps(GOOD).encode()),
    "two documents": (400, json.dumps(GOOD).encode() * 2),
    "an array": (400, b"[" + json.dumps(GOOD).encode() + b"]"),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_is_no_call_is_refused_by_kind(name: str) -> None:
    status, body = BODIES[name]
    async with hook_site(anybody(), Ehr(chart(PATIENT))) as site:
        answer = await site.call(RENAL, body)
        assert answer.status_code == status, answer.text
        assert outcome(answer) in ("structure", "value", "required", "too-long")
        assert (await site.call(RENAL, call_of(RENAL, PATIENT, site.prefetch(RENAL, PATIENT)))).status_code == 200


async def test_names_and_numbers_without_end_are_read_in_bounds() -> None:
    """A hundred thousand keys that nobody asked for, and a number of a hundred thousand digits."""
    async with hook_site(anybody(), Ehr(chart(PATIENT))) as site:
        given = site.prefetch(RENAL, PATIENT)
        expected = await site.cards(RENAL, call_of(RENAL, PATIENT, given))
        flood = {f"key-{number}": {"resourceType": "Patient", "id": "healthy"} for number in range(100_000)}
        assert without_uuids(await site.cards(RENAL, call_of(RENAL, PATIENT, given | flood))) == without_uuids(expected)
        body = json.dumps(call_of(RENAL, PATIENT, given)).encode()[:-1] + b', "extension": ' + b"9" * 100_000 + b"}"
        assert (await site.call(RENAL, body)).status_code in (200, 400)

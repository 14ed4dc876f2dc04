"""Key sets: how seldom they are fetched, what follows of a new or withdrawn key, and of a set that cannot be had."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.authorisation_server import ec_key
from tests.support.charts import creatinine, patient
from tests.support.fake_fhir_servers import FakeFhir
from tests.support.token_issuer import (
    KID,
    NOW,
    ORIGIN,
    Clock,
    TokenIssuer,
    jwk_of,
    open_issuers,
    send_json,
    serving_callers,
    site,
)

RECORDS = (patient(), creatinine(1.6, "2026-06-01T08:30:00Z"))
QUERY = {"query": '{ patient(id: "p1") { results(of: ["egfr"], at: "2026-06-02T12:00:00Z") { status } } }'}
MODULES = {"query": "{ modules { id } }"}
STRANGER = ec.generate_private_key(ec.SECP384R1())


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_flood_of_invented_keys_is_one_fetch_and_does_not_hinder_good_tokens() -> None:
    clock, fhir = Clock(), FakeFhir(RECORDS)
    async with TokenIssuer.listening() as issuer, serving_callers(site(issuer.settings()), fhir, clock) as client:

        async def invented(number: int) -> int:
            token = issuer.token(key=STRANGER, kid=f"invented-{number}")
            return (await client.post("/graphql", json=MODULES, headers=bearer(token))).status_code

        statuses = await asyncio.gather(*map(invented, range(100)))
        assert set(statuses) == {401}
        assert issuer.fetches == 1
        clock.passed += 9.9
        assert await invented(100) == 401
        assert issuer.fetches == 1
        clock.passed += 0.2
        assert set(await asyncio.gather(*map(invented, range(50)))) == {401}
        assert issuer.fetches == 2
        good = await client.post("/graphql", json=MODULES, headers=bearer(issuer.token()))
        assert (good.status_code, issuer.fetches) == (200, 2)


async def test_a_new_key_is_taken_within_twenty_seconds_and_a_withdrawn_one_no_longer() -> None:
    clock, fhir = Clock(), FakeFhir(RECORDS)
    async with TokenIssuer.listening() as issuer, serving_callers(site(issuer.settings()), fhir, clock) as client:

        async def status(token: str) -> int:
            return (await client.post("/graphql", json=MODULES, headers=bearer(token))).status_code

        old = issuer.token()
        assert await status(old) == 200
        issuer.keys = [jwk_of(STRANGER, "key-2")]
        new = issuer.token(key=STRANGER, kid="key-2")
        clock.passed += 20
        assert (await status(new), issuer.fetches) == (200, 2)
        # The check of the old one is forgotten with its key.
        assert await status(old) == 401
        # A key that was changed under its old name, too.
        third = ec.generate_private_key(ec.SECP384R1())
        issuer.keys = [jwk_of(third, "key-2")]
        clock.passed += 20
        assert await status(issuer.token(key=third, kid="key-2")) == 200
        assert await status(new) == 401


async def test_a_withdrawn_key_is_noticed_by_whoever_goes_on_asking() -> None:
    clock, fhir = Clock(), FakeFhir(RECORDS)
    async with TokenIssuer.listening() as issuer, serving_callers(site(issuer.settings()), fhir, clock) as client:
        token = issuer.token(issuer.claims(exp=int(NOW) + 3600))
        assert (await client.post("/graphql", json=MODULES, headers=bearer(token))).status_code == 200
        issuer.keys = []
        clock.passed += 61
        assert (await client.post("/graphql", json=MODULES, headers=bearer(token))).status_code == 401


async def hang(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def huge(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 31457280\r\n\r\n")
    for _ in range(480):
        writer.write(b" " * 65_536)
        await writer.drain()


async def huge_undeclared(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
    for _ in range(480):
        writer.write(b" " * 65_536)
        await writer.drain()


def answering(content: object, status: str = "200 OK", **headers: object) -> Callable[[asyncio.StreamWriter], Any]:
    return lambda writer: send_json(writer, content, status, **headers)


@pytest.mark.parametrize(
    "misbehave",
    [
        huge,
        huge_undeclared,
        answering({"keys": [jwk_of(ec_key())]}, "302 Found", Location="http://127.0.0.1:9/jwks"),
        answering({"keys": [jwk_of(ec_key())]}, "307 Temporary Redirect", Location="/jwks2"),
        answering({"error": "x"}, "500 Internal Server Error"),
        answering({"keys": {}}),
        answering([jwk_of(ec_key())]),
        answering("no JSON object"),
    ],
)
async def test_a_key_set_that_cannot_be_had_is_503_and_not_a_refusal(
    misbehave: Callable[[asyncio.StreamWriter], Any], caplog: pytest.LogCaptureFixture
) -> None:
    clock, fhir = Clock(), FakeFhir(RECORDS)
    async with TokenIssuer.listening() as issuer, serving_callers(site(issuer.settings()), fhir, clock) as client:
        issuer.misbehave, token = misbehave, issuer.token()
        for _ in range(5):
            answer = await client.post("/graphql", json=QUERY, headers={**bearer(token), "Origin": ORIGIN})
            assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (503, "issuer-unreachable")
            assert 1 <= int(answer.headers["retry-after"]) <= 10
            assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert issuer.fetches == 1
        assert "issuer as: its key set cannot be retrieved" in caplog.text
        assert token.split(".")[1] not in caplog.text
        assert not [each for each in fhir.requests if each.url.path.endswith(("/Patient", "/Observation"))]
        # As soon as it is there again, the same token is good.
        issuer.misbehave = None
        clock.passed += 10
        assert (await client.post("/graphql", json=QUERY, headers=bearer(token))).status_code == 200


async def test_a_key_set_that_hangs_is_waited_for_five_seconds_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.access.bounded_http.TIMEOUT", 0.2)
    clock, fhir = Clock(), FakeFhir(RECORDS)
    async with TokenIssuer.listening() as issuer, serving_callers(site(issuer.settings()), fhir, clock) as client:
        issuer.misbehave = hang
        async with asyncio.timeout(5):
            sent = [client.post("/graphql", json=MODULES, headers=bearer(issuer.token())) for _ in range(20)]
            assert {each.status_code for each in await asyncio.gather(*sent)} == {503}
        assert issuer.fetches == 1


async def test_keys_at_hand_are_used_while_the_set_cannot_be_fetched_again() -> None:
    clock, fhir = Clock(), FakeFhir(RECORDS)
    async with TokenIssuer.listening() as issuer, serving_callers(site(issuer.settings()), fhir, clock) as client:

        async def status(kid: str = KID) -> int:
            token = issuer.token(issuer.claims(exp=int(NOW) + 3600, jti=str(clock.passed)), kid=kid)
            return (await client.post("/graphql", json=MODULES, headers=bearer(token))).status_code

        assert await status() == 200
        issuer.misbehave = answering({}, "500 Internal Server Error")
        clock.passed = 100
        assert await status() == 200
        # Of a key that is not at hand nobody can tell.
        assert await status("key-2") == 503
        clock.passed = 599
        assert await status() == 200
        clock.passed = 610
        assert await status() == 503


async def test_nobody_waits_for_a_set_that_failed_while_its_keys_are_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, fhir = Clock(), FakeFhir(RECORDS)
    async with TokenIssuer.listening() as issuer, serving_callers(site(issuer.settings()), fhir, clock) as client:

        async def status() -> int:
            token = issuer.token(issuer.claims(exp=int(NOW) + 3600, jti=str(clock.passed)))
            return (await client.post("/graphql", json=MODULES, headers=bearer(token))).status_code

        assert await status() == 200
        issuer.misbehave, clock.passed = answering({}, "500 Internal Server Error"), 61
        assert await status() == 200
        issuer.misbehave, clock.passed = hang, 72
        monkeypatch.setattr("server.access.bounded_http.TIMEOUT", 20.0)
        async with asyncio.timeout(5):
            assert await status() == 200
        for _ in range(500):
            if issuer.fetches == 3:
                break
            await asyncio.sleep(0.01)
        # It is fetched again nevertheless, beside the answers.
        assert issuer.fetches == 3


async def test_a_caller_who_goes_away_does_not_end_what_others_wait_for() -> None:
    may = asyncio.Event()

    async def slow(writer: asyncio.StreamWriter) -> None:
        await may.wait()
        await send_json(writer, {"keys": issuer.keys})

    async with TokenIssuer.listening() as issuer:
        issuer.misbehave = slow
        async with open_issuers(site(issuer.settings())) as issuers:
            first = asyncio.create_task(issuers.grant([f"Bearer {issuer.token()}"]))
            while not issuer.fetches:  # noqa: ASYNC110 - the issuer tells nobody
                await asyncio.sleep(0.01)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            second = asyncio.create_task(issuers.grant([f"Bearer {issuer.token(issuer.claims(sub='dr-2'))}"]))
            await asyncio.sleep(0.05)
            may.set()
            assert (await second).subject == "dr-2"
            assert issuer.fetches == 1

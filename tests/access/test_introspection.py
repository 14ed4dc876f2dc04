"""Opaque tokens: what their issuer says of them (RFC 7662), and how we identify ourselves there."""

import asyncio
import base64
import logging
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest

from server.access import introspection
from server.errors import AccessRefusedError, SettingsError
from tests.support.authorisation_server import ec_key, pem, verified_claims
from tests.support.charts import creatinine, patient
from tests.support.fake_fhir_servers import BASE, FakeFhir
from tests.support.token_issuer import (
    AUDIENCE,
    NOW,
    SECRET,
    Clock,
    TokenIssuer,
    open_issuers,
    send_json,
    serving_callers,
    site,
)

OPAQUE = ["Bearer opaque-token"]
QUERY = {"query": '{ patient(id: "p1") { results(of: ["egfr"], at: "2026-06-02T12:00:00Z") { status } } }'}


def vouched(issuer: TokenIssuer, **changed: Any) -> dict[str, Any]:
    """What the issuer says of a token, as SMART App Launch 2.2 has it."""
    return {"active": True, "token_type": "Bearer", "fhirUser": "Practitioner/1", **issuer.claims(**changed)}


async def test_an_opaque_token_is_answered_over_http() -> None:
    fhir = FakeFhir((patient(), creatinine(1.6, "2026-06-01T08:30:00Z")))
    async with TokenIssuer.listening() as issuer:
        issuer.known["opaque-token"] = vouched(issuer)
        async with serving_callers(site(issuer.introspection()), fhir) as client:
            for _ in range(3):
                answer = await client.post("/graphql", json=QUERY, headers={"Authorization": OPAQUE[0]})
                assert answer.json() == {"data": {"patient": {"results": [{"status": "COMPLETE"}]}}}
            unknown = await client.post("/graphql", json=QUERY, headers={"Authorization": "Bearer other"})
            assert (unknown.status_code, unknown.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert [form["token"] for _, form in issuer.asked] == ["opaque-token", "other"]


async def test_what_it_says_becomes_the_grant() -> None:
    async with TokenIssuer.listening() as issuer:
        issuer.known["opaque-token"] = vouched(issuer, scope="patient/Observation.rs", aud=None, iss=None)
        async with open_issuers(site(issuer.introspection())) as issuers:
            grant = await issuers.grant(OPAQUE)
    assert (grant.issuer, grant.subject, grant.client, grant.patient) == ("as", "dr-1", "app", "p1")
    assert (grant.scope, grant.audience, grant.expires) == ("patient/Observation.rs", frozenset(), NOW + 300)


async def test_our_secret_goes_in_the_header_as_oauth_writes_it() -> None:
    """SMART-270."""
    async with TokenIssuer.listening() as issuer:
        issuer.known["opaque-token"] = vouched(issuer)
        async with open_issuers(site(issuer.introspection())) as issuers:
            await issuers.grant(OPAQUE)
        ((headers, form),) = issuer.asked
    client, _, secret = base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode().partition(":")
    assert (unquote_plus(client), unquote_plus(secret)) == ("cds", SECRET)
    assert form == {"token": "opaque-token", "token_type_hint": "access_token"}


async def test_our_key_signs_an_assertion_for_the_issuer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    key_file = tmp_path / "key.pem"
    key_file.write_text(pem(ec_key()))
    key_file.chmod(0o644)
    async with TokenIssuer.listening() as issuer:
        issuer.known["opaque-token"] = vouched(issuer)
        async with open_issuers(site(issuer.introspection(key_file=str(key_file)))) as issuers:
            await issuers.grant(OPAQUE)
        ((headers, form),) = issuer.asked
        assert "authorization" not in headers
        assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        options = verified_claims(form["client_assertion"], ec_key(), "ES384", issuer.url)
    assert (options["iss"], options["sub"], form["client_id"]) == ("cds", "cds", "cds")
    assert options["exp"] == int(NOW) + 240
    assert "introspection.key_file can be read by everybody" in caplog.text


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"active": False}, "does not vouch"),
        ({"iss": "https://other.example"}, "another issuer"),
        ({"aud": "https://other.example"}, "aud"),
        ({"aud": {"x": 1}}, "aud"),
        ({"exp": int(NOW) - 60}, "expired"),
        ({"exp": None}, "does not state when it expires"),
        ({"nbf": int(NOW) + 61}, "not valid yet"),
        ({"token_type": "DPoP"}, "no bearer token"),
        ({"token_type": 1}, "no bearer token"),
        ({"patient": ["p1"]}, "patient"),
        ({"patient": "Patient/p1"}, "patient"),
        ({"scope": 5}, "scope"),
        ({"sub": 5}, "sub"),
    ],
)
async def test_what_it_does_not_vouch_for_is_refused(changed: dict[str, Any], says: str) -> None:
    async with TokenIssuer.listening() as issuer:
        said = {**vouched(issuer), **changed}
        issuer.known["opaque-token"] = {name: value for name, value in said.items() if value is not None}
        async with open_issuers(site(issuer.introspection())) as issuers:
            with pytest.raises(AccessRefusedError, match=says) as caught:
                await issuers.grant(OPAQUE)
    assert (caught.value.code, caught.value.status) == ("invalid-token", 401)


async def test_an_answer_is_kept_for_a_minute_at_most() -> None:
    clock = Clock()
    async with TokenIssuer.listening() as issuer:
        issuer.known["opaque-token"] = vouched(issuer)
        async with open_issuers(site(issuer.introspection()), clock) as issuers:
            await asyncio.gather(*(issuers.grant(OPAQUE) for _ in range(10)))
            clock.passed = 59
            await issuers.grant(OPAQUE)
            assert len(issuer.asked) == 1
            del issuer.known["opaque-token"]
            clock.passed = 60
            with pytest.raises(AccessRefusedError):
                await issuers.grant(OPAQUE)
            assert len(issuer.asked) == 2


async def test_a_jwt_goes_to_the_issuer_that_it_names() -> None:
    async with TokenIssuer.listening() as one, TokenIssuer.listening() as two:
        opaque = two.introspection()
        settings = site(one.settings(), {**opaque, "id": "two", "sources": ["lab"]}, sources=[
            {"id": "ehr", "base_url": BASE}, {"id": "lab", "base_url": "https://lab.example/fhir"},
        ])  # fmt: skip
        token, other = two.token(), one.token(one.claims(iss="https://nobody.example"))
        two.known[token] = two.known["opaque-token"] = vouched(two)
        async with open_issuers(settings) as issuers:
            assert (await issuers.grant([f"Bearer {one.token()}"])).issuer == "as"
            assert two.asked == []
            assert (await issuers.grant([f"Bearer {token}"])).issuer == "two"
            assert (await issuers.grant(OPAQUE)).sources == {"lab"}
            # One that names nobody who is known here is shown to nobody.
            with pytest.raises(AccessRefusedError, match="iss"):
                await issuers.grant([f"Bearer {other}"])
    assert [form["token"] for _, form in two.asked] == [token, "opaque-token"]


@pytest.mark.parametrize(
    ("token", "answer", "granted"),
    [
        # Where the answer leaves out for whom and for which patient, what the token itself says limits it.
        ({}, {"aud": None}, True),
        ({"aud": "https://other.example"}, {"aud": None}, False),
        ({"aud": "https://other.example"}, {"aud": []}, False),
        ({"aud": ["https://other.example", AUDIENCE]}, {"aud": None}, True),
        ({"aud": 7}, {"aud": None}, False),
        ({"aud": None}, {"aud": None}, False),
        ({"aud": None}, {}, True),
        ({"aud": "https://other.example"}, {}, True),
        ({}, {"aud": None, "patient": None}, True),
        ({"patient": ["p1"]}, {"patient": None}, False),
    ],
)
async def test_a_jwt_needs_an_audience_and_keeps_its_patient(
    token: dict[str, Any], answer: dict[str, Any], granted: bool
) -> None:
    async with TokenIssuer.listening() as issuer:
        sent = issuer.token(issuer.claims(**token))
        issuer.known[sent] = vouched(issuer, **answer)
        async with open_issuers(site({**issuer.introspection(), "any_patient": True})) as issuers:
            if granted:
                grant = await issuers.grant([f"Bearer {sent}"])
                assert grant.patient == "p1"
                assert AUDIENCE in grant.audience
            else:
                with pytest.raises(AccessRefusedError) as caught:
                    await issuers.grant([f"Bearer {sent}"])
                assert caught.value.code == "invalid-token"


@pytest.mark.parametrize(
    ("status", "content"),
    [
        ("401 Unauthorized", {"error": "invalid_client"}),
        ("500 Internal Server Error", {}),
        ("302 Found", {"active": True}),
        ("200 OK", {}),
        ("200 OK", {"active": "true"}),
        ("200 OK", ["active"]),
    ],
)
async def test_an_endpoint_that_does_not_answer_as_it_should_is_503(
    status: str, content: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with TokenIssuer.listening() as issuer:
        issuer.misbehave = lambda writer: send_json(writer, content, status, Location="/elsewhere")
        async with open_issuers(site(issuer.introspection())) as issuers:
            with pytest.raises(AccessRefusedError) as caught:
                await issuers.grant(OPAQUE)
            with pytest.raises(AccessRefusedError):
                await issuers.grant(["Bearer another-token"])
            assert (await issuers.faults())[0].startswith("issuer as: introspection: ")
    assert (caught.value.code, caught.value.status) == ("issuer-unreachable", 503)
    assert int(caught.value.headers["Retry-After"]) >= 1
    assert caplog.text.count("issuer as: tokens cannot be introspected: ") == 1
    assert "opaque-token" not in caplog.text + str(caught.value)
    assert SECRET not in caplog.text


async def test_an_endpoint_that_vouches_for_anything_is_reported() -> None:
    async with TokenIssuer.listening() as issuer, open_issuers(site(issuer.introspection())) as issuers:
        assert await issuers.faults() == []
        issuer.misbehave = lambda writer: send_json(writer, {"active": True})
        assert await issuers.faults() == ["issuer as: introspection: it vouches for a token that nobody issued"]


async def test_invented_tokens_are_no_flood_at_the_issuer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introspection, "LONGEST_WAIT", 0.05)
    running, most = 0, 0

    async def slow(writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.2)
        running -= 1
        await send_json(writer, {"active": False})

    async with TokenIssuer.listening() as issuer:
        issuer.misbehave = slow
        async with open_issuers(site(issuer.introspection())) as issuers:
            sent = [issuers.grant([f"Bearer invented-{number}"]) for number in range(60)]
            refused = await asyncio.gather(*sent, return_exceptions=True)
    codes = [each.code for each in refused if isinstance(each, AccessRefusedError)]
    assert len(codes) == 60
    assert most == codes.count("invalid-token") == introspection.MOST_AT_ONCE
    assert set(codes) == {"invalid-token", "issuer-unreachable"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe", "is not text"),
        (b"hunter2", "neither a PEM nor a JWK"),
        (b" " * (256 * 1024 + 1), "is too large"),
    ],
)
async def test_a_key_that_cannot_be_used_stops_the_start(tmp_path: Path, text: bytes | None, says: str) -> None:
    file = tmp_path / "key"
    if text is not None:
        file.write_bytes(text)
    async with TokenIssuer.listening() as issuer:
        with pytest.raises(SettingsError, match=says) as caught:
            open_issuers(site(issuer.introspection(key_file=str(file))))
        assert str(caught.value).startswith("issuer as: introspection.key_file: ")
        assert "hunter2" not in str(caught.value)
        with pytest.raises(SettingsError, match="the environment variable that it names is not set"):
            open_issuers(site(issuer.introspection(secret_env="NOT_SET")))

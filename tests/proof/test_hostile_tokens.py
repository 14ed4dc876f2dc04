"""Whoever comes without a good token gets nothing: over HTTP, through the whole application.

Nothing is fetched for a refused request, and no word of its token is in an answer, a header or a log.
"""

import asyncio
import base64
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.authorisation_server import ec_key, rsa_key
from tests.support.charts import creatinine, patient
from tests.support.fake_fhir_servers import BASE, FakeFhir
from tests.support.token_issuer import (
    AUDIENCE,
    KID,
    NOW,
    ORIGIN,
    TokenIssuer,
    jwk_of,
    serving_callers,
    site,
)

RECORDS = (patient(), creatinine(1.6, "2026-06-01T08:30:00Z"))
QUERY = {"query": '{ patient(id: "p1") { results(of: ["egfr"], at: "2026-06-02T12:00:00Z") { status } } }'}
MODULES = {"query": "{ modules { id } }"}
STRANGER = ec.generate_private_key(ec.SECP384R1())
P256 = ec.generate_private_key(ec.SECP256R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()
ALGORITHMS = ["ES384", "RS384", "ES256", "RS256", "EdDSA"]


def fetched(fhir: FakeFhir) -> list[str]:
    """What was asked of the EHR, but for what it publishes about itself."""
    paths = [each.url.path for each in fhir.requests]
    return [path for path in paths if not path.endswith("/metadata") and "/.well-known/" not in path]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def by_hand(header: object, claims: object, signature: bytes = b"") -> str:
    """A token that no library would write."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def secret_is_the_public_key(issuer: TokenIssuer) -> str:
    """HS256 with what everybody knows: accepted by whoever takes the algorithm from the token."""
    public = ec_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    unsigned = by_hand({"alg": "HS256", "kid": KID}, issuer.claims()).rstrip(".")
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(unsigned.encode(), public)
    return f"{unsigned}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def tampered(token: str) -> str:
    """Another patient in a signed token."""
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    return by_hand({}, {**claims, "patient": "p2"}).split(".")[1].join([f"{head}.", f".{signature}"])


Minted = Callable[[TokenIssuer], str]


def with_claims(**changed: Any) -> Minted:
    return lambda issuer: issuer.token(issuer.claims(**changed))


REFUSED: Mapping[str, tuple[Minted, str]] = {
    "alg none": (lambda i: by_hand({"alg": "none", "kid": KID}, i.claims()), "algorithm"),
    "alg None in capitals": (lambda i: by_hand({"alg": "NONE", "kid": KID}, i.claims()), "algorithm"),
    "alg is a list": (lambda i: by_hand({"alg": ["ES384"], "kid": KID}, i.claims()), "algorithm"),
    "HS256 with the public key": (secret_is_the_public_key, "algorithm"),
    "an algorithm that is not listed": (lambda i: i.token(key=rsa_key(), algorithm="PS256"), "algorithm"),
    "a stranger with our kid": (lambda i: i.token(key=STRANGER), "signature"),
    "own jwk": (lambda i: i.token(key=STRANGER, jwk=jwk_of(STRANGER)), "signature"),
    "own jku": (lambda i: i.token(key=STRANGER, kid="own", jku="http://127.0.0.1:9/jwks"), "no such key"),
    "own x5u": (lambda i: i.token(key=STRANGER, kid="own", x5u="http://127.0.0.1:9/x"), "no such key"),
    "no kid": (lambda i: i.token(kid=None), "kid"),
    "kid is a number": (lambda i: by_hand({"alg": "ES384", "kid": 1}, i.claims(), b"x"), "kid"),
    "kid of another algorithm": (lambda i: i.token(key=rsa_key(), algorithm="RS384"), "no such key"),
    "crit": (lambda i: i.token(crit=["exp2"], exp2=1), "crit"),
    "crit of b64": (lambda i: by_hand({"alg": "ES384", "kid": KID, "crit": ["b64"], "b64": True}, i.claims()), "crit"),
    "unencoded payload": (lambda i: by_hand({"alg": "ES384", "kid": KID, "b64": False}, i.claims()), "cannot be read"),
    "tampered": (lambda i: tampered(i.token()), "signature"),
    "no signature": (lambda i: i.token().rsplit(".", 1)[0] + ".", "signature"),
    "expired": (with_claims(exp=int(NOW) - 60), "expired"),
    "not yet": (with_claims(nbf=int(NOW) + 61), "not valid yet"),
    "no exp": (with_claims(exp=None), "exp"),
    "exp is a text": (with_claims(exp=str(int(NOW) + 300)), "exp is not a time"),
    "exp is true": (with_claims(exp=True), "exp is not a time"),
    "exp beyond all times": (lambda i: by_hand({"alg": "ES384", "kid": KID}, i.claims(exp=10**300)), "exp is not"),
    "no aud": (with_claims(aud=None), "aud"),
    "another aud": (with_claims(aud="https://other.example"), "aud"),
    "aud with a slash": (with_claims(aud=AUDIENCE + "/"), "aud"),
    "aud is a number": (with_claims(aud=7), "aud"),
    "an id token": (with_claims(aud="app", nonce="n", fhirUser="Practitioner/1"), "aud"),
    "another issuer": (with_claims(iss="https://auth.other.example"), "iss"),
    "issuer with a slash": (lambda i: i.token(i.claims(iss=f"{i.url}/")), "iss"),
    "issuer is a list": (lambda i: by_hand({"alg": "ES384", "kid": KID}, i.claims(iss=[i.url]), b"x"), "iss"),
    "no issuer": (with_claims(iss=None), "iss"),
    "patient is a list": (with_claims(patient=["p1"]), "patient"),
    "patient is null": (lambda i: i.token({**i.claims(), "patient": None}), "patient"),
    "patient is a number": (with_claims(patient=1), "patient"),
    "patient is an object": (with_claims(patient={"id": "p1"}), "patient"),
    "patient is a reference": (with_claims(patient="Patient/p1"), "patient"),
    "patient is empty": (with_claims(patient=""), "patient"),
    "scope is an object": (with_claims(scope={"patient/*.rs": True}), "scope"),
    "opaque": (lambda _: "opaque-token-of-somebody", "JWT"),
    "five parts, encrypted": (lambda i: i.token() + ".a.b", "JWT"),
    "claims are a list": (lambda _: by_hand({"alg": "ES384", "kid": KID}, ["a"], b"x"), "cannot be read"),
    "claims without end": (
        lambda _: (
            f"{by_hand({'alg': 'ES384', 'kid': KID}, {}).split('.')[0]}"
            f".{base64.urlsafe_b64encode(b'[' * 9000).rstrip(b'=').decode()}.x"
        ),
        "cannot be read",
    ),
}


async def refused_everywhere(
    client: httpx.AsyncClient, fhir: FakeFhir, caplog: pytest.LogCaptureFixture, token: str, says: str
) -> None:
    """Checks that the token buys nothing, and leaves no trace."""
    before = fetched(fhir)
    for body in (QUERY, MODULES):
        answer = await client.post("/graphql", json=body, headers={**bearer(token), "Origin": ORIGIN})
        assert answer.status_code == 401, answer.text
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        (error,) = answer.json()["errors"]
        assert "data" not in answer.json()
        assert error["extensions"]["code"] == "invalid-token"
        assert says in error["message"]
        shown = answer.text + str(answer.headers) + caplog.text
        for part in (token, *(each for each in token.split(".") if len(each) > 4)):
            assert part not in shown
            assert part[:16] not in shown or len(part) < 16
    health = await client.get("/health", headers=bearer(token))
    assert health.json() == {"status": "alive"}
    assert fetched(fhir) == before


async def test_each_hostile_token_is_refused_before_anything_is_fetched(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    fhir = FakeFhir(RECORDS)
    async with TokenIssuer.listening() as issuer:
        async with serving_callers(site(issuer.settings()), fhir) as client:
            good = await client.post("/graphql", json=QUERY, headers=bearer(issuer.token()))
            assert good.json() == {"data": {"patient": {"results": [{"status": "COMPLETE"}]}}}
            for name, (mint, says) in REFUSED.items():
                caplog.clear()
                try:
                    await refused_everywhere(client, fhir, caplog, mint(issuer), says)
                except AssertionError as error:
                    raise AssertionError(f"{name}: {error}") from error
        # All of them together cost the issuer one fetch: the clock stood still.
        assert issuer.fetches == 1


GOOD: Mapping[str, Minted] = {
    "typ JWT": lambda i: i.token(typ="JWT"),
    "typ at+jwt": lambda i: i.token(typ="at+jwt"),
    "no typ": lambda i: i.token(typ=""),
    "v1 scopes": with_claims(scope="patient/*.read launch/patient openid fhirUser"),
    "v2 scopes": with_claims(scope="patient/*.rs"),
    "scopes as a list": with_claims(scope=["patient/*.rs", "openid"]),
    "several audiences": with_claims(aud=["https://other.example", AUDIENCE]),
    "azp instead of client_id": with_claims(client_id=None, azp="app"),
    "no nbf": with_claims(nbf=None),
    "a fraction of a second": with_claims(exp=NOW + 300.5),
    "expired within the leeway": with_claims(exp=int(NOW) - 59),
    "from within the leeway": with_claims(nbf=int(NOW) + 60),
    "RSA": lambda i: i.token(key=rsa_key(), algorithm="RS256", kid="rsa"),
    "RSA of the other length of hash": lambda i: i.token(key=rsa_key(), algorithm="RS384", kid="rsa"),
    "P-256": lambda i: i.token(key=P256, algorithm="ES256", kid="p256"),
    "Ed25519": lambda i: i.token(key=ED25519, algorithm="EdDSA", kid="ed"),
}


@pytest.mark.parametrize("name", GOOD)
async def test_a_good_token_is_answered_and_checked_once(name: str) -> None:
    fhir = FakeFhir(RECORDS)
    async with TokenIssuer.listening() as issuer:
        issuer.keys += [jwk_of(rsa_key(), "rsa", use="sig"), jwk_of(P256, "p256", alg="ES256"), jwk_of(ED25519, "ed")]
        async with serving_callers(site(issuer.settings(algorithms=ALGORITHMS)), fhir) as client:
            for _ in range(3):
                answer = await client.post("/graphql", json=QUERY, headers=bearer(GOOD[name](issuer)))
                assert answer.json() == {"data": {"patient": {"results": [{"status": "COMPLETE"}]}}}
        assert issuer.fetches == 1


async def test_a_token_counts_in_its_header_only_and_only_once() -> None:
    fhir = FakeFhir(RECORDS)
    async with TokenIssuer.listening() as issuer, serving_callers(site(issuer.settings()), fhir) as client:
        good = issuer.token()
        form = {"query": MODULES["query"], "access_token": good}
        without = [
            await client.post("/graphql", json=MODULES),
            await client.post(f"/graphql?access_token={good}", json=MODULES),
            await client.post(
                "/graphql", json=MODULES, headers={"Cookie": f"access_token={good}; Authorization={good}"}
            ),
            await client.post("/graphql", json={**MODULES, "access_token": good}),
            await client.post("/graphql", data=form),
            await client.post("/graphql", json=MODULES, headers={"X-Authorization": f"Bearer {good}"}),
            await client.post("/graphql", json=MODULES, headers={"Authorization": f"Basic {good}"}),
            await client.post("/graphql", json=MODULES, headers={"Authorization": good}),
        ]
        for answer in without:
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert answer.json()["errors"][0]["extensions"]["code"] == "token-required"
        for headers in (
            [("Authorization", f"Bearer {good}"), ("Authorization", f"Bearer {good}")],
            [("Authorization", f"Bearer {good}"), ("Authorization", "Basic YTpi")],
            [("Authorization", f"Bearer {good}, Bearer {good}")],
            [("Authorization", f"Bearer {good} {good}")],
            [("Authorization", "Bearer")],
        ):
            answer = await client.post("/graphql", json=MODULES, headers=headers)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
            assert answer.json()["errors"][0]["extensions"]["code"] == "invalid-token"
        assert issuer.fetches == 0
        # GET stays refused, whatever it brings.
        assert (await client.get("/graphql", params=MODULES, headers=bearer(good))).status_code == 405


async def test_the_refusal_does_not_wait_for_the_body() -> None:
    head = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    async with TokenIssuer.listening() as issuer, serving_callers(site(issuer.settings()), FakeFhir(())) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write(head.encode())
        async with asyncio.timeout(5):
            assert b" 401 " in await reader.readline()
        writer.close()


async def test_two_issuers_and_each_speaks_for_itself() -> None:
    sources = [{"id": "ehr", "base_url": BASE}, {"id": "lab", "base_url": "https://lab.example/fhir"}]
    async with TokenIssuer.listening() as one, TokenIssuer.listening() as two:
        two.keys = [jwk_of(STRANGER)]
        settings = site(one.settings(), two.settings(id="two", sources=["lab"]), sources=sources)
        async with serving_callers(settings, FakeFhir(RECORDS)) as client:

            async def status(token: str) -> int:
                return (await client.post("/graphql", json=MODULES, headers=bearer(token))).status_code

            assert await status(one.token()) == await status(two.token(key=STRANGER)) == 200
            # The key of one does not speak for the other, though both call theirs by one name.
            assert await status(one.token(key=STRANGER)) == await status(two.token()) == 401


async def test_a_good_token_is_for_its_patient_alone() -> None:
    fhir = FakeFhir((*RECORDS, patient(id="p2")))
    async with TokenIssuer.listening() as issuer, serving_callers(site(issuer.settings()), fhir) as client:
        other = {"query": QUERY["query"].replace("p1", "p2")}
        answer = await client.post("/graphql", json=other, headers=bearer(issuer.token()))
        assert (answer.status_code, answer.json()["data"]) == (200, {"patient": None})
        assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["other-patient"]
        nobody = await client.post("/graphql", json=QUERY, headers=bearer(issuer.token(issuer.claims(patient=None))))
        assert [error["extensions"]["code"] for error in nobody.json()["errors"]] == ["patient-required"]
        assert fetched(fhir) == []
        assert "data" in (await client.post("/graphql", json=MODULES, headers=bearer(issuer.token()))).json()

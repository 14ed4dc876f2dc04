"""Tokens of a server that we did not write (oidc-provider), obtained by code flow, put to the whole application."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from collectors.auth.signing_key import read_key
from fixtures.smart.code_flow import obtain_tokens
from fixtures.smart.running import (
    PACKAGES,
    AuthorisationServer,
    Resource,
    User,
    browser_app,
    resource_server,
    running_authorisation_server,
)
from server.settings import Settings
from tests.support.authorisation_server import ec_key, pem
from tests.support.charts import creatinine, patient
from tests.support.fake_fhir_servers import FakeFhir
from tests.support.installed import require_npm
from tests.support.token_issuer import AUDIENCE, SECRET, Clock, serving_callers, site

RECORDS = (patient(), creatinine(1.6, "2026-06-01T08:30:00Z"))
QUERY = {"query": '{ patient(id: "p1") { results(of: ["egfr"], at: "2026-06-02T12:00:00Z") { status } } }'}
OTHER = {"query": QUERY["query"].replace("p1", "p2")}
ANSWERED = {"data": {"patient": {"results": [{"status": "COMPLETE"}]}}}
PAGE = "http://127.0.0.1:9/"
USER = User("dr-1", ("p1", "p2"))
BY_RSA, OPAQUE, ELSEWHERE = (f"https://cds.example/{name}" for name in ("rsa", "opaque", "elsewhere"))
RESOURCES = {
    AUDIENCE: Resource(algorithm="ES384"),
    BY_RSA: Resource((ELSEWHERE, BY_RSA), algorithm="RS256"),
    OPAQUE: Resource(format="opaque"),
    ELSEWHERE: Resource(format="opaque"),
}


class Now(Clock):
    """The server's time is that of this machine."""

    def wall(self) -> float:
        return time.time() + self.passed


@pytest.fixture(scope="module")
def issuer() -> Iterator[AuthorisationServer]:
    require_npm(PACKAGES)
    by_key = resource_server("cds-key", public_jwk=read_key(pem(ec_key())).public_jwk())
    clients = [browser_app("app", PAGE), resource_server("cds", SECRET), by_key]
    with running_authorisation_server([USER], clients, RESOURCES) as running:
        yield running


def obtain(issuer: AuthorisationServer, aud: str, scope: str = "patient/*.rs", **more: Any) -> dict[str, Any]:
    scope = f"launch/patient {scope}"
    return obtain_tokens(issuer, USER, client_id="app", redirect_uri=PAGE, aud=aud, scope=scope, **more)


def settings(issuer: AuthorisationServer, audience: str, **checked: Any) -> Settings:
    return site({"id": "as", "issuer": issuer.issuer, "audience": [audience], "sources": ["ehr"], **checked})


def by_keys(issuer: AuthorisationServer, audience: str = AUDIENCE) -> Settings:
    return settings(issuer, audience, jwks_url=issuer.jwks_url)


async def answers(made: Settings, token: str, clock: Clock | None = None) -> tuple[Any, Any]:
    """What p1 is answered, and the codes for p2."""
    headers = {"Authorization": f"Bearer {token}"}
    async with serving_callers(made, FakeFhir(RECORDS), clock or Now()) as client:
        own = await client.post("/graphql", json=QUERY, headers=headers)
        other = (await client.post("/graphql", json=OTHER, headers=headers)).json()
    return own.json(), [each["extensions"]["code"] for each in other.get("errors", [])]


def code(answer: dict[str, Any]) -> str:
    return str(answer["errors"][0]["extensions"]["code"])


@pytest.mark.parametrize(("audience", "algorithm"), [(AUDIENCE, "ES384"), (BY_RSA, "RS256")])
@pytest.mark.parametrize("scope", ["patient/*.rs", "patient/*.read", "user/*.rs"])
async def test_its_jwts_are_checked_by_its_keys(
    issuer: AuthorisationServer, audience: str, algorithm: str, scope: str
) -> None:
    token = obtain(issuer, audience, scope)["access_token"]
    header = jwt.get_unverified_header(token)
    assert (header["typ"], header["alg"]) == ("at+jwt", algorithm)
    assert await answers(by_keys(issuer, audience), token) == (ANSWERED, ["other-patient"])


async def test_a_token_for_another_patient_is_for_that_one(issuer: AuthorisationServer) -> None:
    own, codes = await answers(by_keys(issuer), obtain(issuer, AUDIENCE, patient="p2")["access_token"])
    assert code(own) == "other-patient"
    assert "other-patient" not in codes


async def test_for_another_audience_old_and_id_tokens_are_refused(issuer: AuthorisationServer) -> None:
    late = Now()
    late.passed = 361
    found = obtain(issuer, AUDIENCE, "openid fhirUser patient/*.rs")
    hostile = ((obtain(issuer, BY_RSA)["access_token"], None), (found["access_token"], late), (found["id_token"], None))
    for token, clock in hostile:
        refused, codes = await answers(by_keys(issuer), token, clock)
        assert code(refused) == "invalid-token"
        assert codes == ["invalid-token"]


@pytest.mark.parametrize("client", ["cds", "cds-key"])
async def test_its_opaque_tokens_are_introspected(issuer: AuthorisationServer, client: str, tmp_path: Path) -> None:
    key_file = tmp_path / "key.pem"
    key_file.write_text(pem(ec_key()))
    key_file.chmod(0o600)
    credential = {"secret_env": "AS_SECRET"} if client == "cds" else {"key_file": str(key_file)}
    endpoint = {"url": issuer.introspection_url, "client_id": client, **credential}
    made = settings(issuer, OPAQUE, introspection=endpoint)
    token = obtain(issuer, OPAQUE)["access_token"]
    assert "." not in token
    assert await answers(made, token) == (ANSWERED, ["other-patient"])
    for wrong in (token[:-1] + ("a" if token[-1] != "a" else "b"), obtain(issuer, ELSEWHERE)["access_token"]):
        refused, _ = await answers(made, wrong)
        assert code(refused) == "invalid-token"


async def test_scopes_that_it_narrowed_hold(issuer: AuthorisationServer) -> None:
    scope = "patient/Patient.rs patient/Observation.rs patient/Condition.rs"
    token = obtain(issuer, AUDIENCE, scope, refuse_scopes=["patient/Observation.rs"])["access_token"]
    [result] = (await answers(by_keys(issuer), token))[0]["data"]["patient"]["results"]
    assert result["status"] == "INSUFFICIENT"

"""SMART Backend Services from a question to its answer, against an authorisation server that checks what it is sent."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from collectors.fetching import transport
from server.cli.source import jwks
from server.executor.engine import Engine
from server.settings import Settings
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import shipped
from tests.support.fake_fhir_servers import BASE, FakeFhir, application_client
from tests.support.settings import make_settings

RECORDS = (patient(), creatinine(1.6, "2026-06-01T08:30:00Z"))
QUERY = (
    '{ patient(id: "p1") { results(of: ["serum-creatinine"], at: "2026-06-02T12:00:00Z") '
    "{ status value { ... on Absent { reason } ... on Quantity { value } } issues { code text } } } }"
)
TOKEN_URL = f"{BASE}/oauth2/token"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_FIRST_BACKOFF", 0.001)


class Site(FakeFhir):
    """FHIR and authorisation at one origin.  It knows the client by the key set that was registered, takes no assertion
    twice, and serves records only to the last token that it gave."""

    def __init__(self, registered: Any) -> None:
        super().__init__(RECORDS)
        self.keys = {each["kid"]: jwt.PyJWK(each) for each in registered["keys"]}
        self.named: str | None = TOKEN_URL
        self.seen: set[str] = set()
        self.granted: list[str] = []
        self.current: str | None = None
        self.revoking = False
        self.away = False
        self.hosts: set[str] = set()

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.hosts.add(request.url.host)
        if path.endswith("/.well-known/smart-configuration"):
            return httpx.Response(200, json={"token_endpoint": self.named})
        if path.endswith("/metadata"):
            return super().answer(request)
        if request.method == "POST":
            return self._token(request)
        if self.revoking or request.headers.get("authorization") != f"Bearer {self.current}":
            return httpx.Response(401, json={"resourceType": "OperationOutcome"})
        return super().answer(request)

    def _token(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            return httpx.Response(503)
        form = {name: value for name, [value] in parse_qs(request.content.decode()).items()}
        try:
            header = jwt.get_unverified_header(form["client_assertion"])
            claims = jwt.decode(
                form["client_assertion"],
                self.keys[header["kid"]],
                algorithms=["RS384", "ES384"],
                audience=TOKEN_URL,
                options={"require": ["iss", "sub", "aud", "exp", "jti"]},
            )
            assert claims["iss"] == claims["sub"] == "medtwin" and claims["jti"] not in self.seen
        except (jwt.InvalidTokenError, AssertionError, KeyError):
            return httpx.Response(400, json={"error": "invalid_client"})
        self.seen.add(claims["jti"])
        self.current = f"tok-{len(self.seen)}"
        self.granted.append(form["scope"])
        return httpx.Response(200, json={"access_token": self.current, "token_type": "bearer", "expires_in": 300})


def made(folder: Path, private: Any, name: str = "key.pem", **more: str) -> Settings:
    file = folder / name
    file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    backend = {"client_id": "medtwin", "key_file": str(file), **more}
    return make_settings(sources=[{"id": "ehr", "base_url": BASE, "auth": "backend", "backend": backend}])


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Settings, Site]:
    settings = made(tmp_path, ec.generate_private_key(ec.SECP384R1()))
    jwks.run(settings, "ehr")
    return settings, Site(json.loads(capsys.readouterr().out))


@asynccontextmanager
async def over(settings: Settings, fhir: Site) -> AsyncIterator[Callable[[], Any]]:
    async def ask() -> Any:
        told = (await client.post("/graphql", json={"query": QUERY})).json()
        assert "errors" not in told, told
        (result,) = told["data"]["patient"]["results"]
        return result

    engine = await Engine.open(settings, shipped(), fhir.client())
    async with application_client(engine) as client:
        yield ask


def refused_with(result: Any, reason: str, says: str) -> None:
    assert (result["status"], result["value"]) == ("INSUFFICIENT", {"reason": reason})
    assert any(says in issue["text"] for issue in result["issues"]), result["issues"]


@pytest.mark.parametrize("kind", ["RS384", "ES384"])
async def test_what_is_registered_opens_the_source(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SMART-225, SMART-291, SMART-293."""
    private = rsa.generate_private_key(65537, 2048) if kind == "RS384" else ec.generate_private_key(ec.SECP384R1())
    settings = made(tmp_path, private, scope="system/Patient.rs system/Observation.rs")
    jwks.run(settings, "ehr")
    fhir = Site(json.loads(capsys.readouterr().out))
    async with over(settings, fhir) as ask:
        assert (await ask())["value"] == {"value": 1.6}
        assert (await ask())["value"] == {"value": 1.6}
    assert fhir.granted == ["system/Patient.rs system/Observation.rs"]


async def test_a_revoked_token_is_replaced_within_the_question(site: tuple[Settings, Site]) -> None:
    settings, fhir = site
    async with over(settings, fhir) as ask:
        await ask()
        fhir.current = "another"
        assert (await ask())["value"] == {"value": 1.6}
    assert len(fhir.granted) == 2


async def test_a_source_that_takes_no_token_permits_nothing(site: tuple[Settings, Site]) -> None:
    settings, fhir = site
    fhir.revoking = True
    async with over(settings, fhir) as ask:
        refused_with(await ask(), "NOT_PERMITTED", "it accepts no token that was given for this client")
    assert len(fhir.granted) == 2


async def test_a_key_that_is_not_registered_permits_nothing(site: tuple[Settings, Site], tmp_path: Path) -> None:
    other = made(tmp_path, ec.generate_private_key(ec.SECP384R1()), "other.pem", key_id=next(iter(site[1].keys)))
    async with over(other, site[1]) as ask:
        refused_with(await ask(), "NOT_PERMITTED", "(invalid_client): check backend.client_id")


async def test_an_authorisation_server_that_is_away_is_not_a_refusal(site: tuple[Settings, Site]) -> None:
    settings, fhir = site
    fhir.away = True
    async with over(settings, fhir) as ask:
        refused_with(await ask(), "UNREACHABLE", "its token endpoint cannot answer now (503)")


async def test_no_assertion_goes_where_only_the_source_says(site: tuple[Settings, Site]) -> None:
    settings, fhir = site
    fhir.named = "https://evil.example/token"
    async with over(settings, fhir) as ask:
        refused_with(await ask(), "NOT_PERMITTED", "on another host; if that is right, set backend.token_url to it")
    assert fhir.hosts == {"ehr.example"}
    assert fhir.granted == []

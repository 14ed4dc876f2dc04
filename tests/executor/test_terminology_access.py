"""A terminology server that wants authorisation, and what health tells of one."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ontology.values import Absent, AbsentReason, Quantity
from server.cli.source import jwks
from server.errors import SettingsError
from server.executor.engine import Engine
from server.executor.question import Question
from server.explain.explain import explain
from server.settings import Settings
from tests.collectors.terminology.fake_terminology import BASE as TX
from tests.collectors.terminology.fake_terminology import FakeTerminology
from tests.collectors.terminology.terminology_making import LOINC
from tests.executor.test_engine_terms import by_set
from tests.support.asking import AT, shipped
from tests.support.charts import creatinine, patient
from tests.support.faulty import serving
from tests.support.fhir_server import BASE, FakeFhir


class Locked:
    """A source that is open, and a terminology server that answers to the token that it gives, and to no other."""

    def __init__(self, status: int = 200) -> None:
        self.ehr = FakeFhir([patient(), creatinine(1.6, "2026-06-29T08:30:00Z")])
        self.tx = FakeTerminology((LOINC, "2160-0"))
        self.status = status
        self.with_token: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        token = request.headers.get("authorization")
        if not str(request.url).startswith(TX):
            assert token is None
            return self.ehr.answer(request)
        if request.url.path.endswith("/.well-known/smart-configuration"):
            return httpx.Response(200, json={"token_endpoint": f"{TX}/token"})
        if request.url.path.endswith("/token"):
            return httpx.Response(200, json={"access_token": "tok", "token_type": "bearer", "expires_in": 300})
        if request.url.path.endswith("/metadata"):
            return httpx.Response(self.status)
        if token != "Bearer tok":
            return httpx.Response(401)
        self.with_token.append(request.url.path)
        return self.tx(request)

    async def open(self, **terminology: Any) -> Engine:
        given = {"terminology": {"base_url": TX, **terminology}} if terminology.pop("there", True) else {}
        settings = Settings(sources=[{"id": "ehr", "base_url": BASE}], cache={"enabled": False}, **given)
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        return await Engine.open(settings, by_set(shipped()), client)


def backend(folder: Path) -> dict[str, str]:
    file = folder / "key.pem"
    key = ec.generate_private_key(ec.SECP384R1())
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    return {"client_id": "medtwin", "key_file": str(file)}


@pytest.mark.parametrize("authorised", [True, False])
async def test_a_set_of_a_server_that_wants_a_token(authorised: bool, tmp_path: Path) -> None:
    site = Locked()
    more: dict[str, Any] = {"auth": "backend", "backend": backend(tmp_path)} if authorised else {}
    async with await site.open(**more) as engine:
        (result,) = explain(await engine.ask(Question("p1", ("serum-creatinine",), AT)))
    if authorised:
        assert isinstance(result.value, Quantity)
        assert {path.rsplit("/", 1)[-1] for path in site.with_token} == {"$expand"}
    else:
        assert result.value == Absent(AbsentReason.NOT_PERMITTED)


def test_the_key_to_register_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"base_url": TX, "auth": "backend", "backend": backend(tmp_path)}
    assert jwks.run(Settings(sources=[], terminology=given), "terminology") == 0
    (key,) = json.loads(capsys.readouterr().out)["keys"]
    assert key["kty"] == "EC" and "d" not in key


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"auth": "backend"}, "needs backend.client_id"),
        ({"backend": {"client_id": "a", "key_env": "KEY"}}, 'backend is of use with auth = "backend" only'),
        (
            {"base_url": "http://tx.test/fhir", "allow_http": True, "auth": "backend",
             "backend": {"client_id": "a", "key_env": "KEY"}},
            "needs https, also with allow_http",
        ),
        ({"base_url": "http://127.0.0.1/fhir", "tls": {"ca_file": "ca.pem"}}, "tls is of use with https only"),
        ({"auth": "caller"}, "Input should be 'none' or 'backend'"),
    ],
)  # fmt: skip
def test_settings_that_are_refused(more: dict[str, Any], fault: str) -> None:
    with pytest.raises((SettingsError, ValueError), match=fault):
        Settings(sources=[], terminology={"base_url": TX, **more})


@pytest.mark.parametrize(
    ("there", "status", "told"),
    [
        (False, 200, None),
        (True, 200, {"reachable": True, "text": "answers"}),
        (True, 503, {"reachable": False, "text": "answers 503"}),
    ],
)
async def test_health_tells_of_it_and_readiness_does_not_hang_on_it(there: bool, status: int, told: Any) -> None:
    async with serving(await Locked(status).open(there=there)) as client:
        alive, able = await client.get("/health"), await client.get("/ready")
    assert (alive.json()["terminology"], able.json()["terminology"]) == (told, told)
    assert able.json()["sources"][0]["reachable"] is True
    assert able.status_code == 200

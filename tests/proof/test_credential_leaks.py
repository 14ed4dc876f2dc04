"""A credential is sent to where it belongs, and stands nowhere else: in no log, error, answer, cache key or value."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from collectors.fetching import transport
from ontology.errors import MedtwinError
from server.executor.cache.encryption import Keyring
from server.executor.engine import Engine
from server.executor.question import Question
from server.settings import Settings
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import AT, shipped
from tests.support.fake_fhir_servers import (
    BASE,
    EVERYTHING,
    FakeFhir,
    GuardedFhir,
    application_client,
    guarded_engine,
    watch_embedded,
)
from tests.support.secrets_chart import assert_none, cache_contents, everything_logged
from tests.support.settings import make_settings

RECORDS = (patient(), creatinine(1.6, "2026-06-29T08:30:00Z"))
TOKEN, EXPIRED, GIVEN = "tok-zq7x-all", "tok-zq7x-expired", "tok-zq7x-given"
SECRETS = {"zq7x"}
QUERY = '{ patient(id: "p1") { results(of: ["egfr"], at: "2026-06-30T12:00:00Z") { text fhir provenance argument } } }'


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_FIRST_BACKOFF", 0.001)


def guarded() -> GuardedFhir:
    return GuardedFhir(RECORDS, **{TOKEN: EVERYTHING})


@pytest.mark.parametrize("token", [TOKEN, EXPIRED, f"zq7x {TOKEN}", "zq7x" * 9000])
async def test_the_callers_token(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    caches = watch_embedded(monkeypatch)
    fhir = guarded()
    with everything_logged() as lines:
        async with guarded_engine(fhir) as engine, application_client(engine) as client:
            headers = {"authorization": f"Bearer {token}"}
            told = await client.post("/graphql", json={"query": QUERY}, headers=headers)
            await engine.memory.store.flush()
            names, values = await cache_contents(caches[-1])
            shown = [repr(vars(each)) for each in (engine, engine.memory, engine.gatherer, engine.authorisations)]
    assert_none(SECRETS, "the answer", [told.text, repr(told.headers)])
    assert_none(SECRETS, "the log", [line for line in lines if not line.startswith(("httpx", "httpcore"))])
    assert_none(SECRETS, "a cache key", [name.decode("ascii") for name in names])
    assert_none(SECRETS, "a cached value", [value.decode("latin-1") for value in values])
    assert_none(SECRETS, "the engine", shown)
    if token == TOKEN:
        assert names and fhir.searched_with(TOKEN), "the question was never answered: nothing was proven"


async def test_while_a_question_is_under_way() -> None:
    """What is keyed while requests are under way is keyed by what stands for the token."""
    here, go_on = asyncio.Event(), asyncio.Event()

    class Waiting(GuardedFhir):
        def client(self) -> httpx.AsyncClient:
            async def wait(request: httpx.Request) -> httpx.Response:
                if request.url.path.endswith("/Patient"):
                    here.set()
                    await go_on.wait()
                return self.answer(request)

            return httpx.AsyncClient(transport=httpx.MockTransport(wait))

    async with guarded_engine(Waiting(RECORDS, **{TOKEN: EVERYTHING})) as engine:
        asked = asyncio.ensure_future(engine.ask(Question("p1", ("egfr",), AT, token=TOKEN)))
        await here.wait()
        shown = repr(vars(engine.gatherer)) + repr(engine.gatherer._single_flight._pending)
        go_on.set()
        await asked
    # That something was under way at all.
    assert "'Patient'" in shown
    assert_none(SECRETS, "what is under way", [shown])


def test_what_stands_for_a_token() -> None:
    one, again, other = Keyring.from_secret(b"k" * 32), Keyring.from_secret(b"k" * 32), Keyring.from_secret(b"l" * 32)
    assert one.scope_of(TOKEN) == again.scope_of(TOKEN)
    assert len({one.scope_of(TOKEN), one.scope_of(EXPIRED), other.scope_of(TOKEN), one.scope_of(None)}) == 4
    assert (one.scope_of(None), len(one.scope_of(TOKEN))) == ("", 64)
    assert "zq7x" not in repr(Question("p1", ("egfr",), token=TOKEN))


class BackendEhr(FakeFhir):
    """Answers with records to who has the token that its token endpoint gave; ``says`` is what that says instead."""

    def __init__(self, says: httpx.Response | None = None) -> None:
        super().__init__(RECORDS)
        self.says = says
        self.forms: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "auth.example":
            self.forms.append(request.content.decode())
            given = {"access_token": GIVEN, "token_type": "bearer", "expires_in": 300}
            return self.says or httpx.Response(200, json=given)
        if request.headers.get("authorization") != f"Bearer {GIVEN}":
            return httpx.Response(401, json={})
        return super().answer(request)


def settings(folder: Path, key: str) -> Settings:
    file = folder / "key.pem"
    file.write_text(key)
    file.chmod(0o600)
    backend = {"client_id": "medtwin", "key_file": str(file), "token_url": "https://auth.example/token"}
    return make_settings(sources=[{"id": "ehr", "base_url": BASE, "auth": "backend", "backend": backend}])


def key() -> str:
    made = ec.generate_private_key(ec.SECP384R1())
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


OAUTH = {"error": "invalid_client", "error_description": "zq7x"}
ANSWERS: list[tuple[httpx.Response | None, str | None]] = [
    (None, None),
    (httpx.Response(400, json=OAUTH), "source-refused"),
    (httpx.Response(500, html="<p>zq7x</p>"), "source-unreachable"),
    (httpx.Response(200, json={"access_token": "zq7x", "token_type": "mac"}), "source-unreachable"),
]


@pytest.mark.parametrize(("says", "code"), ANSWERS)
async def test_our_own_token(
    says: httpx.Response | None, code: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    caches = watch_embedded(monkeypatch)
    fhir, private = BackendEhr(says), key()
    with everything_logged() as lines:
        async with await Engine.open(settings(tmp_path, private), shipped(), fhir.client()) as engine:
            trace = await engine.ask(Question("p1", ("egfr",), AT))
            await engine.memory.store.flush()
            names, values = await cache_contents(caches[-1])
            shown = [
                repr(vars(each)) for each in (engine, engine.authorisations, *engine.authorisations._backends.values())
            ]
    sent = [part for form in fhir.forms for part in form.split("client_assertion=")[1:]]
    assert sent
    body = private.splitlines()[1]
    secrets = {"zq7x", body, *sent}
    assert_none(secrets, "the log", lines)
    assert_none(secrets, "an issue", [issue.text for issue in trace.issues])
    assert_none(secrets, "a cache key", [name.decode("ascii") for name in names])
    assert_none(secrets, "a cached value", [value.decode("latin-1") for value in values])
    assert_none(secrets, "the engine", shown)
    assert {issue.code for issue in trace.issues if issue.code.startswith("source-")} == ({code} if code else set())


@pytest.mark.parametrize(
    "text", ["zq7x", "-----BEGIN PRIVATE KEY-----\nzq7x\n-----END PRIVATE KEY-----", '{"zq7x": 1}']
)
async def test_a_key_that_cannot_be_used_stops_the_start_and_is_not_shown(tmp_path: Path, text: str) -> None:
    with everything_logged() as lines, pytest.raises(MedtwinError, match=r"^source ehr: backend.key_file: ") as caught:
        await Engine.open(settings(tmp_path, text), shipped())
    assert_none(SECRETS, "the error", [str(caught.value), repr(caught.value)])
    assert_none(SECRETS, "the log", lines)


def test_a_leak_would_show() -> None:
    with pytest.raises(AssertionError, match="the answer holds"):
        assert_none(SECRETS, "the answer", [json.dumps({"token": TOKEN})])

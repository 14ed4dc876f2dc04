"""What an EHR waits for: a call of a service with its prefetch, and all services with records that must be fetched."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from statistics import quantiles
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.catalogs import shipped
from benchmarks.measure import Sizes, Spread, paired, ratios
from benchmarks.report import Part, Row
from benchmarks.sandbox import sandbox
from server.app import create_app
from server.app.hooks import shipped_hooks
from server.catalog.catalog import ROOT
from server.catalog.services import Hook, Service
from server.executor.engine import Engine
from server.executor.warm_up import warm_up_catalog
from server.hooks.clients import HookClient
from server.hooks.discovery import discovery
from server.hooks.endpoint import HookParts
from server.hooks.request import HookRequest, read_request
from server.settings import Settings

Json = dict[str, Any]

PATIENT, AT = "ckd-progressing", datetime(2026, 6, 30, 12, tzinfo=UTC)
"""A patient of ``fixtures/patients`` with 90 records, and when they end."""
PREFETCHED = "renal-dosing"
LATENCY = 0.050
"""Seconds of the source, where records are fetched."""
PUBLIC, ISSUER, KID = "https://cds.example", "https://ehr.example", "key-1"
TYPES = (
    "Patient", "Observation", "Condition", "Encounter", "Procedure", "MedicationRequest", "MedicationStatement",
    "MedicationAdministration", "MedicationDispense", "AllergyIntolerance", "DiagnosticReport", "QuestionnaireResponse",
)  # fmt: skip
METFORMIN = {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "861007"}


async def run(sizes: Sizes) -> Part:
    """Calls by ASGI, each with a token of its own; the handler beside them has the same service and nothing else."""
    calls = 10 * sizes.repeats
    services = shipped().services
    records = [each["resource"] for each in _json(ROOT / "fixtures" / "patients" / f"{PATIENT}.json")["entry"]]
    rows: list[Row] = []
    async with _server("https://fhir.example/r4") as (client, token, engine):
        service = services[PREFETCHED]
        body = msgspec.json.encode(_call(service) | {"prefetch": _prefetch(service, engine, records)})
        async with _bare(service, engine) as bare:
            call = partial(_post, client, service, body, token)
            took, beside = await paired([call, partial(_post, bare, service, body, None)], calls, warm=3)
    for name, part, budget in (("p50", 50, None), ("p95", 95, 50.0), ("p99", 99, None)):
        measured = Spread.of([_percentile(took, part) * 1e3])
        rows.append(Row(f"hook with prefetch, warm, {name}", measured, "ms", budget, f"{PREFETCHED}, {calls} calls"))
    name = "hook with prefetch ÷ the same service in a bare Starlette handler"
    rows.append(Row(name, Spread.of(ratios(took, beside)), "×", 2.0, "token, checks of the call, limits, headers"))
    with sandbox({PATIENT: records}, LATENCY, TYPES) as base_url:
        async with _server(base_url) as (client, token, _):
            fetching = [
                partial(_post, client, each, msgspec.json.encode(_call(each) | _access(base_url)), token)
                for each in services.values()
            ]
            found = await paired(fetching, sizes.few, warm=1)
    middles = {name: Spread.of(each).middle for name, each in zip(services, found, strict=True)}
    slowest = max(middles, key=lambda name: middles[name])
    note = f"{len(services)} services, {LATENCY * 1e3:.0f} ms latency, nothing prefetched or kept; {slowest}"
    slow = Spread.of(found[list(services).index(slowest)]).times(1e3)
    rows.append(Row("slowest service whose records are fetched", slow, "ms", 500.0, note))
    return Part(tuple(rows))


def _percentile(samples: list[float], part: int) -> float:
    return quantiles(samples, n=100, method="inclusive")[part - 1] if len(samples) > 1 else samples[0]


def _json(path: Path) -> Json:
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found


@asynccontextmanager
async def _server(base_url: str) -> AsyncIterator[tuple[httpx.AsyncClient, Callable[[str], str], Engine]]:
    """The application with a client of it, who makes its tokens."""
    key, numbers = ec.generate_private_key(ec.SECP384R1()), count()
    public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": KID}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(json.dumps({"keys": [public]}))
        file.flush()
        settings = _settings(base_url, file.name)
        engine = await Engine.open(settings, shipped())
        # Else models are loaded beside the first calls.
        await warm_up_catalog(engine.catalog)

        async def opened() -> Engine:
            return engine

        app = create_app(settings, opened, hook_parts=_parts)
        transport = httpx.ASGITransport(app)

        def token(path: str) -> str:
            now = int(datetime.now(UTC).timestamp())
            claims = {"iss": ISSUER, "aud": f"{PUBLIC}/cds-services/{path}", "iat": now, "exp": now + 300}
            return jwt.encode(claims | {"jti": f"{next(numbers)}"}, key, "ES384", {"kid": KID})

        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url=PUBLIC, timeout=60) as client,
        ):
            yield client, token, engine


def _settings(base_url: str, keys: str) -> Settings:
    ehr = {"id": "ehr", "issuer": ISSUER, "jwks_file": keys, "sources": ["ehr"]}
    return Settings.model_validate(
        {
            "server": {"public_url": PUBLIC, "max_rate": 1_000_000},
            "sources": [{"id": "ehr", "base_url": base_url, "auth": "caller"}],
            "hooks": {"clients": [ehr]},
            "site": {"north-america": True},
        }
    )


def _parts(settings: Settings, engine: Engine) -> HookParts:
    """The shipped services, as of the time at which the records end."""
    made = shipped_hooks(settings, engine)

    async def cards(service: Service, request: HookRequest, client: HookClient, _: datetime) -> list[Json]:
        return await made.cards(service, request, client, AT)

    return replace(made, cards=cards)


@asynccontextmanager
async def _bare(service: Service, engine: Engine) -> AsyncIterator[httpx.AsyncClient]:
    """The same service with nothing around it: neither tokens nor limits, checks of requests, or headers."""
    parts, anybody = _parts(engine.settings, engine), HookClient("bare", frozenset({"ehr"}))

    async def answer(request: Request) -> Response:
        cards = await parts.cards(service, read_request(await request.body(), service), anybody, AT)
        return Response(msgspec.json.encode({"cards": cards}), media_type="application/json")

    app = Starlette(routes=[Route(f"/cds-services/{service.id}", answer, methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC) as client:
        yield client


def _call(service: Service) -> Json:
    context: Json = {"userId": "Practitioner/1", "patientId": PATIENT}
    if service.hook is Hook.ENCOUNTER_START:
        context["encounterId"] = "e1"
    if service.hook in (Hook.ORDER_SELECT, Hook.ORDER_SIGN):
        order = {
            "resourceType": "MedicationRequest", "id": "m1", "status": "draft", "intent": "order",
            "subject": {"reference": f"Patient/{PATIENT}"}, "medicationCodeableConcept": {"coding": [METFORMIN]},
        }  # fmt: skip
        context["draftOrders"] = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}]}
    if service.hook is Hook.ORDER_SELECT:
        context["selections"] = ["MedicationRequest/m1"]
    return {"hook": service.hook.value, "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "context": context}


def _access(base_url: str) -> Json:
    token = {"access_token": "t", "token_type": "Bearer", "expires_in": 300, "scope": "patient/*.rs", "subject": "us"}
    return {"fhirServer": base_url, "fhirAuthorization": token}


def _prefetch(service: Service, engine: Engine, records: list[Json]) -> Mapping[str, Json]:
    """What an EHR has for the templates of a service."""
    described = next(each for each in discovery(engine.catalog)["services"] if each["id"] == service.id)
    found: dict[str, Json] = {}
    for key, template in described["prefetch"].items():
        kind = template.partition("?")[0].partition("/")[0]
        codes = set(parse_qs(urlsplit(template).query).get("code", [""])[0].split(",")) - {""}
        mine = [each for each in records if each["resourceType"] == kind and (not codes or codes & _codes(each))]
        entries = [{"resource": each, "search": {"mode": "match"}} for each in mine]
        page = {"resourceType": "Bundle", "type": "searchset", "total": len(mine), "entry": entries}
        found[key] = mine[0] if key == "patient" else page
    return found


def _codes(record: Json) -> set[str]:
    parts = [record, *record.get("component", ())]
    codings = [each for part in parts for each in part.get("code", {}).get("coding", ())]
    return {f"{each.get('system')}|{each.get('code')}" for each in codings}


async def _post(client: httpx.AsyncClient, service: Service, body: bytes, token: Callable[[str], str] | None) -> None:
    headers = {"Content-Type": "application/json"} | (
        {} if token is None else {"Authorization": f"Bearer {token(service.id)}"}
    )
    answer = await client.post(f"/cds-services/{service.id}", content=body, headers=headers)
    if answer.status_code != 200 or (service.id == PREFETCHED and b'"uuid"' not in answer.content):
        raise AssertionError(f"the call failed: {answer.status_code} {answer.text[:300]}")

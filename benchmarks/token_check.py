"""What a caller's token costs: its check when it was seen before, and the first, beside the smallest request."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.catalogs import shipped
from benchmarks.measure import Sizes, Spread, paired, ratios
from benchmarks.questions import engine
from benchmarks.report import Part, Row
from collectors.fetching.connections import HttpClients
from server.access.issuers import Issuers
from server.graphql.endpoint import GraphQL
from server.settings import Settings

ISSUER, PUBLIC = "https://auth.example", "https://cds.example"
SMALLEST = {"query": "{ __typename }"}
CHECKS = 1_000
"""In one sample: one takes microseconds."""


async def run(sizes: Sizes) -> Part:
    """The request is the smallest that there is, by ASGI; with a token it is the same, of a server with an issuer."""
    checks = CHECKS if sizes.repeats > 1 else 10
    key = ec.generate_private_key(ec.SECP384R1())
    issuers = _issuers(key)
    try:
        header = [f"Bearer {_token(key, 0)}"]

        async def check_again() -> None:
            for _ in range(checks):
                await issuers.grant(header)

        others = count(1)

        async def check_another() -> None:
            await issuers.grant([f"Bearer {_token(key, next(others))}"])

        async def sign() -> None:
            _token(key, next(others))

        async with _client(None) as open_to_all, _client(issuers) as for_callers:
            bare = partial(_post, open_to_all, {}, checks // 10)
            with_token = partial(_post, for_callers, {"Authorization": header[0]}, checks // 10)
            warm, request, asked = await paired([check_again, bare, with_token], sizes.repeats)
        first, signing = await paired([check_another, sign], sizes.repeats)
    finally:
        await issuers.aclose()
    per_check = [each / checks for each in warm]
    per_request, per_asked = ([each / (checks // 10) for each in samples] for samples in (request, asked))
    verifying = [whole - part for whole, part in zip(first, signing, strict=True)]
    took = f"of {Spread.of(per_request).middle * 1e6:.0f} µs, by ASGI"
    return Part(
        (
            Row("token check, warm", Spread.of(per_check).times(1e6), "µs", None, "a JWT that was checked before"),
            Row("token check, warm ÷ the smallest request", Spread.of(ratios(per_check, per_request)), "×", None, took),
            Row("smallest request with a token ÷ without", Spread.of(ratios(per_asked, per_request)), "×", None, took),
            Row("token check, first", Spread.of(verifying).times(1e3), "ms", None, "ES384, the key set at hand"),
        )
    )


def _token(key: ec.EllipticCurvePrivateKey, number: int) -> str:
    claims = {
        "iss": ISSUER, "sub": f"user-{number}", "client_id": "app", "aud": f"{PUBLIC}/graphql",
        "exp": int(time.time()) + 300, "scope": "patient/*.rs", "patient": "p1",
    }  # fmt: skip
    return jwt.encode(claims, key, "ES384", {"kid": "key-1"})


def _issuers(key: ec.EllipticCurvePrivateKey) -> Issuers:
    keys = {"keys": [{**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "key-1"}]}
    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=keys)))
    settings = Settings.model_validate(
        {
            "server": {"public_url": PUBLIC},
            "sources": [{"id": "ehr", "base_url": "https://ehr.example/fhir"}],
            "issuers": [
                {
                    "id": "as",
                    "issuer": ISSUER,
                    "jwks_url": f"{ISSUER}/jwks",
                    "audience": [f"{PUBLIC}/graphql"],
                    "sources": ["ehr"],
                }
            ],
        }
    )
    return Issuers(settings, HttpClients(http))


@asynccontextmanager
async def _client(issuers: Issuers | None) -> AsyncIterator[httpx.AsyncClient]:
    async with engine(shipped()) as opened:
        endpoint = GraphQL(opened, opened.settings.server, issuers)

        async def answer(request: Request) -> Response:
            return await endpoint(request)

        app = Starlette(routes=[Route("/graphql", answer, methods=["POST"])])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench") as client:
            yield client


async def _post(client: httpx.AsyncClient, headers: dict[str, str], times: int) -> None:
    for _ in range(times):
        answer = await client.post("/graphql", json=SMALLEST, headers=headers)
        if answer.json() != {"data": {"__typename": "Query"}}:
            raise AssertionError(f"the query failed: {answer.text[:300]}")

"""An issuer of tokens over real HTTP: a key set that can misbehave, introspection, tokens good and bad; and the
application, served over a socket for its callers."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self
from urllib.parse import parse_qs

import httpx
import jwt
import uvicorn
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from server.access.issuers import Issuers
from server.app import create_app
from server.executor.engine import Engine
from server.settings import Settings
from tests.support.authorisation_server import ec_key
from tests.support.engine_questions import shipped
from tests.support.fake_fhir_servers import BASE, FakeFhir
from tests.support.prompt_server import listening
from tests.support.settings import make_settings

NOW = 1_800_000_000.0
"""The time of issuers and servers in tests, in seconds since 1970."""
AUDIENCE = "https://cds.example/graphql"
ORIGIN = "https://app.example"
KID = "key-1"
SECRET = "tiger&lily: 100%"

Json = dict[str, Any]
Misbehaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


def jwk_of(key: Any, kid: str = KID, **more: Any) -> Json:
    """The public key as a key set has it."""
    kind = type(key).__name__
    algorithm = RSAAlgorithm if "RSA" in kind else ECAlgorithm if "Elliptic" in kind or "EC" in kind else OKPAlgorithm
    made: Json = algorithm.to_jwk(key.public_key(), as_dict=True)
    return {**made, "kid": kid, **more}


class TokenIssuer:
    """Its keys, and what it was asked.  ``misbehave`` writes the answer for the key set itself; ``known`` are the
    opaque tokens that it vouches for."""

    def __init__(self) -> None:
        self.url = ""
        self.keys: list[Json] = [jwk_of(ec_key())]
        self.fetches = 0
        self.misbehave: Misbehaviour | None = None
        self.known: dict[str, Json] = {}
        self.asked: list[tuple[dict[str, str], dict[str, str]]] = []

    @classmethod
    @asynccontextmanager
    async def listening(cls) -> AsyncIterator[Self]:
        """An issuer on loopback."""
        made = cls()
        server = await asyncio.start_server(made._answer, "127.0.0.1", 0)
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield made
        finally:
            server.close()

    def claims(self, **changed: Any) -> Json:
        """The claims of a good token; one that is given as None is left out."""
        made = {
            "iss": self.url, "sub": "dr-1", "client_id": "app", "aud": AUDIENCE, "exp": int(NOW) + 300,
            "nbf": int(NOW) - 10, "scope": "patient/*.rs", "patient": "p1", **changed,
        }  # fmt: skip
        return {name: value for name, value in made.items() if value is not None}

    def token(
        self, claims: Mapping[str, Any] | None = None, key: Any = None, algorithm: str = "ES384", **header: Any
    ) -> str:
        """A good token, or one that differs as is given; a part of the header that is None is left out."""
        heading = {name: value for name, value in {"kid": KID, **header}.items() if value is not None}
        return jwt.encode(dict(claims or self.claims()), key or ec_key(), algorithm, heading)

    def settings(self, **changed: Any) -> Json:
        """This issuer as settings have it."""
        made = {
            "id": "as", "issuer": self.url, "jwks_url": f"{self.url}/jwks", "audience": [AUDIENCE],
            "sources": ["ehr"], **changed,
        }  # fmt: skip
        return {name: value for name, value in made.items() if value is not None}

    def introspection(self, **client: Any) -> Json:
        """This issuer as one whose tokens are opaque."""
        client = client or {"secret_env": "AS_SECRET"}
        endpoint = {"url": f"{self.url}/introspect", "client_id": "cds", **client}
        return self.settings(jwks_url=None, introspection=endpoint)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *rest = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in rest)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            if line.startswith("GET /jwks"):
                self.fetches += 1
                if self.misbehave is not None:
                    await self.misbehave(writer)
                else:
                    await send_json(writer, {"keys": self.keys})
            else:
                form = {name: value for name, [value] in parse_qs(body.decode(), strict_parsing=True).items()}
                self.asked.append((headers, form))
                if self.misbehave is not None:
                    await self.misbehave(writer)
                else:
                    await send_json(writer, self.known.get(form["token"], {"active": False}))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def send_json(writer: asyncio.StreamWriter, content: object, status: str = "200 OK", **headers: object) -> None:
    """An answer, after which the connection is closed."""
    body = json.dumps(content).encode()
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)
    await writer.drain()


class Clock:
    """A time that moves only when it is told to: seconds of a clock, and since 1970."""

    def __init__(self) -> None:
        self.passed = 0.0

    def monotonic(self) -> float:
        return 5_000 + self.passed

    def wall(self) -> float:
        return NOW + self.passed


def site(*issuers: Json, **more: Any) -> Settings:
    """Settings of a server with these issuers, and one source unless others are given."""
    server = {"public_url": "https://cds.example", "origins": [ORIGIN], **more.pop("server", {})}
    sources = more.pop("sources", [{"id": "ehr", "base_url": BASE}])
    return make_settings(server=server, sources=sources, issuers=issuers, cache={"enabled": False}, **more)


def open_issuers(settings: Settings, clock: Clock | None = None) -> Issuers:
    """The issuers of the settings, by a clock that stands still."""
    clock = clock or Clock()
    return Issuers(settings, clock=clock.monotonic, wall=clock.wall, environ={"AS_SECRET": SECRET})


@asynccontextmanager
async def serving_callers(
    settings: Settings, fhir: FakeFhir, clock: Clock | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, which listens on a socket of this machine."""

    async def opened() -> Engine:
        return await Engine.open(settings, shipped(), fhir.client())

    issuers = open_issuers(settings, clock) if settings.issuers else None
    config = uvicorn.Config(create_app(settings, opened, issuers), log_level="warning", access_log=False, http="h11")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with (
            listening(config, listener),
            httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
        ):
            yield client

"""Calls of CDS Hooks services as an EHR makes them: bodies, services of one rule, and bodies that differ."""

import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx

from server.app import create_app
from server.catalog.services import CardRule, Hook, Indicator, Service
from server.executor.engine import Engine
from server.hooks.client_tokens import HookClients
from server.hooks.clients import HookClient
from server.hooks.endpoint import HookParts
from server.hooks.request import HookRequest
from server.settings import Settings
from tests.support.engine_questions import shipped
from tests.support.fake_fhir_servers import FakeFhir
from tests.support.settings import make_settings
from tests.support.token_issuer import NOW, ORIGIN, Clock, TokenIssuer

Json = dict[str, Any]

INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
SERVER = "https://ehr.example/fhir"
AUTHORIZATION: Json = {
    "access_token": "some-opaque-fhir-access-token",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "user/Patient.read user/Observation.read",
    "subject": "cds-service4",
}
CONTEXTS: Mapping[Hook, Json] = {
    Hook.PATIENT_VIEW: {"userId": "Practitioner/1", "patientId": "p1"},
    Hook.ENCOUNTER_START: {"userId": "Practitioner/1", "patientId": "p1", "encounterId": "e1"},
    Hook.ENCOUNTER_DISCHARGE: {"userId": "Practitioner/1", "patientId": "p1", "encounterId": "e1"},
    Hook.ORDER_SELECT: {
        "userId": "PractitionerRole/1", "patientId": "p1", "selections": ["MedicationRequest/m1"],
        "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": []},
    },
    Hook.ORDER_SIGN: {
        "userId": "Practitioner/1", "patientId": "p1",
        "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": []},
    },
}  # fmt: skip
"""The least that each hook's page asks for."""


def make_service(hook: Hook = Hook.PATIENT_VIEW, name: str = "egfr-view", **changed: Any) -> Service:
    """A service of one rule on this hook."""
    rule = CardRule("egfr", (), Indicator.WARNING)
    made: Json = {"title": "Kidney function", "description": "Says how well the kidneys work.", "rules": (rule,)}
    return Service(f"https://cds.example/{name}", name, "1.0.0", hook, **{**made, **changed})


def make_call(on: Hook = Hook.PATIENT_VIEW, /, *, context: Mapping[str, Any] | None = None, **changed: Any) -> Json:
    """A good call of this hook, or one that differs as is given; a member that is ``...`` is left out."""
    merged = {**CONTEXTS[on], **(context or {})}
    made: Json = {"hook": on.value, "hookInstance": INSTANCE, "context": _without_left_out(merged), **changed}
    return _without_left_out(made)


def make_body(on: Hook = Hook.PATIENT_VIEW, /, *, context: Mapping[str, Any] | None = None, **changed: Any) -> bytes:
    """The same as JSON."""
    return json.dumps(make_call(on, context=context, **changed)).encode()


def _without_left_out(members: Mapping[str, Any]) -> Json:
    return {name: value for name, value in members.items() if value is not ...}


PUBLIC_URL = "https://cds.example"
_numbers = itertools.count()


class Ehr:
    """An EHR whose key set lies at this issuer: its settings as a client, and its tokens, good and bad."""

    def __init__(self, issuer: TokenIssuer, name: str = "ehr-client") -> None:
        self.issuer = issuer
        self.name = name

    def settings(self, **changed: Any) -> Json:
        """This client as settings have it."""
        made: Json = {
            "id": self.name, "issuer": f"{self.issuer.url}/{self.name}", "jwks_url": f"{self.issuer.url}/jwks",
            "sources": ["ehr"], **changed,
        }  # fmt: skip
        return {name: value for name, value in made.items() if value is not None}

    def claims(self, path: str = "/egfr-view", **changed: Any) -> Json:
        """The claims of a good token for one call; one that is given as None is left out."""
        made = {
            "iss": f"{self.issuer.url}/{self.name}", "aud": f"{PUBLIC_URL}/cds-services{path}", "iat": int(NOW) - 1,
            "exp": int(NOW) + 299, "jti": f"jti-{next(_numbers)}", **changed,
        }  # fmt: skip
        return {name: value for name, value in made.items() if value is not None}

    def token(self, path: str = "/egfr-view", *, header: Mapping[str, Any] | None = None, **changed: Any) -> str:
        """A good token for one call, or one whose claims or header differ as is given."""
        return self.issuer.token(self.claims(path, **changed), **{"typ": "JWT", **(header or {})})


def hook_site(*clients: Json, **more: Any) -> Settings:
    """Settings of a server with these clients, and one source."""
    server = {"public_url": PUBLIC_URL, "origins": [ORIGIN], **more.pop("server", {})}
    sources = more.pop("sources", [{"id": "ehr", "base_url": SERVER}])
    hooks = {"clients": list(clients), **more.pop("hooks", {})}
    return make_settings(server=server, sources=sources, hooks=hooks, **{"cache": {"enabled": False}, **more})


class Answers:
    """Who answers calls and takes feedback in a test: the cards given, or what ``fault`` raises; and what was asked."""

    def __init__(self, *services: Service, fault: Callable[[], Exception] | None = None) -> None:
        self.services = {each.id: each for each in services or (make_service(),)}
        self.cards: list[Json] = []
        self.fault = fault
        self.wait: Callable[[], Awaitable[None]] | None = None
        self.calls: list[tuple[Service, HookRequest, HookClient, datetime]] = []
        self.feedback: list[tuple[object, Service, HookClient]] = []

    def parts(self, _: Settings, __: Engine) -> HookParts:
        """These as the application takes them."""
        told = [{"hook": each.hook.value, "id": each.id, "description": "x"} for each in self.services.values()]
        return HookParts(self.services, {"services": told}, self._answer, self._receive)

    async def _answer(self, service: Service, request: HookRequest, client: HookClient, at: datetime) -> list[Json]:
        self.calls.append((service, request, client, at))
        if self.wait is not None:
            await self.wait()
        if self.fault is not None:
            raise self.fault()
        return self.cards

    async def _receive(self, body: object, service: Service, client: HookClient) -> None:
        self.feedback.append((body, service, client))
        if self.fault is not None:
            raise self.fault()


@asynccontextmanager
async def serving_hooks(
    settings: Settings, answers: Answers | None = None, clock: Clock | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application with these settings, whose calls are answered by ``answers``."""
    clock = clock or Clock()

    async def opened() -> Engine:
        return await Engine.open(settings, shipped(), FakeFhir(()).client())

    clients = None
    if settings.hooks.clients:
        clients = HookClients(settings, clock=clock.monotonic, wall=clock.wall)
    app = create_app(settings, opened, hook_clients=clients, hook_parts=(answers or Answers()).parts)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        yield client

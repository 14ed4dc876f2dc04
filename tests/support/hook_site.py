"""The whole application with its shipped services, an EHR that prefetches and serves records, and calls of it.

Every patient of ``fixtures/patients`` is in the EHR, and calls are answered as of the time at which they end.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx

from server.app import create_app
from server.app.hooks import shipped_hooks
from server.catalog.catalog import ROOT
from server.catalog.services import Hook, Service
from server.executor.engine import Engine
from server.hooks.client_tokens import HookClients
from server.hooks.clients import HookClient
from server.hooks.endpoint import HookParts
from server.hooks.request import HookRequest
from server.settings import Settings
from tests.support.engine_questions import shipped
from tests.support.hook_calls import make_call
from tests.support.hook_ehr import BASE, TOKEN, Ehr, chart
from tests.support.renal_orders import IBUPROFEN_400, METFORMIN_500, SITAGLIPTIN_100, draft
from tests.support.settings import make_settings
from tests.support.token_issuer import Clock

Json = dict[str, Any]

AT = datetime(2026, 6, 30, 12, tzinfo=UTC)
"""When the fixture patients' records end."""
PATIENTS: tuple[str, ...] = tuple(
    each["id"] for each in json.loads((ROOT / "fixtures" / "patients" / "index.json").read_text())
)
SERVICES: Mapping[str, Service] = shipped().services
ORDERED = (METFORMIN_500, IBUPROFEN_400, SITAGLIPTIN_100)
AUTHORIZATION: Json = {
    "access_token": TOKEN, "token_type": "Bearer", "expires_in": 300, "scope": "patient/*.rs", "subject": "medtwin",
}  # fmt: skip


def fixture_records() -> list[Json]:
    """All records of all fixture patients."""
    return [record for name in PATIENTS for record in chart(name)]


def drafts_of(patient: str) -> list[Json]:
    """Orders of three drugs that the kidney decides."""
    return [draft(drug, id=f"draft-{number}", of=patient) for number, drug in enumerate(ORDERED, 1)]


def context_of(service: Service, patient: str, drafts: Sequence[Json] | None = None) -> Json:
    """What the context of this service's hook needs besides the user; three orders where it has orders."""
    drafts = drafts_of(patient) if drafts is None else list(drafts)
    context: Json = {"patientId": patient}
    if service.hook in (Hook.ORDER_SELECT, Hook.ORDER_SIGN):
        entries = [{"resource": each} for each in drafts]
        context["draftOrders"] = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    if service.hook is Hook.ORDER_SELECT:
        context["selections"] = [f"{each['resourceType']}/{each['id']}" for each in drafts]
    return context


def call_of(
    service: Service, patient: str, prefetch: Json | None = None, fetch: str | None = None, **more: Any
) -> Json:
    """A call about a patient: with this prefetch, and a token for the server ``fetch``, as given."""
    given: Json = {"context": context_of(service, patient), **more}
    if prefetch is not None:
        given["prefetch"] = prefetch
    if fetch is not None:
        given |= {"fhirServer": fetch, "fhirAuthorization": given.get("fhirAuthorization", AUTHORIZATION)}
    return make_call(service.hook, **given)


def without_uuids(answer: Any) -> Any:
    """An answer without what is made anew for each call, and without links to what it is about."""
    if isinstance(answer, dict):
        return {name: without_uuids(each) for name, each in answer.items() if name != "uuid"}
    return [without_uuids(each) for each in answer] if isinstance(answer, list) else answer


@dataclass
class HookSite:
    """The application, and the EHR beside it."""

    http: httpx.AsyncClient
    ehr: Ehr

    def prefetch(self, service: Service, patient: str) -> Json:
        """What the EHR has for the templates of a service."""
        return self.ehr.prefetch(shipped(), service, patient)

    async def call(self, service: Service | str, body: Json | bytes, token: str | None = None) -> httpx.Response:
        """Calls a service; ``token``: the client's."""
        name = service if isinstance(service, str) else service.id
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        async with asyncio.timeout(120):
            return await self.http.post(f"/cds-services/{name}", content=content, headers=headers)

    async def cards(self, service: Service, body: Json, token: str | None = None) -> list[Json]:
        """The cards of a call that is answered."""
        answer = await self.call(service, body, token)
        assert answer.status_code == 200, answer.text
        found: list[Json] = answer.json()["cards"]
        return found


def parts_at(at: datetime) -> Callable[[Settings, Engine], HookParts]:
    """The shipped services, whose calls are all of one time."""

    def parts(settings: Settings, engine: Engine) -> HookParts:
        made = shipped_hooks(settings, engine)

        async def cards(service: Service, request: HookRequest, client: HookClient, _: datetime) -> list[Json]:
            return await made.cards(service, request, client, at)

        return replace(made, cards=cards)

    return parts


def anybody(**more: Any) -> Settings:
    """Settings of a server on this machine, which asks nobody who calls; the EHR's own tokens are passed on."""
    tables = {"sources": [{"id": "ehr", "base_url": BASE, "auth": "caller"}], "cache": {"enabled": False}, **more}
    tables["server"] = {"max_rate": 1_000_000, **tables.get("server", {})}
    return make_settings(**tables)


@asynccontextmanager
async def hook_site(
    settings: Settings,
    ehr: Ehr,
    http: httpx.AsyncClient | None = None,
    at: datetime = AT,
    clock: Clock | None = None,
) -> AsyncIterator[HookSite]:
    """The application over this EHR, or over what ``http`` reaches."""
    clock = clock or Clock()

    async def opened() -> Engine:
        return await Engine.open(settings, shipped(), http or httpx.AsyncClient(transport=httpx.MockTransport(ehr)))

    clients = HookClients(settings, clock=clock.monotonic, wall=clock.wall) if settings.hooks.clients else None
    app = create_app(settings, opened, hook_clients=clients, hook_parts=parts_at(at))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=120) as client,
    ):
        yield HookSite(client, ehr)

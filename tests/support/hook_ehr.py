"""An EHR that calls services: its FHIR server, which heeds tokens, and what it would prefetch."""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx

from collectors.reading.supplied import encode_resource
from server.catalog.catalog import ROOT, Catalog
from server.catalog.services import CardRule, Hook, Indicator, Service
from server.compiler.compilation import compile_plan
from server.compiler.searches import prefetch_templates
from server.executor.engine import Engine
from server.hooks.clients import HookClient
from server.hooks.question import hook_question
from server.hooks.request import FhirAuthorization, HookRequest
from tests.support.order_concepts import with_orders
from tests.support.settings import make_settings

Json = dict[str, Any]
AT = datetime(2026, 6, 30, 12, tzinfo=UTC)
BASE = "https://ehr.example/fhir"
TOKEN = "ehr.token.1"
CLIENT = HookClient("ehr-client", frozenset({"ehr"}))


def service(*concepts: str, hook: Hook = Hook.PATIENT_VIEW, **more: Any) -> Service:
    """A service that asks for these concepts."""
    rules = tuple(CardRule(each, (), Indicator.INFO) for each in concepts)
    return Service("urn:service", "test", "1.0.0", hook, "Test", "A service for tests.", rules, **more)


def authorization(token: str = TOKEN, scope: str = "patient/*.rs", of: str | None = None) -> FhirAuthorization:
    return FhirAuthorization(token, scope, of)


def call(patient: str = "p", **more: Any) -> HookRequest:
    """A call of a service, which names no server and brings nothing along."""
    return HookRequest("patient-view", "0b2c8a8e-6d3c-4f6b-9f54-0c5b8a3f0001", patient, **more)


def fetching(patient: str = "p", server: str = BASE, **more: Any) -> HookRequest:
    """A call with a server, and with a token where ``more`` has no other."""
    return call(patient, **{"fhir_server": server, "authorization": authorization(), **more})


def chart(name: str) -> list[Json]:
    """The records of a patient of ``fixtures/``."""
    bundle = json.loads((ROOT / "fixtures" / "patients" / f"{name}.json").read_text())
    return [entry["resource"] for entry in bundle["entry"]]


@dataclass
class Ehr:
    """Answers searches by patient, code and id out of ``records``, of each its last version.

    ``tokens`` are those that it takes (None: whatever comes).  ``answers``: what it says to a search for a type in
    place of that.
    """

    records: list[Json]
    tokens: frozenset[str] | None = frozenset({TOKEN})
    answers: Mapping[str, Callable[[httpx.Request], httpx.Response]] = field(default_factory=dict)
    seen: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        kind = request.url.path.removeprefix("/fhir/")
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if kind in ("metadata", ".well-known/smart-configuration"):
            return httpx.Response(404)
        if kind in self.answers:
            return self.answers[kind](request)
        if self.tokens is not None and token not in self.tokens:
            return httpx.Response(401)
        return httpx.Response(
            200,
            content=encode_resource(self.search(kind, dict(request.url.params))),
            headers={"content-type": "application/fhir+json"},
        )

    def search(self, kind: str, given: Mapping[str, str]) -> Json:
        current = {(each["resourceType"], each["id"]): each for each in self.records}.values()
        entries = [{"resource": each, "search": {"mode": "match"}} for each in current if _meets(each, kind, given)]
        return {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}

    def prefetch(self, catalog: Catalog, wanted: Service, patient: str, products: bool = True) -> dict[str, Json]:
        """What the EHR gets for the templates of a service; ``products``: with the Medications of prescriptions."""
        found: dict[str, Json] = {}
        for key, template in prefetch_templates(compile_plan(catalog, wanted.concepts)).items():
            path, _, query = template.replace("{{context.patientId}}", patient).partition("?")
            if query:
                found[key] = self.search(path, dict(parse_qsl(query)))
            else:
                kind, id_ = path.split("/")
                found[key] = self.search(kind, {"_id": id_})["entry"][0]["resource"]
        if products and "medication-request" in found:
            # As ``_include`` does: the products of the prescriptions that were found, and no others.
            named = json.dumps(found["medication-request"]["entry"])
            medications = [each for each in self.records if each["resourceType"] == "Medication"]
            included = [each for each in medications if f'"Medication/{each["id"]}"' in named]
            found["medication-request"]["entry"] += [
                {"resource": each, "search": {"mode": "include"}} for each in included
            ]
        return found

    def searched(self) -> list[str]:
        """The types that were searched for."""
        paths = (each.url.path.removeprefix("/fhir/") for each in self.seen)
        return sorted(each for each in paths if each not in ("metadata", ".well-known/smart-configuration"))

    def credentials(self) -> set[tuple[str, str | None]]:
        """Which hosts were sent which credentials with a search."""
        public = ("metadata", "smart-configuration")
        sent = [each for each in self.seen if not each.url.path.endswith(public)]
        return {(each.url.host, each.headers.get("authorization")) for each in sent}


def _meets(record: Json, kind: str, given: Mapping[str, str]) -> bool:
    if record["resourceType"] != kind:
        return False
    if "_id" in given and record["id"] not in given["_id"].split(","):
        return False
    who = record.get("subject") or record.get("patient") or {}
    if "patient" in given and who.get("reference") != f"Patient/{given['patient']}":
        return False
    codes = {f"{each['system']}|{each['code']}" for each in _codings(record) if "code" in each and "system" in each}
    return "code" not in given or bool(codes & set(given["code"].split(",")))


def _codings(record: Json) -> Iterable[Json]:
    parts = [record, *record.get("component", ())]
    return [each for part in parts for each in part.get("code", {}).get("coding", ())]


@asynccontextmanager
async def hook_engine(ehr: Callable[[httpx.Request], httpx.Response], *sources: Json) -> AsyncIterator[Engine]:
    """An engine over these sources (the EHR alone, whose callers bring a token, where none is named)."""
    named = list(sources) or [{"id": "ehr", "base_url": BASE, "auth": "caller"}]
    http = httpx.AsyncClient(transport=httpx.MockTransport(ehr))
    async with await Engine.open(make_settings(sources=named), with_orders(), http) as engine:
        yield engine


async def ask(engine: Engine, wanted: Service, request: HookRequest, client: HookClient = CLIENT) -> Any:
    """The trace of a call."""
    asked = hook_question(engine, wanted, request, client, AT)
    return await engine.ask(asked.question, asked.supplied)

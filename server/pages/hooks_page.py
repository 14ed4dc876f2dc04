"""A page at which people try the services of CDS Hooks: it builds a request, sends it to this server, and shows both.

It is shown where anybody may call the services, on loopback, to who prefers HTML: the routes decide.  What it sends
goes through the same door as an EHR's call, so that it shows what an EHR would get.  It needs no script.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote
from uuid import uuid4

import httpx
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from collectors.reading.readout import check_fhir_id
from collectors.settings import Source
from ontology.concepts import Concept
from ontology.errors import MedtwinError
from server.catalog.services import Hook, Service
from server.errors import QuestionError, did_you_mean
from server.executor.engine import Engine
from server.pages.refusals import error_page
from server.pages.rendering import page

PATH = "/cds-services"
Json: TypeAlias = dict[str, Any]
_JSON = "application/json"
_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_ORDER_HOOKS = frozenset({Hook.ORDER_SELECT, Hook.ORDER_SIGN})
_ENCOUNTER_HOOKS = frozenset({Hook.ENCOUNTER_START, Hook.ENCOUNTER_DISCHARGE})
_DRAFT = "draft-1"
_INDICATORS = {"critical": "Critical", "warning": "Warning", "info": "Information"}


@dataclass(frozen=True, slots=True)
class Sent:
    """A call as it was sent, and what came back: cards, or what an OperationOutcome says."""

    request: str
    curl: str
    status: int
    answer: str
    cards: list[Json]
    issues: list[str]


async def show_hooks_page(request: Request) -> Response:
    """The list of services as discovery has it; or, where the address names one, its form and what a call gives."""
    response = await _shown(request)
    response.headers.add_vary_header("Accept")
    return response


async def _shown(request: Request) -> Response:
    engine: Engine = request.app.state.engine
    asked = request.query_params
    if not asked.get("service"):
        async with _own_client(request) as client:
            listed = msgspec.json.decode((await client.get(PATH, headers={"Accept": _JSON})).content)
        return page("hooks.html", services=listed["services"], patient=asked.get("patient", ""))
    service = engine.catalog.services.get(asked["service"])
    if service is None:
        near = did_you_mean(asked["service"], engine.catalog.services) or "."
        return error_page(request, 404, "No such service", f"There is no service of this id{near}")
    drafts = _drafts(service, engine)
    sources = [each for each in engine.sources.values() if each.auth == "none"]
    values = {"service": service, "drafts": drafts, "sources": [each.id for each in sources], "asked": asked}
    values["needs_encounter"], values["needs_order"] = service.hook in _ENCOUNTER_HOOKS, service.hook in _ORDER_HOOKS
    fault, sent = "", None
    if asked.get("patient"):
        try:
            body = hook_call(service, asked, drafts, sources)
            sent = await _send(request, service, body)
        except MedtwinError as error:
            fault = str(error)
    return page("hooks_try.html", 400 if fault else 200, fault=fault, sent=sent, indicators=_INDICATORS, **values)


def hook_call(service: Service, asked: Mapping[str, str], drafts: Mapping[str, Concept], sources: list[Source]) -> Json:
    """The body of a call of a service, from what the form says.

    Without prefetch: what is missing is fetched from the source that is named, if it asks for no token.  Raises
    QuestionError and PatientNotFoundError.
    """
    patient = check_fhir_id(asked["patient"].strip())
    context: Json = {"userId": "Practitioner/example", "patientId": patient}
    if service.hook in _ENCOUNTER_HOOKS:
        context["encounterId"] = check_fhir_id(asked.get("encounter", "").strip() or "example")
    if service.hook in _ORDER_HOOKS:
        named = asked.get("order") or next(iter(drafts), None)
        if named is not None and named not in drafts:
            raise QuestionError("unknown-order", "the order is none of those that this service speaks of")
        order = _order(patient, None if named is None else drafts[named])
        context["draftOrders"] = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}]}
    if service.hook is Hook.ORDER_SELECT:
        context["selections"] = [f"MedicationRequest/{_DRAFT}"]
    body: Json = {"hook": service.hook.value, "hookInstance": str(uuid4()), "context": context}
    if sources:
        wanted = asked.get("source") or sources[0].id
        found = next((each for each in sources if each.id == wanted), None)
        if found is None:
            raise QuestionError("unknown-source", "no source of this id can be read without a token")
        body["fhirServer"] = found.base_url
    return body


def _order(patient: str, concept: Concept | None) -> Json:
    """A draft of a prescription: of a drug by a code under which it is known here, else by its name."""
    drug: Json = {"text": "a drug" if concept is None else concept.display}
    if concept is not None and (code := _code_of(concept)) is not None:
        drug["coding"] = [{"system": code[0], "code": code[1]}]
    return {
        "resourceType": "MedicationRequest",
        "id": _DRAFT,
        "status": "draft",
        "intent": "order",
        "subject": {"reference": f"Patient/{patient}"},
        "medicationCodeableConcept": drug,
    }


def _code_of(concept: Concept) -> tuple[str, str] | None:
    """The first code that says the drug by itself, of RxNorm if there is one; a group's code stands for the group."""
    codes = [(each.coding.system, each.coding.code.rstrip("*")) for each in concept.accepted if not each.probable]
    return next((each for each in codes if each[0] == _RXNORM), next(iter(codes), None))


def _drafts(service: Service, engine: Engine) -> dict[str, Concept]:
    """The draft orders of which the service's rules speak, by id."""
    named = [rule.draft for rule in service.rules if rule.draft is not None]
    return {each: engine.catalog.concepts[each] for each in named if each in engine.catalog.concepts}


async def _send(request: Request, service: Service, body: Json) -> Sent:
    """Call the service of this very application as an EHR would."""
    path = f"{PATH}/{quote(service.id, safe='')}"
    written = msgspec.json.format(msgspec.json.encode(body), indent=2).decode()
    async with _own_client(request) as client:
        response = await client.post(path, content=written, headers={"Content-Type": _JSON})
    answer: Any = None
    try:
        answer = msgspec.json.decode(response.content)
        text = msgspec.json.format(response.content, indent=2).decode()
    except msgspec.DecodeError:
        text = ""
    found = answer if isinstance(answer, dict) else {}
    curl = shlex.join(["curl", "-s", str(request.base_url).rstrip("/") + path, "-H", f"Content-Type: {_JSON}", "-d"])
    return Sent(
        written,
        f"{curl} {shlex.quote(msgspec.json.encode(body).decode())}",
        response.status_code,
        text,
        list(found.get("cards", ())),
        [_issue_text(each) for each in found.get("issue", ())],
    )


def _own_client(request: Request) -> httpx.AsyncClient:
    """A client of this very application, by the name that the browser uses for it."""
    transport = httpx.ASGITransport(request.app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=str(request.base_url))


def _issue_text(issue: Json) -> str:
    return str(issue.get("details", {}).get("text") or issue.get("diagnostics") or issue.get("code", ""))

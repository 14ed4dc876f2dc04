"""The page for people at /cds-services: the services in words, the calls that it builds, and how cards are shown."""

from __future__ import annotations

import json
import shlex
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ontology.concepts import AcceptedCode, Concept
from ontology.values import Coding
from server.app.middleware import SecurityHeaders
from server.catalog.services import Hook, Service
from server.executor.engine import Engine
from server.pages.hooks_page import PATH, show_hooks_page
from tests.support.engine_questions import shipped
from tests.support.hook_cards import RULE, SERVICE
from tests.support.html_pages import Checked
from tests.support.settings import make_settings

Json = dict[str, Any]
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
RXNORM, ATC = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://www.whocc.no/atc"
EHR = {"id": "ehr", "base_url": "https://ehr.example/fhir", "auth": "none"}
LOCKED = {"id": "locked", "base_url": "https://locked.example/fhir", "auth": "caller"}
LISTING: Json = {
    "services": [
        {
            "id": "kidney", "hook": "patient-view", "title": "Kidney function", "description": "Says <b>where</b>.",
            "usageRequirements": "Needs a creatinine of the last year.",
        },
        {"id": "bare", "hook": "order-sign", "description": "Only what a service must have."},
    ]
}  # fmt: skip
CARD: Json = {
    "uuid": "u1", "summary": "eGFR 23 <i>low</i>", "detail": "Because of **creatinine** & <script>alert(1)</script>",
    "indicator": "warning", "source": {"label": "KDIGO 2024", "url": "https://doi.org/10.1016/j.kint.2023.10.018"},
    "suggestions": [{"label": "Remove the order", "uuid": "s1", "actions": []}],
    "links": [
        {"label": "The argument", "url": "https://us.example/launch", "type": "smart"},
        {"label": "As a page", "url": "http://127.0.0.1/patients/ehr/p1", "type": "absolute"},
        {"label": "Odd", "url": "javascript:alert(1)", "type": "absolute"},
    ],
    "overrideReasons": [{"system": "s", "code": "c", "display": "the patient is monitored"}],
}  # fmt: skip


def on(hook: Hook, draft: str | None = None) -> Service:
    return replace(SERVICE, hook=hook, rules=(replace(RULE, draft=draft),))


def drug(id_: str, *codes: tuple[str, str], probable: bool = False) -> Concept:
    like = shipped().concepts["serum-creatinine"]
    accepted = tuple(AcceptedCode(Coding(*each), probable=probable) for each in codes)
    return replace(like, id=id_, display=f"Order of {id_}", accepted=accepted)


class Site:
    """An application that has the page and services that answer what a test says; it keeps what it was asked."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.calls: list[tuple[str, Json]] = []
        self.answer: Response = JSONResponse({"cards": []})

    async def call(self, request: Request) -> Response:
        self.calls.append((request.path_params["service"], await request.json()))
        assert request.headers["content-type"] == "application/json"
        return self.answer

    async def get(self, accept: str | None = BROWSER, **query: str) -> httpx.Response:
        headers = {} if accept is None else {"Accept": accept}
        return await self.client.get(PATH, params=query, headers=headers)


@asynccontextmanager
async def site(
    service: Service = SERVICE, concepts: tuple[Concept, ...] = (), sources: tuple[Mapping[str, str], ...] = (EHR,)
) -> AsyncIterator[Site]:
    known = {**shipped().concepts, **{each.id: each for each in concepts}}
    catalog = replace(shipped(), services={service.id: service}, concepts=known)
    settings = make_settings(sources=list(sources), cache={"enabled": False})

    async def discovery(request: Request) -> Response:
        wants_page = request.headers.get("accept", "").startswith("text/html")
        return await show_hooks_page(request) if wants_page else JSONResponse(LISTING)

    async def call(request: Request) -> Response:
        return await made.call(request)

    app = Starlette(
        routes=[Route(PATH, discovery), Route(PATH + "/{service}", call, methods=["POST"])],
        middleware=[Middleware(SecurityHeaders)],
    )
    async with await Engine.open(settings, catalog) as app.state.engine:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            made = Site(client)
            yield made


async def test_the_list_is_that_of_discovery_in_words() -> None:
    async with site() as shown:
        assert (await shown.get(None)).json() == LISTING
        answer = await shown.get()
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    assert answer.headers["vary"] == "Accept"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "form-action 'self'" in policy and "unsafe" not in policy
    checked = Checked(answer.text)
    assert "Needs a creatinine of the last year." in checked.text and "Says <b>where</b>." in checked.text
    assert [given["href"] for name, given in checked.tags if name == "a" and "cds" in (given["href"] or "")] == [
        "/cds-services?service=kidney", "/cds-services?service=bare",
    ]  # fmt: skip
    assert not [name for name, _ in checked.tags if name in ("script", "style", "b")]


async def test_the_patient_goes_along_to_the_form() -> None:
    async with site() as shown:
        listed = Checked((await shown.get(patient="p-1")).text)
        assert ("a", {"href": "/cds-services?service=kidney&patient=p-1"}) in listed.tags
        form = Checked((await shown.get(service="kidney")).text)
        assert shown.calls == []
    assert not {"select", "article"} & {name for name, _ in form.tags}
    assert [given["name"] for name, given in form.tags if name == "input"] == ["service", "patient"]


async def test_the_call_is_sent_and_shown_as_it_was() -> None:
    async with site() as shown:
        answer = await shown.get(service="kidney", patient=" ckd-progressing ")
        ((called, body),) = shown.calls
    assert called == "kidney"
    assert body.pop("hookInstance").count("-") == 4
    assert body == {
        "hook": "patient-view",
        "fhirServer": "https://ehr.example/fhir",
        "context": {"userId": "Practitioner/example", "patientId": "ckd-progressing"},
    }
    text = Checked(answer.text).text
    assert "No card. This is no all-clear" in text and "nothing to say" not in text
    start, end = text.index("{", text.index("What was sent")), text.index("The same from a terminal")
    assert json.loads(text[start:end])["context"] == body["context"]
    command = shlex.split(text[text.index("curl -s") :].strip())
    assert (
        command[2] == "http://127.0.0.1:8000/cds-services/kidney"
        and json.loads(command[-1])["context"] == body["context"]
    )


async def test_no_card_is_an_all_clear_only_of_a_service_that_reports_what_is_missing() -> None:
    """ "Nothing to say" and "could not tell" are both an empty list, unless the service says which."""
    reporting = replace(on(Hook.PATIENT_VIEW), reports_missing=True)
    async with site(reporting) as shown:
        text = Checked((await shown.get(service=reporting.id, patient="p1")).text).text
    assert "No card: there is nothing to say." in text and "all-clear" not in text


async def test_an_order_is_a_draft_of_this_patient() -> None:
    service = replace(on(Hook.ORDER_SELECT), rules=(replace(RULE, draft="a-order"), replace(RULE, draft="b-order")))
    drugs = (drug("a-order", (ATC, "A10BA*"), (RXNORM, "6809")), drug("b-order", (ATC, "M01AE01")))
    async with site(service, drugs) as shown:
        form = Checked((await shown.get(service="kidney")).text)
        await shown.get(service="kidney", patient="p1")
        await shown.get(service="kidney", patient="p1", order="b-order")
        refused = await shown.get(service="kidney", patient="p1", order="serum-creatinine")
        contexts = [body["context"] for _, body in shown.calls]
    assert "Order of a-order" in form.text and "Order of b-order" in form.text
    assert [each["selections"] for each in contexts] == [["MedicationRequest/draft-1"]] * 2
    orders = [each["draftOrders"]["entry"][0]["resource"] for each in contexts]
    assert all(each["subject"] == {"reference": "Patient/p1"} and each["status"] == "draft" for each in orders)
    assert [each["medicationCodeableConcept"]["coding"] for each in orders] == [
        [{"system": RXNORM, "code": "6809"}], [{"system": ATC, "code": "M01AE01"}],
    ]  # fmt: skip
    assert refused.status_code == 400 and "none of those that this service speaks of" in refused.text


@pytest.mark.parametrize(
    ("service", "concepts", "medication"),
    [
        (on(Hook.ORDER_SIGN), (), {"text": "a drug"}),
        (on(Hook.ORDER_SIGN, "x"), (drug("x"),), {"text": "Order of x"}),
        (on(Hook.ORDER_SIGN, "x"), (drug("x", (ATC, "M01"), probable=True),), {"text": "Order of x"}),
        (
            on(Hook.ORDER_SIGN, "x"),
            (drug("x", (ATC, "M01A*")),),
            {"text": "Order of x", "coding": [{"system": ATC, "code": "M01A"}]},
        ),
    ],
)
async def test_an_order_of_what_has_no_code(service: Service, concepts: tuple[Concept, ...], medication: Json) -> None:
    async with site(service, concepts) as shown:
        await shown.get(service="kidney", patient="p1")
        ((_, body),) = shown.calls
    assert body["context"]["draftOrders"]["entry"][0]["resource"]["medicationCodeableConcept"] == medication
    assert "selections" not in body["context"]


@pytest.mark.parametrize(
    ("given", "encounter"), [({}, "example"), ({"encounter": " e-1 "}, "e-1"), ({"encounter": ""}, "example")]
)
async def test_an_encounter_where_the_hook_has_one(given: dict[str, str], encounter: str) -> None:
    for hook in (Hook.ENCOUNTER_START, Hook.ENCOUNTER_DISCHARGE):
        async with site(on(hook)) as shown:
            await shown.get(service="kidney", patient="p1", **given)
            ((_, body),) = shown.calls
        assert body["context"]["encounterId"] == encounter and body["hook"] == hook.value


async def test_a_source_that_asks_for_a_token_is_not_named() -> None:
    async with site(sources=(LOCKED,)) as shown:
        answer = await shown.get(service="kidney", patient="p1")
        assert "fhirServer" not in shown.calls[0][1] and "asks for a token" in answer.text
    other = {**EHR, "id": "other", "base_url": "https://other.example/fhir"}
    async with site(sources=(LOCKED, EHR, other)) as shown:
        form = await shown.get(service="kidney")
        await shown.get(service="kidney", patient="p1", source="other")
        refused = await shown.get(service="kidney", patient="p1", source="locked")
        servers = [body["fhirServer"] for _, body in shown.calls]
    assert "<option>other</option>" in form.text and "locked" not in form.text
    assert servers == ["https://other.example/fhir"] and refused.status_code == 400


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ({"service": "kidny", "patient": "p1"}, 404, "of this id; did you mean kidney?"),
        ({"service": "<script>"}, 404, "There is no service of this id"),
        ({"service": "kidney", "patient": "a b"}, 400, "not a FHIR id"),
        ({"service": "kidney", "patient": '"><script>'}, 400, "not a FHIR id"),
    ],
)
async def test_what_cannot_be_asked_says_why_and_calls_nothing(query: dict[str, str], status: int, text: str) -> None:
    async with site() as shown:
        answer = await shown.get(**query)
        assert shown.calls == []
    checked = Checked(answer.text)
    assert answer.status_code == status and text in checked.text
    assert "script" not in {name for name, _ in checked.tags}


async def test_cards_are_shown_in_words_and_nothing_of_them_acts() -> None:
    async with site() as shown:
        plain = {"uuid": "u2", "summary": "Plain", "indicator": "info", "source": {"label": "Us"}}
        shown.answer = JSONResponse({"cards": [CARD, plain | {"indicator": "critical"}, plain]})
        answer = await shown.get(service="kidney", patient="p1")
    checked = Checked(answer.text)
    for each in (
        "3 cards, most important first.", "Warning", "Critical", "Information", "eGFR 23 <i>low</i>",
        "**creatinine** & <script>", "Remove the order", "the patient is monitored", "(the EHR launches it)", "Odd",
    ):  # fmt: skip
        assert each in checked.text, each
    assert not {"script", "i"} & {name for name, _ in checked.tags}
    addresses = [given["href"] for name, given in checked.tags if name == "a"]
    assert "https://doi.org/10.1016/j.kint.2023.10.018" in addresses and "http://127.0.0.1/patients/ehr/p1" in addresses
    assert not any("javascript" in (each or "") or "us.example" in (each or "") for each in addresses)


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        (
            JSONResponse(
                {"resourceType": "OperationOutcome", "issue": [
                    {"severity": "error", "code": "incomplete", "details": {"text": "Not to be had."}},
                    {"severity": "error", "code": "invalid", "diagnostics": "Something else."},
                    {"severity": "error", "code": "processing"},
                ]}, 412,
            ),
            ["refused (status 412)", "Not to be had.", "Something else.", "processing"],
        ),
        (Response(status_code=401), ["refused (status 401)"]),
        (Response("no json", 500), ["refused (status 500)"]),
        (JSONResponse([], 500), ["refused (status 500)"]),
    ],
)  # fmt: skip
async def test_a_refusal_is_shown_as_one(answer: Response, texts: list[str]) -> None:
    async with site() as shown:
        shown.answer = answer
        text = Checked((await shown.get(service="kidney", patient="p1")).text).text
    assert all(each in text for each in texts) and "nothing to say" not in text

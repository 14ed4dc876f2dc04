"""The routes of the pages; on loopback without issuers they are open at ``/``."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from collectors.auth.authorisations import Caller
from collectors.reading.readout import check_fhir_id
from ontology.errors import MedtwinError
from server.errors import QuestionError
from server.explain.explain import explain
from server.explain.fhir import bundle
from server.explain.prov import serialize_result
from server.launch.refusals import LaunchRefusedError
from server.pages.argument import alongside, argue, evaluation_moment, read_head
from server.pages.context import PATIENTS, PageContext, is_open, open_context
from server.pages.patient import ask_questions, first_part
from server.pages.patient_changes import rest
from server.pages.record import read_record
from server.pages.refusals import refusal
from server.pages.rendering import FILES, page, static_file, streamed
from server.settings import Settings

if TYPE_CHECKING:
    from server.launch.sessions import Chart

MakeContext: TypeAlias = Callable[[Request], PageContext | Awaitable[PageContext]]
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
Admit: TypeAlias = Callable[[Request, Caller | None], AbstractAsyncContextManager[None]]
"""Lets a page in as a question, within the limits of all and of its caller, or raises."""
Show: TypeAlias = Callable[[Request, PageContext], Awaitable[Response]]
FROM_CARD = "You came from a card."
WITHOUT_DRAFT = "The draft order is not part of this page."
_FORMS = {"turtle": ("text/turtle", "ttl"), "json-ld": ("application/ld+json", "jsonld")}


def page_routes(settings: Settings, admit: Admit) -> list[BaseRoute]:
    """The style sheet and the script; and where no launch is needed, the pages themselves."""
    routes: list[BaseRoute] = [Route(FILES + "/{name}", static_file, methods=["GET"])]
    if is_open(settings):
        own = PATIENTS + "/{source}/{patient}"
        routes += [Route("/", _start, methods=["GET"]), Route(PATIENTS, _open_patient, methods=["GET"])]
        routes += patient_routes(own, open_context, admit)
    return routes


def chart_routes(admit: Admit) -> list[BaseRoute]:
    """The pages of a launched chart; ``request.app.state.launches`` knows which browser opened it."""
    # Imported only where there are launches: that takes a tenth of a second.
    from server.launch.routes import APP, in_words

    return patient_routes(APP, _chart_context, admit, in_words)


async def _chart_context(request: Request) -> PageContext:
    """The chart of the address.  Raises LaunchRefusedError where this browser has not opened it."""
    chart: Chart = await request.app.state.launches.sessions.chart(request)
    base = f"/app/{chart.handle}"
    context = PageContext(request.app.state.engine, chart.caller, chart.source, chart.patient, base)
    return replace(context.asked_at(request), logout=f"{base}/logout")


def _unchanged(endpoint: Endpoint) -> Endpoint:
    return endpoint


def patient_routes(
    base: str, make_context: MakeContext, admit: Admit, wrap: Callable[[Endpoint], Endpoint] = _unchanged
) -> list[BaseRoute]:
    """The pages of one patient below ``base``; ``make_context`` says who asks about whom, or raises.

    ``wrap``: around each endpoint, for refusals of its own.
    """

    def route(path: str, answer: Show) -> Route:
        async def respond(request: Request) -> Response:
            try:
                made = make_context(request)
                context = made if isinstance(made, PageContext) else await made
                async with admit(request, context.caller):
                    return await answer(request, context)
            except LaunchRefusedError:
                raise
            except MedtwinError as error:
                return refusal(error, request)

        return Route(base + path, wrap(respond), methods=["GET"])

    return [
        route("", _patient(admit)),
        route("/answer/{concept}", _argument),
        route("/record", _record),
        route("/export/{concept}/{form}", _export),
    ]


async def _start(request: Request) -> Response:
    engine = request.app.state.engine
    return page("start.html", sources=sorted(engine.sources), has_services=bool(engine.catalog.services))


async def _open_patient(request: Request) -> Response:
    """From the form of the start to the patient's page."""
    query = request.query_params
    try:
        source = request.app.state.engine.source(query.get("source") or None)
        patient = check_fhir_id(query.get("patient", "").strip())
    except MedtwinError as error:
        return refusal(error, request)
    when = f"?{urlencode({'at': query['at']})}" if query.get("at") else ""
    return RedirectResponse(f"{PATIENTS}/{quote(source.id, safe='')}/{patient}{when}", 303)


def _patient(admit: Admit) -> Show:
    async def show(request: Request, context: PageContext) -> Response:
        at = evaluation_moment(context)
        async with alongside(read_head(context, at)) as reading:
            results = await ask_questions(context, at)
            head = await reading
        first, last = first_part(results, head, context, context.time_text(at))
        # What is filled in after is a question of its own: by then this one has been answered.
        return streamed(first, rest(results, context, at, last, admit(request, context.caller)))

    return show


async def _argument(request: Request, context: PageContext) -> Response:
    at = evaluation_moment(context)
    async with alongside(read_head(context, at)) as reading:
        argument = await argue(context, request.path_params["concept"], at)
        head = await reading
    when, card = context.time_text(at), _came_from(request)
    return page("argument.html", a=argument, head=head, context=context, when=when, at=at, came_from=card)


def _came_from(request: Request) -> str:
    """What the page says to who came here by the link of a card (CDS Hooks); empty for all others."""
    query = request.query_params
    if query.get("from") != "card":
        return ""
    return f"{FROM_CARD} {WITHOUT_DRAFT}" if query.get("draft") == "true" else FROM_CARD


async def _record(request: Request, context: PageContext) -> Response:
    at = evaluation_moment(context)
    concept = request.query_params.get("of") or None
    async with alongside(read_head(context, at)) as reading:
        record = await read_record(context, request.query_params.get("url", ""), concept)
        head = await reading
    back = context.answer(concept) if concept is not None else ""
    return page("record.html", r=record, head=head, context=context, when=context.time_text(at), back=back)


async def _export(request: Request, context: PageContext) -> Response:
    concept, form = request.path_params["concept"], request.path_params["form"]
    if form != "fhir" and form not in _FORMS:
        raise QuestionError("unknown-form", "an answer is exported as fhir, turtle or json-ld")
    trace = await context.engine.ask(context.question((concept,), evaluation_moment(context)))
    result = explain(trace)[0]
    if form == "fhir":
        body, kind, ending = msgspec.json.encode(bundle(result, datetime.now(UTC))), "application/fhir+json", "json"
    else:
        kind, ending = _FORMS[form]
        body = serialize_result(result, form).encode()
    # The name of the file is that of the question: none of the patient.
    name = f'attachment; filename="{result.concept.id}.{ending}"'
    return Response(body, media_type=kind, headers={"Content-Disposition": name})

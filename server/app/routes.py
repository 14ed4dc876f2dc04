"""The routes beside GraphQL: health and readiness for operators, model cards for browsers.

Health says whether the process lives, and whether it can answer.  Nothing here is about a patient.
"""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from server.catalog.catalog import Catalog
from server.errors import QuestionError
from server.executor.engine import Engine
from server.explain.card import card_of, modules_with_card
from server.explain.card_html import render_listing, render_page


async def health(request: Request) -> Response:
    """200 as long as the process lives, with the truth about cache, sources and the terminology server."""
    return JSONResponse({"status": "alive", **await _service_state(request.app.state.engine)})


async def ready(request: Request) -> Response:
    """200 where at least one source answers, else 503.

    Without a cache, or a terminology server, questions are answered all the same: what needs one is then unknown.
    """
    state = await _service_state(request.app.state.engine)
    able = any(source["reachable"] for source in state["sources"])
    return JSONResponse({"status": "ready" if able else "not ready", **state}, 200 if able else 503)


async def _service_state(engine: Engine) -> dict[str, Any]:
    cache = await engine.cache_status()
    sources, terms = await asyncio.gather(engine.source_status(), engine.terminology_status())
    return {
        "cache": {"kind": str(cache.kind), "reachable": cache.reachable, "text": cache.text},
        "sources": [{"id": each.id, "reachable": each.reachable, "text": each.text} for each in sources],
        "terminology": None if terms is None else {"reachable": terms.reachable, "text": terms.text},
    }


async def list_cards(request: Request) -> Response:
    """Which modules have a card."""
    return HTMLResponse(render_listing(modules_with_card(_catalog(request))))


async def show_card(request: Request) -> Response:
    """The card of a module; 404, typed, where there is none."""
    try:
        found = card_of(_catalog(request), request.path_params["module_id"])
    except QuestionError as error:
        told = {"message": str(error), "extensions": {"code": error.code}}
        return JSONResponse({"errors": [told]}, 404)
    return HTMLResponse(render_page(*found))


def _catalog(request: Request) -> Catalog:
    catalog: Catalog = request.app.state.engine.catalog
    return catalog

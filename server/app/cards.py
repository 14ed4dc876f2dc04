"""Cards over HTTP: pages for browsers.  They are about modules, never about a patient."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from server.catalog.load import Catalog
from server.errors import QuestionError
from server.explain.card import card_of, with_card
from server.explain.cardpage import listing, page


async def cards(request: Request) -> Response:
    """Which modules have a card."""
    return HTMLResponse(listing(with_card(_catalog(request))))


async def card(request: Request) -> Response:
    """The card of a module; 404, typed, where there is none."""
    try:
        found = card_of(_catalog(request), request.path_params["module_id"])
    except QuestionError as error:
        told = {"message": str(error), "extensions": {"code": error.code}}
        return JSONResponse({"errors": [told]}, 404)
    return HTMLResponse(page(*found))


def _catalog(request: Request) -> Catalog:
    catalog: Catalog = request.app.state.engine.catalog
    return catalog

"""The cards of modules that were fitted to data as pages, and the decision curve as SVG.

They hold nothing of a patient, and everything that comes out of a description is escaped.
"""

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ontology.words.quantities import number_words
from server.catalog.cards import Card, Metric
from server.catalog.catalog import Catalog
from server.catalog.descriptions import Description
from server.errors import QuestionError
from server.explain.card import ABOUT, MODEL_IN_USE, card_of, curve_points, metric_tables, modules_with_card
from server.pages.refusals import error_page
from server.pages.rendering import page, render


def render_page(card: Card, modules: Sequence[Description]) -> str:
    """The card of ``modules``."""
    title = " · ".join(module.title for module in modules)
    return render("card.html", **_card_values(card, modules, title))


def _card_values(card: Card, modules: Sequence[Description], title: str) -> dict[str, Any]:
    return {
        "title": title,
        "modules": modules,
        "card": card,
        "about": ABOUT,
        "tables": metric_tables(card.metrics),
        "curve": render_curve(card.metrics),
    }


def render_listing(modules: Sequence[Description]) -> str:
    """The modules that have a card, each with a link to it."""
    return render("cards.html", modules=list(modules))


async def list_cards(request: Request) -> Response:
    """The page that lists the modules with a card."""
    return page("cards.html", modules=modules_with_card(_catalog(request)))


async def show_card(request: Request) -> Response:
    """The page with the card of a module; 404 if it has none: a page for browsers, for programs an error code."""
    try:
        card, modules = card_of(_catalog(request), request.path_params["module_id"])
    except QuestionError as error:
        if "text/html" in request.headers.get("accept", ""):
            return error_page(request, 404, "No such card", str(error))
        fault = {"message": str(error), "extensions": {"code": error.code}}
        return JSONResponse({"errors": [fault]}, 404)
    return page("card.html", **_card_values(card, modules, " · ".join(module.title for module in modules)))


def _catalog(request: Request) -> Catalog:
    catalog: Catalog = request.app.state.engine.catalog
    return catalog


CURVE_WIDTH, CURVE_HEIGHT, CURVE_LEFT, CURVE_TOP = 420, 220, 60, 10
_DASHES = {MODEL_IN_USE: "none", "all": "6 4", "none": "2 3"}
CurvePoints = Sequence[tuple[Decimal, Decimal]]


def render_curve(metrics: Sequence[Metric]) -> Markup:
    """SVG without styles and scripts; lines are distinguished by dashes and names.  Empty without a curve."""
    lines = list(curve_points(metrics))
    if not lines:
        return Markup()
    places = [place for _, points in lines for place, _ in points]
    left, right = min(places), max(places)
    values = [value for _, points in lines for _, value in points]
    top = max(*values, Decimal(0))
    lowest = min(*values, Decimal(0))
    # What lies far below nothing is cut off: that it is worse than doing nothing is all that matters there.
    bottom = max(lowest, -top / 4) if top else lowest
    height = (top - bottom) or Decimal(1)
    lines.append(("none", [(left, Decimal(0)), (right, Decimal(0))]))

    def at(place: Decimal, value: Decimal) -> str:
        x = CURVE_LEFT + (place - left) / (right - left) * CURVE_WIDTH
        y = CURVE_TOP + (top - max(value, bottom)) / height * CURVE_HEIGHT
        return f"{x:.1f},{y:.1f}"

    drawn = []
    for name, points in lines:
        track = " ".join(at(*point) for point in points)
        drawn.append(
            f'<polyline points="{track}" fill="none" stroke="currentColor" stroke-width="2" '
            f'stroke-dasharray="{_DASHES[name]}"/>'
        )
        x, y = at(*points[-1]).split(",")
        drawn.append(f'<text x="{float(x) + 6:.1f}" y="{float(y) + 4:.1f}" fill="currentColor">{escape(name)}</text>')
    foot = CURVE_TOP + CURVE_HEIGHT + 24
    marks = (
        f'<text x="0" y="{CURVE_TOP + 10}" fill="currentColor">{number_words(round(top, 2))}</text>'
        f'<text x="{CURVE_LEFT}" y="{foot}" fill="currentColor">{number_words(100 * left)} %</text>'
        f'<text x="{CURVE_LEFT + CURVE_WIDTH - 40}" y="{foot}" fill="currentColor">{number_words(100 * right)} %</text>'
    )
    # Of numbers and of names of our own alone.
    return Markup(  # noqa: S704
        f'<svg class="curve" role="img" aria-labelledby="curve-title curve-about" width="600" height="260" '
        'viewBox="0 0 600 260">'
        '<title id="curve-title">Decision curve</title><desc id="curve-about">Net benefit by the risk from which one '
        "acts, for acting by the model, on all and on none; what lies far below 0 is drawn at the edge. The numbers "
        "are in the table above.</desc>"
        f"{''.join(drawn)}{marks}</svg>"
    )

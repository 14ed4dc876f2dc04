"""Model cards as HTML: plain pages without scripts, with nothing loaded from anywhere, and the decision curve as SVG.

Everything that comes out of a description is escaped.  The one style sheet is in the page, and named by its hash in
the policy under which the page is served.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from hashlib import sha256
from html import escape
from urllib.parse import quote

from ontology.words.quantities import number_words
from server.catalog.cards import Card, Metric
from server.catalog.descriptions import Description
from server.explain.card import ABOUT, MODEL_IN_USE, MetricTable, curve_points, metric_tables

STYLE_SHEET = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
body { color: #1a1a1a; background: #fff; }
dt { font-weight: 600; margin-top: .75rem; } dd { margin: 0 0 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
caption { text-align: left; font-weight: 600; padding-bottom: .25rem; }
th, td { border: 1px solid #767676; padding: .25rem .5rem; text-align: left; vertical-align: top; }
.wide { overflow-x: auto; } .note { color: #444; }
@media (prefers-color-scheme: dark) {
  body { color: #eee; background: #121212; } .note { color: #bbb; } a { color: #9cf; }
}
"""
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE_SHEET.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def render_page(card: Card, modules: Sequence[Description]) -> str:
    """The card of ``modules``."""
    title = " · ".join(module.title for module in modules)
    return _document(title, (*_head_html(modules), *_attributes_html(card), *_metrics_html(card)))


def render_listing(modules: Iterable[Description]) -> str:
    """The modules that have a card, each with a link to it."""
    items = [
        f'<li><a href="/modules/{quote(module.id, safe="")}/card">{escape(module.title)}</a> '
        f"({escape(module.id)} {escape(module.version)}{_maturity_html(module)})</li>"
        for module in modules
    ]
    return _document("Cards of modules that were fitted to data", ("<ul>", *items, "</ul>"))


def _document(title: str, body: Iterable[str]) -> str:
    parts = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>\n<style>{STYLE_SHEET}</style>\n</head>\n<body>\n<main>\n<h1>{escape(title)}</h1>",
        *body,
        "</main>\n</body>\n</html>\n",
    )
    return "\n".join(parts)


def _head_html(modules: Sequence[Description]) -> Iterator[str]:
    for module in modules:
        yield f"<p>Module <code>{escape(module.id)}</code>, version {escape(module.version)}{_maturity_html(module)}. "
        yield f"{escape(module.intended_use or '')}</p>"
        if module.model is not None:
            yield f"<p>Calibration: {escape(module.model.calibration)}.</p>"
    yield f"<p>{escape(ABOUT)}</p>"


def _maturity_html(module: Description) -> str:
    return "" if module.model is None else f", {escape(str(module.model.maturity))}"


def _attributes_html(card: Card) -> Iterator[str]:
    for group in card.groups:
        yield f"<h2>{escape(group.title)}</h2>\n<dl>"
        for each in group.attributes:
            yield f"<dt>{escape(each.paragraph)} {escape(each.label)}</dt>\n<dd>{escape(each.text)}</dd>"
        yield "</dl>"


def _metrics_html(card: Card) -> Iterator[str]:
    found = metric_tables(card.metrics)
    if found:
        yield "<h2>Metrics</h2>"
    for table in found:
        yield from _table_html(table)
    yield render_curve(card.metrics)


def _table_html(table: MetricTable) -> Iterator[str]:
    yield f'<div class="wide" role="region" aria-label="{escape(table.caption)}" tabindex="0">\n<table>'
    yield f"<caption>{escape(table.caption)}</caption>"
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.head)
    yield f"<thead><tr>{heads}</tr></thead>\n<tbody>"
    for first, *rest in table.rows:
        cells = "".join(f"<td>{escape(text)}</td>" for text in rest)
        yield f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>'
    yield "</tbody>\n</table>\n</div>"
    for note in table.notes:
        yield f'<p class="note">How: {escape(note)}.</p>'


CURVE_WIDTH, CURVE_HEIGHT, CURVE_LEFT, CURVE_TOP = 420, 220, 60, 10
_DASHES = {MODEL_IN_USE: "none", "all": "6 4", "none": "2 3"}
CurvePoints = Sequence[tuple[Decimal, Decimal]]


def render_curve(metrics: Sequence[Metric]) -> str:
    """SVG without styles and scripts; lines are distinguished by dashes and names.  Empty without a curve."""
    lines = list(curve_points(metrics))
    if not lines:
        return ""
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
    return (
        f'<svg role="img" aria-labelledby="curve-title curve-about" width="600" height="260" viewBox="0 0 600 260">'
        '<title id="curve-title">Decision curve</title><desc id="curve-about">Net benefit by the risk from which one '
        "acts, for acting by the model, on all and on none; what lies far below 0 is drawn at the edge. The numbers "
        "are in the table above.</desc>"
        f"{''.join(drawn)}{marks}</svg>"
    )

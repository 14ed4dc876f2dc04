"""A card as a page for browsers: plain HTML, readable without a script, with nothing loaded from anywhere.

Everything that comes out of a description is escaped.  The one style sheet is in the page, and named by its hash in
the policy under which the page is served.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from html import escape
from urllib.parse import quote

from server.catalog.cards import Card
from server.catalog.descriptions import Description
from server.explain.card import ABOUT
from server.explain.curve import drawing
from server.explain.metrics import Table, tables

STYLE = """
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
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(card: Card, modules: Sequence[Description]) -> str:
    """The card of ``modules``."""
    title = " · ".join(module.title for module in modules)
    return _document(title, (*_head(modules), *_attributes(card), *_metrics(card)))


def listing(modules: Iterable[Description]) -> str:
    """The modules that have a card, each with a link to it."""
    items = [
        f'<li><a href="/modules/{quote(module.id, safe="")}/card">{escape(module.title)}</a> '
        f"({escape(module.id)} {escape(module.version)}{_maturity(module)})</li>"
        for module in modules
    ]
    return _document("Cards of modules that were fitted to data", ("<ul>", *items, "</ul>"))


def _document(title: str, body: Iterable[str]) -> str:
    parts = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{escape(title)}</h1>",
        *body,
        "</main>\n</body>\n</html>\n",
    )
    return "\n".join(parts)


def _head(modules: Sequence[Description]) -> Iterator[str]:
    for module in modules:
        yield f"<p>Module <code>{escape(module.id)}</code>, version {escape(module.version)}{_maturity(module)}. "
        yield f"{escape(module.intended_use or '')}</p>"
        if module.model is not None:
            yield f"<p>Calibration: {escape(module.model.calibration)}.</p>"
    yield f"<p>{escape(ABOUT)}</p>"


def _maturity(module: Description) -> str:
    return "" if module.model is None else f", {escape(str(module.model.maturity))}"


def _attributes(card: Card) -> Iterator[str]:
    for group in card.groups:
        yield f"<h2>{escape(group.title)}</h2>\n<dl>"
        for each in group.attributes:
            yield f"<dt>{escape(each.paragraph)} {escape(each.label)}</dt>\n<dd>{escape(each.text)}</dd>"
        yield "</dl>"


def _metrics(card: Card) -> Iterator[str]:
    found = tables(card.metrics)
    if found:
        yield "<h2>Metrics</h2>"
    for table in found:
        yield from _table(table)
    yield drawing(card.metrics)


def _table(table: Table) -> Iterator[str]:
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

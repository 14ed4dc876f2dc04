"""A card as a page: Markdown.  And which card a module has."""

from collections.abc import Iterable, Iterator, Sequence

from server.catalog.cards import Card
from server.catalog.descriptions import Description
from server.catalog.load import Catalog
from server.errors import QuestionError
from server.explain.metrics import Table, tables

RULE = "45 CFR 170.315(b)(11)(iv)(B)"
ABOUT = f"The source attributes of a predictive decision support intervention, as {RULE} asks for them, in our words."


def card_of(catalog: Catalog, module_id: str) -> tuple[Card, list[Description]]:
    """The card of a module, and the modules that it is of.

    QuestionError ``unknown-module`` or ``no-card``; neither repeats what was asked for, which may be anything.
    """
    module = catalog.modules.get(module_id)
    if module is None:
        raise QuestionError("unknown-module", f"no module has this id; it is one of {_of(catalog.modules)}")
    card = catalog.cards.get(module.iri)
    if card is None:
        known = _of(each.id for each in with_card(catalog))
        raise QuestionError("no-card", f"{module.id} was not fitted to data, and has no card; these have: {known}")
    return card, [catalog.by_iri[iri] for iri in card.of]


def with_card(catalog: Catalog) -> list[Description]:
    """The modules that have a card, by id."""
    return sorted((each for each in catalog.modules.values() if each.iri in catalog.cards), key=lambda each: each.id)


def markdown(card: Card, modules: Sequence[Description] = ()) -> str:
    """The page of a card; ``modules`` are those that it is of, for its head."""
    return "\n".join([*_head(modules), *_attributes(card), *_metrics(tables(card.metrics))]) + "\n"


def _head(modules: Sequence[Description]) -> Iterator[str]:
    for module in modules:
        yield f"# {module.title}"
        yield ""
        yield f"Module `{module.id}`, version {module.version}. {module.intended_use}"
        if module.model is not None:
            yield ""
            yield f"Maturity: {module.model.maturity}. Calibration: {module.model.calibration}."
        yield ""


def _attributes(card: Card) -> Iterator[str]:
    yield ABOUT
    for group in card.groups:
        yield ""
        yield f"## {group.title}"
        yield ""
        for attribute in group.attributes:
            yield f"- {attribute.paragraph} **{attribute.label}**: {attribute.text}"


def _metrics(found: Sequence[Table]) -> Iterator[str]:
    if not found:
        return
    yield ""
    yield "## Metrics"
    for table in found:
        yield ""
        yield f"### {table.caption}"
        yield ""
        yield f"| {' | '.join(_cells(table.head))} |"
        yield f"|{' --- |' * len(table.head)}"
        for row in table.rows:
            yield f"| {' | '.join(_cells(row))} |"
        for note in table.notes:
            yield ""
            yield f"How: {note}."


def _cells(texts: Iterable[str]) -> Iterator[str]:
    return (text.replace("|", "\\|").replace("\n", " ") for text in texts)


def _of(ids: Iterable[str]) -> str:
    return ", ".join(sorted(ids)) or "none"

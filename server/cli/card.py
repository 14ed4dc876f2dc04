"""``card``: what is known of a module that was fitted to data, as a page."""

from collections.abc import Iterable

from server.catalog.configured import configured_catalog
from server.errors import QuestionError
from server.explain.card import markdown
from server.settings import Settings


def run(settings: Settings, module_id: str) -> int:
    """Print the card of a module.  QuestionError where there is no such module, or it has none."""
    catalog = configured_catalog(settings)
    module = catalog.modules.get(module_id)
    if module is None:
        raise QuestionError("unknown-module", f"no module has the id {module_id}; it is one of {_of(catalog.modules)}")
    card = catalog.cards.get(module.iri)
    if card is None:
        known = _of(m.id for m in catalog.modules.values() if m.iri in catalog.cards)
        raise QuestionError("no-card", f"{module_id} was not fitted to data, and has no card; these have: {known}")
    print(markdown(card, [catalog.by_iri[iri] for iri in card.of]), end="")
    return 0


def _of(ids: Iterable[str]) -> str:
    return ", ".join(sorted(ids)) or "none"

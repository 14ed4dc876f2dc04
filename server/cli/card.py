"""``card``: what is known of a module that was fitted to data, as a page."""

from server.catalog.configured import configured_catalog
from server.explain.card import card_of, markdown
from server.settings import Settings


def run(settings: Settings, module_id: str) -> int:
    """Print the card of a module.  QuestionError where there is no such module, or it has none."""
    print(markdown(*card_of(configured_catalog(settings), module_id)), end="")
    return 0

"""Names within a sentence, and lists of them."""

import re
from collections.abc import Iterable

from ontology.slots import Slot
from ontology.words import PLAIN, Style

MAX_LISTED = 5
"""How many names one text lists; the others are counted."""

_NAMES = frozenset({"Glasgow"})


def list_words(items: Iterable[str], last: str = "and", style: Style = PLAIN) -> str:
    """``a``, ``a and b``, ``a, b and c``; each item once, in the order given."""
    parts = list(dict.fromkeys(items))
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}" if len(parts) > 1 else "".join(parts)


def truncated_list(
    items: Iterable[str], most: int = MAX_LISTED, unseen: int = 0, separator: str = ", ", style: Style = PLAIN
) -> str:
    """The first ``most`` items, and how many more there are: ``a, b and 3 more``.

    ``unseen``: so many more are not among the items.
    """
    parts = list(items)
    rest = max(0, len(parts) - most) + unseen
    return separator.join(parts[:most]) + (f" and {rest} more" if rest else "")


SHORT_WORDS = 12
"""How many words a short text has at most."""


def is_short(text: str) -> bool:
    """Whether the text has at most ``SHORT_WORDS`` words."""
    return len(text.split()) <= SHORT_WORDS


def shortened(text: str, style: Style = PLAIN) -> str:
    """The text in at most ``SHORT_WORDS`` words: complete, or as many of its first clauses as fit, or cut ("…")."""
    text = text.strip().rstrip(".")
    if is_short(text):
        return text
    for mark in (r"[.;:] ", r", | \("):
        heads = (text[: found.start()] for found in re.finditer(mark, text))
        if fitting := [head for head in heads if is_short(head)]:
            return fitting[-1]
    return f"{' '.join(text.split()[: SHORT_WORDS - 1])}…"


def short_list(begin: str, items: Iterable[str], style: Style = PLAIN) -> str:
    """``begin`` and as many items as fit into ``SHORT_WORDS`` words; the others are counted."""
    parts = list(dict.fromkeys(items))
    heads = [re.split(r"[:;,(]", part)[0].strip() for part in parts]
    for named in range(len(parts), 0, -1):
        rest = f" and {len(parts) - named} more" if named < len(parts) else ""
        for each in (parts, heads):
            # Two items may begin alike: a name is said once.
            text = f"{begin} {', '.join(dict.fromkeys(each[:named]))}{rest}"
            if is_short(text):
                return text
    return shortened(f"{begin} {heads[0]}" if len(parts) == 1 else f"{begin} {len(parts)} conditions")


def count_words(count: int, noun: str, style: Style = PLAIN) -> str:
    """``1 day``, ``3 days``, ``0 days``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def begin_small(text: str, style: Style = PLAIN) -> str:
    """The text within a sentence: ``Serum creatinine`` gets a small letter, ``UACR`` and names keep theirs."""
    word = text.split(" ", 1)[0]
    if word in _NAMES:
        return text
    article = word == "A"
    return text[0].lower() + text[1:] if article or (word[:1].isupper() and word[1:].islower()) else text


def sentences(texts: Iterable[str], style: Style = PLAIN) -> str:
    """The texts as sentences: each but the first begins with a capital letter."""
    first, *others = [*texts] or [""]
    return ". ".join([first, *(f"{each[:1].upper()}{each[1:]}" for each in others)])


def slot_words(slot: Slot, style: Style = PLAIN) -> str:
    """What fills a slot, as a reader calls it within a sentence."""
    return begin_small(slot.concept.display, style)

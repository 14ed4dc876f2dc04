"""Names of ingredients in the words of a medication entry.

A name counts as a whole word only, in any case, with or without accents: "Warfarin-Natrium 5 mg" has warfarin in it,
"Metforminhydrochlorid" has no metformin.  A name says what the entry probably is, never that it certainly is.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from ontology.concepts import Concept


def named_ingredient(concept: Concept, words: Iterable[str]) -> str | None:
    """The name of an ingredient of the concept that these words contain; None where they contain none."""
    if not concept.ingredient_names:
        return None
    pattern = _whole_words(concept.ingredient_names)
    return next((found[0] for text in words if (found := pattern.search(plain_letters(text)))), None)


def plain_letters(text: str) -> str:
    """The text in small letters without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each))


@lru_cache(maxsize=256)
def _whole_words(names: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted({plain_letters(name) for name in names}, key=lambda name: (-len(name), name))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")

"""What a short answer says beside its value: what it means, and what is advised; each thing once."""

import re

from ontology.words.lists import begin_small
from server.explain.results import AnswerResult


def band_words(name: str, text: str, value: str) -> str:
    """The name of a band and its text; one of them, where it says the same or the text begins so."""
    begin = text.partition(": ")[0] if ": " in text else text
    if name.casefold() == value.casefold() or _words(name) <= _words(text):
        return begin_small(text)
    if ": " in text and _words(begin) <= _words(name):
        return text.partition(": ")[2]
    return f"{begin_small(name)}: {text}"


_FEWEST_WORDS = 6
_NEGATIONS = frozenset({"no", "not", "never", "without", "avoid", "against", "neither", "nor"})
_FILLERS = frozenset({"a", "an", "and", "at", "be", "for", "in", "is", "of", "or", "should", "the", "to"})


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w.]*\w", text.casefold())) - _FILLERS


def is_said_in(text: str, other: str, but: int = 0) -> bool:
    """Whether the words of a text are all in another (but so many), and neither denies what the other does not."""
    own, others = _words(text), _words(other)
    return bool(own) and len(own - others) <= but and own & _NEGATIONS == others & _NEGATIONS


def different_advice(result: AnswerResult) -> list[str]:
    """The advice of several sources, once where one says what another says as well."""
    texts = list(dict.fromkeys(each.text.rstrip(".") for each in result.recommendations))
    kept: list[str] = []
    for text in sorted(texts, key=lambda each: -len(_words(each))):
        but = 1 if len(_words(text)) >= _FEWEST_WORDS else 0
        if not any(is_said_in(text, other, but) for other in kept):
            kept.append(text)
    return [text for text in texts if text in kept]

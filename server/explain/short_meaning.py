"""What a short answer says beside its value: what it means and advises, or why there is no value; each thing once."""

import re
from collections.abc import Iterable, Iterator

from ontology.words.lists import begin_small, count_words, list_words, truncated_list
from ontology.words.time import duration_words
from server.explain.results import AnswerResult, MissingInput

_MOST_REASONS = 3
_MOST_NAMED = 3
_VITAL_SIGNS = frozenset(
    {
        "Body temperature",
        "Diastolic blood pressure",
        "Heart rate",
        "Level of consciousness",
        "Oxygen saturation",
        "Oxygen therapy",
        "Respiratory rate",
        "Systolic blood pressure",
    }
)
"""What a set of vital signs has, by the names of the concepts."""


def missing_reasons(missing: Iterable[MissingInput]) -> Iterator[str]:
    """Why there is no value, in at most three reasons: ``no vital signs in the last 24 hours``.

    What failed, was forbidden or cannot be read comes first, and is never counted instead of named.  Of what is
    no number, "no X" would say that it is not so.
    """
    found = _longest_windows(missing)
    reasons: list[tuple[str, int]] = []
    for why in dict.fromkeys(each.why for each in found if not (each.unmeasured or each.undocumented)):
        names = [each.name for each in found if each.why == why]
        reasons.append((f"{_named(names)}: {why}", len(names)))
    unreadable = len(reasons)
    plain = [each for each in found if each.unmeasured or each.undocumented]
    for window in dict.fromkeys(each.window for each in plain):
        within = f" in the last {duration_words(window)}" if window is not None else ""
        here = [each for each in plain if each.window == window]
        if len(here) >= len(_VITAL_SIGNS) - 1 and all(each.name in _VITAL_SIGNS for each in here):
            reasons.append((f"no vital signs{within}", len(here)))
            continue
        measured = [each.name for each in here if each.unmeasured]
        others = [each.name for each in here if each.undocumented]
        if measured:
            reasons.append((f"no {_named(measured, 'or')}{within or ' on record'}", len(measured)))
        if others:
            reasons.append((f"{_named(others)} not documented{within}", len(others)))
    most = _MOST_REASONS if len(reasons) <= _MOST_REASONS else max(unreadable, _MOST_REASONS - 1)
    yield from (words for words, _ in reasons[:most])
    if rest := sum(count for _, count in reasons[most:]):
        yield f"{count_words(rest, 'more input')} missing"


def _longest_windows(missing: Iterable[MissingInput]) -> tuple[MissingInput, ...]:
    """Each name once where nothing was recorded of it: what is not there in three years is not there in one."""
    found: dict[tuple[str, bool], MissingInput] = {}
    others = []
    for each in missing:
        if not (each.unmeasured or each.undocumented):
            others.append(each)
            continue
        key = (each.name, each.unmeasured)
        known = found.get(key)
        if known is None or (known.window is not None and (each.window is None or each.window > known.window)):
            found[key] = each
    return (*others, *found.values())


def _named(names: Iterable[str], last: str = "and") -> str:
    listed = list(dict.fromkeys(map(begin_small, names)))
    # One more is as short by its name.
    return truncated_list(listed, _MOST_NAMED) if len(listed) > _MOST_NAMED + 1 else list_words(listed, last)


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


def sentences(texts: Iterable[str]) -> str:
    """The texts as sentences: each but the first begins with a capital letter."""
    first, *others = [*texts] or [""]
    return ". ".join([first, *(f"{each[:1].upper()}{each[1:]}" for each in others)])

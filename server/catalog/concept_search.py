"""Concepts found by the words that people use for them: id, label, synonyms and codes."""

from collections.abc import Iterable, Iterator

from ontology.concepts import Concept, Origin


def find_concepts(concepts: Iterable[Concept], search: str = "", computed: bool | None = None) -> tuple[Concept, ...]:
    """The concepts whose id, label, synonyms or codes hold every word of ``search``, the best found first.

    First those of which one of these is what was searched for, then those of which one begins with it; in each group
    those that are computed, then by id.  Upper and lower case are one.  ``computed`` True: of those that a module
    computes; False: of the others.  Without words, all of them.
    """
    wanted = " ".join(search.casefold().split())
    found: list[tuple[int, bool, str, Concept]] = []
    for concept in concepts:
        is_computed = concept.origin is Origin.COMPUTED
        if computed is not None and computed is not is_computed:
            continue
        rank = _rank(concept, wanted)
        if rank is not None:
            found.append((rank, not is_computed, concept.id, concept))
    return tuple(each[-1] for each in sorted(found, key=lambda each: each[:-1]))


def _rank(concept: Concept, wanted: str) -> int | None:
    """0 for the very name, 1 for the beginning of one, 2 for words within; None where a word is in none."""
    names = tuple(_names(concept))
    if not all(any(word in name for name in names) for word in wanted.split()):
        return None
    if wanted in names:
        return 0
    return 1 if any(name.startswith(wanted) for name in names) else 2


def _names(concept: Concept) -> Iterator[str]:
    """By which it is found, in lower case: codes as they are read, and as they are written."""
    yield concept.id
    yield concept.display.casefold()
    yield from (synonym.casefold() for synonym in concept.synonyms)
    yield from (coding.code.casefold() for coding in concept.codes)
    yield from (accepted.coding.code.casefold() for accepted in concept.accepted)

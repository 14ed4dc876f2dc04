"""Facts that come by several ways put together: each record once in its newest version, and none that was withdrawn."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from collectors.reading.records import Fact, supersedes
from ontology.evaluation import Issue, Severity

Withdrawn: TypeAlias = Mapping[tuple[str, str], str]
"""Records, by type and id, that do not count by what another record says; each with a text for readers."""


def add(held: list[Fact], read: Sequence[Fact]) -> None:
    """Adds facts to those held.

    One record may come by two ways: by a search of its own, and as the result of a report.  Then its newer version
    counts, and of one version the reading that is preliminary.
    """
    if not held:
        held.extend(read)
        return
    known = {_place(fact): position for position, fact in enumerate(held)}
    for fact in read:
        position = known.get(_place(fact))
        if position is None:
            held.append(fact)
            continue
        other = held[position]
        same = fact.record.ref.version == other.record.ref.version
        if (fact.preliminary and not other.preliminary) if same else supersedes(fact.record, other.record):
            held[position] = fact


def _place(fact: Fact) -> tuple[str, str, str]:
    """The record, and where in it."""
    ref = fact.record.ref
    return ref.type, ref.id, fact.resource.iri.partition("#")[2]


def counting(facts: Mapping[str, list[Fact]], withdrawn: Withdrawn) -> tuple[dict[str, list[Fact]], list[Issue]]:
    """The facts, by concept, without those whose record was withdrawn, and what is to be told of that."""
    kept: dict[str, list[Fact]] = {}
    gone: set[tuple[str, str]] = set()
    for concept, those in facts.items():
        kept[concept] = []
        for fact in those:
            key = (fact.record.ref.type, fact.record.ref.id)
            if key in withdrawn:
                gone.add(key)
            else:
                kept[concept].append(fact)
    return kept, [Issue(Severity.WARNING, "withdrawn", withdrawn[each]) for each in sorted(gone)]

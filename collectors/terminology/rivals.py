"""Local codes that maps read as two different measurements: no number can be both."""

from collections.abc import Iterable

from collectors.reading.codes import Key, code_key
from collectors.reading.translation import Translation
from ontology.concepts import Concept, Origin, ValueType


def rivals(concepts: Iterable[Concept], translation: Translation) -> list[str]:
    """A line for each local code of which two targets, same or wider, are measurements that have no concept in common.

    What they are read as would be a value of two things: one of them is wrong, and units need not show it.
    """
    known: dict[Key, set[str]] = {}
    for concept in concepts:
        if concept.origin is Origin.OBSERVATION and concept.value_type is ValueType.QUANTITY:
            for each in concept.accepted:
                known.setdefault(code_key(each.coding.system, each.coding.code), set()).add(concept.id)
    faults = []
    for (system, code), targets in translation.targets.items():
        read = [(each, found) for each in targets if (found := known.get(code_key(*each.key)))]
        for place, (one, first) in enumerate(read):
            other = next((each for each, second in read[place + 1 :] if not first & second), None)
            if other is not None:
                told = f"as {one.key[1]} of {one.key[0]} (ConceptMap {one.map}) and as {other.key[1]} of {other.key[0]}"
                faults.append(f"{code} of {system} is read {told} (ConceptMap {other.map}): no number is both")
                break
    return faults

"""The codes that stand in records, whatever their element is."""

import json
from collections.abc import Iterable, Iterator

from collectors.reading.codes import Key
from collectors.reading.records import Record


def codes_in(records: Iterable[Record]) -> frozenset[Key]:
    """Every code with its system, anywhere in the records; of what cannot be decoded, none."""
    found: set[Key] = set()
    for record in records:
        try:
            found.update(_codes(json.loads(record.raw)))
        except (ValueError, RecursionError):
            continue
    return frozenset(found)


def _codes(node: object) -> Iterator[Key]:
    if isinstance(node, dict):
        system, code = node.get("system"), node.get("code")
        # Quantities have a system and a code, too: those of their unit.
        if isinstance(system, str) and isinstance(code, str) and "value" not in node:
            yield system, code
        for each in node.values():
            yield from _codes(each)
    elif isinstance(node, list):
        for each in node:
            yield from _codes(each)

"""The numbers and times of a GraphQL answer, wherever they stand in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any


def scalars(node: Any) -> Iterator[Any]:
    """All that an answer says, without its names."""
    if isinstance(node, dict):
        for each in node.values():
            yield from scalars(each)
    elif isinstance(node, list):
        for each in node:
            yield from scalars(each)
    else:
        yield node


def quantities(node: Any, unit: str | None = None) -> Iterator[tuple[float, str]]:
    """Every number of the answer with the unit that stands beside it, or above it in a series."""
    if isinstance(node, dict):
        own = node.get("unit", unit)
        for name in ("value", "low", "high"):
            if isinstance(node.get(name), int | float) and own is not None:
                yield float(node[name]), own
        for each in node.values():
            yield from quantities(each, own)
    elif isinstance(node, list):
        for each in node:
            yield from quantities(each, unit)


def moments(node: Any) -> set[datetime]:
    """Every time of the answer."""
    found = set()
    for each in scalars(node):
        if isinstance(each, str) and re.match(r"\d{4}-\d\d-\d\dT", each):
            found.add(datetime.fromisoformat(each))
    return found

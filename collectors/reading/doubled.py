"""JSON in which a name occurs twice in one object: FHIR forbids it, and readers differ in which of the two counts."""

import json
from decimal import Decimal
from typing import Any


class DoubledError(ValueError):
    """A name that occurs twice in one object."""

    def __init__(self, name: str) -> None:
        super().__init__("a name occurs twice in one object")
        self.name = name


def read_once(raw: bytes) -> dict[str, Any]:
    """A record as plain JSON values, decimals as written (DoubledError, ValueError)."""
    decoded: dict[str, Any] = json.loads(raw, parse_float=Decimal, object_pairs_hook=_once)
    return decoded


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        raise DoubledError(next(name for name in names if names.count(name) > 1))
    return made

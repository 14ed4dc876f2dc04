"""Limits on the JSON of a record: no duplicate names in an object, a maximum depth, a maximum number of objects.

FHIR forbids duplicate names, and parsers differ in which of the two counts.  What nests deeper or holds more than any
honest record is left out before it is decoded.
"""

import json
import re
from decimal import Decimal
from typing import Any


class DuplicateNameError(ValueError):
    """A name that occurs twice in one object."""

    def __init__(self, name: str) -> None:
        super().__init__("a name occurs twice in one object")
        self.name = name


def decode_strict(raw: bytes) -> dict[str, Any]:
    """A record as plain JSON values, decimals as written (DuplicateNameError, ValueError)."""
    decoded: dict[str, Any] = json.loads(raw, parse_float=Decimal, object_pairs_hook=_object_of_unique_names)
    return decoded


def _object_of_unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        raise DuplicateNameError(next(name for name in names if names.count(name) > 1))
    return made


MAX_DEPTH = 100
"""Objects and arrays within each other; a questionnaire of thirty levels needs fewer."""

MAX_OBJECTS = 20_000
"""Objects in one record: to hold so many against FHIR's rules takes half a second, in which nobody else is served."""

_MARKS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def exceeds_limits(raw: bytes, max_depth: int = MAX_DEPTH) -> bool:
    """Whether JSON nests deeper than ``deepest``, or holds too many objects; brackets within texts do not count."""
    if raw.count(b"{") + raw.count(b"[") <= max_depth:
        return False
    depth = objects = 0
    for mark in _MARKS.finditer(raw):
        sign = mark[0]
        if sign in b"[{":
            depth += 1
            objects += sign == b"{"
            if depth > max_depth or objects > MAX_OBJECTS:
                return True
        elif sign in b"]}":
            depth -= 1
    return False

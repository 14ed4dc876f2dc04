"""How deeply a record nests, and how much it holds: what goes beyond any honest one is left out before it is read."""

import re

DEEPEST = 100
"""Objects and arrays within each other; a questionnaire of thirty levels needs fewer."""

MOST_OBJECTS = 20_000
"""Objects in one record: to hold so many against FHIR's rules takes half a second, in which nobody else is served."""

_MARKS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def too_deep(raw: bytes, deepest: int = DEEPEST) -> bool:
    """Whether JSON nests deeper than ``deepest``, or holds too many objects; brackets within texts do not count."""
    if raw.count(b"{") + raw.count(b"[") <= deepest:
        return False
    depth = objects = 0
    for mark in _MARKS.finditer(raw):
        sign = mark[0]
        if sign in b"[{":
            depth += 1
            objects += sign == b"{"
            if depth > deepest or objects > MOST_OBJECTS:
                return True
        elif sign in b"]}":
            depth -= 1
    return False

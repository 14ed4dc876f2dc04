"""How deeply a record nests: what goes deeper than any honest one is left out before anything tries to read it."""

import re

DEEPEST = 100
"""Objects and arrays within each other; a questionnaire of thirty levels needs fewer."""

_MARKS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def too_deep(raw: bytes, deepest: int = DEEPEST) -> bool:
    """Whether JSON nests deeper than ``deepest``; brackets within texts do not count."""
    if raw.count(b"{") + raw.count(b"[") <= deepest:
        return False
    depth = 0
    for mark in _MARKS.finditer(raw):
        sign = mark[0]
        if sign in b"[{":
            depth += 1
            if depth > deepest:
                return True
        elif sign in b"]}":
            depth -= 1
    return False

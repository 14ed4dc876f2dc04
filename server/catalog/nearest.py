"""What a mistyped id may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 64
"""Of what was typed; more is no slip of the finger, and would take long to compare."""


def nearest(wanted: str, ids: Iterable[str]) -> str:
    """The end of an error text, such as ``; did you mean egfr?``; nothing where none is near."""
    if len(wanted) > _LONGEST:
        return ""
    found = sorted(get_close_matches(wanted.lower(), sorted(ids), n=3, cutoff=0.7))
    return f"; did you mean {' or '.join(found)}?" if found else ""

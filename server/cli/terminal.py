"""What is printed at a terminal: words of others (a source, a file, a record) may hold characters that steer it.

Escape sequences can rewrite what stands on the screen, and direction marks its order.
"""

import sys
from typing import TextIO


def print_text(text: object, *, file: TextIO | None = None, end: str = "\n") -> None:
    """Print lines for people; each character that is none of a text is shown as the replacement character."""
    shown = "".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in str(text))
    print(shown, file=file or sys.stdout, end=end, flush=True)


def print_json(text: str, *, end: str = "\n") -> None:
    """Print JSON, with such characters escaped: whoever reads it gets them all the same."""
    print(escape_json(text), end=end)


def escape_json(text: str) -> str:
    """JSON with all that is not printable escaped; it stands within strings only."""
    return "".join(each if each.isprintable() or each == "\n" else _json_escape(each) for each in text)


def escape_turtle(text: str) -> str:
    """Turtle with all that is not printable escaped; it stands within literals only, since IRIs are encoded."""
    return "".join(each if each.isprintable() or each == "\n" else _turtle_escape(each) for each in text)


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


def _turtle_escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"

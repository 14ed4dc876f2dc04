"""Plain text for a terminal: lines of a given width, and nothing in them that a terminal would obey."""

import unicodedata
from collections.abc import Iterator

LEAST_WIDTH = 40
"""Columns: a narrower terminal breaks lines itself."""
LABEL = 10
"""Columns of a label before its text."""
_INDENT = "  "


def printable(text: str) -> str:
    """One line without control and formatting characters: a record's words must not move the cursor or hide text."""
    spaced = " ".join(text.split())
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in spaced)


def columns(text: str) -> int:
    """How many columns a terminal needs for a text: two for a wide character, none for a combining one."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text
    )


def wrapped(text: str, width: int, first: str = "", then: str = "") -> Iterator[str]:
    """The lines of a text; ``first`` begins the first line, ``then`` the others.

    A word that is longer than a line (an address) stays whole.
    """
    width = max(width, LEAST_WIDTH)
    line, filled = first, False
    for word in printable(text).split(" "):
        if line.strip() and columns(line) + filled + columns(word) > width:
            yield line.rstrip()
            line, filled = then, False
        line += f" {word}" if filled else word
        filled = True
    yield line.rstrip()


def labelled(label: str, text: str, width: int, indent: str = _INDENT) -> Iterator[str]:
    """A label in its column, and its text beside it."""
    begin = f"{indent}{label:<{LABEL}}"
    return wrapped(text, width, begin, " " * len(begin))


def heading(parts: list[str], end: str, width: int) -> Iterator[str]:
    """The first line of a block: its parts, and ``end`` at the right edge, where they fit on one line."""
    line = "   ".join(printable(each) for each in parts)
    room = max(width, LEAST_WIDTH) - columns(line) - columns(end)
    if end and room >= len("   "):
        yield f"{line}{' ' * room}{end}"
    else:
        yield from wrapped_parts([*parts, end] if end else parts, width)


def wrapped_parts(parts: list[str], width: int) -> Iterator[str]:
    """Parts with three spaces between them; what does not fit goes to further lines, indented."""
    line = ""
    for part in map(printable, parts):
        begin = f"{line}   " if line else ""
        *lines, line = wrapped(part, width, begin, _INDENT)
        yield from (each.rstrip() for each in lines)
    yield line


def right_aligned(text: str, width: int) -> str:
    """The text at the right edge; what is wider than the terminal goes to further lines."""
    if columns(text) > max(width, LEAST_WIDTH):
        return "\n".join(wrapped(text, width))
    return " " * max(0, max(width, LEAST_WIDTH) - columns(text)) + text

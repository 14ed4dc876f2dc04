"""Texts of cards: cut to length, escaped for Markdown, and free of whatever could change how a screen reads them."""

import re
import unicodedata
from collections.abc import Iterable

MOST_SUMMARY = 139
"""Characters of a summary (CDS Hooks 2.0: less than 140)."""
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#&!])")
_LINE_BEGIN = re.compile(r"^(?:[-+=]|\d+[.)])(?=\s|$)")
_ADDRESS = re.compile(r"(?i)(https?|ftp)://|(www)\.|@")
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_NUMBER = re.compile(r"[<>≤≥~+−-]*\d[\d.,/]*")
_ELLIPSIS = "…"
_SPACED_UNIT, _ONE_WORD = "/1.73 m²", "/1.73\N{NO-BREAK SPACE}m²"


def plain(text: str) -> str:
    """The text on one line, without control characters, marks of direction and the like."""
    shown = "".join(" " if unicodedata.category(each) in _HIDDEN else each for each in text)
    return " ".join(shown.split())


def cut(text: str, most: int = MOST_SUMMARY) -> str:
    """The text in at most so many characters, cut between words and never between a number and its unit."""
    text = plain(text)
    if len(text) <= most:
        return text
    words = text.replace(_SPACED_UNIT, _ONE_WORD)[: most - len(_ELLIPSIS) + 1].split(" ")[:-1]
    while words and _NUMBER.fullmatch(words[-1].strip("(),;:")):
        words.pop()
    kept = " ".join(words).replace(_ONE_WORD, _SPACED_UNIT).rstrip(" ,;:(–-")
    # A single word of that length is no word of ours.
    return f"{kept or text[: most - len(_ELLIPSIS)]}{_ELLIPSIS}"


def markdown(text: str) -> str:
    """The text so that GitHub Flavored Markdown shows it as it is: no markup, no address that becomes a link."""
    escaped = _SPECIAL.sub(r"\\\1", plain(text))
    escaped = _ADDRESS.sub(lambda found: found[0].replace(":", "\\:").replace(".", "\\.").replace("@", "\\@"), escaped)
    return _LINE_BEGIN.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", escaped)


def bullets(texts: Iterable[str]) -> str:
    """A list, one text a line."""
    return "\n".join(f"- {markdown(each)}" for each in texts)


def sentence(text: str) -> str:
    """With a capital letter, unless the first word has one of its own (eGFR), and a full stop."""
    first = text.split(" ", 1)[0]
    begun = f"{text[:1].upper()}{text[1:]}" if first.islower() else text
    return begun if begun.endswith((".", "…")) else f"{begun}."


def first_sentence(text: str, most_words: int = 20) -> str:
    """The first sentence of a text, or as many of its clauses as a line has room for."""
    head = re.split(r"(?<=[.])\s+(?=[A-Z])", plain(text), maxsplit=1)[0].rstrip(".")
    while len(head.split()) > most_words and ", " in head:
        head = head.rpartition(", ")[0]
    return head

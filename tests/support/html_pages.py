"""Pages as tests read them: tags that close in order, the text between them, and its numbers with where they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

_VOID = {"meta", "link", "input", "br"}
_NUMBER = re.compile(r"\d")


class Checked(HTMLParser):
    """Tags that close in order, with the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@dataclass(frozen=True)
class Datum:
    """A number that is marked as one."""

    value: float
    unit: str
    time: str
    text: str


class Numbers(HTMLParser):
    """The `<data>` elements of a page, and the texts with a digit outside of them, each with the classes around it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.marked: list[Datum] = []
        self.others: list[tuple[str, frozenset[str]]] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self._open.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        inside = next((given for tag, given in reversed(self._open) if tag == "data"), None)
        if inside is not None:
            value = float(inside["value"] or "nan")
            self.marked.append(Datum(value, inside["data-unit"] or "", inside["data-time"] or "", data))
        elif _NUMBER.search(data):
            tags = {tag for tag, _ in self._open}
            classes = {name for _, given in self._open for name in (given.get("class") or "").split()}
            self.others.append((data.strip(), frozenset(tags | classes)))

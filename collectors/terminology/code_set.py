"""A value set by its canonical name (``url`` or ``url|version``), its codes, and why these cannot be retrieved.

    CollectorError
    └── TerminologyError          the codes of a set cannot be retrieved
        ├── DefinitionError       a file or an answer is no usable value set or concept map
        ├── UnknownSetError       nothing here defines the set
        ├── ServerNeededError     only a terminology server can expand the set
        └── TooCostlyError        the terminology server refuses to expand the set: it has too many codes

Texts name the set's canonical, the file and the fault; never a patient, never an address.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from collectors.errors import CollectorError
from collectors.reading.codes import CodeKey


class TerminologyError(CollectorError):
    """The codes of a value set cannot be retrieved."""


class DefinitionError(TerminologyError):
    """A file or a response is no usable value set or concept map."""


class UnknownSetError(TerminologyError):
    """No file defines the value set."""


class ServerNeededError(TerminologyError):
    """Only a terminology server can expand the value set."""


class TooCostlyError(TerminologyError):
    """The terminology server refuses to expand the value set: it has too many codes."""


# An absolute URI without spaces or fragment: "#id" would name a contained resource, which is not read.
_URL = re.compile(r"[a-z][a-z0-9+.\-]*:[^\s|#]+", re.IGNORECASE)
_VERSION = re.compile(r"[^\s|]+")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True, slots=True, order=True)
class Canonical:
    """The canonical name of a value set or concept map; without ``version``, of any version."""

    url: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.url}|{self.version}" if self.version else self.url

    @property
    def slug(self) -> str:
        """A short name in kebab case: the last part of the url, and the version."""
        last = re.split(r"[/:]", self.url.rstrip("/:"))[-1]
        words = _WORDS.findall(last) + _WORDS.findall(self.version)
        return "-".join(word.lower() for word in words) or "set"


def parse_canonical(text: str) -> Canonical:
    """Parses a canonical name.  Raises DefinitionError."""
    url, bar, version = text.partition("|")
    if _URL.fullmatch(url) is None or (bar and _VERSION.fullmatch(version) is None):
        raise DefinitionError(f'"{text[:200]}" is not a canonical: an absolute URL, perhaps with |version')
    return Canonical(url, version)


Codes: TypeAlias = Mapping[CodeKey, str | None]
"""Codes with their display, if that is known."""


@dataclass(frozen=True, slots=True)
class CodeSet:
    """All codes of a value set, never a part of them; ``name`` is its title or name."""

    canonical: Canonical
    codes: Codes
    name: str | None = None

"""Canonical names of value sets and concept maps: ``url`` or ``url|version``."""

import re
from dataclasses import dataclass

from collectors.terminology.errors import DefinitionError

# An absolute URI without spaces or fragment: "#id" would name a contained resource, which is not read.
_URL = re.compile(r"[a-z][a-z0-9+.\-]*:[^\s|#]+", re.IGNORECASE)
_VERSION = re.compile(r"[^\s|]+")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True, slots=True, order=True)
class Canonical:
    """The name of a set or a map; without ``version`` any one of that url is meant."""

    url: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.url}|{self.version}" if self.version else self.url

    @property
    def slug(self) -> str:
        """A short name in kebab-case: the last part of the url, and the version."""
        last = re.split(r"[/:]", self.url.rstrip("/:"))[-1]
        words = _WORDS.findall(last) + _WORDS.findall(self.version)
        return "-".join(word.lower() for word in words) or "set"


def canonical(text: str) -> Canonical:
    """Reads a canonical name (DefinitionError where it is none)."""
    url, bar, version = text.partition("|")
    if _URL.fullmatch(url) is None or (bar and _VERSION.fullmatch(version) is None):
        raise DefinitionError(f'"{text[:200]}" is not a canonical: an absolute URL, perhaps with |version')
    return Canonical(url, version)

"""A set of codes that is known in full."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from collectors.reading.codes import Key
from collectors.terminology.canonical import Canonical

Codes: TypeAlias = Mapping[Key, str | None]
"""Codes with what they are called, if that is known."""


@dataclass(frozen=True, slots=True)
class CodeSet:
    """All codes of a value set, never a part of them; ``name`` is how the set calls itself."""

    canonical: Canonical
    codes: Codes
    name: str | None = None

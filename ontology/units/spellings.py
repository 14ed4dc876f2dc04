"""Units as records spell them, and the UCUM codes that are meant."""

import tomllib
from functools import lru_cache
from pathlib import Path

_TABLE = Path(__file__).with_name("spellings.toml")
# Two signs of Unicode look the same: the Greek letter, and the micro sign, in which the table is written.
_GREEK_MU, _MICRO = "\u03bc", "\u00b5"


@lru_cache(maxsize=1)
def table() -> dict[str, str]:
    """Every declared spelling, and every code that is used already, with the UCUM code that is meant."""
    declared = tomllib.loads(_TABLE.read_text(encoding="utf-8"))["spellings"]
    found: dict[str, str] = {}
    for code, written in declared.items():
        for text in (code, *written):
            if found.setdefault(text, code) != code:
                raise ValueError(f"{_TABLE.name}: {text} stands for two units")
    return found


def spelling(text: str) -> str | None:
    """The UCUM code for a declared spelling (or for a code in use); None for what is not declared.

    Outer spaces do not count; capitals do.
    """
    return table().get(text.strip().replace(_GREEK_MU, _MICRO))

"""What a collector's folder gives: a way to read the records of one search into facts.

The code is found by the folder's name: ``collectors.<folder>.read.begin``.  A folder without ``read.py`` is read as its
description says (``collectors.described``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, TypeAlias, cast

from collectors.facts import Failure
from collectors.needs import Search
from collectors.reading.readout import Readout, Setting
from collectors.reading.records import Record

Wants: TypeAlias = Mapping[str, frozenset[str] | None]
"""Further resource types that are needed to read records: those with these ids, or (None) all of the patient's."""

NOTHING: Wants = {}


@dataclass(frozen=True, slots=True)
class Beside:
    """What was wanted and came, by resource type; and why a type could not be had."""

    records: Mapping[str, tuple[Record, ...]] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)


class Begun(Protocol):
    """Records that were looked through: what else is needed is known, and once it is there the facts are."""

    @property
    def wants(self) -> Wants:
        """What else is needed."""

    def finish(self, beside: Beside) -> Readout:
        """The facts.  Never raises for what a record holds or lacks: that is told in the readout."""


Begin: TypeAlias = Callable[[list[Record], Search, Setting], Begun]


def begin(records: list[Record], search: Search, setting: Setting) -> Begun:
    """Looks through the records of a search, as its collector does."""
    return _begin(search.description.folder)(records, search, setting)


@cache
def _begin(folder: str) -> Begin:
    own = f"collectors.{folder}.read"
    try:
        there = find_spec(own) is not None
    except ModuleNotFoundError:
        # A folder beside this package, or one with nothing but its description in it.
        there = False
    return cast(Begin, import_module(own if there else "collectors.described.read").begin)

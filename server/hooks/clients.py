"""The clients that may call services, and the door at which each call says whose it is (CDS Hooks 2.0, security)."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class HookClient:
    """Who calls: an EHR that the settings name, or anybody on loopback where none are named (``id`` is empty then).

    sources: the ids of the sources whose base URLs and aliases it may name as ``fhirServer``.
    """

    id: str
    sources: frozenset[str]


Door: TypeAlias = Callable[[Sequence[str], str], Awaitable[HookClient]]
"""Who calls, by the Authorization headers of the call and by what follows ``/cds-services`` in its address.

Raises HookError where nobody may call so, or where that cannot be known now.
"""


def open_door(sources: Iterable[str]) -> Door:
    """The door where no clients are named: it asks nobody, and whoever calls may name all ``sources`` (ids)."""
    anybody = HookClient("", frozenset(sources))

    async def let_in(_headers: Sequence[str], _path: str) -> HookClient:
        return anybody

    return let_in

"""How often cards were accepted and overridden, and why: by service and day, with nothing of a patient.

Counts are kept in the shared cache for 400 days, under the keyed hash of their day.  They are not encrypted: their
fields are ids of services and codes of override reasons, as the services' descriptions have them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import msgspec

from ontology.encoding import digest
from server.executor.cache.store import Store

KEPT_FOR = timedelta(days=400)
_PERSON = b"mt.feedback"
# Counts outlive the format of other entries: a new version of this server goes on counting.
_PREFIX = "mt:feedback"
OTHER = "other"


class Outcome(StrEnum):
    """What became of a card (CDS Hooks 2.0, feedback).

    UNKNOWN is ours: feedback on a card that was not sent to this client by this service within a day.
    """

    ACCEPTED = "accepted"
    OVERRIDDEN = "overridden"
    UNKNOWN = "unknown"


class Told(msgspec.Struct, frozen=True, array_like=True, order=True):
    """What was told of one card of a service.

    reason: of an override, ``system|code`` of one of the service's reasons, ``other`` for any other reason, or "" where
    none was given.
    """

    service: str
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FeedbackCount:
    """How often the same was told on one day."""

    day: date
    told: Told
    count: int


class FeedbackCounts:
    """The counts in a store.  ``key`` (``Keyring.hooks``) names them."""

    def __init__(self, store: Store, key: bytes) -> None:
        self._store = store
        self._key = key

    async def add(self, told: Sequence[Told], day: date) -> None:
        """Count these on a day, which is that of our clock and zone: what a client's clock says is not counted by."""
        counts: dict[str, int] = {}
        for each in told:
            field = msgspec.json.encode(each).decode()
            counts[field] = counts.get(field, 0) + 1
        if counts:
            await self._store.add_counts(self._name(day), counts, KEPT_FOR)

    async def of_days(self, last: date, days: int) -> list[FeedbackCount]:
        """The counts of so many days, of which ``last`` is one; the newest day first.

        Empty too where the cache is unavailable: its status says so.
        """
        wanted = [last - timedelta(days=back) for back in range(days)]
        found = await self._store.get_counts([self._name(day) for day in wanted])
        return [
            FeedbackCount(day, told, count)
            for day, counts in zip(wanted, found, strict=True)
            for told, count in sorted(_read(counts))
        ]

    def _name(self, day: date) -> str:
        return f"{_PREFIX}:{digest((day.isoformat(),), self._key, _PERSON)}"


def _read(counts: Mapping[str, int]) -> Iterator[tuple[Told, int]]:
    for field, count in counts.items():
        try:
            yield msgspec.json.decode(field, type=Told), count
        except msgspec.MsgspecError:
            # Counted by another version of this server.
            continue

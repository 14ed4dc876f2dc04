"""What a caller was last told: the entry that "why" compares with.

It is the one thing in the cache that is found by who was asked about, not by content.  So its name is a keyed hash
of source, patient, module, time of the point *and* the caller's scope, and it is sealed and expires like a value.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from msgspec import MsgspecError, Struct, msgpack

from ontology.encoding import digest
from ontology.inputs import Consumed
from ontology.words import amount, words
from server.catalog.descriptions import Description
from server.executor.cache.names import seen_name
from server.executor.cache.store import Store
from server.executor.environment import Environment
from server.executor.fingerprint import Digests, truncate

_PERSON = b"mt.seen"


class SeenSlot(Struct, frozen=True, array_like=True):
    """What one slot held: in words, and by digest of the consumed value."""

    text: str
    digest: str


class LastSeen(Struct, frozen=True, array_like=True):
    """What one execution was computed from.

    ``at`` is the evaluation time as the module read it (ISO 8601), None where it does not read it.
    """

    fingerprint: str
    version: str
    description: str
    code: str
    environment: str
    at: str | None
    slots: dict[str, SeenSlot]


_ENCODER = msgpack.Encoder()
_DECODER = msgpack.Decoder(LastSeen)


def last_seen_name(source: str, patient: str, module: str, point: datetime | None, scope: str, key: bytes) -> str:
    """Where the entry is: ``point`` is the time of a point in a series, ``scope`` what the caller may see."""
    return seen_name(digest((source, patient, module, point, scope), key, _PERSON))


def observe(
    description: Description,
    inputs: Mapping[str, Consumed],
    at: datetime | None,
    fingerprint: str,
    environment: Environment,
    key: bytes,
    zone: tzinfo = UTC,
    digests: Digests | None = None,
) -> LastSeen:
    """What this execution is computed from; arguments as those of ``fingerprint`` that gave its name."""
    granularity = description.evaluation_time
    known = digests or Digests(key)
    return LastSeen(
        fingerprint,
        description.version,
        description.digest,
        description.code_digest,
        environment.digest(description.kind),
        None if granularity is None or at is None else truncate(at, granularity, zone).isoformat(),
        {name: SeenSlot(_told(consumed), known.of(consumed)) for name, consumed in inputs.items()},
    )


async def read_last_seen(store: Store, names: Sequence[str]) -> list[LastSeen | None]:
    """The entries under these names, in one request; None where there is none that can be read."""
    return [_decode(data) for data in await store.get_many(names)]


async def write_last_seen(store: Store, entries: Mapping[str, LastSeen], ttl: timedelta) -> None:
    """Keep these entries, in one request; written anew for each answer, reused or not."""
    await store.put_many({name: _ENCODER.encode(entry) for name, entry in entries.items()}, ttl)


def _decode(data: bytes | None) -> LastSeen | None:
    if data is None:
        return None
    try:
        return _DECODER.decode(data)
    except (MsgspecError, ValueError):
        return None


def _told(consumed: Consumed) -> str:
    bounds = consumed.bounds
    if bounds is None:
        return words(consumed.value)
    return f"{words(consumed.value)} (between {amount(bounds.low, bounds.unit)} and {amount(bounds.high, bounds.unit)})"

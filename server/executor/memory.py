"""What is kept between questions: cached results, and the last-seen entries from which reasons are computed.

The reason of an execution says why it ran, with values before and after, or that it was reused.  It is computed from
the last-seen entry: what the same caller was last shown of this execution.  Like retrieved records, it is found by the
patient and not by content.  So its name is a keyed hash of source, patient, module, time of the point *and* the
caller's scope, and it is encrypted and expires like a result.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from msgspec import MsgspecError, Struct, msgpack
from msgspec.structs import replace as replace_struct

from ontology.encoding import digest
from ontology.evaluation import SlotInput
from ontology.words import SHORT
from ontology.words.quantities import amount
from ontology.words.values import value_words
from server.catalog.descriptions import Description
from server.executor.cache.encryption import Keyring
from server.executor.cache.store import NAME_PREFIX, Store
from server.executor.fingerprint import Environment, InputDigests, fingerprint, truncate_time
from server.executor.result_cache import ResultCache, by_turns
from server.executor.trace import Circumstances, Execution

_PERSON = b"mt.seen"


class SeenSlot(Struct, frozen=True, array_like=True):
    """The input of one slot: in words, and the digest of the consumed value."""

    text: str
    digest: str


class LastSeen(Struct, frozen=True, array_like=True):
    """What one execution was computed from.

    ``fingerprint`` names its result.  ``version`` is the module's; ``description``, ``code`` and ``environment`` are
    digests.  ``at`` is the evaluation time as the module read it (ISO 8601), None if it does not read it.  ``slots``:
    by slot name.  ``computed``: when the result was computed, in seconds since 1970; 0 where that is not known.
    """

    fingerprint: str
    version: str
    description: str
    code: str
    environment: str
    at: str | None
    slots: dict[str, SeenSlot]
    computed: float = 0.0


_ENCODER = msgpack.Encoder()
_DECODER = msgpack.Decoder(LastSeen)


def last_seen_name(source: str, patient: str, module: str, point: datetime | None, scope: str, key: bytes) -> str:
    """The name of the entry in the cache.

    ``point``: the time of a point in a series (None: no point); ``scope``: stands for the caller's authorisation.
    """
    return f"{NAME_PREFIX}:seen:{digest((source, patient, module, point, scope), key, _PERSON)}"


def make_last_seen(
    description: Description,
    inputs: Mapping[str, SlotInput],
    at: datetime | None,
    fingerprint: str,
    environment: Environment,
    key: bytes,
    zone: tzinfo = UTC,
    digests: InputDigests | None = None,
) -> LastSeen:
    """The entry of an execution; arguments as those of ``fingerprint``, and the fingerprint itself."""
    granularity = description.evaluation_time
    known = digests or InputDigests(key)
    return LastSeen(
        fingerprint,
        description.version,
        description.digest,
        description.code_digest,
        environment.digest(description.kind),
        None if granularity is None or at is None else truncate_time(at, granularity, zone).isoformat(),
        {name: SeenSlot(_describe_input(consumed), known.digest_of(consumed)) for name, consumed in inputs.items()},
    )


async def read_last_seen(store: Store, names: Sequence[str]) -> list[LastSeen | None]:
    """The entries under these names, in their order, in one request; None for one that is missing or unreadable."""
    return [_decode_last_seen(data) for data in await store.get_many(names)]


async def write_last_seen(store: Store, entries: Mapping[str, LastSeen], ttl: timedelta) -> None:
    """Store these entries by name for ``ttl``, in one request."""
    await store.put_many({name: _ENCODER.encode(entry) for name, entry in entries.items()}, ttl)


def _decode_last_seen(data: bytes | None) -> LastSeen | None:
    if data is None:
        return None
    try:
        return _DECODER.decode(data)
    except (MsgspecError, ValueError):
        return None


def _describe_input(consumed: SlotInput) -> str:
    bounds = consumed.bounds
    if consumed.presumed is not None:
        return f"{value_words(consumed.presumed, style=SHORT)}, if its list is complete"
    if bounds is None:
        return value_words(consumed.value, style=SHORT)
    limits = f"between {amount(bounds.low, bounds.unit)} and {amount(bounds.high, bounds.unit)}"
    return f"{value_words(consumed.value, style=SHORT)} ({limits})"


NOT_CACHED = "not in the cache"


def execution_reason(
    previous: LastSeen | None, now: LastSeen, reused: bool, cache_reachable: bool, ttl: timedelta = timedelta(0)
) -> str:
    """``reused``, or all differences from what this caller was last shown, joined by " · ".

    Without a difference the result ``expired`` where it was computed ``ttl`` ago; else it is not in the cache, which
    may have dropped it, or another process computed it at the same time.  Where there was ``no cache`` the reason is
    that; without an earlier entry it is ``first seen``.
    """
    if reused:
        return "reused"
    if previous is None:
        return "first seen" if cache_reachable else "no cache"
    if changes := " · ".join(_describe_changes(previous, now)):
        return changes
    if not cache_reachable:
        return "no cache"
    return "expired" if now.computed - previous.computed >= ttl.total_seconds() else NOT_CACHED


def _describe_changes(previous: LastSeen, now: LastSeen) -> Iterator[str]:
    if previous.version != now.version:
        yield f"module {previous.version} → {now.version}"
    elif previous.description != now.description:
        yield "description changed"
    if previous.code != now.code:
        yield "code changed"
    if previous.environment != now.environment:
        yield "interpreter, ontology or libraries changed"
    yield from _describe_slot_changes(previous, now)
    if previous.at != now.at:
        yield f"the evaluation time moved from {_format_time(previous.at)} to {_format_time(now.at)}"


def _describe_slot_changes(previous: LastSeen, now: LastSeen) -> Iterator[str]:
    for name, slot in now.slots.items():
        before = previous.slots.get(name)
        if before is None:
            yield f"slot `{name}` added"
        elif before.digest == slot.digest:
            continue
        elif before.text == slot.text:
            yield f"slot `{name}` changed (shown as {slot.text} before and after)"
        else:
            yield f"slot `{name}` changed from {before.text} to {slot.text}"
    for name in previous.slots:
        if name not in now.slots:
            yield f"slot `{name}` removed"


def _format_time(at: str | None) -> str:
    if at is None:
        return "none"
    time = datetime.fromisoformat(at)
    if (time.hour, time.minute, time.second, time.microsecond) == (0, 0, 0, 0):
        return time.date().isoformat()
    return time.isoformat(sep=" ", timespec="seconds" if time.second else "minutes")


REUSED = "reused"


@dataclass(frozen=True, slots=True)
class Subject:
    """The patient of an answer, in which source, and the scope of the caller that it is for."""

    source: str
    patient: str
    scope: str


class Memory:
    """The cache, with the keys and the environment from which the names in it are computed.

    ``zone`` is where days begin; ``ttl`` is how long results and last-seen entries are kept.
    """

    def __init__(self, store: Store, keys: Keyring, environment: Environment, zone: ZoneInfo, ttl: timedelta) -> None:
        self.store = store
        self.keys = keys
        self.environment = environment
        self.zone = zone
        self.circumstances = Circumstances(environment, zone, keys.argument_seal_key)
        self.ttl = ttl
        self.clock: Callable[[], float] = time.time
        self.result_cache = ResultCache(store, ttl)

    def input_digests(self) -> InputDigests:
        """Empty digests for the inputs of one run."""
        return InputDigests(self.keys.fingerprint)

    def fingerprint(
        self,
        description: Description,
        inputs: Mapping[str, SlotInput],
        at: datetime,
        digests: InputDigests | None = None,
    ) -> str:
        """The fingerprint of a module's result on these inputs.  Raises ValueError and EncodingError."""
        return fingerprint(description, inputs, at, self.environment, self.keys.fingerprint, self.zone, digests)

    async def with_reasons(
        self,
        subject: Subject,
        executions: Sequence[Execution],
        points: Sequence[bool],
        digests: InputDigests | None = None,
    ) -> tuple[Execution, ...]:
        """The executions, each with its reason; at most one look-up and one write.

        ``points``: for each execution whether it is a point of a series.  Entries are written again for each answer, so
        that they outlive the results and the reason can be "expired"; those of reused points are not, since there may
        be thousands.
        """
        pairs = list(zip(executions, points, strict=True))
        names = await by_turns(lambda pair: self._seen_name(subject, *pair), pairs)
        previous = await read_last_seen(self.store, names)
        entries: dict[str, LastSeen] = {}

        def add_reason(each: tuple[Execution, bool, str, LastSeen | None]) -> Execution:
            execution, point, name, before = each
            if execution.reused and before is not None and before.fingerprint == execution.fingerprint:
                if not point:
                    entries[name] = before
                return replace(execution, reason=REUSED)
            entries[name] = now = replace_struct(self._make_last_seen(execution, digests), computed=self.clock())
            reason = execution_reason(before, now, execution.reused, self.store.available, self.ttl)
            return replace(execution, reason=reason)

        explained = await by_turns(add_reason, list(zip(executions, points, names, previous, strict=True)))
        if entries:
            await write_last_seen(self.store, entries, self.ttl)
        return tuple(explained)

    def _seen_name(self, subject: Subject, execution: Execution, point: bool) -> str:
        at = execution.as_of if point else None
        module = execution.description.iri
        return last_seen_name(subject.source, subject.patient, module, at, subject.scope, self.keys.seen)

    def _make_last_seen(self, execution: Execution, digests: InputDigests | None) -> LastSeen:
        return make_last_seen(
            execution.description,
            {name: SlotInput(i.value, i.bounds, i.presumed) for name, i in execution.inputs.items()},
            execution.as_of,
            execution.fingerprint,
            self.environment,
            self.keys.fingerprint,
            self.zone,
            digests,
        )

    async def close(self) -> None:
        """Close connections, and stop the embedded cache."""
        await self.store.close()

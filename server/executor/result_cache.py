"""The cache of results: looks evaluations up by fingerprint, and evaluates missing ones once.

Within a process concurrent requests for one fingerprint share one evaluation.  Across processes only *costly* ones
(models) take a lock: computing an equation twice takes microseconds, less than the two round trips of a lock.

Evaluations are stored without loss: decimals keep their digits, times their offset, and each value its type
(MessagePack with a tag for each type of value).  Bytes that cannot be decoded are a miss, not an error.
"""

import asyncio
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias, TypeVar, assert_never

from msgspec import MsgspecError, Struct, msgpack

from ontology.evaluation import Evaluation, Interval, Issue, Working
from ontology.values import Absent, AbsentReason, Bound, Coding, Comparator, Date, Quantity, Series, Value
from server.executor.budget import SharedTurns, shared_turns
from server.executor.cache.store import NAME_PREFIX, Store

T = TypeVar("T")
R = TypeVar("R")


async def by_turns(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """The results of ``work`` for each item, in order; other tasks run after each turn of the request.

    Raises what ``work`` raises.  Few items are done in one piece: yielding costs as much as an execution.
    """
    turns = shared_turns.get() or SharedTurns()
    done: list[R] = []
    for item in items:
        if turns.is_over():
            await turns.wait()
        turns.count()
        done.append(work(item))
    return done


_MAX_PAUSE = 0.25


def value_name(fingerprint: str) -> str:
    """Name of the evaluation with this fingerprint in the cache."""
    return f"{NAME_PREFIX}:{fingerprint}"


def lock_name(fingerprint: str) -> str:
    """Name of the lock on evaluating this fingerprint."""
    return f"{NAME_PREFIX}:lock:{fingerprint}"


@dataclass(frozen=True, slots=True)
class Job:
    """An evaluation to make if no result with this fingerprint is cached.

    ``costly``: it takes a lock and runs in a thread; else ``evaluate`` is called in the event loop.
    """

    fingerprint: str
    evaluate: Callable[[], Evaluation]
    costly: bool = False


@dataclass(frozen=True, slots=True)
class JobResult:
    """A result; ``reused``: this job's ``evaluate`` was not called for it."""

    evaluation: Evaluation
    reused: bool


class ResultCache:
    """Looks results up, evaluates missing ones, and stores those for ``ttl``.

    ``lock``: after this time the lock of a process that crashed expires; ``wait_limit``: seconds to wait for another
    process before evaluating here too; ``pause``: seconds between the first two look-ups while waiting.  One object
    serves one event loop.
    """

    def __init__(
        self,
        store: Store,
        ttl: timedelta,
        *,
        lock: timedelta = timedelta(seconds=10),
        wait_limit: float = 5.0,
        pause: float = 0.01,
    ) -> None:
        self._store = store
        self._ttl = ttl
        self._lock = lock
        self._wait_limit = wait_limit
        self._pause = pause
        self._holder = secrets.token_bytes(16)
        self._in_flight: dict[str, asyncio.Future[Evaluation | None]] = {}

    async def results_for(self, jobs: Sequence[Job]) -> list[JobResult]:
        """The results of one wave, in the order of its jobs; one look-up, and one write if any result is new.

        Raises what an ``evaluate`` raises; other waves that waited for that result then evaluate it themselves.
        """
        wave = _Wave()
        waiting: dict[str, Job] = {}
        for job in jobs:
            waiting.setdefault(job.fingerprint, job)
        while waiting:
            # A wave completes its own evaluations before it waits for another's: two waves never wait for each other.
            awaited = {name: self._in_flight[name] for name in waiting if name in self._in_flight}
            await self._evaluate_missing({name: job for name, job in waiting.items() if name not in awaited}, wave)
            for name, future in awaited.items():
                evaluation = await asyncio.shield(future)
                if evaluation is not None:
                    wave.results[name] = evaluation
            waiting = {name: job for name, job in waiting.items() if name not in wave.results}
        return [JobResult(wave.results[job.fingerprint], wave.next_is_reused(job.fingerprint)) for job in jobs]

    async def _evaluate_missing(self, jobs: Mapping[str, Job], wave: "_Wave") -> None:
        if not jobs:
            return
        loop = asyncio.get_running_loop()
        self._in_flight.update((name, loop.create_future()) for name in jobs)
        try:
            await self._look_up(jobs, wave)
            missing = [job for name, job in jobs.items() if name not in wave.results]
            await self._evaluate_unlocked([job for job in missing if not job.costly], wave)
            await self._evaluate_locked({job.fingerprint: job for job in missing if job.costly}, wave)
        finally:
            # Only now that they are stored: until then later waves must find them in ``_in_flight``.
            for name in jobs:
                self._resolve_future(name, wave.results.get(name))
                del self._in_flight[name]

    async def _look_up(self, names: Collection[str], wave: "_Wave") -> None:
        stored = await self._store.get_many([value_name(n) for n in names])
        for name, evaluation in zip(names, await by_turns(decode_evaluation, stored), strict=True):
            if evaluation is not None:
                self._add_result(name, evaluation, wave)

    async def _evaluate_unlocked(self, jobs: Sequence[Job], wave: "_Wave") -> None:
        def evaluate(job: Job) -> None:
            wave.evaluated.add(job.fingerprint)
            self._add_result(job.fingerprint, job.evaluate(), wave)

        await by_turns(evaluate, jobs)
        await self._put_results([job.fingerprint for job in jobs], wave)

    async def _evaluate_locked(self, waiting: dict[str, Job], wave: "_Wave") -> None:
        if not waiting:
            return
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + self._wait_limit, self._pause
        while waiting:
            held = await self._claim_locks(waiting, wave) if loop.time() < deadline else list(waiting)
            try:
                for name in held:
                    if name not in wave.results:
                        wave.evaluated.add(name)
                        self._add_result(name, await asyncio.to_thread(waiting[name].evaluate), wave)
                        await self._put_results([name], wave)
            finally:
                await self._store.release_many([lock_name(name) for name in held], self._holder)
            for name in [name for name in waiting if name in wave.results]:
                del waiting[name]
            if waiting:
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, _MAX_PAUSE)
                await self._look_up(waiting, wave)
                for name in [name for name in waiting if name in wave.results]:
                    del waiting[name]

    async def _claim_locks(self, waiting: Collection[str], wave: "_Wave") -> list[str]:
        """The names whose lock this process now holds; their last holder may have stored some results, added here."""
        names = list(waiting)
        claims = await self._store.claim_many([lock_name(name) for name in names], self._holder, self._lock)
        held = [name for name, claimed in zip(names, claims, strict=True) if claimed]
        await self._look_up(held, wave)
        return held

    async def _put_results(self, names: Sequence[str], wave: "_Wave") -> None:
        encoded = {value_name(n): encode_evaluation(wave.results[n]) for n in names if not has_failed(wave.results[n])}
        await self._store.put_many(encoded, self._ttl)

    def _add_result(self, name: str, evaluation: Evaluation, wave: "_Wave") -> None:
        wave.results[name] = evaluation
        self._resolve_future(name, evaluation)

    def _resolve_future(self, name: str, evaluation: Evaluation | None) -> None:
        future = self._in_flight[name]
        if not future.done():
            future.set_result(evaluation)


class _Wave:
    """The results of one wave so far, by fingerprint, and which of them were evaluated here and not yet returned."""

    def __init__(self) -> None:
        self.results: dict[str, Evaluation] = {}
        self.evaluated: set[str] = set()

    def next_is_reused(self, name: str) -> bool:
        """Whether the next job with this fingerprint reuses a result: the first job of one evaluated here does not."""
        if name not in self.evaluated:
            return True
        self.evaluated.remove(name)
        return False


def has_failed(evaluation: Evaluation) -> bool:
    """Whether the module raised.  Such an evaluation is never cached: it may not raise the next time."""
    return isinstance(evaluation.value, Absent) and evaluation.value.reason is AbsentReason.FAILED


class _Quantity(Struct, tag="quantity", array_like=True, frozen=True):
    value: Decimal
    unit: str


class _Bound(Struct, tag="bound", array_like=True, frozen=True):
    comparator: Comparator
    value: Decimal
    unit: str


class _Coding(Struct, tag="coding", array_like=True, frozen=True):
    system: str
    code: str
    display: str | None


class _Flag(Struct, tag="flag", array_like=True, frozen=True):
    value: bool


class _Date(Struct, tag="date", array_like=True, frozen=True):
    start: date
    end: date


class _Series(Struct, tag="series", array_like=True, frozen=True):
    # Times as text, since MessagePack's own timestamps lose the offset.
    points: tuple[tuple[str, Decimal], ...]
    unit: str


class _Absent(Struct, tag="absent", array_like=True, frozen=True):
    reason: AbsentReason


_Wire: TypeAlias = _Quantity | _Bound | _Coding | _Flag | _Date | _Series | _Absent


class _Evaluation(Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    value: _Wire
    working: Working
    issues: tuple[Issue, ...]
    bounds: Interval | None
    interval: Interval | None
    presumed: tuple[str, ...]


_ENCODER = msgpack.Encoder()
_DECODER = msgpack.Decoder(_Evaluation)


def encode_evaluation(evaluation: Evaluation) -> bytes:
    """The evaluation as bytes; ``decode_evaluation`` returns an equal one."""
    return _ENCODER.encode(
        _Evaluation(
            _to_wire(evaluation.value),
            evaluation.working,
            evaluation.issues,
            evaluation.bounds,
            evaluation.interval,
            evaluation.presumed,
        )
    )


def decode_evaluation(data: bytes | None) -> Evaluation | None:
    """The evaluation in these bytes; None for None, and for bytes that cannot be decoded."""
    if data is None:
        return None
    try:
        read = _DECODER.decode(data)
        return Evaluation(_from_wire(read.value), read.working, read.issues, read.bounds, read.interval, read.presumed)
    except (MsgspecError, ValueError, RecursionError):
        return None


def _to_wire(value: Value) -> _Wire:
    match value:
        case bool():
            return _Flag(value)
        case Quantity():
            return _Quantity(value.value, value.unit)
        case Bound():
            return _Bound(value.comparator, value.value, value.unit)
        case Coding():
            return _Coding(value.system, value.code, value.display)
        case Date():
            return _Date(value.start, value.end)
        case Series():
            return _Series(tuple((time.isoformat(), number) for time, number in value.points), value.unit)
        case Absent():
            return _Absent(value.reason)
        case _:
            assert_never(value)


def _from_wire(wire: _Wire) -> Value:
    match wire:
        case _Flag():
            return wire.value
        case _Quantity():
            return Quantity(wire.value, wire.unit)
        case _Bound():
            return Bound(wire.comparator, wire.value, wire.unit)
        case _Coding():
            return Coding(wire.system, wire.code, wire.display)
        case _Date():
            return Date(wire.start, wire.end)
        case _Series():
            return Series(tuple((datetime.fromisoformat(time), number) for time, number in wire.points), wire.unit)
        case _Absent():
            return Absent(wire.reason)
        case _:
            assert_never(wire)

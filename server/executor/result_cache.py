"""Looks results up in the cache and evaluates what is missing: each once, however many ask for it at the same time.

Within a process equal fingerprints share one evaluation.  Across processes only *costly* ones (models) take a lock:
computing an equation twice takes microseconds, less than the two round trips that a lock costs.
"""

import asyncio
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ontology.evaluation import Evaluation
from ontology.values import Absent, AbsentReason
from server.executor.cache.store import Store, lock_name, value_name
from server.executor.module_evaluation import by_turns, decode_evaluation, encode_evaluation

_MAX_PAUSE = 0.25


@dataclass(frozen=True, slots=True)
class Job:
    """What to evaluate if no result of this fingerprint is known.

    ``costly``: worth a lock, and run in a thread; else ``evaluate`` is called where it stands.
    """

    fingerprint: str
    evaluate: Callable[[], Evaluation]
    costly: bool = False


@dataclass(frozen=True, slots=True)
class JobResult:
    """A result; ``reused`` where this job's ``evaluate`` was not called for it."""

    evaluation: Evaluation
    reused: bool


class ResultCache:
    """Looks results up, evaluates what is missing, and keeps that for ``ttl``.

    ``lock``: how long a holder that crashed keeps others waiting at most; ``patience``: how many seconds one waits
    for another process before evaluating too; ``pause``: seconds between the first two looks.  One object serves
    one event loop.
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
        """The results of one wave, in the order of its jobs: one look-up, and one write where anything is new.

        What an ``evaluate`` raises is raised; whoever waited for it elsewhere then evaluates for itself.
        """
        wave = _Wave()
        waiting: dict[str, Job] = {}
        for job in jobs:
            waiting.setdefault(job.fingerprint, job)
        while waiting:
            # All that this wave leads is done before it follows another: two waves never wait for each other.
            followed = {name: self._in_flight[name] for name in waiting if name in self._in_flight}
            await self._evaluate_missing({name: job for name, job in waiting.items() if name not in followed}, wave)
            for name, future in followed.items():
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
            # Only now, when the cache has them: until then whoever comes must find them here.
            for name in jobs:
                self._resolve_future(name, wave.results.get(name))
                del self._in_flight[name]

    async def _look_up(self, names: Collection[str], wave: "_Wave") -> None:
        kept = await self._store.get_many([value_name(n) for n in names])
        for name, evaluation in zip(names, await by_turns(decode_evaluation, kept), strict=True):
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
            mine = await self._claim_locks(waiting, wave) if loop.time() < deadline else list(waiting)
            try:
                for name in mine:
                    if name not in wave.results:
                        wave.evaluated.add(name)
                        self._add_result(name, await asyncio.to_thread(waiting[name].evaluate), wave)
                        await self._put_results([name], wave)
            finally:
                await self._store.release_many([lock_name(name) for name in mine], self._holder)
            for name in [name for name in waiting if name in wave.results]:
                del waiting[name]
            if waiting:
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, _MAX_PAUSE)
                await self._look_up(waiting, wave)
                for name in [name for name in waiting if name in wave.results]:
                    del waiting[name]

    async def _claim_locks(self, waiting: Collection[str], wave: "_Wave") -> list[str]:
        """Those whose lock is ours now; some may have landed, since their last holder was just done."""
        names = list(waiting)
        claims = await self._store.claim_many([lock_name(name) for name in names], self._holder, self._lock)
        mine = [name for name, claimed in zip(names, claims, strict=True) if claimed]
        await self._look_up(mine, wave)
        return mine

    async def _put_results(self, names: Sequence[str], wave: "_Wave") -> None:
        kept = {value_name(n): encode_evaluation(wave.results[n]) for n in names if not _is_failed(wave.results[n])}
        await self._store.put_many(kept, self._ttl)

    def _add_result(self, name: str, evaluation: Evaluation, wave: "_Wave") -> None:
        wave.results[name] = evaluation
        self._resolve_future(name, evaluation)

    def _resolve_future(self, name: str, evaluation: Evaluation | None) -> None:
        future = self._in_flight[name]
        if not future.done():
            future.set_result(evaluation)


class _Wave:
    """What one wave knows so far."""

    def __init__(self) -> None:
        self.results: dict[str, Evaluation] = {}
        self.evaluated: set[str] = set()

    def next_is_reused(self, name: str) -> bool:
        """Whether the next job of this fingerprint reuses: the first of those evaluated here does not."""
        if name not in self.evaluated:
            return True
        self.evaluated.remove(name)
        return False


def _is_failed(evaluation: Evaluation) -> bool:
    # A module that raised may not raise again: it is asked anew each time.
    return isinstance(evaluation.value, Absent) and evaluation.value.reason is AbsentReason.FAILED

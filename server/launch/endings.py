"""How charts end: at logout, or because their time is over.  Their tokens are given back where the EHR takes them.

A chart that nobody closes is noticed by the process that opened it or used it last, which remembers its handle alone:
tokens are in the sealed store only.
"""

import asyncio
import logging

from server.access.bounded_http import IssuerUnavailableError
from server.launch.ehrs import Ehrs
from server.launch.kept import ENDED, Kept, OpenChart
from server.launch.shared_grants import GivenTokens, SharedGrants

log = logging.getLogger("medtwin.launch")

SWEEP_SECONDS = 30.0
"""Seconds between two looks for charts whose time is over."""
_PATIENCE = 12.0
"""Seconds that a logout waits for a request that renews the same chart."""
_AT_ONCE = 8
_LAST_SECONDS = 5.0
"""Seconds that the server takes at its end to give tokens back."""


class Endings:
    """Ends charts.  Sweeps as long as there are any that this process has opened or used."""

    def __init__(self, ehrs: Ehrs, kept: Kept) -> None:
        self._ehrs = ehrs
        self._kept = kept
        self._grants = SharedGrants(ehrs, kept)
        self._over_at: dict[str, float] = {}
        self._sweeper: asyncio.Task[None] | None = None

    async def add(self, chart: OpenChart) -> None:
        """A chart was opened: watch it, and end no grant of its person while it is open."""
        self.watch(chart)
        await self._grants.add(chart)

    def watch(self, chart: OpenChart) -> None:
        """End this chart when its time is over, unless it is used meanwhile, in whichever process."""
        self._over_at[chart.handle] = chart.over_at
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.create_task(self._keep_sweeping())

    async def end(self, handle: str, ending: bytes = ENDED) -> bool:
        """End a chart: its tokens are forgotten here, and given back.  Whether that could be kept."""
        async with self._kept.locked(handle, _PATIENCE):
            # A request before us may have refreshed the token.
            current = await self._kept.chart(handle)
            ended = await self._kept.end_chart(handle, ending)
        self._over_at.pop(handle, None)
        if current is not None:
            await self.give_back_of(current)
        return ended

    async def sweep(self) -> None:
        """End what is over of the charts that are watched."""
        due = [handle for handle, over_at in self._over_at.items() if over_at <= self._ehrs.wall()]
        if not due or not await self._kept.is_reachable():
            return
        limit = asyncio.Semaphore(_AT_ONCE)

        async def end(handle: str) -> None:
            async with limit:
                await self._end_if_over(handle)

        await asyncio.gather(*map(end, due))

    async def give_back_of(self, chart: OpenChart) -> None:
        """Revoke the tokens of a chart."""
        access = chart.token if self._ehrs.wall() < chart.token_until else None
        await self.give_back(chart.source, chart.subject, access, chart.refresh, chart.handle)

    async def give_back(
        self, source: str, subject: str, access: str | None, refresh: str | None, handle: str | None = None
    ) -> None:
        """Revoke tokens that are of no more use, at once or when no other chart of this person is open any more.

        ``subject``: of the id token, empty where it is unknown.  ``handle``: the chart for which they were given.  A
        fault is logged: there is nobody who could mend it.
        """
        if (ehr := self._ehrs.by_id(source)) is None:
            return
        given = GivenTokens(source, subject, _some(access), _some(refresh))
        now = await self._grants.revocable(given, handle)
        limit = asyncio.Semaphore(_AT_ONCE)

        async def revoke(token: str, kind: str) -> None:
            async with limit:
                try:
                    await ehr.client.revoke(await ehr.discovery.find(), token, kind, self._ehrs.wall())
                except IssuerUnavailableError as error:
                    log.warning("source %s: a token could not be revoked: %s", ehr.source.id, error)

        for kind, tokens in (("refresh_token", now.refresh), ("access_token", now.access)):
            await asyncio.gather(*(revoke(token, kind) for token in tokens))

    async def aclose(self) -> None:
        """Stops sweeping.  Where sessions end with this process, their tokens are given back."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait({self._sweeper})
        if not self._over_at or await self._kept.outlives_us():
            return
        try:
            async with asyncio.timeout(_LAST_SECONDS):
                await asyncio.gather(*map(self.end, list(self._over_at)))
        except TimeoutError:
            log.warning("not all tokens of open charts could be revoked")

    async def _keep_sweeping(self) -> None:
        while self._over_at:
            await asyncio.sleep(SWEEP_SECONDS)
            await self.sweep()

    async def _end_if_over(self, handle: str) -> None:
        async with self._kept.locked(handle, 0) as is_ours:
            if not is_ours:
                # It is being renewed, or another process ends it: the next sweep will see.
                return
            chart = await self._kept.chart(handle)
            if chart is not None and chart.is_open(self._ehrs.wall()):
                self._over_at[handle] = chart.over_at
                return
            self._over_at.pop(handle, None)
            if chart is not None:
                # In this order: whoever is stopped between the two leaves it to be done again.
                await self.give_back_of(chart)
                await self._kept.end_chart(handle)


def _some(token: str | None) -> tuple[str, ...]:
    return (token,) if token is not None else ()

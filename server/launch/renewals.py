"""What keeps a chart open: each use of it, and a new token shortly before the old one ends.

Whoever renews a chart holds its lock.  What was opened for one patient and by one person never becomes another's.
"""

import asyncio
import logging

from msgspec.structs import replace

from server.access.bounded_http import IssuerUnavailableError
from server.errors import AccessRefusedError
from server.launch.client import TokenRefusedError, Tokens
from server.launch.ehrs import Ehrs
from server.launch.endings import Endings
from server.launch.kept import IDLE_SECONDS, Kept, OpenChart
from server.launch.refusals import NOT_NOW, OVER, LaunchRefusedError

log = logging.getLogger("medtwin.launch")

MARGIN = 30.0
"""Seconds before its end from which a token is refreshed, or a fifth of its lifetime where that is less."""
_PATIENCE = 12.0
"""Seconds that a request waits for another one that refreshes the token of the same chart."""

NO_REFRESH = "The EHR does not renew the access at the moment. Please try again in a minute."
ENDED_BY_EHR = "The session is over: the EHR has ended the access."


def renew_from(tokens: Tokens, now: float) -> float:
    """When tokens that were given now should be refreshed, in seconds since 1970."""
    return now + tokens.lifetime - min(MARGIN, tokens.lifetime / 5)


class Renewals:
    """Renews charts, each once at a time."""

    def __init__(self, ehrs: Ehrs, kept: Kept, endings: Endings) -> None:
        self._ehrs = ehrs
        self._kept = kept
        self._endings = endings
        self._under_way: set[asyncio.Task[OpenChart]] = set()

    async def renew(self, found: OpenChart) -> OpenChart:
        """The chart as it is kept from now on: used now, and with a token that is good for a while.

        Raises LaunchRefusedError (401, 403, 503).
        """
        task = asyncio.ensure_future(self._renew(found))
        # A browser that goes away must not lose the token that the EHR is about to give.
        self._under_way.add(task)
        task.add_done_callback(self._finish)
        return await asyncio.shield(task)

    async def aclose(self) -> None:
        """Waits for what is being renewed."""
        if self._under_way:
            await asyncio.wait(set(self._under_way))

    def _finish(self, task: "asyncio.Task[OpenChart]") -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            # Looked at, so that asyncio reports nothing where the browser has gone away.
            task.exception()

    async def _renew(self, found: OpenChart) -> OpenChart:
        usable = self._ehrs.wall() < found.token_until
        async with self._kept.locked(found.handle, 0 if usable else _PATIENCE) as is_ours:
            if not is_ours:
                # Another request of this chart is renewing it at this moment.
                if usable:
                    return found
                raise LaunchRefusedError(503, NO_REFRESH)
            now = self._ehrs.wall()
            current = await self._kept.chart(found.handle)
            if current is None or not current.is_open(now):
                raise LaunchRefusedError(401, OVER)
            if now >= current.renew_from:
                current = await self._refreshed(current, now)
            current = replace(current, idle_until=now + IDLE_SECONDS)
            if await self._kept.put_chart(current, now):
                self._endings.watch(current)
                return current
        # It cannot be kept, or whoever logged out did not wait for us.  Nobody else knows of the tokens that are new.
        if current.token != found.token:
            refresh = current.refresh if current.refresh != found.refresh else None
            await self._endings.give_back(found.source, found.subject, current.token, refresh, found.handle)
        if await self._kept.has_ended(found.handle):
            raise LaunchRefusedError(401, OVER)
        raise LaunchRefusedError(503, NOT_NOW)

    async def _refreshed(self, chart: OpenChart, now: float) -> OpenChart:
        """The chart with a new token, or as it is where its own is good still and no other can be had."""
        ehr = self._ehrs.by_id(chart.source)
        if ehr is None:
            raise LaunchRefusedError(401, OVER)
        if chart.refresh is None:
            if now < chart.token_until:
                return chart
            await self._kept.end_chart(chart.handle)
            raise LaunchRefusedError(401, ENDED_BY_EHR)
        tokens: Tokens | None = None
        try:
            server = await ehr.discovery.find()
            tokens = await ehr.client.refresh(server, chart.refresh, now)
            same_person = tokens.identity is None or (
                (await ehr.person(server, tokens.identity, None, now)).subject == chart.subject
            )
        except TokenRefusedError as refused:
            log.warning("source %s: a token was not refreshed: %s", chart.source, refused)
            raise await self._ended(chart, refused.access, refused.refresh) from None
        except (IssuerUnavailableError, AccessRefusedError) as error:
            return await self._not_refreshed(chart, tokens, error)
        if not same_person or tokens.patient not in (None, chart.patient):
            log.error(
                "source %s: a refreshed token is for another person or patient; the session is ended", chart.source
            )
            raise await self._ended(chart, tokens.access, tokens.refresh, 403)
        granted = chart.scope.split(" ")
        kept_scopes = granted if tokens.scope is None else [each for each in tokens.scope.split(" ") if each in granted]
        return replace(
            chart,
            scope=" ".join(kept_scopes),
            token=tokens.access,
            token_until=now + tokens.lifetime,
            renew_from=renew_from(tokens, now),
            refresh=tokens.refresh or chart.refresh,
        )

    async def _not_refreshed(
        self, chart: OpenChart, tokens: Tokens | None, why: IssuerUnavailableError | AccessRefusedError
    ) -> OpenChart:
        """The chart where that cannot be known now and its token is good still; it is ended where that is refused."""
        access, refresh = (tokens.access, tokens.refresh) if tokens is not None else (None, None)
        if isinstance(why, AccessRefusedError) and why.status != 503:
            log.warning("source %s: a token was not refreshed: %s", chart.source, why)
            raise await self._ended(chart, access, refresh)
        log.warning("source %s: a token could not be refreshed: %s", chart.source, why)
        # The refresh token of before may count no more.
        chart = replace(chart, refresh=refresh or chart.refresh)
        now = self._ehrs.wall()
        if now < chart.token_until:
            return chart
        await self._kept.put_chart(chart, now)
        raise LaunchRefusedError(503, NO_REFRESH)

    async def _ended(
        self, chart: OpenChart, access: str | None, refresh: str | None, status: int = 401
    ) -> LaunchRefusedError:
        """End a chart whose access the EHR refused, or gave for another: what to say.  All tokens are given back."""
        await self._kept.end_chart(chart.handle)
        await self._endings.give_back(chart.source, chart.subject, access, refresh, chart.handle)
        await self._endings.give_back_of(chart)
        return LaunchRefusedError(status, ENDED_BY_EHR)

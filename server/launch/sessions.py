"""The charts that browsers have open: each bound to one patient of one source, with a token for that source alone.

A chart is found by the handle in the path *and* the cookie that was set when it was opened.  It is over after half an
hour without use, after eight hours, at logout, and when its token cannot be refreshed any more.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from msgspec.structs import replace
from starlette.requests import Request

from collectors.auth.authorisations import Caller
from collectors.auth.permissions import Permissions
from collectors.settings import Source
from server.access.bounded_http import IssuerUnavailableError
from server.errors import AccessRefusedError
from server.launch import cookies
from server.launch.client import TokenRefusedError, Tokens
from server.launch.ehrs import Ehr, Ehrs, Person
from server.launch.kept import IDLE_SECONDS, LONGEST_SECONDS, Kept, OpenChart
from server.launch.refusals import LaunchRefusedError

log = logging.getLogger("medtwin.launch")

MOST_CHARTS = 20
"""Charts that one browser may have open; the one that was opened first makes room."""
MARGIN = 30.0
"""Seconds before its end from which a token is refreshed, or a fifth of its lifetime where that is less."""
_PATIENCE = 12.0
"""Seconds that a request waits for another one that refreshes the token of the same chart."""

NO_CHART = "There is no chart at this address."
NOT_OPEN = (
    "This browser has no such chart open. The chart may be open in another browser, or the session is over, or cookies"
    " are blocked."
)
OVER = "The session is over. It ends after 30 minutes without use, after 8 hours, and when you log out."
NOT_NOW = "Sessions cannot be kept at the moment. Please try again in a minute."
NO_REFRESH = "The EHR does not renew the access at the moment. Please try again in a minute."
ENDED_BY_EHR = "The session is over: the EHR has ended the access."


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart that is open: ``patient`` is a FHIR id in ``source``; ``user`` the ``fhirUser`` of who logged in.

    ``caller`` is bound to both, and its token goes to that source alone.  ``expires``: when it is over unless used.
    """

    handle: str
    source: Source
    patient: str = field(repr=False)
    caller: Caller = field(repr=False)
    user: str | None = field(repr=False)
    expires: datetime


class Sessions:
    """All charts that are open."""

    def __init__(self, ehrs: Ehrs, kept: Kept) -> None:
        self._ehrs = ehrs
        self._kept = kept
        self._renewals: set[asyncio.Task[OpenChart]] = set()

    async def chart(self, request: Request) -> Chart:
        """The chart of the handle in the path (``launch``), if this browser opened it.

        Using it keeps it open, and refreshes its token where that is due.  Raises LaunchRefusedError (401, 403, 404,
        503).
        """
        found = await self._open_chart(request)
        task = asyncio.ensure_future(self._renew(found))
        # A browser that goes away must not lose the token that the EHR is about to give.
        self._renewals.add(task)
        task.add_done_callback(self._finish_renewal)
        return self._as_chart(await asyncio.shield(task))

    async def open(
        self, request: Request, ehr: Ehr, tokens: Tokens, person: Person | None
    ) -> tuple[str, list[tuple[str, str]]]:
        """Open a chart under a new handle and a new cookie: the handle, and headers of the answer.

        ``tokens`` name a patient.  Raises LaunchRefusedError (503) where it cannot be kept.
        """
        now = self._ehrs.wall()
        chart = OpenChart(
            handle=cookies.new_handle(),
            cookie=cookies.new_secret(),
            source=ehr.source.id,
            patient=tokens.patient or "",
            subject=person.subject if person is not None else "",
            user=person.fhir_user if person is not None else None,
            scope=tokens.scope or "",
            token=tokens.access,
            token_until=now + tokens.lifetime,
            renew_from=now + tokens.lifetime - min(MARGIN, tokens.lifetime / 5),
            refresh=tokens.refresh,
            began=now,
            idle_until=now + IDLE_SECONDS,
            ends=now + LONGEST_SECONDS,
        )
        headers = await self._make_room(request, now)
        if not await self._kept.put_chart(chart, now):
            raise LaunchRefusedError(503, NOT_NOW)
        return chart.handle, [*headers, cookies.keep(cookies.chart_cookie(chart.handle), chart.cookie)]

    async def end(self, request: Request) -> list[tuple[str, str]]:
        """Log out of the chart: its tokens are forgotten here, and given back to the EHR.  Headers of the answer.

        Raises LaunchRefusedError, as ``chart`` does.
        """
        found = await self._open_chart(request)
        await self._end(found.handle)
        return [cookies.drop(cookies.chart_cookie(found.handle))]

    async def give_back(self, ehr: Ehr, access: str, refresh: str | None) -> None:
        """Revoke tokens that are of no more use.  A fault is logged: there is nobody who could mend it."""
        now = self._ehrs.wall()
        try:
            server = await ehr.discovery.find()
            if refresh is not None:
                await ehr.client.revoke(server, refresh, "refresh_token", now)
            await ehr.client.revoke(server, access, "access_token", now)
        except IssuerUnavailableError as error:
            log.warning("source %s: a token could not be revoked: %s", ehr.source.id, error)

    async def aclose(self) -> None:
        """Waits for what is being renewed."""
        if self._renewals:
            await asyncio.wait(set(self._renewals))

    def _finish_renewal(self, task: "asyncio.Task[OpenChart]") -> None:
        self._renewals.discard(task)
        if not task.cancelled():
            # Looked at, so that asyncio reports nothing where the browser has gone away.
            task.exception()

    async def _open_chart(self, request: Request) -> OpenChart:
        handle = str(request.path_params.get("launch", ""))
        if cookies.HANDLE.fullmatch(handle) is None:
            raise LaunchRefusedError(404, NO_CHART)
        name = cookies.chart_cookie(handle)
        if not cookies.brings(request, name):
            raise LaunchRefusedError(401, NOT_OPEN)
        found = await self._kept.chart(handle)
        if found is None and not await self._kept.is_reachable():
            raise LaunchRefusedError(503, NOT_NOW)
        if found is None or not found.is_open(self._ehrs.wall()):
            raise LaunchRefusedError(401, OVER, [cookies.drop(name)])
        if not cookies.has(request, name, found.cookie):
            raise LaunchRefusedError(403, NOT_OPEN)
        return found

    def _as_chart(self, found: OpenChart) -> Chart:
        ehr = self._ehr_of(found)
        caller = Caller(
            token=found.token,
            permissions=Permissions.from_scopes(found.scope),
            sources=frozenset({found.source}),
            patient=(found.source, found.patient),
            identity=("launch", found.source, ehr.client.client_id, found.subject or found.handle),
        )
        expires = datetime.fromtimestamp(min(found.idle_until, found.ends), UTC)
        return Chart(found.handle, ehr.source, found.patient, caller, found.user, expires)

    def _ehr_of(self, chart: OpenChart) -> Ehr:
        ehr = self._ehrs.by_id(chart.source)
        if ehr is None:
            # The settings have changed since.
            raise LaunchRefusedError(401, OVER)
        return ehr

    async def _renew(self, found: OpenChart) -> OpenChart:
        """The chart as it is kept from now on: used now, and with a token that is good for a while."""
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
            if not await self._kept.put_chart(current, now):
                raise LaunchRefusedError(503, NOT_NOW)
            return current

    async def _refreshed(self, chart: OpenChart, now: float) -> OpenChart:
        """The chart with a new token, or as it is where its own is good still and no other can be had."""
        ehr = self._ehr_of(chart)
        usable = now < chart.token_until
        if chart.refresh is None:
            if usable:
                return chart
            await self._kept.remove_chart(chart.handle)
            raise LaunchRefusedError(401, ENDED_BY_EHR)
        try:
            server = await ehr.discovery.find()
            tokens = await ehr.client.refresh(server, chart.refresh, now)
            if tokens.identity is not None:
                person = await ehr.person(server, tokens.identity, None, now)
                same_person = person.subject == chart.subject
            else:
                same_person = True
        except IssuerUnavailableError as error:
            log.warning("source %s: a token could not be refreshed: %s", chart.source, error)
            if usable:
                return chart
            raise LaunchRefusedError(503, NO_REFRESH) from None
        except (TokenRefusedError, AccessRefusedError) as error:
            log.warning("source %s: a token was not refreshed: %s", chart.source, error)
            await self._kept.remove_chart(chart.handle)
            raise LaunchRefusedError(401, ENDED_BY_EHR) from None
        if not same_person or tokens.patient not in (None, chart.patient):
            # What was opened for one patient never becomes the chart of another.
            log.error(
                "source %s: a refreshed token is for another person or patient; the session is ended", chart.source
            )
            await self._kept.remove_chart(chart.handle)
            await self.give_back(ehr, tokens.access, tokens.refresh or chart.refresh)
            raise LaunchRefusedError(403, ENDED_BY_EHR)
        granted = chart.scope.split(" ")
        kept_scopes = granted if tokens.scope is None else [each for each in tokens.scope.split(" ") if each in granted]
        return replace(
            chart,
            scope=" ".join(kept_scopes),
            token=tokens.access,
            token_until=now + tokens.lifetime,
            renew_from=now + tokens.lifetime - min(MARGIN, tokens.lifetime / 5),
            refresh=tokens.refresh or chart.refresh,
        )

    async def _end(self, handle: str) -> None:
        async with self._kept.locked(handle, _PATIENCE):
            # A request before us may have refreshed the token.
            current = await self._kept.chart(handle)
            await self._kept.remove_chart(handle)
        if current is not None and (ehr := self._ehrs.by_id(current.source)) is not None:
            await self.give_back(ehr, current.token, current.refresh)

    async def _make_room(self, request: Request, now: float) -> list[tuple[str, str]]:
        """End what is too much of this browser's charts: headers by which it forgets them, and those that are over."""
        handles = cookies.handles(request)
        headers: list[tuple[str, str]] = []
        own: list[OpenChart] = []
        for handle, chart in zip(handles, await self._kept.charts(handles) if handles else (), strict=True):
            if chart is None or not chart.is_open(now):
                headers.append(cookies.drop(cookies.chart_cookie(handle)))
            elif cookies.has(request, cookies.chart_cookie(handle), chart.cookie):
                own.append(chart)
        for chart in _oldest(own, len(own) - MOST_CHARTS + 1):
            await self._end(chart.handle)
            headers.append(cookies.drop(cookies.chart_cookie(chart.handle)))
        return headers


def _oldest(charts: Sequence[OpenChart], count: int) -> Sequence[OpenChart]:
    return sorted(charts, key=lambda chart: chart.began)[: max(0, count)]

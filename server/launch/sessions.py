"""The charts that browsers have open: each bound to one patient of one source, with a token for that source alone.

A chart is found by the handle in the path *and* the cookie that was set when it was opened.  It is over after half an
hour without use, after eight hours, at logout, and when its token cannot be refreshed any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.requests import Request

from collectors.auth.authorisations import Caller
from collectors.auth.permissions import Permissions
from collectors.settings import Source
from server.launch import cookies
from server.launch.client import Tokens
from server.launch.ehrs import Ehr, Ehrs, Person
from server.launch.endings import Endings
from server.launch.kept import ENDED_FOR_ROOM, IDLE_SECONDS, LONGEST_SECONDS, Kept, OpenChart
from server.launch.refusals import NOT_NOW, OVER, LaunchRefusedError
from server.launch.renewals import Renewals, renew_from

MOST_CHARTS = 20
"""Charts that one browser may have open; the one that was unused for the longest time makes room."""
NO_CHART = "There is no chart at this address."
NOT_OPEN = (
    "This browser has no such chart open. The chart may be open in another browser, or the session is over, or cookies"
    " are blocked."
)
MADE_ROOM = (
    f"This chart was closed: a browser keeps {MOST_CHARTS} charts open, and another one was opened. No other chart had"
    " been unused for so long."
)


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
        self.endings = Endings(ehrs, kept)
        self._ehrs = ehrs
        self._kept = kept
        self._renewals = Renewals(ehrs, kept, self.endings)

    async def chart(self, request: Request) -> Chart:
        """The chart of the handle in the path (``launch``), if this browser opened it.

        Using it keeps it open, and refreshes its token where that is due.  Raises LaunchRefusedError (401, 403, 404,
        503).
        """
        return self._as_chart(await self._renewals.renew(await self._open_chart(request)))

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
            renew_from=renew_from(tokens, now),
            refresh=tokens.refresh,
            began=now,
            idle_until=now + IDLE_SECONDS,
            ends=now + LONGEST_SECONDS,
        )
        headers = await self._make_room(request, now)
        if not await self._kept.put_chart(chart, now):
            await self.endings.give_back_of(chart)
            raise LaunchRefusedError(503, NOT_NOW)
        await self.endings.add(chart)
        return chart.handle, [*headers, cookies.keep(cookies.chart_cookie(chart.handle), chart.cookie)]

    async def end(self, request: Request) -> list[tuple[str, str]]:
        """Log out of the chart: its tokens are forgotten here, and given back to the EHR.  Headers of the answer.

        Raises LaunchRefusedError, as ``chart`` does.
        """
        found = await self._open_chart(request)
        if not await self.endings.end(found.handle):
            raise LaunchRefusedError(503, NOT_NOW)
        return [cookies.drop(cookies.chart_cookie(found.handle))]

    async def aclose(self) -> None:
        """Waits for what is being renewed, and ends what ends with this process."""
        await self._renewals.aclose()
        await self.endings.aclose()

    async def _open_chart(self, request: Request) -> OpenChart:
        handle = str(request.path_params.get("launch", ""))
        if cookies.HANDLE.fullmatch(handle) is None:
            raise LaunchRefusedError(404, NO_CHART)
        name = cookies.chart_cookie(handle)
        if not cookies.brings(request, name):
            raise LaunchRefusedError(401, await self._why_over(handle, NOT_OPEN))
        found = await self._kept.chart(handle)
        if found is None and not await self._kept.is_reachable():
            raise LaunchRefusedError(503, NOT_NOW)
        if found is None or not found.is_open(self._ehrs.wall()):
            if found is not None:
                self.endings.watch(found)
            raise LaunchRefusedError(401, await self._why_over(handle, OVER), [cookies.drop(name)])
        if not cookies.has(request, name, found.cookie):
            raise LaunchRefusedError(403, NOT_OPEN)
        return found

    async def _why_over(self, handle: str, otherwise: str) -> str:
        return MADE_ROOM if await self._kept.ending(handle) == ENDED_FOR_ROOM else otherwise

    def _as_chart(self, found: OpenChart) -> Chart:
        ehr = self._ehrs.by_id(found.source)
        if ehr is None:
            # The settings have changed since.
            raise LaunchRefusedError(401, OVER)
        caller = Caller(
            token=found.token,
            permissions=Permissions.from_scopes(found.scope),
            sources=frozenset({found.source}),
            patient=(found.source, found.patient),
            identity=("launch", found.source, ehr.client.client_id, found.subject or found.handle),
        )
        expires = datetime.fromtimestamp(min(found.idle_until, found.ends), UTC)
        return Chart(found.handle, ehr.source, found.patient, caller, found.user, expires)

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
        for chart in _longest_unused(own, len(own) - MOST_CHARTS + 1):
            await self.endings.end(chart.handle, ENDED_FOR_ROOM)
            headers.append(cookies.drop(cookies.chart_cookie(chart.handle)))
        return headers


def _longest_unused(charts: Sequence[OpenChart], count: int) -> Sequence[OpenChart]:
    # Each use puts the end for want of use off.
    return sorted(charts, key=lambda chart: chart.idle_until)[: max(0, count)]

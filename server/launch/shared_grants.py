"""Tokens of one person at one EHR, which may be of one grant: when they can be revoked without ending another chart.

Whoever revokes a refresh token ends its grant (RFC 7009, 2.1), and with it each token of that grant.  Some
authorisation servers give a grant to each launch, others one to all launches of a login or of a person; no token says
which.  So a refresh token waits here, sealed, until no other chart of that person is open.  An access token need not
wait: at most its own refresh token ends with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from server.launch.ehrs import Ehrs
from server.launch.kept import Kept, OpenChart, PersonCharts

MOST_WAITING = 100
"""Refresh tokens of one person that wait; of more, the oldest are revoked nevertheless."""
_PATIENCE = 12.0
"""Seconds that a request waits for another one that opens or ends a chart of the same person."""


@dataclass(frozen=True, slots=True)
class GivenTokens:
    """Tokens that are of no more use.  ``subject``: for whom, as the id token has it; empty where that is unknown."""

    source: str
    subject: str
    access: tuple[str, ...] = field(default=(), repr=False)
    refresh: tuple[str, ...] = field(default=(), repr=False)


class SharedGrants:
    """Knows the charts of each person, in whichever process and browser they are."""

    def __init__(self, ehrs: Ehrs, kept: Kept) -> None:
        self._ehrs = ehrs
        self._kept = kept

    async def add(self, chart: OpenChart) -> None:
        """Note a chart that was opened.  Without a subject nobody can say whose it is."""
        if not chart.subject:
            return
        async with self._kept.locked(_lock(chart.source, chart.subject), _PATIENCE):
            known = await self._kept.person_charts(chart.source, chart.subject)
            handles = [each.handle for each in await self._open(known.handles)]
            changed = PersonCharts((*handles, chart.handle), known.waiting)
            await self._kept.put_person_charts(chart.source, chart.subject, changed)

    async def revocable(self, given: GivenTokens, handle: str | None = None) -> GivenTokens:
        """Those of the tokens that can be revoked now, and those that waited; the others wait from now on.

        ``handle``: the chart for which they were given, which is no reason to wait.
        """
        if not given.subject:
            return given
        async with self._kept.locked(_lock(given.source, given.subject), _PATIENCE):
            known = await self._kept.person_charts(given.source, given.subject)
            charts = await self._open(known.handles)
            others = [each for each in charts if each.handle != handle]
            held = {token for each in others for token in (each.token, each.refresh)}
            access = _without(held, given.access)
            refresh = _without(held, (*known.waiting, *given.refresh))
            revoked = refresh[: max(0, len(refresh) - MOST_WAITING)] if others else refresh
            changed = PersonCharts(tuple(each.handle for each in charts), refresh[len(revoked) :])
            if changed != known and not await self._kept.put_person_charts(given.source, given.subject, changed):
                # Nobody would know of what waits.
                revoked = refresh
            return GivenTokens(given.source, given.subject, access, revoked)

    async def _open(self, handles: tuple[str, ...]) -> list[OpenChart]:
        now = self._ehrs.wall()
        found = await self._kept.charts(handles) if handles else []
        return [each for each in found if each is not None and each.is_open(now)]


def _without(held: set[str | None], tokens: Iterable[str]) -> tuple[str, ...]:
    """Each once, but none that a chart holds which is open: it is revoked with that one."""
    return tuple(token for token in dict.fromkeys(tokens) if token not in held)


def _lock(source: str, subject: str) -> str:
    return f"{source}\n{subject}"

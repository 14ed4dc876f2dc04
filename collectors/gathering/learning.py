"""What a question's records may teach of its source, tried once the question is answered."""

import asyncio
import contextlib

from collectors.errors import SourceUnreachableError
from collectors.fetching.client import Client
from collectors.fetching.search import Parameters
from collectors.gathering.ability import Ability
from collectors.gathering.latest import placed_in
from collectors.reading.placed import Placed
from collectors.reading.readout import Setting
from collectors.strategy.proof import Evidence, prove
from collectors.strategy.strategy import Way


class Learning:
    """Trials under way: at most one for each source, and none is waited for."""

    def __init__(self) -> None:
        self._trials: dict[str, asyncio.Task[None]] = {}

    def begin(self, ability: Ability, client: Client, setting: Setting) -> None:
        """Tries what this question's records can show, unless another trial of the source is under way."""
        source = setting.source.id
        running = self._trials.get(source)
        if ability.evidence and (running is None or running.done()):
            ways, evidence = ability.evidence[0]
            self._trials[source] = asyncio.ensure_future(_trial(ways, evidence, ability, client, setting))

    async def settle(self) -> None:
        """Waits for the trials under way (for tests)."""
        if trials := list(self._trials.values()):
            await asyncio.wait(trials)

    async def aclose(self) -> None:
        """Ends the trials under way."""
        trials = list(self._trials.values())
        for trial in trials:
            trial.cancel()
        for trial in trials:
            with contextlib.suppress(asyncio.CancelledError):
                await trial


async def _trial(ways: tuple[Way, ...], evidence: Evidence, ability: Ability, client: Client, setting: Setting) -> None:
    async def ask(what: str, parameters: Parameters, first_only: bool) -> list[Placed]:
        fetched = await client.search(what, parameters, first_only)
        if fetched.lacking:
            raise SourceUnreachableError("what came is not whole, and shows nothing")
        return placed_in(fetched, setting)

    await prove(ways, ability.learned, evidence, ask)

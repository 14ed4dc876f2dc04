"""Gathers what a plan needs about one patient: all searches at once, of all sources, within one deadline."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import httpx

from collectors.assemble import facts_from_resources
from collectors.capability.capabilities import Capabilities
from collectors.draft import Draft
from collectors.fetching.access import Access, NoAccess
from collectors.fetching.allowance import Allowance
from collectors.fetching.client import Client
from collectors.fetching.clients import Clients
from collectors.fetching.fetched import Fetched
from collectors.fetching.flight import Flights
from collectors.fetching.fresh import Fresh
from collectors.fetching.patience import Patience
from collectors.fetching.search import checked_id
from collectors.fetching.shelf import Shelf
from collectors.fetching.transport import Transport
from collectors.gathering.ability import Ability, is_patient, refused
from collectors.gathering.joint import Joint
from collectors.gathering.learning import Learning
from collectors.gathering.merge import merge
from collectors.gathering.reach import Asked, Reach
from collectors.gathering.run import Run
from collectors.gathering.sending import Sender
from collectors.handed import OFFLINE, HandedIn
from collectors.needs import Search
from collectors.reading.readout import Setting
from collectors.settings import Source
from collectors.sourcefacts import SourceFacts
from collectors.terminology.terminology import Terminology

__all__ = ["Gatherer", "facts_from_resources"]


class Gatherer:
    """Fetches facts over pooled connections, for as many questions as come.

    With ``capabilities`` each source is searched as it can be; without, as every server understands it.  Nothing of
    an answer is kept but on the ``shelf``, and there only of collectors for which the source's settings allow it.
    A source is never asked by more than ``concurrency`` requests at once, and an identical search under way is shared.
    """

    def __init__(
        self,
        http: httpx.AsyncClient | Clients,
        capabilities: Capabilities | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        terminology: Terminology | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self._clients = http if isinstance(http, Clients) else Clients(http)
        self._capabilities = capabilities
        self._now = now
        self.terminology = terminology or Terminology()
        self.learning = Learning()
        self._fresh = Fresh(shelf, lambda: now().timestamp()) if shelf is not None else None
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._flights: Flights[Fetched] = Flights()

    async def gather(
        self,
        source: Source,
        patient: str,
        searches: tuple[Search, ...],
        at: datetime,
        deadline: float,
        access: Access | None = None,
        others: Sequence[Reach] = (),
        handed: HandedIn | None = None,
        allowance: Allowance | None = None,
    ) -> SourceFacts:
        """The facts for these searches, within ``deadline`` seconds, as ``access`` authorises it.

        ``others`` are asked as well where they know the patient.  What was ``handed`` in is not fetched from
        ``source``; from ``OFFLINE`` nothing is.  All that is read counts against ``allowance``.

        Raises PatientNotFoundError.  Any other fault of a source becomes a failure of the concepts concerned, and an
        issue.
        """
        until = asyncio.get_running_loop().time() + deadline
        reach = Reach(source, access or NoAccess())
        own = any(map(is_patient, searches))
        allowance = allowance or Allowance()
        first = await self._open(until, allowance, own, handed, reach, checked_id(patient))
        if first.ability.known.refusal is not None:
            return _not_asked(first.draft, searches, first.ability.known.refusal)
        joint = Joint(partial(self._open, until, allowance, False, None), searches, at, self._now(), others)
        await joint.ask(first)
        if (refusal := self._late_refusal(source)) is not None:
            return _not_asked(Draft(first.draft.setting), searches, refusal)
        for asked in joint.parts:
            if (refusal := self._late_refusal(asked.reach.source)) is not None:
                joint.withdraw(asked, refusal)
            # It is tried after the answer: a caller's token is used for nothing that the caller did not ask.
            elif asked.client is not None and asked.reach.source.auth != "caller":
                self.learning.begin(asked.ability, asked.client, asked.draft.setting)
        return merge(*joint.drafts())

    async def _open(
        self, until: float, allowance: Allowance, own: bool, handed: HandedIn | None, reach: Reach, patient: str
    ) -> Asked:
        """Makes ready to ask a source about one of its patient records; ``own``: that record is asked for too."""
        source = reach.source
        draft = Draft(Setting.of(source, patient, self.terminology.translation(source)))
        if source is OFFLINE:
            return Asked(reach, draft, Ability(), Run(None, draft, until, None, own, self.terminology, handed), None)
        patience = Patience(until)
        transport = Transport(self._clients.of(source), source, self._gate(source), reach.access, patience)
        client = Client(source, transport, allowance)
        ability = await self._ability(source, transport, until)
        sender = Sender(client, source, self._flights, until, reach.access.scope, patience, self._fresh, allowance)
        run = Run(sender, draft, until, ability, own, self.terminology, handed)
        # What is tried after the answer takes nothing from the other questions of the request.
        return Asked(reach, draft, ability, run, Client(source, transport, replace(allowance)))

    def warm(self, source: Source, access: Access | None = None) -> None:
        """Begins to read what a source can do, so that the first question need not wait for it."""
        if self._capabilities is not None:
            self._capabilities.warm(source, self.transport(source, access).get)

    def transport(self, source: Source, access: Access | None = None) -> Transport:
        """Requests to a source beside any question, bounded in number with those of the questions."""
        return Transport(self._clients.of(source), source, self._gate(source), access or NoAccess())

    async def aclose(self) -> None:
        """Ends what is learned in the background."""
        await self.learning.aclose()
        if self._capabilities is not None:
            await self._capabilities.aclose()

    async def _ability(self, source: Source, transport: Transport, until: float) -> Ability:
        if self._capabilities is None:
            return Ability()
        try:
            async with asyncio.timeout_at(until):
                known = await self._capabilities.known(source, transport.get)
        except TimeoutError:
            return Ability()
        return Ability(known, self._capabilities.learned(source), self._now())

    def _late_refusal(self, source: Source) -> str | None:
        """Of a source whose version became known only while it was asked already: what it gave must not be read."""
        known = self._capabilities.at_hand(source) if self._capabilities is not None else None
        return known.refusal if known is not None else None

    def _gate(self, source: Source) -> asyncio.Semaphore:
        return self._gates.setdefault(source.id, asyncio.Semaphore(source.concurrency))


def _not_asked(draft: Draft, searches: tuple[Search, ...], refusal: str) -> SourceFacts:
    failure, issue = refused(draft.setting.source.id, refusal)
    for search in searches:
        draft.fail(search, failure)
    draft.issues.append(issue)
    return draft.finish()

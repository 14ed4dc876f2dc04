"""Gathers what a plan needs about one patient: all searches at once, of all sources, within one deadline.

A search is five objects:

    Gatherer         asks all sources that know the patient at once, and merges what they give
    SourceQuestion   decides for each search how one source answers it, and what to report of it
    Sender           sends a request only where neither a cached result nor an equal request under way serves
    Client           follows a FHIR search from page to page
    Transport        sends one HTTP request, authorised, and repeats it where the source allows it

Several sources are coordinated by ``MultiSourceQuestion``.  ``SingleFlight`` (equal requests), ``SearchCache`` (results
of a moment ago) and ``Pages`` (one result of several) are parts of these, and layers of none.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import httpx

from collectors.assembly import Draft, facts_from_resources
from collectors.auth.authorisations import is_of_call
from collectors.capability.capability import KnownCapability
from collectors.capability.capability_cache import CapabilityCache
from collectors.errors import NotSuppliedError, SourceAnswerError
from collectors.fetching.access import Access, NoAccess, Target, WithheldAccess
from collectors.fetching.client import Client
from collectors.fetching.connections import HttpClients
from collectors.fetching.read_budget import ReadBudget
from collectors.fetching.record_cache import RecordCache, SearchCache
from collectors.fetching.retry import WaitLimit
from collectors.fetching.search_result import SearchResult
from collectors.fetching.single_flight import SingleFlight
from collectors.fetching.transport import Transport
from collectors.gathering.multi_source import MultiSourceQuestion, merge_drafts
from collectors.gathering.sender import Sender
from collectors.gathering.source_ability import SourceAbility, StrategyTrials, is_patient_search, source_refused
from collectors.gathering.source_question import SourceQuestion
from collectors.reading.readout import PatientContext, check_fhir_id
from collectors.reading.record_content import RecordContent, read_content
from collectors.search import Search
from collectors.settings import Source
from collectors.source_facts import SourceFacts
from collectors.supplied_records import OFFLINE, SuppliedRecords
from collectors.terminology.terminology import Terminology
from ontology.resources import RecordRef

__all__ = ["Gatherer", "facts_from_resources"]


_SMALL_BODY = 64 * 1024
"""Bytes of a record that are checked at once; what takes longer than a millisecond is checked in a thread."""


class Gatherer:
    """Turns the searches of a plan into the facts of one patient, and holds what all questions share.

    Shared are the connections, the bound on requests under way to a source (``concurrency``), searches under way, and
    what is known of each source.  With ``capabilities`` each source is searched as it declares; without, in the
    plainest way.  No record is kept but in ``record_cache``, and there only for collectors for which the source's
    settings allow it (``freshness``).
    """

    def __init__(
        self,
        http: httpx.AsyncClient | HttpClients,
        capabilities: CapabilityCache | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        terminology: Terminology | None = None,
        record_cache: RecordCache | None = None,
    ) -> None:
        self._clients = http if isinstance(http, HttpClients) else HttpClients(http)
        self._capabilities = capabilities
        self._now = now
        self.terminology = terminology or Terminology()
        self.trials = StrategyTrials()
        self._search_cache = SearchCache(record_cache, lambda: now().timestamp()) if record_cache is not None else None
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._single_flight: SingleFlight[SearchResult] = SingleFlight()

    async def gather(
        self,
        source: Source,
        patient: str,
        searches: tuple[Search, ...],
        at: datetime,
        deadline: float,
        access: Access | None = None,
        others: Sequence[Target] = (),
        supplied: SuppliedRecords | None = None,
        read_budget: ReadBudget | None = None,
    ) -> SourceFacts:
        """The facts for these searches, within ``deadline`` seconds, as ``access`` authorises it.

        ``others`` are asked as well where they know the patient.  What is ``supplied`` is not fetched from ``source``;
        from ``OFFLINE`` nothing is.  All that is read counts against ``read_budget``.

        Raises PatientNotFoundError.  Any other fault of a source becomes a failure of the concepts concerned, and an
        issue.
        """
        until = asyncio.get_running_loop().time() + deadline
        target = Target(source, access or NoAccess())
        own = any(map(is_patient_search, searches))
        read_budget = read_budget or ReadBudget()
        first = await self._source_question(until, read_budget, own, supplied, target, check_fhir_id(patient))
        if first.ability.declared.refusal is not None:
            return _refused_facts(first.draft, searches, first.ability.declared.refusal)
        make_question = partial(self._source_question, until, read_budget, False, None)
        # Draft orders are no source's: they come with the question, or are not asked for at all.
        sought = tuple(each for each in searches if not each.description.comes_with_question)
        has_drafts = supplied is not None and supplied.drafts is not None
        drafts = [each for each in searches if each.description.comes_with_question] if has_drafts else []
        joint = MultiSourceQuestion(make_question, sought, at, self._now(), others)
        await joint.ask(first, drafts)
        if (refusal := self._late_refusal(source)) is not None:
            return _refused_facts(Draft(first.draft.context), searches, refusal)
        for asked in joint.parts:
            if (refusal := self._late_refusal(asked.target.source)) is not None:
                joint.withdraw(asked, refusal)
            else:
                self.trials.start(asked.ability, asked.draft.context)
        return merge_drafts(*joint.drafts())

    async def read_record(
        self,
        target: Target,
        ref: RecordRef,
        deadline: float,
        read_budget: ReadBudget,
        supplied: SuppliedRecords | None = None,
    ) -> RecordContent:
        """One record of a source, as it gives it, within ``deadline`` seconds: never kept, never shared.

        What was ``supplied`` of that source is not fetched; from ``OFFLINE`` nothing is.  Whose record it is, the
        caller has to check (``is_of_patient``).  Raises CollectorError.
        """
        source = target.source
        body = supplied.find_version(ref) if supplied is not None else None
        if body is None:
            if source is OFFLINE:
                raise NotSuppliedError("this record, or this version of it, was not supplied")
            if (refusal := self._late_refusal(source)) is not None:
                raise SourceAnswerError(f"source {source.id}: {refusal}")
            wait_limit = WaitLimit(asyncio.get_running_loop().time() + deadline)
            transport = self._transport(target, wait_limit)
            client = Client(source, transport, read_budget)
            body = await Sender(client, self._single_flight, wait_limit.until, target.access, wait_limit).read(ref)
        if len(body) <= _SMALL_BODY:
            return read_content(body, ref, source)
        return await asyncio.to_thread(read_content, body, ref, source)

    async def _source_question(
        self,
        until: float,
        read_budget: ReadBudget,
        patient_asked: bool,
        supplied: SuppliedRecords | None,
        target: Target,
        patient: str,
    ) -> SourceQuestion:
        """The question to a source about one of its patient records, which it searches for if ``patient_asked``."""
        source = target.source
        draft = Draft(PatientContext.for_patient(source, patient, self.terminology.translation(source)))
        sender, ability = None, SourceAbility()
        # Where nothing may be sent, what was supplied is all that there is.
        withheld = supplied is not None and isinstance(target.access, WithheldAccess)
        if source is not OFFLINE and not withheld:
            wait_limit = WaitLimit(until)
            transport = self._transport(target, wait_limit)
            client = Client(source, transport, read_budget)
            ability = await self._source_ability(target, transport, until)
            if source.auth != "caller" and not is_of_call(target.access):
                # Trials come after the answer: a caller's token is used for nothing that the caller did not ask, and
                # what they read takes nothing from the other questions of the request.
                ability.trial_client = Client(source, transport, replace(read_budget))
            sender = Sender(client, self._single_flight, until, target.access, wait_limit, self._search_cache)
        return SourceQuestion(target, sender, draft, ability, until, self.terminology, supplied, patient_asked)

    def warm(self, source: Source, access: Access | None = None) -> None:
        """Begins to read what a source can do, so that the first question need not wait for it."""
        if self._capabilities is not None:
            self._capabilities.warm(source, self.transport(source, access).get)

    def transport(self, source: Source, access: Access | None = None) -> Transport:
        """Requests to a source beside any question, bounded in number with those of the questions."""
        return Transport(self._clients.client_for(source), source, self._gate(source), access or NoAccess())

    def _transport(self, target: Target, wait_limit: WaitLimit) -> Transport:
        source = target.source
        return Transport(self._clients.client_for(source), source, self._gate(source), target.access, wait_limit)

    async def aclose(self) -> None:
        """Ends the trials, and the reading of capabilities, in the background."""
        await self.trials.aclose()
        if self._capabilities is not None:
            await self._capabilities.aclose()

    async def _source_ability(self, target: Target, transport: Transport, until: float) -> SourceAbility:
        source = target.source
        if self._capabilities is None:
            return SourceAbility()
        if isinstance(target.access, WithheldAccess):
            # Nothing may be sent: to try would be noted as a failure of the source, for everybody.
            return SourceAbility(self._capabilities.cached(source) or KnownCapability())
        try:
            async with asyncio.timeout_at(until):
                known = await self._capabilities.get(source, transport.get)
        except TimeoutError:
            return SourceAbility()
        return SourceAbility(known, self._capabilities.observed(source), self._now())

    def _late_refusal(self, source: Source) -> str | None:
        """Why a source must not be used whose version became known only while it was asked already."""
        known = self._capabilities.cached(source) if self._capabilities is not None else None
        return known.refusal if known is not None else None

    def _gate(self, source: Source) -> asyncio.Semaphore:
        return self._gates.setdefault(source.id, asyncio.Semaphore(source.concurrency))


def _refused_facts(draft: Draft, searches: tuple[Search, ...], refusal: str) -> SourceFacts:
    failure, issue = source_refused(draft.context.source.id, refusal)
    for search in searches:
        draft.add_failure(search, failure)
    draft.issues.append(issue)
    return draft.finish()

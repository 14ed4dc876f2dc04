"""The engine: one question in, one trace out.  It holds the catalog, the sources' client and the cache."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

import httpx

from collectors.auth.ways import NOBODY, Caller, Ways
from collectors.capability.capabilities import Capabilities
from collectors.errors import CredentialError
from collectors.facts import Facts
from collectors.fetching.clients import Clients
from collectors.fetching.probe import Probe, SourceStatus
from collectors.gather import Gatherer
from collectors.gathering.reach import Reach
from collectors.handed import OFFLINE, HandedIn
from collectors.needs import Search
from collectors.settings import Source
from collectors.sourcefacts import SourceFacts
from ontology.values import Value
from server import kinds
from server.catalog.configured import check_collectors
from server.catalog.load import ROOT, Catalog
from server.compiler.compile import compile_plan
from server.compiler.plan import Plan
from server.errors import CatalogError, CompileError, QuestionError, SettingsError
from server.executor.asked import alive_at, time_of, unused
from server.executor.budget import Budget, Work
from server.executor.cache.keys import Keyring
from server.executor.cache.open import open_store
from server.executor.cache.shelf import StoreShelf
from server.executor.cache.store import CacheStatus
from server.executor.course import Course, changes
from server.executor.environment import measure_environment
from server.executor.memory import Memory
from server.executor.question import Question
from server.executor.run import Case, run
from server.executor.terms import open_terminology
from server.executor.trace import Trace
from server.settings import Settings, site_values


class Engine:
    """Answers questions.  Built by ``open``, given back by ``close``; also an async context manager."""

    def __init__(
        self, settings: Settings, catalog: Catalog, clients: Clients, memory: Memory, sources: Sequence[Source]
    ) -> None:
        check_collectors(sources, catalog)
        self.terminology = open_terminology(settings.terminology, catalog.value_sets, sources, clients)
        self.settings = settings
        self.catalog = catalog
        self.memory = memory
        shelf = StoreShelf(memory.store, memory.keys.seen)
        self.gatherer = Gatherer(clients, Capabilities(), terminology=self.terminology, shelf=shelf)
        self.sources = {source.id: source for source in sources}
        self.site: dict[str, Value] = site_values(settings.site, catalog.concepts)
        self.ways = Ways(sources, clients)
        self.probe = Probe(clients, tuple(self.sources.values()))
        self.terms_probe = Probe(clients, (settings.terminology.source(),) if settings.terminology else ())
        self._clients = clients

    @classmethod
    async def open(cls, settings: Settings, catalog: Catalog, http: httpx.AsyncClient | None = None) -> Self:
        """Open the cache (the embedded one starts here) and the client.

        ``http``: another client for the sources (tests put faults there).  Raises SettingsError, and CatalogError
        where an implementation does not fit its description.
        """
        faults = [f"{d.folder.name}: {fault}" for d in catalog.modules.values() for fault in kinds.check_signature(d)]
        if faults:
            raise CatalogError(faults)
        try:
            key = settings.cache.key_bytes()
        except ValueError as error:
            raise SettingsError(f"cache.{error}") from None
        keys = Keyring.of(key)
        url = settings.cache.url.get_secret_value() if settings.cache.url is not None else None
        store = await open_store(url, key, settings.cache.enabled, keys=keys)
        memory = Memory(store, keys, measure_environment(ROOT), ZoneInfo(settings.zone), settings.cache.ttl)
        clients = Clients(http)
        try:
            engine = cls(settings, catalog, clients, memory, settings.endpoints())
        except BaseException as error:
            await clients.aclose()
            await memory.close()
            if isinstance(error, CredentialError):
                raise SettingsError(str(error)) from None
            raise
        engine.warm()
        return engine

    def warm(self) -> None:
        """Begin to read what each source can do; one that wants a caller's token may have to wait for a question."""
        self.terminology.warm(self.catalog.concepts.values())
        for source in self.sources.values():
            self.gatherer.warm(source, None if source.auth == "caller" else self.ways.of(source, NOBODY))

    async def close(self) -> None:
        """Give back connections and stop the embedded cache."""
        await self.gatherer.aclose()
        await self.terminology.aclose()
        await self._clients.aclose()
        await self.memory.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def ask(self, question: Question, handed: HandedIn | None = None) -> Trace:
        """Answer a question from its source and those that share the patient; what was handed in is not fetched.

        Raises QuestionError (no such source, a time without a zone or out of range, more work than it may cost),
        CompileError, TokenRequiredError and PatientNotFoundError; whatever else goes wrong with a source or a module is
        in the trace.
        """
        trace, _ = await self.look(question, handed)
        return trace

    async def look(self, question: Question, handed: HandedIn | None = None) -> tuple[Trace, SourceFacts]:
        """The same, with the facts that it was answered from: for those who check a source."""
        scoped, plan, at, facts, source = await self._gathered(question, handed)
        return await self.answer(scoped, plan, at, facts, source), facts

    async def course(self, question: Question, most: int, handed: HandedIn | None = None) -> Course:
        """What was asked for at each time at which its inputs changed, from the one ``earlier`` time up to ``at``.

        The first is that earlier time itself; of more changes than ``most`` the newest count.  Each is answered as the
        question would have been then, with what was known then.  Raises what ``ask`` raises.
        """
        scoped, plan, end, facts, source = await self._gathered(question, handed)
        start = min(scoped.earlier)
        times = (start, *changes(plan, facts.gathered.resources, start, end))
        kept = times[-most:]
        work = self._budget(scoped).begin()
        traces = [await self._run(scoped, plan, time, facts, source, work, aside=True) for time in kept]
        return Course(tuple(traces), len(times) - len(kept))

    async def _gathered(
        self, question: Question, handed: HandedIn | None
    ) -> tuple[Question, Plan, datetime, SourceFacts, Source]:
        offline = handed is not None and not self.sources and question.source is None
        source = OFFLINE if offline else self.source(question.source)
        plan, at = self._prepare(question)
        searches = self._reaching(question, plan, at)
        caller = Caller(question.token, question.scope or self.memory.keys.scope_of(question.token))
        access = self.ways.of(source, caller)
        deadline = self.settings.server.deadline
        others = [Reach(each, self.ways.beside(each, caller)) for each in self.sources.values() if each is not source]
        budget = self._budget(question)
        facts = await self.gatherer.gather(
            source, question.patient, searches, at, deadline, access, others, handed, budget.allowance
        )
        return replace(question, scope=caller.scope, budget=budget), plan, at, facts, source

    def _budget(self, question: Question) -> Budget:
        return question.budget or Budget.of(self.settings.server)

    async def answer(self, question: Question, plan: Plan, at: datetime, facts: Facts, source: Source) -> Trace:
        """Answer a question from facts that were gathered already, and whatever it is to be compared with."""
        work = self._budget(question).begin()
        trace = await self._run(question, plan, at, facts, source, work)
        earlier = {
            time: await self._run(question, plan, time, facts, source, work, aside=True) for time in question.earlier
        }
        without = self._without_assumptions(question) if question.recorded else None
        recorded = None
        if without is not None:
            given = replace(question, assume={})
            recorded = await self._run(given, without, at, facts, source, work, aside=True)
        return replace(trace, earlier=earlier, recorded=recorded) if earlier or recorded else trace

    async def _run(
        self,
        question: Question,
        plan: Plan,
        at: datetime,
        facts: Facts,
        source: Source,
        work: Work,
        aside: bool = False,
    ) -> Trace:
        if aside:
            # There may be a thousand of these, each too short to give others their turn by itself.
            await asyncio.sleep(0)
        as_of, issues = alive_at(at, facts)
        case = Case(
            patient=question.patient,
            reference=f"{source.base_url}/Patient/{question.patient}",
            source=source.id,
            at=as_of,
            known_at=at,
            scope=question.scope,
            assume=question.assume,
            site=self.site,
            issues=(*issues, *unused(question, plan, self.catalog.concepts)),
            aside=aside,
            work=work,
        )
        return await run(plan, case, facts, self.catalog.concepts, self.memory)

    def _reaching(self, question: Question, plan: Plan, at: datetime) -> tuple[Search, ...]:
        """The searches of the plan, so wide that what it is to be compared with is answered from them as well."""
        without = self._without_assumptions(question) if question.recorded else None
        searches = plan.searches if without is None else without.searches
        if not question.earlier:
            return searches
        back = max(at - min(question.earlier), timedelta(0))
        return tuple(
            replace(each, window=None if each.window is None else each.window + back, latest_only=False)
            for each in searches
        )

    def _without_assumptions(self, question: Question) -> Plan | None:
        """The plan of the record alone; None where it has none: what is assumed may have no producer."""
        try:
            return compile_plan(self.catalog, question.of)
        except CompileError:
            return None

    def _prepare(self, question: Question) -> tuple[Plan, datetime]:
        at = time_of(question)
        return compile_plan(self.catalog, question.of, frozenset(question.assume)), at

    def source(self, source_id: str | None) -> Source:
        """The source of this id; it may be left out where there is just one.  Raises QuestionError."""
        if source_id is None:
            if len(self.sources) == 1:
                return next(iter(self.sources.values()))
            known = ", ".join(sorted(self.sources)) or "none is configured"
            raise QuestionError("source-required", f"say which source: {known}")
        if source_id not in self.sources:
            raise QuestionError("unknown-source", "no source of this id is configured")
        return self.sources[source_id]

    async def cache_status(self) -> CacheStatus:
        """How the cache does."""
        return await self.memory.store.status()

    async def source_status(self) -> tuple[SourceStatus, ...]:
        """Whether each source answers at its ``/metadata``: asked at once, in two seconds, for two seconds."""
        return await self.probe.status()

    async def terminology_status(self) -> SourceStatus | None:
        """The same of the terminology server; None where none is configured."""
        return next(iter(await self.terms_probe.status()), None)

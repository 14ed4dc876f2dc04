"""The engine: one question in, one trace out.

It holds the catalog, the HTTP clients of the sources, the gatherer and the cache.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Self
from zoneinfo import ZoneInfo

import httpx

from collectors.auth.authorisations import NO_CALLER, Authorisations, Caller
from collectors.capability.capability_cache import CapabilityCache
from collectors.errors import CredentialError, OtherPatientError
from collectors.facts import Facts
from collectors.fetching.access import Target
from collectors.fetching.connections import HttpClients
from collectors.fetching.probe import SourceProbe, SourceStatus
from collectors.gatherer import Gatherer
from collectors.patient.banner import Banner, read_banner
from collectors.reading.readout import PatientContext, check_fhir_id
from collectors.reading.record_content import RecordContent, is_of_patient, may_be_shared, refers_to
from collectors.search import Search
from collectors.settings import Source
from collectors.source_facts import SourceFacts
from collectors.supplied_records import OFFLINE, SuppliedRecords
from ontology.resources import RecordRef
from ontology.values import Value
from ontology.words.time import times_in
from server.catalog.catalog import ROOT, Catalog, check_collectors
from server.compiler.compilation import compile_plan
from server.compiler.plan import Plan
from server.errors import CatalogError, CompileError, QuestionError, SettingsError
from server.executor.budget import Budget, Work, shared_turns
from server.executor.cache.encryption import Keyring
from server.executor.cache.open_store import open_store
from server.executor.cache.record_store import RecordStore
from server.executor.cache.store import CacheStatus
from server.executor.catalog_checks import catalog_faults
from server.executor.fingerprint import Environment, measure_environment
from server.executor.memory import Memory
from server.executor.open_terminology import open_terminology
from server.executor.plan_run import RunContext, run_plan
from server.executor.question import Question, cap_at_death, evaluation_time, unused_assumption_issues
from server.executor.record_question import RecordQuestion
from server.executor.timeline import ConceptTimeline, change_times
from server.executor.trace import Trace
from server.settings import Settings, site_units, site_values, slots_without_presumption

NOT_OF_PATIENT = "the record is not one of this patient's: it names another as whom it is about, or nobody"


@cache
def _own_environment() -> Environment:
    """What this process computes with: what it has imported stays, whatever changes on disk while it runs."""
    return measure_environment(ROOT)


class Engine:
    """Answers questions.  Opened by ``open``, closed by ``close``; also an async context manager.

    ``site`` has the values of the site's concepts, by concept id.  Raises SettingsError for settings that the catalog
    or a source's folder contradict, and CredentialError if a source's key or certificate cannot be used.
    """

    def __init__(
        self, settings: Settings, catalog: Catalog, clients: HttpClients, memory: Memory, sources: Sequence[Source]
    ) -> None:
        check_collectors(sources, catalog)
        self.terminology = open_terminology(settings.terminology, catalog.value_sets, sources, clients)
        self.settings = settings
        self.catalog = catalog
        self.memory = memory
        record_store = RecordStore(memory.store, memory.keys.seen)
        self.gatherer = Gatherer(clients, CapabilityCache(), terminology=self.terminology, record_cache=record_store)
        self.sources = {source.id: source for source in sources}
        self.site: dict[str, Value] = site_values(settings.site, catalog.concepts)
        self.without_presumption = slots_without_presumption(settings.site, catalog.reconciled_slots)
        self.units = site_units(settings.site, catalog.concepts)
        if unknown := [each for each in settings.pages.questions if each not in catalog.concepts]:
            raise SettingsError(f"pages.questions: no concept has the id {unknown[0]!r}")
        self.authorisations = Authorisations(sources, clients)
        self.source_probe = SourceProbe(clients, tuple(self.sources.values()))
        self.terminology_probe = SourceProbe(clients, (settings.terminology.source(),) if settings.terminology else ())
        self._clients = clients

    @classmethod
    async def open(cls, settings: Settings, catalog: Catalog, http: httpx.AsyncClient | None = None) -> Self:
        """Open the cache (the embedded server is started) and the HTTP clients, and begin to read capabilities.

        ``http``: another client for all sources (tests inject faults with it).  Raises SettingsError, and CatalogError
        where a module does not match its implementation, names a slot that it does not have, or cannot be compiled.
        """
        if faults := catalog_faults(catalog):
            raise CatalogError(faults)
        try:
            key = settings.cache.key_bytes()
        except ValueError as error:
            raise SettingsError(f"cache.{error}") from None
        keys = Keyring.from_secret(key)
        url = settings.cache.url.get_secret_value() if settings.cache.url is not None else None
        store = await open_store(url, key, settings.cache.enabled, keys=keys)
        memory = Memory(store, keys, _own_environment(), ZoneInfo(settings.zone), settings.cache.ttl)
        clients = HttpClients(http)
        try:
            engine = cls(settings, catalog, clients, memory, settings.endpoints())
        except BaseException as error:
            await clients.aclose()
            await memory.close()
            if isinstance(error, CredentialError):
                raise SettingsError(str(error)) from None
            raise
        engine.warm_up()
        return engine

    def warm_up(self) -> None:
        """Begin to read the capability of each source, in the background.

        That of a source that requires a caller's token may have to wait for the first question.
        """
        self.terminology.warm(self.catalog.concepts.values())
        for source in self.sources.values():
            self.gatherer.warm(
                source, None if source.auth == "caller" else self.authorisations.access_for(source, NO_CALLER)
            )

    async def close(self) -> None:
        """Close all connections, cancel background work and stop the embedded cache."""
        await self.gatherer.aclose()
        await self.terminology.aclose()
        await self._clients.aclose()
        await self.memory.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def ask(self, question: Question, supplied: SuppliedRecords | None = None) -> Trace:
        """Answer a question from its source and from those that share the patient; supplied records are not retrieved.

        Raises QuestionError (unknown source, another patient than the caller's, a time without a zone or out of range,
        more work than the budget allows), CompileError, TokenRequiredError and PatientNotFoundError; any other fault of
        a source or a module is in the trace.
        """
        trace, _ = await self.ask_with_facts(question, supplied)
        return trace

    async def ask_with_facts(
        self, question: Question, supplied: SuppliedRecords | None = None
    ) -> tuple[Trace, SourceFacts]:
        """As ``ask``, but returns the trace and the facts that it was computed from, for checks of a source."""
        with times_in(self.memory.zone):
            scoped, plan, at, facts, source = await self._gather(question, supplied)
            return await self.answer(scoped, plan, at, facts, source), facts

    async def banner(
        self, source_id: str, patient: str, caller: Caller | None = None, supplied: SuppliedRecords | None = None
    ) -> Banner:
        """Who the patient (FHIR id) of this source is, read now as ``record`` reads it.  Raises what that raises."""
        source = self._record_source(source_id, supplied)
        ref = RecordRef(source.id, source.base_url, "Patient", check_fhir_id(patient))
        question = RecordQuestion(ref, patient, source.id, caller=caller or NO_CALLER)
        return read_banner((await self.record(question, supplied)).body, patient, source)

    async def timeline(
        self, question: Question, max_runs: int, supplied: SuppliedRecords | None = None
    ) -> ConceptTimeline:
        """The results at each time at which their inputs changed, from the one time in ``earlier_times`` up to ``at``.

        The first run is as of that earlier time; if there are more than ``max_runs`` times, the newest are used.  Each
        run uses what was known at its time.  Raises what ``ask`` raises.
        """
        with times_in(self.memory.zone):
            scoped, plan, end, facts, source = await self._gather(question, supplied)
            start = min(scoped.earlier_times)
            times = (start, *change_times(plan, facts.gathered_facts.resources, start, end))
            kept = times[-max_runs:]
            work = self._budget(scoped).start_work()
            traces = [await self._run_plan(scoped, plan, time, facts, source, work, unreported=True) for time in kept]
        return ConceptTimeline(tuple(traces), len(times) - len(kept))

    async def record(self, question: RecordQuestion, supplied: SuppliedRecords | None = None) -> RecordContent:
        """One record itself, with the caller's rights, from its source or from what was supplied; never kept.

        Whose it is, is checked once it is there.  Raises QuestionError (unknown source, another patient than the
        caller's, no patient where the caller is bound to one), TokenRequiredError, OtherPatientError, VersionGoneError,
        and any other CollectorError.
        """
        wanted = question.record
        source = self._record_source(wanted.source, supplied)
        home = source if question.source in (None, source.id) else self._record_source(question.source or "", supplied)
        caller = self._record_caller(question, home)
        joined = source is not home
        authorise = self.authorisations.access_for_other if joined else self.authorisations.access_for
        budget = question.budget or Budget.from_settings(self.settings.server)
        target = Target(source, authorise(source, caller))
        read = partial(
            self.gatherer.read_record,
            target,
            deadline=self.settings.server.deadline,
            read_budget=budget.read_budget,
            supplied=None if joined else supplied,
        )
        subject = question.subject or (None if joined else question.patient)
        if question.patient is None:
            return await read(wanted)
        if subject is None:
            raise OtherPatientError(NOT_OF_PATIENT)
        context = PatientContext.for_patient(source, subject)
        if supplied is not None and not joined:
            context = replace(context, subject_references=context.subject_references | supplied.aliases)
        content = await read(wanted)
        if is_of_patient(content, context):
            return content
        referrer = question.referenced_by
        if referrer is not None and referrer.source == wanted.source and may_be_shared(content):
            referring = await read(referrer)
            if is_of_patient(referring, context) and refers_to(referring, wanted, source):
                return content
        raise OtherPatientError(NOT_OF_PATIENT)

    def _record_source(self, source_id: str, supplied: SuppliedRecords | None) -> Source:
        return OFFLINE if supplied is not None and source_id == OFFLINE.id else self.source(source_id)

    def _record_caller(self, question: RecordQuestion, home: Source) -> Caller:
        if question.patient is None:
            if question.caller.sources is not None:
                raise QuestionError("patient-required", "the caller of this question is bound to a patient: name whom")
            return self._with_scope(question.caller)
        return self._bound_caller(question.caller, home, check_fhir_id(question.patient))

    async def _gather(
        self, question: Question, supplied: SuppliedRecords | None
    ) -> tuple[Question, Plan, datetime, SourceFacts, Source]:
        unnamed = OFFLINE.id if not self.sources else None
        offline = supplied is not None and (question.source or unnamed) == OFFLINE.id
        source = OFFLINE if offline else self.source(question.source)
        caller = self._bound_caller(question.caller or Caller(question.token, question.scope), source, question.patient)
        plan, at = self._compile(question)
        searches = self._widened_searches(question, plan, at)
        access = self.authorisations.access_for(source, caller)
        deadline = self.settings.server.deadline
        others = [
            Target(each, self.authorisations.access_for_other(each, caller))
            for each in self.sources.values()
            if each is not source and not caller.call_only
        ]
        budget = self._budget(question)
        facts = await self.gatherer.gather(
            source, question.patient, searches, at, deadline, access, others, supplied, budget.read_budget
        )
        return replace(question, scope=caller.scope, budget=budget), plan, at, facts, source

    def _bound_caller(self, caller: Caller, source: Source, patient: str) -> Caller:
        """Whoever asks, with the scope beyond which nothing that is found by the patient is shared.

        The edge has bound the caller to a patient already; a question about anybody else is refused here once more.
        Raises QuestionError.
        """
        if not caller.may_ask(source.id, patient):
            raise QuestionError("other-patient", "the caller of this question is bound to another patient")
        return self._with_scope(caller)

    def _with_scope(self, caller: Caller) -> Caller:
        return replace(caller, scope=caller.scope or self.memory.keys.scope_of(caller.scope_text))

    def _budget(self, question: Question) -> Budget:
        return question.budget or Budget.from_settings(self.settings.server)

    async def answer(self, question: Question, plan: Plan, at: datetime, facts: Facts, source: Source) -> Trace:
        """Answer a question from gathered facts, with the runs that it is compared with.  Raises QuestionError."""
        work = self._budget(question).start_work()
        trace = await self._run_plan(question, plan, at, facts, source, work)
        earlier = {
            time: await self._run_plan(question, plan, time, facts, source, work, unreported=True)
            for time in question.earlier_times
        }
        without = self._plan_without_assumptions(question) if question.compare_without_assumptions else None
        unassumed = None
        if without is not None:
            given = replace(question, assumptions={})
            unassumed = await self._run_plan(given, without, at, facts, source, work, unreported=True)
        return replace(trace, earlier_traces=earlier, without_assumptions=unassumed) if earlier or unassumed else trace

    async def _run_plan(
        self,
        question: Question,
        plan: Plan,
        at: datetime,
        facts: Facts,
        source: Source,
        work: Work,
        unreported: bool = False,
    ) -> Trace:
        if unreported:
            # There may be a thousand of these, each too short to let other requests run by itself.
            await asyncio.sleep(0)
        as_of, issues = cap_at_death(at, facts)
        case = RunContext(
            patient=question.patient,
            reference=f"{source.base_url}/Patient/{question.patient}",
            source=source.id,
            at=as_of,
            known_at=at,
            scope=question.scope,
            assumptions=question.assumptions,
            site=self.site,
            without_presumption=self.without_presumption,
            units=self.units,
            issues=(*issues, *unused_assumption_issues(question, plan, self.catalog.concepts)),
            unreported=unreported,
            work=work,
        )
        outer = shared_turns.set(work.budget.turns)
        try:
            return await run_plan(plan, case, facts, self.catalog.concepts, self.memory)
        finally:
            shared_turns.reset(outer)

    def _widened_searches(self, question: Question, plan: Plan, at: datetime) -> tuple[Search, ...]:
        """The searches of the plan, widened so that the runs it is compared with can be answered from them as well."""
        without = self._plan_without_assumptions(question) if question.compare_without_assumptions else None
        searches = plan.searches if without is None else without.searches
        if not question.earlier_times:
            return searches
        back = max(at - min(question.earlier_times), timedelta(0))
        return tuple(
            replace(each, window=None if each.window is None else each.window + back, latest_only=False)
            for each in searches
        )

    def _plan_without_assumptions(self, question: Question) -> Plan | None:
        """The plan from records alone; None if it cannot be compiled: an assumed concept may have no producer."""
        try:
            return compile_plan(self.catalog, question.concepts)
        except CompileError:
            return None

    def _compile(self, question: Question) -> tuple[Plan, datetime]:
        at = evaluation_time(question)
        return compile_plan(self.catalog, question.concepts, frozenset(question.assumptions)), at

    def source(self, source_id: str | None) -> Source:
        """The source of this id; None is allowed if there is only one.  Raises QuestionError."""
        if source_id is None:
            if len(self.sources) == 1:
                return next(iter(self.sources.values()))
            if not self.sources:
                text = "no source is configured: add one (`source add URL`), or supply records (`ask --bundle FILE`)"
                raise QuestionError("source-required", text)
            raise QuestionError("source-required", f"say which source: {', '.join(sorted(self.sources))}")
        if source_id not in self.sources:
            raise QuestionError("unknown-source", "no source of this id is configured")
        return self.sources[source_id]

    async def cache_status(self) -> CacheStatus:
        """The state of the cache, asked now."""
        return await self.memory.store.status()

    async def source_status(self) -> tuple[SourceStatus, ...]:
        """Whether each source answers at ``/metadata``.

        All are asked concurrently, for at most two seconds; an answer is reused for two seconds.
        """
        return await self.source_probe.status()

    async def terminology_status(self) -> SourceStatus | None:
        """Whether the terminology server answers; None if none is configured."""
        return next(iter(await self.terminology_probe.status()), None)

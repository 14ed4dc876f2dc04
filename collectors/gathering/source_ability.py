"""What a source can do, as one question knows it, and trials of what the question's own records may prove."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime

from collectors.capability.capability import Capability, KnownCapability, ObservedBehaviour
from collectors.errors import SourceUnreachableError
from collectors.facts import Failure
from collectors.fetching.client import Client
from collectors.fetching.query import Parameters
from collectors.gathering.newest_records import codes_and_times_in
from collectors.reading.code_and_time import CodeAndTime, read_code_and_time
from collectors.reading.readout import PatientContext
from collectors.reading.records import Record
from collectors.search import Search
from collectors.strategy.proof import Evidence, prove
from collectors.strategy.strategy import SearchStrategy, candidate_strategies, choose_strategy
from ontology.concepts import Origin
from ontology.evaluation import Issue, Severity
from ontology.values import AbsentReason

MOST_EVIDENCE = 2_000
"""More records than these are not examined to prove anything: it would take the time of a question."""


@dataclass(slots=True)
class SourceAbility:
    """The capability of a source as far as it is known, and what it was seen to do.

    ``trial_client`` searches it for the trials after the answer; None: there are none.
    """

    declared: KnownCapability = field(default_factory=KnownCapability)
    observed: ObservedBehaviour = field(default_factory=ObservedBehaviour)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    evidence: list[tuple[tuple[SearchStrategy, ...], Evidence]] = field(default_factory=list)
    trial_client: Client | None = None

    @property
    def capability(self) -> Capability | None:
        """What the source declares, where that can be relied on."""
        return self.declared.capability

    def lacks_type(self, resource_type: str) -> bool:
        """Whether a type is not offered.  Patient is asked for in any case: without it there is no answer at all."""
        return (
            self.capability is not None
            and not self.capability.offers_type(resource_type)
            and resource_type != "Patient"
        )

    def strategy_for(self, search: Search, at: datetime) -> SearchStrategy:
        """How a search is sent."""
        return choose_strategy(search, at, self.now, self.capability, self.observed)

    def distrust(self, strategy: SearchStrategy) -> None:
        """Notes that a strategy which was seen to work does not, so that it is not chosen again."""
        (self.observed.lastn if strategy is SearchStrategy.LASTN else self.observed.sort).proven = False

    def add_evidence(self, search: Search, at: datetime, context: PatientContext, records: list[Record]) -> None:
        """Keeps the records of a complete search until the question is answered, where they may prove a strategy."""
        if self.capability is None or len(records) > MOST_EVIDENCE:
            return
        strategies = candidate_strategies(search, at, self.now, self.capability)
        proofs = [self.observed.lastn if each is SearchStrategy.LASTN else self.observed.sort for each in strategies]
        if not any(proof.worth_trying for proof in proofs) or proofs[0].proven:
            return
        known = tuple(read_code_and_time(record, context.source.zone) for record in records)
        evidence = Evidence(search, context.source, context.patient, at, self.capability, known)
        self.evidence.append((strategies, evidence))


def type_not_offered(resource_type: str) -> tuple[Failure, Issue]:
    """The failure and the issue where a source does not have a resource type at all."""
    text = f"The source does not offer {resource_type}."
    return Failure(AbsentReason.NOT_QUERIED, text), Issue(Severity.INFORMATION, "not-offered", text)


def source_refused(source: str, refusal: str) -> tuple[Failure, Issue]:
    """The failure and the issue where a source must not be asked, being of another version of FHIR."""
    text = f"Source {source} was not asked: {refusal}."
    return Failure(AbsentReason.NOT_QUERIED, text), Issue(Severity.ERROR, "source-version", text)


def is_patient_search(search: Search) -> bool:
    """Whether a search is for the patient's own record."""
    return search.description.origin is Origin.PATIENT


class StrategyTrials:
    """Trials under way: at most one for each source, and none is waited for."""

    def __init__(self) -> None:
        self._trials: dict[str, asyncio.Task[None]] = {}

    def start(self, ability: SourceAbility, context: PatientContext) -> None:
        """Tries what this question's records can prove, unless another trial of the source is under way."""
        source, client = context.source.id, ability.trial_client
        running = self._trials.get(source)
        if client is not None and ability.evidence and (running is None or running.done()):
            strategies, evidence = ability.evidence[0]
            self._trials[source] = asyncio.ensure_future(_run_trial(strategies, evidence, ability, client, context))

    async def wait(self) -> None:
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


async def _run_trial(
    strategies: tuple[SearchStrategy, ...],
    evidence: Evidence,
    ability: SourceAbility,
    client: Client,
    context: PatientContext,
) -> None:
    async def ask(what: str, parameters: Parameters, first_only: bool) -> list[CodeAndTime]:
        fetched = await client.search(what, parameters, first_only)
        if fetched.missing:
            raise SourceUnreachableError("the result is incomplete, and proves nothing")
        return codes_and_times_in(fetched, context)

    await prove(strategies, ability.observed, evidence, ask)

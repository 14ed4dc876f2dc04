"""From a call to its cards: the question, its answer, the advice, and what a clinician has not overridden."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from collectors.supplied_records import SuppliedRecords
from server.catalog.catalog import Catalog
from server.catalog.services import Service
from server.executor.engine import Engine
from server.executor.question import Question
from server.executor.trace import Trace
from server.hooks.advice import Advice, CardContent
from server.hooks.clients import HookClient
from server.hooks.errors import UnobtainedError
from server.hooks.request import HookRequest

Json: TypeAlias = dict[str, Any]
Patient: TypeAlias = tuple[str, str]
"""The id of the source, and the FHIR id."""


class AskedQuestion(Protocol):
    """What a call asks the engine."""

    @property
    def question(self) -> Question:
        """The concepts of the service, of the patient of the call."""

    @property
    def supplied(self) -> SuppliedRecords:
        """What was prefetched, and the draft orders."""


class MakeQuestion(Protocol):
    """Makes the question of a call; raises HookError."""

    def __call__(
        self, engine: Engine, service: Service, request: HookRequest, client: HookClient, at: datetime, /
    ) -> AskedQuestion:
        """The question as of ``at``."""


class Advise(Protocol):
    """Judges the answer by the rules of the service."""

    def __call__(self, service: Service, trace: Trace, catalog: Catalog, /) -> Advice:
        """The advice."""


class MakeCards(Protocol):
    """Writes the cards of an advice: those of ``advice.cards`` first and in their order, each under its ``uuid``."""

    def __call__(self, advice: Advice, service: Service, /) -> list[Json]:
        """The cards."""


class RemembersOverrides(Protocol):
    """Which cards a clinician of this client has overridden, and which were sent."""

    async def keep_unsilenced(
        self, client: HookClient, patient: Patient, contents: Sequence[CardContent], /
    ) -> list[CardContent]:
        """The cards that are not silent, in their order."""

    async def remember(
        self, client: HookClient, service: str, patient: Patient, sent: Mapping[str, CardContent], /
    ) -> None:
        """Keep, by the uuid of each card, what an override of it would silence."""


@dataclass(frozen=True, slots=True)
class Advisor:
    """Answers calls.  ``max_cards``: the most that one answer has."""

    engine: Engine
    max_cards: int
    make_question: MakeQuestion
    advise: Advise
    make_cards: MakeCards
    overrides: RemembersOverrides

    async def cards(self, service: Service, request: HookRequest, client: HookClient, at: datetime) -> list[Json]:
        """The cards, most important first; perhaps none.

        Raises HookError, UnobtainedError among them, and what ``Engine.ask`` raises: no fault becomes an answer
        without cards.
        """
        asked = self.make_question(self.engine, service, request, client, at)
        trace = await self.engine.ask(asked.question, asked.supplied)
        advice = self.advise(service, trace, self.engine.catalog)
        if advice.unobtained:
            raise UnobtainedError(advice.unobtained)
        patient = (asked.question.source or "", request.patient)
        spoken = await self.overrides.keep_unsilenced(client, patient, advice.cards)
        # What is missing, or could not be computed, keeps its place: it is the last card, and no less important.
        kept = 1 if advice.missing or advice.failed else 0
        shown = spoken[: self.max_cards - kept]
        made = self.make_cards(replace(advice, cards=tuple(shown)), service)
        sent = {card["uuid"]: content for card, content in zip(made, shown, strict=False)}
        await self.overrides.remember(client, service.id, patient, sent)
        return made

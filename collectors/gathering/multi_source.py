"""One question to all sources that know the patient: the question's own at once, the others as soon as they are found.

A patient is known elsewhere by identifiers of systems that both sources' settings name, or by a link; never by name.
Whoever might be somebody else is excluded, and that is reported: what such a source holds is then unknown, never "no".
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from collectors.assembly import Draft
from collectors.errors import CollectorError, SourceRefusedError
from collectors.facts import Failure
from collectors.fetching.access import Access, NoAccess
from collectors.fetching.client import Client
from collectors.gathering.facts_merge import reconcile_deaths
from collectors.gathering.identity import Person, find_conflict, read_person
from collectors.gathering.patient_matching import LinkedPersons, follow_links, linked_in_sources, look_up_patient
from collectors.gathering.source_ability import SourceAbility, is_patient_search
from collectors.gathering.source_question import SourceQuestion
from collectors.search import Search, is_enabled
from collectors.settings import Source
from ontology.evaluation import Issue, Severity
from ontology.values import AbsentReason


@dataclass(frozen=True, slots=True)
class Target:
    """A source and our authorisation there."""

    source: Source
    access: Access = field(default_factory=NoAccess)


@dataclass(frozen=True, slots=True)
class PreparedTarget:
    """A source that is being asked about one of its patient records; ``client`` None: nothing can be fetched."""

    target: Target
    draft: Draft
    ability: SourceAbility
    question: SourceQuestion
    client: Client | None


async def run_task_group(calls: Iterable[Coroutine[Any, Any, Any]]) -> None:
    """Runs all; the first exception ends them all, and is raised once they have ended."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class ExcludedSources:
    """What was not joined in one question.  ``drafts`` are of sources, or records in them, of which nothing is used."""

    def __init__(self, searches: Sequence[Search]) -> None:
        self._searches = searches
        self.drafts: list[Draft] = []

    def exclude(
        self, prepared: PreparedTarget, reasons: Iterable[str], absence: AbsentReason = AbsentReason.NOT_QUERIED
    ) -> None:
        """Tells what is not used of a source, and why, and what could not be had by that."""
        for text in reasons:
            failure = Failure(absence, f"Source {prepared.target.source.id}: {text}.")
            prepared.draft.issues.append(Issue(Severity.WARNING, "not-joined", failure.text))
            for search in self._searches:
                if not is_patient_search(search) and not prepared.ability.lacks_type(search.description.resource_type):
                    prepared.draft.add_failure(search, failure)


PrepareTarget = Callable[[Target, str], Awaitable[PreparedTarget]]
"""Makes ready to ask a source about one of its patient records."""

NO_PATIENT = ""
"""For requests to a source in which it is not known yet who the patient is."""


class MultiSourceQuestion:
    """One question.  ``parts`` are what was asked and joined, the question's own source first."""

    def __init__(
        self,
        prepare_target: PrepareTarget,
        searches: Sequence[Search],
        at: datetime,
        now: datetime,
        others: Sequence[Target],
    ) -> None:
        self._prepare_target = prepare_target
        self._searches = searches
        self._patient_search = next(filter(is_patient_search, searches), None)
        self._at = at
        self._now = max(at, now)
        self._others = others
        self.parts: list[PreparedTarget] = []
        self._excluded = ExcludedSources(searches)
        self.persons: dict[int, Person] = {}

    async def ask(self, first: PreparedTarget) -> None:
        """Asks the question's own source, and whichever others know the patient.  Raises PatientNotFoundError."""
        self.parts.append(first)
        searches = [
            each
            for each in self._searches
            if each is not self._patient_search and is_enabled(each, first.target.source)
        ]
        await run_task_group([self._find_patient(first), *(first.question.search(each, self._at) for each in searches)])
        await run_task_group(self._searches_to_widen())

    def _searches_to_widen(self) -> Iterable[Coroutine[Any, Any, None]]:
        """One source knows of a death, another was asked for its newest records without: what it had by then may be
        missing.
        """
        death, _ = reconcile_deaths((part.target.source, part.draft.death) for part in self.parts)
        for part in self.parts:
            known = part.draft.death.end if part.draft.death is not None else self._at
            if death is not None and death.end < min(known, self._at):
                yield from (part.question.widen(search, self._at) for search in part.question.narrowed_searches)

    def withdraw(self, prepared: PreparedTarget, reason: str) -> None:
        """Takes back what a source gave."""
        self.parts = [part for part in self.parts if part is not prepared]
        empty = Draft(prepared.draft.context, requests=prepared.draft.requests)
        self._excluded.drafts.append(empty)
        self._excluded.exclude(replace(prepared, draft=empty), [f"what it gave is not used: {reason}"])

    def drafts(self) -> tuple[list[Draft], list[Draft]]:
        """What was joined, in an order of its own, and what was not.

        Records that contradict none of the question's source, which says nothing, may still contradict each other.
        """
        first, *rest = self.parts
        rest.sort(key=lambda each: (each.target.source.rank, each.target.source.id, each.draft.context.patient))
        believed = [self.persons[id(first)]] if id(first) in self.persons else []
        for asked in rest:
            person = self.persons[id(asked)]
            if (differs := find_conflict(person, believed)) is not None:
                self.withdraw(asked, f"the patient has another {differs} there than in a source that is trusted more")
            else:
                believed.append(person)
        kept = {id(part) for part in self.parts}
        drafts = [part.draft for part in (first, *rest) if id(part) in kept]
        return drafts, sorted(self._excluded.drafts, key=lambda draft: draft.context.source.id)

    async def _find_patient(self, first: PreparedTarget) -> None:
        if self._patient_search is None:
            return
        await first.question.search(self._patient_search, self._at)
        source = first.target.source
        if first.question.patient_record is None:
            await self._exclude_others(
                source.identifiers, "the patient's own record, by which to find it, could not be had"
            )
            return
        person = read_person(first.question.patient_record, source, self._now)
        if person is None:
            await self._exclude_others(
                source.identifiers, "the patient's own record, by which to find it, cannot be read"
            )
            return
        self.persons[id(first)] = person
        found = LinkedPersons({person.id: person})
        try:
            found = await follow_links(first.question, source, {person.id: person}, (), self._now)
        except CollectorError as error:
            found.excluded.append(f"records that are linked to the patient's could not be had: {error}")
        first.draft.issues.extend(found.issues)
        self._excluded.exclude(first, found.excluded)
        known = tuple(found.persons.values())
        linked = [each for each in known if each is not person]
        elsewhere, unknown = linked_in_sources([reach.source for reach in self._others], found.outside_links)
        first.draft.issues.extend(unknown)
        await run_task_group(
            [
                *(self._ask_about_record(first.target, each) for each in linked),
                *(self._ask_other_source(reach, source.identifiers, known, elsewhere.get(position, ()))
                  for position, reach in enumerate(self._others)),
            ]
        )  # fmt: skip

    async def _ask_other_source(
        self, target: Target, systems: tuple[str, ...], known: tuple[Person, ...], linked: Sequence[str]
    ) -> None:
        """Looks the patient up in another source, and asks that about whoever is found."""
        source = target.source
        shared = set(systems) & set(source.identifiers)
        if not shared and not linked:
            return
        asked = await self._prepare_target(target, NO_PATIENT)
        self._excluded.drafts.append(asked.draft)
        identifiers = frozenset(each for person in known for each in person.identifiers if each[0] in shared)
        barred = asked.ability.declared.refusal
        if barred is None and not identifiers and not linked:
            barred = "the patient's record has no identifier by which it would be known there"
        if barred is not None:
            self._excluded.exclude(asked, [f"it was not asked: {barred}"])
            return
        try:
            found = await look_up_patient(asked.question, source, identifiers, linked, known, self._now)
        except CollectorError as error:
            reason = AbsentReason.NOT_PERMITTED if isinstance(error, SourceRefusedError) else AbsentReason.UNREACHABLE
            self._excluded.exclude(asked, [f"the patient could not be looked up there: {error}"], reason)
            return
        if isinstance(found, str):
            self._excluded.exclude(asked, [f"it was not asked: {found}"])
            return
        asked.draft.issues.extend(found.issues)
        self._excluded.exclude(asked, found.excluded)
        await run_task_group(self._ask_about_record(target, person) for person in found.persons.values())

    async def _ask_about_record(self, target: Target, person: Person) -> None:
        """Everything about one more record of the patient, whose own record is there already."""
        asked = await self._prepare_target(target, person.id)
        self.parts.append(asked)
        self.persons[id(asked)] = person
        searches = [
            each for each in self._searches if each is not self._patient_search and is_enabled(each, target.source)
        ]
        if self._patient_search is not None:
            await asked.question.read_records(self._patient_search, [person.record])
        await run_task_group(asked.question.search(each, self._at) for each in searches)

    async def _exclude_others(self, systems: Iterable[str], reason: str) -> None:
        for reach in self._others:
            if set(systems) & set(reach.source.identifiers):
                asked = await self._prepare_target(reach, NO_PATIENT)
                self._excluded.drafts.append(asked.draft)
                self._excluded.exclude(asked, [f"it was not asked: {reason}"])

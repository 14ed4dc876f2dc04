"""One question to all sources that know the patient: the question's own at once, the others as soon as they are found.

A patient is known elsewhere by identifiers of systems that both sources' settings name, or by a link; never by name.
Whoever might be somebody else is not joined, and that is told: what such a source holds is then unknown, never "no".
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from collectors.draft import Draft
from collectors.errors import CollectorError, SourceRefusedError
from collectors.gathering.ability import is_patient
from collectors.gathering.deaths import death_of
from collectors.gathering.identity import Person, contradiction, read_person
from collectors.gathering.linked import Circle, circle, elsewhere_in
from collectors.gathering.lookup import look_up
from collectors.gathering.reach import Asked, Reach
from collectors.gathering.together import together
from collectors.gathering.unjoined import Unjoined
from collectors.needs import Search, wanted
from ontology.values import AbsentReason

Open = Callable[[Reach, str], Awaitable[Asked]]
"""Makes ready to ask a source about one of its patient records."""

NOBODY = ""
"""For requests to a source in which it is not known yet who the patient is."""


class Joint:
    """One question.  ``parts`` are what was asked and joined, the question's own source first."""

    def __init__(
        self, opened: Open, searches: Sequence[Search], at: datetime, now: datetime, others: Sequence[Reach]
    ) -> None:
        self._open = opened
        self._searches = searches
        self._own = next(filter(is_patient, searches), None)
        self._at = at
        self._now = max(at, now)
        self._others = others
        self.parts: list[Asked] = []
        self._unjoined = Unjoined(searches)
        self.persons: dict[int, Person] = {}

    async def ask(self, first: Asked) -> None:
        """Asks the question's own source, and whichever others know the patient.  Raises PatientNotFoundError."""
        self.parts.append(first)
        searches = [each for each in self._searches if each is not self._own and wanted(each, first.reach.source)]
        await together([self._begin(first), *(first.run.search(each, self._at) for each in searches)])
        await together(self._widened())

    def _widened(self) -> Iterable[Coroutine[Any, Any, None]]:
        """One source knows of a death, another was asked for its newest records without: what it had by then may be
        missing.
        """
        death, _ = death_of((part.reach.source, part.draft.death) for part in self.parts)
        for part in self.parts:
            known = part.draft.death.end if part.draft.death is not None else self._at
            if death is not None and death.end < min(known, self._at):
                yield from (part.run.widen(search, self._at) for search in part.run.narrowed)

    def withdraw(self, asked: Asked, why: str) -> None:
        """Takes back what a source gave."""
        self.parts = [part for part in self.parts if part is not asked]
        empty = Draft(asked.draft.setting, requests=asked.draft.requests)
        self._unjoined.drafts.append(empty)
        self._unjoined.skip(replace(asked, draft=empty), [f"what it gave is not used: {why}"])

    def drafts(self) -> tuple[list[Draft], list[Draft]]:
        """What was joined, in an order of its own, and what was not.

        Records that contradict none of the question's source, which says nothing, may still contradict each other.
        """
        first, *rest = self.parts
        rest.sort(key=lambda each: (each.reach.source.rank, each.reach.source.id, each.draft.setting.patient))
        believed = [self.persons[id(first)]] if id(first) in self.persons else []
        for asked in rest:
            person = self.persons[id(asked)]
            if (differs := contradiction(person, believed)) is not None:
                self.withdraw(asked, f"the patient has another {differs} there than in a source that is trusted more")
            else:
                believed.append(person)
        kept = {id(part) for part in self.parts}
        drafts = [part.draft for part in (first, *rest) if id(part) in kept]
        return drafts, sorted(self._unjoined.drafts, key=lambda draft: draft.setting.source.id)

    async def _begin(self, first: Asked) -> None:
        if self._own is None:
            return
        await first.run.search(self._own, self._at)
        source = first.reach.source
        if first.run.own is None:
            await self._left_out(source.identifiers, "the patient's own record, by which to find it, could not be had")
            return
        person = read_person(first.run.own, source, self._now)
        if person is None:
            await self._left_out(source.identifiers, "the patient's own record, by which to find it, cannot be read")
            return
        self.persons[id(first)] = person
        found = Circle({person.id: person})
        try:
            found = await circle(first.run, source, {person.id: person}, (), self._now)
        except CollectorError as error:
            found.left_out.append(f"records that are linked to the patient's could not be had: {error}")
        first.draft.issues.extend(found.issues)
        self._unjoined.skip(first, found.left_out)
        known = tuple(found.persons.values())
        linked = [each for each in known if each is not person]
        elsewhere, unknown = elsewhere_in([reach.source for reach in self._others], found.outside)
        first.draft.issues.extend(unknown)
        await together(
            [
                *(self._about(first.reach, each) for each in linked),
                *(self._other(reach, source.identifiers, known, elsewhere.get(position, ()))
                  for position, reach in enumerate(self._others)),
            ]
        )  # fmt: skip

    async def _other(
        self, reach: Reach, systems: tuple[str, ...], known: tuple[Person, ...], linked: Sequence[str]
    ) -> None:
        """Looks the patient up in another source, and asks that about whoever is found."""
        source = reach.source
        shared = set(systems) & set(source.identifiers)
        if not shared and not linked:
            return
        asked = await self._open(reach, NOBODY)
        self._unjoined.drafts.append(asked.draft)
        identifiers = frozenset(each for person in known for each in person.identifiers if each[0] in shared)
        barred = asked.ability.known.refusal
        if barred is None and not identifiers and not linked:
            barred = "the patient's record has no identifier by which it would be known there"
        if barred is not None:
            self._unjoined.skip(asked, [f"it was not asked: {barred}"])
            return
        try:
            found = await look_up(asked.run, source, identifiers, linked, known, self._now)
        except CollectorError as error:
            reason = AbsentReason.NOT_PERMITTED if isinstance(error, SourceRefusedError) else AbsentReason.UNREACHABLE
            self._unjoined.skip(asked, [f"the patient could not be looked up there: {error}"], reason)
            return
        if isinstance(found, str):
            self._unjoined.skip(asked, [f"it was not asked: {found}"])
            return
        asked.draft.issues.extend(found.issues)
        self._unjoined.skip(asked, found.left_out)
        await together(self._about(reach, person) for person in found.persons.values())

    async def _about(self, reach: Reach, person: Person) -> None:
        """Everything about one more record of the patient, whose own record is there already."""
        asked = await self._open(reach, person.id)
        self.parts.append(asked)
        self.persons[id(asked)] = person
        searches = [each for each in self._searches if each is not self._own and wanted(each, reach.source)]
        if self._own is not None:
            await asked.run.take(self._own, [person.record])
        await together(asked.run.search(each, self._at) for each in searches)

    async def _left_out(self, systems: Iterable[str], why: str) -> None:
        for reach in self._others:
            if set(systems) & set(reach.source.identifiers):
                asked = await self._open(reach, NOBODY)
                self._unjoined.drafts.append(asked.draft)
                self._unjoined.skip(asked, [f"it was not asked: {why}"])

"""How the records of a search are had: as handed in, all in the window, or the newest where these decide."""

import asyncio
from datetime import datetime
from functools import partial

from collectors import assemble
from collectors.draft import Draft
from collectors.errors import NotHandedInError, SourceAnswerError
from collectors.fetching.ignored import noticed
from collectors.fetching.search import queries, simple_query
from collectors.gathering.ability import Ability
from collectors.gathering.latest import narrowed, newest_records, unsettled
from collectors.gathering.noting import note
from collectors.gathering.requests import Requests
from collectors.handed import HandedIn
from collectors.needs import Search
from collectors.reading.records import Record, newest
from collectors.strategy.strategy import Way
from ontology.concepts import Origin


class Searching:
    """Of one question to one source.  Every method raises CollectorError where records cannot be had."""

    narrowed: tuple[Search, ...] = ()
    """Searches of which only the newest records were asked for, as of the death that this source knows of, if any."""

    def __init__(
        self,
        requests: Requests,
        draft: Draft,
        ability: Ability,
        handed: HandedIn,
        patient_read: asyncio.Event,
    ) -> None:
        self._requests = requests
        self._draft = draft
        self._ability = ability
        self._handed = handed
        self._patient_read = patient_read

    async def all_of(self, search: Search, at: datetime) -> list[Record]:
        """The records of one search of the plan: all in its window, or the newest where these decide."""
        setting = self._draft.setting
        description = search.description
        if (raws := self._handed.of(search)) is not None:
            return assemble.records_of(raws, description.resource_type, self._draft, description.origin)
        if self._requests.offline:
            raise NotHandedInError(self._handed.reason(search))
        if description.origin is Origin.PATIENT:
            own = simple_query(setting.source, setting.patient, description.patient_parameter)
            return await self._requests.records_for(search, (own,))
        way = self._ability.way(search, at)
        return await (self.windowed(search, at) if way is Way.WINDOWED else self._newest(search, at, way))

    async def _newest(self, search: Search, at: datetime, way: Way) -> list[Record]:
        """The newest records, and those in the window of the concepts for which these do not decide."""
        setting = self._draft.setting
        description = search.description
        try:
            fetch = partial(self._requests.newest, description.id, way)
            fetched, ends = await newest_records(search, at, way, setting, self._ability.capability, fetch)
        except SourceAnswerError:
            self._ability.distrust(way)
            return await self.windowed(search, at)
        if fetched.lacking:
            # With a part missing it cannot be told from when on nothing is.
            self._draft.requests += fetched.requests
            return await self.windowed(search, at)
        note(self._draft, (fetched,), description.resource_type)
        records = assemble.records_of(fetched.records, description.resource_type, self._draft, description.origin)
        await self._patient_read.wait()
        death = self._draft.death
        left = unsettled(records, ends, search, setting, at if death is None else min(at, death.end))
        if left:
            records = newest([*records, *await self.windowed(narrowed(search, left), at)])
        self.narrowed += (search,)
        return records

    async def windowed(self, search: Search, at: datetime) -> list[Record]:
        """All records in the window, and what they teach of the source."""
        setting = self._draft.setting
        description = search.description
        sent = queries(search, setting.source, setting.patient, at, self._ability.capability)
        links: list[str | None] = []
        try:
            records = await self._requests.records_for(search, sent, links)
        except SourceAnswerError:
            # Some want a code beside the patient whatever they declare: asked once more, with all that narrows.
            plain = queries(search, setting.source, setting.patient, at, None, most_codes=None)
            if plain == sent:
                raise
            sent, links = plain, []
            records = await self._requests.records_for(search, sent, links)
        seen = noticed(search, sent, links, records)
        self._ability.learned.ignored.update((description.resource_type, name) for name in seen.parameters)
        if (issue := seen.issue(description.resource_type)) is not None:
            self._draft.issues.append(issue)
        if not self._draft.failed(search):
            self._ability.witness(search, at, setting, records)
        return records

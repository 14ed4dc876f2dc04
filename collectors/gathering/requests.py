"""The records that requests to one source bring, with what is missing of them; nothing is known here of windows."""

import asyncio
from collections.abc import Sequence

from collectors import assemble
from collectors.draft import Draft
from collectors.errors import CollectorError, NotHandedInError
from collectors.facts import Failure
from collectors.fetching.fetched import Fetched
from collectors.fetching.search import Parameters
from collectors.gathering.noting import note
from collectors.gathering.sending import Sender
from collectors.needs import Search
from collectors.reading.records import Record
from collectors.strategy.strategy import Way
from ontology.concepts import Origin


class Requests:
    """Of one question to one source; without a ``sender`` none is made, and each fails as not handed in."""

    def __init__(self, sender: Sender | None, draft: Draft) -> None:
        self._sender = sender
        self._draft = draft

    @property
    def offline(self) -> bool:
        """Whether none can be made."""
        return self._sender is None

    async def newest(self, collector: str, way: Way, resource_type: str, asked: Sequence[Parameters]) -> Fetched:
        """The newest records only, by one request."""
        if self._sender is None:
            raise _not_handed_in(resource_type)
        return await self._sender.newest(collector, way, resource_type, asked)

    async def records_for(
        self, search: Search, requests: tuple[Parameters, ...], links: list[str | None] | None = None
    ) -> list[Record]:
        """All records of the requests for a search; what is missing of them is noted as a failure beside them."""
        description = search.description
        records, missing = await self.records(
            description.id, description.resource_type, requests, description.origin, links
        )
        if missing is not None:
            self._draft.fail(search, missing)
        return records

    async def records(
        self,
        collector: str,
        resource_type: str,
        requests: tuple[Parameters, ...],
        origin: Origin | None = None,
        links: list[str | None] | None = None,
    ) -> tuple[list[Record], Failure | None]:
        """All records of the requests, and what is missing; CollectorError if one fails or the deadline passes.

        ``links`` takes up the server's own links to the searches.
        """
        outcomes = await asyncio.gather(*(self._fetch(collector, resource_type, sent) for sent in requests))
        for outcome in outcomes:
            if isinstance(outcome, CollectorError):
                raise outcome
        fetched = [outcome for outcome in outcomes if isinstance(outcome, Fetched)]
        if links is not None:
            links.extend(each.link for each in fetched)
        missing = note(self._draft, fetched, resource_type)
        raws = (raw for each in fetched for raw in each.records)
        return assemble.records_of(raws, resource_type, self._draft, origin), missing

    async def _fetch(self, collector: str, resource_type: str, parameters: Parameters) -> Fetched | CollectorError:
        if self._sender is None:
            return _not_handed_in(resource_type)
        try:
            return await self._sender.search(collector, resource_type, parameters)
        except CollectorError as error:
            return error


def _not_handed_in(resource_type: str) -> NotHandedInError:
    return NotHandedInError(f"no complete set of {resource_type} records was handed in")

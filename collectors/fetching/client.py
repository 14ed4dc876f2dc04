"""Searches a FHIR server: every page, within the source's own address, in bounded size.

No error and no log line carries an address, an identifier or anything out of an answer.
"""

from collections.abc import Sequence

import httpx

from collectors.errors import SourceAnswerError
from collectors.fetching.addresses import joined, within
from collectors.fetching.allowance import Allowance
from collectors.fetching.answers import Answer
from collectors.fetching.batch import Query, answers_in, batch_of
from collectors.fetching.bundle import bundle_of, link_of, next_of
from collectors.fetching.fetched import Fetched
from collectors.fetching.pages import Pages
from collectors.fetching.search import Parameters
from collectors.fetching.transport import Transport
from collectors.fetching.unpacking import UnfitError
from collectors.reading import wire
from collectors.settings import Source


class Client:
    """Searches one source: ``transport`` sends the requests, and what comes counts against ``allowance``."""

    def __init__(self, source: Source, transport: Transport, allowance: Allowance | None = None) -> None:
        self._source = source
        self._transport = transport
        self._allowance = allowance or Allowance()

    async def search(
        self, resource_type: str, parameters: Parameters, first_only: bool = False, etag: str | None = None
    ) -> Fetched:
        """All pages of one search, or the first one only.  An operation is named with its type: "Observation/$lastn".

        With ``etag`` the answer may be that it is unchanged.  Raises SourceUnreachableError, SourceRefusedError,
        SourceAnswerError (NotThereError for 404 and 410), TooMuchError.
        """
        address: httpx.URL | None = httpx.URL(f"{self._source.base_url}/{resource_type}", params=list(parameters))
        pages = Pages()
        seen: set[str] = set()
        requests = 0
        keepable = True
        link: str | None = None
        first: Answer | None = None
        try:
            while address is not None:
                if str(address) in seen:
                    raise UnfitError("its pages lead in a circle")
                if len(seen) >= self._source.max_pages:
                    raise UnfitError(f"more than {self._source.max_pages} pages")
                seen.add(str(address))
                answer = await self._transport.ask(address, etag if first is None else None)
                requests += answer.requests
                keepable = keepable and answer.keepable
                if answer.unchanged:
                    return Fetched((), 0, requests, unchanged=True)
                bundle = bundle_of(answer.body)
                self._allowance.take(self._source.id, len(bundle.entry), len(answer.body))
                pages.add(bundle)
                if first is None:
                    first, link = answer, link_of(bundle, "self")
                if len(pages.records) > self._source.max_records:
                    raise UnfitError(f"more than {self._source.max_records} records in one search")
                address = self._next(bundle, address)
                if first_only:
                    break
        except UnfitError as error:
            raise self._fault(str(error)) from None
        if "$" in resource_type:
            pages.without_total()
        return Fetched(
            tuple(pages.records),
            pages.outcomes,
            requests,
            more=address is not None or (first_only and pages.said_more),
            link=link,
            lacking=pages.lacking(first_only),
            # The validator of one page says nothing of the others.
            etag=first.etag if first is not None and pages.count == 1 else None,
            keepable=keepable,
        )

    def _next(self, bundle: wire.Bundle, address: httpx.URL) -> httpx.URL | None:
        link = next_of(bundle)
        if link is None:
            return None
        following = joined(address, link)
        if following is None:
            raise UnfitError("the link to the next page is no address")
        if not within(following, self._source.base_url):
            raise UnfitError("the link to the next page leaves the source (it must name itself as base_url does)")
        return following

    async def batch(self, searches: Sequence[Query]) -> Fetched:
        """The first page of each of several searches, in one request (CollectorError where one of them fails)."""
        body, tries = await self._transport.post(httpx.URL(self._source.base_url), batch_of(searches))
        self._allowance.take(self._source.id, 0, len(body))
        pages = tuple(self._page(part) for part in answers_in(body, len(searches), self._source))
        lacking = tuple(dict.fromkeys(text for page in pages for text in page.lacking))
        return Fetched((), sum(page.outcomes for page in pages), tries, parts=pages, lacking=lacking)

    def _page(self, body: bytes) -> Fetched:
        pages = Pages()
        try:
            bundle = bundle_of(body)
            self._allowance.take(self._source.id, len(bundle.entry), 0)
            pages.add(bundle)
            more = next_of(bundle) is not None or pages.said_more
        except UnfitError as error:
            raise self._fault(str(error)) from None
        return Fetched(
            tuple(pages.records), pages.outcomes, 0, more, link_of(bundle, "self"), lacking=pages.lacking(True)
        )

    def _fault(self, text: str) -> SourceAnswerError:
        return SourceAnswerError(f"source {self._source.id}: {text}")

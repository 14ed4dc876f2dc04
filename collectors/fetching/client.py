"""Searches a FHIR server: every page, within the source's own address, in bounded size.

No error and no log line carries an address, an identifier or anything out of an answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import msgspec

from collectors.errors import SourceAnswerError
from collectors.fetching.addresses import within
from collectors.fetching.batch import Query, answers_in, batch_of
from collectors.fetching.search import Parameters
from collectors.fetching.transport import Transport
from collectors.reading import wire
from collectors.settings import Source


@dataclass(frozen=True, slots=True)
class Fetched:
    """The raw records of one search, all pages, and how many parameters the server said it ignored.

    ``more``: only the first page was read, and there are others.  ``link``: the search as the server says it took it.
    ``parts``: of several searches in one batch the first page of each, in the order asked.
    """

    records: tuple[bytes, ...]
    outcomes: int
    requests: int
    more: bool = False
    link: str | None = None
    parts: "tuple[Fetched, ...]" = ()


class Client:
    """Searches one source: ``transport`` sends the requests."""

    def __init__(self, source: Source, transport: Transport) -> None:
        self._source = source
        self._transport = transport

    async def search(self, resource_type: str, parameters: Parameters, first_only: bool = False) -> Fetched:
        """All pages of one search, or the first one only.  An operation is named with its type: "Observation/$lastn".

        Raises SourceUnreachableError, SourceRefusedError, SourceAnswerError (NotThereError for 404 and 410).
        """
        address: httpx.URL | None = httpx.URL(f"{self._source.base_url}/{resource_type}", params=list(parameters))
        records: list[bytes] = []
        seen_pages: set[str] = set()
        seen_records: set[bytes] = set()
        outcomes = 0
        requests = 0
        link: str | None = None
        while address is not None:
            if str(address) in seen_pages:
                raise self._fault("its pages lead in a circle")
            if len(seen_pages) >= self._source.max_pages:
                raise self._fault(f"more than {self._source.max_pages} pages")
            seen_pages.add(str(address))
            body, tries = await self._transport.get(address)
            requests += tries
            bundle = self._bundle(body)
            page, notices = _split(bundle)
            outcomes += notices
            if len(seen_pages) == 1:
                link = link_of(bundle, "self")
            fresh = [raw for raw in page if raw not in seen_records]
            if page and not fresh and len(seen_pages) > 1:
                raise self._fault("a page repeats earlier entries only")
            seen_records.update(fresh)
            records.extend(fresh)
            if len(records) > self._source.max_records:
                raise self._fault(f"more than {self._source.max_records} records in one search")
            address = self._next(bundle, address)
            if first_only:
                break
        return Fetched(tuple(records), outcomes, requests, address is not None, link)

    def _next(self, bundle: wire.Bundle, address: httpx.URL) -> httpx.URL | None:
        for link in bundle.link:
            if link.relation == "next" and link.url:
                try:
                    following = address.join(link.url)
                except (httpx.InvalidURL, ValueError):
                    raise self._fault("the link to the next page is no address") from None
                if not within(following, self._source.base_url):
                    raise self._fault("the link to the next page leaves the source")
                return following
        return None

    async def batch(self, searches: Sequence[Query]) -> Fetched:
        """The first page of each of several searches, in one request (CollectorError where one of them fails)."""
        body, tries = await self._transport.post(httpx.URL(self._source.base_url), batch_of(searches))
        pages = tuple(self._page(part) for part in answers_in(body, len(searches), self._source))
        return Fetched((), sum(page.outcomes for page in pages), tries, parts=pages)

    def _page(self, body: bytes) -> Fetched:
        bundle = self._bundle(body)
        records, outcomes = _split(bundle)
        return Fetched(tuple(records), outcomes, 0, link_of(bundle, "next") is not None, link_of(bundle, "self"))

    def _bundle(self, body: bytes) -> wire.Bundle:
        try:
            bundle = wire.BUNDLE.decode(body)
        except msgspec.ValidationError:
            raise self._fault("an answer is JSON, but not a FHIR Bundle") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._fault("an answer is not readable JSON") from None
        if bundle.resourceType != "Bundle" or bundle.type not in (None, "searchset"):
            raise self._fault("an answer is not a search set")
        return bundle

    def _fault(self, text: str) -> SourceAnswerError:
        return SourceAnswerError(f"source {self._source.id}: {text}")


def _split(bundle: wire.Bundle) -> tuple[list[bytes], int]:
    """The records of a page, and how many entries are the server's own remarks."""
    records: list[bytes] = []
    outcomes = 0
    for entry in bundle.entry:
        if not entry.resource:
            continue
        if entry.search is not None and entry.search.mode == "outcome":
            outcomes += 1
        else:
            records.append(bytes(entry.resource))
    return records, outcomes


def link_of(bundle: wire.Bundle, relation: str) -> str | None:
    """The address of a link, as it is written."""
    return next((link.url for link in bundle.link if link.relation == relation and link.url), None)

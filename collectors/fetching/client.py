"""Searches and reads of a FHIR server: every page, or several in a batch; within its own address, in bounded size.

No error and no log line carries an address, an identifier or anything out of a response.
"""

import re
from collections.abc import Sequence
from typing import TypeAlias
from urllib.parse import urlencode

import httpx
import msgspec

from collectors.errors import SourceAnswerError, SourceRefusedError
from collectors.fetching.addresses import is_within, resolve_link
from collectors.fetching.query import Parameters, patient_query
from collectors.fetching.read_budget import ReadBudget
from collectors.fetching.response import SourceResponse, UnusableResponseError
from collectors.fetching.search_result import Pages, SearchResult, decode_bundle, find_link, next_link
from collectors.fetching.transport import Transport
from collectors.reading import fhir_types
from collectors.reading.fhir_types import MISSING_ELEMENT
from collectors.reading.readout import parse_record
from collectors.reading.records import Record
from collectors.settings import Source

Query: TypeAlias = tuple[str, Parameters]
"""A search: its resource type and parameters."""


# Not of dots alone: that would be another address.
_ADDRESS_PART = re.compile(r"(?!\.+\Z)[A-Za-z0-9\-._~]{1,128}")


class _EntryResponse(msgspec.Struct, gc=False):
    status: str | None = None


class _BatchEntry(msgspec.Struct, gc=False):
    resource: msgspec.Raw = MISSING_ELEMENT
    response: _EntryResponse | None = None


class _BatchResponse(msgspec.Struct, gc=False):
    resourceType: str  # noqa: N815  (FHIR's own name)
    type: str | None = None
    entry: list[_BatchEntry] = []


_BATCH_RESPONSE = msgspec.json.Decoder(_BatchResponse)


def encode_batch(searches: Sequence[Query]) -> bytes:
    """The batch that requests all of them, as FHIR JSON."""
    parts = [
        {"request": {"method": "GET", "url": f"{resource_type}?{urlencode(list(parameters))}"}}
        for resource_type, parameters in searches
    ]
    return msgspec.json.encode({"resourceType": "Bundle", "type": "batch", "entry": parts})


def decode_batch(body: bytes, count: int, source: Source) -> list[bytes]:
    """The response to each part, in the order requested.

    Raises SourceAnswerError where it is no batch response or one of its parts fails, SourceRefusedError where one
    is not permitted.
    """
    try:
        answer = _BATCH_RESPONSE.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SourceAnswerError(f"source {source.id}: the answer to a batch is no FHIR Bundle") from None
    if answer.resourceType != "Bundle" or answer.type != "batch-response" or len(answer.entry) != count:
        raise SourceAnswerError(f"source {source.id}: the answer to a batch is not one to each of its parts")
    for part in answer.entry:
        status = (part.response.status if part.response is not None else None) or ""
        if status[:3] in ("401", "403"):
            raise SourceRefusedError(f"source {source.id}: a part of a batch is not permitted ({status[:3]})")
        if status[:1] != "2" or not part.resource:
            raise SourceAnswerError(f"source {source.id}: a part of a batch fails")
    return [bytes(part.resource) for part in answer.entry]


class Client:
    """Follows a FHIR search from page to page, to its last one or to a limit, and says what is missing.

    ``transport`` sends the requests, and what comes counts against ``read_budget``.
    """

    def __init__(self, source: Source, transport: Transport, read_budget: ReadBudget | None = None) -> None:
        self.source = source
        self.read_budget = read_budget or ReadBudget()
        self._transport = transport

    async def search(
        self, resource_type: str, parameters: Parameters, first_only: bool = False, etag: str | None = None
    ) -> SearchResult:
        """All pages of one search, or the first one only.  An operation is named with its type: "Observation/$lastn".

        With ``etag`` the answer may be that it is unchanged.  Raises SourceUnreachableError, SourceRefusedError,
        SourceAnswerError (NotFoundError for 404 and 410), ReadBudgetExceededError.
        """
        address: httpx.URL | None = httpx.URL(f"{self.source.base_url}/{resource_type}", params=list(parameters))
        pages = Pages()
        seen: set[str] = set()
        requests = 0
        storable = True
        link: str | None = None
        first: SourceResponse | None = None
        try:
            while address is not None:
                if str(address) in seen:
                    raise UnusableResponseError("its pages lead in a circle")
                if len(seen) >= self.source.max_pages:
                    raise UnusableResponseError(f"more than {self.source.max_pages} pages")
                seen.add(str(address))
                answer = await self._transport.conditional_get(address, etag if first is None else None)
                requests += answer.requests
                storable = storable and answer.storable
                if answer.not_modified:
                    return SearchResult((), 0, requests, not_modified=True)
                bundle = decode_bundle(answer.body)
                self.read_budget.spend(self.source.id, len(bundle.entry), len(answer.body))
                pages.add(bundle)
                if first is None:
                    first, link = answer, find_link(bundle, "self")
                if len(pages.records) > self.source.max_records:
                    raise UnusableResponseError(f"more than {self.source.max_records} records in one search")
                address = self._next_address(bundle, address)
                if first_only:
                    break
        except UnusableResponseError as error:
            raise self._answer_error(str(error)) from None
        if "$" in resource_type:
            pages.discard_totals()
        return SearchResult(
            tuple(pages.records),
            pages.outcome_count,
            requests,
            has_more=address is not None or (first_only and pages.declares_more),
            self_link=link,
            missing=pages.missing(first_only),
            # The validator of one page says nothing of the others.
            etag=first.etag if first is not None and pages.page_count == 1 else None,
            storable=storable,
        )

    def _next_address(self, bundle: fhir_types.Bundle, address: httpx.URL) -> httpx.URL | None:
        link = next_link(bundle)
        if link is None:
            return None
        following = resolve_link(address, link)
        if following is None:
            raise UnusableResponseError("the link to the next page is no address")
        if not is_within(following, self.source.base_url):
            raise UnusableResponseError(
                "the link to the next page leaves the source (it must name itself as base_url does)"
            )
        return following

    async def read(self, resource_type: str, id_: str, version: str | None = None) -> bytes:
        """One record as the source gives it: a version of it, or (None) the current one.

        Raises SourceUnreachableError, SourceRefusedError, SourceAnswerError (NotFoundError for 404 and 410),
        ReadBudgetExceededError.
        """
        if not all(map(_ADDRESS_PART.fullmatch, (resource_type, id_, "1" if version is None else version))):
            raise self._answer_error("a record has a name by which it cannot be requested")
        history = "" if version is None else f"/_history/{version}"
        address = httpx.URL(f"{self.source.base_url}/{resource_type}/{id_}{history}")
        body, _ = await self._transport.get(address)
        self.read_budget.spend(self.source.id, 1, len(body))
        return body

    async def batch(self, searches: Sequence[Query]) -> SearchResult:
        """The first page of each of several searches, in one request (CollectorError where one of them fails)."""
        body, tries = await self._transport.post(httpx.URL(self.source.base_url), encode_batch(searches))
        self.read_budget.spend(self.source.id, 0, len(body))
        pages = tuple(self._batch_page(part) for part in decode_batch(body, len(searches), self.source))
        missing = tuple(dict.fromkeys(text for page in pages for text in page.missing))
        return SearchResult((), sum(page.outcome_count for page in pages), tries, parts=pages, missing=missing)

    def _batch_page(self, body: bytes) -> SearchResult:
        pages = Pages()
        try:
            bundle = decode_bundle(body)
            self.read_budget.spend(self.source.id, len(bundle.entry), 0)
            pages.add(bundle)
            more = next_link(bundle) is not None or pages.declares_more
        except UnusableResponseError as error:
            raise self._answer_error(str(error)) from None
        return SearchResult(
            tuple(pages.records), pages.outcome_count, 0, more, find_link(bundle, "self"), missing=pages.missing(True)
        )

    def _answer_error(self, text: str) -> SourceAnswerError:
        return SourceAnswerError(f"source {self.source.id}: {text}")


async def fetch_all_of_type(
    client: Client, source: Source, patient: str, resource_type: str, parameter: str
) -> list[Record]:
    """The records as they are now, within the limits of the source's settings.

    ``parameter`` is the type's search parameter for the patient.  Raises CollectorError.
    """
    fetched = await client.search(resource_type, patient_query(source, patient, parameter))
    named = (parse_record(raw, source) for raw in fetched.records)
    return [record for record in named if record is not None and record.ref.type == resource_type]

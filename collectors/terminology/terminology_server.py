"""A terminology server: expands value sets, page by page, and validates single codes.

Requests use the same transport as a source's: the configured address only, no redirects, bounded in time and size.
Single codes are sent in the body of a POST, since addresses are written to many logs.
"""

from dataclasses import dataclass, field
from typing import Protocol

import httpx
import msgspec

from collectors.errors import SourceAnswerError
from collectors.fetching.transport import NotFoundError
from collectors.reading.codes import CodeKey
from collectors.terminology.code_set import Canonical, CodeSet, DefinitionError, TooCostlyError, parse_canonical
from collectors.terminology.resource_elements import PARAMETERS, VALUE_SET, ValueSet
from collectors.terminology.value_set import incomplete_reason, listed_codes

MAX_CODES = 100_000
"""Codes of one set at most; a larger one is too costly to search or read by."""
MAX_BYTES = 64 * 1024 * 1024
"""Bytes of all pages of one set together: FHIR does not limit the length of codes or displays."""
_MAX_PAGES = 1_000


class TerminologyTransport(Protocol):
    """The requests that are needed of a transport; both raise CollectorError."""

    async def get(self, address: httpx.URL) -> tuple[bytes, int]:
        """The body of a successful response, and the number of requests that it took."""

    async def post(self, address: httpx.URL, body: bytes) -> tuple[bytes, int]:
        """The same for a POST of JSON."""


class TerminologyServer:
    """One terminology server; ``page_size`` codes are requested at once."""

    def __init__(self, base_url: str, transport: TerminologyTransport, page_size: int = 1_000) -> None:
        self._base_url = base_url.rstrip("/")
        self._transport = transport
        self._page_size = page_size

    async def expand(self, name: str) -> CodeSet:
        """All codes of a set.

        Raises DefinitionError where the response is not the complete set, TooCostlyError where the server refuses
        to expand it, and the transport's errors.
        """
        wanted = parse_canonical(name)
        pages = ExpansionPages(wanted, MAX_CODES)
        left = MAX_BYTES
        for _ in range(_MAX_PAGES):
            page, size = await self._fetch_page(wanted, pages.count)
            left -= size
            if left < 0:
                raise TooCostlyError(f"value set {wanted}: its pages have more than {MAX_BYTES} bytes together")
            if pages.add(page):
                return pages.complete_set()
        raise DefinitionError(f"value set {wanted}: it comes in more than {_MAX_PAGES} pages")

    async def _fetch_page(self, wanted: Canonical, offset: int) -> tuple[ValueSet, int]:
        # Only flat expansions are paged; inactive codes still occur in old records.
        asked = [("url", wanted.url), ("count", str(self._page_size)), ("offset", str(offset))]
        asked += [("excludeNested", "true"), ("activeOnly", "false")]
        if wanted.version:
            asked.append(("valueSetVersion", wanted.version))
        try:
            body, _ = await self._transport.get(httpx.URL(f"{self._base_url}/ValueSet/$expand", params=asked))
        except NotFoundError:
            raise
        except SourceAnswerError as error:
            # Servers refuse costly expansions with various statuses; single codes are validated then.
            raise TooCostlyError(f"value set {wanted}: it is not expanded: {error}") from None
        try:
            page = VALUE_SET.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise DefinitionError(f"value set {wanted}: the answer is no readable ValueSet") from None
        if page.resourceType != "ValueSet":
            raise DefinitionError(f"value set {wanted}: the answer is no ValueSet")
        return page, len(body)

    async def validate_code(self, name: str, key: CodeKey) -> bool:
        """Whether a code is in the set, by ``$validate-code``.  Raises DefinitionError and the transport's errors."""
        wanted = parse_canonical(name)
        parts: list[dict[str, str]] = [{"name": "url", "valueUri": wanted.url}]
        if wanted.version:
            parts.append({"name": "valueSetVersion", "valueString": wanted.version})
        parts += [{"name": "system", "valueUri": key[0]}, {"name": "code", "valueCode": key[1]}]
        body = msgspec.json.encode({"resourceType": "Parameters", "parameter": parts})
        address = httpx.URL(f"{self._base_url}/ValueSet/$validate-code")
        answer, _ = await self._transport.post(address, body)
        try:
            result = PARAMETERS.decode(answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise DefinitionError(f"value set {wanted}: the answer is no readable Parameters") from None
        results = [each.valueBoolean for each in result.parameter if each.name == "result"]
        if result.resourceType != "Parameters" or len(results) != 1 or results[0] is None:
            raise DefinitionError(f"value set {wanted}: the answer has no result")
        return results[0]


@dataclass(slots=True)
class ExpansionPages:
    """The pages of one expansion, in the order of their offsets, with ``max_codes`` codes at most."""

    wanted: Canonical
    max_codes: int
    codes: dict[CodeKey, str | None] = field(default_factory=dict)
    count: int = 0
    total: int | None = None
    version: str | None = None
    name: str | None = None
    _has_page: bool = False

    def add(self, page: ValueSet) -> bool:
        """Adds the page that was requested at offset ``count``; returns whether the expansion is complete.

        Without a total only an empty page completes it: servers may send fewer codes than were requested.
        Raises DefinitionError for an inconsistent page, TooCostlyError for an incomplete or too large expansion.
        """
        expansion = page.expansion
        if expansion is None:
            raise self._fault("the answer has no expansion")
        self._check_same_set(page)
        if (reason := incomplete_reason(expansion)) is not None:
            raise TooCostlyError(f"value set {self.wanted}: {reason}")
        if expansion.offset is not None and expansion.offset != self.count:
            raise self._fault(f"a page starts at {expansion.offset}, and was asked for from {self.count}")
        if self._has_page and expansion.total != self.total:
            raise self._fault("its pages disagree on the total")
        codes, count = listed_codes(expansion)
        self.total = expansion.total
        if any(key in self.codes for key in codes):
            raise self._fault("a page repeats codes of earlier ones, so that others may be missing")
        self._has_page = True
        self.codes.update(codes)
        self.count += count
        if len(self.codes) > self.max_codes:
            raise TooCostlyError(f"value set {self.wanted}: it has more than {self.max_codes} codes")
        if self.total is None:
            return count == 0
        if self.count > self.total or (count == 0 and self.count < self.total):
            raise self._fault(f"its total is {self.total}, but {self.count} codes were received")
        return self.count == self.total

    def complete_set(self) -> CodeSet:
        """The complete set.  Raises DefinitionError where it is empty."""
        if not self.codes:
            raise self._fault("it holds no codes")
        version = self.wanted.version or self.version or ""
        return CodeSet(Canonical(self.wanted.url, version), self.codes, self.name)

    def _check_same_set(self, page: ValueSet) -> None:
        if page.url is not None and page.url != self.wanted.url:
            raise self._fault("the answer is another value set")
        if page.version is not None and self.wanted.version and page.version != self.wanted.version:
            raise self._fault("the answer is another version of it")
        if self._has_page and page.version != self.version:
            raise self._fault("its version changed between two pages")
        self.version = page.version
        self.name = page.title or page.name

    def _fault(self, text: str) -> DefinitionError:
        return DefinitionError(f"value set {self.wanted}: {text}")

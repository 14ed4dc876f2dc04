"""A terminology server: expands value sets, and says of single codes whether they are in one.

It is asked through the same transport as a source: the configured address only, no redirects, bounded in time and
size.  Single codes go in the body of a POST, since addresses are kept in many logs.
"""

from typing import Protocol

import httpx
import msgspec

from collectors.errors import SourceAnswerError
from collectors.fetching.transport import NotThereError
from collectors.reading.codes import Key
from collectors.terminology.canonical import Canonical, canonical
from collectors.terminology.codeset import CodeSet
from collectors.terminology.errors import DefinitionError, TooCostlyError
from collectors.terminology.paging import Pages
from collectors.terminology.shape import PARAMETERS, VALUE_SET, ValueSet

MOST_CODES = 100_000
"""Codes of one set at most; what is larger is no list to search or read by."""
MOST_BYTES = 64 * 1024 * 1024
"""Of all pages of one set together: how long a code or a display may be is not said anywhere."""
_MOST_PAGES = 1_000


class Sender(Protocol):
    """What is needed of a transport."""

    async def get(self, address: httpx.URL) -> tuple[bytes, int]:
        """The body of a good answer, and how many requests it took."""

    async def post(self, address: httpx.URL, body: bytes) -> tuple[bytes, int]:
        """The same for a POST of JSON."""


class TerminologyServer:
    """One terminology server; ``page_size`` codes are asked for at once."""

    def __init__(self, base_url: str, sender: Sender, page_size: int = 1_000) -> None:
        self._base = base_url.rstrip("/")
        self._sender = sender
        self._page_size = page_size

    async def expand(self, name: str) -> CodeSet:
        """All codes of a set.

        Raises DefinitionError where the answer is not the whole set, TooCostlyError where the server refuses to
        expand it, and the transport's errors.
        """
        wanted = canonical(name)
        pages = Pages(wanted, MOST_CODES)
        left = MOST_BYTES
        for _ in range(_MOST_PAGES):
            page, size = await self._page(wanted, pages.count)
            left -= size
            if left < 0:
                raise TooCostlyError(f"value set {wanted}: its pages have more than {MOST_BYTES} bytes together")
            if pages.add(page):
                return pages.whole()
        raise DefinitionError(f"value set {wanted}: it comes in more than {_MOST_PAGES} pages")

    async def _page(self, wanted: Canonical, offset: int) -> tuple[ValueSet, int]:
        # Only flat expansions are paged; codes that are no longer to be used stand in old records all the same.
        asked = [("url", wanted.url), ("count", str(self._page_size)), ("offset", str(offset))]
        asked += [("excludeNested", "true"), ("activeOnly", "false")]
        if wanted.version:
            asked.append(("valueSetVersion", wanted.version))
        try:
            body, _ = await self._sender.get(httpx.URL(f"{self._base}/ValueSet/$expand", params=asked))
        except NotThereError:
            raise
        except SourceAnswerError as error:
            # Servers refuse what is too costly with various statuses; that single codes can be asked is tried then.
            raise TooCostlyError(f"value set {wanted}: it is not expanded: {error}") from None
        try:
            page = VALUE_SET.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise DefinitionError(f"value set {wanted}: the answer is no readable ValueSet") from None
        if page.resourceType != "ValueSet":
            raise DefinitionError(f"value set {wanted}: the answer is no ValueSet")
        return page, len(body)

    async def holds(self, name: str, key: Key) -> bool:
        """Whether a code is in the set, by ``$validate-code``."""
        wanted = canonical(name)
        parts: list[dict[str, str]] = [{"name": "url", "valueUri": wanted.url}]
        if wanted.version:
            parts.append({"name": "valueSetVersion", "valueString": wanted.version})
        parts += [{"name": "system", "valueUri": key[0]}, {"name": "code", "valueCode": key[1]}]
        body = msgspec.json.encode({"resourceType": "Parameters", "parameter": parts})
        address = httpx.URL(f"{self._base}/ValueSet/$validate-code")
        answer, _ = await self._sender.post(address, body)
        try:
            told = PARAMETERS.decode(answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise DefinitionError(f"value set {wanted}: the answer is no readable Parameters") from None
        results = [each.valueBoolean for each in told.parameter if each.name == "result"]
        if told.resourceType != "Parameters" or len(results) != 1 or results[0] is None:
            raise DefinitionError(f"value set {wanted}: the answer has no result")
        return results[0]

"""An HTTP response of a source: its status, its content type, and its body, decompressed in bounded size."""

import re
import zlib
from dataclasses import dataclass

import httpx

from collectors.fetching.addresses import is_within, resolve_link

ACCEPTED_ENCODING = "gzip"
"""The one content encoding that is requested."""

_GZIP = zlib.MAX_WBITS | 16


class UnusableResponseError(Exception):
    """A response that cannot be used, and why: never leaves this folder, since it does not name the source."""


class Decompressor:
    """Decompresses a body part by part: plain, or compressed as ``encoding`` says.

    Raises UnusableResponseError beyond ``max_bytes``.
    """

    def __init__(self, encoding: str, max_bytes: int) -> None:
        if encoding not in ("", "identity", ACCEPTED_ENCODING, "x-gzip"):
            # Each layer of compression may swell a thousandfold.
            raise UnusableResponseError("an answer is encoded in a way that was not asked for, or more than once")
        self._compressed = encoding not in ("", "identity")
        self._zlib = zlib.decompressobj(_GZIP)
        self._max_bytes = max_bytes
        self._body = bytearray()
        self._received = 0
        self._started = False

    def feed(self, part: bytes) -> None:
        """The next part, as it came over the wire."""
        if not self._compressed:
            self._body += part
            self._check_size()
            return
        self._received += len(part)
        if self._received > self._max_bytes:
            # Compressed members of nothing, one after the other, never come to an end.
            raise UnusableResponseError(f"an answer is larger than {self._max_bytes} bytes, packed")
        while part:
            if self._zlib.eof:
                self._zlib = zlib.decompressobj(_GZIP)
            self._started = True
            try:
                # No more is decompressed than shows that it is too much.
                self._body += self._zlib.decompress(part, self._max_bytes - len(self._body) + 1)
            except zlib.error:
                raise UnusableResponseError("an answer cannot be decoded") from None
            self._check_size()
            part = self._zlib.unconsumed_tail or self._zlib.unused_data

    def finish(self) -> bytes:
        """All of it."""
        if self._started and not self._zlib.eof:
            raise UnusableResponseError("an answer ends before it is complete")
        return bytes(self._body)

    def _check_size(self) -> None:
        if len(self._body) > self._max_bytes:
            raise UnusableResponseError(f"an answer is larger than {self._max_bytes} bytes")


async def read_body(response: httpx.Response, max_bytes: int) -> bytes:
    """The body of a response; one that declares itself too large is not read.  Raises UnusableResponseError."""
    declared = response.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and len(declared) < 20 and int(declared) > max_bytes:
        raise UnusableResponseError(f"an answer is larger than {max_bytes} bytes")
    decompressor = Decompressor(response.headers.get("content-encoding", "").strip().lower(), max_bytes)
    if response.is_stream_consumed:
        # A transport that is not a network gives its responses complete, and decompressed.
        if len(response.content) > max_bytes:
            raise UnusableResponseError(f"an answer is larger than {max_bytes} bytes")
        return response.content
    async for part in response.aiter_raw():
        decompressor.feed(part)
    return decompressor.finish()


REQUEST_HEADERS = {"Accept": "application/fhir+json", "Accept-Encoding": ACCEPTED_ENCODING, "Cache-Control": "no-cache"}
"""The headers of every request: FHIR JSON, and none out of a cache that did not revalidate it."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# RFC 9110, 8.8.3
_ETAG = re.compile(r'(W/)?"[\x21\x23-\x7e]{0,200}"')


@dataclass(frozen=True, slots=True)
class SourceResponse:
    """A response of status 200 or 304, and how many requests it took.

    ``etag`` is the validator that came with it.  ``not_modified``: there is no body, since nothing changed after the
    ETag that was sent.  ``storable``: it does not forbid to be stored (no-store).
    """

    body: bytes
    requests: int = 1
    etag: str | None = None
    not_modified: bool = False
    storable: bool = True


async def read_response(response: httpx.Response, max_bytes: int) -> SourceResponse:
    """The body of an answer of status 200, at most ``max_bytes`` bytes (UnusableResponseError)."""
    check_content_type(response.headers.get("content-type", ""))
    body = await read_body(response, max_bytes)
    etag = response.headers.get("etag", "").strip()
    control = {part.strip().lower() for part in response.headers.get("cache-control", "").split(",")}
    return SourceResponse(
        body,
        etag=etag if _ETAG.fullmatch(etag) else None,
        storable="no-store" not in control,
    )


def is_json(label: str) -> bool:
    """Whether a Content-Type is one of JSON."""
    kind = label.split(";")[0].strip().lower()
    # The last is FHIR's label of before STU3, which some servers of R4 still use.
    return kind.endswith("+json") or kind in ("application/json", "text/json", "application/json+fhir")


def check_content_type(label: str) -> None:
    """UnusableResponseError where a Content-Type is not that of FHIR R4 in JSON."""
    if not is_json(label):
        html = "html" in label.lower()
        raise UnusableResponseError("an answer is HTML, not FHIR" if html else "an answer is not labelled as JSON")
    for parameter in label.split(";")[1:]:
        name, _, value = parameter.partition("=")
        version = value.strip().strip('"')
        if name.strip().lower() == "fhirversion" and not version.startswith("4."):
            raise UnusableResponseError("an answer is labelled as another version of FHIR than R4")


def redirect_target(response: httpx.Response, method: str, address: httpx.URL, base_url: str) -> httpx.URL | None:
    """Where an answer sends us, if it does: within the source only (UnusableResponseError)."""
    status = response.status_code
    if status not in _REDIRECTS:
        return None
    if method != "GET":
        raise UnusableResponseError(f"it redirects ({status}) what was posted, which is not followed")
    following = resolve_link(address, response.headers.get("location", ""))
    if following is None:
        raise UnusableResponseError(f"it redirects ({status}) to what is no address")
    if not is_within(following, base_url):
        raise UnusableResponseError(f"it redirects ({status}) out of the source, which is not followed")
    return following

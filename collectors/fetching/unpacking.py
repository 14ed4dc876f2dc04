"""The body of an answer, unpacked as it comes, and never beyond the size that is allowed."""

import zlib

import httpx

PACKED = "gzip"
"""The one packing that is asked for."""

_GZIP = zlib.MAX_WBITS | 16


class UnfitError(Exception):
    """An answer that is of no use, and why: never leaves this folder, since it does not name the source."""


class Unpacker:
    """Takes a body in parts: plain, or packed as ``encoding`` says.  ``most`` bytes of it may come out (UnfitError)."""

    def __init__(self, encoding: str, most: int) -> None:
        if encoding not in ("", "identity", PACKED, "x-gzip"):
            # Each layer of packing may swell a thousandfold.
            raise UnfitError("an answer is encoded in a way that was not asked for, or more than once")
        self._packed = encoding not in ("", "identity")
        self._zlib = zlib.decompressobj(_GZIP)
        self._most = most
        self._body = bytearray()
        self._came = 0
        self._begun = False

    def take(self, part: bytes) -> None:
        """The next part, as it came over the wire."""
        if not self._packed:
            self._body += part
            self._check()
            return
        self._came += len(part)
        if self._came > self._most:
            # Packings of nothing, one after the other, never come to an end.
            raise UnfitError(f"an answer is larger than {self._most} bytes, packed")
        while part:
            if self._zlib.eof:
                self._zlib = zlib.decompressobj(_GZIP)
            self._begun = True
            try:
                # No more is unpacked than shows that it is too much.
                self._body += self._zlib.decompress(part, self._most - len(self._body) + 1)
            except zlib.error:
                raise UnfitError("an answer cannot be decoded") from None
            self._check()
            part = self._zlib.unconsumed_tail or self._zlib.unused_data

    def finish(self) -> bytes:
        """All of it."""
        if self._begun and not self._zlib.eof:
            raise UnfitError("an answer ends before it is complete")
        return bytes(self._body)

    def _check(self) -> None:
        if len(self._body) > self._most:
            raise UnfitError(f"an answer is larger than {self._most} bytes")


async def read_body(response: httpx.Response, most: int) -> bytes:
    """The body of an answer whose head has come (UnfitError); one that says it is too large is not read at all."""
    declared = response.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and len(declared) < 20 and int(declared) > most:
        raise UnfitError(f"an answer is larger than {most} bytes")
    unpacker = Unpacker(response.headers.get("content-encoding", "").strip().lower(), most)
    if response.is_stream_consumed:
        # A transport that is not a network gives its answers whole, and unpacked.
        if len(response.content) > most:
            raise UnfitError(f"an answer is larger than {most} bytes")
        return response.content
    async for part in response.aiter_raw():
        unpacker.take(part)
    return unpacker.finish()

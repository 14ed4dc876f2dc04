"""Responses: which media types are FHIR R4 in JSON; packed content is unpacked rightly and within the limit."""

import gzip
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.fetching.response import Decompressor, UnusableResponseError, check_content_type

TAKEN = (
    "application/fhir+json",
    "Application/FHIR+JSON; charset=UTF-8",
    'application/fhir+json; fhirVersion="4.0"',
    "application/json",
    "application/json+fhir;charset=utf-8",
    "text/json",
)
REFUSED = {
    "text/html": "HTML",
    "application/fhir+xml": "not labelled as JSON",
    "application/xml+fhir": "not labelled as JSON",
    "": "not labelled as JSON",
    "application/fhir+json; fhirVersion=5.0": "another version",
}


@pytest.mark.parametrize("label", TAKEN)
def test_taken(label: str) -> None:
    check_content_type(label)


@pytest.mark.parametrize("label", REFUSED)
def test_refused(label: str) -> None:
    with pytest.raises(UnusableResponseError, match=REFUSED[label]):
        check_content_type(label)


MOST = 100_000


def unpack(encoding: str, content: bytes, size: int, most: int = MOST) -> bytes:
    unpacker = Decompressor(encoding, most)
    for first in range(0, len(content), size):
        unpacker.feed(content[first : first + size])
    return unpacker.finish()


@given(st.lists(st.binary(max_size=300), max_size=4), st.integers(1, 50), st.sampled_from(["gzip", "x-gzip"]))
def test_any_members_in_any_parts(members: list[bytes], size: int, encoding: str) -> None:
    packed = b"".join(gzip.compress(member) for member in members)
    assert unpack(encoding, packed, size) == b"".join(members)


@given(st.binary(max_size=300), st.integers(1, 50), st.sampled_from(["", "identity"]))
def test_what_is_not_packed_is_as_it_came(content: bytes, size: int, encoding: str) -> None:
    assert unpack(encoding, content, size) == content


@pytest.mark.parametrize("encoding", ["gzip", ""])
@pytest.mark.parametrize(("length", "fits"), [(MOST, True), (MOST + 1, False)])
def test_the_limit_is_exact(encoding: str, length: int, fits: bool) -> None:
    content = gzip.compress(b" " * length) if encoding else b" " * length
    if fits:
        assert len(unpack(encoding, content, 1_000)) == length
    else:
        with pytest.raises(UnusableResponseError, match="larger than 100000 bytes"):
            unpack(encoding, content, 1_000)


def test_a_bomb_takes_no_more_memory_than_the_limit() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(UnusableResponseError):
            unpack("gzip", bomb, len(bomb))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * MOST


def test_packings_of_nothing_come_to_an_end() -> None:
    nothing = gzip.compress(b"")
    assert unpack("gzip", nothing * 100, 1_000) == b""
    with pytest.raises(UnusableResponseError, match="packed"):
        unpack("gzip", nothing * (MOST // len(nothing) + 1), 1_000)


@given(st.binary(min_size=1, max_size=300), st.integers(1, 20))
def test_what_ends_too_early_is_refused(content: bytes, missing: int) -> None:
    packed = gzip.compress(content)
    with pytest.raises(UnusableResponseError):
        unpack("gzip", packed[:-missing] or b"\x1f", 10)


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "compress"])
def test_other_packings_are_refused(encoding: str) -> None:
    with pytest.raises(UnusableResponseError, match="encoded in a way that was not asked for"):
        Decompressor(encoding, MOST)

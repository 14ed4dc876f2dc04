"""Token endpoints and SMART configurations that mean harm: bombs, other hosts, tokens that are none."""

import gzip
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from collectors.errors import AuthorisationError, CollectorError, SourceAnswerError
from tests.support.authorisation_server import BASE, TOKEN_URL, AuthServer, make_registration

MEGABYTE = 1024 * 1024


class Sent(httpx.AsyncByteStream):
    """A body as it comes over a wire: unread, in one part."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


def packed(body: bytes, encoding: str = "gzip") -> httpx.Response:
    return httpx.Response(200, headers={"content-encoding": encoding}, stream=Sent(body))


@pytest.mark.parametrize(
    ("body", "encoding", "word"),
    [
        (gzip.compress(b" " * 64 * MEGABYTE), "gzip", "larger"),
        (gzip.compress(gzip.compress(b" " * 64 * MEGABYTE)), "gzip, gzip", "more than once"),
        (gzip.compress(b"{}", mtime=0)[:-9], "gzip", "before it is complete"),
        (b"no gzip", "gzip", "decoded"),
        (gzip.compress(b"") * 20_000, "gzip", "larger"),
        (b"{}", "br", "not asked for"),
    ],
)
async def test_a_packed_answer_is_unpacked_no_further_than_allowed(body: bytes, encoding: str, word: str) -> None:
    access = AuthServer(packed(body, encoding)).access()
    tracemalloc.start()
    try:
        with pytest.raises(SourceAnswerError, match=word):
            await access.headers()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * MEGABYTE


async def test_a_packed_token_is_read() -> None:
    said = b'{"access_token": "tok-1", "token_type": "bearer", "expires_in": 300}'
    assert await AuthServer(packed(gzip.compress(said))).access().headers() == {"Authorization": "Bearer tok-1"}


@pytest.mark.parametrize(
    "more",
    [
        {"access_token": "tok\r\nX-Forwarded-User: admin"},
        {"access_token": "tok\n"},
        {"access_token": "tök"},
        {"access_token": "a" * 20_000},
        {"access_token": ["tok"]},
        {"access_token": ""},
        {"expires_in": -1},
        {"expires_in": 0},
        {"expires_in": 1e400},
        {"expires_in": "NaN"},
        {"expires_in": "-5"},
        {"expires_in": True},
        {"expires_in": "9" * 5_000},
        {"token_type": "mac"},
    ],
)
async def test_what_is_no_token_for_a_while_is_refused(more: dict[str, Any]) -> None:
    given = {"access_token": "tok-1", "token_type": "bearer", "expires_in": 300, **more}
    content = str(given).replace("'", '"').replace("True", "true").replace("inf", "1e400").encode()
    with pytest.raises(SourceAnswerError) as error:
        await AuthServer(httpx.Response(200, content=content)).access().headers()
    assert "admin" not in str(error.value)


@pytest.mark.parametrize("content", [b'{"expires_in": NaN}', b"[" * 100_000, b"null", b"\xff\xfe", b'{"a":1}{"b":2}'])
async def test_what_is_no_json_object_is_refused(content: bytes) -> None:
    with pytest.raises(SourceAnswerError):
        await AuthServer(httpx.Response(200, content=content)).access().headers()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["https://evil.example/token", "http://169.254.169.254/latest", f"{TOKEN_URL}/2"])
async def test_an_assertion_is_never_sent_on(status: int, where: str) -> None:
    server = AuthServer(httpx.Response(status, headers={"location": where}))
    with pytest.raises(SourceAnswerError):
        await server.access().headers()
    assert [str(request.url) for request in server.requests] == [TOKEN_URL]


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evil.example/token",
        "//evil.example/token",
        "http://ehr.example/token",
        "http://169.254.169.254/latest/meta-data",
        "https://ehr.example:8443/token",
        "https://user:secret@ehr.example/token",
        "https://ehr.example@evil.example/token",
        "https://ehr.example.evil.example/token",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://xn--/token",
        "https://[::1/token",
        "https://ehr.example:99999/token",
        "\x00",
        "https://ehr.example/\r\nX: y",
    ],
)
async def test_the_endpoint_that_a_source_names_is_its_own(endpoint: str) -> None:
    assert BASE.startswith("https://")
    answer = httpx.Response(200, json={"token_endpoint": endpoint.replace("ehr.example", httpx.URL(BASE).host)})
    server = AuthServer(discovery=answer)
    with pytest.raises((AuthorisationError, SourceAnswerError)) as error:
        await server.access(make_registration(token_url=None)).headers()
    assert isinstance(error.value, CollectorError)
    assert all(request.method == "GET" for request in server.requests)
    assert "evil" not in str(error.value)

"""A source that refuses: one more try with another token where there is one, and what is told where there is none."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from collectors.errors import AuthorisationError, SourceRefusedError, SourceUnreachableError
from collectors.fetching import transport
from collectors.fetching.access import Access, CallerAccess, NoAccess
from collectors.fetching.transport import Transport
from tests.support.authorisation_server import BASE, SOURCE, TOKEN_URL, AuthServer

ADDRESS = httpx.URL(f"{BASE}/Observation")
FHIR = {"content-type": "application/fhir+json"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_FIRST_BACKOFF", 0.001)


class Ehr:
    """Takes some tokens and refuses the others; keeps what it was sent."""

    def __init__(self, *taken: str, status: int = 401) -> None:
        self.taken = taken
        self.status = status
        self.sent: list[str | None] = []

    def over(self, access: Access) -> Transport:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        return Transport(http, SOURCE, asyncio.Semaphore(1), access)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request.headers.get("authorization"))
        if self.sent[-1] in self.taken:
            return httpx.Response(200, content=b"{}", headers=FHIR)
        return httpx.Response(self.status, json={"resourceType": "OperationOutcome"})


def bearer(*numbers: int) -> list[str]:
    return [f"Bearer tok-{number}" for number in numbers]


async def test_a_token_that_was_revoked_is_renewed_and_the_request_sent_again() -> None:
    ehr, server = Ehr("Bearer tok-2"), AuthServer()
    assert await ehr.over(server.access()).get(ADDRESS) == (b"{}", 2)
    assert ehr.sent == bearer(1, 2)


async def test_a_request_that_sends_something_is_sent_again_whole() -> None:
    ehr, server = Ehr("Bearer tok-2"), AuthServer()
    assert await ehr.over(server.access()).post(ADDRESS, b"{}") == (b"{}", 2)


async def test_many_at_once_renew_once() -> None:
    ehr, server = Ehr("Bearer tok-2"), AuthServer()
    transport_ = ehr.over(server.access())
    answers = await asyncio.gather(*(transport_.get(ADDRESS) for _ in range(5)))
    assert [body for body, _ in answers] == [b"{}"] * 5
    assert server.given == 2


async def test_a_new_token_refused_too_is_the_end() -> None:
    ehr, server = Ehr(), AuthServer()
    with pytest.raises(SourceRefusedError, match=r"not permitted \(401\): it accepts no token .* check backend.scope"):
        await ehr.over(server.access()).get(ADDRESS)
    assert ehr.sent == bearer(1, 2)


CASES: list[tuple[Callable[[], Access], int, str]] = [
    (lambda: AuthServer().access(), 403, "the client may not read this; check backend.scope"),
    (lambda: CallerAccess("tok-1", "s"), 401, "the caller's token has expired .* get a new one and ask again"),
    (lambda: CallerAccess("tok-1", "s"), 403, "the caller's token does not allow this"),
    (NoAccess, 401, 'set auth to "caller" or "backend"'),
    (NoAccess, 403, 'set auth to "caller" or "backend"'),
]


@pytest.mark.parametrize(("access", "status", "says"), CASES)
async def test_a_refusal_says_what_to_do_and_is_not_tried_again(
    access: Callable[[], Access], status: int, says: str
) -> None:
    ehr = Ehr(status=status)
    with pytest.raises(SourceRefusedError, match=rf"source ehr: the request is not permitted \({status}\): .*{says}"):
        await ehr.over(access()).get(ADDRESS)
    assert len(ehr.sent) == 1


async def test_without_a_token_of_our_own_nothing_is_sent() -> None:
    refused = httpx.Response(400, json={"error": "invalid_client"})
    away = httpx.ConnectError("away")
    for told, error in ((refused, AuthorisationError), (away, SourceUnreachableError)):
        ehr = Ehr()
        with pytest.raises(error):
            await ehr.over(AuthServer(told).access()).get(ADDRESS)
        assert ehr.sent == []


async def test_a_renewal_that_fails_says_why() -> None:
    ehr, server = Ehr(), AuthServer()
    access = server.access()
    await access.headers()
    server.answers = [httpx.Response(400, json={"error": "unauthorized_client"})]
    with pytest.raises(AuthorisationError, match="unauthorized_client"):
        await ehr.over(access).get(ADDRESS)


async def test_a_token_goes_to_the_source_only() -> None:
    ehr = Ehr("Bearer tok-1")
    server = AuthServer()
    await ehr.over(server.access()).get(ADDRESS)
    assert [str(request.url) for request in server.requests] == [TOKEN_URL]
    assert "authorization" not in server.requests[0].headers

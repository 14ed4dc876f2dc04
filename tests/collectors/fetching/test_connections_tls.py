"""Certificates against a real server over TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from collectors.auth.backend import BackendAccess
from collectors.errors import SourceUnreachableError
from collectors.fetching import transport
from collectors.fetching.client import Client
from collectors.fetching.connections import HttpClients
from collectors.fetching.transport import Transport
from collectors.settings import Source, Tls
from tests.support.authorisation_server import AuthServer, make_registration
from tests.support.certificates import DAY, authority, issue_certificate, serve_over_tls


@dataclass
class Site:
    """A FHIR server that wants a certificate, and who may ask it."""

    base_url: str
    ca: Path
    known: tuple[Path, Path]
    stranger: tuple[Path, Path]
    cookies: list[str | None]

    def source(self, tls: Tls | None, **more: Any) -> Source:
        return Source(id="lab", base_url=self.base_url, tls=tls, timeout=5, **more)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    seen: list[str | None] = []

    async def search(request: Request) -> Response:
        seen.append(request.headers.get("cookie"))
        answer = JSONResponse({"resourceType": "Bundle", "type": "searchset"}, media_type="application/fhir+json")
        answer.set_cookie("session", "of-the-first-caller")
        return answer

    ours, theirs = authority(tmp_path, "ours"), authority(tmp_path, "theirs")
    app = Starlette(routes=[Route("/fhir/Patient", search)])
    async with serve_over_tls(app, issue_certificate(ours, tmp_path, "server"), ours) as url:
        yield Site(
            f"{url}/fhir",
            ours.file,
            issue_certificate(ours, tmp_path, "known"),
            issue_certificate(theirs, tmp_path, "stranger"),
            seen,
        )


async def ask(source: Source, times: int = 1) -> None:
    async with HttpClients() as clients:
        client = Client(source, Transport(clients.client_for(source), source, asyncio.Semaphore(2)))
        for _ in range(times):
            await client.search("Patient", (("_id", "p1"),))


async def test_our_certificate_is_shown_and_theirs_is_checked(site: Site) -> None:
    await ask(site.source(Tls(*site.known, site.ca)))
    assert site.cookies == [None]


async def test_a_certificate_and_its_key_in_one_file(site: Site, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_text(site.known[0].read_text() + site.known[1].read_text())
    await ask(site.source(Tls(both, None, site.ca)))


REFUSED = "it does not accept our certificate, or requires one|the connection fails"


@pytest.mark.parametrize("who", ["nobody", "a stranger", "known, but trusts the public authorities only", "no tls"])
async def test_without_the_right_certificates_there_is_no_connection(
    site: Site, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_FIRST_BACKOFF", 0.001)
    tls = {
        "nobody": Tls(ca_file=site.ca),
        "a stranger": Tls(*site.stranger, site.ca),
        "known, but trusts the public authorities only": Tls(*site.known),
        "no tls": None,
    }[who]
    # Whom it does not know it may tell so, or break off the connection.
    strange = who in ("nobody", "a stranger")
    told = REFUSED if strange else "its certificate, or its authority's, is from an authority that is not trusted here"
    with pytest.raises(SourceUnreachableError, match=f"source lab: ({told})"):
        await ask(site.source(tls))
    assert site.cookies == []


async def test_no_session_of_a_source_is_kept(site: Site) -> None:
    await ask(site.source(Tls(*site.known, site.ca)), times=2)
    assert site.cookies == [None, None]


async def test_a_client_for_each_identity(site: Site) -> None:
    async with HttpClients() as clients:
        plain, other = site.source(None), Source(id="b", base_url="https://b.example/fhir")
        assert clients.client_for(plain) is clients.client_for(other)
        certified = site.source(Tls(*site.known, site.ca))
        assert clients.client_for(certified) is clients.client_for(certified) is not clients.client_for(plain)
        assert clients.client_for(site.source(Tls(ca_file=site.ca))) not in (
            clients.client_for(certified),
            clients.client_for(plain),
        )


async def test_a_token_is_asked_for_with_the_certificate_too(tmp_path: Path) -> None:
    given = AuthServer()

    async def token(request: Request) -> Response:
        assert "client_assertion=" in (await request.body()).decode()
        return Response(given.token().content, media_type="application/json")

    ca = authority(tmp_path)
    app = Starlette(routes=[Route("/token", token, methods=["POST"])])
    async with serve_over_tls(app, issue_certificate(ca, tmp_path, "server"), ca) as url, HttpClients() as clients:
        source = Source(
            id="lab", base_url=f"{url}/fhir", tls=Tls(*issue_certificate(ca, tmp_path, "client"), ca.file), timeout=5
        )
        access = BackendAccess(clients.client_for(source), source, make_registration(token_url=f"{url}/token"))
        assert await access.headers() == {"Authorization": "Bearer tok-1"}


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("server expired", "its certificate, or its authority's, has expired"),
        ("authority expired", "its certificate, or its authority's, has expired"),
        ("other host", "is for another host; check base_url"),
        ("client expired", "it does not accept our certificate|the connection( for authorisation)? fails"),
    ],
)
async def test_what_is_wrong_with_a_certificate_is_said_and_nothing_out_of_it(
    fault: str, told: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_FIRST_BACKOFF", 0.001)
    past = timedelta(hours=-1)
    ca = authority(tmp_path, until=past if fault == "authority expired" else DAY)
    host = "127.0.0.2" if fault == "other host" else "127.0.0.1"
    theirs = issue_certificate(ca, tmp_path, "server", past if fault == "server expired" else DAY, host)
    ours = issue_certificate(ca, tmp_path, "client", past if fault == "client expired" else DAY)
    asked: list[str] = []

    async def answer(request: Request) -> Response:
        asked.append(request.url.path)
        return JSONResponse({"resourceType": "Bundle", "type": "searchset"}, media_type="application/fhir+json")

    app = Starlette(routes=[Route("/fhir/Patient", answer), Route("/token", answer, methods=["POST"])])
    async with serve_over_tls(app, theirs, ca) as url, HttpClients() as clients:
        source = Source(id="lab", base_url=f"{url}/fhir", tls=Tls(*ours, ca.file), timeout=5)
        access = BackendAccess(clients.client_for(source), source, make_registration(token_url=f"{url}/token"))
        for attempt in (partial(ask, source), access.headers):
            with pytest.raises(SourceUnreachableError, match=told) as error:
                await attempt()
            assert "PRIVATE" not in str(error.value) and url not in str(error.value)
            assert error.value.__cause__ is None
    assert asked == []
    assert ("our certificate has expired; renew it" in caplog.text) == (fault == "client expired")


@pytest.mark.parametrize("own", [True, False], ids=["own authority", "public authorities"])
async def test_no_older_tls_than_1_2_is_spoken_and_certificates_are_checked(tmp_path: Path, own: bool) -> None:
    """SMART-230, SMART-232, SMART-318."""
    tls = Tls(ca_file=authority(tmp_path, "ours").file) if own else None
    clients = HttpClients()
    client: Any = clients.client_for(Source(id="lab", base_url="https://lab.example/fhir", tls=tls))
    context = client._transport._pool._ssl_context
    await clients.aclose()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)

"""A token of our own: asked for rightly, kept while it holds, and got anew where it is refused."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import jwt
import pytest

from collectors.auth.backend import REFUSAL_PAUSE
from collectors.errors import AuthorisationError, SourceAnswerError, SourceUnreachableError
from tests.support.authorisation_server import (
    BASE,
    SOURCE,
    TOKEN_URL,
    AuthServer,
    ec_key,
    form,
    make_registration,
    rsa_key,
    verified_claims,
)

DISCOVERY = f"{BASE}/.well-known/smart-configuration"


def bearer(number: int) -> dict[str, str]:
    return {"Authorization": f"Bearer tok-{number}"}


@pytest.mark.parametrize("kind", ["RSA", "EC"])
async def test_the_request_is_as_smart_wants_it(kind: str) -> None:
    """SMART-143, SMART-233, SMART-234, SMART-235, SMART-236, SMART-237, SMART-238, SMART-264, SMART-307,
    SMART-308, SMART-309, SMART-317, SMART-320, SMART-321, SMART-322, SMART-323, SMART-327, SMART-328,
    SMART-329, SMART-330, SMART-331, SMART-333, SMART-334.
    """
    server = AuthServer()
    access = server.access(make_registration(kind))
    assert await access.headers() == bearer(1)
    (request,) = server.requests
    assert (request.method, str(request.url)) == ("POST", TOKEN_URL)
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in request.headers
    sent = form(request)
    assertion = sent.pop("client_assertion")
    assert sent == {
        "grant_type": "client_credentials",
        "scope": "system/*.rs",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    algorithm = "RS384" if kind == "RSA" else "ES384"
    assert jwt.get_unverified_header(assertion) == {"alg": algorithm, "kid": "key-1", "typ": "JWT"}
    claims = verified_claims(assertion, rsa_key() if kind == "RSA" else ec_key(), algorithm)
    assert len(claims.pop("jti")) >= 32
    assert claims == {"iss": "medtwin-client", "sub": "medtwin-client", "aud": TOKEN_URL, "exp": 1_800_000_240}


async def test_where_our_keys_are_published_is_said_where_it_was_registered() -> None:
    """SMART-325."""
    server = AuthServer()
    await server.access(make_registration(jku="https://cds.example/jwks.json")).headers()
    header = jwt.get_unverified_header(form(server.requests[0])["client_assertion"])
    assert header["jku"] == "https://cds.example/jwks.json"


async def test_no_assertion_is_sent_twice() -> None:
    """SMART-319, SMART-332."""
    server = AuthServer(lifetime=10)
    access = server.access()
    for _ in range(3):
        await access.headers()
        server.clock += 10
    sent = [form(request)["client_assertion"] for request in server.requests]
    identifiers = {jwt.decode(each, options={"verify_signature": False})["jti"] for each in sent}
    assert len(sent) == len(identifiers) == 3


@pytest.mark.parametrize(
    ("lifetime", "passed", "asked"),
    [(300, 269, 1), (300, 270, 2), ("300", 269, 1), (10, 7.9, 1), (10, 8, 2), (1e9, 86_300, 1), (1e9, 86_400, 2)],
)
async def test_a_token_is_kept_until_shortly_before_it_expires(lifetime: object, passed: float, asked: int) -> None:
    server = AuthServer(lifetime=lifetime)
    access = server.access()
    await access.headers()
    server.clock += passed
    assert await access.headers() == bearer(asked)
    assert len(server.requests) == asked


async def test_searches_that_go_at_once_ask_for_one_token() -> None:
    server = AuthServer()
    access = server.access()
    assert await asyncio.gather(*(access.headers() for _ in range(8))) == [bearer(1)] * 8
    assert len(server.requests) == 1


async def test_who_gives_up_waiting_does_not_take_the_token_from_others() -> None:
    server = AuthServer()
    access = server.access()
    first, second = asyncio.ensure_future(access.headers()), asyncio.ensure_future(access.headers())
    await asyncio.sleep(0)
    first.cancel()
    assert await second == bearer(1)


async def test_a_refused_token_is_renewed_once_for_all_who_had_it() -> None:
    server = AuthServer()
    access = server.access()
    old = await access.headers()
    assert await asyncio.gather(*(access.renew(old) for _ in range(5))) == [True] * 5
    assert await access.headers() == bearer(2)
    assert len(server.requests) == 2
    # Who comes late with the old one is told of the new one; the new one refused too is the end of it.
    assert await access.renew(old)
    assert not await access.renew(bearer(2))
    server.clock += REFUSAL_PAUSE
    assert await access.renew(bearer(2))
    assert len(server.requests) == 3


async def test_the_same_token_again_is_no_renewal() -> None:
    server = AuthServer(*[httpx.Response(200, json=OK), httpx.Response(200, json=OK)])
    access = server.access()
    assert not await access.renew(await access.headers())


OK = {"access_token": "t", "token_type": "Bearer", "expires_in": 60}


def said(status: int = 400, **content: Any) -> httpx.Response:
    return httpx.Response(status, json=content)


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (
            said(error="invalid_client", error_description="hunter2"),
            AuthorisationError,
            r"invalid_client\): check back",
        ),
        (said(401, error="invalid_client"), AuthorisationError, "invalid_client"),
        (said(error="invalid_scope"), AuthorisationError, "grants this client none of backend.scope"),
        (said(error="unauthorized_client"), AuthorisationError, "not registered for the client_credentials grant"),
        (said(error="unsupported_grant_type"), AuthorisationError, "does not offer"),
        (said(error="invalid_grant"), AuthorisationError, "does not accept the assertion"),
        (said(error="invalid_request"), AuthorisationError, "malformed"),
        (said(error="hunter2"), SourceAnswerError, "answers 400 without a token"),
        (said(error=["hunter2"]), SourceAnswerError, "answers 400 without a token"),
        (said(error="temporarily_unavailable"), SourceUnreachableError, "cannot answer now"),
        (said(403), AuthorisationError, r"refuses this client \(403\)"),
        (said(404), SourceAnswerError, "answers 404"),
        (said(429), SourceUnreachableError, r"\(429\)"),
        (said(500, error="x"), SourceUnreachableError, r"\(500\)"),
        (httpx.Response(500, html="<p>hunter2</p>"), SourceUnreachableError, r"\(500\)"),
        (httpx.Response(302, headers={"location": "https://evil.example/"}), SourceAnswerError, "answers 302"),
        (httpx.Response(200, html="<p>hunter2</p>"), SourceAnswerError, "something else than a JSON object"),
        (httpx.Response(200, content=b"[" * 9000), SourceAnswerError, "something else than a JSON object"),
        (httpx.Response(200, content=b" " * 300_000), SourceAnswerError, "larger than"),
        (httpx.Response(200, json=["hunter2"]), SourceAnswerError, "something else than a JSON object"),
        (said(200, token_type="bearer", expires_in=60), SourceAnswerError, "no token that can be sent"),
        (said(200, **{**OK, "access_token": "hunter2\r\nX: y"}), SourceAnswerError, "no token that can be sent"),
        (said(200, **{**OK, "access_token": ""}), SourceAnswerError, "no token that can be sent"),
        (said(200, **{**OK, "access_token": {"hunter2": 1}}), SourceAnswerError, "no token that can be sent"),
        (said(200, **{**OK, "token_type": "DPoP"}), SourceAnswerError, "no bearer token"),
        (said(200, access_token="hunter2", expires_in=60), SourceAnswerError, "no bearer token"),
        (said(200, access_token="hunter2", token_type="bearer"), SourceAnswerError, "expires_in"),
        (said(200, **{**OK, "expires_in": 0}), SourceAnswerError, "expires_in"),
        (said(200, **{**OK, "expires_in": -5}), SourceAnswerError, "expires_in"),
        (said(200, **{**OK, "expires_in": True}), SourceAnswerError, "expires_in"),
        (said(200, **{**OK, "expires_in": "soon"}), SourceAnswerError, "expires_in"),
        (httpx.ConnectError("hunter2"), SourceUnreachableError, "connection for authorisation fails"),
        (httpx.ReadTimeout("hunter2"), SourceUnreachableError, "no answer in time"),
        (httpx.RemoteProtocolError("hunter2"), SourceUnreachableError, "connection for authorisation fails"),
    ],
)
async def test_what_an_endpoint_says_instead_of_a_token(
    answer: httpx.Response | Exception, error: type[Exception], says: str
) -> None:
    server = AuthServer(answer)
    access = server.access()
    with pytest.raises(error, match=f"^source ehr: .*{says}") as caught:
        await access.headers()
    assert type(caught.value) is error
    assert "hunter2" not in repr(caught.value)
    assert "example" not in str(caught.value)
    # The next search of the same question does not ask again; one after a while does, and gets its token.
    with pytest.raises(error, match=says):
        await access.headers()
    assert len(server.requests) == 1
    server.clock += REFUSAL_PAUSE
    assert await access.headers() == bearer(1)


async def test_an_endpoint_that_does_not_answer_is_not_waited_for() -> None:
    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    access = AuthServer(never).access(source=replace(SOURCE, timeout=0.01))
    with pytest.raises(SourceUnreachableError, match="no answer in time"):
        await access.headers()


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("https://ehr.example/oauth2/token", "https://ehr.example/oauth2/token"),
        ("https://ehr.example:443/token", "https://ehr.example:443/token"),
        ("token", "https://ehr.example/fhir/token"),
        ("/token?tenant=1", "https://ehr.example/token?tenant=1"),
    ],
)
async def test_the_endpoint_is_discovered_once(named: str, expected: str) -> None:
    """SMART-226, SMART-227."""
    server = AuthServer(lifetime=10, discovery=httpx.Response(200, json={"token_endpoint": named}))
    access = server.access(make_registration(token_url=None))
    await access.headers()
    server.clock += 10
    assert await access.headers() == bearer(2)
    assert [request.method for request in server.requests] == ["GET", "POST", "POST"]
    asked, given, _ = server.requests
    assert (str(asked.url), asked.headers["accept"]) == (DISCOVERY, "application/json")
    assert given.url == httpx.URL(expected)
    assert verified_claims(form(given)["client_assertion"], ec_key(), "ES384", str(given.url))


async def test_an_endpoint_that_is_configured_is_not_looked_for() -> None:
    server = AuthServer()
    await server.access().headers()
    assert [request.method for request in server.requests] == ["POST"]


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (said(200, token_endpoint="https://evil.example/token"), AuthorisationError, "on another host"),
        (said(200, token_endpoint="//evil.example/token"), AuthorisationError, "on another host"),
        (said(200, token_endpoint="https://ehr.example:8443/token"), AuthorisationError, "on another host"),
        (said(200, token_endpoint="http://ehr.example/token"), AuthorisationError, "on another host"),
        (said(200, token_endpoint="https://u:p@ehr.example/token"), AuthorisationError, "on another host"),
        (said(200, token_endpoint="https://ehr.example.evil.example/token"), AuthorisationError, "on another host"),
        (said(200, token_endpoint="https://ehr.example:port/"), SourceAnswerError, "is no address"),
        (said(200, token_endpoint="https://xn--/token"), SourceAnswerError, "is no address"),
        (said(200, token_endpoint=["https://ehr.example/"]), SourceAnswerError, "names no token endpoint"),
        (said(200), SourceAnswerError, "names no token endpoint; set backend.token_url"),
        (httpx.Response(200, html="<p>hello</p>"), SourceAnswerError, "names no token endpoint"),
        (said(404), SourceAnswerError, "names no token endpoint"),
        (said(301), SourceAnswerError, "names no token endpoint"),
        (said(503), SourceUnreachableError, r"\(503\)"),
        (httpx.ConnectError("no"), SourceUnreachableError, "connection for authorisation fails"),
    ],
)
async def test_a_discovery_that_leads_nowhere_sends_no_assertion(
    answer: httpx.Response | Exception, error: type[Exception], says: str
) -> None:
    server = AuthServer(discovery=answer)
    with pytest.raises(error, match=says) as caught:
        await server.access(make_registration(token_url=None)).headers()
    assert "evil" not in str(caught.value)
    assert [request.method for request in server.requests] == ["GET"]


async def test_nothing_shows_a_token_or_a_key() -> None:
    server = AuthServer()
    access = server.access()
    await access.headers()
    shown = repr(vars(access))
    assert "tok-1" not in shown
    assert "RSAPrivateKey" not in shown and "EllipticCurvePrivateKey" not in shown
    assert "medtwin-client" not in access.scope


def test_what_stands_for_our_rights_changes_with_them() -> None:
    one = make_registration()
    changed = [replace(one, client_id="c"), replace(one, scope="system/*.read"), replace(one, token_url=None)]
    scopes = {AuthServer().access(each).scope for each in (one, make_registration("RSA"), *changed)}
    assert len(scopes) == 4 and all(scope.startswith("backend:") for scope in scopes)
